# SPDX-License-Identifier: MIT
"""What was measured under other conditions is never pooled: whatever key of a record it is that differs, one that no
script has heard of included, and whatever part of the context."""

import json
import sqlite3

import made
import pytest
from conftest import DATA

from records import conditions
from tables import switches as table
from grouping.crossover import mix_sheets
from grouping.curves import sheets
from figures.ipi import ipi_sheets
from figures.latency import latency_sheets
from figures.line import line_sheets
from figures.teardown import teardown_sheets
from tables.fits import fitted
from fleet import gather
from grouping.host_sheets import call_sheets, switch_sheets
from simulation.overlay import overlays
from records.document import SCHEMA, is_flag, of_window
from records.reading import RecordError, read
from report.build import build
from grouping.series import panels

def two_values(said):
    if is_flag(said):
        return (True, None if "enum" in said else False)
    least = said.get("minimum", 0)
    numbers = (least + 100, least + 200)
    return {"integer": numbers, "number": numbers, "string": ("one", "other")}.get(said.get("type")) or said["enum"][:2]


# Whatever an option of any command sets in a record (tests/cli/test_describe.py holds the schema to it), and one of
# tomorrow.
OPTIONS = {key: two_values(said) for key, said in of_window(SCHEMA).items() if "option" in said}
OPTIONS |= {"tomorrow": (["a", 1], ["a", 2])}
# What only some families have.
OF_FAMILY = {
    "teardown": {"linger_ns": (0, 5000)},
    "mix": {"latency_one_in": (0, 997), "think_cycles": (0, 100)},
    "ipi": {"target_does": ("enable_points", "compute")},
    "line": {"home_node": (0, 1)},
    "floor": {"between_ns": (0, 10)},
    "host_kernel": {"window_ns": (50000000, 20000000)},
}


def floors():
    ours = {"scheme": "incdec", "placement": "compact", "cpus": 2}
    return [made.entry("floor/incdec/compact/cpus:2", {"cpus": 2, "ns_per_pair": 9.0}, ours) for _ in range(7)]


ENTRIES = {
    "switch": lambda: made.switches(cpus=(2,), schemes=("refcount",), one_in=0),
    "floor": floors,
    "teardown": lambda: made.teardowns(borrowers=(1,), schemes=("refcount",)),
    "mix": lambda: made.mixes(cpus=(2,), exits=(10,), schemes=("refcount",)),
    "ipi": lambda: made.ipis(targets=(1,), transports=("membarrier",)),
    "line": lambda: made.lines(windows=7),
    "host_kernel": lambda: made.host_switches(cpus=(2,), rates={"pipe/processes/cross-cpu": (30e3, 0.9, 0.98)}),
}
# Every option in the family that all of them are of; in the others their own, and one that nobody knows.
CASES = [("switch", key, values) for key, values in OPTIONS.items()]
CASES += [
    (family, key, values)
    for family in sorted(set(ENTRIES) - {"switch"})
    for key, values in ({key: OPTIONS[key] for key in ("deep_idle", "tomorrow")} | OF_FAMILY[family]).items()
]


def under(family, **ours):
    """The made entries of a family with something else in their "mmscale" object."""
    return [{**entry, "mmscale": {**entry["mmscale"], **ours}} for entry in ENTRIES[family]()]


def points_of(records):
    """How many windows stand behind each point that any script shows, family by family."""
    counts = [point.windows for panel in panels(records.switches) for point in panel.points]
    counts += [len(sheet.windows) for sheet in sheets("floor", records.floors, ["placement"])]
    for sheet, x in teardown_sheets(records):
        counts += [spot.windows for curve in sheet.curves(x, ()) for spot in curve.spots]
    for of in (mix_sheets, ipi_sheets, line_sheets, switch_sheets, call_sheets):
        for sheet in of(records):
            counts += [spot.windows for curve in sheet.curves("cpus", ()) for spot in curve.spots]
    return counts


@pytest.mark.parametrize("family, key, values", CASES, ids=lambda value: str(value) if isinstance(value, str) else "")
def test_windows_that_differ_in_one_option_are_not_pooled(tmp_path, family, key, values):
    """Be it in two files or in one."""
    one, other = (under(family, **{key: value}) for value in values)
    two = [made.write(tmp_path / "a.json", one), made.write(tmp_path / "b.json", other)]
    for files in (two, [made.write(tmp_path / "both.json", one, other)]):
        assert points_of(read(files, needed=("floors", "switches", "teardowns", "mixes", "ipis", "lines", "hosts"))) == [7, 7]


def test_windows_that_differ_in_a_result_are_pooled(tmp_path):
    path = made.write(tmp_path / "a.json", under("switch", pus=[0, 1]), under("switch", pus=[2, 3]))
    assert points_of(read([path])) == [14]


def test_the_table_and_the_fits_show_both(tmp_path):
    path = made.write(tmp_path / "a.json", under("switch", deep_idle=False), under("switch", deep_idle=True))
    records = read([path])
    text = table.render(records)
    assert text.count("switch: workload idle, one mm for all, CPUs nearest first") == 2
    assert ", deep idle" in text and ", no deep idle" in text and "14 windows" not in text
    assert len(fitted(records)) == 2


def test_latencies_and_replays_are_told_apart(tmp_path):
    entries = made.switches(cpus=(2,), schemes=("refcount",))
    entries += made.replays(schemes=("refcount",))
    other = [{**entry, "mmscale": {**entry["mmscale"], "deep_idle": True}} for entry in entries]
    path = made.write(tmp_path / "a.json", entries, other)
    assert [len(sheet.windows) for sheet in latency_sheets(read([path]))] == [7, 7]
    page, _, _ = build([path])
    assert page.count('aria-label="replay of make.mmtrace.gz"') == 2
    assert "deep idle not recorded" in page


@pytest.mark.parametrize("key", ["mitigations", "simulator_seed", "simulator_scale", "boot_parameters", "mine"])
def test_files_whose_context_differs_are_two_machines(tmp_path, key):
    paths = [made.write(tmp_path / f"{value}.json", under("switch"), **{key: value}) for value in ("one", "two")]
    records = read(paths)
    assert len(records.sources) == 2 and points_of(records) == [7, 7]
    assert key.startswith("simulator") or f"{key} two" in table.render(records)


def test_the_fleets_database_says_what_each_window_was_measured_under(tmp_path):
    path = made.write(tmp_path / "a.json", under("switch", deep_idle=False), under("switch", deep_idle=True))
    gather.write_database(tmp_path / "fleet.sqlite", [path])
    query = "SELECT count(*) FROM valid_windows GROUP BY host, name, conditions"
    assert sqlite3.connect(tmp_path / "fleet.sqlite").execute(query).fetchall() == [(7,), (7,)]


def test_what_differs_between_any_two_runs_is_no_machine(tmp_path):
    when = {"date": "2026-03-02T10:00:00+00:00", "load_avg": [1.5], "cpus_used": "0-1", "command_line": "mmscale bench"}
    paths = [made.write(tmp_path / "a.json", under("switch")), made.write(tmp_path / "b.json", under("switch"), **when)]
    records = read(paths)
    assert len(records.sources) == 1 and points_of(records) == [14]


def test_an_overlay_pools_no_worlds_of_its_own(tmp_path):
    """What the two worlds cannot share is left out of what must agree, and yet is not pooled within one of them."""
    floor = {"mmscale_world": "simulator", "host_name": "model"}
    simulated = [under("floor", world="simulator", between_ns=value) for value in (0, 30)]
    bench = made.write(tmp_path / "bench.json", under("floor", between_ns=0))
    one, both = (made.write(tmp_path / f"{len(lists)}.json", *lists, **floor) for lists in (simulated[:1], simulated))
    (overlay,), left_out = overlays(read([bench, one], needed=("floors",)))
    assert left_out == [] and len(overlay.pairs) == 1
    (again,), _ = overlays(read([bench, both], needed=("floors",)))
    assert again.pairs == overlay.pairs
    windows = [under("floor", world="simulator", between_ns=0, window_ns=value) for value in (1000, 2000)]
    several = made.write(tmp_path / "several.json", *windows, **floor)
    with pytest.raises(RecordError, match="simulated under window_ns 1000 and 2000"):
        overlays(read([bench, several], needed=("floors",)))


def test_every_key_of_real_records_is_a_result_an_identity_or_a_condition():
    """What a condition is, is told by what it is not: a result that is missed would make a point of each window."""
    for name in ("host-2cpu.json", "simulated.json"):
        windows = [one["mmscale"] for one in json.loads((DATA / name).read_text())["benchmarks"] if "mmscale" in one]
        cases = {json.dumps([one.get(key) for key in sorted(conditions.IDENTITY)]) for one in windows}
        told = {json.dumps([one.get(key) for key in sorted(conditions.IDENTITY)] + [conditions.of_entry(one)]) for one in windows}
        assert len(told) == len(cases), name
