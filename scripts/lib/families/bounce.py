# SPDX-License-Identifier: MIT
"""The family bounce: who took a contended line from whom."""

import re

from families.family import Family
from records.conditions import of_entry
from records.window import DISTANCES, identity, number, per_cpu, validity

NAME = re.compile(r"bounce/(?P<scheme>[^/]+)/(?:[^/]+/[^/]+/)?(?P<placement>[^/]+)/cpus:(?P<cpus>\d+)")
RESULTS = frozenset({"bounce"})
# What is exchanged without any scheme.
EXCHANGE = "exchange"
# From fine to coarse.
LEVELS = ("pu", "core", "llc", "die", "numa", "package")


def _row(benchmark, ours):
    """A window of the family bounce: its row of Records.bounces, without the source. levels: the matrices as recorded,
    from fine to coarse."""
    row = identity(NAME, benchmark["name"], ours, ("scheme", "placement", "cpus"))
    row |= of_entry(ours, RESULTS)
    row["levels"] = [_level(level) for level in (ours.get("bounce") or {}).get("levels", ())]
    row["per_cpu"] = per_cpu(ours)
    row["workload"], row["sharing"] = ours.get("workload", ""), ours.get("sharing", "")
    row["line"] = (ours.get("bounce") or {}).get("line", "")
    for column, counter in (("rate", "exchanges_per_second"), ("exchanges", "exchanges"), ("transfers", "transfers"),
                            ("transfer_share", "transfer_share"), ("run_length", "run_length"),
                            ("fairness", "fairness")):  # fmt: skip
        row[column] = number(benchmark.get(counter))
    row["cost"] = 1e9 / row["rate"] if row["rate"] > 0 else row["rate"]
    for name in DISTANCES:
        row[f"share_{name}"] = number(benchmark.get(f"share_{name}"))
        row[f"wait_{name}"] = number(benchmark.get(f"wait_ns_{name}"))
    # A scheme whose lines never change hands has a rate of 0, and that is what there is to say of it.
    return row | validity(benchmark, ours, 1.0 if row["exchanges"] == 0 else row["rate"])


def _level(level):
    size = len(level["ids"])
    if level["level"] not in LEVELS or len(level["taken"]) != size or any(len(row) != size for row in level["taken"]):
        raise ValueError(f"bounce: level {level['level']} is not {size} x {size}")
    return level


def main_bounces(own):
    """The valid windows of one machine on the most CPUs that have a matrix, or None: of the exchanges, or of the first
    scheme whose line changed hands."""
    table = own.bounces
    if not len(table):
        return None
    table = table[table["valid"] & (table["levels"].map(len) > 0) & (table["transfers"] > 0)]
    if not len(table):
        return None
    first = table.iloc[0] if EXCHANGE not in set(table["scheme"]) else table[table["scheme"] == EXCHANGE].iloc[0]
    for column in ("scheme", "workload", "sharing"):
        table = table[table[column] == first[column]]
    table = table[table["cpus"] == table["cpus"].max()] if len(table) else table
    return table[table["placement"] == table["placement"].iloc[0]] if len(table) else None


def line_of(windows):
    """Which line the windows of a main_bounces() are of, in words."""
    scheme = windows["scheme"].iloc[0]
    if scheme == EXCHANGE:
        return "one contended line"
    line = windows["line"].iloc[0]
    return f"{scheme}'s line" + (f" ({line})" if line else "")


def folded(windows, finest):
    """Returns (level, ids, taken[to][from] summed over the windows) at the finest or the coarsest level recorded."""
    levels = windows["levels"].iloc[0]
    which = levels[0 if finest else -1]
    ids = which["ids"]
    size = range(len(ids))
    same = [level for of in windows["levels"] for level in of if level["level"] == which["level"] and level["ids"] == ids]
    taken = tuple(tuple(sum(level["taken"][to][of] for level in same) for of in size) for to in size)
    return which["level"], tuple(ids), taken


FAMILY = Family(name="bounce", figure="", table="bounces", row=_row, results=RESULTS)
