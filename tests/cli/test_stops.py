# SPDX-License-Identifier: MIT
"""Whatever takes the CPU from a worker: no window counts of which it took more than a figure may be off by."""

import json
import random
import subprocess
import time

import injectors
import pytest
from conftest import windows

WINDOW = 0.05
# What a window may lose and count, and what the injector's own clock readings may be off by.
MAY_LOSE = 0.01
UNSURE = 0.0005
CAMPAIGN = ("bench", "--family", "floor", "--benchmark_filter=private", "--cpus", "1", "--window", "50ms", "--warm", "10ms")


def disturbed_campaign(binary, environment, tmp_path, inject, seconds, times):
    """Runs a campaign and disturbs it now and then. Its windows, and when it was disturbed: CLOCK_MONOTONIC, s."""
    path = tmp_path / "records.json"
    process = subprocess.Popen(
        [binary, *CAMPAIGN, "--reps", "1000", "--out", str(path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    intervals = []
    dice = random.Random(17)
    try:
        # A window has run: its threads are there.
        while not process.stderr.readline().startswith("["):
            assert process.poll() is None
        for _ in range(times):
            time.sleep(dice.uniform(0.02, 0.08))
            try:
                intervals.append(inject(process.pid, seconds))
            except injectors.Impossible as why:
                pytest.skip(str(why))
        time.sleep(0.2)
    finally:
        process.terminate()
        process.stderr.read()
        process.wait(timeout=30)
    return windows(json.loads(path.read_text())), intervals


def seconds_within(window, intervals, inject):
    """How much of a window lies within the intervals. Every window is pinned anew: only who is moved within it is away."""
    own = window["mmscale"]["per_cpu"][0]
    begin, end = own["start_ns"] / 1e9, own["end_ns"] / 1e9
    if inject is injectors.move:
        intervals = [(a, b) for a, b in intervals if begin < a]
    return sum(max(0, min(end, b) - max(begin, a)) for a, b in intervals), end - begin


# A stop lasts from begin to end but for what the injector's own calls take; the spinners and the quota leave the worker a
# part of the time.
@pytest.mark.parametrize(
    "inject, seconds, times, taken",
    [
        (injectors.stop, 0.001, 20, 0.9),
        (injectors.stop, 0.005, 15, 0.9),
        (injectors.stop, 0.02, 10, 0.9),
        (injectors.stop, 0.1, 6, 0.9),
        (injectors.move, 0.01, 10, 0.9),
        (injectors.freeze, 0.02, 8, 0.8),
        (injectors.spin, 0.15, 4, 0.1),
        (injectors.spin_fifo, 0.1, 4, 0.1),
        (injectors.throttle, 0.25, 3, 0.1),
    ],
    ids=lambda value: value.__name__ if callable(value) else str(value),
)
def test_no_window_that_was_disturbed_counts(binary, environment, tmp_path, inject, seconds, times, taken):
    ran, intervals = disturbed_campaign(binary, environment, tmp_path, inject, seconds, times)
    spoilt = 0
    for window in ran:
        within, length = seconds_within(window, intervals, inject)
        lost = within * taken - UNSURE
        if lost / length <= MAY_LOSE or (taken < 0.5 and within < length / 2):
            continue
        spoilt += 1
        assert window["valid"] == 0, (within, length, window)
        assert window["mmscale"]["invalid"]
    # A loaded machine may have had its windows elsewhere; then nothing was shown.
    if spoilt == 0:
        pytest.skip("no window was hit")


def test_a_clock_that_steps(mmscale, tmp_path):
    try:
        library = injectors.clock_that_steps(tmp_path)
    except injectors.Impossible as why:
        pytest.skip(str(why))
    path = tmp_path / "records.json"
    mmscale(*CAMPAIGN, "--reps", 20, "--out", path, env={"LD_PRELOAD": str(library)})
    ran = windows(json.loads(path.read_text()))
    assert len(ran) == 20
    # About 1,000 stamps in a window: a step, or two, in each. A window in which the clock went there and back is as long
    # as it says.
    for window in ran:
        own = window["mmscale"]["per_cpu"][0]
        off = abs(own["ran_ns"] - (own["end_ns"] - own["start_ns"])) / (own["end_ns"] - own["start_ns"])
        assert window["valid"] == 0 or off <= MAY_LOSE
    assert any("clock" in reason or "stood still" in reason for window in ran for reason in window["mmscale"]["invalid"])
