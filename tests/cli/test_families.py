# SPDX-License-Identifier: MIT
"""Families teardown, mix, ipi, line and explorer, and sampled latency, from the command line: every window they write
follows the schema, its names are documented, and what it says holds together. Whether windows are valid depends on the machine."""

import json
import re

import pytest
from conftest import QUICK, ROOT, assert_measured, assert_refused

from records.schema import problems  # isort: skip

SHORT = (*QUICK, "--reps", 1, "--scheme", "refcount,shootdown", "--lifecycle", "powerpc")


def windows_of(document, family):
    return [
        entry
        for entry in document["benchmarks"]
        if entry["run_type"] == "iteration" and entry["mmscale"]["family"] == family
    ]


@pytest.fixture(scope="session")
def families(mmscale, allowed, tmp_path_factory):
    """One short campaign of the families that need two CPUs: the document and the console; None with one CPU."""
    if len(allowed) < 2:
        return None
    out = tmp_path_factory.mktemp("families") / "records.json"
    done = mmscale(
        *("bench", "--family", "teardown,mix,ipi,line", "--cpus", 2, "--exits", "0,100,10000", *SHORT, "--out", out)
    )
    document = json.loads(out.read_text())
    assert_measured(done, document)
    return document, done.stdout


def needs_two(families):
    """Tests of what two CPUs measured; with one there is nothing to look at, and test_one_cpu_says_so speaks."""
    return families is not None


def test_follow_the_schema(families):
    if needs_two(families):
        assert problems(families[0]) == []


def test_every_name_is_documented(families):
    if not needs_two(families):
        return
    text = "".join((ROOT / "docs" / page).read_text() for page in ("records.md", "records-families.md"))
    documented = set(re.findall(r"`([^`]+)`", text))
    prefixes = {name[:-1] for name in documented if name.endswith("_*")}
    for entry in families[0]["benchmarks"]:
        for name in set(entry) | set(entry.get("mmscale", ())):
            name = re.sub(r"^share_package_\d+$", "share_package_<p>", name)
            stem = re.sub(r"(p50|p90|p99|p999|max|mean|count)(_error)?$", "", name)
            assert name in documented | {"mmscale"} or stem in prefixes, name


def test_conservation_holds_in_every_window(families):
    if needs_two(families):
        for entry in families[0]["benchmarks"]:
            assert not entry.get("mmscale", {}).get("audit"), entry["name"]


def test_teardown_has_every_part(families):
    if not needs_two(families):
        return
    windows = [entry["mmscale"] for entry in windows_of(families[0], "teardown")]
    parts = {(window["scheme"], window["borrowers"], window["mask_only"]) for window in windows}
    assert parts == {(s, b, m) for s in ("refcount", "shootdown") for b, m in ((0, 0), (1, 0), (0, 1))}
    for entry in windows_of(families[0], "teardown"):
        assert entry["drop_ns_count"] == entry["teardowns"]
        assert entry["held_bytes_max"] == entry["held_mms_max"] * entry["mm_slot_bytes"]
        if entry["mmscale"]["scheme"] == "refcount":
            assert entry["ipis_sent"] == 0


def test_idle_and_death_cost_what_is_said(mmscale, allowed, tmp_path):
    """Whoever drops waits for the borrower to leave its idle state, whatever else the machine does. The tick has no part in a
    drop."""
    if len(allowed) < 2:
        return
    out = tmp_path / "records.json"
    costs = ("--idle-exit", "200us", "--nohz", "3", "--death-ticks", "1000", "--registered")
    done = mmscale("bench", "--family", "teardown,mix", "--cpus", 2, "--exits", "0,10000", *costs, *SHORT, "--out", out)
    document = json.loads(out.read_text())
    assert_measured(done, document)
    assert problems(document) == []
    for entry in windows_of(document, "teardown"):
        ours = entry["mmscale"]
        assert ours["idle_exit_ns"] == 200_000 and "nohz_every" not in ours
        if ours["scheme"] == "shootdown" and ours["borrowers"] == 1:
            assert entry["drop_ns_p50"] >= 200_000
    said = {"idle_exit_ns": 200_000, "nohz_every": 3, "death_ticks": 1000, "registered": True}
    for entry in windows_of(document, "mix"):
        assert said.items() <= entry["mmscale"].items()


def test_mix_concludes_in_a_record_and_a_line(families):
    if not needs_two(families):
        return
    crossovers = [e for e in families[0]["benchmarks"] if e.get("aggregate_name") == "crossover"]
    # By each transport: the two stand on either side of what a kernel's IPI costs.
    case = "mix/crossover/refcount-vs-shootdown/all/compact/cpus:2"
    assert {e["name"] for e in crossovers} == {f"{case}_crossover", f"{case}/transport:doorbell_crossover"}
    assert crossovers[0]["mmscale"]["schemes"] == ["refcount", "shootdown"]
    assert crossovers[0]["mmscale"]["text"] in families[1].splitlines()
    rates = {e["exits_per_million"]: e["lifetime"] for e in windows_of(families[0], "mix")}
    assert rates == {0: 0, 100: 10000, 10000: 100}


def test_line_has_every_pair_once(families):
    if not needs_two(families):
        return
    for entry in windows_of(families[0], "line"):
        matrix = entry["mmscale"]["matrix"]
        assert len(matrix["pus"]) == entry["cpus"] == 2 and entry["mmscale"]["sampled_from"] == 2
        assert [len(row) for row in matrix["pairs_ns"]] == [len(row) for row in matrix["pairs_distance"]] == [1, 0]
        assert matrix["pairs_ns"][0][0] == pytest.approx(entry["one_way_ns"], abs=0.001)
        distance = matrix["distances"][matrix["pairs_distance"][0]]
        assert "one_way_ns_" + distance.replace("-", "_") in entry
        assert entry["round_trip_ns"] == pytest.approx(2 * entry["one_way_ns"])


def test_ipi_says_what_its_targets_do(families):
    if needs_two(families):
        for entry in windows_of(families[0], "ipi"):
            does = "compute" if entry["mmscale"]["transport"] == "signal" else "enable_points"
            assert entry["mmscale"]["target_does"] == does
            assert entry["queued_per_call"] == 1


def test_explorer_counts_steps(mmscale, tmp_path):
    out = tmp_path / "records.json"
    done = mmscale("bench", "--family", "explorer", "--cpus", 1, *QUICK, "--reps", 1, "--out", out)
    document = json.loads(out.read_text())
    assert_measured(done, document)
    assert problems(document) == []
    windows = windows_of(document, "explorer")
    assert {window["mmscale"]["scheme"] for window in windows} == {"stateless", "remembering"}
    for window in windows:
        assert window["steps_per_second"] > 0 and not window["mmscale"]["audit"]
        assert window["ns_per_step"] == pytest.approx(1e9 / window["steps_per_second"])


@pytest.mark.parametrize("family", ["teardown", "ipi", "line"])
def test_one_cpu_says_so_in_one_line(mmscale, allowed, family):
    done = mmscale("bench", "--family", family, *SHORT, before=("taskset", "-c", str(allowed[0])))
    assert_refused(done, 1, rf"--family {family}: needs 2 CPUs, 1 in use; 1 can be used \(.*\)")


def switches(mmscale, out, *arguments):
    """The windows of a short campaign of switch/idle on one CPU, and all it wrote."""
    done = mmscale("bench", "--family", "switch", "--workload", "idle", "--cpus", 1, *SHORT, *arguments, "--out", out)
    document = json.loads(out.read_text())
    assert_measured(done, document)
    assert problems(document) == []
    return windows_of(document, "switch")


def test_latency_is_sampled(mmscale, tmp_path):
    for entry in switches(mmscale, tmp_path / "records.json", "--latency"):
        assert entry["latency_one_in"] == entry["mmscale"]["latency_one_in"] == 8192
        # One switch in 8,192, but for the stretches that the window cuts.
        assert entry["latency_ns_count"] == pytest.approx(entry["switches"] / 8192, abs=1)
        assert entry["clock_ns_count"] == entry["latency_ns_count"]


def test_without_latency_there_is_none(mmscale, tmp_path):
    entries = switches(mmscale, tmp_path / "records.json")
    assert not any(name.startswith("latency") for entry in entries for name in entry)


def test_by_default_switch_and_floor(mmscale):
    def listed(*arguments):
        names = mmscale("bench", "--benchmark_list_tests", "--cpus", 1, *arguments).stdout.split()
        # A build under a sanitizer has no `simulator`.
        return {name.split("/")[0] for name in names} - {"simulator"}

    assert listed() == {"switch", "floor"}
    assert listed("--family", "all") == {"switch", "floor", "mix", "host_kernel", "explorer"}
