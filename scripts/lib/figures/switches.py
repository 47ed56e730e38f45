# SPDX-License-Identifier: MIT
"""Draws a panel: switches/s and ns per switch against CPUs.

Every line is labelled at its end, so nothing has to be looked up in a legend; what a reader must know to judge the
figure is in the caption below it.
"""

import math
from dataclasses import dataclass
from urllib.parse import quote

from matplotlib import pyplot
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from wording.caption import caption_lines
from figures.look import looks
from figures.page import (
    AXIS_HEIGHT, CAPTION_COLUMNS, CAPTION_SIZE, DARK, GREY, HOLLOW, LABEL_GAP, LABEL_PITCH, LEFT, STYLE, WIDTH,
    End, label_ends, linear_values, log_values, marked, open_page, save,
)  # fmt: skip
from figures.strokes import hollow, intervals, label_of

PLOT_HEIGHT = 3.4


@dataclass(frozen=True)
class Quantity:
    """What a figure shows. field: of Point. column: of its pairs of invalid values. file: the end of its name."""

    field: str
    column: int
    file: str
    title: str
    axis: str


RATE = Quantity("rate", 0, "switches", "Context switches per second", "switches/s, all CPUs together")
COST = Quantity("cost", 1, "ns", "Time per context switch", "ns per switch on each CPU")


def draw_all(records, panels, directory):
    """Draws both figures of every panel of Records into directory, as PNG and SVG; returns the paths written."""
    written = []
    for panel in panels:
        for quantity in (RATE, COST):
            written += save(draw(records, panel, quantity), directory, f"{stem(panel)}-{quantity.file}")
    return written


def stem(panel):
    """A file name for a panel: different for different panels, whatever their names contain."""
    parts = ["switch", panel.workload, panel.sharing, panel.placement]
    parts += [f"{name}={value}" for name, value in panel.split.items()]
    return "-".join(quote(part, safe="=") for part in parts)


def draw(records, panel, quantity):
    """Returns a figure of one Quantity of a panel. Its one axes holds, findable by gid: "median-SCHEME-SOURCE" and
    "invalid-SCHEME-SOURCE" (SOURCE is the index into records.sources), "ideal" and "boundary-PACKAGES"."""
    with pyplot.rc_context(STYLE):
        labels = series_labels(records, panel)
        ideal = _ideal(panel, quantity)
        caption = caption_lines(records, panel, _ideal_note(quantity, ideal), CAPTION_COLUMNS)
        plot_height = max(PLOT_HEIGHT, LABEL_PITCH * (len(labels) + 2))
        prefix, mark = marked(records, panel.sources)
        page = open_page(AXIS_HEIGHT + plot_height, prefix + quantity.title, panel.name, caption)
        # As wide as the labels leave it, which is known once they are there.
        axes = page.axes(LEFT, AXIS_HEIGHT, WIDTH / 2, plot_height)
        scale_axes(axes, panel, quantity, ideal, mark)
        ends = _draw_series(axes, panel, quantity, labels)
        if ideal:
            ends.append(_draw_ideal(axes, panel, quantity, ideal))
        draw_boundaries(axes, panel)
        widest = label_ends(page.figure, axes, ends, plot_height)
        axes.set_position(page.box(LEFT, AXIS_HEIGHT, WIDTH - LEFT - LABEL_GAP - widest - 0.2, plot_height))
        return page.figure


@dataclass(frozen=True)
class Ideal:
    """What a scheme that costs nobody else anything would reach: the best 1-CPU median, and whose it is."""

    scheme: str
    value: float


def series_labels(records, panel):
    """label_of() each line, by (scheme, source); and that nothing of it is valid."""
    labels = {}
    for series in panel.series:
        label = label_of(records.sources[series.source], series.scheme, len(panel.sources) > 1)
        if not any(point.rate for point in series.points):
            label += " (none valid)"
        labels[series.scheme, series.source] = label
    return labels


def _ideal(panel, quantity):
    """The Ideal of a panel, or None if there is but one CPU count or no valid 1-CPU window to start from."""
    if len(panel.cpu_counts) == 1:
        return None
    best = max if quantity is RATE else min
    at_one = [(getattr(series.at(1), quantity.field), series.scheme) for series in panel.series if series.at(1)]
    medians = [(value.median, scheme) for value, scheme in at_one if value]
    if not medians:
        return None
    value, scheme = best(medians)
    return Ideal(scheme, value)


def _ideal_at(quantity, ideal, cpus):
    return ideal.value * cpus if quantity is RATE else ideal.value


def _ideal_note(quantity, ideal):
    if not ideal:
        return ""
    return f"Ideal: the 1-CPU median of {ideal.scheme}" + (", times CPUs." if quantity is RATE else ".")


def scale_axes(axes, panel, quantity, ideal, mark):
    """Sets both axes: logarithmic where the range asks for it, else linear, and then the values from 0 on."""
    counts = panel.cpu_counts
    low, high = counts[0], counts[-1]
    log_x = len(counts) > 4 and high / low >= 8
    if log_x:
        ticks = [2**power for power in range(high.bit_length()) if low <= 2**power <= high]
        # The last count is marked; a power of two so close below it that the numbers would run together is not.
        ticks = [tick for tick in ticks if high / tick >= 1.6] + [high]
        margin = (high / low) ** 0.04
        axes.set_xscale("log")
        axes.set_xlim(low / margin, high * margin)
    else:
        step = math.ceil(len(counts) / 16)
        ticks = counts[::step]
        margin = 0.06 * (high - low) or 0.5
        axes.set_xlim(low - margin, high + margin)
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel("CPUs")

    values = [value for point in panel.points for value in _values(point, quantity)]
    if ideal:
        values += [_ideal_at(quantity, ideal, cpus) for cpus in (low, high)]
    bottom, top = min(values, default=1), max(values, default=1)
    if (log_x and quantity is RATE) or top / bottom > (20 if log_x else 100):
        log_values(axes, values, mark)
    else:
        linear_values(axes, values, mark)
    axes.set_ylabel(quantity.axis + (" (simulated)" if mark else ""))


def _values(point, quantity):
    """Everything that a figure shows of a point."""
    value = getattr(point, quantity.field)
    return [pair[quantity.column] for pair in point.invalid] + ([value.low, value.high] if value else [])


def _draw_series(axes, panel, quantity, labels):
    """Draws every line, its intervals and its invalid windows; returns the Ends."""
    ends = []
    styles = looks(panel.series)
    for series in panel.series:
        look = styles[series.scheme, series.source]
        name = f"{series.scheme}-{series.source}"
        # A count without a valid window breaks the line: nothing is known there to lead it through.
        cpus = [point.cpus for point in series.points]
        medians = [getattr(point, quantity.field) for point in series.points]
        axes.plot(
            cpus, [value.median if value else math.nan for value in medians], gid=f"median-{name}",
            color=look.colour, marker=look.marker, linestyle=look.line, linewidth=1.3, markersize=4.5, zorder=3,
        )  # fmt: skip
        intervals(axes, [(x, value) for x, value in zip(cpus, medians) if value and value.count > 1], look)
        invalid = [(point.cpus, pair[quantity.column]) for point in series.points for pair in point.invalid]
        hollow(axes, invalid, look, f"invalid-{name}")
        valid = [(x, value.median) for x, value in zip(cpus, medians) if value]
        if valid or invalid:
            end, fill = (valid[-1], look.colour) if valid else (invalid[-1], HOLLOW)
            ends.append(End(labels[series.scheme, series.source], *end, look.colour, look.marker, fill))
    return ends


def _draw_ideal(axes, panel, quantity, ideal):
    """Draws the line of an Ideal; returns its End."""
    counts = panel.cpu_counts
    line = [_ideal_at(quantity, ideal, cpus) for cpus in counts]
    axes.plot(counts, line, gid="ideal", color=GREY, linewidth=0.8, linestyle=(0, (8, 3)), zorder=1.5)
    return End("ideal", counts[-1], line[-1], GREY, "", GREY)


def draw_boundaries(axes, panel):
    """Marks where one more package comes into use; of many, only the first and the last say how many those are."""
    labelled = panel.boundaries if len(panel.boundaries) <= 3 else (panel.boundaries[0], panel.boundaries[-1])
    for position, packages in panel.boundaries:
        axes.axvline(position, gid=f"boundary-{packages}", color=GREY, linewidth=0.6, linestyle=(0, (1, 2)), zorder=1)
        if (position, packages) in labelled:
            axes.annotate(
                f"{packages} packages", (position, 1), (0, 2), xycoords=("data", "axes fraction"),
                textcoords="offset points", ha="center", fontsize=CAPTION_SIZE, color=DARK,
            )  # fmt: skip
