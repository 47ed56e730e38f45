# SPDX-License-Identifier: MIT
import math

import numpy
import pytest
from stats.ranks import least_p_between, least_p_of_pairs, shift_between, shift_of_pairs
from scipy import stats


def noise(seed, *shape):
    return numpy.random.default_rng(seed).standard_normal(shape)


@pytest.mark.parametrize("first, second", [(9, 9), (9, 12), (1, 4), (30, 25)])
def test_p_is_that_of_mann_and_whitney(first, second):
    for seed in range(5):
        one, other = noise(seed, first), noise(seed + 100, second) + 0.5
        expected = stats.mannwhitneyu(one, other, method="exact").pvalue
        assert shift_between(one, other, 0.05).p == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("pairs", [1, 9, 20])
def test_p_is_that_of_signed_ranks(pairs):
    for seed in range(5):
        values = noise(seed, pairs) + 0.5
        assert shift_of_pairs(values, 0.05).p == pytest.approx(stats.wilcoxon(values, mode="exact").pvalue, rel=1e-9)


@pytest.mark.parametrize("alpha", [0.05, 0.004])
def test_interval_excludes_nothing_exactly_where_the_test_rejects(alpha):
    rejected = 0
    for seed in range(300):
        values = noise(seed, 18) * 0.5
        for shift in (shift_between(values[:9], values[9:] + 0.5, alpha), shift_of_pairs(values[:9] + 0.3, alpha)):
            assert shift.shown == (shift.p <= alpha)
            assert shift.low <= shift.middle <= shift.high
            rejected += shift.shown
    assert 20 < rejected < 580


def test_interval_covers():
    inside = sum(
        shift.low <= 0.7 <= shift.high
        for seed in range(1000)
        for shift in [shift_between(noise(seed, 9), noise(seed + 5000, 9) + 0.7, 0.05)]
    )
    # 95 % or more are promised; 1000 draws have a standard deviation of 7.
    assert inside >= 935


def test_large_sets_agree_with_the_exact_ones():
    one, other = noise(1, 100), noise(2, 100) + 0.2
    exact = shift_between(one, other, 0.05)
    nearly = shift_between(numpy.append(one, numpy.median(one)), other, 0.05)
    assert nearly.p == pytest.approx(exact.p, rel=0.05)
    assert nearly.low == pytest.approx(exact.low, abs=0.02)


def test_ties_show_nothing():
    for shift in (shift_between([1] * 9, [1] * 9, 0.05), shift_of_pairs([0] * 9, 0.05)):
        assert (shift.middle, shift.p, shift.shown) == (0, 1, False)


def test_too_few_have_no_interval():
    shift = shift_of_pairs([1.0, 1.1, 1.2], 0.05)
    assert (shift.low, shift.high, shift.shown) == (-math.inf, math.inf, False)


def test_least_p():
    assert least_p_of_pairs(9) == pytest.approx(2 / 2**9)
    assert least_p_between(9, 9) == pytest.approx(2 / math.comb(18, 9))
    assert shift_between(range(9), range(10, 19), 0.05).p == pytest.approx(least_p_between(9, 9))
