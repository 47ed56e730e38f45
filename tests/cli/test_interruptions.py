# SPDX-License-Identifier: MIT
"""What happens when a campaign cannot go on, or may not have the whole machine: what was finished stays readable."""

import json
import os
import re
import resource
import signal
import subprocess
import time
from pathlib import Path

import pytest
from conftest import PROGRESS, QUICK, assert_measured, assert_refused, cases, complaints, windows

FLOORS = ("bench", "--family", "floor", "--cpus", "1", *QUICK)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(binary, environment, tmp_path, sent):
    path = tmp_path / "x.json"
    process = subprocess.Popen(
        [binary, *FLOORS, "--reps", "1000000", "--out", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        lines = []
        while len(PROGRESS.findall("".join(lines))) < 3:
            line = process.stderr.readline()
            assert line, "".join(lines)
            lines.append(line)
        process.send_signal(sent)
        output, rest = process.communicate(timeout=30)
    finally:
        process.kill()
    text = "".join(lines) + rest
    assert process.returncode == 130
    document = json.loads(path.read_text())
    finished = len(windows(document))
    assert finished >= 3
    assert len(PROGRESS.findall(text)) == finished
    said = [line for line in text.splitlines() if line.startswith("mmscale: ")]
    assert [line for line in said if "budget" not in line] == [
        f"mmscale: interrupted after {finished} of 4000000 windows; they are in {path}"
    ]
    assert output.startswith("case "), "the table of what there is"


def size_limit(size):
    """For a child: files may not grow beyond that size. Its SIGXFSZ is at the default, as a shell would start it."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)

    return limit


def assert_stopped_by(done, target, path, reason):
    document = json.loads(path.read_text())
    kept = len(document["benchmarks"])
    assert 0 < kept < 60
    assert done.returncode == 1
    assert [line for line in complaints(done) if "budget" not in line] == [
        f"mmscale: cannot write {target}: {reason}; what was recorded before is whole, {kept} in all"
    ]
    # A window is told of when it is recorded: of the one that could not be, nothing is said.
    assert len(PROGRESS.findall(done.stderr)) == kept


def test_the_file_may_not_grow(mmscale, tmp_path):
    path = tmp_path / "x.json"
    done = mmscale(*FLOORS, "--reps", 20, "--out", path, preexec_fn=size_limit(24 * 1024))
    assert_stopped_by(done, path, path, "File too large")


# Mounting takes privileges that not everybody has; the limit above and the unit tests of the record file stand in.
def may_mount():
    probe = ["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(probe, capture_output=True).returncode == 0


if may_mount():

    def test_the_disk_is_full(mmscale, tmp_path):
        disk = tmp_path / "disk"
        disk.mkdir()
        kept = tmp_path / "kept.json"
        script = (
            'disk=$1 kept=$2; shift 2; mount -t tmpfs -o size=24k tmpfs "$disk" || exit 99; '
            '"$@"; status=$?; cp "$disk/x.json" "$kept"; exit $status'
        )
        path = disk / "x.json"
        before = ("unshare", "-m", "sh", "-c", script, "sh", str(disk), str(kept))
        done = mmscale(*FLOORS, "--reps", 20, "--out", path, before=before)
        assert_stopped_by(done, path, kept, "No space left on device")


def test_taskset(mmscale, allowed, tmp_path):
    cpu = allowed[-1]
    before = ("taskset", "-c", str(cpu))
    path = tmp_path / "x.json"
    done = mmscale(
        *("bench", "--scheme", "refcount", "--workload", "idle", "--cpus", "all", "--reps", 1, *QUICK, "--out", path),
        before=before,
    )
    document = json.loads(path.read_text())
    assert_measured(done, document)
    assert document["context"]["cpus_used"] == str(cpu)
    assert all(window["mmscale"]["pus"] == [cpu] for window in windows(document))
    assert "switch/idle/refcount/all/compact/cpus:1" in cases(document)
    refused = mmscale("bench", "--cpus", 2, before=before)
    assert_refused(refused, 2, f"--cpus 2: 2 CPUs asked for, 1 can be used \\(allowed: {cpu}\\)")


def new_cgroup():
    """A cgroup that may use half a CPU, or None where we may not make one."""
    name = f"mmscale-test-{os.getpid()}"
    v1 = Path("/sys/fs/cgroup/cpu")
    v2 = Path("/sys/fs/cgroup")
    try:
        if (v1 / "cpu.cfs_quota_us").exists() or (v1 / "cgroup.procs").exists():
            group = v1 / name
            group.mkdir()
            (group / "cpu.cfs_period_us").write_text("100000")
            (group / "cpu.cfs_quota_us").write_text("50000")
        elif "cpu" in (v2 / "cgroup.subtree_control").read_text().split():
            group = v2 / name
            group.mkdir()
            (group / "cpu.max").write_text("50000 100000")
        else:
            return None
    except OSError:
        remove_cgroup(v1 / name)
        remove_cgroup(v2 / name)
        return None
    return group


def remove_cgroup(group):
    # The kernel takes a moment to see that the last process is gone.
    for _ in range(50):
        if not group.exists():
            return
        try:
            group.rmdir()
            return
        except OSError:
            time.sleep(0.02)


def may_make_cgroups():
    group = new_cgroup()
    if group is None:
        return False
    remove_cgroup(group)
    return True


# Where we may not make a cgroup, the reading of quotas is left to the unit tests (tests/topology, on made-up trees).
if may_make_cgroups():

    @pytest.fixture
    def in_half_a_cpu():
        """For a child: half a CPU."""
        group = new_cgroup()
        yield lambda: (group / "cgroup.procs").write_text(str(os.getpid()))
        remove_cgroup(group)

    def test_a_quota_limits_the_cpus(mmscale, in_half_a_cpu):
        done = mmscale("bench", "--cpus", 2, preexec_fn=in_half_a_cpu)
        pattern = r"--cpus 2: 2 CPUs asked for, 1 can be used \((CPU quota of 0.5 CPUs, .+|allowed: \d+)\)"
        assert_refused(done, 2, pattern)

    def test_a_quota_makes_windows_invalid(mmscale, in_half_a_cpu, tmp_path):
        path = tmp_path / "x.json"
        done = mmscale(*FLOORS, "--reps", 1, "--out", path, preexec_fn=in_half_a_cpu)
        document = json.loads(path.read_text())
        assert_measured(done, document)
        assert done.returncode == 3
        assert document["context"]["cpu_quota"].startswith("0.5 CPUs (")
        for window in windows(document):
            reasons = window["mmscale"]["invalid"]
            below = r"the CPU quota of 0.50 CPUs \(.+\) is below the 1 CPU in use"
            assert any(re.match(below, reason) for reason in reasons), reasons

    def test_topo_shows_the_quota(mmscale, in_half_a_cpu):
        done = mmscale("topo", preexec_fn=in_half_a_cpu)
        assert done.returncode == 0 and not done.stderr
        assert re.search(r"quota.*0\.5", done.stdout, re.IGNORECASE), done.stdout
