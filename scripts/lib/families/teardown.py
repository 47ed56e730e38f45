# SPDX-License-Identifier: MIT
"""The family teardown: what the last drop of an mm costs."""

import re

from families.family import Family, drawn_by
from grouping.curves import sheets
from records.conditions import of_entry
from records.window import counted_identity, distribution, number, validity
from tables.blocks import cell, foot, head, rows
from wording.text import repetitions, scaled

NAME = re.compile(
    r"teardown/(?P<scheme>[^/]+)/(?P<placement>[^/]+)/cpus:(?P<cpus>\d+)/borrowers:(?P<borrowers>\d+)"
    r"(?:/mask_only:(?P<mask_only>\d+))?"
)
FORM = "{:<19} {:>5} {:>7} {:>7} {:>7} {:>6} {:>6} {:>5}"


def _row(benchmark, ours):
    """A window of the family teardown: its row of Records.teardowns, without the source."""
    row = counted_identity(NAME, benchmark, ours, ("scheme", "placement", "cpus"), ("borrowers", "mask_only"))
    row |= of_entry(ours, ("borrowers", "mask_only"))
    row |= distribution("drop", benchmark, "drop_ns")
    for part in ("useful", "useless"):
        row[part] = number(benchmark.get(f"ipis_{part}_per_teardown"))
    row["ipis"] = row["useful"] + row["useless"]
    row["interrupted"] = number(benchmark.get("interrupted_ns_per_teardown"))
    row["free"] = number(benchmark.get("free_ns_p50"))
    row["held"] = number(benchmark.get("held_bytes_max"))
    return row | validity(benchmark, ours, row["drop_p50"])


def teardown_sheets(records):
    """Returns (Sheet, the column along which it is swept) for everything of the family teardown. Where mask_only was
    swept, sheets of their own show that, each from the same borrowers with no such CPU on."""
    table = records.teardowns
    if not len(table):
        return []
    plain = table[table["mask_only"] == 0]
    swept = sheets("teardown", plain, ["placement"], ["cpus"], ["borrowers"])
    found = [(sheet, "borrowers") for sheet in swept]
    for borrowers in sorted(table.loc[table["mask_only"] > 0, "borrowers"].unique()):
        part = table[table["borrowers"] == borrowers]
        identity = ["placement", "borrowers"]
        swept = sheets("teardown-mask_only", part, identity, ["cpus"], ["mask_only"])
        found += [(sheet, "mask_only") for sheet in swept]
    return found


def _blocks(records, mark):
    return [block for sheet, x in teardown_sheets(records) for block in _table(sheet, x, mark)]


def _table(sheet, x, mark):
    columns = ("drop_p50", "drop_p99", "drop_max", "ipis", "useless")
    curves = sheet.curves(x, columns)

    def row(at, curve, spot, here):
        numbers = [cell(spot.values[column], mark, scaled, 3 if "drop" not in column else 4) for column in columns]
        return FORM.format(curve.scheme, at, *numbers, f"{spot.invalid_count}/{spot.windows}")

    lines = head("teardown", sheet, f"{repetitions([s for c in curves for s in c.spots])} per row")
    which = "borr." if x == "borrowers" else "+mask"
    lines.append(FORM.format("scheme", which, "p50", "p99", "max", "IPIs", "usel.", "inv"))
    return [lines + rows(curves, row) + foot(sheet)]


FAMILY = Family(
    name="teardown", figure="drop_ns_p50", table="teardowns", row=_row, blocks=_blocks, draw=drawn_by("figures.teardown"),
    legend={
        "teardowns": "teardown: borr., CPUs that borrow the mm lazily (or +mask: are only in its mask). p50, p99, max: ns "
    "of the last mmput, medians of the valid windows. IPIs: CPUs interrupted per teardown; usel.: those of them that "
    "did not borrow the mm.",
    },
)  # fmt: skip
