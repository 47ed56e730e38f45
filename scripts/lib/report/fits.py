# SPDX-License-Identifier: MIT
"""The section on scaling laws: what scripts/fit finds, drawn and as a table."""

import math

import numpy

from figures import fit as figure_fit
from tables.fits import FAR, SHORT, cpus_text, fitted, interval_text, name_of, remarks
from report.markup import esc, table
from stats.scaling import POOR
from wording.text import SIMULATED, plain, scaled

# Points along a fitted curve: enough to be round where it is drawn.
STEPS = 60


def fit_figures(records, panels):
    """Yields (stem, title, Panel, data for the script, a function that draws, table as HTML) of every panel that has a
    fit. panels: those of the records."""
    for panel, curves in fitted(records, panels):
        if not any(curve.scaling.best for curve in curves):
            continue
        simulated = [records.sources[curve.series.source].machine.simulated for curve in curves]
        head = "SIMULATED: " if all(simulated) else "Partly SIMULATED: " if any(simulated) else ""
        stem = f"fit-{panel.workload}-{panel.sharing}-{panel.placement}"
        data = {"kind": "fit", "x": "CPUs", "y": "switches/s, all CPUs together"}
        data["lines"] = [_line(records, curve) for curve in curves if curve.scaling.points]
        title = head + "Scaling laws and their knees"
        draw = lambda: [figure_fit.draw(records, panel, curves)]  # noqa: B023, E731
        yield stem, title, panel, data, draw, _table(records, panel, curves)


def _mark(records, curve):
    return SIMULATED if records.sources[curve.series.source].machine.simulated else ""


def _line(records, curve):
    """One scheme: its medians and, where there is one, the law that they bear out."""
    points = [(point.cpus, point.rate) for point in curve.series.points if point.rate]
    line = {
        "label": _mark(records, curve) + name_of(records, curve.series),
        "scheme": [curve.series.scheme, curve.series.source],
        "spots": [[cpus, rate.median, rate.low, rate.high, rate.count] for cpus, rate in points],
        "curve": [],
        "knee": None,
        "said": "no fit",
    }
    if curve.scaling.best:
        fit = curve.scaling.fits[curve.scaling.best]
        along = numpy.geomspace(points[0][0], points[-1][0], STEPS)
        line["curve"] = [along.tolist(), fit.at(along).tolist()]
        if points[0][0] <= fit.knee <= points[-1][0] and fit.error <= POOR:
            line["knee"] = [fit.knee, float(fit.at(fit.knee))]
        line["said"] = _said(fit, points[-1][0])
    return line


def _said(fit, most):
    law = {"usl": "Universal Scalability Law", "saturation": "saturation law"}[fit.law]
    if fit.error > POOR:
        return f"{law}, poor fit"
    return f"{law}, " + ("no knee" if math.isinf(fit.knee) else f"knee at {cpus_text(fit.knee, FAR * most)} CPUs")


def _table(records, panel, curves):
    rows, said = [], []
    for curve in curves:
        mark, name = _mark(records, curve), name_of(records, curve.series)
        said += [f"<li>{esc(name)}: {esc(text)}</li>" for text in remarks(curve)]
        for law, fit in curve.scaling.fits.items():
            best = law == curve.scaling.best
            most = FAR * curve.scaling.points[-1][0]
            cells = [esc(mark + name), SHORT[law] + ("*" if best else ""), mark + scaled(fit.one)]
            cells += [_parameter(fit.sigma), _parameter(fit.kappa) if law == "usl" else "–"]
            knee = cpus_text(fit.knee, most)
            cells += [esc(knee if math.isinf(fit.knee) else mark + knee), esc(interval_text(fit, most))]
            rows.append(("", [*cells, f"{100 * fit.error:.1f}&nbsp;%"]))
        if not curve.scaling.fits:
            rows.append(("", [esc(mark + name), "none", *["–"] * 6]))
    heads = ["scheme", "law", "one CPU, switches/s", "sigma", "kappa", "knee, CPUs", "interval", "error"]
    how = (
        "<p>X(N) = L N / (1 + σ (N − 1) + κ N (N − 1)), fitted to the medians of the valid windows; usl: Universal "
        "Scalability Law, sat: saturation law (κ = 0), *: the one that the points bear out. Interval: of the knee, "
        "95 % if the law holds. Error: root mean "
        "square of the relative residuals; above 5 % no parameter means anything.</p>"
    )
    return how + table(f"fits, {panel.name}", heads, rows) + (f"<ul>{''.join(said)}</ul>" if said else "")


def _parameter(value):
    if value < 1e-9:
        return "0"
    return plain(value, 3) if value >= 1e-4 else f"{value:.1e}"
