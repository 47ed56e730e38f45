# SPDX-License-Identifier: MIT
from pathlib import Path

import pytest
from conftest import DATA
from records.reading import read
from tables.switches import WIDTH, render


@pytest.mark.parametrize("name", ["host-2cpu", "host-64cpu"])
def test_golden(name, monkeypatch):
    monkeypatch.chdir(DATA)
    assert render(read([Path(f"{name}.json")])) == Path(f"{name}.table.txt").read_text()


def test_fits_a_mail(edited):
    def lengthen(document):
        document["context"].update(cpu_model="Génuine® " + "very " * 30 + "long", mmscale_world="simulator")
        for entry in document["benchmarks"]:
            if "mmscale" in entry and entry["mmscale"]["family"] == "switch":
                entry["mmscale"].update(scheme="shootdown-exitflush", cpus=1536)
                entry["switches_per_second"] = 123456789012.0

    text = render(read([edited("host-2cpu.json", lengthen)]))
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= WIDTH


def test_simulated_numbers_are_marked(edited):
    path = edited("host-2cpu.json", lambda document: document["context"].update(mmscale_world="simulator"))
    text = render(read([path]))
    assert text.startswith("SIMULATED")
    rows = [line.split() for line in text.splitlines() if line.startswith(("refcount ", "shootdown ", "incdec "))]
    assert len(rows) == 5
    for row in rows:
        assert row[2].startswith("~")
        assert row[3].startswith("~") and "..~" in row[3]
    assert [row[4:6] for row in rows[:1]] == [["~8.218", "~1.00"]]


def test_no_ratio_without_a_valid_refcount():
    lines = render(read([DATA / "host-64cpu.json"])).splitlines()
    (row,) = [line.split() for line in lines if line.startswith("shootdown") and line.split()[1] == "64"]
    assert row[5] == "-"
