# SPDX-License-Identifier: MIT
"""What all figures have in common: a title above, a caption below, labels at the ends of lines, two files.

Layout is in inches from the bottom left corner, since captions and labels vary.
"""

import io
import textwrap
from dataclasses import dataclass

import matplotlib

matplotlib.use("Agg")  # No display is needed, and none is opened.

from matplotlib import pyplot  # noqa: E402
from matplotlib.patches import ConnectionPatch  # noqa: E402
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator  # noqa: E402
from matplotlib.transforms import ScaledTranslation  # noqa: E402

from records.output import write_whole  # noqa: E402
from wording.text import SIMULATED, magnitude  # noqa: E402

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
LEFT = 0.75
TITLE_HEIGHT = 0.6
NAME_PITCH = 0.15  # from one line of what was measured to the next
NAME_COLUMNS = 112
AXIS_HEIGHT = 0.48
CAPTION_GAP = 0.1
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
class Page:
    """A figure with its title and caption, and where its middle begins: base inches above the lower edge."""

    figure: object
    base: float
    height: float

    def axes(self, left, bottom, width, height):
        """Adds axes at a place given in inches: from the left edge, and from the base."""
        return self.figure.add_axes(self.box(left, bottom, width, height))

    def box(self, left, bottom, width, height):
        """The same place as matplotlib counts it, in parts of the figure."""
        return [left / WIDTH, (self.base + bottom) / self.height, width / WIDTH, height / self.height]

    def text(self, x, y, text, **options):
        """Writes at a place given in inches, as axes() does."""
        return self.figure.text(x / WIDTH, (self.base + y) / self.height, text, **options)


def open_page(middle, title, name, caption):
    """Returns a Page with so many inches for its middle. caption: its lines."""
    base = CAPTION_PITCH * len(caption) + CAPTION_GAP
    lines = textwrap.wrap(name, NAME_COLUMNS) or [""]
    height = base + middle + TITLE_HEIGHT + NAME_PITCH * (len(lines) - 1)
    figure = pyplot.figure(figsize=(WIDTH, height))
    figure.text(0.1 / WIDTH, 1 - 0.19 / height, title, fontsize=10, weight="bold")
    for row, line in enumerate(lines):
        figure.text(0.1 / WIDTH, 1 - (0.34 + NAME_PITCH * row) / height, line, fontsize=8, color=DARK)
    for row, line in enumerate(caption):
        bottom = CAPTION_GAP + CAPTION_PITCH * (len(caption) - 1 - row)
        figure.text(0.1 / WIDTH, bottom / height, line, fontsize=CAPTION_SIZE, color=DARK)
    return Page(figure, base, height)


def save(figure, directory, stem):
    """Writes a figure as PNG and SVG and closes it; returns the paths written."""
    written = []
    for form in ("png", "svg"):
        path, drawn = directory / f"{stem}.{form}", io.BytesIO()
        # An SVG would carry the time of drawing; what counts is when it was measured.
        with pyplot.rc_context(STYLE):
            figure.savefig(drawn, format=form, dpi=DPI, metadata={"Date": None} if form == "svg" else None)
        write_whole(path, drawn.getvalue())
        written.append(path)
    pyplot.close(figure)
    return written


def marked(records, indices):
    """How much of what some machines gave is simulated: the prefix of a title, and the mark of the numbers on axes that
    only show simulated ones."""
    simulated = [records.sources[index].machine.simulated for index in indices]
    if all(simulated):
        return "SIMULATED: ", SIMULATED
    return ("Partly SIMULATED: " if any(simulated) else ""), ""


def log_values(axes, values, mark, margin=0.05):
    """Makes the vertical axis logarithmic, with room for values, all of them above 0."""
    bottom, top = min(values, default=1), max(values, default=1)
    room = (top / bottom) ** margin * 1.02
    axes.set_yscale("log")
    axes.set_ylim(bottom / room, top * room)
    # Ticks between the decades too, as many as there is room for.
    subs = (1, 2, 5) if top / bottom < 1e3 else (1,)
    axes.yaxis.set_major_locator(LogLocator(base=10, subs=subs, numticks=20))
    axes.yaxis.set_minor_locator(NullLocator())
    dress_values(axes, mark)


def linear_values(axes, values, mark):
    """Makes the vertical axis linear, from 0 to a little above the greatest value."""
    axes.set_ylim(0, max(values, default=1) * 1.06 or 1)
    dress_values(axes, mark)


def dress_values(axes, mark):
    """Short numbers and thin lines for the vertical axis."""
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: mark + magnitude(value)))
    axes.grid(axis="y", color="#E4E4E4", linewidth=0.5)
    axes.set_axisbelow(True)


def fixed_ticks(axis, ticks, labels=None):
    """Ticks at these places and nowhere else, labelled with their numbers if not otherwise."""
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())
    texts = dict(zip(ticks, labels or [f"{tick:g}" for tick in ticks]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: texts.get(value, "")))


@dataclass(frozen=True)
class End:
    """The last point of a line, to be labelled."""

    label: str
    x: float
    y: float
    colour: str
    marker: str
    fill: str


def label_ends(figure, axes, ends, plot_height):
    """Labels each End to the right of the axes, led to by a thin dotted line; returns the inches of the widest."""
    places = spread([height_of(axes, end.y, plot_height) for end in ends], LABEL_PITCH, plot_height)
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


def height_of(axes, y, plot_height):
    """Where a value is in the axes, in inches from their bottom; after set_ylim."""
    return plot_height * axes.transAxes.inverted().transform(axes.transData.transform((1, y)))[1]


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
