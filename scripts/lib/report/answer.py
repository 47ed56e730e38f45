# SPDX-License-Identifier: MIT
"""What the page says first of each machine: which scheme wins, by how much, at how many CPUs, and how far to trust it."""

import math
import re
from dataclasses import dataclass, replace

from grouping.curves import sheets
from records.conditions import value_of
from report.markup import esc, figure_of, windows_of
from grouping.series import REFERENCE, words
from stats.estimate import estimate
from wording.schemes import WHAT
from wording.text import SIMULATED, in_words, plain, ratio

# What of several figures the answer is about: what the project was started for, if it was measured.
FIRST = {"workload": "idle", "sharing": "all", "placement": "compact"}
# What people ask about besides the reference, most asked first; the first that was measured is in the sentence.
ASKED = ("shootdown", "hazptr")
# What has a look of its own in the chart, and how many lines there may be.
NAMED = (REFERENCE, *ASKED)
MOST_DRAWN = 5
# Below this share of valid windows the machine was too busy to be believed.
ENOUGH_VALID = 0.5
MOST_VALID = 0.8
# What is known of shootdown as it is merged under the rules of an architecture.
SHOOTDOWN_ON = {"x86": "; shootdown as it is merged is not"}
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

    claim: the sentence that answers, more: those that belong to it, as HTML. caveats: what to know before believing it,
    as HTML. badge: (level, word, facts), level one of "good", "fair", "poor". sheet: the windows it is about. schemes:
    those with valid windows. keys: (look, scheme, what it does) of the chart's.
    """

    machine: str
    claim: str
    more: str
    caveats: tuple
    badge: tuple
    sheet: object
    schemes: tuple
    keys: tuple

    @property
    def drawn(self):
        """The schemes of the chart: those that people ask about or, with fewer than two of these, what there is."""
        named = [scheme for scheme in self.schemes if scheme.name in NAMED]
        others = [scheme for scheme in self.schemes if scheme.name not in NAMED]
        return (named if len(named) > 1 else [*named, *others])[:MOST_DRAWN]


def answer(records, index):
    """Returns the Answer for one machine of some Records; None where how its schemes scale was not asked."""
    source, own = records.sources[index], records.of(index)
    mark = SIMULATED if source.machine.simulated else ""
    sheet = main_sheet(own)
    if sheet is None:
        return None
    schemes = _schemes(sheet)
    pair = _pair(schemes)
    found = Answer(
        machine=what_it_is(records, index),
        claim=_claim(schemes, pair, sheet, mark),
        more=_more(schemes, pair, sheet, mark) if pair else "",
        caveats=(),
        badge=_badge(source.machine, sheet, pair),
        sheet=sheet,
        schemes=schemes,
        keys=(),
    )
    keys = tuple((look_of(scheme.name), scheme.name, _what(scheme.name, source.machine)) for scheme in found.drawn)
    return replace(found, caveats=tuple(_caveats(source, found)), keys=keys)


def look_of(scheme):
    """The scheme's look in the chart; all that have none of their own are grey."""
    return scheme if scheme in NAMED else "other"


def _what(scheme, machine):
    text = WHAT.get(scheme, "")
    own = machine.kernel_lazy_tlb == scheme and not machine.simulated
    return "; ".join(filter(None, (text, "what this machine's kernel does" if own else "")))


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
    """A factor as people say it: three digits, none of them behind a point above 100, and thousands set apart."""
    if value >= 1000:
        return f"{mark}{float(plain(value, 3)):,.0f}"
    return mark + plain(value, 3) if value >= 10 else ratio(value, mark)


@dataclass(frozen=True)
class _Pair:
    """The two schemes that the answer compares, and the CPU counts at which both have valid windows, rising."""

    reference: Scheme
    rival: Scheme
    shared: tuple

    @property
    def most(self):
        """The CPU count of the claim."""
        return self.shared[-1]


def _pair(schemes):
    by_name = {scheme.name: scheme for scheme in schemes}
    reference = by_name.get(REFERENCE)
    rival = next((by_name[name] for name in ASKED if name in by_name), None)
    rival = rival or next((scheme for scheme in schemes if scheme.name != REFERENCE), None)
    shared = sorted(set(reference.rates) & set(rival.rates)) if reference and rival else ()
    return _Pair(reference, rival, tuple(shared)) if shared else None


def _claim(schemes, pair, sheet, mark):
    """The answer in a sentence."""
    if not schemes:
        return f'None of the {len(sheet.windows)} windows counts, so nothing is claimed; <a href="#trust">why</a>.'
    doing = _doing(sheet)
    if pair is None:
        only = next((scheme for scheme in schemes if scheme.name == REFERENCE), schemes[0])
        most = max(only.rates)
        beside = (
            f"{' and '.join(esc(scheme.name) for scheme in schemes[:2])} have no valid windows on as many CPUs"
            if len(schemes) > 1 else "no valid window of another scheme stands beside it"
        )  # fmt: skip
        return (
            f"With {_cpus(most)} {doing}, <b>{esc(only.name)}</b> makes {only.number(most, mark)} context switches per "
            f"second; {beside}."
        )
    reference, rival, most = pair.reference, pair.rival, pair.most
    one, other = reference.rates[most], rival.rates[most]
    factor = other.median / one.median
    low, high = other.low / one.high, other.high / one.low
    uncertain = ""
    if min(one.count, other.count) > 1:
        # Of fewer than six windows there is no interval of the median.
        how = "between" if one.bounded and other.bounded else f"{min(one.count, other.count)} windows, between"
        uncertain = f" ({how} {times(low, mark)} and {times(high, mark)})"
    numbers = f"{rival.number(most, mark)} against {reference.number(most, mark)} per second"
    if low <= 1 <= high or abs(factor - 1) < ALIKE:
        return (
            f"With {_cpus(most)} {doing}, <b>{esc(rival.name)}</b> and <b>{REFERENCE}</b> make as many context switches, as "
            f"far as these windows can tell: {numbers}, {times(factor, mark)} times{uncertain}."
        )
    return (
        f"With {_cpus(most)} {doing}, <b>{esc(rival.name)}</b> makes <strong>{times(factor, mark)} times</strong> as many "
        f"context switches as <b>{REFERENCE}</b>{uncertain}: {numbers}."
    )


def _more(schemes, pair, sheet, mark):
    """What others make on as many CPUs, how the two totals grow, and on how many more CPUs no window tells."""
    one = pair.reference.rates[pair.most]
    others = [
        f"{esc(scheme.name)} makes {times(scheme.rates[pair.most].median / one.median, mark)} times {REFERENCE}'s"
        for scheme in schemes
        if scheme.name in ASKED and scheme is not pair.rival and pair.most in scheme.rates
    ]
    asked = int(sheet.windows["cpus"].max())
    silent = [scheme.name for scheme in (pair.reference, pair.rival) if asked not in scheme.rates]
    beyond = f"On {_cpus(asked)} no window of {' or '.join(map(esc, silent))} counts." if silent else ""
    return " ".join(filter(None, (beyond, "; ".join(others) + "." if others else "", _scaling(pair, mark))))


def _doing(sheet):
    """What the CPUs of a sheet do, as its records say."""
    identity = sheet.identity
    if identity["workload"] != FIRST["workload"]:
        return f"at workload {esc(identity['workload'])}, {esc(words('sharing', identity['sharing']))}"
    if identity["sharing"] != FIRST["sharing"]:
        return f"going in and out of idle, {esc(words('sharing', identity['sharing']))}"
    return "going in and out of idle in one address space"


def _scaling(pair, mark):
    """How the totals grow from the fewest CPUs to the most, and where the reference's stops."""
    reference, rival, least, most = pair.reference, pair.rival, pair.shared[0], pair.most
    if least == most:
        return ""
    grown = [scheme.rates[most].median / scheme.rates[least].median for scheme in (reference, rival)]
    said = (
        f"From {_cpus(least)} to {most}, {REFERENCE}'s total {_grows(grown[0], mark)} and "
        f"{esc(rival.name)}'s {_grows(grown[1], mark)}; ideal is {most / least:g}‑fold."
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
    return f"grows {mark}{plain(factor, 3)}\u2011fold" if factor > 1.03 else "stays the same"


def _cpus(count):
    return f"{count} CPU" + ("" if count == 1 else "s")


def what_it_is(records, index):
    """The machine of a source in a line."""
    machine, own = records.sources[index].machine, records.of(index)
    if machine.simulated and not len(own.switches) and len(own.replays):
        # The file was written here; what its numbers are of is a model.
        models = list(dict.fromkeys(own.replays["model"]))
        return "recorded traces, replayed on " + (f"a simulated {models[0]}" if len(models) == 1 else f"{len(models)} simulated models")
    packages = [
        len({entry["package"] for entry in per_cpu})
        for table in (own.switches, own.lines, own.bounces)
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
    if _emulated(machine):
        parts.append(f"emulated ({machine.hypervisor}: its times mean nothing)")
    elif _virtual(machine):
        parts.append(f"a virtual machine ({machine.hypervisor})")
    if machine.kernel != "unknown":
        parts.append(f"Linux {machine.kernel}")
    return ", ".join(parts)


def _virtual(machine):
    return machine.hypervisor not in ("none", "unknown")


def _emulated(machine):
    return machine.hypervisor == "QEMU TCG" or machine.hypervisor.startswith("a program for ")


def _architecture(machine):
    """Of whose rules the machine's own kernel is: "x86", "powerpc", "arm64", or None where the name does not say."""
    for pattern, name in ((r"Intel|AMD|EPYC|Xeon|Ryzen|Core\(TM\)", "x86"), (r"POWER\d", "powerpc"),
                          (r"Neoverse|Cortex|Ampere|Graviton|ThunderX|Kunpeng", "arm64")):  # fmt: skip
        if re.search(pattern, machine.cpu_model):
            return name
    return None


def _caveats(source, found):
    machine = source.machine
    if machine.simulated:
        yield "<b>Simulated</b>: computed from a model of the machine, nothing here was measured; a number with ~ is a prediction."
    where = "" if machine.simulated else " in user space"
    kernel = "a kernel" if machine.simulated else "your kernel"
    yield (
        f"<b>An emulation{where}</b> of what a switch does to mm_count and its neighbours, {_between(found.sheet)}, not a "
        f"context switch of {kernel}."
    )
    if _emulated(machine):
        yield f"<b>Emulated</b> ({esc(machine.hypervisor)}): these CPUs are a program, and no time here is a measurement."
    elif not machine.simulated and _virtual(machine):
        yield (
            f"<b>A virtual machine</b> ({esc(machine.hypervisor)}): believe the ratios; no nanosecond here is a property "
            "of the processor, and the host may move these CPUs."
        )
    rules = sorted({str(value) for value in value_of(found.sheet.windows, "lifecycle").dropna()})
    unsafe = [scheme.name for scheme in found.drawn if scheme.name in source.unsafe]
    kernel = _architecture(machine)
    if unsafe:
        yield (
            f"<b>Not safe as it is under this machine's own rules</b> ({esc(source.lifecycle)}): {esc(', '.join(unsafe))}. "
            f'{esc(", ".join(rules))}\'s rules were emulated. <a href="#trust">Why</a>'
        )
    elif kernel and rules and not any(rule.startswith(kernel) for rule in rules):
        yield (
            f"<b>{esc(', '.join(rules))}'s rules</b> were emulated, on a machine of {kernel}: whether a scheme is safe "
            f"under {kernel}'s own, <code>mmscale check</code> says{SHOOTDOWN_ON.get(kernel, '')}."
        )
    if any("--unsafe" in command for command in source.commands):
        done = "Simulated" if machine.simulated else "Measured"
        yield f"{done} with <code>--unsafe</code>: there may be schemes here that a kernel could not use."


def _between(sheet):
    """What the windows of a sheet have between two switches, as their records say."""
    rests = {str(value) for value in value_of(sheet.windows, "rest_of_switch").dropna()} - {"none"}
    thinks = {value for value in value_of(sheet.windows, "think_cycles").dropna() if value}
    if rests:
        said = ", ".join(f"{rest} ns" if re.fullmatch(r"[\d.]+", rest) else f"as {rest} says" for rest in sorted(rests))
        return f"with the rest of a switch ({esc(said.replace('.0 ns', ' ns'))}) in between"
    if thinks:
        return f"with {esc(', '.join(f'{value:g}' for value in sorted(thinks)))} ticks of work between two of a CPU"
    if sheet.identity["workload"] != FIRST["workload"]:
        return "without any work in between"
    return "back to back: the most that this line can cost"


def _badge(machine, sheet, pair):
    windows = sheet.windows
    if machine.simulated:
        return "fair", "A prediction", (f"simulated: model {machine.host}", "no hardware was measured", "how good: docs/simulator.md")
    # What the claim is made of counts; windows of others say how busy the machine was.
    if pair:
        claimed = windows[windows["scheme"].isin([pair.reference.name, pair.rival.name]) & (windows["cpus"] == pair.most)]
    else:
        claimed = windows
    count, valid = len(claimed), int(claimed["valid"].sum())
    share = min(valid / count, windows["valid"].mean()) if count else math.nan
    facts = [f"{valid} of its {count} windows valid"]
    if len(windows) > count:
        facts.append(f"{int(windows['valid'].sum())} of all {len(windows)}")
    if _emulated(machine):
        return "poor", "Counts only, no times", (*facts, f"emulated: {machine.hypervisor}")
    virtual = _virtual(machine)
    facts.append(f"virtual: {machine.hypervisor}" if virtual else
                 "bare metal" if machine.hypervisor == "none" else "hypervisor unknown")  # fmt: skip
    facts.append(f"clock {machine.frequency}")
    if not count or share < ENOUGH_VALID:
        return "poor", "Do not believe it yet", tuple(facts)
    if virtual or machine.hypervisor == "unknown":
        return "fair", "Believe ratios only", tuple(facts)
    if share < MOST_VALID or machine.frequency != "fixed":
        return "fair", "Believe with care", tuple(facts)
    return "good", "Believe it", tuple(facts)
