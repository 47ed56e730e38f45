# SPDX-License-Identifier: MIT
"""Sorts the windows of families other than switch: into sheets (what may share a figure), curves (lines) and spots."""

from dataclasses import dataclass
from urllib.parse import quote

import numpy
import pandas

from records import conditions
from grouping.series import REFERENCE, describe, partition, words
from stats.estimate import estimate


@dataclass(frozen=True)
class Spot:
    """The windows of one curve at one place of the horizontal axis.

    values: by column the Estimate over the valid windows, or None.
    invalid: by column the values of the invalid windows that have one.
    """

    x: float
    values: dict
    invalid: dict
    windows: int
    invalid_count: int


@dataclass(frozen=True)
class Curve:
    """One scheme, or transport, on one machine; spots by rising x."""

    scheme: str
    source: int
    spots: tuple

    def at(self, x):
        """Returns the spot at x, or None."""
        return next((spot for spot in self.spots if spot.x == x), None)

    def line(self, column):
        """Returns (x, Estimate) of every spot that has one of that column."""
        return [(spot.x, spot.values[column]) for spot in self.spots if spot.values[column]]


@dataclass(frozen=True)
class Sheet:
    """Windows that may share a figure.

    identity, split: what they agree in; split is what sets them apart from other sheets of the same identity.
    conditions: by name the values that occur.
    """

    family: str
    identity: dict
    split: dict
    conditions: dict
    windows: pandas.DataFrame

    @property
    def name(self):
        """What is compared, for people; empty where there is nothing to tell it from."""
        parts = [words(key, value) for key, value in self.identity.items() if value != ""]
        return ", ".join(parts + [describe(name, value) for name, value in self.split.items()])

    @property
    def stem(self):
        """The beginning of a file name: different for different sheets, whatever their names contain."""
        parts = [self.family, *map(str, self.identity.values())]
        parts += [f"{name}={plain_number(value)}" for name, value in self.split.items()]
        return "-".join(quote(part, safe="=") for part in parts)

    @property
    def invalid_count(self):
        """How many of the windows are invalid."""
        return int((~self.windows["valid"]).sum())

    @property
    def reasons(self):
        """Of every invalid window, why."""
        return tuple(self.windows.loc[~self.windows["valid"], "reasons"])

    @property
    def sources(self):
        """The indices of the machines that measured these."""
        return sorted(self.windows["source"].unique())

    def curves(self, x, columns, where=None):
        """Returns the Curves along the column x, by name, the reference first. where: a mask of windows, if not all."""
        windows = self.windows if where is None else self.windows[where]
        found = [
            Curve(scheme, source, tuple(_spot(at, part, columns) for at, part in group.groupby(x)))
            for (scheme, source), group in windows.groupby(["scheme", "source"])
        ]
        return sorted(found, key=lambda curve: (curve.source, curve.scheme != REFERENCE, curve.scheme))


def sheets(family, windows, identity, places=(), spots=(), but=()):
    """Returns the Sheets of a table of Records. The arguments are those of series.partition."""
    return [
        Sheet(family, key, split, {name: list(part[name].unique()) for name in places} | conditions.values(part, but), part)
        for key, split, part in partition(windows, identity, places, spots, but)
    ]


def plain_number(value):
    """A value as it stands in a file name: 2.0 is the 2 of the record."""
    if value is None or value != value:
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _spot(x, windows, columns):
    # Arrays and not frames: a page has thousands of these spots, and slicing frames would take most of its time.
    valid = windows["valid"].to_numpy(dtype=bool)
    numbers = {column: windows[column].to_numpy(dtype=float) for column in columns}
    return Spot(
        x=x,
        values={column: estimate(of[valid & ~numpy.isnan(of)].tolist()) for column, of in numbers.items()},
        invalid={column: of[~valid & (of > 0)].tolist() for column, of in numbers.items()},
        windows=len(windows),
        invalid_count=int((~valid).sum()),
    )
