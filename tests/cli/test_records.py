# SPDX-License-Identifier: MIT
"""A real record file against what schema/ and docs/ say of it."""

import copy
import json
import re

import pytest
from conftest import ROOT, windows

from records.schema import problems  # isort: skip


def test_follows_the_schema(campaign):
    assert problems(campaign[1]) == []


@pytest.mark.parametrize(
    "spoil, problem",
    [
        (lambda window: window.pop("switches_per_second"), "'switches_per_second' is a required property"),
        (lambda window: window.update(valid=2), "2 is not one of"),
        (lambda window: window.update(overlap=1.5), "greater than the maximum"),
        (lambda window: window.update(shiny="yes"), "'yes' is not of type 'number'"),
        (lambda window: window.update(jain=None), "None is not of type 'number'"),
        (lambda window: window["mmscale"].pop("workload"), "'workload' is a required property"),
        (lambda window: window["mmscale"]["per_cpu"][0].update(rounds="1"), "'1' is not of type 'integer'"),
        (lambda window: window["mmscale"].update(schema=1), "1 is not one of"),
    ],
)
def test_the_schema_can_fail(campaign, spoil, problem):
    document = copy.deepcopy(campaign[1])
    spoil(next(window for window in windows(document) if window["mmscale"]["family"] == "switch"))
    assert any(problem in found for found in problems(document))


def names_in(document):
    """Every name of a figure, of the "mmscale" object and of the context."""
    names = set(document["context"])
    for entry in document["benchmarks"]:
        names |= set(entry) | set(entry.get("mmscale", ()))
        for cpu in entry.get("mmscale", {}).get("per_cpu", ()):
            names |= set(cpu)
    names = {re.sub(r"^share_package_\d+$", "share_package_<p>", name) for name in names}
    return {re.sub(r"^unsafe_here_.*", "unsafe_here_SCHEME", name) for name in names}


def test_every_name_is_documented(campaign):
    text = (ROOT / "docs/records.md").read_text()
    documented = set(re.findall(r"`([^`]+)`", text))
    keys = json.loads((ROOT / "schema/record.schema.json").read_text())["$defs"]["mmscale"]["properties"]
    documented |= {key for key, said in keys.items() if "option" in said}
    assert not names_in(campaign[1]) - documented - {"mmscale"}


def test_every_documented_figure_exists(campaign):
    """Those of the tables under "Figures of every window"; what may be absent need not be there."""
    text = (ROOT / "docs/records.md").read_text()
    tables = text.split("## Figures of every window")[1].split("## The object")[0]
    rows = re.findall(r"^\| (`.+?) \|.*\| ?([^|]*)\|$", tables, re.MULTILINE)
    always = {name for names, absent in rows if not absent.strip() for name in re.findall(r"`([^`]+)`", names)}
    assert {"switches_per_second", "mms_freed", "pairs_per_second", "share_package_<p>"} <= always
    assert not always - names_in(campaign[1])


def test_json_has_no_infinities(campaign, mmscale, tmp_path):
    path = tmp_path / "x.json"
    mmscale("bench", "--family", "floor", "--cpus", 1, "--reps", 1, "--window", "1ms", "--out", path)

    def refuse(name):
        raise AssertionError(name)

    json.loads(path.read_text(), parse_constant=refuse)
