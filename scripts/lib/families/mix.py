# SPDX-License-Identifier: MIT
"""The family mix: switches and exits together, and from which exit rate on one scheme costs less."""

import re

from families.family import Family, drawn_by
from families.latency import latency_of
from grouping.crossover import crossings, mix_sheets, without_crossing
from grouping.series import REFERENCE
from records.conditions import of_entry
from records.window import counted_identity, number, validity
from tables.blocks import cell, foot, head, interval, rows
from wording.text import ratio, repetitions, scaled

NAME = re.compile(
    r"mix/(?P<scheme>[^/]+)/(?P<sharing>[^/]+)/(?P<placement>[^/]+)/cpus:(?P<cpus>\d+)"
    r"/exits_per_million:(?P<exits>[\d.e+]+)"
)
FORM = "{:<19} {:>6} {:>8} {:>18} {:>7} {:>5}"
CROSSOVER = "    {:>5} {:>9} {:>20}"


def _row(benchmark, ours):
    """A window of the family mix: its row of Records.mixes, without the source."""
    row = counted_identity(NAME, benchmark, ours, ("scheme", "sharing", "placement", "cpus"), ())
    # As asked for; what came out of it is in mm_deaths_per_million.
    asked = number(benchmark.get("exits_per_million"))
    found = NAME.match(benchmark["name"])
    row["exits"] = asked if asked >= 0 else float(found["exits"])
    # The lifetime of a thread is what is swept.
    row |= of_entry(ours, ("exits_per_million", "lifetime"))
    row["cost"] = number(benchmark.get("ns_per_switch"))
    return row | validity(benchmark, ours, row["cost"])


def _crossover(benchmark, ours):
    """What mix found out about a pair of schemes: its row of Records.crossovers, without the source."""
    first, second = ours["schemes"]
    row = {"first": str(first), "second": str(second), "cpus": int(ours["cpus"])}
    row |= {key: str(ours[key]) for key in ("sharing", "placement")}
    for name in ("exits_per_million", "low", "high", "confidence"):
        row[name] = number(benchmark.get(f"crossover_{name}"))
    row["transport"] = ours.get("transport")
    for name in ("crossings", "windows_least", "windows_most", "sweep_low", "sweep_high"):
        row[name] = number(benchmark.get(name))
    return row


def _blocks(records, mark):
    return [block for sheet in mix_sheets(records) for block in _table(records, sheet, mark)]


def _table(records, sheet, mark):
    blocks = []
    windows = sheet.windows
    spots = [spot for curve in sheet.curves(["cpus", "exits"], ("cost",)) for spot in curve.spots]
    lines = head("mix", sheet, f"{repetitions(spots)} per row")
    for cpus in sorted(windows["cpus"].unique()):
        curves = sheet.curves("exits", ("cost",), windows["cpus"] == cpus)

        def row(exits, curve, spot, here):
            cost = spot.values["cost"]
            reference = next((other.values["cost"] for one, other in here if one.scheme == REFERENCE), None)
            to_reference = ratio(cost.median / reference.median, mark) if cost and reference else "-"
            return FORM.format(
                curve.scheme, f"{exits:g}", cell(cost, mark), interval(cost, mark), to_reference,
                f"{spot.invalid_count}/{spot.windows}",
            )  # fmt: skip

        heads = [f"  {cpus} CPU{'s' if cpus > 1 else ''}"]
        heads.append(FORM.format("scheme", "exits/M", "ns/sw", "interval", "ratio", "inv"))
        blocks.append(lines + heads + rows(curves, row))
        lines = []
    blocks[-1] += foot(sheet)
    pairs = crossings(records, sheet)
    if pairs:
        blocks.append(_crossover_lines(sheet, pairs, mark))
    return blocks


def _crossover_lines(sheet, pairs, mark):
    lines = []
    for pair, points in pairs.items():
        lines += ["" if lines else "  crossovers", f"  {pair[0]} = {pair[1]}" + ("" if points else f": {without_crossing(sheet, *pair)}")]
        lines += [CROSSOVER.format("CPUs", "exits/M", "interval")] if points else []
        for point in points:
            between = f"{mark}{scaled(point.low)}..{mark}{scaled(point.high)}" if point.low <= point.high else "-"
            lines.append(CROSSOVER.format(point.cpus, cell(point.exits, mark), between))
    return lines


FAMILY = Family(
    name="mix", figure="ns_per_switch", table="mixes", row=_row, blocks=_blocks, draw=drawn_by("figures.mix"),
    more=(latency_of("mix"),), aggregates={"crossover": ("crossovers", _crossover)}, options={"workload": None},
    legend={
        "mixes": "mix: exits/M, thread exits per million switches. ns/sw: ns per switch on each CPU, median, with its "
    "interval. ratio: to refcount. crossover: where two schemes cost the same, in exits/M.",
    },
)  # fmt: skip
