# SPDX-License-Identifier: MIT
"""Draws an Overlay: measured points with their intervals, the simulated line, and the error at each point."""

from urllib.parse import quote

from matplotlib import pyplot

from wording.caption import interval_note, machine_parts, wrapped
from figures.look import looks
from simulation.overlay import percent, summary
from figures.page import (
    AXIS_HEIGHT, CAPTION_COLUMNS, CAPTION_SIZE, LABEL_GAP, LABEL_PITCH, LEFT, STYLE, WIDTH,
    End, height_of, label_ends, linear_values, log_values, open_page, save, spread,
)  # fmt: skip
from figures.places import Places
from figures.strokes import intervals
from wording.text import SIMULATED

HEIGHT = 3.6
POINTS_PER_INCH = 72


class _Line:
    """What look.looks wants to know of a line."""

    def __init__(self, scheme):
        self.scheme, self.source = scheme, 0


def draw_overlays(records, found, directory):
    """Draws every Overlay into directory; returns the paths written."""
    return [
        path for overlay in found for path in save(draw(records, overlay), directory, quote(overlay.stem, safe="=,"))
    ]


def draw(records, overlay):
    """Returns the figure of an Overlay. Its one axes holds "measured-SCHEME", "simulated-SCHEME" and, for each point,
    "error-SCHEME-CPUS"."""
    with pyplot.rc_context(STYLE):
        schemes = list(dict.fromkeys(pair.scheme for pair in overlay.pairs))
        styles = looks([_Line(scheme) for scheme in schemes])
        height = max(HEIGHT, LABEL_PITCH * (2 * len(schemes) + 2))
        page = open_page(AXIS_HEIGHT + height, "Partly SIMULATED: model against machine", overlay.name, _caption(records, overlay))
        axes = page.axes(LEFT, AXIS_HEIGHT, WIDTH / 2, height)
        places = Places([pair.cpus for pair in overlay.pairs])
        values = [value for pair in overlay.pairs for value in (pair.measured.low, pair.measured.high, pair.simulated)]
        if min(values) > 0 and max(values) / min(values) > 20:
            log_values(axes, values, "")
        else:
            linear_values(axes, values, "")
        what = "pair of the loop" if overlay.family == "floor" else "switch"
        axes.set_ylabel(f"ns per {what} on each CPU")
        axes.set_xlabel("CPUs")
        places.dress(axes)
        ends = []
        for scheme in schemes:
            ends += _draw_scheme(axes, [pair for pair in overlay.pairs if pair.scheme == scheme], styles[scheme, 0], places)
        _errors(axes, overlay.pairs, styles, places, height)
        widest = label_ends(page.figure, axes, ends, height)
        axes.set_position(page.box(LEFT, AXIS_HEIGHT, WIDTH - LEFT - LABEL_GAP - widest - 0.2, height))
        return page.figure


def _draw_scheme(axes, pairs, look, places):
    """Draws one scheme; returns the Ends of its line and its points."""
    scheme = pairs[0].scheme
    at = [places.at(pair.cpus) for pair in pairs]
    simulated = [pair.simulated for pair in pairs]
    measured = [pair.measured.median for pair in pairs]
    axes.plot(
        at, simulated, gid=f"simulated-{scheme}", color=look.colour, linestyle=(0, (5, 1.5)), linewidth=1.1,
        marker="_", markersize=9, zorder=2,
    )  # fmt: skip
    axes.plot(
        at, measured, gid=f"measured-{scheme}", color=look.colour, marker=look.marker, linestyle="none", markersize=4.5,
        zorder=3,
    )  # fmt: skip
    intervals(axes, [(x, pair.measured) for x, pair in zip(at, pairs) if pair.measured.count > 1], look)
    return [
        End(scheme, at[-1], measured[-1], look.colour, look.marker, look.colour),
        End(SIMULATED + scheme, at[-1], simulated[-1], look.colour, "_", look.colour),
    ]


def _errors(axes, pairs, styles, places, height):
    """Says the error of each point beside it, above each other where points are close."""
    for cpus in {pair.cpus for pair in pairs}:
        close = [pair for pair in pairs if pair.cpus == cpus]
        points = [(places.at(cpus), pair.measured.median) for pair in close]
        heights = [height_of(axes, y, height) for _, y in points]
        apart = spread(heights, CAPTION_SIZE / POINTS_PER_INCH, height)
        for pair, point, at, place in zip(close, points, heights, apart):
            axes.annotate(
                percent(pair.error), point, (5, 5 + (place - at) * POINTS_PER_INCH), textcoords="offset points", va="center",
                gid=f"error-{pair.scheme}-{cpus}", fontsize=CAPTION_SIZE, color=styles[pair.scheme, 0].colour,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0}, zorder=2.5,
            )  # fmt: skip


def _caption(records, overlay):
    parts = machine_parts(records, range(len(records.sources)))
    parts += [f"Conditions: {overlay.conditions}."] if overlay.conditions else []
    parts.append(interval_note([pair.measured for pair in overlay.pairs]))
    parts.append(
        f"Broken line, {SIMULATED}: what the model predicts for the same case. At each point, its error: simulated / "
        f"measured - 1. {summary(overlay)}"
    )
    return wrapped(parts, CAPTION_COLUMNS)
