# SPDX-License-Identifier: MIT
"""Draws the family mix: the map of the cheapest scheme by CPUs and exits, and the curves it comes from."""

import math
import string

from matplotlib import pyplot
from matplotlib.patches import Rectangle
from matplotlib.patheffects import Stroke

from wording.caption import interval_note, left_out, sheet_caption
from grouping.crossover import cells, crossings, mix_sheets, telling
from grouping.curves import plain_number
from figures.grid import in_pages, open_grid
from figures.look import looks
from figures.page import (
    AXIS_HEIGHT, CAPTION_COLUMNS, DARK, GREY, LEFT, STYLE, WIDTH,
    fixed_ticks, log_values, marked, open_page, save, spread,
)  # fmt: skip
from figures.places import Places, short, thinned
from figures.strokes import labels, shown_values, stroke
from wording.text import repetitions

LEGEND_WIDTH = 2.0
LEGEND_PITCH = 0.2
CELL_HEIGHT = 0.5
MAP_HEIGHT = 4.2
AXIS = "thread exits per million switches"


def draw_all(records, directory):
    """Draws the maps and the curves of every sheet of the family mix into directory; returns the paths written."""
    written = []
    for sheet in mix_sheets(records):
        stem = sheet.stem + (f"-machine{sheet.sources[0] + 1}" if len(records.sources) > 1 else "")
        if sheet.windows["scheme"].nunique() > 1:
            written += save(draw_map(records, sheet), directory, f"{stem}-crossover")
        for number, figure in enumerate(draw_curves(records, sheet)):
            written += save(figure, directory, f"{stem}-ns" + (f"-{number + 1}" if number else ""))
    return written


def by_cpus(sheet):
    """Returns {CPU count: Curves of the cost along exits} of a Sheet."""
    counts = sorted(sheet.windows["cpus"].unique())
    return {cpus: sheet.curves("exits", ("cost",), sheet.windows["cpus"] == cpus) for cpus in counts}


def draw_map(records, sheet):
    """Returns the map of a Sheet of one machine. Its one axes holds, findable by gid: a patch "cell-CPUS-EXITS" per
    cell, on it the markers of its leaders as "leader-SCHEME-CPUS-EXITS", and a line "crossover-FIRST-SECOND" a pair."""
    with pyplot.rc_context({**STYLE, "hatch.linewidth": 0.6}):
        curves = by_cpus(sheet)
        found = cells(curves)
        pairs = telling(crossings(records, sheet), found)
        every = [curve for one in curves.values() for curve in one]
        styles = {scheme: look for (scheme, _), look in looks(every).items()}
        prefix, mark = marked(records, sheet.sources)
        caption = _map_caption(records, sheet, every, found, pairs)
        rows, columns = list(curves), sorted({cell.exits for cell in found})
        seen = [scheme for scheme in styles if any(scheme in cell.leaders for cell in found)]
        named = sorted({scheme for cell in found for scheme in cell.leaders}, key=seen.index)
        others = [(("", ""), "undecided")] * any(len(cell.leaders) > 1 for cell in found)
        others += [((), "no valid window")] * any(not cell.leaders for cell in found)
        keys = len(named) + len(others) + len(pairs)
        height = max(min(CELL_HEIGHT * len(rows), MAP_HEIGHT), LEGEND_PITCH * keys)
        page = open_page(AXIS_HEIGHT + height, prefix + "The cheapest scheme", sheet.name, caption)
        axes = page.axes(LEFT, AXIS_HEIGHT, WIDTH - LEFT - LEGEND_WIDTH, height)
        axes.set_xlim(-0.5, len(columns) - 0.5)
        axes.set_ylim(-0.5, len(rows) - 0.5)
        size = min(6.5, 72 * height / len(rows) * 0.5)
        for cell in found:
            _draw_cell(axes, cell, columns.index(cell.exits), rows.index(cell.cpus), styles, size)
        _draw_crossings(axes, pairs, columns, rows)
        for axis, values in ((axes.xaxis, columns), (axes.yaxis, rows)):
            shown = thinned(list(range(len(values))), float, len(values) / 20)
            fixed_ticks(axis, shown, [short(values[place]) for place in shown])
        axes.set_xlabel(AXIS)
        axes.set_ylabel("CPUs")
        axes.tick_params(length=0)
        for side in axes.spines.values():
            side.set_visible(False)
        _draw_legend(page, AXIS_HEIGHT + height, named, others, pairs, styles, mark)
        return page.figure


def _draw_cell(axes, cell, column, row, styles, size):
    at = f"{cell.cpus}-{plain_number(cell.exits)}"
    _draw_patch(axes, (column - 0.5, row - 0.5), 1, 1, cell.leaders, styles, f"cell-{at}")
    # Of many that may be the cheapest, as many as fit; the caption counts on nobody reading more off a map.
    shown = cell.leaders[:4]
    for rank, scheme in enumerate(shown):
        look = styles[scheme]
        axes.plot(
            [column + 0.22 * (rank - (len(shown) - 1) / 2)], [row], gid=f"leader-{scheme}-{at}", linestyle="none",
            marker=look.marker, markersize=size if cell.decided else 0.75 * size,
            color="white" if cell.decided else look.colour, markeredgecolor="black", markeredgewidth=0.6, zorder=3,
        )  # fmt: skip


def _draw_patch(axes, corner, width, height, leaders, styles, gid=None, **options):
    """The area of a cell, or of its like in the legend: coloured if one scheme leads, white if several may, hatched
    grey if nothing is known."""
    options |= {"gid": gid, "linewidth": 0.8}
    if len(leaders) == 1:
        look = styles[leaders[0]]
        # Hatching takes the colour of the edge.
        options |= {"facecolor": look.colour, "edgecolor": "white", "hatch": look.hatch, "zorder": 1}
        axes.add_patch(Rectangle(corner, width, height, **options))
    elif leaders:
        axes.add_patch(Rectangle(corner, width, height, facecolor="#F4F4F4", edgecolor=GREY, zorder=1.2, **options))
    else:
        axes.add_patch(
            Rectangle(corner, width, height, facecolor="white", edgecolor="#BBBBBB", hatch="xx", zorder=1, **options)
        )


def column_at(exits, columns):
    """Where between some columns so many exits stand, as on a logarithmic axis."""
    exits = min(max(exits, columns[0]), columns[-1])
    right = next((number for number, value in enumerate(columns) if value >= exits and number), 0)
    if right == 0:
        return 0
    places = Places(columns, True)
    low, high = places.at(columns[right - 1]), places.at(columns[right])
    return right - 1 + (places.at(exits) - low) / (high - low)


def _draw_crossings(axes, pairs, columns, rows):
    """The lines of the pairs through the map, with the interval of each of their points, and a letter above each."""
    halo = [Stroke(linewidth=3.4, foreground="white"), Stroke(linewidth=1.6, foreground="black")]
    pen = {"color": "black", "path_effects": halo, "zorder": 4, "linewidth": 1.6}
    tops = []
    for pair, points in pairs.items():
        by_row = {rows.index(point.cpus): point for point in points if point.cpus in rows}
        # A row without a point of this pair breaks the line.
        x = [column_at(by_row[row].exits, columns) if row in by_row else math.nan for row in range(len(rows))]
        axes.plot(x, range(len(rows)), gid=f"crossover-{pair[0]}-{pair[1]}", **pen)
        for row, point in by_row.items():
            if row - 1 not in by_row and row + 1 not in by_row:
                axes.plot([x[row]] * 2, [row - 0.5, row + 0.5], **pen)
            if point.low <= point.high:
                ends = [column_at(end, columns) for end in (point.low, point.high)]
                axes.plot(ends, [row] * 2, marker="|", markersize=5, **pen)
        if by_row:
            tops.append((max(by_row), x[max(by_row)]))
    # Each line has its letter at its upper end; letters stand apart however close the lines come.
    for row in {row for row, _ in tops}:
        ends = [(letter, x) for letter, (top, x) in zip(string.ascii_uppercase, tops) if top == row]
        feet = spread([x + 0.5 for _, x in ends], 0.034 * len(columns), len(columns))
        for (letter, _), foot in zip(ends, feet):
            axes.text(
                foot - 0.5, row + 0.36, letter, ha="center", va="center", weight="bold", fontsize=7.5, zorder=6,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
            )  # fmt: skip


def _draw_legend(page, top, named, others, pairs, styles, mark):
    """What the cells and lines are, to the right of the map. others: (leaders, words) of cells that nobody leads."""
    left = WIDTH - LEGEND_WIDTH + 0.2
    height = LEGEND_PITCH * (len(named) + len(others) + len(pairs))
    axes = page.axes(left, top - height, LEGEND_WIDTH - 0.2, height)
    axes.set_xlim(0, LEGEND_WIDTH - 0.2)
    axes.set_ylim(0, height)
    axes.axis("off")
    rows = iter(height - LEGEND_PITCH * (number + 0.5) for number in range(100))

    def entry(text, y):
        axes.text(0.42, y, text, va="center_baseline", fontsize=7.5)

    for scheme in named:
        y = next(rows)
        _draw_patch(axes, (0, y - 0.07), 0.34, 0.14, (scheme,), styles)
        axes.plot(
            0.17, y, marker=styles[scheme].marker, markersize=4.5, color="white",
            markeredgecolor="black", markeredgewidth=0.6,
        )  # fmt: skip
        entry(mark + scheme, y)
    for leaders, text in others:
        y = next(rows)
        _draw_patch(axes, (0, y - 0.07), 0.34, 0.14, leaders, styles)
        entry(text, y)
    for letter, pair in zip(string.ascii_uppercase, pairs):
        y = next(rows)
        axes.plot([0.14, 0.34], [y, y], color="black", linewidth=1.6)
        axes.text(0, y, letter, va="center_baseline", fontsize=8, weight="bold")
        entry(f"{pair[0]} = {pair[1]}", y)


def _map_caption(records, sheet, curves, found, pairs):
    spots = [spot for curve in curves for spot in curve.spots]
    open_cells = sum(len(cell.leaders) > 1 for cell in found)
    notes = [
        "A cell stands for what was measured at its own CPUs and exits: the scheme of the least median ns per switch.",
        f"Undecided, {open_cells} of {len(found)}: the interval of another scheme touches that of the first, or is not "
        "known; marked are all that it may be, the least median first (at most 4).",
    ]
    notes.append(_widths([spot.values["cost"] for spot in spots if spot.values["cost"]]))
    if pairs:
        notes.append("Lines: where two schemes cost the same and no third is cheaper, bars: the interval of that.")
    else:
        notes.append("No crossover is on record where two schemes are the cheapest.")
    notes.append(left_out(len(sheet.windows), sheet.invalid_count))
    return sheet_caption(records, sheet, f"{repetitions(spots)} per scheme and cell", notes, CAPTION_COLUMNS)


def _widths(estimates):
    """What the intervals that decide are."""
    short_ones = sum(not value.bounded for value in estimates)
    if not estimates:
        return "No window was valid."
    if not short_ones:
        return "Intervals: of the median, distribution-free, at least 95 %."
    rough = f"at {short_ones} of {len(estimates)} only least to greatest (fewer than 6 valid windows)"
    return f"Intervals: of the median, at least 95 %; {rough}."


def draw_curves(records, sheet):
    """Yields the figures of a Sheet with the cost against exits, one small figure per CPU count. Each axes holds what
    strokes.stroke says, column cost, and a line "crossover-FIRST-SECOND" for each pair that crosses there."""
    with pyplot.rc_context(STYLE):
        curves = by_cpus(sheet)
        every = [curve for one in curves.values() for curve in one]
        pairs = telling(crossings(records, sheet), cells(curves))
        styles, names = looks(every), labels(records, every)
        prefix, mark = marked(records, sheet.sources)
        values = shown_values(every, "cost")
        places = Places([spot.x for curve in every for spot in curve.spots], True)
        keys = [(names[key], styles[key]) for key in styles]
        for counts, page_note in in_pages(list(curves)):
            caption = _curves_caption(records, sheet, every, pairs)
            title = prefix + "Time per context switch against exits" + page_note
            page, tiles = open_grid(len(counts), title, sheet.name, caption, keys)
            for cpus, tile in zip(counts, tiles):
                _draw_tile(tile, cpus, curves[cpus], pairs, places, styles, values, mark)
            yield page.figure


def _draw_tile(tile, cpus, curves, pairs, places, styles, values, mark):
    axes = tile.axes
    log_values(axes, values, mark)
    places.dress(axes, 8)
    axes.set_title(f"{cpus} CPU{'s' if cpus > 1 else ''}", fontsize=8, loc="left", pad=3)
    for curve in curves:
        stroke(axes, curve, styles[curve.scheme, curve.source], "cost", places.at)
    for pair, points in pairs.items():
        for point in (point for point in points if point.cpus == cpus):
            gid = f"crossover-{pair[0]}-{pair[1]}"
            axes.axvline(places.at(point.exits), gid=gid, color=DARK, linewidth=0.7, linestyle=(0, (1, 1.5)), zorder=1)
            if point.low <= point.high:
                axes.axvspan(places.at(point.low), places.at(point.high), color="#DDDDDD", linewidth=0, zorder=0.5)
    axes.tick_params(labelleft=tile.left, labelbottom=tile.lowest)
    if tile.left:
        axes.set_ylabel("ns per switch")
    if tile.lowest:
        axes.set_xlabel("exits per million switches")


def _curves_caption(records, sheet, curves, pairs):
    spots = [spot for curve in curves for spot in curve.spots]
    notes = [interval_note([spot.values["cost"] for spot in spots if spot.values["cost"]])]
    hollow = "Hollow" if any(spot.invalid["cost"] for spot in spots) else ""
    notes.append(left_out(len(sheet.windows), sheet.invalid_count, hollow))
    if pairs:
        notes.append("Dotted upright: where the two cheapest schemes cost the same, grey: the interval of that.")
    return sheet_caption(records, sheet, f"{repetitions(spots)} per point", notes, CAPTION_COLUMNS)
