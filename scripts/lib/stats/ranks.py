# SPDX-License-Identifier: MIT
"""How far two sets of measurements lie apart, by ranks: no distribution of the noise is assumed.

The estimate is Hodges and Lehmann's, its interval the inverted test: of Mann and Whitney for two separate sets, of
Wilcoxon's signed ranks for pairs. The interval excludes 0 exactly where the test rejects, so that what is shown and
what is claimed cannot contradict each other. All of it is exact and draws no random numbers.
"""

import functools
import math
from dataclasses import dataclass

import numpy
from scipy.stats import norm

# Beyond so many differences the exact distribution takes long and differs from the normal one in nothing that shows.
EXACT = 10_000


@dataclass(frozen=True)
class Shift:
    """How much greater the second set is. low to high covers the true shift with at least the confidence asked for;
    it is infinite where so few values can bear no interval of that confidence. p: two-sided."""

    middle: float
    low: float
    high: float
    p: float

    @property
    def shown(self):
        """Whether the interval excludes that there is no shift."""
        return self.low > 0 or self.high < 0


def shift_between(first, second, alpha):
    """The Shift from one set of numbers to another, at confidence 1 - alpha; both must hold something."""
    differences = numpy.subtract.outer(numpy.asarray(second, float), numpy.asarray(first, float)).ravel()
    sizes = len(first), len(second)
    return _shift(numpy.sort(differences), lambda count: _mann_whitney_tail(*sizes, count), alpha)


def shift_of_pairs(differences, alpha):
    """The Shift that differences of pairs show, at confidence 1 - alpha; there must be some."""
    values = numpy.asarray(differences, float)
    one, other = numpy.triu_indices(len(values))
    means = numpy.sort((values[one] + values[other]) / 2)
    return _shift(means, lambda count: _signed_rank_tail(len(values), count), alpha)


def least_p_between(first, second):
    """The least two-sided p that sets of these sizes can yield, whatever is in them."""
    return min(1.0, 2 * _mann_whitney_tail(first, second, 0))


def least_p_of_pairs(pairs):
    """The least two-sided p that so many pairs can yield."""
    return min(1.0, 2 * _signed_rank_tail(pairs, 0))


def _shift(ordered, tail, alpha):
    """The Shift of sorted differences. tail(k): if there is no shift, the chance that at most k are below 0."""
    count = len(ordered)
    # Ties count for both sides: they never help to show a difference.
    below, above = int((ordered <= 0).sum()), int((ordered >= 0).sum())
    p = min(1.0, 2 * tail(min(below, above)))
    # The number of differences to leave out at either end: the greatest k with 2 tail(k - 1) <= alpha.
    least, most = 0, count // 2 + 1
    while least < most:
        middle = (least + most + 1) // 2
        if 2 * tail(middle - 1) <= alpha:
            least = middle
        else:
            most = middle - 1
    if least == 0:
        low, high = -math.inf, math.inf
    else:
        low, high = float(ordered[least - 1]), float(ordered[count - least])
    return Shift(float(numpy.median(ordered)), low, high, p)


def _mann_whitney_tail(first, second, count):
    """P(U <= count) for sets of these sizes out of one distribution."""
    if first * second > EXACT:
        spread = math.sqrt(first * second * (first + second + 1) / 12)
        return float(norm.cdf((count + 0.5 - first * second / 2) / spread))
    return float(_mann_whitney(*sorted((first, second)))[count])


def _signed_rank_tail(pairs, count):
    """P(T <= count) for so many differences that are symmetric about 0."""
    total = pairs * (pairs + 1) // 2
    if total > EXACT:
        spread = math.sqrt(total * (2 * pairs + 1) / 12)
        return float(norm.cdf((count + 0.5 - total / 2) / spread))
    return float(_signed_rank(pairs)[count])


@functools.lru_cache
def _mann_whitney(fewer, more):
    """P(U <= u) for every u: how many of the ways to choose ranks for the smaller set have so small a sum."""
    ways = numpy.zeros((fewer + 1, fewer * more + 1))
    ways[0, 0] = 1
    # Each of the larger set's values is passed over or not: partitions into at most `fewer` parts of at most `more`,
    # a part at a time. Every term is a sum of terms above 0: nothing cancels.
    for item in range(fewer + more):
        for chosen in range(min(item + 1, fewer), 0, -1):
            # The item of rank `item` as the chosen-th smallest has this many of the other set below it.
            below = item - (chosen - 1)
            if below <= more:
                ways[chosen, below:] += ways[chosen - 1, : ways.shape[1] - below]
    return numpy.cumsum(ways[fewer]) / ways[fewer].sum()


@functools.lru_cache
def _signed_rank(pairs):
    """P(T <= t) for every t: each rank is added or not, with equal chance."""
    chances = numpy.zeros(pairs * (pairs + 1) // 2 + 1)
    chances[0] = 1
    for rank in range(1, pairs + 1):
        shifted = numpy.zeros_like(chances)
        shifted[rank:] = chances[:-rank]
        chances = (chances + shifted) / 2
    return numpy.cumsum(chances)
