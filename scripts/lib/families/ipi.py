# SPDX-License-Identifier: MIT
"""The family ipi: what a synchronous call of other CPUs costs. The transport stands where others have the scheme."""

import re

from families.family import Family, drawn_by
from grouping.curves import sheets
from records.conditions import of_entry
from records.window import counted_identity, distribution, number, validity
from tables.blocks import numbers

NAME = re.compile(r"ipi/(?P<transport>[^/]+)/(?P<placement>[^/]+)/cpus:(?P<cpus>\d+)/targets:(?P<targets>\d+)")
FORM = "{:<19} {:>7} {:>7} {:>7} {:>7} {:>7} {:>7} {:>4}"


def _row(benchmark, ours):
    """A window of the family ipi: its row of Records.ipis, without the source. The transport stands where other
    families have the scheme: it is what the lines of a figure tell apart."""
    row = counted_identity(NAME, benchmark, ours, ("transport", "placement", "cpus"), ("targets",))
    row["scheme"] = row.pop("transport")
    row |= of_entry(ours, ("transport", "targets"))
    row |= distribution("round", benchmark, "round_trip_ns")
    for part in ("queued", "raised"):
        row[part] = number(benchmark.get(f"{part}_per_call"))
    row["clock"] = number(benchmark.get("clock_ns_p50"))
    return row | validity(benchmark, ours, row["round_p50"])


def ipi_sheets(records):
    """Returns the Sheets of the family ipi."""
    return sheets("ipi", records.ipis, ["placement"], ("cpus",), ["targets"])


def _blocks(records, mark):
    return [block for sheet in ipi_sheets(records) for block in _table(sheet, mark)]


def _table(sheet, mark):
    columns = {"round_p50": 4, "round_p99": 4, "round_max": 4, "queued": 3, "raised": 3}
    heads = ("transport", "targets", "p50", "p99", "max", "queued", "raised", "inv")
    return numbers("ipi", sheet, mark, sheet.curves("targets", tuple(columns)), columns, FORM, heads)


FAMILY = Family(
    name="ipi", figure="round_trip_ns_p50", table="ipis", row=_row, blocks=_blocks, draw=drawn_by("figures.ipi"),
    options={"scheme": "--transport"},
    legend={
        "ipis": "ipi: ns from the call of so many CPUs to the last answer. queued, raised: requests and interrupts a call.",
    },
)  # fmt: skip
