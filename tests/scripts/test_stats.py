# SPDX-License-Identifier: MIT
import pytest
from stats.estimate import estimate


def test_nothing_has_no_estimate():
    assert estimate([]) is None


@pytest.mark.parametrize(
    "count, low, high, bounded",
    [
        (1, 1, 1, False),
        (5, 1, 5, False),
        # The known ranks of the sign test at 95 %.
        (6, 1, 6, True),
        (8, 1, 8, True),
        (9, 2, 8, True),
        (12, 3, 10, True),
        (20, 6, 15, True),
        (30, 10, 21, True),
    ],
)
def test_interval_is_the_sign_test_interval(count, low, high, bounded):
    result = estimate(range(count, 0, -1))
    assert (result.low, result.high, result.bounded) == (low, high, bounded)
    assert result.median == (count + 1) / 2
    assert result.count == count


def test_an_outlier_moves_neither_median_nor_interval():
    assert estimate([1, 2, 3, 4, 5, 6, 7, 8, 9]) == estimate([1, 2, 3, 4, 5, 6, 7, 8, 9e9])
