# SPDX-License-Identifier: MIT
"""The median of a few windows and how far it can be trusted, without assuming any distribution."""

import math
import statistics
from dataclasses import dataclass

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A median, in the unit of its values, with its interval.

    bounded: low to high covers the true median with at least CONFIDENCE. If not, there were too few values for any
        interval to do that, and low to high is merely from the least to the greatest value.
    """

    median: float
    low: float
    high: float
    count: int
    bounded: bool


def estimate(values):
    """Returns the Estimate of a non-empty sequence of numbers, None of an empty one.

    The interval runs from the k-th smallest to the k-th greatest value (the sign test's interval): the true median is
    outside with the chance that fewer than k of n fair coins show heads, or fewer than k show tails.
    """
    ordered = sorted(values)
    count = len(ordered)
    if count == 0:
        return None
    k = _rank(count)
    bounded = k > 0
    k = max(k, 1)
    return Estimate(statistics.median(ordered), ordered[k - 1], ordered[count - k], count, bounded)


def _rank(count):
    """The greatest k whose interval still has CONFIDENCE; 0 if none has, which is so below 6 values."""
    outside = 0.0
    for k in range(count // 2 + 1):
        outside += 2 * math.comb(count, k) / 2**count
        if outside > 1 - CONFIDENCE:
            return k
    return count // 2
