# SPDX-License-Identifier: MIT
"""Family host_kernel from the command line: what its records say, that it needs no privileges, and that it leaves no
process behind, however it ends."""

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from conftest import PROGRESS, QUICK, ROOT, assert_measured, complaints, windows

from records.schema import problems  # isort: skip


@pytest.fixture(scope="session")
def asked(mmscale, allowed, tmp_path_factory):
    """One short campaign of the family on one CPU and, if there are, two: the document and the console."""
    out = tmp_path_factory.mktemp("host_kernel") / "records.json"
    cpus = "1,2" if len(allowed) > 1 else "1"
    done = mmscale("bench", "--family", "host_kernel", "--cpus", cpus, "--reps", 1, *QUICK, "--out", out)
    document = json.loads(out.read_text())
    assert_measured(done, document)
    return document, done.stdout


def by_question(document, question):
    return [entry for entry in windows(document) if entry["mmscale"]["question"] == question]


def test_follows_the_schema(asked):
    assert problems(asked[0]) == []


def test_every_name_is_documented(asked):
    text = "".join((ROOT / "docs" / page).read_text() for page in ("records.md", "records-families.md"))
    documented = set(re.findall(r"`([^`]+)`", text))
    prefixes = {name[:-1] for name in documented if name.endswith("_*")}
    for entry in asked[0]["benchmarks"]:
        ours = entry.get("mmscale", {})
        for name in set(entry) | set(ours) | set(ours.get("kernel", ())):
            name = re.sub(r"^share_package_\d+$", "share_package_<p>", name)
            stem = re.sub(r"(p50|p90|p99|p999|max|mean|count)(_error)?$", "", name)
            assert name in documented | {"mmscale"} or stem in prefixes, name


def test_every_question_is_asked(asked, allowed):
    names = {entry["name"].rsplit("/", 2)[0] for entry in windows(asked[0])}
    ends = ["same-cpu", "cross-cpu"][: min(2, len(allowed))]
    switches = {
        f"host_kernel/switch/{primitive}/{tasks}/{end}"
        for primitive in ("futex", "pipe")
        for tasks in ("threads", "processes")
        for end in ends
    }
    assert switches | {"host_kernel/exit", "host_kernel/munmap/running"} <= names


def test_one_cpu_that_goes_from_one_end_to_the_other_never_idles(asked):
    for entry in by_question(asked[0], "switch"):
        if entry["mmscale"]["ends"] != "same-cpu" or "idle_share_high" not in entry:
            continue
        assert entry["switches"] + 4 * entry["cpus"] >= 2 * sum(c["rounds"] for c in entry["mmscale"]["per_cpu"])
        if entry["valid"] and "idle_share_low" in entry:
            # Of hundreds of switches in these windows, some to and from others when the machine is not alone with us.
            assert entry["idle_share_low"] < 0.2, entry["name"]


def test_unavailable_says_why(asked):
    for entry in windows(asked[0]):
        ours = entry["mmscale"]
        for text in (ours["pmu"], *ours["kernel"].values()):
            if isinstance(text, str) and text.startswith("unavailable"):
                assert re.fullmatch(r"unavailable \(.+\)", text)
        assert ("idle_share_low" in entry) <= ("idle_share_high" in entry)
        if ours["question"] != "switch":
            assert ours["kernel"]["idle_share"] == "unavailable (only where switches are measured)"


def test_the_console_says_what_kernel_it_is(asked):
    lines = asked[1].splitlines()
    assert re.fullmatch(r"this kernel: lazy TLB .+; idle driver .+", lines[-1])
    for entry in asked[0]["benchmarks"]:
        if entry.get("aggregate_name") == "kernel":
            assert entry["mmscale"]["text"] in lines


def test_needs_no_privileges(binary, environment, tmp_path):
    if os.geteuid() != 0:
        # The whole file is such a test then.
        return
    # Not everybody may look into where the tests write.
    script = "cd / && exec \"$0\" bench --family host_kernel --cpus 1 --reps 1 --window 3ms --warm 1ms --out -"
    done = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c", script, binary],
        capture_output=True, text=True, timeout=60, env=environment,
    )  # fmt: skip
    if "Permission denied" in done.stderr and not done.stdout:
        pytest.skip("nobody may not read the build folder here")
    document = json.loads(done.stdout)
    assert done.returncode in (0, 3), done.stderr
    for entry in by_question(document, "switch"):
        assert "idle_share_high" in entry, entry["mmscale"]["kernel"]


def children_of(pid):
    """The processes that `pid` has forked, and theirs."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text()
        except OSError:
            continue
        if re.search(rf"^PPid:\t{pid}$", text, re.MULTILINE):
            child = int(status.parent.name)
            found += [child, *children_of(child)]
    return found


def gone(pid):
    """Whether a process is dead; a zombie is."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] in "ZX"
    except OSError:
        return True


@pytest.fixture
def running(binary, environment, tmp_path):
    """A long campaign of processes in a group of its own, once a window has begun: the process, its children, the
    record file."""
    out = tmp_path / "records.json"
    process = subprocess.Popen(
        [binary, "bench", "--family", "host_kernel", "--benchmark_filter=processes", "--cpus", "1", "--reps", "1000",
         "--window", "400ms", "--warm", "1ms", "--out", str(out)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True,
    )  # fmt: skip
    lines = ""
    while not PROGRESS.search(lines):
        line = process.stderr.readline()
        assert line, lines
        lines += line
    children = []
    while len(children) < 2:
        children = children_of(process.pid)
        time.sleep(0.001)
    yield process, children, out
    process.kill()
    process.communicate()


def assert_all_gone(children):
    deadline = time.monotonic() + 20
    while not all(map(gone, children)):
        assert time.monotonic() < deadline, [child for child in children if not gone(child)]
        time.sleep(0.005)


def test_ctrl_c_leaves_nobody_behind(running):
    process, children, out = running
    # As the terminal does it: everybody in the foreground group gets one.
    os.killpg(process.pid, signal.SIGINT)
    _, rest = process.communicate(timeout=30)
    assert process.returncode == 130, rest
    assert_all_gone(children)
    document = json.loads(out.read_text())
    assert len(windows(document)) >= 1
    assert re.search(r"mmscale: interrupted after \d+ of \d+ windows; they are in ", rest)


def test_killed_it_takes_them_along(running):
    process, children, out = running
    process.kill()
    process.wait()
    assert_all_gone(children)
    json.loads(out.read_text())


def test_a_lost_process_costs_its_window_and_no_more(running):
    process, children, out = running
    os.kill(children[0], signal.SIGKILL)
    why = f"process {children[0]} of the window was killed by signal 9"
    line = ""
    while why not in line:
        line = process.stderr.readline()
        assert line, "it ended without a word about the process"
    assert_all_gone(children)
    os.killpg(process.pid, signal.SIGINT)
    _, rest = process.communicate(timeout=30)
    assert process.returncode == 130, rest
    assert any(why in reason for window in windows(json.loads(out.read_text())) for reason in window["mmscale"]["invalid"])


def test_without_pipes_it_says_what_is_missing(mmscale):
    done = mmscale(
        *("bench", "--family", "host_kernel", "--benchmark_filter=pipe", "--cpus", 1, "--reps", 1, *QUICK),
        before=("prlimit", "--nofile=6:6"),
    )
    assert done.returncode == 1
    assert re.fullmatch(r"mmscale: .*Too many open files.*", complaints(done)[-1]), done.stderr
