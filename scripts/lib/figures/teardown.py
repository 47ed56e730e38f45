# SPDX-License-Identifier: MIT
"""Draws the family teardown: the time of the last drop against the CPUs that still borrow the mm, IPIs below it."""

from matplotlib import pyplot

from families.teardown import teardown_sheets
from wording.caption import interval_note, left_out, sheet_caption
from figures.look import looks
from figures.page import (
    AXIS_HEIGHT, CAPTION_COLUMNS, LABEL_GAP, LABEL_PITCH, LEFT, STYLE, WIDTH,
    End, label_ends, linear_values, log_values, marked, open_page, save,
)  # fmt: skip
from figures.places import Places
from figures.strokes import end_of, labels, shown_values, stroke
from wording.text import repetitions

COLUMNS = ("drop_p50", "drop_p99", "ipis", "useless")
AXIS = {
    "borrowers": "CPUs that borrow the mm lazily when its last user goes",
    "mask_only": "CPUs in mm_cpumask that borrow the mm no more",
}
TIME_HEIGHT = 2.9
IPI_HEIGHT = 1.5
GAP = 0.3


def draw_all(records, directory):
    """Draws every sheet of the family teardown into directory; returns the paths written."""
    written = []
    for sheet, x in teardown_sheets(records):
        written += save(draw(records, sheet, x), directory, sheet.stem)
    return written


def draw(records, sheet, x):
    """Returns the figure of a Sheet along its column x. Its axes, time and, if there were any, IPIs, hold what
    strokes.stroke says: columns drop_p50, and ipis and useless."""
    with pyplot.rc_context(STYLE):
        curves = sheet.curves(x, COLUMNS)
        styles = looks(curves)
        names = labels(records, curves)
        interrupting = [curve for curve in curves if any(value.high > 0 for _, value in curve.line("ipis"))]
        prefix, mark = marked(records, sheet.sources)
        time_height = max(TIME_HEIGHT, LABEL_PITCH * (len(curves) + 1))
        ipi_height = max(IPI_HEIGHT, LABEL_PITCH * (2 * len(interrupting) + 1)) if interrupting else 0
        middle = AXIS_HEIGHT + time_height + (ipi_height + GAP if interrupting else 0)
        caption = _caption(records, sheet, curves, interrupting)
        page = open_page(middle, prefix + "Time to tear an mm down", sheet.name, caption)
        lower = AXIS_HEIGHT + ipi_height + GAP if interrupting else AXIS_HEIGHT
        places = Places([spot.x for curve in curves for spot in curve.spots])
        time = page.axes(LEFT, lower, WIDTH / 2, time_height)
        log_values(time, shown_values(curves, "drop_p50", "drop_p99"), mark)
        time.set_ylabel("last mmput, ns: p50, bar up to p99")
        both = [(time, time_height, lower, _times(time, curves, styles, names, places))]
        places.dress(time)
        if interrupting:
            ipis = page.axes(LEFT, AXIS_HEIGHT, WIDTH / 2, ipi_height)
            linear_values(ipis, shown_values(interrupting, "ipis"), mark)
            ipis.set_ylabel("IPIs per teardown")
            both.append((ipis, ipi_height, AXIS_HEIGHT, _ipis(ipis, interrupting, styles, names, places)))
            places.dress(ipis)
            time.tick_params(labelbottom=False)
        both[-1][0].set_xlabel(AXIS[x])
        widest = max(label_ends(page.figure, axes, ends, height) for axes, height, _, ends in both)
        for axes, height, bottom, _ in both:
            axes.set_position(page.box(LEFT, bottom, WIDTH - LEFT - LABEL_GAP - widest - 0.2, height))
        return page.figure


def _times(axes, curves, styles, names, places):
    ends = []
    for curve, nudge in zip(curves, places.nudges(len(curves))):
        key = curve.scheme, curve.source
        last = stroke(axes, curve, styles[key], "drop_p50", lambda x: places.at(x) + nudge, "drop_p99")
        ends += [end_of(last, names[key], styles[key])] if last else []
    return ends


def _ipis(axes, curves, styles, names, places):
    """All IPIs of each scheme; dotted what of them was useless, if anything."""
    ends = []
    for curve, nudge in zip(curves, places.nudges(len(curves))):
        key = curve.scheme, curve.source
        last = stroke(axes, curve, styles[key], "ipis", lambda x: places.at(x) + nudge)
        ends += [end_of(last, names[key], styles[key])] if last else []
        useless = [(places.at(x) + nudge, value.median) for x, value in curve.line("useless")]
        if any(value for _, value in useless):
            colour = styles[key].colour
            axes.plot(
                *zip(*useless), gid=f"useless-{curve.scheme}-{curve.source}", color=colour, linewidth=0.8,
                linestyle=(0, (1, 1)), marker="x", markersize=3.5,
            )  # fmt: skip
            ends.append(End(f"useless: {names[key]}", *useless[-1], colour, "x", colour))
    return ends


def _caption(records, sheet, curves, interrupting):
    spots = [spot for curve in curves for spot in curve.spots]
    notes = [interval_note([spot.values["drop_p50"] for spot in spots if spot.values["drop_p50"]], interval=False)]
    notes.append("Bars: up to the median of the windows' p99.")
    if any(spot.invalid["drop_p50"] for spot in spots):
        notes.append(left_out(len(sheet.windows), sheet.invalid_count, "Hollow"))
    else:
        notes.append(left_out(len(sheet.windows), sheet.invalid_count))
    none = sorted({curve.scheme for curve in curves} - {curve.scheme for curve in interrupting})
    if interrupting:
        notes.append("IPIs: CPUs interrupted per teardown; useless are those of CPUs that did not borrow the mm.")
    if none:
        notes.append(f"No IPIs: {', '.join(none)}.")
    return sheet_caption(records, sheet, f"{repetitions(spots)} per point", notes, CAPTION_COLUMNS)
