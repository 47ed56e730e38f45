# SPDX-License-Identifier: MIT
"""Where the tool's users are: containers, sandboxes, without root. It goes on with what there is, says what there is not
in one line, and the record has the fact."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import QUICK, ROOT, cases, complaints, windows
from denied import CONTAINER, KNOWN

from records.schema import problems  # isort: skip

DENIED = Path(__file__).with_name("denied.py")
FLOOR = ("bench", "--family", "floor", "--cpus", 1, "--reps", 1, *QUICK)
SWITCH = ("bench", "--family", "switch", "--scheme", "shootdown-filter-all", "--workload", "idle", "--cpus", 1, "--reps", 1, *QUICK)


@pytest.fixture
def confined(mmscale, tmp_path):
    """Runs the command under a filter of system calls; returns the process and, if it wrote one, its document."""
    if not KNOWN:
        pytest.skip("the numbers of this architecture's system calls are not known here")

    def call(denials, *arguments, out=True):
        path = tmp_path / "records.json"
        more = ("--out", path) if out else ()
        done = mmscale(*arguments, *more, before=(sys.executable, str(DENIED), denials))
        return done, json.loads(path.read_text()) if path.exists() else None

    return call


@pytest.mark.parametrize("denials", [CONTAINER, "mbind:EPERM", "mbind:ENOSYS,get_mempolicy:ENOSYS,move_pages:ENOSYS"])
@pytest.mark.parametrize("campaign", [FLOOR, SWITCH], ids=["floor", "switch"])
def test_memory_that_cannot_be_bound(confined, denials, campaign):
    done, document = confined(denials, *campaign)
    assert done.returncode in (0, 3), done.stderr
    said = [line for line in complaints(done) if "is not bound to node" in line]
    assert len(said) == 1 and "(mbind: " in said[0], done.stderr
    assert problems(document) == []
    assert windows(document)
    assert said[0] == f"mmscale: {document['context']['home_unbound']}"


def test_memory_that_can_be_bound_whatever_else_is_refused(confined):
    done, document = confined("get_mempolicy:ENOSYS,set_mempolicy:EPERM", *FLOOR)
    assert done.returncode in (0, 3) and "not bound" not in done.stderr
    assert "home_unbound" not in document["context"]


def test_a_policy_that_is_accepted_and_ignored_is_not_an_error(confined):
    # Where there is one node it cannot be told from one that is kept.
    done, _ = confined("mbind:0", *FLOOR)
    assert done.returncode in (0, 3), done.stderr


def test_calibrate_and_replay(confined, mmscale, tmp_path):
    model = tmp_path / "host.json"
    # A pair of CPUs that neighbours never let run together hands no line on, and without that there is no machine.
    for _ in range(5):
        done, _ = confined(
            CONTAINER, "calibrate", "--out", model, "--reps", 1, "--window", "1ms", "--accept-invalid", out=False
        )
        assert done.returncode in (0, 3), done.stderr
        if model.exists():
            break
    else:
        pytest.skip(f"too busy for any pair of CPUs: {done.stderr}")
    assert "is not bound to node" in done.stderr
    assert "is not bound to node" in json.loads(model.read_text())["description"]
    trace = ROOT / "tests/trace/data/by_hand.trace"
    done, document = confined(CONTAINER, "replay", trace, "--silicon", "--cpu", "0", "--scheme", "refcount")
    assert done.returncode == 0, done.stderr
    assert "is not bound to node" in done.stderr
    assert "is not bound to node" in document["benchmarks"][0]["mmscale"]["transport_reason"]


@pytest.mark.parametrize(
    "denials, why",
    [
        ("membarrier:EPERM", "not membarrier: membarrier(2): Operation not permitted"),
        ("membarrier:ENOSYS", "not membarrier: membarrier(2): Function not implemented"),
        ("membarrier:0", "not membarrier: membarrier(2) PRIVATE_EXPEDITED answers 0 but no interrupt is seen"),
    ],
)
def test_a_membarrier_that_does_not_work_is_not_the_transport(confined, allowed, denials, why):
    if denials.endswith(":0") and len(allowed) < 2:
        pytest.skip("nobody to interrupt on one CPU")
    done, document = confined(denials, *SWITCH)
    assert done.returncode in (0, 3), done.stderr
    assert f"IPI transport signal (default; {why}" in done.stderr
    for window in windows(document):
        assert window["mmscale"]["transport"] == "signal" and why in window["mmscale"]["transport_reason"]


def test_a_membarrier_that_does_not_work_and_was_asked_for(confined):
    done, _ = confined("membarrier:EPERM", *SWITCH, "--transport", "membarrier", out=False)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert "transport 'membarrier' does not work here: membarrier(2): Operation not permitted" in done.stderr


@pytest.mark.parametrize("error", ["EPERM", "ENOSYS"])
def test_no_counters(confined, error):
    done, document = confined(f"perf_event_open:{error}", *FLOOR)
    assert done.returncode in (0, 3), done.stderr
    assert "PMU counters: unavailable (" in done.stderr
    assert "pmu" in json.dumps(windows(document)[0]["mmscale"])


def test_limits_and_priorities_that_cannot_be_changed(confined):
    done, _ = confined("prlimit64:EPERM,setrlimit:EPERM,sched_setscheduler:EPERM,userfaultfd:EPERM,rseq:ENOSYS", *FLOOR)
    assert done.returncode in (0, 3), done.stderr


def test_threads_that_cannot_be_pinned_are_no_measurement(confined):
    done, _ = confined("sched_setaffinity:EPERM", *FLOOR, out=False)
    # Its CPUs may come back, and others may be there: every case is tried, none has a valid window.
    assert done.returncode == 3
    assert "no thread on CPU" in complaints(done)[-1] and "Operation not permitted" in complaints(done)[-1]
    assert "terminate" not in done.stderr


def in_namespace(script, binary, *arguments):
    """Runs the binary behind a line of shell that rearranges mounts of its own."""
    command = ["unshare", "-rm", "sh", "-c", f'{script} && exec "$@"', "sh", binary, *map(str, arguments)]
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode != 0:
        pytest.skip("no user and mount namespaces here")
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if "mount: " in done.stderr:
        pytest.skip(f"nothing can be mounted here: {done.stderr}")
    return done


def test_lxcfs_numbers_cpus_anew(binary, allowed, tmp_path):
    if len(allowed) < 2:
        pytest.skip("needs two CPUs")
    first, last = allowed[0], allowed[-1]
    online = tmp_path / "online"
    online.write_text(f"{first}\n")
    hide = f"mount --bind {online} /sys/devices/system/cpu/online"
    done = in_namespace(hide, binary, "topo")
    assert done.returncode == 0, done.stderr
    # What is listed as online is left to us by the mask, as well: it is the mask that counts.
    assert "not listed as online in /sys, but in the affinity mask, which is believed" in done.stdout

    alone = f"{hide} && taskset -p -c {last} $$ >/dev/null"
    done = in_namespace(alone, binary, "topo", "--json")
    cpus = {pu["os_index"]: pu for pu in json.loads(done.stdout)["pus"]}
    assert [cpu for cpu, pu in cpus.items() if pu["allowed"]] == [last]
    out = tmp_path / "records.json"
    done = in_namespace(alone, binary, *FLOOR, "--out", out)
    assert done.returncode in (0, 3), done.stderr
    document = json.loads(out.read_text())
    assert "is believed" in done.stderr and "is believed" in document["context"]["topology"]
    assert all(window["mmscale"]["pus"] == [last] for window in windows(document))


@pytest.mark.parametrize("hidden", ["/sys", "/proc", "/sys /proc"])
def test_without_sys_or_proc(binary, allowed, hidden):
    hide = " && ".join(f"mount -t tmpfs none {folder}" for folder in hidden.split())
    done = in_namespace(hide, binary, "topo", "--json")
    assert done.returncode == 0, done.stderr
    assert [pu["os_index"] for pu in json.loads(done.stdout)["pus"] if pu["allowed"]] == allowed
    done = in_namespace(hide, binary, *FLOOR)
    assert done.returncode in (0, 3), done.stderr


def test_no_more_threads_are_one_line(binary, allowed, tmp_path):
    if os.getuid() != 0 or len(allowed) < 2:
        pytest.skip("needs root, to be a user who runs nothing else, and two CPUs")
    stranger = 64_123
    # Room for the command and the process of a case, not for that process' second thread.
    command = ["setpriv", f"--reuid={stranger}", "--clear-groups", "prlimit", "--nproc=2", binary, "bench"]
    command += ["--family", "host_kernel", "--cpus", "2", "--reps", "1", *QUICK]
    command += ["--benchmark_filter=switch/futex/threads/cross-cpu"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    if "Permission denied" in done.stderr:
        pytest.skip("the binary is not everybody's to run")
    assert done.returncode not in (0, 2, -6), done.stderr
    assert "Resource temporarily unavailable" in done.stderr and "terminate" not in done.stderr


def as_root(script, binary, *arguments, namespaces=("-m",)):
    """The same as root, in a mount namespace."""
    if os.getuid() != 0 or subprocess.run(["unshare", *namespaces, "true"], capture_output=True).returncode != 0:
        pytest.skip(f"needs root and namespaces ({namespaces})")
    command = ["unshare", *namespaces, "sh", "-c", f'set -e; {script}; exec "$@"', "sh", binary, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if "mount: " in done.stderr:
        pytest.skip(f"nothing can be mounted here: {done.stderr}")
    return done


TRACEFS = "mount -t tracefs t"


@pytest.mark.parametrize(
    ("mounts", "complaint"),
    [
        ("mount -t tmpfs none /sys/kernel", "tracefs is not mounted; as root: mount -t tracefs "),
        # As if locked down: there, and nothing in it.
        (f"{TRACEFS} /sys/kernel/tracing; mount -t tmpfs none /sys/kernel/tracing", "/sys/kernel/tracing: no 'instances' in it"),
        (f"{TRACEFS} -o ro /sys/kernel/tracing", "/sys/kernel/tracing/instances: Read-only file system"),
        (f"{TRACEFS} /sys/kernel/tracing; mount -t tracefs t '@'", ""),
        (f"{TRACEFS} /sys/kernel/tracing; mount -t tmpfs none /sys/kernel/tracing; mount -t tracefs t '@'", ""),
    ],
    ids=["absent", "empty", "read-only", "twice", "covered and elsewhere"],
)
def test_tracefs_wherever_it_is_or_is_not(binary, tmp_path, mounts, complaint):
    folder = tmp_path / "a folder"
    folder.mkdir()
    hide = "umount -a -t tracefs 2>/dev/null || true; " + mounts.replace("@", str(folder))
    done = as_root(hide, binary, "record", "--seconds", "0.2", "--out", tmp_path / "a trace.gz")
    if complaint:
        assert done.returncode == 1 and done.stderr.startswith(f"mmscale: {complaint}") and done.stderr.count("\n") == 1
    elif any(why in done.stderr for why in ("Operation not permitted", "Permission denied", "PID namespace")):
        pytest.skip(done.stderr)
    else:
        assert done.returncode == 0 and " events in " in done.stderr + done.stdout, done.stderr


def test_a_container_has_other_pids_than_the_tracer(binary, tmp_path):
    mount = f"{TRACEFS} /sys/kernel/tracing 2>/dev/null || true"
    trace = tmp_path / "x.trace"
    done = as_root(mount, binary, "record", "--seconds", "0.2", "--out", trace, namespaces=("-m", "-p", "-f", "--mount-proc"))
    if "tracefs" in done.stderr:
        pytest.skip(done.stderr)
    assert done.returncode == 1 and not trace.exists()
    assert done.stderr.startswith("mmscale: this is a PID namespace of its own ") and done.stderr.count("\n") == 1


@pytest.mark.parametrize("limit", ["nofile=8", "memlock=0", "sigpending=0", "stack=131072", "data=300000000", "core=0", "rttime=1000000"])
def test_limits(binary, tmp_path, limit):
    out = tmp_path / "records.json"
    command = ["prlimit", f"--{limit}", binary, *map(str, FLOOR), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode in (0, 3), done.stderr
    assert problems(json.loads(out.read_text())) == []


@pytest.mark.parametrize("limit", ["nofile=4", "as=60000000", "as=57000000", "as=70000000", "fsize=100"])
def test_limits_below_which_nothing_can_be_measured_are_said(binary, tmp_path, limit):
    done = subprocess.run(["prlimit", f"--{limit}", binary, *map(str, FLOOR), "--out", str(tmp_path / "x.json")], capture_output=True, text=True, timeout=60)
    assert done.returncode in (1, 3, 127), done.stderr
    assert "terminate" not in done.stderr and done.stderr.splitlines()[-1]
    if done.returncode == 1:
        assert done.stderr.splitlines()[-1].startswith("mmscale: ")


def test_a_proc_that_hides_others_from_one_who_is_not_root(binary, tmp_path):
    drop = "setpriv --reuid=64123 --clear-groups"
    done = as_root(f"mount -t proc -o hidepid=2 proc /proc; set -- {drop} \"$@\"", binary, *FLOOR)
    if "Permission denied" in done.stderr:
        pytest.skip("the binary is not everybody's to run")
    assert done.returncode in (0, 3), done.stderr
    assert "floor/incdec" in done.stdout


# What a sandbox may refuse and a measurement can do without; what it cannot do without ends in one line.
@pytest.mark.parametrize("error", ["EPERM", "ENOSYS"])
@pytest.mark.parametrize("call", ["getrusage", "sysinfo", "uname", "madvise", "fsync", "geteuid", "prlimit64", "ioctl"])
def test_a_call_that_is_refused(confined, call, error):
    done, document = confined(f"{call}:{error}", *FLOOR)
    assert done.returncode in (0, 3), done.stderr
    assert problems(document) == []


@pytest.mark.parametrize("error", ["EPERM", "ENOSYS"])
def test_no_library_speaks_for_itself(confined, error):
    done, _ = confined(f"sched_getaffinity:{error}", *FLOOR, out=False)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1 and "cannot read this process' CPU affinity" in done.stderr


def test_cpus_that_are_taken_away_during_a_campaign(mmscale, binary, allowed, tmp_path):
    if len(allowed) < 2:
        pytest.skip("needs two CPUs")
    out = tmp_path / "records.json"
    floor = ("bench", "--family", "floor", "--cpus", 2, "--reps", 3, "--window", "20ms", "--warm", "5ms", "--out", out)
    with subprocess.Popen([binary, *map(str, floor)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        line = next(line for line in process.stderr if line.startswith("[1/"))
        for task in Path(f"/proc/{process.pid}/task").iterdir():
            try:
                os.sched_setaffinity(int(task.name), {allowed[0]})
            except OSError:
                continue
        rest = process.stderr.read()
    assert process.returncode in (0, 3), line + rest
    document = json.loads(out.read_text())
    assert problems(document) == [] and len(windows(document)) == 12


@pytest.fixture
def cpuset(allowed):
    """A cpuset of cgroup v1 or v2 with the first two CPUs that may be used: its folder."""
    if len(allowed) < 2:
        pytest.skip("needs two CPUs")
    root = Path("/sys/fs/cgroup")
    folder = (root / "cpuset" if (root / "cpuset").is_dir() else root) / f"mmscale-test-{os.getpid()}"
    try:
        if folder.parent == root:
            (root / "cgroup.subtree_control").write_text("+cpuset")
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"no cpuset: {error}")
    try:
        try:
            (folder / "cpuset.mems").write_text((folder.parent / "cpuset.mems").read_text() if folder.parent != root else "")
            (folder / "cpuset.cpus").write_text(f"{allowed[0]},{allowed[1]}")
        except OSError as error:
            pytest.skip(f"no cpuset: {error}")
        yield folder
    finally:
        folder.rmdir()


def test_a_cpuset_that_shrinks_for_a_moment_does_not_use_up_the_windows(binary, allowed, cpuset, tmp_path):
    """A window that cannot be bound takes its time all the same."""
    out = tmp_path / "records.json"
    words = ("bench", "--family", "floor", "--cpus", 2, "--reps", 6, "--window", "40ms", "--warm", "10ms", "--out", out)
    join = 'echo $$ >"$0" && exec "$@"'
    command = ["sh", "-c", join, str(cpuset / "cgroup.procs"), binary, *map(str, words)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        begin = next(time.monotonic() for line in process.stderr if line.startswith("[1/"))
        (cpuset / "cpuset.cpus").write_text(f"{allowed[0]}")
        time.sleep(0.2)
        (cpuset / "cpuset.cpus").write_text(f"{allowed[0]},{allowed[1]}")
        away = time.monotonic() - begin
        rest = process.stderr.read()
    assert process.returncode in (0, 3), rest
    document = json.loads(out.read_text())
    assert problems(document) == [] and len(windows(document)) == 24
    unbound = [one for one in windows(document) if any("cannot bind" in why for why in one["mmscale"]["invalid"])]
    assert 0 < len(unbound) <= away / 0.05 + 2


def test_a_case_without_a_valid_window_gets_more_of_them(binary, cpuset, tmp_path):
    """Where the plan chose how many; nobody else gets any."""
    out = tmp_path / "records.json"
    words = ("bench", "--family", "floor", "--cpus", "1,2", "--budget", "2s", "--out", out)
    join = 'echo $$ >"$0" && exec "$@"'
    command = ["sh", "-c", join, str(cpuset / "cgroup.procs"), binary, *map(str, words)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        next(line for line in process.stderr if line.startswith("[1/"))
        # For good: whatever needs two CPUs cannot be measured.
        (cpuset / "cpuset.cpus").write_text((cpuset / "cpuset.cpus").read_text()[0])
        rest = process.stderr.read()
    assert process.returncode == 3, rest
    document = json.loads(out.read_text())
    assert problems(document) == []
    planned = windows(document)[0]["repetitions"]
    more = {name: len(of_case) - planned for name, of_case in cases(document).items()}
    lost = {name for name, of_case in cases(document).items() if not any(one["valid"] for one in of_case[:planned])}
    assert all(more[name] == 0 for name in more if name not in lost)
    if any(window["valid"] for window in windows(document)):
        assert sum(more.values()) == len(more) * planned // 10
