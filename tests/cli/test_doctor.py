# SPDX-License-Identifier: MIT
"""What doctor finds, and the command that it gives for it."""

import os

import pytest

from attack import injectors


# Of a CPU's time 50, 150 and 100,000 %: below what any measurement takes, below the machine, and above it.
@pytest.mark.parametrize("quota, remedy", [(50_000, "lift it: it is below one CPU"), (150_000, "--cpus 1 at most, or lift it"), (100_000_000, None)])
def test_a_quota_and_what_to_do_about_it(mmscale, allowed, quota, remedy):
    if len(allowed) < 2:
        pytest.skip("one CPU: a quota of 1.5 is above the machine")
    try:
        with injectors.cgroup("cpu", os.getpid()) as group:
            old, new = group / "cpu.cfs_quota_us", group / "cpu.max"
            if not old.exists() and not new.exists():
                pytest.skip("no CPU controller")
            old.write_text(str(quota)) if old.exists() else new.write_text(f"{quota} 100000")
            done = mmscale("doctor", "--time", "10ms")
    except injectors.Impossible as why:
        pytest.skip(str(why))
    lines = [*done.stdout.splitlines(), ""]
    found = [at for at, line in enumerate(lines) if line.startswith(f"a CPU quota of {quota / 100_000:g} CPUs: ")]
    assert len(found) == 1 and done.returncode == 3, done.stdout
    after = lines[found[0] + 1]
    assert after == f"    {remedy}" if remedy else not after.startswith(" ")
