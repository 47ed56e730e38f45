# SPDX-License-Identifier: MIT
"""Flushes that running x86 kernels sent when processes died and forked, against what replay says from the scheduler's events
alone."""

import gzip
import re
from collections import Counter

import pytest
from conftest import ROOT

DATA = ROOT / "tests/trace/data"
LINE = re.compile(r" *(.+)-(\d+) +\[(\d+)\] \S+ +[\d.]+: (\w+): (.*)")
CLONE_VM = 0x100


def lines_of(path):
    return gzip.open(path, "rt").read().splitlines()


class Kernel:
    """What the traced kernel said of its flushes. Of those that interrupt, by purpose (death, fork, or living for any other):
    the CPUs that were called, and the flushes that found another CPU in the mask. Of the handlers on other CPUs, how many
    found another mm loaded."""

    def __init__(self, path, comm=""):
        self.called, self.sent, self.elsewhere = Counter(), Counter(), 0
        events = [line.groups() for line in filter(None, map(LINE.match, lines_of(path)))]
        counted = {pid for name, pid, *_ in events if comm in name}
        dying, handling = set(), set()
        for at, (comm, pid, cpu, name, body) in enumerate(events):
            if name in ("sched_process_exit", "sched_prepare_exec"):
                dying.add(pid)
            elif name == "sched_process_exec":
                dying.discard(pid)
            elif name == "csd_function_entry":
                # The sender's own turn has no csd.
                remote = "func=flush_tlb_func" in body and not re.search("csd=0+$", body)
                (handling.add if remote else handling.discard)(cpu)
            elif name == "tlb_flush" and "remote wrong CPU" in body and cpu in handling:
                handling.discard(cpu)
                self.elsewhere += 1
            elif pid not in counted:
                continue
            elif "func=flush_tlb_func " in body or "remote IPI send" in body:
                # A kworker flushes an mm of users only where its mmput_async() was the last.
                dead = pid in dying or comm.startswith("kworker")
                purpose = "death" if dead else "fork" if forks_next(events[at:], pid) else "living"
                (self.called if name == "csd_queue_cpu" else self.sent)[purpose] += 1


def forks_next(events, pid):
    """Whether the first thing of a life that the task does is a fork."""
    for _, other, _, name, body in events:
        if other == pid and name == "task_newtask":
            return int(re.search(r"clone_flags=(\w+)", body)[1], 16) & CLONE_VM == 0
        if other == pid and name in ("sched_process_exit", "sched_prepare_exec"):
            return False
    return False


def compared(replay, path, tmp_path, lifecycle, comm=""):
    """What the kernel said, and what replay makes of the scheduler's events alone."""
    lines = lines_of(path)
    kept = [line for line in lines if not re.search(r": (csd_|ipi_|tlb_)\w+: ", line)]
    assert 0 < len(kept) < len(lines)
    sched = tmp_path / "sched.trace"
    sched.write_text("\n".join(kept) + "\n")
    only = ("--comm", comm) if comm else ()
    return Kernel(path, comm), replay(sched, "--scheme", "refcount", "--lifecycle", lifecycle, *only)["refcount"]


# CPUs called when processes died, and when they forked.
KERNEL_EXACT = {
    "server": (7, 0),
    "leave": (7, 0),
    "wander": (28, 19),
    "exec-of-many": (30, 0),
    "kill-many": (19, 0),
    "pipes": (0, 0),
    "flush-alone": (7, 0),
    "unmap": (7, 0),
}
GUEST_EXACT = {
    "server": (14, 15),
    "wander": (10, 10),
    "fork-of-many": (5, 1),
    "exec-of-many": (6, 2),
    "tree": (5, 0),
    "flush-alone": (1, 0),
    "flush-together": (1, 0),
    "tables": (11, 15),
}
# The folder, under whose rules its kernel runs, and in which recordings the events say all.
MACHINES = (("x86-kernel", "x86-2025", KERNEL_EXACT), ("x86-guest", "x86-paravirt", GUEST_EXACT))
EVERY = [(folder, lifecycle, path.name) for folder, lifecycle, _ in MACHINES for path in sorted((DATA / folder).glob("*.gz"))]


@pytest.mark.parametrize(
    "folder, lifecycle, name, expected",
    [(folder, lifecycle, *item) for folder, lifecycle, exact in MACHINES for item in exact.items()],
)
def test_an_x86_kernel_calls_the_same_cpus(replay, tmp_path, folder, lifecycle, name, expected):
    """From the scheduler's events alone, exactly whom that kernel interrupted when processes died and forked."""
    kernel, record = compared(replay, DATA / f"{folder}/{name}.trace.gz", tmp_path, lifecycle)
    assert (kernel.called["death"], kernel.called["fork"]) == expected
    assert (record["ipis_exit_flush"], record["ipis_flush"]) == expected


@pytest.mark.parametrize("folder, lifecycle, name", EVERY)
def test_where_the_events_leave_more_than_one_answer_the_doubts_are_named(replay, tmp_path, folder, lifecycle, name):
    """Other flushes of living mms may have taken CPUs out of masks; masks older than the trace may have had more."""
    kernel, record = compared(replay, DATA / folder / name, tmp_path, lifecycle)
    more = sum(record[doubt] for doubt in ("mms_adopted", "odd_came_back", "odd_either_cpu"))
    if name.startswith("tables"):
        more += record["ipis_useful"]
    for purpose, counter in (("death", "ipis_exit_flush"), ("fork", "ipis_flush")):
        assert record[counter] - kernel.called["living"] <= kernel.called[purpose] <= record[counter] + more


@pytest.mark.parametrize("name", ["server", "wander", "flush-alone", "pipes", "kill-many"])
def test_what_the_called_cpus_had_loaded_is_predicted_too(replay, tmp_path, name):
    """Where no other flush came between: whether the handler found the CPU lazy, or with another mm."""
    kernel, record = compared(replay, DATA / f"x86-kernel/{name}.trace.gz", tmp_path, "x86-2025")
    assert kernel.elsewhere == record["ipis_useless"]


def test_an_exit_of_many_page_tables_calls_every_lazy_cpu_twice(replay, tmp_path):
    """How many page tables there are is not in the events: what is predicted is the first flush, and who was lazy then."""
    kernel, record = compared(replay, DATA / "x86-kernel/tables.trace.gz", tmp_path, "x86-2025")
    # Three processes on 8 CPUs, and one CPU of their parent's.
    assert record["ipis_useful"] == 3 * 7
    assert kernel.called["death"] + kernel.called["living"] == record["ipis_exit_flush"] + record["ipis_useful"]
    # The second flush finds nobody there, nor does that of whom the parent had left.
    assert kernel.elsewhere == record["ipis_useful"] + record["ipis_useless"]


def test_a_lazy_cpu_leaves_the_mask_with_the_second_flush():
    """What x86-2024 and its heirs say, by a kernel: four munmaps of whole page tables, and then an exit, of eight threads."""
    kernel = Kernel(DATA / "x86-kernel/unmap.trace.gz")
    assert kernel.called == {"living": 2 * 7, "death": 7}
    assert kernel.elsewhere == 7


def test_the_rules_of_another_day_would_be_noticed(replay, tmp_path):
    """The comparison can fail: before 6.14 the bit went at the switch."""
    kernel, record = compared(replay, DATA / "x86-kernel/wander.trace.gz", tmp_path, "x86-2017")
    assert record["ipis_exit_flush"] < kernel.called["death"]
    assert record["ipis_flush"] < kernel.called["fork"]
