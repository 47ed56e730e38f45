# SPDX-License-Identifier: MIT
"""Pages of small figures that share their legend and their scales."""

import math
from dataclasses import dataclass

from matplotlib.lines import Line2D

from figures.page import AXIS_HEIGHT, LEFT, WIDTH, open_page

PER_PAGE = 9
COLUMNS = 3
GAP = 0.22
HEAD = 0.24  # above each small figure, for its heading
LEGEND_PITCH = 0.17
LEGEND_COLUMNS = 5


@dataclass(frozen=True)
class Tile:
    """One small figure's axes, and whether it stands at the left and at the lower edge of the page."""

    axes: object
    left: bool
    lowest: bool


def in_pages(things):
    """Deals things out on as few pages as hold them; yields (things of a page, "" or which page of how many)."""
    pages = math.ceil(len(things) / PER_PAGE)
    for number in range(pages):
        yield things[number * PER_PAGE : (number + 1) * PER_PAGE], f" ({number + 1} of {pages})" if pages > 1 else ""


def open_grid(count, title, name, caption, keys):
    """Returns (Page, Tiles) for so many small figures. keys: of the legend, (label, Look) each."""
    columns = min(count, COLUMNS)
    rows = math.ceil(count / columns)
    width = (WIDTH - LEFT - 0.15 - GAP * (columns - 1)) / columns
    height = {1: 3.0, 2: 2.5}.get(columns, 1.75)
    legend_rows = math.ceil(len(keys) / LEGEND_COLUMNS)
    page = open_page(
        AXIS_HEIGHT + rows * (height + HEAD) + LEGEND_PITCH * legend_rows + (rows - 1) * 0.12, title, name, caption
    )
    tiles = []
    for number in range(count):
        row, column = divmod(number, columns)
        # The lowest of its column: the last row need not be full.
        bottom = AXIS_HEIGHT + (rows - 1 - row) * (height + HEAD + 0.12)
        axes = page.axes(LEFT + column * (width + GAP), bottom, width, height)
        tiles.append(Tile(axes, column == 0, number + columns >= count))
    top = AXIS_HEIGHT + rows * (height + HEAD) + (rows - 1) * 0.12 + LEGEND_PITCH * legend_rows
    _legend(page, keys, top)
    return page, tiles


def _legend(page, keys, top):
    """Writes the legend line by line, so that neighbours in it are neighbours in the keys."""
    pitch = (WIDTH - LEFT) / LEGEND_COLUMNS
    for number, (label, look) in enumerate(keys):
        row, column = divmod(number, LEGEND_COLUMNS)
        x, y = LEFT + column * pitch, top - row * LEGEND_PITCH
        ends = [[(x + shift) / WIDTH for shift in (0, 0.14, 0.28)], [(page.base + y) / page.height] * 3]
        page.figure.add_artist(
            Line2D(
                *ends, color=look.colour, linestyle=look.line, linewidth=1.2, marker=look.marker, markersize=4,
                markevery=[1], solid_capstyle="butt",
            )
        )  # fmt: skip
        page.text(x + 0.34, y, label, va="center_baseline", fontsize=7.5)
