# SPDX-License-Identifier: MIT
"""Holds a simulation against the measurement of the same cases: which points both have, and how far the prediction is
off at each."""

import statistics
from dataclasses import dataclass

import pandas

from records import conditions
from records.reading import RecordError
from grouping.series import UNREMARKABLE, describe, words
from stats.estimate import Estimate, estimate
from wording.text import SIMULATED, plain

# What measuring and simulating cannot have in common: IPIs are made with what user space has or by the model, windows
# are of real or virtual time, and only real ones have their switches sampled.
WORLDLY = ("transport", "window_ns", "warm_ns", "latency_one_in", "machine")
KEY = ("family", "workload", "sharing", "placement")
ROW = "{:<28} {:>5} {:>10} {:>20} {:>10} {:>8}"
LEGEND = (
    "ns on each CPU per switch (floors: per pair); measured: median of the valid windows, with its interval;",
    "~simulated: the model's prediction, where the case was simulated several times their median. error: simulated /",
    "measured - 1. *: within the interval.",
)


@dataclass(frozen=True)
class Pair:
    """One scheme (of a floor, the loop) at one CPU count, in ns; simulated is a median."""

    scheme: str
    cpus: int
    measured: Estimate
    simulated: float

    @property
    def error(self):
        """By what part of the measured time the simulated one is above it."""
        return self.simulated / self.measured.median - 1

    @property
    def within(self):
        """Whether the measurement cannot tell the two apart."""
        return self.measured.low <= self.simulated <= self.measured.high


@dataclass(frozen=True)
class Overlay:
    """What one figure shows: cases that differ in scheme and CPUs only. name: which; conditions: in words."""

    family: str
    name: str
    stem: str
    conditions: str
    pairs: tuple

    @property
    def errors(self):
        """The sizes of all errors."""
        return [abs(pair.error) for pair in self.pairs]


def overlays(records):
    """Returns (Overlays, what could not be laid over each other, in lines) of Records of one machine measured and one
    simulated; raises RecordError for any other Records, and where the two share no case."""
    worlds = {True: [], False: []}
    for index, source in enumerate(records.sources):
        worlds[source.machine.simulated].append(index)
    for simulated, what in ((False, "measured"), (True, "simulated")):
        if len(worlds[simulated]) != 1:
            files = [", ".join(records.sources[index].files) for index in worlds[simulated]]
            raise RecordError(
                f"--overlay takes the records of one machine {what}, and {len(files)} "
                f"{'is' if len(files) == 1 else 'are'} given" + (f": {'; '.join(files)}" if files else "")
            )
    table = _rows(records)
    table["simulated"] = table["source"] == worlds[True][0]
    found, left_out = {}, []
    shared = conditions.names(table, WORLDLY)
    columns = [conditions.PREFIX + name for name in shared]
    # What only a simulation can have, and has not, a measurement says nothing of.
    for name, (unsaid, *_) in UNREMARKABLE.items():
        if name in shared:
            column = table[conditions.PREFIX + name]
            table[conditions.PREFIX + name] = column.where(column.notna(), unsaid)
    # A floor's record has no such conditions: text, so that nothing and nothing are the same.
    table["conditions"] = [tuple(str(value) for value in row) for row in table[columns].itertuples(index=False)]
    for key, group in table.groupby([*KEY, "scheme", "cpus"], sort=False):
        family, workload, sharing, placement, scheme, cpus = key
        case = " ".join(filter(None, (family, workload, scheme, sharing, placement, _cpus(cpus))))
        worlds_of = {bool(one): part for one, part in group.groupby("simulated")}
        if len(worlds_of) < 2:
            left_out.append(f"{case}: only {'simulated' if True in worlds_of else 'measured'}")
            continue
        both = set(worlds_of[False]["conditions"]) & set(worlds_of[True]["conditions"])
        if not both:
            differ = _difference(shared, *(worlds_of[one] for one in (False, True)))
            left_out.append(f"{case}: other conditions: {differ}")
        for same in sorted(both):
            parts = {simulated: part[part["conditions"] == same] for simulated, part in worlds_of.items()}
            several = [f"{what} under {mixed}" for simulated, what in ((False, "measured"), (True, "simulated"))
                       if (mixed := _several(parts[simulated]))]  # fmt: skip
            if several:
                left_out.append(f"{case}: {', '.join(several)}")
                continue
            costs = {}
            for simulated, part in parts.items():
                costs[simulated] = estimate(part.loc[part["valid"].astype(bool), "cost"].astype(float))
            if not costs[False] or not costs[True]:
                left_out.append(f"{case}: no valid window {'measured' if not costs[False] else 'simulated'}")
                continue
            pair = Pair(scheme, int(cpus), costs[False], costs[True].median)
            found.setdefault((*key[: len(KEY)], same), []).append(pair)
    if not found:
        raise RecordError(f"nothing to lay over each other: {left_out[0] if left_out else 'no switches, no floors'}")
    return [_overlay(key, pairs, list(found), shared) for key, pairs in found.items()], left_out


def render(records, found, left_out):
    """The table of overlays(); it ends with a newline."""
    lines = []
    for source in sorted(records.sources, key=lambda one: one.machine.simulated):
        how = "SIMULATED" if source.machine.simulated else "measured"
        lines.append(f"{how}: {source.machine.cpu_model}, host {source.machine.host} ({', '.join(source.files)})")
    for overlay in found:
        lines += ["", f"{overlay.name}; {overlay.conditions}" if overlay.conditions else overlay.name, ""]
        lines.append(ROW.format("", "CPUs", "measured", "interval", "simulated", "error").rstrip())
        for pair in overlay.pairs:
            measured = pair.measured
            interval = f"{plain(measured.low)} .. {plain(measured.high)}" if measured.count > 1 else "-"
            error = f"{percent(pair.error)}{'*' if pair.within and measured.count > 1 else ' '}"
            simulated = SIMULATED + plain(pair.simulated)
            row = ROW.format(pair.scheme, pair.cpus, plain(measured.median), interval, simulated, error)
            lines.append(row.rstrip())
        lines.append(summary(overlay))
    if left_out:
        lines += ["", "left out:"] + [f"  {line}" for line in left_out]
    return "\n".join(lines + ["", *LEGEND]) + "\n"


def summary(overlay):
    """The errors of an Overlay in one sentence."""
    worst = max(overlay.pairs, key=lambda pair: abs(pair.error))
    return (
        f"{len(overlay.pairs)} point{'s' if len(overlay.pairs) > 1 else ''}: median absolute error "
        f"{100 * statistics.median(overlay.errors):.1f} %, worst {percent(worst.error)} "
        f"({worst.scheme}, {_cpus(worst.cpus)})."
    )


def percent(error):
    """An error for people: "+17 %"."""
    return f"{100 * error:+.0f} %"


def _cpus(count):
    return f"{count} CPU" if count == 1 else f"{count} CPUs"


def _rows(records):
    """The windows of switches and floors in one table: KEY, scheme, cpus, conditions, cost, valid, source."""
    rows = []
    for family, table in (("switch", records.switches), ("floor", records.floors)):
        if not len(table):
            continue
        rows += table.assign(family=family).to_dict("records")
    if not rows:
        raise RecordError("nothing to lay over each other: no switches, no floors")
    # As objects, or a column that floors lack would make numbers of what is true or false.
    together = pandas.DataFrame(rows, dtype=object)
    for name in set(KEY) - set(together.columns):
        together[name] = ""
    together[list(KEY)] = together[list(KEY)].fillna("")
    return together


def _several(windows):
    """The first condition of its world that windows of one case have several values of, with these; or ""."""
    for name in conditions.names(windows):
        found = sorted(set(map(str, conditions.value_of(windows, name))))
        if len(found) > 1:
            return f"{name} {' and '.join(found)}"
    return ""


def _difference(shared, measured, simulated):
    """The first of some conditions that two tables have no value of in common, with one of each."""
    for name in shared:
        one, other = (set(map(str, table[conditions.PREFIX + name])) for table in (measured, simulated))
        if not one & other:
            return f"{name} {sorted(one)[0]} measured, {sorted(other)[0]} simulated"
    return "in their combination"


def _overlay(key, pairs, all_keys, shared):
    """The Overlay of some Pairs; where others differ in conditions only, these are in its name."""
    *place, under = key
    family, workload, sharing, placement = place
    named = {"workload": workload, "sharing": sharing, "placement": placement}
    name = ", ".join([f"family {family}"] + [words(what, value) for what, value in named.items() if value])
    same = [other for *others, other in all_keys if others == place]
    told = [
        describe(condition, _number(value))
        for condition, value in zip(shared, under)
        if value not in ("nan", "None", "off", "False") and value not in map(str, UNREMARKABLE.get(condition, ()))
    ]
    stem = "-".join(filter(None, ["overlay", *place]))
    if len(same) > 1:
        stem += f"-{same.index(under) + 1}"
    return Overlay(family, name, stem, ", ".join(told), tuple(sorted(pairs, key=lambda one: (one.scheme, one.cpus))))


def _number(text):
    """A number that was made text, or the text."""
    try:
        return float(text)
    except ValueError:
        return text
