# SPDX-License-Identifier: MIT
"""The published experiment on a machine model: as many threads as CPUs, every switch through idle, under each scheme."""

import concurrent.futures
import json
import os
import pathlib
import subprocess
import tempfile

from command import Problem

# Nicholas Piggin, 2021-06-05, v4 4/4: about 1 M context switches/s with reference counting, 118 M with shootdown, on a
# 16-socket 192-core POWER8. Read here only to stand beside the prediction.
PUBLISHED = {"refcount": 1e6, "shootdown": 118e6}
PUBLISHED_RATIO = 118

SCHEMES = (
    "refcount",
    "refcount-packed",
    "shootdown",
    "shootdown-exitflush",
    "hazptr",
    "mailbox",
    "percpu",
    "nonlazy",
)
CPUS = (1, 2, 8, 16, 48, 96, 192, 384, 576, 768, 1152, 1536)
# Virtual time of a measurement. Whose switches wait, for a line or to leave a lazy mm, gets a longer one for its few; the
# others make a hundred switches on each CPU in the short one, all alike.
WINDOW = "2us"
LONG_WINDOW = "20us"
WAITING = ("refcount", "refcount-packed", "nonlazy")
# What every latency of the model is multiplied by, besides 1.
BAND = (0.5, 2.0)


class HeadlineError(Problem):
    """A simulation that did not run; one line."""


def simulate(binary, machine, schemes, cpus, scale, out):
    """Simulates, and leaves the records in `out`."""
    command = [str(binary), "sim", "--machine", machine, "--workload", "idle", "--scheme", ",".join(schemes)]
    window = LONG_WINDOW if set(schemes) & set(WAITING) else WINDOW
    command += ["--cpus", ",".join(map(str, cpus)), "--scale", str(scale), "--window", window, "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise HeadlineError(done.stderr.strip() or f"{' '.join(command)}: status {done.returncode}")


def rates(path):
    """{(scheme, cpus): switches per second} of a record file."""
    records = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))["benchmarks"]
    return {(r["mmscale"]["scheme"], r["mmscale"]["cpus"]): r["switches_per_second"] for r in records}


def run(binary, machine, out, schemes=SCHEMES, cpus=CPUS, band=BAND):
    """All schemes at all CPU counts, and refcount and shootdown at the largest under scaled latencies; a process for each
    scheme, as many at a time as there are cores. Returns (rates, {scale: rates})."""
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        jobs = [(1.0, scheme, cpus, out / f"{scheme}.json") for scheme in schemes]
        jobs += [
            (scale, scheme, cpus[-1:], pathlib.Path(scratch) / f"{scheme}-{scale}.json")
            for scale in band
            for scheme in PUBLISHED
        ]
        with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            list(pool.map(lambda job: simulate(binary, machine, [job[1]], job[2], job[0], job[3]), jobs))
        everything, scaled = {}, {scale: {} for scale in band}
        for scale, _, _, path in jobs:
            (everything if scale == 1.0 else scaled[scale]).update(rates(path))
    return everything, scaled


def ratio(values, cpus):
    """How many times refcount's rate shootdown's is."""
    return values["shootdown", cpus] / values["refcount", cpus]


def lines(machine, everything, scaled):
    """What is printed."""
    schemes = list(dict.fromkeys(scheme for scheme, _ in everything))
    counts = sorted({cpus for _, cpus in everything})
    most = counts[-1]
    width = max(map(len, schemes)) + 2
    text = [f"SIMULATED, not measured: {machine}, M switches/s, every switch through idle, all threads in one mm", ""]
    text.append("CPUs".rjust(6) + "".join(scheme.rjust(width) for scheme in schemes))
    for cpus in counts:
        cells = (f"~{everything[scheme, cpus] / 1e6:.2f}".rjust(width) for scheme in schemes)
        text.append(f"{cpus:6}" + "".join(cells))
    refcount, shootdown = (everything[scheme, most] / 1e6 for scheme in PUBLISHED)
    text += [
        "",
        f"{most} CPUs: refcount ~{refcount:.2f} M/s (published: about 1), shootdown ~{shootdown:.0f} M/s (published: 118)",
        f"ratio ~{ratio(everything, most):.0f}; published {PUBLISHED_RATIO}",
    ]
    for scale, values in sorted(scaled.items()):
        text.append(
            f"all latencies x {scale:g}: refcount ~{values['refcount', most] / 1e6:.2f} M/s, shootdown "
            f"~{values['shootdown', most] / 1e6:.0f} M/s, ratio ~{ratio(values, most):.0f}"
        )
    text += [
        "",
        "Only shared accesses and fences cost time in the model, no instructions: what touches nothing shared is too fast by",
        "whatever the kernel's own path takes, and so is every ratio to it. Refcount's own rate depends on the line alone.",
    ]
    return text
