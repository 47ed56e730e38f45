# SPDX-License-Identifier: MIT
"""Which scheme is cheapest: cells, undecided ones, and the lines through the map."""

import made
import pytest
from grouping.crossover import Cell, Crossing, cells, crossings, leaders, mix_sheets, telling
from figures.mix import by_cpus, column_at, draw_curves, draw_map
from figures.look import ORDER, looks
from matplotlib import colors
from grouping.series import Series
from stats.estimate import estimate


@pytest.fixture
def recorded(recorded):
    """Writes and reads records; returns (Records, the only sheet of mix)."""

    def make(*lists, **context):
        records = recorded(*lists, **context)
        (sheet,) = mix_sheets(records)
        return records, sheet

    return make


def words(figure):
    return " ".join(text.get_text() for text in [*figure.texts, *(text for axes in figure.axes for text in axes.texts)])


@pytest.mark.parametrize(
    "costs, found",
    [
        ({"a": (10, 11, 12), "b": (13, 14, 15)}, ("a",)),
        ({"a": (10, 11, 13), "b": (13, 14, 15)}, ("a", "b")),
        ({"a": (13, 14, 15), "b": (10, 11, 12), "c": (11, 12, 13)}, ("b", "c")),
        # A single window has no interval, and none no value: neither can be ruled out.
        ({"a": (10,), "b": (99,)}, ("a", "b")),
        ({"a": (10, 11, 12), "b": ()}, ("a", "b")),
        ({"a": (), "b": ()}, ()),
    ],
)
def test_leaders(costs, found):
    assert leaders({scheme: estimate(values) for scheme, values in costs.items()}) == found


def test_cheapest_by_cell_without_the_invalid_windows(recorded):
    # Most windows of refcount there are spoilt and ten times slower; the rest still says that it is cheaper.
    spoilt = [("refcount", 32, 100000, window) for window in range(4)]
    _, sheet = recorded(made.mixes(spoilt=spoilt))
    found = {(cell.cpus, cell.exits): cell.leaders for cell in cells(by_cpus(sheet))}
    assert len(found) == 36
    assert found[32, 100000] == ("refcount",)
    assert found[32, 1] == ("shootdown",) and found[1, 1] == ("shootdown",)


def test_map_of_decided_undecided_and_empty_cells(recorded):
    shootdown = made.COSTS["shootdown"]
    costs = made.COSTS | {"hazptr": lambda cpus, exits: shootdown(cpus, exits) * (1.001 if cpus == 1 else 2)}
    spoilt = [(scheme, 2, 10, window) for scheme in costs for window in range(7)]
    records, sheet = recorded(made.mixes((1, 2), (1, 10), tuple(costs), costs, spoilt))
    figure = draw_map(records, sheet)
    axes = figure.axes[0]
    patches = {patch.get_gid(): patch for patch in axes.patches}
    marks = {line.get_gid() for line in axes.get_lines()}
    look = looks([Series("shootdown", 0, ())])["shootdown", 0]
    assert patches["cell-2-1"].get_facecolor() == colors.to_rgba(look.colour)
    assert patches["cell-2-1"].get_hatch() == look.hatch
    assert {mark for mark in marks if mark.endswith("-2-1")} == {"leader-shootdown-2-1"}
    assert {mark for mark in marks if mark.endswith("-1-1")} == {"leader-shootdown-1-1", "leader-hazptr-1-1"}
    assert patches["cell-1-1"].get_facecolor() != colors.to_rgba(look.colour)
    assert not {mark for mark in marks if mark.endswith("-2-10")} and patches["cell-2-10"].get_hatch()
    assert "Undecided, 2 of 4" in words(figure) and "Invalid windows, 21 of 84" in words(figure)


def test_crossovers_are_read_for_their_own_sheet(recorded):
    records, sheet = recorded(made.mixes(), made.crossovers({1: None, 8: (1500, 1600, 1700), 2: (100, 200, 300)}))
    found = crossings(records, sheet)
    assert found == {("refcount", "shootdown"): [Crossing(2, 200, 100, 300), Crossing(8, 1600, 1500, 1700)]}
    records.crossovers["placement"] = "scatter"
    assert crossings(records, sheet) == {}


def test_lines_only_where_the_pair_leads():
    row = [Cell(4, 1, ("a",)), Cell(4, 10, ("b", "c")), Cell(4, 100, ("c",))]
    points = {("a", "b"): [Crossing(4, 3, 2, 4)], ("a", "c"): [Crossing(4, 30, 2, 4), Crossing(4, 5, 2, 9)]}
    assert telling(points, row) == {("a", "b"): [Crossing(4, 3, 2, 4)], ("a", "c"): points["a", "c"]}
    assert telling({("b", "d"): [Crossing(4, 3, 2, 4)]}, row) == {}


def test_crossover_lines_stand_between_the_columns(recorded):
    points = {cpus: (150, 316.2278, 800) for cpus in (1, 2, 8)}
    records, sheet = recorded(made.mixes((1, 2, 4, 8), (0, 1, 100, 1000, 100000)), made.crossovers(points))
    axes = draw_map(records, sheet).axes[0]
    (line,) = [line for line in axes.get_lines() if line.get_gid() == "crossover-refcount-shootdown"]
    assert list(line.get_ydata()) == [0, 1, 2, 3]
    x = list(line.get_xdata())
    assert x[:2] == pytest.approx([2.5, 2.5]) and x[2] != x[2] and x[3] == pytest.approx(2.5)


def test_columns():
    columns = [0, 1, 10, 1000]
    assert [column_at(exits, columns) for exits in (0, 1, 10, 100, 1000, 5000)] == pytest.approx([0, 1, 2, 2.5, 3, 3])
    assert 0 < column_at(0.5, columns) < 1


def test_cost_curves_have_one_small_figure_per_count(recorded):
    records, sheet = recorded(
        made.mixes(cpus=tuple(range(1, 13)), exits=(1, 1000), spoilt=[("shootdown", 2, 1000, 0)]),
        made.crossovers({2: (400, 500, 600)}),
    )
    figures = list(draw_curves(records, sheet))
    assert [len(figure.axes) for figure in figures] == [9, 3]
    two = {line.get_gid(): line for line in figures[0].axes[1].get_lines()}
    expected = [made.COSTS["shootdown"](2, exits) for exits in (1, 1000)]
    assert list(two["cost-shootdown-0"].get_ydata()) == pytest.approx(expected, rel=0.01)
    assert list(two["invalid-cost-shootdown-0"].get_ydata()) == pytest.approx([10 * made.COSTS["shootdown"](2, 1000)])
    assert "crossover-refcount-shootdown" in two
    assert "crossover-refcount-shootdown" not in {line.get_gid() for line in figures[0].axes[0].get_lines()}
    assert "1 of 2" in words(figures[0]) and "Hollow: the invalid windows, 1 of" in words(figures[0])


def test_simulated_maps_say_so(recorded):
    records, sheet = recorded(made.mixes((1, 2), (1, 100000)), mmscale_world="simulator")
    assert "SIMULATED: The cheapest scheme" in words(draw_map(records, sheet))
    assert "~shootdown" in words(draw_map(records, sheet))


def test_cells_differ_without_colour():
    found = looks([Series(scheme, 0, ()) for scheme in ORDER])
    assert len({look.marker for look in list(found.values())[:13]}) == 13
    assert len({(look.colour, look.hatch) for look in found.values()}) == len(ORDER)
