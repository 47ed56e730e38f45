# SPDX-License-Identifier: MIT
"""Records of teardown, mix, ipi and line, and sampled latency: reading them, alone and together."""

import copy
import math

import made
import pytest
from conftest import DATA, SCRIPTS
from families.registry import TABLES
from records.reading import RecordError, read
from tables.switches import WIDTH, render

PLOT = SCRIPTS / "plot"
SMALL = {"mixes": {"cpus": (1, 2), "exits": (1, 1000)}, "teardowns": {"borrowers": (0, 2)}, "ipis": {"targets": (1, 2)}}
STEMS = {
    "teardowns": {"teardown-compact"},
    "mixes": {"mix-all-compact-crossover", "mix-all-compact-ns"},
    "ipis": {"ipi-compact"},
    "lines": {"line-compact-4"},
}


def entries(family):
    """A few records of one family."""
    if family == "lines":
        return made.lines(made.machine(2, 1, 1, 2))
    return getattr(made, family)(**SMALL[family])


@pytest.mark.parametrize("family", STEMS)
def test_a_family_alone_is_enough(run, tmp_path, family):
    path = made.write(tmp_path / "records.json", entries(family))
    (tmp_path / "out").mkdir()
    done = run(PLOT, path, "-o", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    forms = {f"{stem}.{form}" for stem in STEMS[family] for form in ("png", "svg")}
    assert {found.name for found in (tmp_path / "out").iterdir()} == forms | {"table.txt"}
    assert all(found.stat().st_size > 10_000 for found in (tmp_path / "out").iterdir() if found.name in forms)


def test_only_that_family_is_read(tmp_path):
    records = read([made.write(tmp_path / "a.json", made.ipis())])
    assert [table for table in TABLES if len(getattr(records, table))] == ["ipis"]


def test_nothing_that_can_be_drawn(tmp_path):
    floor = made.entry("floor/empty/compact/cpus:1", {"ns_per_pass": 1.0}, {"scheme": "empty", "cpus": 1})
    for number, documents in enumerate(([], [floor], made.crossovers({1: (1, 2, 3)}))):
        with pytest.raises(RecordError, match="no switch records, nor any others"):
            read([made.write(tmp_path / f"{number}.json", documents)])


def test_families_join_a_file_of_switches(tmp_path):
    records = read([DATA / "host-2cpu.json", made.write(tmp_path / "a.json", made.teardowns(), made.lines())])
    assert len(records.sources) == 2
    assert set(records.switches["source"]) == {0} and set(records.teardowns["source"]) == {1}
    assert len(records.of(0).teardowns) == 0 and len(records.of(1).lines) == 5


def test_several_machines_have_maps_and_matrices_of_their_own(run, tmp_path):
    small = [made.mixes(**SMALL["mixes"]), made.lines(made.machine(1, 1, 2, 1)), made.teardowns(**SMALL["teardowns"])]
    paths = [made.write(tmp_path / f"{name}.json", *small, host_name=name) for name in ("a", "b")]
    (tmp_path / "out").mkdir()
    assert run(PLOT, *paths, "-o", tmp_path / "out").returncode == 0
    found = {path.stem for path in (tmp_path / "out").glob("*.png")}
    machines = ("machine1", "machine2")
    maps = {f"mix-all-compact-{machine}-{what}" for machine in machines for what in ("crossover", "ns")}
    assert found == {"teardown-compact"} | maps | {f"line-compact-2-{machine}" for machine in machines}


def test_identity_falls_back_on_the_name(tmp_path):
    every = [*made.teardowns(mask_only=3), *made.mixes(), *made.ipis()]
    for one in every:
        del one["mmscale"]
        for counter in ("borrowers", "mask_only", "exits_per_million", "targets"):
            one.pop(counter, None)
    records = read([made.write(tmp_path / "a.json", every)])
    assert set(records.teardowns["borrowers"]) == {0, 1, 2, 4, 8, 16, 31} and set(records.teardowns["mask_only"]) == {3}
    assert set(records.mixes["exits"]) == {1, 10, 100, 1000, 10000, 100000}
    assert set(records.ipis["scheme"]) == {"membarrier", "signal", "doorbell"} and 16 in set(records.ipis["targets"])


def test_a_matrix_that_does_not_hold_together(tmp_path):
    broken = made.lines(windows=1)
    broken[0]["mmscale"]["matrix"]["one_way_ns"].pop()
    with pytest.raises(RecordError, match="one_way_ns is not 32 x 32"):
        read([made.write(tmp_path / "a.json", broken)])


def test_a_matrix_of_pairs_is_the_same_as_rows_and_columns(tmp_path):
    square = made.lines(windows=2, missing=[(1, 5)])
    paired = copy.deepcopy(square)
    names = {"b": "smt-sibling", "c": "same-llc", "d": "same-die", "e": "same-package", "f": "other-package"}
    letters = {name: letter for letter, name in names.items()}
    for one in paired:
        matrix = one["mmscale"]["matrix"]
        one_way, distance = matrix.pop("one_way_ns"), matrix.pop("distance")
        matrix["pairs_ns"] = [row[at + 1 :] for at, row in enumerate(one_way)]
        matrix["pairs_distance"] = ["".join(letters[name] for name in row[at + 1 :]) for at, row in enumerate(distance)]
        matrix["distances"] = names
    read_back = [read([made.write(tmp_path / "a.json", form)]).lines["matrix"][1] for form in (square, paired)]
    assert read_back[0] == read_back[1]
    for spoil in (lambda matrix: matrix["pairs_ns"].pop(), lambda matrix: matrix["pairs_ns"][3].pop()):
        broken = copy.deepcopy(paired)
        spoil(broken[0]["mmscale"]["matrix"])
        with pytest.raises(RecordError, match="record 0 is not mmscale's"):
            read([made.write(tmp_path / "a.json", broken)])


def test_crossovers_may_have_none(tmp_path):
    path = made.write(tmp_path / "a.json", made.mixes(), made.crossovers({1: None, 2: (10, 20, 30)}))
    found = read([path]).crossovers
    assert math.isnan(found.iloc[0]["exits_per_million"])
    assert list(found.iloc[1][["low", "exits_per_million", "high"]]) == [10, 20, 30]


def test_latency_is_of_the_windows_that_have_it(tmp_path):
    sampled, plain = made.switches(cpus=(2,)), made.switches(cpus=(4,), one_in=0)
    records = read([made.write(tmp_path / "a.json", sampled, plain, made.mixes(one_in=50))])
    assert set(records.latencies.loc[records.latencies["family"] == "switch", "cpus"]) == {2}
    assert set(records.latencies.loc[records.latencies["family"] == "mix", "latency_one_in"]) == {50}


def test_windows_with_and_without_sampling_are_not_pooled(tmp_path):
    from grouping.series import panels

    path = made.write(tmp_path / "a.json", made.switches(cpus=(2,)), made.switches(cpus=(2,), one_in=0))
    found = panels(read([path]).switches)
    assert len(found) == 2
    assert found[0].name.endswith("one switch in 997 timed") and found[1].name.endswith("no switch timed")


def test_table_fits_a_mail_and_counts_invalid_windows(tmp_path):
    costs = made.COSTS | {"shootdown-exitflush": lambda cpus, exits: 1e9 + exits}
    path = made.write(
        tmp_path / "a.json",
        made.teardowns(spoilt=[("shootdown", 4, 1), ("shootdown", 4, 2)]),
        made.mixes(schemes=("refcount", "shootdown-exitflush"), costs=costs),
        made.crossovers({1536: (123456, 234567, 345678)}, ("shootdown-exitflush", "shootdown-exitinit")),
        made.ipis(), made.lines(spoilt=(1,)), made.switches(), mmscale_world="simulator",
    )  # fmt: skip
    text = render(read([path]))
    assert text.isascii() and max(map(len, text.splitlines())) <= WIDTH
    rows = [line.split() for line in text.splitlines()]
    assert ["shootdown", "4", "~2.220k", "~5.550k", "~88.80k", "~5.00", "~1.00", "2/7"] in rows
    assert ["membarrier", "31", "~76.90k", "~192.2k", "~3.076M", "~31.0", "~31.0", "0/7"] in rows
    assert ["1536", "~234.6k", "~123.5k..~345.7k"] in rows
    assert ["same-package", "~60.15", "~59.70..~60.60*", "~120.3"] in rows
    assert "1 of 5 windows invalid" in text
