# SPDX-License-Identifier: MIT
"""Draws a panel: switches/s and ns per switch against CPUs.

Every line is labelled at its end, so nothing has to be looked up in a legend; what a reader must know to judge the
figure is in the caption below it. Layout is in inches from the bottom left corner, since captions and labels vary.
"""

import math
from dataclasses import dataclass
from urllib.parse import quote

import matplotlib

matplotlib.use("Agg")  # No display is needed, and none is opened.

from matplotlib import pyplot  # noqa: E402
from matplotlib.patches import ConnectionPatch  # noqa: E402
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator  # noqa: E402
from matplotlib.transforms import ScaledTranslation  # noqa: E402

from caption import caption_lines  # noqa: E402
from look import looks  # noqa: E402
from text import SIMULATED, magnitude  # noqa: E402

STYLE = {
    "font.size": 8,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "svg.hashsalt": "mmscale",  # The same records give the same bytes.
}
WIDTH = 7.2
PLOT_HEIGHT = 3.4
LEFT = 0.75
TITLE_HEIGHT = 0.6
AXIS_HEIGHT = 0.48
LABEL_GAP = 0.22  # from the axes to the labels at the line ends
LABEL_SIZE = 8
LABEL_PITCH = 0.145  # from one label to the next
CAPTION_SIZE = 6.5
CAPTION_PITCH = 0.125
CAPTION_COLUMNS = 142
GREY = "#666666"
DARK = "#333333"
HOLLOW = "white"
DPI = 200


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
            figure = draw(records, panel, quantity)
            for form in ("png", "svg"):
                path = directory / f"{_stem(panel)}-{quantity.file}.{form}"
                # An SVG would carry the time of drawing; what counts is when it was measured.
                with pyplot.rc_context(STYLE):
                    figure.savefig(path, dpi=DPI, metadata={"Date": None} if form == "svg" else None)
                written.append(path)
            pyplot.close(figure)
    return written


def _stem(panel):
    """A file name for a panel: different for different panels, whatever their names contain."""
    parts = ["switch", panel.workload, panel.sharing, panel.placement]
    parts += [f"{name}={value}" for name, value in panel.split.items()]
    return "-".join(quote(part, safe="=") for part in parts)


def draw(records, panel, quantity):
    """Returns a figure of one Quantity of a panel. Its one axes holds, findable by gid: "median-SCHEME-SOURCE" and
    "invalid-SCHEME-SOURCE" (SOURCE is the index into records.sources), "ideal" and "boundary-PACKAGES"."""
    with pyplot.rc_context(STYLE):
        labels = _series_labels(records, panel)
        ideal = _ideal(panel, quantity)
        caption = caption_lines(records, panel, _ideal_note(quantity, ideal), CAPTION_COLUMNS)
        below = AXIS_HEIGHT + CAPTION_PITCH * len(caption) + 0.1
        plot_height = max(PLOT_HEIGHT, LABEL_PITCH * (len(labels) + 2))
        height = below + plot_height + TITLE_HEIGHT
        figure = pyplot.figure(figsize=(WIDTH, height))
        # As wide as the labels leave it, which is known once they are there.
        axes = figure.add_axes([LEFT / WIDTH, below / height, 0.5, plot_height / height])
        all_simulated = all(source.machine.simulated for source in records.sources)
        _scale(axes, panel, quantity, ideal, SIMULATED if all_simulated else "")
        ends = _draw_series(axes, panel, quantity, labels)
        if ideal:
            ends.append(_draw_ideal(axes, panel, quantity, ideal))
        _draw_boundaries(axes, panel)
        widest = _label_ends(figure, axes, ends, plot_height)
        width = WIDTH - LEFT - LABEL_GAP - widest - 0.2
        axes.set_position([LEFT / WIDTH, below / height, width / WIDTH, plot_height / height])
        _draw_title(figure, records, panel, quantity, height)
        for row, line in enumerate(caption):
            bottom = 0.1 + CAPTION_PITCH * (len(caption) - 1 - row)
            figure.text(0.1 / WIDTH, bottom / height, line, fontsize=CAPTION_SIZE, color=DARK)
        return figure


@dataclass(frozen=True)
class Ideal:
    """What a scheme that costs nobody else anything would reach: the best 1-CPU median, and whose it is."""

    scheme: str
    value: float


@dataclass(frozen=True)
class End:
    """The last point of a line, to be labelled."""

    label: str
    x: float
    y: float
    colour: str
    marker: str
    fill: str


def _series_labels(records, panel):
    """What stands at the end of each line, by (scheme, source): with several machines, with the number that the
    caption gives the machine; marked if simulated."""
    labels = {}
    for series in panel.series:
        label = series.scheme
        if len(records.sources) > 1:
            label += f" [{series.source + 1}]"
        if records.sources[series.source].machine.simulated:
            label = SIMULATED + label
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


def _scale(axes, panel, quantity, ideal, mark):
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
        axes.set_yscale("log")
        margin = (top / bottom) ** 0.05 * 1.02
        axes.set_ylim(bottom / margin, top * margin)
        # Ticks between the decades too, as many as there is room for.
        subs = (1, 2, 5) if top / bottom < 1e3 else (1,)
        axes.yaxis.set_major_locator(LogLocator(base=10, subs=subs, numticks=20))
        axes.yaxis.set_minor_locator(NullLocator())
    else:
        axes.set_ylim(0, top * 1.06)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: mark + magnitude(value)))
    axes.set_ylabel(quantity.axis + (" (simulated)" if mark else ""))
    axes.grid(axis="y", color="#E4E4E4", linewidth=0.5)
    axes.set_axisbelow(True)


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
        bars = [(x, value) for x, value in zip(cpus, medians) if value and value.count > 1]
        axes.errorbar(
            [x for x, _ in bars], [value.median for _, value in bars],
            yerr=[[value.median - value.low for _, value in bars], [value.high - value.median for _, value in bars]],
            fmt="none", ecolor=look.colour, elinewidth=0.9, capsize=2.5, capthick=0.9, zorder=2.5,
        )  # fmt: skip
        invalid = [(point.cpus, pair[quantity.column]) for point in series.points for pair in point.invalid]
        if invalid:
            axes.plot(
                [x for x, _ in invalid], [y for _, y in invalid], gid=f"invalid-{name}",
                color=look.colour, marker=look.marker, linestyle="none", markersize=5.5,
                # Filled with white: the rims of many on one spot would otherwise add up to a solid marker.
                markerfacecolor=HOLLOW, markeredgewidth=0.9, zorder=2.7,
            )  # fmt: skip
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


def _draw_boundaries(axes, panel):
    """Marks where one more package comes into use; of many, only the first and the last say how many those are."""
    labelled = panel.boundaries if len(panel.boundaries) <= 3 else (panel.boundaries[0], panel.boundaries[-1])
    for position, packages in panel.boundaries:
        axes.axvline(position, gid=f"boundary-{packages}", color=GREY, linewidth=0.6, linestyle=(0, (1, 2)), zorder=1)
        if (position, packages) in labelled:
            axes.annotate(
                f"{packages} packages", (position, 1), (0, 2), xycoords=("data", "axes fraction"),
                textcoords="offset points", ha="center", fontsize=CAPTION_SIZE, color=DARK,
            )  # fmt: skip


def _label_ends(figure, axes, ends, plot_height):
    """Labels each End to the right of the axes, led to by a thin dotted line; returns the width of the widest, in inches."""
    # After set_xlim and set_ylim: where an end is in the axes, in inches from their bottom.
    heights = [axes.transAxes.inverted().transform(axes.transData.transform((1, end.y)))[1] for end in ends]
    places = spread([height * plot_height for height in heights], LABEL_PITCH, plot_height)
    renderer = figure.canvas.get_renderer()
    widest = 0

    def beside(inches):
        """Coordinates of the axes, moved to the right."""
        return axes.transAxes + ScaledTranslation(inches, 0, figure.dpi_scale_trans)

    for end, place in zip(ends, places):
        foot = (1, place / plot_height)
        axes.add_artist(
            ConnectionPatch(
                (end.x, end.y), foot, "data", beside(LABEL_GAP - 0.15),
                color=GREY, linewidth=0.5, linestyle=(0, (1, 2)), shrinkA=3, zorder=1,
            )
        )  # fmt: skip
        axes.plot(
            *zip(foot), transform=beside(LABEL_GAP - 0.08), clip_on=False,
            color=end.colour, marker=end.marker, markersize=4.5, markerfacecolor=end.fill,
        )  # fmt: skip
        label = axes.text(
            *foot, end.label, transform=beside(LABEL_GAP), va="center_baseline", fontsize=LABEL_SIZE
        )  # fmt: skip
        widest = max(widest, label.get_window_extent(renderer).width / figure.dpi)
    return widest


def spread(wanted, pitch, height):
    """Returns places at least a pitch apart, within 0 to height, moved from the wanted ones as little as possible (in
    least squares). They leave at the top if they cannot all fit."""
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    # Less its rank times the pitch, every place only has to be no lower than the one before: pool those that are.
    pools = []
    for rank, index in enumerate(order):
        pools.append([wanted[index] - rank * pitch, 1])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (mean, count), (last_mean, last_count) = pools[-2:]
            total = count + last_count
            pools[-2:] = [[(mean * count + last_mean * last_count) / total, total]]
    room = max(height - (len(wanted) - 1) * pitch, 0)
    free = [min(max(mean, 0), room) for mean, count in pools for _ in range(count)]
    places = [0.0] * len(wanted)
    for rank, index in enumerate(order):
        places[index] = free[rank] + rank * pitch
    return places


def _draw_title(figure, records, panel, quantity, height):
    simulated = [source.machine.simulated for source in records.sources]
    prefix = "SIMULATED: " if all(simulated) else "Partly SIMULATED: " if any(simulated) else ""
    figure.text(0.1 / WIDTH, 1 - 0.19 / height, prefix + quantity.title, fontsize=10, weight="bold")
    figure.text(0.1 / WIDTH, 1 - 0.34 / height, panel.name, fontsize=8, color=DARK)
