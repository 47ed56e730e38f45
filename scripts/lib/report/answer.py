# SPDX-License-Identifier: MIT
"""What the page says first of each machine: which scheme wins, by how much, at how many CPUs, and how far to trust it."""

import math
import re
from dataclasses import dataclass

from grouping.curves import sheets
from records.conditions import value_of
from report.markup import esc, figure_of, windows_of
from grouping.series import REFERENCE
from stats.estimate import estimate
from wording.text import SIMULATED, in_words, plain, ratio

# What of several figures the answer is about: what the project was started for, if it was measured.
FIRST = {"workload": "idle", "sharing": "all", "placement": "compact"}
# What people ask about besides the reference, most asked first; the first that was measured is in the sentence.
ASKED = ("shootdown", "hazptr")
# Below this share of valid windows the machine was too busy to be believed.
ENOUGH_VALID = 0.5
MOST_VALID = 0.8
# Ratios within so much of 1 are not worth a claim.
ALIKE = 0.03


@dataclass(frozen=True)
class Scheme:
    """A scheme in the answer: by CPU count the Estimate of switches/s and the valid windows it is of."""

    name: str
    rates: dict
    windows: dict

    def number(self, cpus, mark):
        """The rate at a CPU count, as a number of the page."""
        return figure_of(
            float(self.rates[cpus].median), "switches_per_second", windows=windows_of(self.windows[cpus]), mark=mark,
            digits=3, text=in_words,
        )  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """The first screen of one machine.

    claim: sentences as HTML. caveats: what to know before believing it, as HTML. badge: (level, word, facts), level
    one of "good", "fair", "poor". sheet: the windows it is about, or None. schemes: those of the chart.
    """

    machine: str
    claim: str
    caveats: tuple
    badge: tuple
    sheet: object
    schemes: tuple


def answer(records, index):
    """Returns the Answer for one machine of some Records."""
    source, own = records.sources[index], records.of(index)
    mark = SIMULATED if source.machine.simulated else ""
    sheet = main_sheet(own)
    schemes = _schemes(sheet) if sheet is not None else ()
    return Answer(
        machine=_machine_line(source.machine, own),
        claim=_claim(schemes, mark) if schemes else _without_switches(own),
        caveats=tuple(_caveats(source, own, sheet)),
        badge=_badge(source.machine, sheet, own),
        sheet=sheet,
        schemes=schemes,
    )


def main_sheet(own):
    """The sheet of switches that the answer is about, or None."""
    found = sheets("switch", own.switches, list(FIRST))
    # The most CPUs count most: what scales is the question.
    key = lambda sheet: (  # noqa: E731
        sheet.identity == FIRST, not value_of(sheet.windows, "think_cycles").fillna(0).any(), sheet.windows["cpus"].max(),
        len(sheet.windows),
    )  # fmt: skip
    return max(found, key=key, default=None)


def _schemes(sheet):
    windows = sheet.windows
    order = [REFERENCE, *ASKED]
    names = sorted(windows["scheme"].unique(), key=lambda name: (name not in order, order.index(name) if name in order else 0, name))
    found = []
    for name in names:
        rates, of = {}, {}
        for cpus, part in windows[(windows["scheme"] == name) & windows["valid"]].groupby("cpus"):
            value = estimate(part["rate"].dropna().tolist())
            if value:
                rates[int(cpus)], of[int(cpus)] = value, part
        if rates:
            found.append(Scheme(name, rates, of))
    return tuple(found)


def times(value, mark):
    """A factor as people say it: three digits, none of them behind a point above 100."""
    return mark + plain(value, 3) if value >= 10 else ratio(value, mark)


def _claim(schemes, mark):
    """The answer in a few sentences."""
    by_name = {scheme.name: scheme for scheme in schemes}
    reference = by_name.get(REFERENCE)
    rival = next((by_name[name] for name in ASKED if name in by_name), None)
    if rival is None:
        rival = next((scheme for scheme in schemes if scheme.name != REFERENCE), None)
    only = reference or schemes[0]
    if reference is None or rival is None:
        most = max(only.rates)
        return (
            f"On {_cpus(most)}, <b>{esc(only.name)}</b> makes {only.number(most, mark)} context switches per second; "
            "nothing was measured beside it."
        )
    shared = sorted(set(reference.rates) & set(rival.rates))
    if not shared:
        return f"{esc(REFERENCE)} and {esc(rival.name)} have no valid windows at the same CPU count."
    most = shared[-1]
    one, other = reference.rates[most], rival.rates[most]
    factor = other.median / one.median
    low, high = other.low / one.high, other.high / one.low
    uncertain = f" (between {times(low, mark)} and {times(high, mark)})" if min(one.count, other.count) > 1 else ""
    numbers = f"{rival.number(most, mark)} against {reference.number(most, mark)} per second"
    if low <= 1 <= high or abs(factor - 1) < ALIKE:
        said = (
            f"On {_cpus(most)}, <b>{esc(rival.name)}</b> and <b>{REFERENCE}</b> make as many context switches, as far as "
            f"these windows can tell: {numbers}, {times(factor, mark)} times{uncertain}."
        )
    else:
        said = (
            f"On {_cpus(most)}, <b>{esc(rival.name)}</b> makes <strong>{times(factor, mark)} times</strong>{uncertain} "
            f"the context switches of <b>{REFERENCE}</b>: {numbers}."
        )
    others = [
        f"{esc(scheme.name)} {times(scheme.rates[most].median / one.median, mark)} times"
        for scheme in schemes
        if scheme.name in ASKED and scheme is not rival and most in scheme.rates
    ]
    if others:
        said += f" {', '.join(others)}."
    return said + " " + _scaling(reference, rival, shared, mark)


def _scaling(reference, rival, shared, mark):
    """How the totals grow from the fewest CPUs to the most, and where the reference's stops."""
    least, most = shared[0], shared[-1]
    if least == most:
        return ""
    grown = {scheme.name: scheme.rates[most].median / scheme.rates[least].median for scheme in (reference, rival)}
    said = (
        f"From {_cpus(least)} to {most}, {REFERENCE}'s total {_grows(grown[REFERENCE], mark)} and "
        f"{esc(rival.name)}'s {_grows(grown[rival.name], mark)}; ideal is {most / least:g}-fold."
    )
    peak = max(reference.rates, key=lambda cpus: reference.rates[cpus].median)
    if peak not in (least, most):
        lost = reference.rates[most].median / reference.rates[peak].median
        said += (
            f" {REFERENCE} is at its best on {_cpus(peak)}; more CPUs take it down to "
            f"{mark}{plain(100 * lost, 2)}&nbsp;% of that."
        )
    return said


def _grows(factor, mark):
    if factor < 0.97:
        return f"falls to {mark}{plain(100 * factor, 2)}&nbsp;%"
    return f"grows {mark}{plain(factor, 3)}-fold" if factor > 1.03 else "stays the same"


def _cpus(count):
    return f"{count} CPU" + ("" if count == 1 else "s")


def _without_switches(own):
    if len(own.replays):
        return "Recorded traces were replayed; what each scheme would have cost stands below."
    return "How the schemes scale was not measured here."


def _machine_line(machine, own):
    packages = [
        len({entry["package"] for entry in per_cpu})
        for table in (own.switches, own.lines)
        if len(table)
        for per_cpu in table["per_cpu"]
        if isinstance(per_cpu, list)
    ]
    parts = [machine.cpu_model]
    if machine.cpus != "unknown":
        parts.append(_cpus(int(machine.cpus)) if machine.cpus.isdigit() else f"{machine.cpus} CPUs")
    if packages and max(packages) > 1:
        parts.append(f"{max(packages)} sockets in use")
    if machine.simulated:
        return ", ".join(parts) + ": a simulated machine"
    if _virtual(machine):
        parts.append(f"a virtual machine ({machine.hypervisor})")
    if machine.kernel != "unknown":
        parts.append(f"Linux {machine.kernel}")
    return ", ".join(parts)


def _virtual(machine):
    return machine.hypervisor not in ("none", "unknown")


def _architecture(machine):
    """Of whose rules the machine's own kernel is: "x86", "powerpc", "arm64", or None where the name does not say."""
    for pattern, name in ((r"Intel|AMD|EPYC|Xeon|Ryzen|Core\(TM\)", "x86"), (r"POWER\d", "powerpc"),
                          (r"Neoverse|Cortex|Ampere|Graviton|ThunderX|Kunpeng", "arm64")):  # fmt: skip
        if re.search(pattern, machine.cpu_model):
            return name
    return None


def _caveats(source, own, sheet):
    machine = source.machine
    if machine.simulated:
        yield "<b>Simulated</b>: computed from a model of the machine, nothing here was measured; a number with ~ is a prediction."
    yield (
        "<b>An emulation in user space</b> of what a switch does to mm_count and its neighbours, back to back: the most "
        "that this line can cost, not a context switch of your kernel."
    )
    if not machine.simulated and _virtual(machine):
        yield (
            f"<b>A virtual machine</b> ({esc(machine.hypervisor)}): believe the ratios; no nanosecond here is a property "
            "of the processor, and the host may move these CPUs."
        )
    unsafe = dict(source.unsafe)
    if unsafe:
        named = "; ".join(f"{esc(name)} ({esc(why)})" for name, why in unsafe.items())
        yield f"<b>Not safe as it is on this machine's own kernel</b> ({esc(source.lifecycle)}): {named}."
    elif sheet is not None:
        rules = sorted({str(value) for value in value_of(sheet.windows, "lifecycle").dropna()})
        kernel = _architecture(machine)
        if kernel and rules and not any(rule.startswith(kernel) for rule in rules):
            yield (
                f"<b>{esc(', '.join(rules))}'s rules</b> were emulated, on an {kernel} machine: whether a scheme is safe "
                f"under {kernel}'s own, <code>mmscale check</code> says: shootdown as it is merged is not."
                if kernel == "x86"
                else f"<b>{esc(', '.join(rules))}'s rules</b> were emulated, on a machine of {kernel}."
            )
    if any("--unsafe" in command for command in source.commands):
        yield "Measured with <code>--unsafe</code>: there may be schemes here that a kernel could not use."


def _badge(machine, sheet, own):
    windows = sheet.windows if sheet is not None else own.replays
    count, valid = len(windows), int(windows["valid"].sum()) if len(windows) else 0
    share = valid / count if count else math.nan
    facts = [f"{valid} of {count} windows valid"] if count else ["no windows"]
    if machine.simulated:
        return "fair", "Simulated", (*facts, "no hardware", f"model {machine.host}")
    facts.append(f"virtual: {machine.hypervisor}" if _virtual(machine) else
                 "bare metal" if machine.hypervisor == "none" else "hypervisor unknown")  # fmt: skip
    facts.append(f"clock {machine.frequency}")
    if not count or share < ENOUGH_VALID:
        return "poor", "Do not trust", tuple(facts)
    if _virtual(machine) or machine.hypervisor == "unknown":
        return "fair", "Trust ratios only", tuple(facts)
    if share < MOST_VALID or machine.frequency != "fixed":
        return "fair", "Trust with care", tuple(facts)
    return "good", "Trust", tuple(facts)
