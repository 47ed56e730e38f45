# SPDX-License-Identifier: MIT
"""How often scripts/compare is right. The noise is that of a real machine: what the valid windows of a kept campaign
on a busy 2-CPU guest deviate from their median, drawn anew for every shuffle, outliers included."""

import dataclasses

import numpy
import pytest
from comparing.cases import Case, Window, read_side
from comparing.comparison import NONE, SLOWER, compare
from conftest import ROOT

CAMPAIGN = ROOT / "results" / "2026-11-23-epyc-2vcpu" / "records.json"
SHUFFLES = 100
# Cases of the campaign whose windows all do the same work on lines of their own: 1 % is their spread.
QUIET = ("switch/idle/refcount/all/compact/cpus:1", "switch/idle/shootdown/all/compact/cpus:2")
# Two CPUs fight for one line: a spread of 3 to 4 %.
CONTENDED = ("switch/idle/refcount/all/compact/cpus:2", "floor/incdec/compact/cpus:2")


@pytest.fixture(scope="module")
def campaign():
    return read_side(CAMPAIGN)


def halves(campaign, seed, windows, names, factor=1.0):
    """A run of so many windows of some cases, dealt out at random on two sides; the second's take factor times as
    long."""
    generator = numpy.random.default_rng(seed)
    sides = [dataclasses.replace(campaign, cases={}, boot=None) for _ in range(2)]
    for name in names:
        (case,) = campaign.cases[name]
        # Drawn with replacement, and blurred by less than the spread, so that no two are equal.
        deviations = generator.choice(numpy.log(case.values) - numpy.log(case.median), 2 * windows)
        values = case.median * numpy.exp(deviations + generator.normal(0, 0.003, 2 * windows))
        generator.shuffle(values)
        for side, part in zip(sides, (values[:windows], values[windows:] * factor)):
            made = [Window(float(value), True, float("nan")) for value in part]
            side.cases[name] = [Case(name, case.figure, case.unit, case.conditions, made)]
    return sides


def verdicts(*arguments, **options):
    """Of one shuffle."""
    return [one.verdict for one in compare(halves(*arguments, **options)).against[0].comparisons]


@pytest.mark.parametrize("windows", [9, 18])
@pytest.mark.parametrize("only", [None, *QUIET, *CONTENDED])
def test_two_halves_of_one_run_show_no_difference(campaign, windows, only):
    names = [only] if only else list(campaign.cases)
    right = sum(set(verdicts(campaign, seed, windows, names)) == {NONE} for seed in range(SHUFFLES))
    assert right >= 95


@pytest.mark.parametrize("only", QUIET)
def test_five_per_cent_are_found_with_nine_windows(campaign, only):
    found = sum(verdicts(campaign, seed, 9, [only], 1.05) == [SLOWER] for seed in range(SHUFFLES))
    assert found >= 90


def test_five_per_cent_are_found_in_every_quiet_case_of_a_campaign(campaign):
    found = dict.fromkeys(QUIET, 0)
    for seed in range(SHUFFLES):
        report = compare(halves(campaign, seed, 9, list(campaign.cases), 1.05))
        for one in report.against[0].comparisons:
            if one.name in found:
                found[one.name] += one.verdict == SLOWER
    assert min(found.values()) >= 90


@pytest.mark.parametrize("only", CONTENDED)
def test_five_per_cent_are_found_on_a_contended_line_with_eighteen(campaign, only):
    found = sum(verdicts(campaign, seed, 18, [only], 1.05) == [SLOWER] for seed in range(SHUFFLES))
    assert found >= 90


def test_what_is_found_is_about_right(campaign):
    covered = 0
    for seed in range(SHUFFLES):
        (one,) = compare(halves(campaign, seed, 12, QUIET[:1], 1.05)).against[0].comparisons
        covered += one.low <= 1.05 <= one.high
    assert covered >= 97
