# SPDX-License-Identifier: MIT
"""Which scheme is cheapest at how many CPUs and exits, as far as the windows tell, and where that changes."""

import math
from dataclasses import dataclass

from grouping.curves import sheets
from records import conditions


@dataclass(frozen=True)
class Cell:
    """What was measured at so many CPUs and exits per million.

    leaders: the scheme of the least median, and behind it those of which it is not known whether they cost more.
        Empty if no window was valid.
    """

    cpus: int
    exits: float
    leaders: tuple

    @property
    def decided(self):
        """Whether one scheme is the cheapest."""
        return len(self.leaders) == 1


@dataclass(frozen=True)
class Crossing:
    """Where two schemes cost the same at a number of CPUs; low to high is the interval of it, NaN if there is none."""

    cpus: int
    exits: float
    low: float
    high: float


def mix_sheets(records):
    """Returns the Sheets of the family mix, each of one machine: which scheme is cheapest is a question about one."""
    table = records.mixes
    if not len(table):
        return []
    return [
        sheet
        for source in sorted(table["source"].unique())
        for sheet in sheets("mix", table[table["source"] == source], ["sharing", "placement"])
    ]


def cells(curves_by_cpus):
    """Returns the Cells of {CPU count: Curves of the column cost along exits}."""
    found = []
    for cpus, curves in curves_by_cpus.items():
        for exits in sorted({spot.x for curve in curves for spot in curve.spots}):
            here = {curve.scheme: curve.at(exits).values["cost"] for curve in curves if curve.at(exits)}
            found.append(Cell(cpus, exits, leaders(here)))
    return found


def leaders(costs):
    """Returns Cell.leaders of {scheme: Estimate, or None if no window was valid}.

    Two schemes are told apart if their intervals do not touch. A single window has no interval, and none at all says
    nothing: such schemes cannot be ruled out.
    """
    known = sorted((cost.median, scheme) for scheme, cost in costs.items() if cost)
    if not known:
        return ()
    first = known[0][1]
    best = costs[first]
    others = [scheme for _, scheme in known[1:]] + sorted(scheme for scheme, cost in costs.items() if not cost)
    return (first, *(scheme for scheme in others if not _dearer(costs[scheme], best)))


def _dearer(cost, best):
    return cost is not None and min(cost.count, best.count) > 1 and cost.low > best.high


def crossings(records, sheet):
    """Returns {(first, second): list of Crossings by rising CPUs} of the pairs recorded for a Sheet of one machine; a
    pair that costs the same nowhere has an empty list."""
    table = records.crossovers
    found = {}
    if not len(table):
        return found
    # An entry does not say under which conditions it was measured; the windows that it was drawn from do.
    table = table[table["file"].isin(sheet.windows["file"].unique())]
    for _, row in table.sort_values("cpus", kind="stable").iterrows():
        if any(row[name] != value for name, value in sheet.identity.items()):
            continue
        # Before both transports were measured in one campaign an entry did not name its own.
        if row["transport"] is not None and row["transport"] not in set(conditions.value_of(sheet.windows, "transport")):
            continue
        points = found.setdefault((row["first"], row["second"]), [])
        if not math.isnan(row["exits_per_million"]):
            points.append(Crossing(row["cpus"], row["exits_per_million"], row["low"], row["high"]))
    return found


def without_crossing(sheet, first, second, cpus=None):
    """Why a pair of schemes has no crossing in a Sheet, in words; of all CPU counts, or of one."""
    windows = sheet.windows[sheet.windows["valid"]]
    windows = windows if cpus is None else windows[windows["cpus"] == cpus]
    costs = windows.groupby(["scheme", "cpus", "exits"])["cost"].median().unstack("scheme")
    both = costs[[first, second]].dropna() if {first, second} <= set(costs.columns) else costs[:0]
    swept = both.index.get_level_values("exits") if len(both) else ()
    if len(set(swept)) < 2:
        return "too few valid windows to tell"
    dearer = both[first] > both[second]
    between = f"from {min(swept):g} to {max(swept):g} exits"
    if dearer.all() or not dearer.any():
        return f"none: {second if dearer.all() else first} costs less {between}"
    return f"somewhere {between}, but too few windows to place it"


def telling(crossings_by_pair, found):
    """Of crossings() those that bear on the answer, given the Cells: where to the left and to the right one of the pair
    leads, or may lead. Elsewhere a third scheme is cheaper than both."""
    kept = {}
    for pair, points in crossings_by_pair.items():
        here = [point for point in points if _on_the_border(pair, point, found)]
        if here:
            kept[pair] = here
    return kept


def _on_the_border(pair, point, found):
    row = sorted((cell.exits, cell.leaders) for cell in found if cell.cpus == point.cpus)
    below = [leaders for exits, leaders in row if exits <= point.exits][-1:]
    above = [leaders for exits, leaders in row if exits > point.exits][:1]
    return all(set(pair) & set(leaders) for leaders in below + above)
