# SPDX-License-Identifier: MIT
"""Ways to stop the threads of a running campaign for a while. Each takes the process' id and a duration in seconds,
undoes what it did, and returns from when to when it surely was in force (CLOCK_MONOTONIC, s): whoever injects may be kept
from its CPU itself. Those that this machine does not allow raise Impossible and say why."""

import contextlib
import ctypes
import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

SPIN = "import os, sys\nos.sched_setaffinity(0, {int(sys.argv[1])})\nprint(flush=True)\nwhile True: pass"


class Impossible(Exception):
    """What this machine does not allow."""


def held(seconds):
    """Waits; from when to when."""
    begin = time.monotonic()
    time.sleep(seconds)
    return begin, time.monotonic()


def stop(pid, seconds):
    os.kill(pid, signal.SIGSTOP)
    # A stop is a signal that is taken at once, by a thread that runs.
    when = held(seconds)
    os.kill(pid, signal.SIGCONT)
    return when


def workers(pid):
    """The threads that are pinned to one CPU, with that CPU."""
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            cpus = os.sched_getaffinity(int(task.name))
            if len(cpus) == 1:
                found[int(task.name)] = next(iter(cpus))
    return found


def move(pid, seconds):
    """Every worker to the next CPU, and back."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise Impossible("one CPU: there is nowhere to go")
    homes = workers(pid)
    for task, cpu in homes.items():
        os.sched_setaffinity(task, {allowed[(allowed.index(cpu) + 1) % len(allowed)]})
    when = held(seconds)
    for task, cpu in homes.items():
        os.sched_setaffinity(task, {cpu})
    return when


def spin(pid, seconds, policy=None):
    """Somebody else wants the workers' CPUs."""
    spinners = []
    try:
        for cpu in sorted(set(workers(pid).values())):
            spinners.append(subprocess.Popen([sys.executable, "-c", SPIN, str(cpu)], stdout=subprocess.PIPE))
            spinners[-1].stdout.readline()  # it is there
            if policy is not None:
                os.sched_setscheduler(spinners[-1].pid, policy, os.sched_param(1))
        return held(seconds)
    except PermissionError as error:
        raise Impossible(f"no real-time priority: {error}") from error
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.stdout.close()
            spinner.wait()


def spin_fifo(pid, seconds):
    return spin(pid, seconds, os.SCHED_FIFO)


def sample(pid, seconds):
    """A profiler looks at the workers' CPUs 20,000 times a second, as `perf record -a -e cpu-clock -F 20000` does."""
    with clocks_of(pid, 50_000):
        return held(seconds)


def read(pid, seconds):
    """A monitor reads counters of the workers' CPUs without a pause: an interrupt from another CPU each time."""
    with clocks_of(pid, 0) as opened:
        begin = time.monotonic()
        while time.monotonic() < begin + seconds:
            for one in opened * 100:
                os.read(one, 8)
        return begin, time.monotonic()


@contextlib.contextmanager
def clocks_of(pid, period_ns):
    """The kernel's event cpu-clock on each of the workers' CPUs: its time, or a sample each `period_ns`."""
    # perf_event_attr: PERF_TYPE_SOFTWARE, its first size, PERF_COUNT_SW_CPU_CLOCK, sample_period.
    event = ctypes.create_string_buffer(struct.pack("=IIQQ", 1, 64, 0, period_ns), 64)
    number = {"x86_64": 298, "ppc64le": 319, "s390x": 331}.get(os.uname().machine, 241)
    libc = ctypes.CDLL(None, use_errno=True)
    opened = []
    try:
        for cpu in sorted(set(workers(pid).values())):
            one = libc.syscall(number, event, -1, cpu, -1, 0)
            if one < 0:
                raise Impossible(f"no perf_event_open: {os.strerror(ctypes.get_errno())}")
            opened.append(one)
        yield opened
    finally:
        for one in opened:
            os.close(one)


@contextlib.contextmanager
def cgroup(controller, pid):
    """A cgroup of version 1 or 2 with the process in it, which returns to where it was."""
    for base in (Path("/sys/fs/cgroup") / controller, Path("/sys/fs/cgroup")):
        if not (base / "cgroup.procs").exists():
            continue
        group = base / f"mmscale-test-{pid}"
        try:
            group.mkdir()
            (group / "cgroup.procs").write_text(str(pid))
        except OSError as error:
            with contextlib.suppress(OSError):
                group.rmdir()
            raise Impossible(f"no cgroup: {error}") from error
        try:
            yield group
        finally:
            with contextlib.suppress(OSError):
                (base / "cgroup.procs").write_text(str(pid))
            for _ in range(100):
                with contextlib.suppress(OSError):
                    group.rmdir()
                    break
                time.sleep(0.01)
        return
    raise Impossible("no cgroups")


def freeze(pid, seconds):
    with cgroup("freezer", pid) as group:
        v1, v2 = group / "freezer.state", group / "cgroup.freeze"
        name, frozen, thawed = (v1, "FROZEN", "THAWED") if v1.exists() else (v2, "1", "0")
        if not name.exists():
            raise Impossible("no freezer")
        name.write_text(frozen)
        for _ in range(1000):
            state = v1 if name is v1 else group / "cgroup.events"
            if frozen in state.read_text().split() if name is v1 else "frozen 1" in state.read_text():
                break
        when = held(seconds)
        name.write_text(thawed)
        return when


def throttle(pid, seconds):
    """A quota of a tenth of a CPU, set while it runs."""
    with cgroup("cpu", pid) as group:
        v1, v2 = group / "cpu.cfs_quota_us", group / "cpu.max"
        if not v1.exists() and not v2.exists():
            raise Impossible("no CPU controller")
        (v1 if v1.exists() else v2).write_text("10000" if v1.exists() else "10000 100000")
        return held(seconds)


def clock_that_steps(folder):
    """A library to preload: CLOCK_MONOTONIC goes 5 ms forward, or back, now and then; other clocks are left alone."""
    return _clock(folder, "CLOCK_MONOTONIC", """
  if (call % 1500 == 1000) atomic_fetch_add(&off_ns, 5000000);
  if (call % 1500 == 1499) atomic_fetch_sub(&off_ns, 5000000);""")


def clock_that_sleeps(folder):
    """A library to preload: between the two readings of every second window the machine was suspended for 20 ms, by
    CLOCK_BOOTTIME. It is what CLOCK_MONOTONIC was when the same thread asked before, and so is CLOCK_MONOTONIC when it asks
    behind it: a reading of both is one reading, whatever takes the CPU in its middle."""
    return _clock(folder, "CLOCK_BOOTTIME", """
  if (call % 4 == 1) atomic_fetch_add(&off_ns, 20000000);
  *t = monotonic;
  again = 1;""", """
  if (clock == CLOCK_MONOTONIC) {
    if (again) *t = monotonic;
    again = 0;
    monotonic = *t;
  }""")


def _clock(folder, clock, change, before=""):
    source, library = folder / f"{clock}.c", folder / f"{clock}.so"
    source.write_text(r"""
#define _GNU_SOURCE
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
static atomic_long calls, off_ns;
static _Thread_local struct timespec monotonic;
static _Thread_local int again;
int clock_gettime(clockid_t clock, struct timespec *t) {
  int status = (int)syscall(SYS_clock_gettime, clock, t);""" + before + r"""
  if (status != 0 || clock != """ + clock + r""") return status;
  long call = atomic_fetch_add(&calls, 1);""" + change + r"""
  long ns = t->tv_nsec + off_ns;
  t->tv_sec += ns / 1000000000;
  t->tv_nsec = ns % 1000000000;
  return 0;
}
""")
    try:
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Impossible(f"no compiler: {error}") from error
    return library
