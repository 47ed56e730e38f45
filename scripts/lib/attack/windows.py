# SPDX-License-Identifier: MIT
"""Campaigns that are disturbed now and then while they run, and which of their windows counted all the same."""

import json
import random
import statistics
import subprocess
import time
from dataclasses import dataclass, field

from attack import injectors

# What a window may lose and count, and what the injector's own clock readings may be off by, s.
MAY_LOSE = 0.01
UNSURE = 0.0005
CAMPAIGN = ("bench", "--family", "floor", "--benchmark_filter=private", "--cpus", "1")


@dataclass(frozen=True)
class Disturbance:
    """taken: which part of its time, at least, it keeps a worker from its CPU."""

    inject: object
    seconds: float
    taken: float

    @property
    def name(self):
        return f"{self.inject.__name__} {self.seconds * 1e3:g} ms"


# A stop lasts from begin to end but for what the injector's own calls take; spinners and the quota leave the worker a part
# of the time.
DISTURBANCES = [
    Disturbance(injectors.stop, 0.001, 0.9),
    Disturbance(injectors.stop, 0.005, 0.9),
    Disturbance(injectors.stop, 0.02, 0.9),
    Disturbance(injectors.stop, 0.1, 0.9),
    Disturbance(injectors.move, 0.01, 0.9),
    Disturbance(injectors.freeze, 0.02, 0.8),
    Disturbance(injectors.spin, 0.15, 0.1),
    Disturbance(injectors.spin_fifo, 0.1, 0.1),
    Disturbance(injectors.throttle, 0.25, 0.1),
    Disturbance(injectors.sample, 0.15, 0.03),
    Disturbance(injectors.read, 0.15, 0.03),
]


@dataclass
class Outcome:
    """windows: all that ran. hit: those that lost more than MAY_LOSE. counted: of these, what counted. between: those that
    no disturbance came near; between_counted: of these, how many counted."""

    windows: int = 0
    hit: int = 0
    counted: list = field(default_factory=list)
    between: int = 0
    between_counted: int = 0

    def __iadd__(self, other):
        self.windows += other.windows
        self.hit += other.hit
        self.counted += other.counted
        self.between += other.between
        self.between_counted += other.between_counted
        return self


def disturbed(command, folder, disturbance, times, seed=17, environment=None):
    """Runs a campaign until it was disturbed so often; command: mmscale and what starts it. Raises injectors.Impossible."""
    path = folder / "records.json"
    process = subprocess.Popen(
        [*command, *CAMPAIGN, "--window", "50ms", "--warm", "10ms", "--reps", "100000", "--out", str(path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    intervals = []
    dice = random.Random(seed)
    try:
        # A window has run: its threads are there.
        while not process.stderr.readline().startswith("["):
            if process.poll() is not None:
                raise injectors.Impossible(f"the campaign ended with status {process.returncode}")
        for _ in range(times):
            time.sleep(dice.uniform(0.02, 0.08))
            before = time.monotonic()
            begin, end = disturbance.inject(process.pid, disturbance.seconds)
            intervals.append((before, begin, end, time.monotonic()))
        time.sleep(0.2)
    finally:
        process.terminate()
        process.stderr.read()
        process.wait(timeout=30)
    return judged(windows_of(path), intervals, disturbance)


def undisturbed(command, folder, reps):
    """Runs a campaign of short windows and leaves it alone; returns the Outcome and the windows."""
    path = folder / "records.json"
    subprocess.run([*command, *CAMPAIGN, "--window", "5ms", "--warm", "1ms", "--reps", str(reps), "--out", str(path)],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)  # fmt: skip
    ran = windows_of(path)
    return Outcome(len(ran), 0, [], len(ran), sum(w["valid"] != 0 for w in ran)), ran


def spread(ran):
    """Of windows that are left alone: the quartiles of the figures of those that count, ns; and how many were refused though
    their figure is within MAY_LOSE of the median."""
    counted = [one["ns_per_pair"] for one in ran if one["valid"]]
    if len(counted) < 2:
        return None, 0
    quartiles = statistics.quantiles(counted, n=4)
    refused = [one for one in ran if not one["valid"] and one.get("ns_per_pair")]
    return quartiles, sum(abs(one["ns_per_pair"] / quartiles[1] - 1) <= MAY_LOSE for one in refused)


def windows_of(path):
    return [one for one in json.loads(path.read_text())["benchmarks"] if one["run_type"] == "iteration"]


def judged(ran, intervals, disturbance):
    outcome = Outcome(len(ran))
    for window in ran:
        own = window["mmscale"]["per_cpu"][0]
        begin, end = own["start_ns"] / 1e9, own["end_ns"] / 1e9
        # Every window is pinned anew: only who is moved within it is away, and the injector may be kept from its CPU between
        # the move and its look at the clock.
        sure = [(a, b) for before, a, b, _ in intervals if disturbance.inject is not injectors.move or begin < before]
        within = sum(max(0, min(end, b) - max(begin, a)) for a, b in sure)
        lost = within * disturbance.taken - UNSURE
        if not any(a < end and begin < b for a, _, _, b in intervals):
            outcome.between += 1
            outcome.between_counted += window["valid"] != 0
        if lost / (end - begin) <= MAY_LOSE or (disturbance.taken < 0.5 and within < (end - begin) / 2):
            continue
        outcome.hit += 1
        if window["valid"] != 0 or not window["mmscale"]["invalid"]:
            outcome.counted.append((within, end - begin, window))
    return outcome
