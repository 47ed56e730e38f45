# SPDX-License-Identifier: MIT
"""A Sheet of any family as data of a chart: what the page's script draws and the table beside it lists.

The numbers are computed here, once; script, table and verdict show the same ones.
"""

import math
from dataclasses import dataclass

import numpy

from report.markup import esc, figure_of, interval_of, slug, table, windows_of
from grouping.series import REFERENCE, boundaries, describe_conditions
from stats.estimate import estimate
from wording.text import SIMULATED


@dataclass(frozen=True)
class Measure:
    """One quantity of a chart. column: of the table in Records. counter: its name in the records; "+" joins a sum.
    divisible: whether it is a sum over CPUs, so that a share per CPU means something."""

    column: str
    counter: str
    label: str
    axis: str
    divisible: bool = False


@dataclass(frozen=True)
class Spot:
    """The windows of one line of a chart at one x.

    values: by column the Estimate over the valid windows, or None. spoilt: by column the invalid windows' values.
    windows: which valid windows. count, invalid: how many windows, and how many of them do not count.
    packages: how many packages their CPUs are on; None if not recorded.
    """

    x: float
    values: dict
    spoilt: dict
    windows: str
    count: int
    invalid: int
    packages: float | None


@dataclass(frozen=True)
class Line:
    """One scheme, or transport, on one machine in one facet of a chart; spots by rising x."""

    scheme: str
    source: int
    label: str
    facet: str
    spots: tuple

    def at(self, x):
        """Returns the spot at x, or None."""
        return next((spot for spot in self.spots if spot.x == x), None)


@dataclass(frozen=True)
class Chart:
    """What one figure of the page shows.

    facets: the values of what the reader may choose between, as texts; [""] if there is nothing to choose.
    marks: (position, text) of upright lines.
    """

    ident: str
    title: str
    name: str
    conditions: str
    x_label: str
    measures: tuple
    facet_label: str
    facets: tuple
    lines: tuple
    marks: tuple
    mark: str


def chart_of(records, sheet, title, x, x_label, measures, facet=None, facet_label="", facet_text=str):
    """Returns the Chart of a Sheet along its column x. facet: a column whose values the reader chooses between."""
    windows = sheet.windows
    parts = [("", windows)]
    if facet:
        parts = [(facet_text(value), part) for value, part in windows.groupby(facet, dropna=False)]
    sources = sorted(windows["source"].unique())
    simulated = [records.sources[source].machine.simulated for source in sources]
    # Of several machines the figure has one: its lines' names say which of several, and nothing else does.
    one = [records.sources[sources[0]].tag] if len(sources) == 1 and records.sources[sources[0]].tag else []
    return Chart(
        ident=slug(sheet.stem + "-" + "-".join(str(source + 1) for source in sources)),
        title=("SIMULATED: " if all(simulated) else "Partly SIMULATED: " if any(simulated) else "") + title,
        name=sheet.name,
        conditions=", ".join([*one, *describe_conditions(sheet, sheet.split)]),
        x_label=x_label,
        measures=measures,
        facet_label=facet_label,
        facets=tuple(text for text, _ in parts),
        lines=tuple(line for text, part in parts for line in _lines(records, part, x, measures, text)),
        marks=tuple((at, f"{count} packages") for at, count in boundaries(windows)) if "packages" in windows else (),
        mark=SIMULATED if all(simulated) else "",
    )


def _lines(records, windows, x, measures, facet):
    found = []
    several = windows["source"].nunique() > 1
    for (scheme, source), group in windows.groupby(["scheme", "source"]):
        label = records.sources[source].named(scheme) if several else scheme
        label = (SIMULATED if records.sources[source].machine.simulated else "") + label
        spots = tuple(_spot(at, part, measures) for at, part in group.groupby(x))
        found.append(Line(scheme, int(source), label, facet, spots))
    return sorted(found, key=lambda line: (line.source, line.scheme != REFERENCE, line.scheme))


def _spot(x, windows, measures):
    # Arrays and not frames: a page has thousands of these spots, and slicing frames would take most of its time.
    valid = windows["valid"].to_numpy(dtype=bool)
    columns = {measure.column: windows[measure.column].to_numpy(dtype=float) for measure in measures}
    packages = windows["package_count"].max() if "package_count" in windows else math.nan
    return Spot(
        x=float(x),
        values={name: estimate(of[valid & ~numpy.isnan(of)].tolist()) for name, of in columns.items()},
        spoilt={name: of[~valid & (of > 0)].tolist() for name, of in columns.items()},
        windows=windows_of({name: windows[name].to_numpy()[valid] for name in ("file", "record")}),
        count=len(valid),
        invalid=int((~valid).sum()),
        packages=None if math.isnan(packages) else float(packages),
    )


def data_of(chart, styles):
    """The Chart as the page's script takes it. styles: by (scheme, source) a Look."""
    return {
        "kind": "lines",
        "title": chart.title,
        "x": chart.x_label,
        "measures": [
            {"column": m.column, "label": m.label, "axis": m.axis, "divisible": m.divisible} for m in chart.measures
        ],
        "facets": chart.facets,
        "marks": chart.marks,
        "lines": [
            {
                "label": line.label,
                "facet": line.facet,
                "place": styles[line.scheme, line.source],
                "spots": [_spot_data(spot) for spot in line.spots],
            }
            for line in chart.lines
        ],
    }


def _spot_data(spot):
    return {
        "x": spot.x,
        "values": {
            column: value and [value.median, value.low, value.high, value.count]
            for column, value in spot.values.items()
        },
        "spoilt": spot.spoilt,
        "count": spot.count,
        "packages": spot.packages,
    }


def table_of(chart):
    """Every number of the Chart, as a table that is folded away."""
    heads = ["scheme"] + ([chart.facet_label] if len(chart.facets) > 1 else []) + [chart.x_label]
    for measure in chart.measures:
        heads += [measure.label, "interval"]
    rows = []
    for line in chart.lines:
        mark = SIMULATED if line.label.startswith(SIMULATED) else ""
        for spot in line.spots:
            cells = [esc(line.label)] + ([esc(line.facet)] if len(chart.facets) > 1 else []) + [f"{spot.x:g}"]
            for measure in chart.measures:
                value = spot.values[measure.column]
                cells.append(figure_of(value.median, measure.counter, mark=mark) if value else "–")
                cells.append(interval_of(value, measure.counter, mark))
            rows.append((f' data-windows="{spot.windows}"', [*cells, f"{spot.invalid} of {spot.count}"]))
    return table(f"numbers of {chart.title}, {chart.name}", [*heads, "invalid"], rows, "The numbers as a table")
