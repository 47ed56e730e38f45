# SPDX-License-Identifier: MIT
"""Draws the family line: how long one cache line takes from each PU to each other, as a map of the machine."""

import matplotlib
from matplotlib import pyplot
from matplotlib.colors import LogNorm, Normalize
from matplotlib.patches import Rectangle

from families.line import line_sheets
from wording.caption import left_out, sheet_caption
from grouping.matrix import median_matrix
from figures.page import CAPTION_COLUMNS, DARK, LEFT, STYLE, fixed_ticks, marked, open_page, save
from figures.places import thinned
from wording.text import plain

AXIS_HEIGHT = 0.42
HEAD = 0.06  # above the matrix, for the names of packages
SIDE = 5.0
BAR_LEFT = 0.55  # from the matrix to the scale of colours
MOST_NUMBERED = 32


def draw_all(records, directory):
    """Draws every matrix into directory; returns the paths written."""
    written = []
    stems = set()
    for sheet in line_sheets(records):
        figure = draw(records, sheet)
        if figure is None:
            continue
        stem = sheet.stem + (f"-machine{sheet.sources[0] + 1}" if len(records.sources) > 1 else "")
        number = 1
        while (name := stem + (f"-{number}" if number > 1 else "")) in stems:
            number += 1
        stems.add(name)
        written += save(figure, directory, name)
    return written


def draw(records, sheet):
    """Returns the figure of a Sheet, or None if its windows hold no matrix. The first axes holds, findable by gid: the
    image "matrix", a patch "null-ROW-COLUMN" for each pair not measured, and lines "package" and "LLC" for borders."""
    matrix = median_matrix(sheet.windows)
    if matrix is None:
        return None
    with pyplot.rc_context({**STYLE, "hatch.linewidth": 0.5}):
        prefix, mark = marked(records, sheet.sources)
        size = len(matrix.pus)
        side = SIDE if size > 12 else max(2.6, 0.42 * size)
        title = prefix + "One-way transfer of a cache line between CPUs"
        page = open_page(AXIS_HEIGHT + side + HEAD, title, sheet.name, _caption(records, sheet, matrix))
        axes = page.axes(LEFT, AXIS_HEIGHT, side, side)
        axes.set_xlim(-0.5, size - 0.5)
        axes.set_ylim(size - 0.5, -0.5)
        values = matrix.values()
        scale = _scale(values)
        # From light to dark, so that a copy in grey keeps the order.
        colours = matplotlib.colormaps["viridis_r"]
        _draw_cells(axes, matrix, scale, colours, mark, side)
        _draw_borders(axes, matrix)
        _draw_axes(axes, matrix, side, sheet.windows)
        if values and max(values) > min(values) * 1.02:
            bar = page.axes(LEFT + side + BAR_LEFT, AXIS_HEIGHT, 0.16, side)
            drawn = page.figure.colorbar(matplotlib.cm.ScalarMappable(scale, colours), cax=bar)
            drawn.outline.set_linewidth(0.6)
            bar.minorticks_off()
            ticks = _ticks(*bar.get_ylim(), isinstance(scale, LogNorm))
            fixed_ticks(bar.yaxis, ticks, [f"{mark}{tick:g}" for tick in ticks])
            bar.set_ylabel("one way, ns (half a round trip)" + (", simulated" if mark else ""))
        return page.figure


def _scale(values):
    low, high = min(values, default=1), max(values, default=1)
    if high / low > 3:
        return LogNorm(low, high)
    return Normalize(low, high if high > low else low * 1.01)


def _ticks(low, high, logarithmic):
    """Some round numbers between two."""
    if not logarithmic:
        found = matplotlib.ticker.MaxNLocator(7).tick_values(low, high)
    else:
        found = [digit * 10**power for power in range(-2, 7) for digit in (1, 1.5, 2, 3, 5, 7)]
    return [tick for tick in found if low * 0.999 <= tick <= high * 1.001]


def number_in_cell(value, mark):
    """Three digits and no more, and only two of small numbers: windows allow no others, and there is no room."""
    return mark + plain(value, 3 if value >= 100 else 2)


def _draw_cells(axes, matrix, scale, colours, mark, side):
    size = len(matrix.pus)
    numbers = [[value if value is not None else float("nan") for value in row] for row in matrix.one_way]
    image = axes.imshow(numbers, cmap=colours, norm=scale, aspect="auto", interpolation="nearest", gid="matrix")
    image.set_zorder(0)
    longest = max((len(number_in_cell(value, mark)) for value in matrix.values()), default=3)
    points = min(8, 72 * side / size * 0.76 / (0.64 * max(longest, 2)))
    for row in range(size):
        for column in range(size):
            value = matrix.one_way[row][column]
            corner = (column - 0.5, row - 0.5)
            if row == column:
                axes.add_patch(Rectangle(corner, 1, 1, facecolor="#E8E8E8", edgecolor="none", zorder=1))
            elif value is None:
                axes.add_patch(
                    Rectangle(
                        corner, 1, 1, facecolor="white", edgecolor="#999999", hatch="////" if size > 16 else "//",
                        linewidth=0, zorder=1, gid=f"null-{row}-{column}",
                    )
                )  # fmt: skip
            elif size <= MOST_NUMBERED:
                red, green, blue, _ = colours(scale(value))
                dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.55
                axes.text(
                    column, row, number_in_cell(value, mark), ha="center", va="center_baseline", fontsize=points,
                    color="white" if dark else "black",
                )  # fmt: skip


def _draw_borders(axes, matrix):
    """Lines between LLCs and, heavier, between packages; in a white casing, which shows on any colour."""
    size = len(matrix.pus)
    frame = [0, size]
    packages = matrix.borders("package")
    for level, places, width in (("LLC", matrix.borders("LLC"), 0.7), ("package", packages + frame, 1.8)):
        for place in places:
            if level == "LLC" and place in packages:
                continue
            gid = level if place not in frame else "frame"
            for line in (axes.axhline, axes.axvline):
                line(place - 0.5, color="white", linewidth=width + 1.6, zorder=2, clip_on=False)
                line(place - 0.5, gid=gid, color="black", linewidth=width, zorder=3, clip_on=False)


def _draw_axes(axes, matrix, side, windows):
    size = len(matrix.pus)
    shown = thinned(list(range(size)), float, size / (side / 0.15))
    for axis in (axes.xaxis, axes.yaxis):
        fixed_ticks(axis, shown, [str(matrix.pus[place]) for place in shown])
    small = size > 16
    axes.tick_params(length=0, pad=3, labelsize=6.5 if small else 8)
    if small and max(matrix.pus) > 99:
        axes.tick_params(axis="x", labelrotation=90)
    axes.set_xlabel("to PU")
    axes.set_ylabel("from PU")
    for spine in axes.spines.values():
        spine.set_visible(False)
    edges = [0, *matrix.borders("package"), size]
    if len(edges) > 2:
        # The system's numbers where they are recorded, as in the map: of a sample some packages may be missing.
        known = {entry["pu"]: entry["package"] for per_cpu in windows["per_cpu"] if isinstance(per_cpu, list) for entry in per_cpu}
        for place, (first, last) in enumerate(zip(edges, edges[1:])):
            number = known.get(matrix.pus[first], place)
            axes.annotate(
                f"package {number}" if len(edges) < 7 else f"{number}", ((first + last - 1) / 2, -0.5), (0, 4),
                textcoords="offset points", ha="center", fontsize=7, color=DARK, annotation_clip=False,
            )  # fmt: skip


def _caption(records, sheet, matrix):
    windows = sheet.windows
    notes = ["One way is half a round trip of the line between the two, taken to be alike; medians of valid windows."]
    packages, caches = matrix.borders("package"), matrix.borders("LLC")
    levels = ["package"] * bool(packages) + ["LLC"] * (set(caches) > set(packages))
    weights = {"package": "Heavy lines: between packages.", "LLC": "Light lines: between last-level caches."}
    notes += [weights[level] for level in levels]
    if not packages:
        notes.append("All in one package" + ("." if caches else ", and in one last-level cache."))
    elif set(caches) == set(packages):
        notes.append("Each package is one last-level cache.")
    notes.append("PUs in the order of the topology, by Linux' numbers.")
    size = len(matrix.pus)
    nulls = sum(matrix.one_way[row][column] is None for row in range(size) for column in range(row))
    if nulls:
        notes.append(f"Hatched: not measured, {nulls} of {size * (size - 1) // 2} pairs.")
    if matrix.unknown:
        notes.append("Some places are unknown; such PUs stand alone.")
    sampled = windows["sampled_from"].max()
    if sampled > size:
        notes.append(f"A sample of {size} of {sampled:g} PUs.")
    notes.append(left_out(len(windows), sheet.invalid_count))
    count = f"{len(windows)} window{'s' if len(windows) > 1 else ''}"
    return sheet_caption(records, sheet, count, notes, CAPTION_COLUMNS)
