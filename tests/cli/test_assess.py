# SPDX-License-Identifier: MIT
"""`mmscale assess` from outside: a cost of known size is found, workloads are counted, what is wrong is refused."""

import json
import os
import pathlib
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
    # The planted time is waited for by the clock, and a loaded machine adds to it, without a bound. So the least of some
    # runs counts at each point: load comes and goes, a wrong unit is in all of them.
    least = {}
    for _ in range(4):
        done = assess(*QUICK, "--plant", str(PLANTED_NS), "--json", "--out", str(out))
        assert done.returncode in (0, 3), done.stderr
        answer = json.loads(done.stdout)
        assert answer["points"] and answer["deaths"]
        for point in answer["points"]:
            assert point["agreement"] in ("agree", "disagree", "cannot_tell", "unknown")
            found = point["planted_found"]["median_ns"]
            least[point["cpus"]] = min(found, least.get(point["cpus"], found))
        if max(least.values()) < 20 * PLANTED_NS:
            break
    for cpus, found in least.items():
        assert PLANTED_NS / 2 < found < 20 * PLANTED_NS, cpus
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
        (("--reps", "2", "--"), "no command after --"),
        (("/nowhere",), "/nowhere"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_line(assess, arguments, complaint):
    done = assess(*arguments)
    assert done.returncode in (1, 2)
    assert complaint in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
