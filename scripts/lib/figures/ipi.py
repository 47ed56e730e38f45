# SPDX-License-Identifier: MIT
"""Draws the family ipi: what a synchronous call of other CPUs costs, against how many are called, per transport."""

from matplotlib import pyplot

from families.ipi import ipi_sheets
from wording.caption import interval_note, left_out, sheet_caption
from figures.look import TRANSPORTS, looks
from figures.page import (
    AXIS_HEIGHT, CAPTION_COLUMNS, CAPTION_SIZE, DARK, GREY, LABEL_GAP, LABEL_PITCH, LEFT, STYLE, WIDTH,
    label_ends, log_values, marked, open_page, save,
)  # fmt: skip
from figures.places import Places
from figures.strokes import end_of, labels, shown_values, stroke
from wording.text import plain, repetitions

HEIGHT = 3.2


def draw_all(records, directory):
    """Draws every sheet of the family ipi into directory; returns the paths written."""
    return [path for sheet in ipi_sheets(records) for path in save(draw(records, sheet), directory, sheet.stem)]


def draw(records, sheet):
    """Returns the figure of a Sheet. Its one axes holds what strokes.stroke says, column round_p50, and "clock"."""
    with pyplot.rc_context(STYLE):
        curves = sheet.curves("targets", ("round_p50", "round_p99", "clock"))
        styles = looks(curves, TRANSPORTS)
        names = labels(records, curves)
        clocks = [value.median for curve in curves for _, value in curve.line("clock")]
        clock = max(clocks, default=0)
        prefix, mark = marked(records, sheet.sources)
        height = max(HEIGHT, LABEL_PITCH * (len(curves) + 1))
        caption = _caption(records, sheet, curves, clock)
        page = open_page(AXIS_HEIGHT + height, prefix + "Time of a synchronous call of other CPUs", sheet.name, caption)
        axes = page.axes(LEFT, AXIS_HEIGHT, WIDTH / 2, height)
        places = Places([spot.x for curve in curves for spot in curve.spots])
        log_values(axes, shown_values(curves, "round_p50", "round_p99") + [clock] * (clock > 0), mark)
        axes.set_ylabel("round trip, ns: p50, bar up to p99")
        axes.set_xlabel("CPUs called at once")
        places.dress(axes)
        ends = []
        for curve, nudge in zip(curves, places.nudges(len(curves))):
            key = curve.scheme, curve.source
            last = stroke(axes, curve, styles[key], "round_p50", lambda x: places.at(x) + nudge, "round_p99")
            ends += [end_of(last, names[key], styles[key])] if last else []
        if clock > 0:
            axes.axhline(clock, gid="clock", color=GREY, linewidth=0.8, linestyle=(0, (8, 3)), zorder=1)
            axes.annotate(
                "reading the clock", (0.99, clock), (0, 2), xycoords=("axes fraction", "data"),
                textcoords="offset points", ha="right", fontsize=CAPTION_SIZE, color=DARK,
            )  # fmt: skip
        widest = label_ends(page.figure, axes, ends, height)
        axes.set_position(page.box(LEFT, AXIS_HEIGHT, WIDTH - LEFT - LABEL_GAP - widest - 0.2, height))
        return page.figure


def _caption(records, sheet, curves, clock):
    spots = [spot for curve in curves for spot in curve.spots]
    notes = [interval_note([spot.values["round_p50"] for spot in spots if spot.values["round_p50"]], interval=False)]
    notes.append("Bars: up to the median of the windows' p99.")
    hollow = "Hollow" if any(spot.invalid["round_p50"] for spot in spots) else ""
    notes.append(left_out(len(sheet.windows), sheet.invalid_count, hollow))
    notes.append("Round trip: from the call to the last answer.")
    if clock > 0:
        notes.append(f"Reading the clock adds {plain(clock, 2)} ns to each time, at most of these windows' medians.")
    return sheet_caption(records, sheet, f"{repetitions(spots)} per point", notes, CAPTION_COLUMNS)
