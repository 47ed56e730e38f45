# SPDX-License-Identifier: MIT
"""Compares the cases of two or more sides: which differ, by how much, and which cannot be compared.

A figure is compared as its logarithm, so that a shift is a ratio and 2 and 1/2 are equally far from 1. All intervals of
one comparison hold together: each is made at ALPHA over the number of cases tested (Bonferroni). What is shown is what
its interval shows, nothing else.
"""

import math
from dataclasses import dataclass

import numpy

from comparing.cases import SAME_BOOT, WORLDLY, Case, Side
from records.conditions import PASSING
from stats.ranks import least_p_between, least_p_of_pairs, shift_between, shift_of_pairs
from records.reading import RecordError
from grouping.series import REFERENCE

ALPHA = 0.01
# Valid windows that a side must have; with fewer the least p is so great that several cases cannot be told apart.
NEEDED = 9

PAIRS, SEPARATE, CONSTANT, EXACT = "pairs", "separate", "constant", "exact"
SLOWER, FASTER, NONE = "slower", "faster", "none shown"


@dataclass(frozen=True)
class Comparison:
    """What came of one case. ratio: of the second side's figure to the first's, with its interval.

    test: PAIRS, Wilcoxon's signed ranks; SEPARATE, Mann and Whitney's; CONSTANT, signed ranks of one side against the
        one value that the other has; EXACT, of two values that were computed. pairs: how many differences
        were tested, if it is of such.
    """

    first: Case
    second: Case
    test: str
    pairs: int
    ratio: float
    low: float
    high: float
    p: float

    @property
    def name(self):
        return self.first.name

    @property
    def slowdown(self):
        """How many times the time the second side takes for the same."""
        return 1 / self.ratio if self.first.unit == "1/s" else self.ratio

    @property
    def verdict(self):
        """SLOWER or FASTER where the interval excludes 1, else NONE."""
        if self.low <= 1 <= self.high:
            return NONE
        return SLOWER if self.slowdown > 1 else FASTER


@dataclass(frozen=True)
class Refusal:
    """A case that was not compared, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Against:
    """One side against the first. missing: names of cases that only the first has; new: that only this one has.

    differences: (context key, value of the first, of this one), of those that do not differ between any two runs.
    notes: what a reader must know before he believes it, in sentences.
    """

    side: Side
    comparisons: tuple
    refusals: tuple
    missing: tuple
    new: tuple
    differences: tuple
    notes: tuple

    def count(self, verdict):
        """How many cases have this verdict."""
        return sum(one.verdict == verdict for one in self.comparisons)


@dataclass(frozen=True)
class Report:
    """A comparison of several sides. tested: how many intervals hold together with 1 - ALPHA."""

    first: Side
    against: tuple
    tested: int

    def slower_by(self, limit):
        """The Comparisons that are shown slower and whose ratio says by at least limit (a fraction)."""
        return [
            one
            for against in self.against
            for one in against.comparisons
            if one.verdict == SLOWER and one.slowdown >= 1 + limit
        ]


def compare(sides, across_worlds=False):
    """Compares every side with the first; returns a Report. Raises RecordError if there is nothing to compare, or if
    simulated numbers would be compared with measured ones without across_worlds."""
    first = sides[0]
    letters = [letter(number) for number in range(len(sides))]
    matched = []
    for name, side in zip(letters[1:], sides[1:]):
        _refuse_sides(first, side, name, across_worlds)
        matched.append(_match(first, side, name))
    tests = [_test(first, side, one) for side, (pairs, *_) in zip(sides[1:], matched) for one in pairs]
    tested = sum(test[0] != EXACT for test in tests)
    alpha = ALPHA / max(tested, 1)
    against, tests = [], iter(tests)
    for name, side, (pairs, refusals, missing, new) in zip(letters[1:], sides[1:], matched):
        comparisons = []
        for one in pairs:
            test, differences, least = next(tests)
            # Pairs are few compared with the ways to choose one of two sets: where they could show nothing, whatever
            # their values, the windows are taken as two sets.
            if test == PAIRS and least > alpha:
                test, differences, least = SEPARATE, [], _least_of_sets(*one)
            if test in (SEPARATE, CONSTANT) and least > alpha:
                few = min(len(case.values) for case in one)
                refusals.append(Refusal(one[0].name, f"{few} valid windows can show nothing among {tested} cases"))
            else:
                comparisons.append(_compare(*one, test, differences, alpha))
        comparisons.sort(key=place)
        against.append(
            Against(
                side, tuple(comparisons), tuple(refusals), tuple(missing), tuple(new),
                tuple(_differences(first, side)), tuple(_notes(first, side, name, comparisons)),
            )
        )  # fmt: skip
    return Report(first, tuple(against), tested)


def letter(number):
    """What a side is called: A, B, ... Z, then S27 and so on."""
    return chr(ord("A") + number) if number < 26 else f"S{number + 1}"


def place(comparison):
    """Where a case stands in a table: by group, CPU count and scheme, the reference first."""
    group, label, cpus = parts(comparison.first)
    return group, cpus, label != REFERENCE, label


def parts(case):
    """Returns what a case's name says as (group, label, CPUs): "switch/idle/*/all/compact", "refcount", 2."""
    words = case.name.split("/")
    label = str(case.conditions.get("scheme"))
    if label not in words[1:]:
        label = words[1] if len(words) > 1 else words[0]
    at = words.index(label, 1) if len(words) > 1 else 0
    found = [word for word in words if word.startswith("cpus:")]
    cpus = int(found[0].removeprefix("cpus:")) if found and found[0][5:].isdigit() else 0
    group = [("*" if index == at else word) for index, word in enumerate(words) if not word.startswith("cpus:")]
    return "/".join(group), label, cpus


def _refuse_sides(first, side, name, across_worlds):
    """Raises RecordError where two sides must not be compared at all."""
    if first.simulated != side.simulated and not across_worlds:
        one, other = ("simulated", "measured") if first.simulated else ("measured", "simulated")
        raise RecordError(
            f"{side.path}: {other}, while {first.path} was {one}; --across-worlds compares them all the same"
        )
    if not set(first.cases) & set(side.cases):
        example, other = sorted(first.cases)[0], sorted(side.cases)[0]
        raise RecordError(f"{side.path}: no case of {first.path} is in it: one has {example}, the other {other}")
    if first.simulated or side.simulated or first.machine.host != side.machine.host:
        return
    for case_name in set(first.cases) & set(side.cases):
        mine, others = (
            {(window.start, window.value) for case in one.cases[case_name] for window in case.windows}
            for one in (first, side)
        )
        if any(start == start for start, _ in mine & others):
            raise RecordError(f"{side.path}: has windows of {first.path} in it (as {name} and A): the same measurement")


def _match(first, side, name):
    """Returns (pairs of Cases to compare, Refusals, names of the first only, names of the other only)."""
    pairs, refusals = [], []
    ignored = WORLDLY if first.simulated != side.simulated else set()
    for case_name in sorted(set(first.cases) & set(side.cases)):
        mine, others = first.cases[case_name], list(side.cases[case_name])
        for case in mine:
            other = next((one for one in others if not _unlike(case, one, ignored)), others[0])
            reason = _why_not(case, other, name, ignored) or _too_few(first, side, case, other, name)
            if reason:
                refusals.append(Refusal(case_name, reason))
            else:
                pairs.append((case, other))
    missing = sorted(set(first.cases) - set(side.cases))
    return pairs, refusals, missing, sorted(set(side.cases) - set(first.cases))


def _unlike(case, other, ignored):
    """Names of the conditions that two cases differ in, but for some."""
    names = (set(case.conditions) | set(other.conditions)) - ignored
    return sorted(
        name
        for name in names
        if case.conditions.get(name, "not recorded") != other.conditions.get(name, "not recorded")
    )


def _why_not(case, other, name, ignored):
    """Why two cases of one name must not be compared, or None."""
    if case.unit is None or other.unit is None:
        return f"{case.figure} is neither a time nor a rate"
    if case.unit != other.unit:
        return f"{case.figure} in {case.unit} in A, in {other.unit} in {name}"
    for key in _unlike(case, other, ignored)[:1]:
        one, two = (side.conditions.get(key, "not recorded") for side in (case, other))
        return f"other conditions: {key} {one} in A, {two} in {name}"
    if not case.values or not other.values:
        side, valid = ("A", case) if not case.values else (name, other)
        return f"no valid window among {len(valid.windows)} in {side}"
    return None


def _too_few(first, side, case, other, name):
    """Why two cases have too few valid windows to be tested, or None."""
    one_value = [_one_value(*both) for both in ((first, case), (side, other))]
    if all(one_value):
        return None
    short = [
        f"{len(part.values)} of {len(part.windows)} valid in {which}"
        for which, part, single in (("A", case, one_value[0]), (name, other, one_value[1]))
        if not single and len(part.values) < NEEDED
    ]
    return f"{', '.join(short)}: {NEEDED} valid windows are needed on each side" if short else None


def _one_value(side, case):
    """Whether a case was computed and came out the same every time, so that it has no spread to be judged by."""
    return side.simulated and case.constant


def _test(first, side, cases):
    """Chooses how two Cases are tested, by how they were measured and not by what would come out; returns (test, the
    differences of logarithms that it is of, if any, the least p it can have)."""
    one, other = cases
    one_value = _one_value(first, one), _one_value(side, other)
    if all(one_value):
        return EXACT, [], 0.0
    if any(one_value):
        logs = numpy.log(other.values) - math.log(one.median) if one_value[0] else None
        logs = math.log(other.median) - numpy.log(one.values) if logs is None else logs
        return CONSTANT, list(logs), least_p_of_pairs(len(logs))
    if interleaved(first, side, one, other):
        pairs = [
            math.log(b.value) - math.log(a.value) for a, b in zip(one.windows, other.windows) if a.valid and b.valid
        ]
        if len(pairs) >= NEEDED:
            return PAIRS, pairs, least_p_of_pairs(len(pairs))
    return SEPARATE, [], _least_of_sets(one, other)


def _least_of_sets(one, other):
    """The least p that the windows of two Cases can have as two sets."""
    return least_p_between(len(one.values), len(other.values))


def interleaved(first, side, one, other):
    """Whether a case's windows were taken in turn: by time, each couple has a window of either side."""
    if first.simulated or side.simulated or len(one.windows) != len(other.windows):
        return False
    if first.machine.host != side.machine.host or first.boot is None or side.boot is None:
        return False
    if abs(first.boot - side.boot) > SAME_BOOT or not all(w.start == w.start for w in one.windows + other.windows):
        return False
    order = sorted([(w.start, 0) for w in one.windows] + [(w.start, 1) for w in other.windows])
    return all(order[at][1] != order[at + 1][1] for at in range(0, len(order), 2))


def _compare(one, other, test, differences, alpha):
    """Returns the Comparison of two Cases. differences: of logarithms, if the test is of such."""
    if test == EXACT:
        ratio = other.median / one.median
        return Comparison(one, other, test, 0, ratio, ratio, ratio, math.nan)
    if test == SEPARATE:
        shift = shift_between(numpy.log(one.values), numpy.log(other.values), alpha)
    else:
        shift = shift_of_pairs(differences, alpha)
    middle, low, high = (math.exp(value) for value in (shift.middle, shift.low, shift.high))
    return Comparison(one, other, test, len(differences), middle, low, high, shift.p)


def _differences(first, side):
    """What the contexts of two sides say differently."""
    for key in sorted((set(first.context) | set(side.context)) - PASSING):
        one, other = (str(context.get(key, "not recorded")) for context in (first.context, side.context))
        if one != other:
            yield key, one, other


def _notes(first, side, name, comparisons):
    """What stands between these numbers and a conclusion."""
    if first.simulated or side.simulated:
        which = "A and " + name if first.simulated and side.simulated else ("A" if first.simulated else name)
        yield f"{which} simulated: numbers marked ~ were computed by a model, not measured."
        if first.simulated != side.simulated:
            yield "A model is compared with a machine: a ratio says how far the model is off as much as anything else."
        return
    if first.machine.host != side.machine.host or first.machine.cpu_model != side.machine.cpu_model:
        yield "Two machines: a ratio is of all that differs between them."
    sets = [one for one in comparisons if one.test == SEPARATE] if first.machine.host == side.machine.host else []
    in_turn = sum(interleaved(first, side, one.first, one.second) for one in sets)
    if in_turn:
        yield (
            f"{in_turn} of {len(comparisons)} cases were measured in turn, but too few of their pairs are valid on both sides "
            "for a test by pairs: they are taken as two sets. More rounds give more pairs."
        )
    if first.context is side.context:
        yield f"A and {name} are of one campaign, whose windows came in random order: what drifted met both alike."
    elif len(sets) > in_turn:
        yield (
            f"A and {name} were not measured in turn: what drifted in between (temperature, neighbours, memory "
            "layout) counts as a difference."
        )
    for which, one in (("A", first), (name, side)):
        if one.machine.frequency != "fixed":
            yield f"Clock frequency of {which}: {one.machine.frequency}."
