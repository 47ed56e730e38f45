# SPDX-License-Identifier: MIT
"""Fits of scaling laws to the curves of Records, and their table: plain ASCII text of at most 72 columns."""

import math
import textwrap
from dataclasses import dataclass

from stats.scaling import CONFIDENCE, LAWS, POOR, Scaling, scaling
from grouping.series import Panel, Series, describe_conditions, panels
from wording.text import SIMULATED, ascii_only, build_facts, facts_of, scaled, span

WIDTH = 72
ROW = "{:<19} {:>5} {:>7} {:>6} {:>7} {:>6} {:>10} {:>5}"
# How many times the greatest CPU count measured a knee is still worth a number.
FAR = 5
SHORT = {"usl": "usl", "saturation": "sat"}
LEGEND = (
    "X(N) = L N / (1 + sigma (N - 1) + kappa N (N - 1)), fitted to the medians of the valid windows, relative "
    "residuals. usl: Universal Scalability Law; sat: saturation law, kappa 0; *: the one that the points bear out "
    "(F test). 1 CPU: L, switches/s. knee: CPUs at the peak (usl), or where N CPUs on their own would reach the limit "
    f"(sat). interval: of the knee, {100 * CONFIDENCE:g} % if the law holds. err: root mean square residual."
)


@dataclass(frozen=True)
class Curve:
    """One scheme on one machine, and what was fitted to it. left_out: CPU counts without a valid window."""

    panel: Panel
    series: Series
    scaling: Scaling
    left_out: tuple


def fitted(records, found=None):
    """Returns a list of Curves for each panel of Records that has one, as (panel, curves). found: the panels, if they
    are at hand."""
    found = panels(records.switches) if found is None else found
    return [(panel, [_curve(panel, series) for series in panel.series]) for panel in found]


def render(records, fits):
    """Returns the table of what fitted() gave; it ends with a newline."""
    blocks = [_machine(records, index) for index in range(len(records.sources))]
    for panel, curves in fits:
        blocks += _panel(records, panel, curves)
    blocks.append(textwrap.wrap(LEGEND, WIDTH))
    return ascii_only("\n\n".join("\n".join(block) for block in blocks if block)) + "\n"


def cpus_text(value, most):
    """A number of CPUs that need not be whole, that it is above most, or that there is none."""
    if math.isinf(value):
        return "none"
    if value > most:
        return f">{most:.0f}"
    return f"{value:.1f}" if value < 10 else f"{value:.0f}"


def interval_text(fit, most):
    """The interval of a knee. A law that the points do not follow has none worth stating."""
    if fit.error > POOR:
        return "poor fit"
    low, high = (cpus_text(value, most) for value in (fit.knee_low, fit.knee_high))
    return low if fit.knee_low > most else f"{low}..{high}"


def name_of(records, series):
    """A scheme, with the name of its machine where there are several."""
    return records.sources[series.source].named(series.scheme)


def _curve(panel, series):
    points = [(point.cpus, point.rate.median) for point in series.points if point.rate]
    left_out = tuple(point.cpus for point in series.points if not point.rate)
    return Curve(panel, series, scaling(points, [position for position, _ in panel.boundaries]), left_out)


def _machine(records, index):
    source = records.sources[index]
    head = source.head + "SIMULATED, not measured: " if source.machine.simulated else ""
    facts = [", ".join(source.files), *facts_of(records, index), *build_facts(source.machine), span(source.dates)]
    return _wrap(head + "; ".join(facts), "", "  ")


def _panel(records, panel, curves):
    lines = _wrap(f"switch: {panel.name}", "", "")
    lines += _wrap(", ".join(describe_conditions(panel)), "  ", "  ")
    lines += ["", ROW.format("scheme", "law", "1 CPU", "sigma", "kappa", "knee", "interval", "err")]
    said = []
    for curve in curves:
        name = name_of(records, curve.series)
        mark = SIMULATED if records.sources[curve.series.source].machine.simulated else ""
        for law in LAWS:
            if law in curve.scaling.fits:
                most = FAR * curve.scaling.points[-1][0]
                lines.append(_row(name, curve.scaling.fits[law], law == curve.scaling.best, most, mark))
        for text in remarks(curve):
            said += _wrap(f"{name}: {text}", "", "  ")
    if not any(curve.scaling.fits for curve in curves):
        lines = lines[:-2]
    return [lines, said]


def remarks(curve):
    """What a reader must know of a Curve before he uses its fit, in sentences."""
    texts = list(curve.scaling.refusals)
    texts += [f"WARNING: {warning}" for warning in curve.scaling.warnings]
    if curve.left_out:
        texts.append(f"no valid window at {', '.join(map(str, curve.left_out))} CPUs: left out")
    return texts


def _row(name, fit, best, most, mark):
    return ROW.format(
        name[:19],
        SHORT[fit.law] + ("*" if best else ""),
        mark + scaled(fit.one),
        _parameter(fit.sigma),
        _parameter(fit.kappa) if fit.law == "usl" else "-",
        mark + cpus_text(fit.knee, most),
        interval_text(fit, most),
        f"{100 * fit.error:.1f}%",
    )


def _parameter(value):
    if value < 1e-9:
        return "0"
    if 0.00095 <= value < 10:
        return f"{value:.4f}"
    return f"{value:.0f}" if 10 <= value < 1e6 else f"{value:.0e}"


def _wrap(text, first, later):
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=later, break_on_hyphens=False)
