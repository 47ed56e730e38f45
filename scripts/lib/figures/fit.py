# SPDX-License-Identifier: MIT
"""Draws the fits of a panel: the medians, the curve of the law that they bear out, and its knee."""

import math

import numpy
from matplotlib import pyplot

from wording.caption import caption_lines
from figures.switches import PLOT_HEIGHT, RATE, draw_boundaries, scale_axes, series_labels, stem
from tables.fits import cpus_text, name_of, remarks
from figures.look import looks
from figures.page import (
    AXIS_HEIGHT, CAPTION_COLUMNS, LABEL_GAP, LABEL_PITCH, LEFT, STYLE, WIDTH, End, label_ends, marked,
    open_page, save,
)  # fmt: skip
from figures.strokes import hollow, intervals
from stats.scaling import POOR
from wording.text import SIMULATED

# Fewer would show corners on a logarithmic axis.
STEPS = 200


def draw_fits(records, fits, directory):
    """Draws what fit_table.fitted() gave into directory, as PNG and SVG, a figure for each panel with a fit; returns
    the paths written."""
    written = []
    for panel, curves in fits:
        if any(curve.scaling.best for curve in curves):
            written += save(draw(records, panel, curves), directory, f"{stem(panel)}-fit")
    return written


def draw(records, panel, curves):
    """Returns the figure of a panel. Its axes hold, findable by gid: "median-SCHEME-SOURCE", "fit-SCHEME-SOURCE",
    "knee-SCHEME-SOURCE" and "invalid-SCHEME-SOURCE" (SOURCE is the index into records.sources)."""
    with pyplot.rc_context(STYLE):
        caption = caption_lines(records, panel, _note(records, curves), CAPTION_COLUMNS)
        plot_height = max(PLOT_HEIGHT, LABEL_PITCH * (len(curves) + 2))
        prefix, mark = marked(records, panel.sources)
        title = prefix + "Scaling laws fitted to switches per second"
        page = open_page(AXIS_HEIGHT + plot_height, title, panel.name, caption)
        axes = page.axes(LEFT, AXIS_HEIGHT, WIDTH / 2, plot_height)
        scale_axes(axes, panel, RATE, None, mark)
        labels = series_labels(records, panel)
        styles = looks(panel.series)
        ends = []
        for curve in curves:
            key = curve.series.scheme, curve.series.source
            mark = SIMULATED if records.sources[curve.series.source].machine.simulated else ""
            ends += _draw_curve(axes, curve, styles[key], labels[key], mark)
        draw_boundaries(axes, panel)
        widest = label_ends(page.figure, axes, ends, plot_height)
        axes.set_position(page.box(LEFT, AXIS_HEIGHT, WIDTH - LEFT - LABEL_GAP - widest - 0.2, plot_height))
        return page.figure


def _draw_curve(axes, curve, look, label, mark):
    """Draws one Curve; returns its End in a list, or none if there is nothing to draw."""
    name = f"{curve.series.scheme}-{curve.series.source}"
    points = [(point.cpus, point.rate) for point in curve.series.points if point.rate]
    if not points:
        return []
    cpus, rates = zip(*points)
    medians = [rate.median for rate in rates]
    axes.plot(
        cpus, medians, gid=f"median-{name}", color=look.colour, marker=look.marker, linestyle="none", markersize=4.5,
        zorder=3,
    )  # fmt: skip
    intervals(axes, points, look)
    invalid = [(point.cpus, rate) for point in curve.series.points for rate, _ in point.invalid]
    hollow(axes, invalid, look, f"invalid-{name}")
    if not curve.scaling.best:
        return [End(f"{label} (no fit)", cpus[-1], medians[-1], look.colour, look.marker, look.colour)]
    fit = curve.scaling.fits[curve.scaling.best]
    along = numpy.geomspace(cpus[0], cpus[-1], STEPS)
    axes.plot(along, fit.at(along), gid=f"fit-{name}", color=look.colour, linestyle=look.line, linewidth=1.1, zorder=2)
    if cpus[0] <= fit.knee <= cpus[-1]:
        axes.plot(
            [fit.knee], [fit.at(fit.knee)], gid=f"knee-{name}", color=look.colour, marker="|", markersize=13,
            markeredgewidth=1.4, linestyle="none", zorder=4,
        )  # fmt: skip
    if fit.error > POOR:
        said = f"{label}: poor fit"
    elif math.isinf(fit.knee):
        said = f"{label}: no knee"
    else:
        said = f"{label}: knee {mark}{cpus_text(fit.knee, cpus[-1])}"
    return [End(said, cpus[-1], fit.at(cpus[-1]), look.colour, look.marker, look.colour)]


def _note(records, curves):
    """How to read the figure, and every warning."""
    text = (
        "Curves: of the Universal Scalability Law and the saturation law the one that the points bear out; upright "
        "stroke: its knee."
    )
    said = [f"{name_of(records, curve.series)}: {remark}." for curve in curves for remark in remarks(curve)]
    return " ".join([text, *said])
