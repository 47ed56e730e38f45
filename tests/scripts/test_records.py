# SPDX-License-Identifier: MIT
import math

import pytest
from conftest import DATA
from records.reading import RecordError, read
from records.window import per_cpu

TWO = "host-2cpu.json"


def windows(path, scheme, cpus):
    table = read([path]).switches
    return table[(table["scheme"] == scheme) & (table["cpus"] == cpus)]


def test_reads_windows_and_no_aggregates():
    records = read([DATA / TWO])
    assert len(records.switches) == 3 * 2 * 9
    assert len(records.floors) == 9
    assert set(records.floors["counter"]) == {"ns_per_pair"}
    assert records.sources[0].machine.host == "twin"
    assert not records.sources[0].machine.simulated


def test_invalid_windows_are_kept_with_their_reasons():
    found = windows(DATA / TWO, "refcount", 2)
    assert list(found["valid"]) == [True] * 3 + [False] + [True] * 3 + [False, True]
    assert found["reasons"].iloc[3] == ("cpu 1: waited 2.1 % of the window",)


def test_identity_falls_back_on_the_name(edited):
    def strip(document):
        for benchmark in document["benchmarks"]:
            benchmark.pop("mmscale", None)
            benchmark["name"] += "/repeats:9/manual_time"

    path = edited(TWO, strip)
    found = windows(path, "shootdown", 2)
    assert len(found) == 9
    assert set(found["placement"]) == {"compact"}
    assert list(found["valid"]) == [False] + [True] * 8


def test_cost_is_computed_where_it_is_missing(edited):
    path = edited(TWO, lambda document: [entry.pop("ns_per_switch", None) for entry in document["benchmarks"]])
    found = windows(path, "refcount", 2)
    assert found["cost"].iloc[0] == pytest.approx(2e9 / found["rate"].iloc[0])


@pytest.mark.parametrize(
    "change, reason",
    [
        ({"error_occurred": True, "error_message": "pin failed"}, "pin failed"),
        ({"switches_per_second": math.nan}, "no value recorded"),
        ({"switches_per_second": 0.0}, "no value recorded"),
        ({"valid": 0.0}, "marked invalid without a reason"),
    ],
)
def test_a_window_that_cannot_count_is_invalid(edited, change, reason):
    path = edited(TWO, lambda document: document["benchmarks"][0].update(change))
    first = read([path]).switches.iloc[0]
    assert not first["valid"]
    assert first["reasons"] == (reason,)


def test_a_window_that_nobody_vouches_for_is_invalid(edited):
    def strip(document):
        del document["benchmarks"][0]["valid"], document["benchmarks"][0]["mmscale"]["invalid"]

    assert read([edited(TWO, strip)]).switches.iloc[0]["reasons"] == ("validity not recorded",)


def test_files_of_one_machine_are_one_source(edited):
    again = edited(TWO, lambda document: document["context"].update(date="2026-02-01T00:00:00+00:00"))
    records = read([DATA / TWO, again])
    assert len(records.sources) == 1
    assert records.sources[0].files == [str(DATA / TWO), str(again)]
    assert len(records.switches) == 2 * 54


@pytest.mark.parametrize("key", ["host_name", "kernel", "git_revision", "mmscale_world", "governor"])
def test_files_that_differ_in_machine_or_build_are_not_pooled(edited, key):
    other = edited(TWO, lambda document: document["context"].update({key: "other"}))
    records = read([DATA / TWO, other])
    assert len(records.sources) == 2
    assert list(records.switches.groupby("source").size()) == [54, 54]


def test_a_file_counts_once():
    with pytest.raises(RecordError, match="given twice"):
        read([DATA / TWO, DATA / ".." / "data" / TWO])


def test_another_tuning_is_another_scheme(edited):
    def tune(document):
        for entry in document["benchmarks"]:
            if "/refcount/" in entry["name"] and "mmscale" in entry:
                entry["mmscale"] |= {"switch_ticks": 150, "batch": 8}

    assert set(read([edited("host-2cpu.json", tune)]).switches["scheme"]) >= {"refcount (150 ticks)"}


def test_windows_of_many_cpus_say_what_each_did():
    ours = {
        "pus": [4, 5, 7], "packages": [0, 0, 1],
        "per_cpu": {"start_ns": 100, "end_ns": 900, "rounds": [10, 20, 30], "losers": 1, "most_lost": [{"pu": 5, "package": 0, "start_ns": 120, "rounds": 20, "lost": 0.5}]},
    }  # fmt: skip
    told = per_cpu(ours)
    assert [(entry["pu"], entry["package"], entry["rounds"]) for entry in told] == [(4, 0, 10), (5, 0, 20), (7, 1, 30)]
    assert told[1]["lost"] == 0.5 and min(entry["start_ns"] for entry in told) == 100
    ours["per_cpu"]["rounds"].pop()
    with pytest.raises(ValueError):
        per_cpu(ours)
