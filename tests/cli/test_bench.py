# SPDX-License-Identifier: MIT
"""What `mmscale bench` measures, prints and writes, when nothing goes wrong."""

import csv
import io
import json
import math
import os
import re
import subprocess

import pytest
from conftest import PROGRESS, QUICK, assert_measured, cases, windows

FLOORS = ("bench", "--family", "floor", "--cpus", 1, *QUICK)
COMPARE = ("/usr/bin/python3", "/usr/share/benchmark/compare.py")
# In the order in which they are measured.
FLOOR_LOOPS = ("empty", "private", "incdec", "fence")


def test_the_campaign_ran(campaign):
    done, document = campaign
    assert_measured(done, document)


def test_names_are_stable(campaign, allowed):
    _, document = campaign
    expected = set()
    for cpus in (1, 2)[: len(allowed)]:
        for workload in ("idle", "exit"):
            for scheme in ("refcount", "shootdown"):
                expected.add(f"switch/{workload}/{scheme}/all/compact/cpus:{cpus}")
        for loop in FLOOR_LOOPS:
            expected.add(f"floor/{loop}/compact/cpus:{cpus}")
    assert set(cases(document)) == expected
    assert all(len(case) == 3 for case in cases(document).values())
    for case in cases(document).values():
        assert sorted(window["repetition_index"] for window in case) == [0, 1, 2]


def test_the_stable_counters_are_there(campaign):
    _, document = campaign
    for window in windows(document):
        rate, cost = (
            ("pairs_per_second", "ns_per_pair")
            if window["name"].startswith("floor/")
            else ("switches_per_second", "ns_per_switch")
        )
        for counter in (rate, cost, "overlap", "jain", "valid", "cpus", "window_ns"):
            assert math.isfinite(window[counter]), counter
        assert window["valid"] in (0, 1)
        assert window["window_ns"] == 3e6
        assert 0 <= window["overlap"] <= 1
        assert 0 < window["jain"] <= 1 + 1e-12
        # Google Benchmark's own fields say the same, so that compare.py compares it.
        assert window["real_time"] == pytest.approx(1e9 / window[rate])
        assert window["cpu_time"] == pytest.approx(window[cost])
        assert window["time_unit"] == "ns"


def test_validity_and_reasons_agree(campaign):
    _, document = campaign
    for window in windows(document):
        reasons = window["mmscale"]["invalid"]
        assert bool(window["valid"]) == (not reasons)
        assert window.get("label", "") == ("invalid: " + "; ".join(reasons) if reasons else "")
        assert window["mmscale"]["audit"] == []
    # An instrumented or unoptimised build never measures.
    context = document["context"]
    if context["sanitizer"] != "none" or context["optimised"] != "yes":
        assert not any(window["valid"] for window in windows(document))


def test_figures_follow_from_the_cpus(campaign):
    _, document = campaign
    for window in windows(document):
        ours = window["mmscale"]
        assert [cpu["pu"] for cpu in ours["per_cpu"]] == ours["pus"]
        assert len(ours["pus"]) == window["cpus"] == ours["cpus"]
        for cpu in ours["per_cpu"]:
            assert cpu["end_ns"] - cpu["start_ns"] >= ours["window_ns"]
        if ours["family"] == "switch":
            rate = sum(1e9 * cpu["switches"] / (cpu["end_ns"] - cpu["start_ns"]) for cpu in ours["per_cpu"])
            assert window["switches_per_second"] == pytest.approx(rate)
            assert window["switches"] == sum(cpu["switches"] for cpu in ours["per_cpu"])
        starts = [cpu["start_ns"] for cpu in ours["per_cpu"]]
        ends = [cpu["end_ns"] for cpu in ours["per_cpu"]]
        together = max(0, min(ends) - max(starts)) / (max(ends) - min(starts))
        assert window["overlap"] == pytest.approx(together)


def test_schemes_count_what_they_do(campaign):
    _, document = campaign
    for name, case in cases(document).items():
        for window in case:
            if name.startswith("switch/idle/refcount/"):
                # One grab and one drop for every trip into idle and out, a trip being two switches; a window's edge
                # may cut one in two on each CPU.
                assert abs(window["mm_count_ops"] - window["switches"]) <= 2 * window["cpus"]
                assert window["ipis_sent"] == 0
            if name.startswith("switch/idle/shootdown/"):
                assert window["mm_count_ops"] == 0


def test_aggregates_are_of_the_valid_windows(campaign):
    _, document = campaign
    entries = document["benchmarks"]
    for name, case in cases(document).items():
        valid = [window["cpu_time"] for window in case if window["valid"]]
        found = {
            entry["aggregate_name"]: entry
            for entry in entries
            if entry["run_name"] == name and entry["run_type"] == "aggregate"
        }
        assert set(found) == set(("mean", "median", "stddev", "cv")[: (0, 2, 4, 4)[len(valid)]])
        if valid:
            assert found["mean"]["cpu_time"] == pytest.approx(sum(valid) / len(valid))
            assert found["mean"]["iterations"] == len(valid)


def test_the_context_says_what_was_run(campaign, binary, mmscale):
    done, document = campaign
    context = document["context"]
    assert context["executable"] == "mmscale"
    assert context["command_line"] == " ".join(map(str, done.args))
    assert context["mmscale_world"] == "silicon"
    version = mmscale("--version").stdout
    assert context["git_revision"] in version
    assert context["mmscale_version"] in version


def test_the_version_names_the_revision(mmscale):
    done = mmscale("--version")
    assert done.returncode == 0
    assert re.fullmatch(r"mmscale \d+\.\d+\.\d+ \(([0-9a-f]{12,}(-dirty)?|unknown), (gcc|clang) .+\)\n", done.stdout)


def test_a_line_of_progress_for_every_window(campaign):
    done, document = campaign
    lines = PROGRESS.findall(done.stderr)
    assert sorted((name, int(number) - 1) for name, number in lines) == sorted(
        (window["name"], window["repetition_index"]) for window in windows(document)
    )
    # Standard error is no terminal here.
    assert "\r" not in done.stderr and "\033" not in done.stderr


def test_the_table_has_a_line_for_every_case(campaign):
    done, document = campaign
    head, *lines = done.stdout.splitlines()
    assert head.split() == ["case", "operations/s", "interval", "ns", "per", "CPU", "to", "refcount", "valid"]
    assert len(lines) == len(cases(document))
    assert {line.split()[0] for line in lines} == set(cases(document))
    for line in lines:
        case = cases(document)[line.split()[0]]
        valid = sum(bool(window["valid"]) for window in case)
        assert line.split()[-1] == f"{valid}/3"
        assert ("no valid window" in line) == (valid == 0)


@pytest.mark.parametrize("lifecycle", ["powerpc", "x86-2025"])
def test_default_schemes_are_the_safe_ones(mmscale, lifecycle):
    words = ("bench", "--workload", "idle", "--cpus", 1, "--family", "switch", "--lifecycle", lifecycle, "--dry-run")
    done = mmscale(*words)
    schemes = json.loads(mmscale("schemes", "--json").stdout)
    safe = [s["name"] for s in schemes if any(e["lifecycle"] == lifecycle and e["safe"] for e in s["safety"])]
    assert {"refcount", "refcount-packed"} <= set(safe) and "untracked" not in safe
    assert ("shootdown" in safe) == (lifecycle == "powerpc")
    assert done.stdout.splitlines() == [f"switch/idle/{scheme}/all/compact/cpus:1" for scheme in safe]
    left_out = ", ".join(s["name"] for s in schemes if s["name"] not in safe)
    assert f"lifecycle {lifecycle} (asked for); unsafe there, and left out without --unsafe: {left_out}\n" in done.stderr
    everything = mmscale(*words, "--unsafe")
    assert len(everything.stdout.splitlines()) == len(schemes) and "left out" not in everything.stderr


def test_the_lifecycle_is_the_machine_s_own(mmscale, tmp_path):
    path = tmp_path / "own.json"
    words = ("bench", "--scheme", "refcount", "--workload", "idle", "--family", "switch", "--cpus", 1, "--reps", 1, *QUICK)
    done = mmscale(*words, "--out", path)
    document = json.loads(path.read_text())
    assert_measured(done, document)
    ours = windows(document)[0]["mmscale"]
    own = document["context"].get("host_lifecycle")
    assert ours["lifecycle"] == (own or "powerpc")
    system = os.uname()
    why = f"that of this kernel, Linux {system.release} on {system.machine}"
    assert ours["lifecycle_reason"] == (why if own else why.replace("that of this kernel,", "no lifecycle is that of"))
    assert f"lifecycle {ours['lifecycle']} ({ours['lifecycle_reason']})" in done.stderr


def test_an_unsafe_scheme_runs_when_asked_to(mmscale, tmp_path):
    path = tmp_path / "unsafe.json"
    done = mmscale(
        *("bench", "--unsafe", "--scheme", "untracked", "--workload", "idle", "--family", "switch", "--cpus", 1),
        *("--reps", 1, *QUICK, "--out", path),
    )
    document = json.loads(path.read_text())
    if "sanitizer" in windows(document)[0].get("label", ""):
        # Such a build has the oracle in, which says what it was not to be stopped by.
        assert done.returncode == 1 and "conservation broken: DANGLING" in done.stderr
    else:
        assert_measured(done, document)
    assert set(cases(document)) == {"switch/idle/untracked/all/compact/cpus:1"}


def test_schemes_as_json(mmscale):
    done = mmscale("schemes", "--json")
    assert done.returncode == 0 and not done.stderr
    schemes = json.loads(done.stdout)
    assert {"untracked", "refcount", "refcount-packed", "shootdown"} <= {scheme["name"] for scheme in schemes}
    for scheme in schemes:
        assert {"name", "summary", "on_entry", "on_exit", "last_drop", "origin", "upstream", "safety"} <= set(scheme)


def test_dry_run_measures_nothing(mmscale, tmp_path):
    path = tmp_path / "none.json"
    done = mmscale(*FLOORS, "--dry-run", "--out", path)
    assert done.returncode == 0
    assert done.stdout.splitlines() == [f"floor/{loop}/compact/cpus:1" for loop in FLOOR_LOOPS]
    assert not PROGRESS.search(done.stderr)
    assert not path.exists()


def test_records_on_standard_output(mmscale):
    done = mmscale(*FLOORS, "--reps", 1, "--out", "-")
    document = json.loads(done.stdout)
    assert_measured(done, document)
    assert len(windows(document)) == len(FLOOR_LOOPS)


# Google Benchmark's own flags.


def test_list_tests(mmscale):
    done = mmscale(*FLOORS, "--benchmark_list_tests")
    assert done.returncode == 0 and not done.stderr
    assert done.stdout.splitlines() == [f"floor/{loop}/compact/cpus:1" for loop in FLOOR_LOOPS]


@pytest.mark.parametrize(
    "expression, left",
    [("incdec", ["incdec"]), ("/(empty|private)/", ["empty", "private"]), ("-empty", ["private", "incdec", "fence"])],
)
def test_filter(mmscale, expression, left):
    done = mmscale(*FLOORS, f"--benchmark_filter={expression}", "--benchmark_list_tests")
    assert done.stdout.splitlines() == [f"floor/{loop}/compact/cpus:1" for loop in left]


def test_the_filter_is_measured(mmscale, tmp_path):
    path = tmp_path / "x.json"
    done = mmscale(*FLOORS, "--reps", 1, "--benchmark_filter=incdec", "--out", path)
    document = json.loads(path.read_text())
    assert_measured(done, document)
    assert set(cases(document)) == {"floor/incdec/compact/cpus:1"}


def test_format_json(mmscale):
    done = mmscale(*FLOORS, "--reps", 2, "--benchmark_format=json")
    document = json.loads(done.stdout)
    assert_measured(done, document)
    assert len(windows(document)) == 2 * len(FLOOR_LOOPS)


def test_format_csv(mmscale):
    done = mmscale(*FLOORS, "--reps", 2, "--benchmark_format=csv")
    assert done.returncode in (0, 3)
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert all(None not in row and None not in row.values() for row in rows), "every row has every column"
    of_windows = [row for row in rows if row["name"].endswith("/cpus:1")]
    assert len(of_windows) == 2 * len(FLOOR_LOOPS)
    assert all(float(row["ns_per_pair"]) > 0 and float(row["real_time"]) > 0 for row in of_windows)


@pytest.mark.parametrize("format", ["json", "csv", "console"])
def test_out_with_a_format(mmscale, tmp_path, format):
    path = tmp_path / "out"
    done = mmscale(*FLOORS, "--reps", 1, f"--benchmark_out={path}", f"--benchmark_out_format={format}")
    assert done.returncode in (0, 3)
    text = path.read_text()
    if format == "json":
        assert_measured(done, json.loads(text))
    elif format == "csv":
        assert len(list(csv.DictReader(io.StringIO(text)))) >= 3
    else:
        assert text == done.stdout


def test_out_by_the_environment(mmscale, tmp_path):
    path = tmp_path / "out.json"
    done = mmscale(*FLOORS, "--reps", 1, env={"BENCHMARK_OUT": str(path)})
    assert_measured(done, json.loads(path.read_text()))


def test_repetitions(mmscale, tmp_path):
    path = tmp_path / "x.json"
    done = mmscale(*FLOORS, "--reps", 5, "--benchmark_repetitions=2", "--benchmark_filter=empty", "--out", path)
    document = json.loads(path.read_text())
    assert_measured(done, document)
    assert sorted(window["repetition_index"] for window in windows(document)) == [0, 1]


def test_min_time_adds_windows(mmscale, tmp_path):
    path = tmp_path / "x.json"
    done = mmscale(*FLOORS, "--reps", 1, "--benchmark_min_time=0.01", "--benchmark_filter=empty", "--out", path)
    document = json.loads(path.read_text())
    assert_measured(done, document)
    indexes = [window["repetition_index"] for window in windows(document)]
    assert len(indexes) >= 4, "of 3 ms each"
    assert sorted(indexes) == list(range(len(indexes)))


def test_report_aggregates_only(mmscale, tmp_path):
    path = tmp_path / "x.json"
    flags = ("--benchmark_report_aggregates_only", "--benchmark_format=json", f"--benchmark_out={path}")
    done = mmscale(*FLOORS, "--reps", 2, *flags)
    assert done.returncode in (0, 3)
    shown, written = json.loads(done.stdout), json.loads(path.read_text())
    assert not windows(shown) and not windows(written)
    assert shown["benchmarks"] == written["benchmarks"]


def test_display_aggregates_only(mmscale, tmp_path):
    path = tmp_path / "x.json"
    flags = ("--benchmark_display_aggregates_only", "--benchmark_format=json", f"--benchmark_out={path}")
    done = mmscale(*FLOORS, "--reps", 2, *flags)
    document = json.loads(path.read_text())
    assert_measured(done, document)
    assert not windows(json.loads(done.stdout))
    assert len(windows(document)) == 2 * len(FLOOR_LOOPS)


def test_context_of_the_users(mmscale, tmp_path):
    path = tmp_path / "x.json"
    mmscale(*FLOORS, "--reps", 1, "--benchmark_context=rack=7,room=cold", "--out", path)
    context = json.loads(path.read_text())["context"]
    assert (context["rack"], context["room"]) == ("7", "cold")


def test_compare_reads_two_files(mmscale, tmp_path):
    for name in ("a.json", "b.json"):
        mmscale(*FLOORS, "--reps", 2, "--out", tmp_path / name)
    done = subprocess.run(
        [*COMPARE, "--no-color", "--no-utest", "benchmarks", "a.json", "b.json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    for loop in FLOOR_LOOPS:
        line = re.search(rf"^floor/{loop}/compact/cpus:1 .*$", done.stdout, re.MULTILINE)
        assert line, done.stdout
        # Two relative changes, then old and new of both times: numbers all.
        assert len([float(field) for field in line.group().split()[1:]]) == 6
