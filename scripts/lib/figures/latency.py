# SPDX-License-Identifier: MIT
"""Draws the latency of single switches, as sampled in windows of switch and mix: quantiles up to the greatest."""

import math

from matplotlib import pyplot

from families.latency import latency_sheets
from wording.caption import interval_note, left_out, sheet_caption
from grouping.curves import Curve, Spot
from records.window import QUANTILES
from figures.grid import in_pages, open_grid
from figures.look import looks
from figures.page import CAPTION_COLUMNS, DARK, GREY, STYLE, fixed_ticks, log_values, marked, save
from figures.places import short
from figures.strokes import labels, shown_values, stroke
from wording.text import plain, repetitions

NAMES = {"p50": "p50", "p90": "p90", "p99": "p99", "p999": "p99.9", "p9999": "p99.99", "max": "max"}
COLUMNS = tuple(f"latency_{end}" for end in QUANTILES)


def draw_all(records, directory):
    """Draws every sheet of latencies into directory; returns the paths written."""
    written = []
    for sheet in latency_sheets(records):
        for number, figure in enumerate(draw(records, sheet)):
            written += save(figure, directory, sheet.stem + (f"-{number + 1}" if number else ""))
    return written


def draw(records, sheet):
    """Yields the figures of a Sheet, one small figure per CPU count and, in mix, exits. Each axes holds what
    strokes.stroke says, column latency, and "clock"."""
    with pyplot.rc_context(STYLE):
        ends = [end for end in QUANTILES if sheet.windows[f"latency_{end}"].notna().any()]
        tiles_of = _tiles(sheet, ends)
        every = [curve for curves, _ in tiles_of.values() for curve in curves]
        styles, names = looks(every), labels(records, every)
        clock = sheet.windows.loc[sheet.windows["valid"], "clock"].median()
        prefix, mark = marked(records, sheet.sources)
        values = shown_values(every, "latency") + ([0.8 * clock] if clock > 0 else [])
        keys = [(names[key], styles[key]) for key in styles]
        for headings, page_note in in_pages(list(tiles_of)):
            title = prefix + "Latency of single context switches" + page_note
            caption = _caption(records, sheet, every, clock)
            page, tiles = open_grid(len(headings), title, sheet.name, caption, keys)
            for heading, tile in zip(headings, tiles):
                curves, at = tiles_of[heading]
                _draw_tile(tile, heading, curves, at, ends, styles, values, clock, mark)
            yield page.figure


def place(end):
    """Where a quantile stands: logarithmic in what lies beyond it. The greatest is none; it stands behind them."""
    beyond = 1 - QUANTILES[end]
    return -math.log10(beyond) if beyond > 0 else math.inf


def _tiles(sheet, ends):
    """Returns {heading: (Curves over quantiles, where those stand)} in order of CPUs, then exits."""
    known = [place(end) for end in ends if end != "max"]
    at = {end: place(end) if end != "max" else max(known, default=0) + 0.8 for end in ends}
    tiles = {}
    windows = sheet.windows
    for (cpus, exits), part in windows.groupby(["cpus", "exits"], dropna=False):
        heading = f"{cpus} CPU{'s' if cpus > 1 else ''}"
        if not math.isnan(exits):
            heading += f", {short(exits)} exits/M"
        here = sheet.curves("cpus", COLUMNS, windows.index.isin(part.index))
        tiles[heading] = [_over_quantiles(curve, ends, at) for curve in here], at
    return tiles


def _over_quantiles(curve, ends, at):
    """The curve of one scheme along its quantiles; curve is the one spot that they all come from."""
    (spot,) = curve.spots
    spots = []
    for end in ends:
        column = f"latency_{end}"
        # Whole windows are left out, and drawn one by one they would hide the lines: only the median's are shown.
        hollow = spot.invalid[column] if end == "p50" else []
        values, invalid = {"latency": spot.values[column]}, {"latency": hollow}
        spots.append(Spot(at[end], values, invalid, spot.windows, spot.invalid_count))
    return Curve(curve.scheme, curve.source, tuple(spots))


def _draw_tile(tile, heading, curves, at, ends, styles, values, clock, mark):
    axes = tile.axes
    log_values(axes, values, mark)
    first, last = at[ends[0]], at[ends[-1]]
    axes.set_xlim(first - 0.15, last + 0.15)
    fixed_ticks(axes.xaxis, [at[end] for end in ends], [NAMES[end] for end in ends])
    axes.tick_params(axis="x", labelsize=6.5)
    axes.set_title(heading, fontsize=8, loc="left", pad=3)
    for curve in curves:
        stroke(axes, curve, styles[curve.scheme, curve.source], "latency", float)
    if clock > 0:
        axes.axhline(clock, gid="clock", color=GREY, linewidth=0.8, linestyle=(0, (8, 3)), zorder=1)
        axes.annotate(
            "the clock alone", (0.99, clock), (0, -2), xycoords=("axes fraction", "data"), textcoords="offset points",
            ha="right", va="top", fontsize=6, color=DARK,
        )  # fmt: skip
    axes.tick_params(labelleft=tile.left, labelbottom=tile.lowest)
    if tile.left:
        axes.set_ylabel("ns, clock reading included")
    if tile.lowest:
        axes.set_xlabel("quantile of all switches timed")


def _caption(records, sheet, curves, clock):
    estimates = [spot.values["latency"] for curve in curves for spot in curve.spots if spot.values["latency"]]
    spots = [spot for curve in curves for spot in curve.spots]
    notes = ["Quantiles, of each window by itself, on a logarithmic scale of the part that is beyond them."]
    notes.append(interval_note(estimates))
    if clock > 0:
        notes.append(f"Dashed: reading the clock alone, {plain(clock, 3)} ns, part of every time and not subtracted.")
    hollow = "Hollow (p50 only)" if any(spot.invalid["latency"] for spot in spots) else ""
    notes.append(left_out(len(sheet.windows), sheet.invalid_count, hollow))
    return sheet_caption(records, sheet, f"{repetitions(spots)} per point", notes, CAPTION_COLUMNS)
