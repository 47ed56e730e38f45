# SPDX-License-Identifier: MIT
"""The matrix of line transfers: the median of its windows, in the order of the topology, and where the borders are."""

import statistics
from dataclasses import dataclass

# From the nearest on, as docs/topology.md has them: PUs within a level are at most so far apart.
NEARER = {
    "core": ("smt-sibling",),
    "LLC": ("smt-sibling", "same-llc"),
    "die": ("smt-sibling", "same-llc", "same-die"),
    "package": ("smt-sibling", "same-llc", "same-die", "same-package"),
}
LEVELS = ("package", "die", "LLC", "core")


@dataclass(frozen=True)
class Matrix:
    """Line transfers between PUs.

    pus: their numbers, neighbours in the topology beside each other.
    one_way: ns for each row and column, or None.
    groups: by level the group of each PU, numbered from 0 in this order.
    unknown: whether the place of some PU is unknown, so that it may be in another group.
    """

    pus: tuple
    one_way: tuple
    groups: dict
    unknown: bool

    def borders(self, level):
        """Returns the positions between PUs of different groups: 2 is between the second and the third."""
        group = self.groups[level]
        return [place for place in range(1, len(group)) if group[place] != group[place - 1]]

    def values(self):
        """Every number of the matrix."""
        return [value for row in self.one_way for value in row if value is not None]


def median_matrix(windows):
    """Returns the Matrix of windows of the family line that measured the same PUs: each cell the median over the valid
    ones, None where none has a value. Returns None if no window has a matrix."""
    found = windows[windows["matrix"].notna()]
    if not len(found):
        return None
    matrices = list(found["matrix"])
    valid = list(found.loc[found["valid"], "matrix"])
    distance = matrices[0]["distance"]
    pus = matrices[0]["pus"]
    if any(matrix["pus"] != pus for matrix in matrices):
        raise ValueError("windows of different PUs")
    order, groups = arrange(pus, distance)

    def cell(row, column):
        values = [matrix["one_way_ns"][row][column] for matrix in valid]
        values = [value for value in values if value is not None and value > 0]
        return statistics.median(values) if values else None

    one_way = tuple(tuple(cell(row, column) for column in order) for row in order)
    unknown = any(name == "unknown" for row in distance for name in row)
    return Matrix(tuple(pus[place] for place in order), one_way, groups, unknown)


def arrange(pus, distance):
    """Returns (places of the PUs in the order of the topology, Matrix.groups). Groups go by their lowest PU number, as
    the PUs in them do."""
    places = range(len(pus))
    leaders = {level: [_lowest(pus, distance, place, NEARER[level]) for place in places] for level in LEVELS}
    order = sorted(places, key=lambda place: [leaders[level][place] for level in LEVELS] + [pus[place]])
    groups = {}
    for level in LEVELS:
        numbers = {}
        groups[level] = tuple(numbers.setdefault(leaders[level][place], len(numbers)) for place in order)
    return order, groups


def _lowest(pus, distance, place, near):
    """The lowest number among a PU and those near it."""
    return min([pus[place]] + [pus[other] for other in range(len(pus)) if distance[place][other] in near])
