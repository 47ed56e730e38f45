# SPDX-License-Identifier: MIT
"""The published experiment on a machine model: as many threads as CPUs, every switch through idle, under each scheme, with
what else a switch takes between two of them."""

import concurrent.futures
import csv
import os
import pathlib
import subprocess
import tempfile

from command import Problem
from records.document import read_document

# Nicholas Piggin, 2021-06-05, v4 4/4: about 1 M context switches/s with reference counting, 118 M with shootdown, on a
# 16-socket 192-core POWER8. Read here only to stand beside the prediction.
PUBLISHED = {"refcount": "about 1", "shootdown": "118"}
PUBLISHED_RATIO = 118
# Of which model that is, and of how many CPUs: beside any other stands no published figure.
PUBLISHED_OF = ("power8-16s", 1536)

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
# Virtual time of a measurement: some thirty switches of each CPU that waits for nobody, some hundred of all together where
# all wait for one line.
WINDOW = "200us"
# What every latency of the model is multiplied by, besides 1.
BAND = (0.5, 2.0)
# The rest of a switch comes from published switch costs of other machines, since none is published of this one; never from
# the figures that are to be predicted.
SWITCH_COSTS = pathlib.Path(__file__).with_name("published_switch_costs.csv")


class HeadlineError(Problem):
    """A simulation that did not run; one line."""


def rests():
    """{"low", "middle", "high": ns} of published switch costs."""
    with SWITCH_COSTS.open(encoding="utf-8") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return {row["use"]: float(row["per_switch_ns"]) for row in rows}


def simulate(binary, machine, scheme, cpus, scale, rest, out):
    """Simulates, and leaves the records in `out`; they say how, from the folder that this runs in, whosever that is."""
    command = [os.path.relpath(binary), "sim", "--machine", machine, "--workload", "idle", "--scheme", scheme]
    command += ["--cpus", ",".join(map(str, cpus)), "--scale", str(scale), "--window", WINDOW, "--out", str(out)]
    command += ["--rest-of-switch", str(rest), "--unsafe"]
    # Not by the path that is recorded: one without a slash would be looked for elsewhere.
    done = subprocess.run(command, executable=os.path.abspath(binary), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise HeadlineError(done.stderr.strip() or f"{' '.join(command)}: status {done.returncode}")


def rates(path):
    """{(scheme, cpus): switches per second} of a record file."""
    records = read_document(path)["benchmarks"]
    return {(r["mmscale"]["scheme"], r["mmscale"]["cpus"]): r["switches_per_second"] for r in records}


def run(binary, machine, out, schemes=SCHEMES, cpus=CPUS, band=BAND):
    """All schemes at all CPU counts with the middle rest of a switch, and refcount and shootdown at the largest under
    scaled latencies and with the other rests; a process for each, as many at a time as there are cores. Returns (rates,
    {(scale, which rest): rates})."""
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    rest = rests()
    varied = [(scale, "middle") for scale in band] + [(1.0, "low"), (1.0, "high")]
    varied += [(band[0], "high"), (band[1], "low")] if band else []
    with tempfile.TemporaryDirectory() as scratch:
        jobs = [((1.0, "middle"), scheme, cpus, out / f"{scheme}.json") for scheme in schemes]
        jobs += [
            (at, scheme, cpus[-1:], pathlib.Path(scratch) / f"{scheme}-{at[0]}-{at[1]}.json")
            for at in varied
            for scheme in PUBLISHED
        ]
        with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            list(
                pool.map(
                    lambda job: simulate(binary, machine, job[1], job[2], job[0][0], rest[job[0][1]], job[3]), jobs
                )
            )
        everything, other = {}, {at: {} for at in varied}
        for at, _, _, path in jobs:
            (other[at] if at in other else everything).update(rates(path))
    return everything, other


def ratio(values, cpus):
    """How many times refcount's rate shootdown's is."""
    return values["shootdown", cpus] / values["refcount", cpus]


def lines(machine, everything, other):
    """What is printed."""
    schemes = list(dict.fromkeys(scheme for scheme, _ in everything))
    counts = sorted({cpus for _, cpus in everything})
    most = counts[-1]
    rest = rests()
    width = max(map(len, schemes)) + 2
    text = [
        f"SIMULATED, not measured: {machine}, M switches/s, every switch through idle, all threads in one mm,",
        f"{rest['middle']:.0f} ns of a switch being neither the line's nor the scheme's, by a CPU whose core is its own",
        "",
        "CPUs".rjust(6) + "".join(scheme.rjust(width) for scheme in schemes),
    ]
    for cpus in counts:
        cells = (f"~{everything[scheme, cpus] / 1e6:.2f}".rjust(width) for scheme in schemes)
        text.append(f"{cpus:6}" + "".join(cells))
    ratios = [ratio(values, most) for values in (everything, *other.values())]
    here = (machine, most) == PUBLISHED_OF
    rates_there = (
        f"{scheme} ~{everything[scheme, most] / 1e6:.3g} M/s" + (f" (published: {said})" if here else "")
        for scheme, said in PUBLISHED.items()
    )
    text += [
        "",
        f"{most} CPUs: {', '.join(rates_there)}",
        f"ratio ~{ratio(everything, most):.3g} [{min(ratios):.3g}, {max(ratios):.3g}]"
        + (f"; published {PUBLISHED_RATIO}" if here else ""),
    ]
    for (scale, which), values in sorted(other.items()):
        text.append(
            f"all latencies x {scale:g}, the rest {rest[which]:.0f} ns: refcount ~{values['refcount', most] / 1e6:.3g} M/s, "
            f"shootdown ~{values['shootdown', most] / 1e6:.3g} M/s, ratio ~{ratio(values, most):.3g}"
        )
    return text
