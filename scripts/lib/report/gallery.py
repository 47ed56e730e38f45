# SPDX-License-Identifier: MIT
"""The sections that show figures, one per family: chart, static picture, numbers, and the command that redoes it."""

import math
from dataclasses import dataclass

from figures import host as figure_host
from figures import ipi as figure_ipi
from figures import latency as figure_latency
from figures import line as figure_line
from figures import mix as figure_mix
from figures import teardown as figure_teardown
from figures import switches
from grouping.crossover import cells, crossings, without_crossing
from grouping.curves import sheets
from grouping.host_sheets import call_sheets, switch_sheets
from figures.look import ORDER
from figures.places import short
from report.charts import Measure, chart_of, data_of, table_of
from report.commands import as_given, measure_again
from report.fits import fit_figures
from report.host import host_notes, host_tables
from report.markup import esc, figure_of, slug, table
from report.statics import picture
from grouping.series import panels
from wording.text import SIMULATED, files_of

SWITCH = (
    Measure("rate", "switches_per_second", "switches/s", "switches/s, all CPUs together", True),
    Measure("cost", "ns_per_switch", "ns per switch", "ns per switch on each CPU"),
)
TEARDOWN = (
    Measure("drop_p50", "drop_ns_p50", "drop p50", "ns of the last mmput, p50"),
    Measure("drop_p99", "drop_ns_p99", "drop p99", "ns of the last mmput, p99"),
    Measure("ipis", "ipis_useful_per_teardown+ipis_useless_per_teardown", "IPIs", "CPUs interrupted per teardown"),
    Measure("useless", "ipis_useless_per_teardown", "useless IPIs", "CPUs interrupted that did not borrow the mm"),
    Measure("interrupted", "interrupted_ns_per_teardown", "time taken", "ns taken from other CPUs per teardown"),
)
MIX = (Measure("cost", "ns_per_switch", "ns per switch", "ns per switch on each CPU"),)
IPI = tuple(
    Measure(f"round_{end}", f"round_trip_ns_{end}", f"round trip {end}", f"ns to the last answer, {end}")
    for end in ("p50", "p99", "max")
)
CALL = tuple(
    Measure(f"time_{end}", "", end, f"ns of one death or call, {end}") for end in ("p50", "p99", "max")
)
# How host_sheets names what of the emulation it puts beside the running kernel.
EMULATED = "emulated "
LATENCY = tuple(
    Measure(f"latency_{end}", f"latency_ns_{end}", name, f"ns per switch, {name}, clock included")
    for end, name in figure_latency.NAMES.items()
)


# For figures of one title so many pictures are drawn: one takes a quarter of a second and 60 kB.
MOST_PICTURED = 4
PICTURELESS = "A picture of this figure would make the page too large; scripts/plot draws it. Its numbers stand below."


@dataclass(frozen=True)
class Shown:
    """A figure of the page. data: what the script draws; drawn once the page is open. html: the whole of it."""

    ident: str
    data: dict
    html: str


class Gallery:
    """Makes the figures of some Records: ids that are no one else's, looks that are the same in all of them."""

    def __init__(self, records):
        self.records = records
        self.shown = []
        self._pictured = {}
        self._panels = panels(records.switches)
        names = set()
        for table_name in ("switches", "teardowns", "mixes", "ipis", "latencies", "hosts"):
            part = getattr(records, table_name)
            names |= set(part["scheme"]) if len(part) else set()
        for sheet in switch_sheets(records):
            names |= set(sheet.windows["scheme"])
        unlisted = {scheme.removeprefix(EMULATED) for scheme in names} - set(ORDER)
        self._order = [*ORDER, *sorted(unlisted)]
        self._styles = {
            (scheme, source): [self._order.index(scheme.removeprefix(EMULATED)), source]
            for scheme in names
            for source in range(len(records.sources))
        }

    def switches(self):
        """Scaling curves."""
        records = self.records
        found = sheets("switch", records.switches, ["workload", "sharing", "placement"])
        parts = []
        # Panels and sheets are the same partition of the same windows; the workload that only switches comes first.
        both = sorted(zip(found, self._panels, strict=True), key=lambda pair: pair[0].identity["workload"] != "idle")
        for sheet, panel in both:
            chart = chart_of(records, sheet, "Context switches against CPUs", "cpus", "CPUs", SWITCH)
            # On paper the rate alone: the cost is the same numbers once more.
            draw = lambda: [switches.draw(records, panel, switches.RATE)]  # noqa: B023, E731
            parts.append(self._lines("switch", sheet, chart, draw))
        return _grid(parts)

    def fits(self):
        """Laws of scaling, with their knees."""
        records, parts = self.records, []
        for stem, title, panel, data, draw, text in fit_figures(records, self._panels):
            for line in data["lines"]:
                line["place"] = self._styles[tuple(line.pop("scheme"))]
            files = " ".join(file for index in range(len(records.sources)) for file in files_of(records, index))
            redo = redo_lines([f"scripts/fit {files} -o DIR    # fits and draws it again"])
            parts.append(self._figure(slug(stem), title, panel.name, "", data, draw, text, redo))
        return _grid(parts)

    def teardowns(self):
        """The other side of the bargain: the last drop."""
        parts = []
        for sheet, x in figure_teardown.teardown_sheets(self.records):
            label = "lazy borrowers" if x == "borrowers" else "further CPUs in mm_cpumask"
            chart = chart_of(self.records, sheet, "Time to tear an mm down", x, label, TEARDOWN)
            parts.append(self._lines("teardown", sheet, chart, lambda: [figure_teardown.draw(self.records, sheet, x)]))
        return _grid(parts)

    def mixes(self):
        """The crossover map, and the curves behind it."""
        parts = []
        for sheet in figure_mix.mix_sheets(self.records):
            if sheet.windows["scheme"].nunique() > 1:
                parts.append(self._crossover(sheet))
            chart = chart_of(
                self.records, sheet, "Time per switch against exits", "exits", "exits per million switches", MIX,
                "cpus", "CPUs", lambda cpus: f"{cpus} CPU{'s' if cpus > 1 else ''}",
            )  # fmt: skip
            parts.append(self._lines("mix", sheet, chart, lambda: figure_mix.draw_curves(self.records, sheet)))
        return _grid(parts)

    def latencies(self):
        """Quantiles of single switches."""
        parts = []
        for sheet in figure_latency.latency_sheets(self.records):
            measures = tuple(m for m in LATENCY if sheet.windows[m.column].notna().any())
            chart = chart_of(
                self.records, sheet, "Latency of single switches", "cpus", "CPUs", measures, "exits", "exits",
                lambda exits: "" if math.isnan(exits) else f"{short(exits)} exits per million switches",
            )  # fmt: skip
            family = "switch" if sheet.family.endswith("switch") else "mix"
            parts.append(self._lines(family, sheet, chart, lambda: figure_latency.draw(self.records, sheet)))
        return _grid(parts)

    def ipis(self):
        """What a call of other CPUs costs here."""
        parts = []
        for sheet in figure_ipi.ipi_sheets(self.records):
            chart = chart_of(self.records, sheet, "A synchronous call of other CPUs", "targets", "CPUs called", IPI)
            parts.append(self._lines("ipi", sheet, chart, lambda: [figure_ipi.draw(self.records, sheet)]))
        return _grid(parts)

    def hosts(self):
        """The running kernel's switches beside the emulation's, and its deaths and calls."""
        records, parts = self.records, []
        if not len(records.hosts):
            return ""
        for sheet in switch_sheets(records):
            chart = chart_of(records, sheet, "The running kernel beside the emulation", "cpus", "CPUs", SWITCH)
            draw = lambda: [figure_host.draw_switches(records, sheet)]  # noqa: B023, E731
            parts.append(self._host(sheet, chart, draw, table_of(chart)))
        for sheet in call_sheets(records):
            title = "A death, munmap and membarrier, running kernel"
            chart = chart_of(records, sheet, title, "others", "other CPUs", CALL)
            draw = lambda: [figure_host.draw_calls(records, sheet)]  # noqa: B023, E731
            parts.append(self._host(sheet, chart, draw, ""))
        return host_notes(records) + "".join(parts) + host_tables(records)

    def _host(self, sheet, chart, draw, text):
        beside = sheet.windows[sheet.windows["scheme"].str.startswith(EMULATED)]
        plain = beside.assign(scheme=beside["scheme"].str.removeprefix(EMULATED))
        real = sheet.windows[~sheet.windows["scheme"].str.startswith(EMULATED)].dropna(axis="columns", how="all")
        redo = [*(self._again("switch", plain) if len(plain) else []), *self._again("host_kernel", real)]
        data = data_of(chart, self._styles)
        return self._figure(chart.ident, chart.title, chart.name, chart.conditions, data, draw, text,
                            redo_lines([*redo, self._plot(sheet)]))  # fmt: skip

    def lines(self):
        """The matrix of line transfers as a picture; the map beside it is the interactive form."""
        parts = []
        for sheet in figure_line.line_sheets(self.records):
            drawn = figure_line.draw(self.records, sheet)
            if drawn is not None:
                title = "One-way transfer of a cache line between CPUs"
                parts.append(
                    f'<figure class="chart keep"><figcaption>{esc(title)}<span class="sub">{esc(sheet.name)}</span>'
                    f"</figcaption>{picture(drawn, title + ': ' + sheet.name)}{self._redo('line', sheet)}</figure>\n"
                )
        return _grid(parts)

    def _lines(self, family, sheet, chart, draw):
        return self._figure(chart.ident, chart.title, chart.name, chart.conditions, data_of(chart, self._styles),
                            draw, table_of(chart), self._redo(family, sheet))  # fmt: skip

    def _crossover(self, sheet):
        """The map of the cheapest scheme by CPUs and exits."""
        chart = chart_of(self.records, sheet, "The cheapest scheme", "exits", "exits per million switches", MIX)
        found = cells(figure_mix.by_cpus(sheet))
        source = sheet.sources[0]
        costs = {}
        for cpus, curves in figure_mix.by_cpus(sheet).items():
            for curve in curves:
                for spot in curve.spots:
                    value = spot.values["cost"]
                    costs.setdefault((cpus, spot.x), []).append([curve.scheme, value.median if value else None])
        data = {
            "kind": "leaders",
            "title": chart.title,
            "x": chart.x_label,
            "cells": [
                {
                    "cpus": int(cell.cpus),
                    "exits": float(cell.exits),
                    "leaders": cell.leaders,
                    "place": self._styles[cell.leaders[0], source] if cell.leaders else None,
                    "costs": costs[cell.cpus, cell.exits],
                }
                for cell in found
            ],
        }
        text = self._crossings(sheet, SIMULATED if self.records.sources[source].machine.simulated else "")
        draw = lambda: [figure_mix.draw_map(self.records, sheet)]  # noqa: E731
        redo = self._redo("mix", sheet)
        return self._figure(chart.ident + "-map", chart.title, chart.name, chart.conditions, data, draw, text, redo)

    def _crossings(self, sheet, mark):
        rows = []
        counter = "crossover_exits_per_million"
        table_of_all = self.records.crossovers
        for (first, second), points in crossings(self.records, sheet).items():
            for point in points:
                here = table_of_all[(table_of_all["first"] == first) & (table_of_all["second"] == second)]
                here = here[(here["cpus"] == point.cpus) & (here["exits_per_million"] == point.exits)]
                entry = here.iloc[0]
                where = f' data-windows="{entry["file"]}:{entry["record"]}"'
                interval = "–"
                if point.low <= point.high:
                    low = figure_of(float(point.low), "crossover_low", "entry", mark=mark)
                    interval = f"{low} .. {figure_of(float(point.high), 'crossover_high', 'entry', mark=mark)}"
                cells_ = [f"{esc(first)} = {esc(second)}", str(point.cpus)]
                cells_.append(figure_of(float(point.exits), counter, "entry", mark=mark))
                rows.append((where, [*cells_, interval]))
            if not points:
                rows.append(("", [f"{esc(first)} = {esc(second)}", "–", esc(without_crossing(sheet, first, second)), "–"]))
        if not rows:
            return ""
        return table(f"crossovers, {sheet.name}", ["pair", "CPUs", "exits per million switches", "interval"], rows)

    def _figure(self, ident, title, name, conditions, data, draw, after, redo):
        """draw: makes the figures that are the pictures of this one; called if the page has room for them."""
        ident = self._unused(ident)
        text = f"{title}: {name}. Its numbers are in the table below it."
        sub = "; ".join(part for part in (name, conditions) if part)
        kind = (data["kind"], title)
        if self._pictured.get(kind, 0) < MOST_PICTURED:
            figures = list(draw())
            self._pictured[kind] = self._pictured.get(kind, 0) + len(figures)
            pictures = "".join(picture(figure, text) for figure in figures)
        else:
            pictures = f'<p class="soft">{PICTURELESS}</p>'
            after = after.replace("<details>", "<details open>")
        html = (
            f'<figure class="chart" id="{ident}"><figcaption>{esc(title)}<span class="sub">{esc(sub)}</span>'
            "</figcaption>"
            f'<div class="controls" hidden></div><div class="plot" role="img" aria-label="{esc(text)}" hidden></div>'
            f'<div class="pictures">{pictures}</div>{after}{redo}</figure>\n'
        )
        self.shown.append(Shown(ident, data, html))
        return html

    def _unused(self, ident):
        taken = {shown.ident for shown in self.shown}
        found, number = ident, 2
        while found in taken:
            found, number = f"{ident}-{number}", number + 1
        return slug(found)

    def _redo(self, family, sheet):
        return redo_lines([*self._again(family, sheet.windows), self._plot(sheet)])

    def _again(self, family, windows):
        """The commands that make some windows again: one that measures those of this figure, and of what was simulated
        the commands as they were given."""
        lines, measured = [], []
        for index in sorted(windows["source"].unique()):
            source = self.records.sources[index]
            if source.machine.simulated:
                lines += [f"{as_given(command)}    # as it was simulated" for command in source.commands]
            else:
                measured.append(index)
        if measured:
            sources = [self.records.sources[index] for index in measured]
            unsafe = any("--unsafe" in command for source in sources for command in source.commands)
            part = windows[windows["source"].isin(measured)]
            lines.insert(0, f"{measure_again(family, part, unsafe)}    # measures this again")
        return lines

    def _plot(self, sheet):
        files = " ".join(file for index in sheet.sources for file in files_of(self.records, index))
        return f"scripts/plot {files} -o DIR    # draws it again"


def _grid(parts):
    return f'<div class="figures">{"".join(parts)}</div>' if parts else ""


def redo_lines(lines):
    """Commands that make a figure again, folded away."""
    commands = esc("\n".join(lines))
    return f'<details class="redo"><summary>Redo this figure</summary><pre tabindex="0">{commands}</pre></details>'
