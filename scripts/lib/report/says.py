# SPDX-License-Identifier: MIT
"""The sentence with which each section answers its question. All take the rows of one machine and a mark that simulated
numbers have, and return HTML; "" where nothing can be said."""

from grouping.crossover import crossings, mix_sheets
from records.window import DISTANCES
from figures.line import line_sheets
from records.conditions import value_of
from report.answer import times
from report.markup import esc, figure_of, windows_of
from grouping.series import REFERENCE
from stats.estimate import estimate
from wording.text import plain

RIVALS = ("shootdown", "hazptr")


def each(records, say, mark_of):
    """What a sentence says of every machine, each named if there are several."""
    said = []
    for index, source in enumerate(records.sources):
        text = say(records.of(index), mark_of(source))
        if text:
            said.append((f"[{index + 1}] " if len(records.sources) > 1 else "") + text)
    return " ".join(said)


def _number(windows, column, counter, mark, digits=3):
    known = windows[windows[column].notna()]
    value = estimate(known[column].tolist())
    return figure_of(float(value.median), counter, windows=windows_of(known), mark=mark, digits=digits) if value else None


def scaling(own, mark):
    """Each scheme against the reference on the most CPUs, workload idle if it was measured."""
    table = own.switches
    if not len(table):
        return ""
    for column, first in (("workload", "idle"), ("sharing", "all"), ("placement", "compact")):
        table = table[table[column] == (first if first in set(table[column]) else table[column].iloc[0])]
    table = table[(table["cpus"] == table["cpus"].max()) & table["valid"]]
    medians = table.groupby("scheme")["rate"].median()
    if REFERENCE not in medians or len(medians) < 2:
        return ""
    factors = (medians / medians[REFERENCE]).drop(REFERENCE).sort_values(ascending=False)
    cpus = table["cpus"].iloc[0]
    listed = ", ".join(f"{esc(name)} {times(value, mark)}" for name, value in factors.items())
    return f"Times {REFERENCE}'s rate on {cpus} CPU{'s' if cpus > 1 else ''} (workload {esc(table['workload'].iloc[0])}): {listed}."


def line(own, mark):
    """What the line's way costs, from the nearest to the farthest."""
    parts = []
    for sheet in line_sheets(own)[:1]:
        rows = sheet.windows[sheet.windows["valid"]]
        for name in DISTANCES:
            number = _number(rows, f"one_way_{name}", f"one_way_ns_{name}", mark) if len(rows) else None
            if number:
                parts.append(f"{number} ns to {name.replace('_', ' ')}")
    text = f"A cache line that one other CPU wrote takes {', '.join(parts)}, one way." if parts else ""
    for _, row in own.stabilities.iterrows() if len(own.stabilities) else ():
        text += f' <span class="note">{esc(row["text"])}.</span>' if "UNSTABLE" in row["text"] else ""
    return text


def teardown(own, mark):
    """What the last drop costs with the most borrowers."""
    table = own.teardowns
    if not len(table):
        return ""
    table = table[table["valid"] & (table["mask_only"] == 0)]
    if not len(table):
        return ""
    table = table[(table["cpus"] == table["cpus"].max())]
    table = table[table["borrowers"] == table["borrowers"].max()]
    parts = []
    for scheme in (REFERENCE, *RIVALS):
        rows = table[table["scheme"] == scheme]
        number = _number(rows, "drop_p50", "drop_ns_p50", mark) if len(rows) else None
        if not number:
            continue
        ipis = _number(rows, "ipis", "ipis_useful_per_teardown+ipis_useless_per_teardown", mark)
        parts.append(f"{number} ns under {esc(scheme)}" + (f" ({ipis} IPIs)" if ipis else ""))
    count = int(table["borrowers"].iloc[0])
    return f"Freeing an address space that {count} other CPU{'s borrow' if count != 1 else ' borrows'} takes {', '.join(parts)}." if parts else ""


def mix(own, mark):
    """From which rate of exits on counting costs less."""
    said = []
    for sheet in mix_sheets(own):
        transport = ", ".join(sorted({str(value) for value in value_of(sheet.windows, "transport").dropna()}))
        by = f" (IPIs by {esc(transport)})" if transport else ""
        for (first, second), points in crossings(own, sheet).items():
            rows = own.crossovers[(own.crossovers["first"] == first) & (own.crossovers["second"] == second)]
            most = rows["cpus"].max()
            here = [point for point in points if point.cpus == most]
            for point in here:
                entry = rows[(rows["cpus"] == most) & (rows["exits_per_million"] == point.exits)].iloc[0]
                number = figure_of(float(point.exits), "crossover_exits_per_million", "entry",
                                   f"{entry['file']}:{entry['record']}", mark, 3)  # fmt: skip
                said.append(f"On {most} CPUs {esc(first)} and {esc(second)} cost the same at {number} thread exits per "
                            f"million switches{_interval(point)}{by}.")  # fmt: skip
            if not here:
                said.append(f"On {most} CPUs there is no exit rate at which {esc(first)} and {esc(second)} change places{by}.")
    return " ".join(said[:4])


def _interval(point):
    low, high = point.low == point.low, point.high == point.high
    if low and high:
        return f", between {plain(point.low, 3)} and {plain(point.high, 3)}"
    return f", at most {plain(point.high, 3)}" if high else f", at least {plain(point.low, 3)}" if low else ""


def ipi(own, mark):
    """What it takes to call all others."""
    table = own.ipis[own.ipis["valid"]] if len(own.ipis) else own.ipis
    if not len(table):
        return ""
    table = table[table["targets"] == table["targets"].max()]
    parts = []
    for transport, rows in table.groupby("scheme"):
        number = _number(rows, "round_p50", "round_trip_ns_p50", mark)
        if number:
            parts.append(f"{number} ns by {esc(transport)}")
    count = int(table["targets"].iloc[0])
    return f"To interrupt {count} other CPU{'s' if count != 1 else ''} and wait for the answer takes {', '.join(parts)}."


def latency(own, mark):
    """How long one switch in a hundred takes."""
    table = own.latencies[own.latencies["valid"]] if len(own.latencies) else own.latencies
    if not len(table):
        return ""
    table = table[table["cpus"] == table["cpus"].max()]
    parts = []
    for scheme in (REFERENCE, *RIVALS):
        rows = table[table["scheme"] == scheme]
        number = _number(rows, "latency_p99", "latency_ns_p99", mark) if len(rows) else None
        if number:
            parts.append(f"{number} ns under {esc(scheme)}")
    return f"One switch in a hundred takes longer than {', '.join(parts)}, the clock's reading included." if parts else ""


def host(own, mark):
    """The running kernel's own switch, and the way through idle."""
    table = own.hosts
    rows = table[(table["question"] == "switch") & table["valid"]] if len(table) else table
    if not len(rows):
        return ""
    rows = rows[rows["cpus"] == rows["cpus"].max()]
    parts = []
    for scheme, of in rows.groupby("scheme"):
        number = _number(of, "cost", "ns_per_switch", mark)
        if number:
            parts.append(f"{esc(scheme)} {number} ns")
    return f"A context switch of the running kernel takes, by how it is brought about: {'; '.join(parts)}." if parts else ""


def replay(own, _mark):
    """What a trace's refcount operations and IPIs would have been."""
    said = []
    table = own.replays
    for trace, rows in table.groupby("trace", sort=False) if len(table) else ():
        counted, shot = (rows[rows["scheme"] == name] for name in (REFERENCE, "shootdown"))
        if not len(counted) or not len(shot):
            continue
        operations = int(counted["ops"].iloc[0]) if counted["ops"].notna().any() else None
        ipis = int(shot["sent"].iloc[0]) if shot["sent"].notna().any() else None
        if operations is not None and ipis is not None:
            said.append(f"{esc(trace)}: {operations:,} atomic operations on mm_count under {REFERENCE}, {ipis:,} IPIs under shootdown instead.")
    return " ".join(dict.fromkeys(said))


def fits(own, mark):
    """Where adding CPUs stops paying is in the table; which laws were tried is told there."""
    table = own.switches
    return "" if not len(table) else "The law that the points bear out, and the CPU count from which more CPUs no longer pay."

