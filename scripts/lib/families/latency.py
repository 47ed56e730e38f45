# SPDX-License-Identifier: MIT
"""The latency of single switches, sampled in windows of switch and mix: a table beside theirs."""

import math

from grouping.curves import sheets
from records.window import distribution, number
from tables.blocks import cell, foot, head, rows
from wording.text import scaled

FORM = "{:<19} {:>4} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>5}"
# Said before the others, as it is what a reader of a latency asks for first.
FIRST = ("latency_one_in",)
LEGEND = {"latencies": "latency: ns of single switches, clock reading included; clock: that alone. Medians of valid windows."}


def _sampled(benchmark, ours):
    """The latency of single switches in a window of switch or mix: what it adds to that window's row, or None if none
    was sampled."""
    if not number(benchmark.get("latency_ns_count")) > 0:
        return None
    row = distribution("latency", benchmark, "latency_ns")
    row["clock"] = number(benchmark.get("clock_ns_p50"))
    one_in = number(benchmark.get("latency_one_in"))
    row["latency_one_in"] = one_in if one_in > 0 else number(ours.get("latency_one_in"))
    return row


def latency_of(family):
    """What the Family of that name has in its `more`."""

    def row(window, benchmark, ours):
        latency = _sampled(benchmark, ours)
        known = {"family": family, "workload": "mix", "exits": math.nan, "lifetime": None}
        return known | window | latency if latency else None

    return ("latencies", row)


def latency_sheets(records):
    """Returns the Sheets of sampled latency, of the families switch and mix."""
    table = records.latencies
    if not len(table):
        return []
    spots = ["cpus", "exits"]
    named = ("family", "workload", "sharing", "placement")
    found = []
    for family, part in table.groupby("family", sort=False):
        identity = named[1:] if family == "switch" else named[2:]
        found += sheets(f"latency-{family}", part, identity, FIRST, spots, FIRST)
    return found


def latency_blocks(records, mark):
    """The tables of sampled latency."""
    return [block for sheet in latency_sheets(records) for block in _table(sheet, mark)]


def _table(sheet, mark):
    ends = ("p50", "p90", "p99", "p999", "max")
    columns = (*(f"latency_{end}" for end in ends), "clock")
    mixed = sheet.windows["exits"].notna().any()
    lines = head("latency", sheet, "")
    lines[-2] = lines[-2].rstrip("; ")
    blocks = []
    for exits, part in sheet.windows.groupby("exits", dropna=False):
        curves = sheet.curves("cpus", columns, sheet.windows.index.isin(part.index))

        def row(at, curve, spot, here):
            numbers = [cell(spot.values[column], mark, scaled, 3) for column in columns]
            return FORM.format(curve.scheme, at, *numbers, f"{spot.invalid_count}/{spot.windows}")

        heads = [f"  {exits:g} exits per million switches"] if mixed else []
        heads.append(FORM.format("scheme", "CPUs", *("p50", "p90", "p99", "p99.9", "max", "clock"), "inv"))
        blocks.append(lines + heads + rows(curves, row))
        lines = []
    blocks[-1] += foot(sheet)
    return blocks


def draw_latencies(records, directory):
    """Draws the distributions; returns the paths written."""
    from figures.latency import draw_all

    return draw_all(records, directory)
