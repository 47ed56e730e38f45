# SPDX-License-Identifier: MIT
"""The sentence with which each section answers its question. All take the rows of one machine and a mark that simulated
numbers have, and return HTML; "" where nothing can be said."""

import math

from families.ipi import ipi_sheets
from families.latency import latency_sheets
from families.teardown import teardown_sheets
from figures.line import line_sheets
from grouping.crossover import crossings, mix_sheets, without_crossing
from grouping.series import REFERENCE, panels
from records.conditions import value_of
from records.window import DISTANCES
from report.answer import main_sheet, times
from report.markup import esc, figure_of, windows_of
from report.replays import band
from stats.estimate import estimate
from stats.scaling import POOR
from tables.fits import cpus_text, fitted
from wording.text import in_time, plain, ratio, scaled

RIVALS = ("shootdown", "hazptr")


def each(records, say, mark_of):
    """What a sentence says of every machine, each named if there are several."""
    said = []
    for index, source in enumerate(records.sources):
        text = say(records.of(index), mark_of(source))
        if text:
            said.append(esc(source.head) + text)
    return " ".join(said)


def _number(windows, column, counter, mark, digits=3, text=scaled):
    known = windows[windows[column].notna()]
    value = estimate(known[column].tolist())
    if not value:
        return None
    return figure_of(float(value.median), counter, windows=windows_of(known), mark=mark, digits=digits, text=text)


def _most(windows, column="cpus"):
    """Of the valid windows those with the most CPUs, or the most of another column."""
    windows = windows[windows["valid"]]
    return windows[windows[column] == windows[column].max()] if len(windows) else windows


def _listed(parts):
    return ", ".join(parts[:-1]) + (" and " if len(parts) > 1 else "") + parts[-1]


def scaling(own, mark):
    """Each scheme against the reference on the most CPUs, of the sheet that the first screen is about."""
    sheet = main_sheet(own)
    windows = sheet.windows[sheet.windows["valid"]] if sheet else own.switches
    # The most CPUs on which the reference stands beside another.
    beside = [cpus for cpus, part in windows.groupby("cpus") if REFERENCE in set(part["scheme"]) and part["scheme"].nunique() > 1] if len(windows) else []
    if not beside:
        return ""
    rows = windows[windows["cpus"] == max(beside)]
    medians = rows.groupby("scheme")["rate"].median()
    factors = (medians / medians[REFERENCE]).drop(REFERENCE).sort_values(ascending=False)
    cpus = rows["cpus"].iloc[0]
    listed = _listed([f"{esc(name)} makes {times(value, mark)}" for name, value in factors.items()])
    return f"On {cpus} CPU{'s' if cpus > 1 else ''} (workload {esc(sheet.identity['workload'])}) {listed} times {REFERENCE}'s switches."


def line(own, mark):
    """What the line's way costs, from the nearest to the farthest."""
    parts = []
    for sheet in line_sheets(own)[:1]:
        rows = sheet.windows[sheet.windows["valid"]]
        for name in DISTANCES:
            number = _number(rows, f"one_way_{name}", f"one_way_ns_{name}", mark, text=in_time) if len(rows) else None
            if number:
                parts.append(f"{number} to {name.replace('_', ' ')}")
    text = f"A cache line that one other CPU wrote takes {', '.join(parts)}, one way." if parts else ""
    for _, row in own.stabilities.iterrows() if len(own.stabilities) else ():
        text += f' <span class="note">{esc(row["text"])}.</span>' if "UNSTABLE" in row["text"] else ""
    return text


def teardown(own, mark):
    """What the last drop costs with the most borrowers."""
    sheet = next((sheet for sheet, x in teardown_sheets(own) if x == "borrowers"), None)
    rows = _most(sheet.windows, "borrowers") if sheet else ()
    parts = []
    for scheme in (REFERENCE, *RIVALS) if len(rows) else ():
        here = rows[rows["scheme"] == scheme]
        number = _number(here, "drop_p50", "drop_ns_p50", mark, text=in_time) if len(here) else None
        if not number:
            continue
        ipis = _number(here, "ipis", "ipis_useful_per_teardown+ipis_useless_per_teardown", mark)
        parts.append(f"{number} under {esc(scheme)}" + (f" ({ipis} IPIs)" if ipis else ""))
    if not parts:
        return ""
    count = int(rows["borrowers"].iloc[0])
    return f"Freeing an address space that {count} other CPU{'s borrow' if count != 1 else ' borrows'} takes {_listed(parts)}."


def mix(own, mark):
    """From which rate of exits on counting costs less, on the most CPUs; of one way to interrupt after the other."""
    said = []
    for sheet in mix_sheets(own):
        if (value_of(sheet.windows, "think_cycles").fillna(0) > 0).any():
            # With work between the switches the figures say it.
            continue
        most = sheet.windows["cpus"].max()
        transport = _listed(sorted({str(value) for value in value_of(sheet.windows, "transport").dropna()}) or ["unknown"])
        parts, silent = [], set()
        for (first, second), points in crossings(own, sheet).items():
            rows = own.crossovers[(own.crossovers["first"] == first) & (own.crossovers["second"] == second)]
            here = [point for point in points if point.cpus == most]
            for point in here:
                entry = rows[(rows["cpus"] == most) & (rows["exits_per_million"] == point.exits)].iloc[0]
                number = figure_of(float(point.exits), "crossover_exits_per_million", "entry",
                                   f"{entry['file']}:{entry['record']}", mark, 3)  # fmt: skip
                parts.append(f"{esc(first)} and {esc(second)} cost the same at {number}{_interval(point, mark)}")
            silent.add("" if here else without_crossing(sheet, first, second, most))
            if not here:
                parts.append(f"{esc(first)} and {esc(second)}: {esc(without_crossing(sheet, first, second, most))}")
        if len(silent) == 1 and "" not in silent and len(parts) > 1:
            parts = [esc(*silent)] if not next(iter(silent)).startswith("none") else parts
        if parts:
            said.append(f"On {most} CPU{'s' if most > 1 else ''}, IPIs by {esc(transport)}: {'; '.join(parts)}.")
    return "Exits per million switches. " + " ".join(said) if said else ""


def _interval(point, mark):
    low, high = point.low == point.low, point.high == point.high
    if low and high:
        return f" (between {mark}{scaled(point.low, 3)} and {mark}{scaled(point.high, 3)})"
    return f" (at most {mark}{scaled(point.high, 3)})" if high else f" (at least {mark}{scaled(point.low, 3)})" if low else ""


def ipi(own, mark):
    """What it takes to call all others."""
    sheet = next(iter(ipi_sheets(own)), None)
    rows = _most(sheet.windows, "targets") if sheet else ()
    parts = []
    for transport, here in rows.groupby("scheme") if len(rows) else ():
        number = _number(here, "round_p50", "round_trip_ns_p50", mark, text=in_time)
        if number:
            parts.append(f"{number} by {esc(transport)}")
    if not parts:
        return ""
    count = int(rows["targets"].iloc[0])
    return f"To interrupt {count} other CPU{'s' if count != 1 else ''} and wait for the answer takes {_listed(parts)}."


def latency(own, mark):
    """How long one switch in a hundred takes."""
    sheet = next(iter(latency_sheets(own)), None)
    rows = _most(sheet.windows) if sheet else ()
    parts = []
    for scheme in (REFERENCE, *RIVALS) if len(rows) else ():
        here = rows[rows["scheme"] == scheme]
        number = _number(here, "latency_p99", "latency_ns_p99", mark, text=in_time) if len(here) else None
        if number:
            parts.append(f"{number} under {esc(scheme)}")
    return f"One switch in a hundred takes longer than {_listed(parts)}, the clock's reading included." if parts else ""


def host(own, mark):
    """The running kernel's own switch, and the way through idle."""
    hosts = own.hosts
    rows = _most(hosts[hosts["question"] == "switch"]) if len(hosts) else hosts
    parts = []
    for scheme, of in rows.groupby("scheme") if len(rows) else ():
        number = _number(of, "cost", "ns_per_switch", mark, text=in_time)
        if number:
            parts.append(f"{number} by {esc(scheme)}")
    return f"A context switch of the running kernel takes {_listed(parts)}." if parts else ""


def replay(own, mark):
    """What a trace's refcount operations and IPIs would have been, what share of its CPUs' time that takes, and what the
    others take of it."""
    said = []
    table = own.replays
    for trace, rows in table.groupby("trace", sort=False) if len(table) else ():
        counted = rows[rows["scheme"] == REFERENCE]
        if not len(counted) or counted[["ops", "sent"]].isna().any().any():
            continue
        text = f"{esc(trace)}: {int(counted['ops'].iloc[0]):,} atomic operations on mm_count and {int(counted['sent'].iloc[0]):,} IPIs under {REFERENCE}"
        if counted["share"].notna().any():
            text += f", whose switches, forks, execs and exits take {mark}{plain(100 * counted['share'].max(), 2)}&nbsp;% of its CPUs' time at most"
        others = [
            f"{ratio(found[0], mark)} to {ratio(found[1], mark)} times that under {esc(name)}" if found[1] > 1.005 * found[0]
            else f"{ratio(found[0], mark)} times that under {esc(name)}"
            for name in RIVALS if name in set(rows["scheme"]) and (found := band(rows, name))
        ]  # fmt: skip
        said.append("; ".join([text, *others]) + ".")
    return " ".join(dict.fromkeys(said))


def fits(own, mark):
    """How far adding CPUs pays, by the law that each scheme's points bear out."""
    sheet, parts = main_sheet(own), []
    for _, curves in fitted(own, panels(sheet.windows)[:1]) if sheet else ():
        parts += _laws(curves, mark)
    return "; ".join(parts) + "." if parts else ""


def _laws(curves, mark):
    parts = []
    for curve in curves:
        most = curve.scaling.points[-1][0] if curve.scaling.points else 0
        fit = curve.scaling.fits.get(curve.scaling.best)
        if fit is None:
            continue
        if fit.error > POOR:
            said = "follows no law well"
        elif math.isinf(fit.knee) or fit.knee > most:
            said = f"has no knee up to {most:g} CPUs"
        else:
            said = f"gains nothing more from {mark}{cpus_text(fit.knee, most)} CPUs on"
        parts.append(f"{esc(curve.series.scheme)} {said}")
    return parts
