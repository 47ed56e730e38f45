# SPDX-License-Identifier: MIT
"""The family line: how long a cache line takes from each PU to each other."""

import re

from families.family import Family, drawn_by
from grouping.curves import sheets
from records.conditions import of_entry
from records.window import DISTANCES, counted_identity, number, per_cpu, validity
from stats.estimate import estimate
from tables.blocks import cell, foot, head, interval
from wording.text import scaled

NAME = re.compile(r"line/[^/]+/(?P<placement>[^/]+)/cpus:(?P<cpus>\d+)")
FORM = "{:<19} {:>9} {:>20} {:>11}"
RESULTS = frozenset({"matrix"})


def _row(benchmark, ours):
    """A window of the family line: its row of Records.lines, without the source. matrix: the object as recorded."""
    row = counted_identity(NAME, benchmark, ours, ("placement", "cpus"), ())
    row |= of_entry(ours, ("sampled_from", *RESULTS))
    row["matrix"] = matrix_of(ours.get("matrix"))
    row["per_cpu"] = per_cpu(ours)
    row["sampled_from"] = number(ours.get("sampled_from"))
    row["cost"] = number(benchmark.get("one_way_ns"))
    for name in DISTANCES:
        row[f"one_way_{name}"] = number(benchmark.get(f"one_way_ns_{name}"))
    for name in ("pairs", "visits"):
        row[name] = number(benchmark.get(name))
    return row | validity(benchmark, ours, row["cost"])


def matrix_of(matrix):
    """A line family's matrix, or None where there is none; ValueError if it does not hold together."""
    if not isinstance(matrix, dict):
        return None
    size = len(matrix["pus"])
    if "pairs_ns" in matrix:
        matrix = _square(matrix, size)
    for name in ("one_way_ns", "distance"):
        if len(matrix[name]) != size or any(len(row) != size for row in matrix[name]):
            raise ValueError(f"matrix: {name} is not {size} x {size}")
    return matrix


def _square(matrix, size):
    """The pairs of a matrix, which are recorded once, as rows and columns."""
    one_way = [[None] * size for _ in range(size)]
    distance = [["same-pu"] * size for _ in range(size)]
    if any(len(matrix[name]) != size for name in ("pairs_ns", "pairs_distance")):
        raise ValueError(f"matrix: pairs of more or fewer than {size} PUs")
    for row, (times, letters) in enumerate(zip(matrix["pairs_ns"], matrix["pairs_distance"])):
        for column, value, letter in zip(range(row + 1, size), times, letters, strict=True):
            one_way[row][column] = one_way[column][row] = value
            distance[row][column] = distance[column][row] = matrix["distances"][letter]
    return {"pus": matrix["pus"], "home_node": matrix["home_node"], "one_way_ns": one_way, "distance": distance}


def _stability(benchmark, ours):
    """What the windows of a case say together (text): its row of Records.stabilities, without the source."""
    return {"text": str(ours["text"])}


def line_sheets(records):
    """Returns the Sheets of the family line, each of one machine and of the same PUs."""
    table = records.lines
    if not len(table):
        return []
    # One matrix is one set of PUs: windows of others, be it the same number of them, are another figure.
    pus = table["matrix"].map(lambda matrix: str(matrix["pus"]) if isinstance(matrix, dict) else "")
    found = []
    for _, part in table.groupby([table["source"], pus], sort=False):
        found += sheets("line", part.assign(scheme="line"), ["placement", "cpus"])
    return found


def widest_sheet(records):
    """Returns the Sheet with a matrix of the most CPUs, or None."""
    with_matrix = (sheet for sheet in line_sheets(records) if sheet.windows["matrix"].notna().any())
    return max(with_matrix, key=lambda sheet: sheet.windows["cpus"].max(), default=None)


def _blocks(records, mark):
    return [block for sheet in line_sheets(records) for block in _table(sheet, mark)]


def _table(sheet, mark):
    windows = sheet.windows
    valid = windows[windows["valid"]]
    lines = head("line", sheet, f"{len(windows)} window{'s' if len(windows) > 1 else ''}")
    lines.append(FORM.format("distance", "one way", "interval", "round trip"))
    for name in ("all pairs", *DISTANCES):
        column = "cost" if name == "all pairs" else f"one_way_{name}"
        value = estimate(valid[column].dropna())
        if value or name == "all pairs":
            twice = mark + scaled(2 * value.median) if value else "-"
            lines.append(FORM.format(name.replace("_", "-"), cell(value, mark), interval(value, mark), twice))
    return [lines + foot(sheet)]


FAMILY = Family(
    name="line", figure="one_way_ns", table="lines", row=_row, results=RESULTS, blocks=_blocks, draw=drawn_by("figures.line"),
    aggregates={"stability": ("stabilities", _stability)}, options={"scheme": None},
    legend={
        "lines": "line: ns that a cache line takes from one CPU to another; one way is half a round trip. By distance: "
    "median of the pairs.",
    },
)  # fmt: skip
