# SPDX-License-Identifier: MIT
"""The plan of `bench` on machines of 2 to 4,096 CPUs: it holds its budget by a clock that is simulated here, from the names
of the cases and what docs/measuring.md says that a window takes; and what it leaves out it says."""

import re
import resource

import pytest
from conftest import assert_refused

pytestmark = pytest.mark.usefixtures("needs_sim")

MACHINES = {
    2: "pack:1 numa:1 core:2 pu:1",
    64: "pack:2 numa:2 core:8 pu:2",
    384: "pack:2 numa:2 l3:4 core:12 pu:2",
    1536: "pack:16 numa:1 core:12 pu:8",
    4096: "pack:16 numa:2 core:32 pu:4",
}
FAMILIES = {"switch", "floor", "teardown", "mix", "ipi", "line", "bounce", "host_kernel", "simulator", "explorer"}
PLAN = re.compile(r"(\d+) cases x (\d+) repetitions, windows of (\d+)(ms|us|s) after (\d+)(ms|us|s) warming up: about (\S+)")
UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
BUDGET_S = 180


@pytest.fixture
def plan(mmscale):
    """A function that plans on a machine of so many CPUs; returns (names of the cases, what was said)."""

    def call(cpus, *arguments):
        done = mmscale("bench", "--dry-run", "--leave", 0, *arguments, env={"HWLOC_SYNTHETIC": MACHINES[cpus]})
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines(), done.stderr

    return call


def simulated_seconds(names, said):
    """How long the campaign takes by the plan's own windows: each its length and warming up, what booting so many CPUs
    takes, and a window of line as long as four passes through its pairs."""
    cases, repetitions, window, of_window, warm, of_warm, _ = PLAN.search(said).groups()
    assert len(names) == int(cases)
    # Printed in whole units, rounded down.
    length = int(window) * UNITS[of_window] + int(warm) * UNITS[of_warm]
    clock = 0.0
    for name in names:
        cpus = int(re.search(r"cpus:(\d+)", name).group(1))
        least = 4 * 40e-6 * cpus * (cpus - 1) / 2 if name.startswith("line/") else 0.0
        clock += int(repetitions) * (max(length, least) + 2e-3 + 50e-6 * cpus)
    return clock


def families(names):
    return {name.split("/")[0] for name in names}


@pytest.mark.parametrize("cpus", MACHINES)
@pytest.mark.parametrize("asked", ["default", "line", "all"])
def test_the_plan_holds_its_budget_and_says_what_it_leaves_out(plan, cpus, asked):
    names, said = plan(cpus, *([] if asked == "default" else ["--family", asked]))
    assert simulated_seconds(names, said) <= BUDGET_S
    assert "more than the budget" not in said
    # The most that any child of this process has taken, in KiB.
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 1 << 20
    left_out = set()
    if found := re.search(r"not measured, for want of time: (.*); --budget", said):
        left_out = set(re.findall(r"(\w+) \(", found.group(1)))
    wanted = {"default": {"switch", "floor"}, "line": {"line"}, "all": FAMILIES}[asked]
    assert families(names) | left_out == wanted
    assert not families(names) & left_out
    counts = {}
    for name in names:
        if name.startswith("switch/"):
            counts.setdefault(name.split("/")[2], set()).add(int(name.rpartition(":")[2]))
    # Every scheme at the same counts, up to all CPUs.
    assert len(set(map(frozenset, counts.values()))) <= 1
    if counts:
        assert max(counts["refcount"]) == cpus


def test_what_is_asked_for_by_name_is_measured_whatever_it_takes(plan):
    names, said = plan(384, "--family", "switch,mix", "--budget", "5s")
    assert families(names) == {"switch", "mix"}
    assert "that is more than the budget of 5s" in said


@pytest.mark.parametrize(
    "cpus, arguments, pus",
    [
        (64, [], 64),
        (384, [], 384),
        (1536, [], 512),
        (1536, ["--budget", "5s"], 64),
        (384, ["--line-pus", "100"], 100),
        (1536, ["--line-pus", "all"], 1536),
        (384, ["--line-pus", "1000"], 384),
        (384, ["--cpus", "16"], 16),
    ],
)  # fmt: skip
def test_line_takes_all_pairs_or_says_how_many(plan, cpus, arguments, pus):
    names, said = plan(cpus, "--family", "line", *arguments)
    assert names == [f"line/cas/compact/cpus:{pus}"]
    assert f"line: {pus * (pus - 1) // 2} pairs of {pus} PUs, a window of at least " in said
    usable = 16 if "--cpus" in arguments else cpus
    assert ("(--line-pus all)" in said) == (pus < usable)


@pytest.mark.parametrize("number", ["0", "1", "-3", "2.5", "some", "64x"])
def test_a_number_of_pus_that_is_none(mmscale, number):
    done = mmscale("bench", "--family", "line", f"--line-pus={number}", "--leave", 0, "--dry-run")
    assert_refused(done, 2, rf"--line-pus {number}: a number of PUs from 2 on, or all.*")
