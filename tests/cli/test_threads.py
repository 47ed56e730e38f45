# SPDX-License-Identifier: MIT
"""Where the command's threads run: one for each CPU in use, alone there; all others, liburcu's too, elsewhere."""

import os
import subprocess
import time
from pathlib import Path

import pytest


def cpus_of(text):
    """The numbers of a CPU list."""
    ends = (part.partition("-") for part in text.strip().split(","))
    return frozenset(cpu for first, _, last in ends for cpu in range(int(first), int(last or first) + 1))


def threads_of(process):
    """The CPUs that each thread of a process may run on."""
    found = []
    for status in Path(f"/proc/{process}/task").glob("*/status"):
        try:
            lines = dict(line.partition(":")[::2] for line in status.read_text().splitlines())
            found.append(cpus_of(lines["Cpus_allowed_list"]))
        except OSError:
            pass
    return found


@pytest.mark.parametrize("leave", ["0", "1"])
def test_who_does_not_measure_runs_elsewhere(binary, environment, leave):
    allowed = os.sched_getaffinity(0)
    if len(allowed) < 2:
        pytest.skip("there is one CPU")
    child = subprocess.Popen(
        [binary, "bench", "--family", "switch", "--scheme", "refcount-rcu", "--workload", "exit", "--cpus", "1", "--leave", leave,
         "--window", "200ms", "--warm", "1ms", "--reps", "20"],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        # The second window: the first has asked for grace periods.
        for line in child.stderr:
            if line.startswith("[2/20]"):
                break
        time.sleep(0.1)
        threads = threads_of(child.pid)
    finally:
        child.kill()
        child.communicate()
    # The command's own, one that measures, liburcu's.
    assert len(threads) >= 3
    if leave == "0":
        assert [len(cpus) for cpus in threads].count(1) == 1
    else:
        (measured,) = {cpus for cpus in threads if threads.count(cpus) == 1}
        assert len(measured) == 1 and all(not cpus & measured for cpus in threads if cpus != measured)
