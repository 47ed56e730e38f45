# SPDX-License-Identifier: MIT
"""`mmscale assess` from outside: a cost of known size is found, workloads are counted, what is wrong is refused."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess

import pytest

from records.schema import problems  # isort: skip

DATA = pathlib.Path(__file__).resolve().parents[1] / "trace" / "data"
QUICK = ("--window", "20ms", "--reps", "5", "--accept-invalid")
PLANTED_NS = 20000


@pytest.fixture
def assess(binary):
    """Runs `mmscale assess` with arguments."""

    def run(*arguments):
        return subprocess.run(
            [binary, "assess", *arguments], capture_output=True, text=True, check=False, timeout=120
        )

    return run


def test_a_planted_cost_is_found_at_its_size(assess, tmp_path):
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("one CPU shares nothing")
    out = tmp_path / "records.json"
    # A loaded machine adds to the windows and takes from their differences, without a bound. So one of some runs counts: load
    # comes and goes, a wrong unit is in all of them.
    for _ in range(6):
        done = assess(*QUICK, "--plant", str(PLANTED_NS), "--json", "--out", str(out))
        assert done.returncode in (0, 3), done.stderr
        answer = json.loads(done.stdout)
        assert answer["points"] and answer["deaths"]
        for point in answer["points"]:
            assert point["agreement"] in ("agree", "disagree", "cannot_tell", "unknown")
        found = [point["planted_found"]["median_ns"] for point in answer["points"]]
        if all(PLANTED_NS / 2 < ns < 20 * PLANTED_NS for ns in found):
            break
    else:
        pytest.fail(f"planted {PLANTED_NS} ns, found {found}")
    assert "Sharing an mm costs" in answer["in_words"] and "Planted" in answer["in_words"]
    document = json.loads(out.read_text(encoding="utf-8"))
    assert problems(document) == []
    records = document["benchmarks"]
    assert records[-1]["mmscale"]["record"] == "assessment"
    assert {r["mmscale"]["family"] for r in records} == {"host_kernel", "switch", "assess"}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--plant", "-1"), "--plant: '-1' is not a number from 0 to"),
        (("a", "b"), "takes one TRACE"),
        (("trace.dat", "--record", "1s"), "both name a workload"),
        (("--lifecycle", "vax"), "--lifecycle"),
        (("--record", "1x"), "--record: '1x' is not a duration"),
        (("--reps", "5", "--"), "no command after --"),
        (("--reps", "4"), "--reps: '4' is not a whole number from 5"),
        (("",), "TRACE: its value is empty"),
        (("--window", "1ns"), "--window: '1ns' is shorter than 100us"),
        (("--tick-rate", "1000"), "--tick-rate: of a TRACE"),
        ((DATA / "short.trace", "--", "true"), "true"),
        (("--out", DATA, "--", "touch", "ran"), f"cannot write {DATA}"),
        (("/nowhere",), "/nowhere"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_line(assess, tmp_path, monkeypatch, arguments, complaint):
    monkeypatch.chdir(tmp_path)
    done = assess(*arguments)
    assert done.returncode in (1, 2)
    assert complaint in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_file_with_dashes_in_its_name_is_a_trace_and_no_command(assess, tmp_path):
    trace = tmp_path / "a -- b"
    shutil.copy(DATA / "short.trace", trace)
    done = assess(*QUICK, str(trace), "--json", "--out", str(tmp_path / "x -- y.json"))
    workload = json.loads(done.stdout)["workload"]
    assert (workload["name"], workload["switches"]) == (str(trace), 21)
    assert f"on {workload['cpus']} CPUs, in 5.19 ms." in json.loads(done.stdout)["in_words"]


def test_ticks_have_a_rate(assess):
    done = assess(*QUICK, str(DATA / "field" / "counter-clock.txt"), "--tick-rate", "1000000000", "--json")
    assert json.loads(done.stdout)["workload"]["seconds"] == pytest.approx(528e-9)


# tracefs: root and a kernel with tracing.
def test_a_command_that_is_none_is_refused_before_anything_is_measured(assess, tracefs):
    done = assess("--", "/nonexistent/command")
    assert (done.returncode, done.stderr) == (1, "mmscale: /nonexistent/command: cannot be run: No such file or directory\n")


@pytest.mark.parametrize("name", ["INT", "TERM", "KILL"])
def test_an_interrupted_recording_leaves_nothing(binary, tracefs, tmp_path, name):
    done = subprocess.run(
        [binary, "assess", "--", "sh", "-c", f"echo recorded >&2; kill -{name} $(ps -o ppid= $PPID); exec sleep 20"],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == -getattr(signal, f"SIG{name}")
    assert "recorded" in done.stderr
    assert not list(tmp_path.iterdir())


def test_who_may_not_record_is_told_why_in_the_answer(binary, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("becomes nobody, which takes root")
    done = subprocess.run(
        [binary, "assess", *QUICK, "--json", "--record", "100ms"],
        user=65534, group=65534, extra_groups=[], capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert re.search("Permission denied|not mounted|no such folder", json.loads(done.stdout)["workload"]["unavailable"])
