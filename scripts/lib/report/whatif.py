# SPDX-License-Identifier: MIT
"""The section that answers for numbers of the reader's own: CPUs, exits per second, work between two switches.

What was measured is a time per switch at some numbers of CPUs, rates of exits and, perhaps, amounts of work. Between and
beyond those amounts nothing is fitted. Two things hold of any scheme: with more work between its switches a CPU does not
switch more often, and the work takes no longer than itself. So the time of a switch, work included, is between bounds,
which meet where something was measured; assets/whatif.js has the same arithmetic.
"""

import math

from grouping.series import REFERENCE
from records.conditions import PREFIX
from report.markup import esc, table
from stats.estimate import estimate
from wording.text import SIMULATED, plain

RIVAL = "shootdown"
# Columns of the heat map: ns of work between two switches.
WORK = (0, 30, 100, 300, 1000, 3000, 10000, 30000, 100000)
THINK = PREFIX + "think_cycles"
# A factor below that is worth no change of scheme.
SMALL = 1.1
# Beyond so many no row is readable.
MOST_ROWS = 16


def whatif(records):
    """Returns ([(id, data for the script), ...], sentences that answer, the section as HTML); all empty where nothing can
    be answered."""
    found, said, parts = [], [], []
    for index, source in enumerate(records.sources):
        surface = _surface(records.of(index))
        if surface is None:
            continue
        if not _rows(surface):
            said.append(esc(source.head) + "On no number of CPUs have both schemes a valid window.")
            parts.append('<p class="soft">Nothing to ask of it.</p>')
            continue
        mark = SIMULATED if source.machine.simulated else ""
        ident = f"whatif-{index + 1}"
        data = {"kind": "whatif", "mark": mark, "work": WORK, "rows": _rows(surface), "reference": REFERENCE, "rival": RIVAL,
                "surface": surface}  # fmt: skip
        found.append((ident, data))
        said.append(esc(source.head) + _answer(surface, mark))
        parts.append(_html(ident, mark, surface, source.machine.host))
    return found, " ".join(said), "".join(parts)


def _surface(own):
    """{"exits": [...], "cpus": [...], "points": [{"work": ns, "cost": {scheme: {cpus: [ns at each exits]}}}, ...]}, points
    by rising work, the first with none; or None."""
    found = None
    # What was swept over exits or, where that has no answer, switches without any.
    for windows in (_kept(own.mixes), _kept(_without_exits(own))):
        surface = _surface_of(windows) if windows is not None else None
        if surface is not None and _rows(surface):
            return surface
        found = found or surface
    return found


def _surface_of(windows):
    exits = sorted(windows["exits"].unique())
    points = []
    for think, part in windows.groupby(windows[THINK].fillna(0) if THINK in windows else windows["exits"] * 0):
        points.append((think, _costs(part, exits)))
    points.sort(key=lambda point: point[0])
    if not points or points[0][0] != 0 or not {REFERENCE, RIVAL} <= set(points[0][1]):
        return None
    none = points[0][1]
    found = [{"work": 0.0, "cost": none}]
    for _, cost in points[1:]:
        work = _work(none, cost)
        if work and work > found[-1]["work"]:
            found.append({"work": work, "cost": cost})
    cpus = sorted({int(count) for of in none.values() for count in of})
    return {"exits": [float(value) for value in exits], "cpus": cpus, "points": found}


def _without_exits(own):
    """The switches that only go idle, as windows of a mix without exits."""
    if not len(own.switches):
        return own.switches
    table = own.switches[own.switches["workload"] == "idle"]
    # As the claim has them, so that both say the same.
    return table.assign(exits=0.0, cost=1e9 * table["cpus"] / table["rate"])


def _kept(table):
    """Those valid windows that may stand beside each other; None where there are none."""
    if not len(table):
        return None
    for column, first in (("sharing", "all"), ("placement", "compact")):
        if first in set(table[column]):
            table = table[table[column] == first]
    # Of a condition that was varied the value with most windows; of the transports that of the kernel's own IPIs.
    for column in [name for name in table.columns if name.startswith(PREFIX) and name != THINK]:
        counts = table[column].value_counts(dropna=False)
        if len(counts) > 1 and table.groupby("scheme")[column].nunique(dropna=False).max() > 1:
            kept = counts.index[0]
            table = table[table[column].isna() if kept != kept else table[column] == kept]
    table = table[table["valid"] & table["cost"].notna()]
    return table if len(table) else None


def _costs(windows, exits):
    cost = {}
    for (scheme, cpus), part in windows.groupby(["scheme", "cpus"]):
        medians = {value: float(estimate(of["cost"].tolist()).median) for value, of in part.groupby("exits")}
        cost.setdefault(str(scheme), {})[str(int(cpus))] = [medians.get(value) for value in exits]
    return cost


def _work(none, cost):
    """How long the work of a point is: what it adds to a switch of a CPU on its own, in ns."""
    added = [
        row[0] - none[scheme]["1"][0]
        for scheme, of in cost.items()
        if (row := of.get("1")) and row[0] is not None and none.get(scheme, {}).get("1", [None])[0] is not None
    ]
    return min(added) if added else None


def _rows(surface):
    counts = [cpus for cpus in surface["cpus"] if _known(surface, REFERENCE, cpus) and _known(surface, RIVAL, cpus)]
    return counts if len(counts) <= MOST_ROWS else [*counts[:: -(-len(counts) // MOST_ROWS)], counts[-1]]


def _known(surface, scheme, cpus):
    row = surface["points"][0]["cost"][scheme].get(str(cpus))
    return row is not None and row[0] is not None


def _at(surface, point, scheme, cpus, exits):
    """The time of a switch at a point with so many exits per million: between two that were measured, linear."""
    row = point["cost"].get(scheme, {}).get(str(cpus))
    if row is None:
        return None
    known = [(x, y) for x, y in zip(surface["exits"], row) if y is not None]
    if not known or exits > known[-1][0] or exits < known[0][0]:
        return None
    for (x1, y1), (x2, y2) in zip(known, known[1:]):
        if exits <= x2:
            return y1 + (y2 - y1) * (exits - x1) / (x2 - x1)
    return known[-1][1]


def bounds(surface, scheme, cpus, work, exits):
    """(least, most) ns from switch to switch with so much work between them and so many exits per million switches; None
    where that is outside of what was measured."""
    least, most = 0.0, math.inf
    for point in surface["points"]:
        time = _at(surface, point, scheme, cpus, exits)
        if time is None:
            continue
        if point["work"] <= work:
            least, most = max(least, time), min(most, time + work - point["work"])
        else:
            least = max(least, time - (point["work"] - work))
    alone = _at(surface, surface["points"][0], scheme, 1, exits)
    # Others on the machine make a switch no cheaper than it is alone.
    if alone is not None:
        least = max(least, alone + work)
    return (min(least, most), most) if most < math.inf else None


def factor(surface, cpus, work, exits=0.0):
    """(least, most) times the switches of the reference that the rival makes, or None."""
    one, other = (bounds(surface, scheme, cpus, work, exits) for scheme in (REFERENCE, RIVAL))
    return (one[0] / other[1], one[1] / other[0]) if one and other else None


def worded(pair, mark):
    """A factor with its bounds; one number where they are as good as one."""
    if pair is None:
        return "–"
    low, high = pair
    if high / low < 1.02:
        return f"{mark}{plain(math.sqrt(low * high), 3)}"
    low, high = plain(low, 2), plain(high, 2)
    return f"{mark}{low} to {high}" if low != high else mark + low


def _answer(surface, mark):
    """From which amount of work between its switches on the choice no longer matters."""
    rows = _rows(surface)
    cpus, least = rows[-1], surface["exits"][0]
    pairs = [(work, pair) for work in WORK if (pair := factor(surface, cpus, work, least))]
    alike = next((work for work, (low, high) in pairs if max(high, 1 / low) < SMALL), None)
    on = f"On {cpus} CPU{'s' if cpus > 1 else ''}"
    if alike == 0:
        return f"{on} the two are within {100 * (SMALL - 1):.0f}&nbsp;% of each other whatever the work between two switches."
    if alike is not None:
        return f"{on} the two are within {100 * (SMALL - 1):.0f}&nbsp;% of each other once a CPU works {duration(alike)} between two switches."
    work, pair = pairs[-1]
    return f"{on}, with {duration(work)} of work between two switches, {RIVAL} makes {worded(pair, mark)} times the switches of {REFERENCE}."


def _heat(pair):
    """The cell's look: which of the two wins, and how much of its colour, in percent."""
    if pair is None:
        return "", 0
    middle = math.log2(math.sqrt(pair[0] * pair[1]))
    side = "undecided" if pair[0] <= 1 <= pair[1] else "rival" if middle > 0 else "reference"
    return side, min(8 + 22 * abs(middle), 85)


def duration(ns):
    """1500 is "1.5 µs"."""
    return f"{ns / 1000:g} µs" if ns >= 1000 else f"{ns:g} ns"


def _html(ident, mark, surface, host):
    rows = []
    least = surface["exits"][0]
    for cpus in _rows(surface):
        cells = [str(cpus)]
        for work in WORK:
            pair = factor(surface, cpus, work, least)
            side, heat = _heat(pair)
            cells.append(f'<span class="whatif-cell {side}" style="--heat:{heat:.0f}%">{worded(pair, mark)}</span>')
        rows.append(("", cells))
    heads = ["CPUs", *(duration(work) for work in WORK)]
    title = f"{mark and 'SIMULATED: '}{RIVAL} against {REFERENCE}, on {host}"
    grid = table(f"{ident}: times the switches of {REFERENCE} that {RIVAL} makes, by CPUs and work between switches", heads, rows)
    return (
        f'<figure class="chart whatif keep" id="{ident}"><figcaption>{esc(title)}<span class="sub">'
        f"How many times the switches of {REFERENCE} {RIVAL} makes; across: the work between two switches of a CPU. "
        f"Where nothing was measured with so much work, two numbers hold it: with more work no CPU switches more often, and "
        f"the work takes no longer than itself.</span></figcaption>"
        f'<div class="controls" hidden></div><p class="says" role="status" hidden></p>{grid}</figure>\n'
    )
