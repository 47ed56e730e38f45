# SPDX-License-Identifier: MIT
import json
import statistics
from types import SimpleNamespace

import pandas
import pytest
from conftest import DATA
from records.reading import read
from grouping.series import boundaries, describe_conditions, panels


def the_panel(name):
    (panel,) = panels(read([DATA / name]).switches)
    return panel


def series_of(panel, scheme):
    (series,) = [series for series in panel.series if series.scheme == scheme]
    return series


def test_medians_exclude_invalid_windows():
    entries = json.loads((DATA / "host-2cpu.json").read_text())["benchmarks"]
    windows = [e for e in entries if e["name"] == "switch/idle/refcount/all/compact/cpus:2"]
    valid = [e["switches_per_second"] for e in windows if e["valid"]]
    everything = [e["switches_per_second"] for e in windows]

    point = series_of(the_panel("host-2cpu.json"), "refcount").at(2)
    assert point.rate.median == statistics.median(valid) != statistics.median(everything)
    assert (point.rate.count, point.windows, point.invalid_count) == (7, 9, 2)
    assert [rate for rate, _ in point.invalid] == [e["switches_per_second"] for e in windows if not e["valid"]]


def test_a_point_without_valid_windows_has_no_median():
    point = series_of(the_panel("host-64cpu.json"), "refcount").at(64)
    assert point.rate is None and point.cost is None
    assert len(point.invalid) == point.invalid_count == 5


def test_refcount_leads_the_series():
    assert [series.scheme for series in the_panel("host-2cpu.json").series] == ["refcount", "shootdown", "untracked"]


def test_package_boundaries():
    assert the_panel("host-2cpu.json").boundaries == ()
    assert the_panel("host-64cpu.json").boundaries == ((32.5, 2),)


def windows(*rows, source=0):
    return pandas.DataFrame(
        [{"source": source, "cpus": cpus, "packages": listed, "package_count": count} for cpus, listed, count in rows]
    )


@pytest.mark.parametrize(
    "table, marks",
    [
        # Scattered over four packages: every CPU up to the fourth brings one.
        (windows((8, (0, 1, 2, 3, 0, 1, 2, 3), 4.0)), [(1.5, 2), (2.5, 3), (3.5, 4)]),
        # Only counted: somewhere between 4 and 8, and between 8 and 16.
        (windows((4, None, 1.0), (8, None, 2.0), (16, None, 4.0)), [(6, 2), (12, 4)]),
        # The CPUs of the smaller record are no leading part of the larger's: the lists do not say where.
        (windows((2, (1, 1), 1.0), (4, (0, 0, 1, 1), 2.0)), [(3, 2)]),
    ],
)
def test_boundary_positions(table, marks):
    assert boundaries(table) == marks


def test_machines_must_agree_on_a_boundary_that_both_reach():
    four, small = (0, 0, 1, 1), windows((1, (0,), 1.0), source=1)
    other = windows((4, (0, 0, 0, 1), 2.0), source=1)
    assert boundaries(pandas.concat([windows((4, four, 2.0)), small])) == [(2.5, 2)]
    assert boundaries(pandas.concat([windows((4, four, 2.0)), other])) == []


def test_what_was_varied_makes_panels_of_its_own(edited):
    def vary(document):
        for entry in list(document["benchmarks"]):
            if entry["run_type"] == "iteration" and entry["name"].startswith("switch"):
                document["benchmarks"].append({**entry, "mmscale": {**entry["mmscale"], "think_cycles": 500}})

    found = panels(read([edited("host-2cpu.json", vary)]).switches)
    assert [panel.split for panel in found] == [{"think_cycles": 0}, {"think_cycles": 500}]
    assert [series_of(panel, "refcount").at(2).windows for panel in found] == [9, 9]
    assert found[1].name.endswith("500 ticks of work between two switches")


def test_a_condition_that_goes_with_the_scheme_splits_nothing(edited):
    def vary(document):
        for entry in document["benchmarks"]:
            if "/refcount/" in entry["name"] and "mmscale" in entry:
                entry["mmscale"]["lifecycle"] = "x86-2024"

    (panel,) = panels(read([edited("host-2cpu.json", vary)]).switches)
    assert panel.conditions["lifecycle"] == ["x86-2024", "powerpc"]


def test_options_left_alone_go_without_saying_and_others_do_not():
    panel = SimpleNamespace(
        conditions={"lifecycle": ["powerpc"], "mm_cid": ["off"], "rq_lock": [False], "lifetime": [float("nan")]}
    )
    assert describe_conditions(panel) == ["rules of powerpc"]
    panel.conditions |= {"mm_cid": ["off", "v6.4"], "rq_lock": [True], "lifetime": [100.0]}
    assert describe_conditions(panel)[1:] == [
        "mm_cid off or mm_cid v6.4",
        "rq_lock True",
        "lifetime 100 switches",
    ]
    panel.conditions = {"window_ns": [2e8, 999_499_999.0, 1e9, 1.5e9], "warm_ns": [5e6, 2e9]}
    assert describe_conditions(panel) == [
        "windows of 200 ms or windows of 999 ms or windows of 1 s or windows of 1.5 s",
        "5 ms of warming up or 2 s of warming up",
    ]
