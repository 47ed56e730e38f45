# SPDX-License-Identifier: MIT
"""mmscale record from outside, on a kernel that can be recorded: what it writes, how it ends, what it leaves behind."""

import contextlib
import os
import signal
import subprocess
import time

import pytest
from conftest import assert_refused


def test_record_says_what_is_missing(mmscale, tmp_path):
    assert_refused(mmscale("record"), 2, "record: how long.*")
    arguments = ("record", "--seconds", 1, "-o", tmp_path / "x", "--tracefs")
    assert_refused(mmscale(*arguments, tmp_path / "no"), 1, ".*/no: there is no such folder")
    assert_refused(mmscale(*arguments, tmp_path), 1, ".*: no 'instances' in it: .*")
    (tmp_path / "instances").mkdir()
    assert_refused(mmscale(*arguments, tmp_path), 1, r"this kernel has no event sched:sched_switch \(.*\)")
    assert not (tmp_path / "x").exists()


def instances(tracefs):
    """Those whose recorder has ended: another test's may be at work."""
    names = [name for name in os.listdir(f"{tracefs}/instances") if name.startswith("mmscale-")]
    return [name for name in names if not os.path.exists(f"/proc/{name.removeprefix('mmscale-')}")]


def test_record_leaves_a_trace_and_no_instance(mmscale, replay, tracefs, tmp_path):
    trace = tmp_path / "own.mmtrace.gz"
    done = mmscale("record", "-o", trace, "--", "sh", "-c", "true | true; exit 7")
    assert done.returncode == 0, done.stderr
    assert "the command ended: status 7" in done.stdout
    record = replay(trace, "--scheme", "shootdown", "--unsafe")["shootdown"]
    assert record["mms_freed"] >= 3 and record["odd_no_flags"] == 0
    assert not instances(tracefs)


def test_what_a_command_says_is_not_in_the_trace(binary, replay, tracefs, tmp_path):
    trace = tmp_path / "own.mmtrace"
    with open(trace, "wb") as file:
        done = subprocess.run([binary, "record", "-o", "-", "--", "echo", "hello"], stdout=file, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr.splitlines()[0]) == (0, "hello")
    assert replay(trace, "--scheme", "refcount")["refcount"]["valid"] == 1


def test_record_of_a_command_that_is_not_there(mmscale, tracefs, tmp_path):
    done = mmscale("record", "-o", tmp_path / "x", "--", "/nonexistent/command")
    assert_refused(done, 127, "/nonexistent/command: cannot be run: No such file or directory")
    assert not instances(tracefs)


@pytest.mark.parametrize("name, status", [("INT", 130), ("TERM", 0), ("HUP", 0), ("XCPU", 0)])
def test_record_ends_in_order_when_it_is_told_to(binary, replay, tracefs, tmp_path, name, status):
    trace = tmp_path / "cut.mmtrace"
    process = subprocess.Popen(
        [binary, "record", "-o", trace, "--", "sh", "-c", f"kill -{name} $PPID; sleep 20"],
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=restore_signals,
    )
    assert process.wait(timeout=30) == status
    assert not instances(tracefs)
    assert replay(trace, "--scheme", "refcount")["refcount"]["valid"] == 1


def restore_signals():
    """Whoever runs the tests in the background has them ignore SIGINT, which is inherited."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def test_the_next_command_cleans_up_after_a_killed_recorder(mmscale, tracefs):
    # No process has this number: it is beyond the kernel's limit.
    left = f"{tracefs}/instances/mmscale-4194304"
    # Another test's command may be the next.
    for _ in range(20):
        os.mkdir(left)
        done = mmscale("topo")
        assert not os.path.exists(left)
        if done.stderr:
            break
    assert f"mmscale: {left}: left by a recorder that was killed, removed\n" in done.stderr


def test_an_instance_that_is_in_use_is_not_stale(mmscale, tracefs):
    """Its recorder is in another pid namespace, perhaps."""
    in_use = f"{tracefs}/instances/mmscale-4194304"
    os.mkdir(in_use)
    try:
        with open(f"{in_use}/trace_pipe", "rb"):
            assert mmscale("topo").stderr == ""
            assert os.path.isdir(in_use)
            assert open(f"{in_use}/tracing_on").read() == "1\n"
    finally:
        os.rmdir(in_use)


def gone(there, seconds=20):
    """Whether there() becomes false."""
    end = time.monotonic() + seconds
    while there() and time.monotonic() < end:
        time.sleep(0.05)
    return not there()


def test_the_command_and_the_instance_end_with_a_recorder_that_is_killed(binary, tracefs, tmp_path):
    trace = tmp_path / "x.trace"
    trace.write_text("old")
    said = tmp_path / "pid"
    process = subprocess.Popen(
        [binary, "record", "-o", trace, "--", "sh", "-c", f"trap '' TERM; echo $$ > {said}.new; mv {said}.new {said}; sleep 60"]
    )
    assert gone(lambda: not said.exists())
    process.kill()
    process.wait()
    assert gone(lambda: os.path.exists(f"/proc/{said.read_text().strip()}"))
    assert gone(lambda: instances(tracefs))
    assert trace.read_text() == "old"


def test_a_command_that_does_not_end_is_ended(mmscale, tracefs, tmp_path):
    said = tmp_path / "pid"
    mmscale("record", "-o", tmp_path / "x", "--seconds", "0.3", "--", "sh", "-c", f"trap '' TERM; echo $$ > {said}; exec sleep 60")
    assert not os.path.exists(f"/proc/{said.read_text().strip()}")


def test_a_trace_is_its_owners_and_goes_through_no_strangers_link(mmscale, tracefs, tmp_path):
    trace = tmp_path / "x.trace"
    trace.write_text("old")
    trace.chmod(0o644)
    assert mmscale("record", "-o", trace, "--seconds", "0.1").returncode == 0
    assert trace.stat().st_mode & 0o777 == 0o600
    link = tmp_path / "link"
    link.symlink_to(trace)
    os.lchown(link, 12345, 12345)
    before = trace.read_bytes()
    assert_refused(mmscale("record", "-o", link, "--seconds", "0.1"), 1, "cannot write .*/link: it is a symbolic link of user 12345.*")
    assert trace.read_bytes() == before


def test_a_trace_on_standard_output_is_alone_there(binary, replay, tracefs, tmp_path):
    trace = tmp_path / "x.trace"
    with open(trace, "wb") as file:
        done = subprocess.run([binary, "record", "-o", "-", "--", "true"], stdout=file, stderr=subprocess.PIPE, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert " events in " in done.stderr
    assert replay(trace, "--scheme", "refcount")["refcount"]["valid"] == 1


def test_nothing_traces_on_when_the_recorder_and_its_guard_are_killed_at_once(binary, mmscale, tracefs, tmp_path):
    process = subprocess.Popen([binary, "record", "-o", tmp_path / "x.trace", "--seconds", "60"])
    left = f"{tracefs}/instances/mmscale-{process.pid}"

    def read(name):
        with open(f"{left}/{name}") as file:
            return file.read().strip()

    try:
        # Made with tracing on, which goes off until its buffers are there. The kernel rounds up.
        assert gone(lambda: not os.path.isdir(left) or int(read("per_cpu/cpu0/buffer_size_kb").split()[0]) < 8192)
        assert gone(lambda: read("tracing_on") != "1")
        guards = open(f"/proc/{process.pid}/task/{process.pid}/children").read().split()
        assert guards
        # The guard first: it would take the recorder's end for its signal.
        for pid in [*map(int, guards), process.pid]:
            os.kill(pid, signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
    # Another test's command may have removed it by now.
    with contextlib.suppress(FileNotFoundError):
        assert gone(lambda: read("tracing_on") == "1")
        assert int(read("per_cpu/cpu0/buffer_size_kb").split()[0]) < 64
    mmscale("topo")
    assert not os.path.exists(left)
