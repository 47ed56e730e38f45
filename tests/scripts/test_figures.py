# SPDX-License-Identifier: MIT
import math

import pytest
from conftest import DATA
from figures.switches import COST, RATE, draw
from figures.look import LINES, MARKERS, ORDER, looks
from matplotlib import pyplot
from figures.page import spread
from records.reading import read
from grouping.series import Series, panels


@pytest.fixture
def drawn():
    """Draws the only panel of some files; closes the figures in the end."""

    def make(*paths, quantity=RATE):
        records = read(list(paths))
        (panel,) = panels(records.switches)
        return draw(records, panel, quantity)

    yield make
    pyplot.close("all")


def line(figure, gid):
    (found,) = [line for line in figure.axes[0].get_lines() if line.get_gid() == gid] or [None]
    return found


def words(figure):
    return " ".join(text.get_text() for text in [*figure.texts, *figure.axes[0].texts])


def test_invalid_windows_are_hollow_and_counted(drawn):
    figure = drawn(DATA / "host-2cpu.json")
    hollow = line(figure, "invalid-refcount-0")
    assert list(hollow.get_xdata()) == [2, 2]
    assert hollow.get_markerfacecolor() == "white"
    assert hollow.get_linestyle() == "None"
    assert hollow.get_marker() == line(figure, "median-refcount-0").get_marker()
    assert line(figure, "median-refcount-0").get_markerfacecolor() != "white"
    assert line(figure, "invalid-untracked-0") is None
    assert "3 of 54" in words(figure)


def test_a_count_without_valid_windows_breaks_the_line(drawn):
    medians = line(drawn(DATA / "host-64cpu.json"), "median-refcount-0")
    assert list(medians.get_xdata()) == [1, 2, 8, 32, 48, 64]
    assert [math.isnan(value) for value in medians.get_ydata()] == [False] * 5 + [True]


def test_ideal_is_the_best_single_cpu_times_cpus(drawn):
    figure = drawn(DATA / "host-64cpu.json")
    best = line(figure, "median-untracked-0").get_ydata()[0]
    assert list(line(figure, "ideal").get_ydata()) == [best * cpus for cpus in (1, 2, 8, 32, 48, 64)]
    figure = drawn(DATA / "host-64cpu.json", quantity=COST)
    assert set(line(figure, "ideal").get_ydata()) == {line(figure, "median-untracked-0").get_ydata()[0]}


def test_no_ideal_of_a_single_count(drawn, edited):
    def only_one(document):
        document["benchmarks"] = [entry for entry in document["benchmarks"] if entry["cpus"] == 1]

    figure = drawn(edited("host-2cpu.json", only_one))
    assert line(figure, "ideal") is None
    assert line(figure, "median-refcount-0") is not None


def test_nothing_valid_is_said(drawn, edited):
    def spoil(document):
        for entry in document["benchmarks"]:
            entry["valid"] = 0.0

    figure = drawn(edited("host-2cpu.json", spoil))
    assert "refcount (none valid)" in {text.get_text() for text in figure.axes[0].texts}
    assert "no window was valid" in words(figure) and "54 of 54" in words(figure)


def test_package_boundary_is_marked(drawn):
    figure = drawn(DATA / "host-64cpu.json")
    assert list(line(figure, "boundary-2").get_xdata()) == [32.5, 32.5]
    assert "2 packages" in words(figure)


def test_scales_follow_the_range(drawn):
    few, many = drawn(DATA / "host-2cpu.json").axes[0], drawn(DATA / "host-64cpu.json").axes[0]
    assert (few.get_xscale(), few.get_yscale(), few.get_ylim()[0]) == ("linear", "linear", 0)
    assert (many.get_xscale(), many.get_yscale()) == ("log", "log")


@pytest.mark.parametrize("quantity", [RATE, COST])
@pytest.mark.parametrize("name", ["host-2cpu.json", "host-64cpu.json"])
def test_labels_stay_in_the_figure_and_apart(drawn, name, quantity):
    figure = drawn(DATA / name, quantity=quantity)
    renderer = figure.canvas.get_renderer()
    boxes = [text.get_window_extent(renderer) for text in [*figure.texts, *figure.axes[0].texts]]
    for number, box in enumerate(boxes):
        assert figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0 and box.y1 <= figure.bbox.y1
        assert not any(box.overlaps(other) for other in boxes[:number])


def test_every_series_is_labelled_at_its_end(drawn):
    figure = drawn(DATA / "host-2cpu.json")
    assert {text.get_text() for text in figure.axes[0].texts} == {"refcount", "shootdown", "untracked", "ideal"}


def test_several_machines_are_told_apart(drawn):
    figure = drawn(DATA / "host-2cpu.json", DATA / "host-64cpu.json")
    assert {"refcount [twin]", "refcount [duo]"} <= {text.get_text() for text in figure.axes[0].texts}
    assert "host twin" in words(figure) and "host duo" in words(figure)


def test_caption_says_what_was_measured(drawn):
    text = words(drawn(DATA / "host-2cpu.json"))
    for fact in ("Synthetic Two-CPU", "twin", "6.18.0", "2026-01-15", "0123456789ab", "100 ms", "9 windows per point"):
        assert fact in text
    assert "at least 95 %" in text
    assert "least to greatest" in words(drawn(DATA / "host-64cpu.json"))


def test_simulated_numbers_are_marked(drawn, edited):
    path = edited("host-64cpu.json", lambda document: document["context"].update(mmscale_world="simulator"))
    figure = drawn(path)
    assert "SIMULATED" in words(figure)
    axes = figure.axes[0]
    assert all(tick.startswith("~") for tick in axes.yaxis.get_major_formatter().format_ticks([1e6, 1e7]))
    assert "~refcount" in {text.get_text() for text in axes.texts}


def test_only_machines_in_the_figure_are_named(edited):
    def elsewhere(document):
        document["context"].update(mmscale_world="simulator", host_name="model")
        for entry in document["benchmarks"]:
            entry.get("mmscale", {})["workload"] = "exit"

    records = read([DATA / "host-2cpu.json", edited("host-64cpu.json", elsewhere)])
    measured = next(panel for panel in panels(records.switches) if panel.sources == [0])
    text = words(draw(records, measured, RATE))
    pyplot.close("all")
    assert "SIMULATED" not in text and "[model]" not in text


def test_looks_differ_without_colour():
    found = looks([Series(scheme, source, ()) for scheme in (*ORDER, "brand-new") for source in (0, 1)])
    greys = [(look.marker, look.line) for look in found.values()]
    assert len(set(greys)) == len(greys)
    assert math.gcd(len(MARKERS), len(LINES)) == 1


@pytest.mark.parametrize(
    "wanted, places",
    [
        ([], []),
        ([5], [5]),
        ([5, 5], [4.5, 5.5]),
        ([9, 1, 8.5], [9.25, 1, 8.25]),
        ([0, 0, 0], [0, 1, 2]),
        ([10, 10], [9, 10]),
    ],
)
def test_spread(wanted, places):
    assert spread(wanted, 1, 10) == pytest.approx(places)
