# SPDX-License-Identifier: MIT
"""Draws Curves: medians as a line, what is above or around them as bars, invalid windows hollow."""

import math

from figures.page import HOLLOW, End
from wording.text import SIMULATED


def label_of(source, scheme, several):
    """What stands at the end of a scheme's curve: with several machines, with the name that the caption gives this one;
    marked if simulated."""
    return (SIMULATED if source.machine.simulated else "") + (source.named(scheme) if several else scheme)


def labels(records, curves):
    """label_of() each curve, by (scheme, source)."""
    several = len({curve.source for curve in curves}) > 1
    return {
        (curve.scheme, curve.source): label_of(records.sources[curve.source], curve.scheme, several) for curve in curves
    }


def stroke(axes, curve, look, column, at, upto=None):
    """Draws one curve of a column of its spots; at: the coordinate of an x. Bars lead up to the median of the column
    upto; without it they are the interval. Findable by gid: "COLUMN-SCHEME-SOURCE", and "invalid-" before it.

    Returns the last place drawn as (x, y, colour of its filling), or None if there is nothing to draw.
    """
    name = f"{column}-{curve.scheme}-{curve.source}"
    # A spot without a valid window breaks the line: nothing is known there to lead it through.
    medians = [(at(spot.x), spot.values[column].median if spot.values[column] else math.nan) for spot in curve.spots]
    known = [(x, y) for x, y in medians if not math.isnan(y)]
    if known:
        axes.plot(
            *zip(*medians), gid=name, color=look.colour, marker=look.marker, linestyle=look.line,
            linewidth=1.2, markersize=4, zorder=3,
        )  # fmt: skip
    bars = [(spot, spot.values[column]) for spot in curve.spots if spot.values[column]]
    if upto:
        bars = [
            (at(spot.x), value.median, 0, spot.values[upto].median - value.median)
            for spot, value in bars
            if spot.values[upto]
        ]
    else:
        bars = [
            (at(spot.x), value.median, value.median - value.low, value.high - value.median)
            for spot, value in bars
            if value.count > 1
        ]
    if bars:
        x, y, below, above = zip(*bars)
        axes.errorbar(
            x, y, yerr=[below, [max(part, 0) for part in above]], fmt="none", ecolor=look.colour,
            elinewidth=0.8, capsize=2, capthick=0.8, zorder=2.5,
        )  # fmt: skip
    invalid = [(at(spot.x), value) for spot in curve.spots for value in spot.invalid[column]]
    if invalid:
        axes.plot(
            *zip(*invalid), gid=f"invalid-{name}", linestyle="none", color=look.colour, marker=look.marker,
            markersize=4, markerfacecolor=HOLLOW, markeredgewidth=0.8, zorder=2.7,
        )  # fmt: skip
    if known:
        return *known[-1], look.colour
    return (*max(invalid), HOLLOW) if invalid else None


def intervals(axes, points, look):
    """Draws the interval of every (x, Estimate)."""
    axes.errorbar(
        [x for x, _ in points], [value.median for _, value in points],
        yerr=[[value.median - value.low for _, value in points], [value.high - value.median for _, value in points]],
        fmt="none", ecolor=look.colour, elinewidth=0.9, capsize=2.5, capthick=0.9, zorder=2.5,
    )  # fmt: skip


def hollow(axes, points, look, gid):
    """Draws the invalid windows at every (x, y)."""
    if points:
        axes.plot(
            *zip(*points), gid=gid, color=look.colour, marker=look.marker, linestyle="none", markersize=5.5,
            # Filled with white: the rims of many on one spot would otherwise add up to a solid marker.
            markerfacecolor=HOLLOW, markeredgewidth=0.9, zorder=2.7,
        )  # fmt: skip


def end_of(last, label, look):
    """The End of a stroke, to be labelled."""
    x, y, fill = last
    return End(label + (" (none valid)" if fill == HOLLOW else ""), x, y, look.colour, look.marker, fill)


def shown_values(curves, *columns):
    """Every number above 0 that strokes of these columns show, for the scale."""
    values = []
    for spot in (spot for curve in curves for spot in curve.spots):
        for column in columns:
            value = spot.values[column]
            values += [value.median, value.low, value.high] if value else []
        values += spot.invalid[columns[0]]
    return [value for value in values if value > 0]
