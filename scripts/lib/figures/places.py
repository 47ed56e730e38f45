# SPDX-License-Identifier: MIT
"""Where the numbers of a sweep stand on an axis."""

import math

from figures.page import fixed_ticks

FEW = 16


class Places:
    """The horizontal axis of a sweep: linear if it is short, else logarithmic, with 0, if it is in the sweep, one step
    to the left of the least number above it."""

    def __init__(self, values, logarithmic=None):
        self.values = sorted(set(values))
        positive = [value for value in self.values if value > 0]
        self.logarithmic = len(positive) > 1 and positive[-1] > FEW if logarithmic is None else logarithmic
        self.logarithmic = self.logarithmic and bool(positive)
        self.least = positive[0] if positive else 1
        steps = [math.log10(after / before) for before, after in zip(positive, positive[1:])]
        self.step = min(max(min(steps, default=1), 0.3), 1)

    def at(self, value):
        """The coordinate of a number, which need not be in the sweep."""
        if not self.logarithmic:
            return value
        if value >= self.least:
            return math.log10(value)
        return math.log10(self.least) - self.step * (1 - value / self.least)

    def dress(self, axes, most=12):
        """Sets the axis of some axes: its limits and at most so many ticks, the first and the last value among them."""
        low, high = self.at(self.values[0]), self.at(self.values[-1])
        margin = 0.065 * (high - low) or 0.5
        axes.set_xlim(low - margin, high + margin)
        shown = thinned(self.values, self.at, (high - low) / most)
        fixed_ticks(axes.xaxis, [self.at(value) for value in shown], [short(value) for value in shown])

    def nudges(self, count):
        """How far to move each of so many curves aside, so that their bars do not cover one another."""
        # As wide as a marker, if so many of them have room between two values and in the margins.
        length = (self.at(self.values[-1]) - self.at(self.values[0])) or 1
        width = length * min(0.012, 0.6 / (count * len(self.values)), 0.1 / count)
        return [width * (rank - (count - 1) / 2) for rank in range(count)]


def thinned(values, at, gap):
    """Of rising values the first, the last and, of those between, what keeps a gap to its neighbours."""
    shown = values[:1]
    for value in values[1:-1]:
        if at(value) - at(shown[-1]) >= gap and at(values[-1]) - at(value) >= gap:
            shown.append(value)
    return shown + (values[-1:] if len(values) > 1 else [])


def short(value):
    """A number for a tick: 10000 is "10k", 1500 is "1.5k"."""
    if value >= 10000:
        return f"{value / 1000:g}k" if value < 1e6 else f"{value / 1e6:g}M"
    return f"{value:g}"
