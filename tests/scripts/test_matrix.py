# SPDX-License-Identifier: MIT
"""The matrix of line transfers: its order, its borders, what is drawn of it."""

import made
import pytest
from figures.line import draw, line_sheets
from grouping.matrix import arrange, median_matrix
from records.reading import read


@pytest.fixture
def recorded(recorded):
    """Writes and reads records; returns (Records, the only sheet of line)."""

    def make(*lists, **context):
        records = recorded(*lists, **context)
        (sheet,) = line_sheets(records)
        return records, sheet

    return make


def words(figure):
    return " ".join(text.get_text() for text in [*figure.texts, *figure.axes[0].texts])


def test_order_and_borders_of_two_packages(recorded):
    # Two packages of two LLCs of two cores of two siblings; Linux counts the second siblings from 8 on.
    places = made.machine(2, 2, 2, 2)
    scattered = [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15]
    _, sheet = recorded(made.lines(places, scattered))
    matrix = median_matrix(sheet.windows)
    assert matrix.pus == (0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15)
    assert matrix.borders("package") == [8]
    assert matrix.borders("LLC") == [4, 8, 12]
    assert matrix.borders("core") == [2, 4, 6, 8, 10, 12, 14]
    assert matrix.one_way[0][:3] == (None, 8.0 * 1.0, 25.0) and matrix.one_way[0][8] == 140.0


def test_unknown_places_stand_alone():
    distance = [
        ["same-pu", "unknown", "same-llc"],
        ["unknown", "same-pu", "unknown"],
        ["same-llc", "unknown", "same-pu"],
    ]
    order, groups = arrange([0, 1, 2], distance)
    assert order == [0, 2, 1] and groups["package"] == (0, 0, 1)


def test_a_cell_that_nobody_measured_may_lack_its_distance_too():
    order, groups = arrange([0, 1], [[None, None], [None, None]])
    assert order == [0, 1] and groups["LLC"] == (0, 1)


def test_invalid_windows_are_left_out(recorded):
    records, sheet = recorded(made.lines(spoilt=(0, 2, 4)))
    # Of windows 1 and 3, that is 0.99 and 0.995.
    assert median_matrix(sheet.windows).one_way[0][2] == pytest.approx(25.0 * 0.9925)
    assert "Invalid windows, 3 of 5" in words(draw(records, sheet))


def test_no_valid_window_leaves_an_empty_matrix(recorded):
    records, sheet = recorded(made.lines(made.machine(1, 1, 2, 1), spoilt=range(5)))
    axes = draw(records, sheet).axes[0]
    assert {patch.get_gid() for patch in axes.patches} >= {"null-0-1", "null-1-0"}


def test_borders_numbers_and_gaps_are_drawn(recorded):
    records, sheet = recorded(made.lines(missing=[(0, 5)]))
    figure = draw(records, sheet)
    axes = figure.axes[0]
    upright = [line for line in axes.get_lines() if line.get_xdata()[0] == line.get_xdata()[1]]
    at = {gid: sorted({line.get_xdata()[0] for line in upright if line.get_gid() == gid}) for gid in ("package", "LLC")}
    assert at == {"package": [15.5], "LLC": [7.5, 23.5]}
    nulls = [patch for patch in axes.patches if (patch.get_gid() or "").startswith("null-")]
    # 5 is in the order 0 16 1 17 2 18 3 19 | 4 20 5.
    assert {patch.get_gid() for patch in nulls} == {"null-0-10", "null-10-0"}
    assert all(patch.get_hatch() for patch in nulls)
    assert sum(text.get_text() == "140" for text in axes.texts) == 2 * 16 * 16
    assert "package 0" in words(figure) and "package 1" in words(figure)
    assert "One way is half a round trip" in words(figure) and "1 of 496 pairs" in words(figure)


def test_many_cpus_have_no_numbers(recorded):
    records, sheet = recorded(made.lines(made.machine(2, 1, 17, 1), windows=1, sampled_from=128))
    figure = draw(records, sheet)
    assert {text.get_text() for text in figure.axes[0].texts} == {"package 0", "package 1"}
    assert "A sample of 34 of 128 PUs" in words(figure)


def test_windows_of_other_pus_are_another_figure(tmp_path):
    places = made.machine(1, 1, 4, 1)
    path = made.write(tmp_path / "a.json", made.lines(places, [0, 1]), made.lines(places, [2, 3]))
    assert [len(sheet.windows) for sheet in line_sheets(read([path]))] == [5, 5]
