# SPDX-License-Identifier: MIT
"""What the end-to-end tests share: running the command, and what every run of it must look like from outside."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# What a record file must be like is for the scripts to say.
sys.path.insert(0, str(ROOT / "scripts" / "lib"))

# What the shortest campaign is made of. Whether its windows are valid is the machine's affair: nothing here expects it.
QUICK = ("--window", "3ms", "--warm", "1ms")

PROGRESS = re.compile(r"\[\d+/\d+\] (\S+) #(\d+): ")


def pytest_addoption(parser):
    parser.addoption("--mmscale", help="the binary to test; else $MMSCALE_BINARY, else the release preset's")


@pytest.fixture(scope="session")
def binary(request):
    named = request.config.getoption("--mmscale") or os.environ.get("MMSCALE_BINARY")
    path = Path(named or ROOT / "build/release/bin/mmscale").resolve()
    assert os.access(path, os.X_OK), f"no binary {path}: build it, or name one with --mmscale"
    return str(path)


@pytest.fixture(scope="session")
def needs_sim(binary):
    """Skips where this build has no `mmscale sim`."""
    if " sim " not in subprocess.run([binary, "--help"], capture_output=True, text=True, check=True).stdout:
        pytest.skip("built without MMSCALE_SIMULATION, as under a sanitizer")


@pytest.fixture(scope="session")
def environment():
    """The tests' environment, without what Google Benchmark would read from it."""
    return {name: value for name, value in os.environ.items() if not name.startswith("BENCHMARK_")}


@pytest.fixture(scope="session")
def mmscale(binary, environment):
    """Runs the command to its end: mmscale(*arguments, before=(), env={}, **options of subprocess.run). `before` is a
    command that starts it, `env` adds to the environment."""

    def call(*arguments, before=(), env=None, **options):
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, **options}
        command = [*before, binary, *map(str, arguments)]
        return subprocess.run(command, text=True, timeout=60, env={**environment, **(env or {})}, **options)

    return call


@pytest.fixture
def replay(mmscale, tmp_path):
    """Replays a trace and returns its records by scheme; where there are several lifecycles, those of the first."""

    from records.schema import problems

    def call(trace, *arguments):
        out = tmp_path / "replay.json"
        done = mmscale("replay", trace, *arguments, "--out", out)
        assert (done.returncode, done.stderr) == (0, "")
        document = json.loads(out.read_text())
        assert problems(document) == []
        return {entry["mmscale"]["scheme"]: entry for entry in reversed(document["benchmarks"])}

    return call


@pytest.fixture(scope="session")
def allowed():
    """The CPUs that this process may use, ascending."""
    return sorted(os.sched_getaffinity(0))


@pytest.fixture(scope="session")
def campaign(mmscale, allowed, tmp_path_factory):
    """One campaign that many tests look at: the finished process, and the document it wrote."""
    path = tmp_path_factory.mktemp("campaign") / "records.json"
    cpus = "1,2" if len(allowed) > 1 else "1"
    done = mmscale(
        *("bench", "--scheme", "refcount,shootdown", "--lifecycle", "powerpc", "--workload", "idle,exit", "--cpus", cpus),
        *("--reps", 3),
        *("--family", "switch,floor", *QUICK, "--out", path),
    )
    return done, json.loads(path.read_text())


def complaints(done):
    """The lines in which the command says what went wrong; progress is none."""
    return [line for line in done.stderr.splitlines() if line.startswith("mmscale: ")]


@pytest.fixture
def tracefs():
    """Where tracefs is, if this machine can be recorded."""
    mounts = [line.split() for line in open("/proc/self/mounts")]
    where = next((mount[1] for mount in mounts if mount[2] == "tracefs"), None)
    if os.geteuid() != 0 or where is None or not os.path.isdir(f"{where}/events/sched/sched_switch"):
        pytest.skip("needs root and a mounted tracefs")
    if os.readlink("/proc/self/ns/pid") != "pid:[4026531836]":
        pytest.skip("the tracer's pids are not those of this PID namespace")
    return where


def assert_refused(done, status, pattern):
    """It did nothing, and said why in one line."""
    assert done.returncode == status, done.stderr
    assert re.fullmatch(f"mmscale: {pattern}\n", done.stderr), done.stderr
    assert not done.stdout


def windows(document):
    return [entry for entry in document["benchmarks"] if entry["run_type"] == "iteration"]


def cases(document):
    """The windows by case."""
    found = {}
    for window in windows(document):
        found.setdefault(window["name"], []).append(window)
    return found


def status_of(document):
    """The exit status that fits the records: 3 where some case has no valid window."""
    return 0 if all(any(window["valid"] for window in case) for case in cases(document).values()) else 3


def assert_measured(done, document):
    """A finished campaign, whatever the machine made of its windows."""
    assert done.returncode == status_of(document), done.stderr
    expected = [] if done.returncode == 0 else [r"mmscale: \d+ of \d+ cases have no valid window; .*"]
    assert len(complaints(done)) == len(expected), done.stderr
    for line, pattern in zip(complaints(done), expected):
        assert re.fullmatch(pattern, line)
