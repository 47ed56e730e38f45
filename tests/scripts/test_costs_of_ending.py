# SPDX-License-Identifier: MIT
"""Figures of teardown, ipi and sampled latency."""

import made
import pytest
from figures.ipi import draw as draw_ipi
from figures.ipi import ipi_sheets
from figures.latency import draw as draw_latency
from figures.latency import latency_sheets
from figures.teardown import draw as draw_teardown
from figures.teardown import teardown_sheets
from figures.places import Places, thinned


def lines(axes):
    return {line.get_gid(): line for line in axes.get_lines() if line.get_gid()}


def words(figure):
    return " ".join(text.get_text() for text in [*figure.texts, *(text for axes in figure.axes for text in axes.texts)])


def test_teardown_medians_and_ipis(recorded):
    records = recorded(made.teardowns(spoilt=[("shootdown", 4, 1), ("shootdown", 4, 2)]))
    ((sheet, x),) = teardown_sheets(records)
    figure = draw_teardown(records, sheet, x)
    time, ipis = (lines(axes) for axes in figure.axes)
    assert x == "borrowers"
    expected = [made.DROPS["shootdown"](count)[0] for count in (0, 1, 2, 4, 8, 16, 31)]
    assert list(time["drop_p50-shootdown-0"].get_ydata()) == pytest.approx(expected, rel=0.01)
    assert len(time["invalid-drop_p50-shootdown-0"].get_ydata()) == 2
    assert "invalid-drop_p50-refcount-0" not in time
    assert figure.axes[0].get_yscale() == "log"
    assert {gid for gid in ipis if gid.startswith("ipis-")} == {
        f"ipis-{scheme}-0" for scheme in ("shootdown", "shootdown-filter", "hazptr")
    }
    assert "useless-shootdown-0" in ipis and "useless-hazptr-0" not in ipis
    for fact in ("No IPIs: quiesce, refcount", "2 of 245", "Hollow", "host quad", "32 CPUs", "7 windows per point"):
        assert fact in words(figure)


def test_teardown_without_any_ipi_has_one_plot(recorded):
    records = recorded(made.teardowns(schemes=("refcount", "quiesce")))
    ((sheet, x),) = teardown_sheets(records)
    assert len(draw_teardown(records, sheet, x).axes) == 1


def test_teardown_without_a_valid_window(recorded):
    spoilt = [("refcount", count, window) for count in (0, 1) for window in range(7)]
    records = recorded(made.teardowns(schemes=("refcount",), borrowers=(0, 1), spoilt=spoilt))
    ((sheet, x),) = teardown_sheets(records)
    assert "none valid" in words(draw_teardown(records, sheet, x))


def test_mask_only_is_swept_in_a_figure_of_its_own(recorded):
    records = recorded(made.teardowns(borrowers=(0, 4)), made.teardowns(borrowers=(4,), mask_only=8))
    found = teardown_sheets(records)
    assert [(x, set(sheet.windows["borrowers"])) for sheet, x in found] == [("borrowers", {0, 4}), ("mask_only", {4})]
    assert set(found[1][0].windows["mask_only"]) == {0, 8}


def test_teardown_on_other_cpus_is_another_figure(recorded):
    found = teardown_sheets(recorded(made.teardowns(cpus=8, borrowers=(0, 4)), made.teardowns(cpus=32)))
    assert [sheet.split for sheet, _ in found] == [{"cpus": 8}, {"cpus": 32}]
    # But not if every point has its own number of CPUs.
    found = teardown_sheets(recorded(made.teardowns(cpus=2, borrowers=(1,)), made.teardowns(cpus=4, borrowers=(3,))))
    assert [sheet.split for sheet, _ in found] == [{}]


def test_ipi_against_targets(recorded):
    records = recorded(made.ipis(spoilt=[("signal", 8, 0)]))
    (sheet,) = ipi_sheets(records)
    figure = draw_ipi(records, sheet)
    drawn = lines(figure.axes[0])
    expected = [made.ROUND_TRIPS["signal"](count) for count in (1, 2, 4, 8, 16, 31)]
    assert list(drawn["round_p50-signal-0"].get_ydata()) == pytest.approx(expected, rel=0.01)
    assert len(drawn["invalid-round_p50-signal-0"].get_ydata()) == 1
    assert "clock" in drawn
    assert {"membarrier", "signal", "doorbell"} <= {text.get_text() for text in figure.axes[0].texts}


def test_latency_quantiles(recorded):
    records = recorded(made.switches(spoilt=[("refcount", 8, 0)]))
    (sheet,) = latency_sheets(records)
    (figure,) = draw_latency(records, sheet)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["1 CPU", "8 CPUs", "32 CPUs"]
    drawn = lines(figure.axes[1])
    median = made.COSTS["refcount"](8, 0) + 22
    expected = [median * factor for factor in made.QUANTILES.values()]
    assert list(drawn["latency-refcount-0"].get_ydata()) == pytest.approx(expected, rel=0.02)
    x = list(drawn["latency-refcount-0"].get_xdata())
    assert x[1:4] == pytest.approx([1, 2, 3]) and x[4] > 3
    assert "invalid-latency-refcount-0" in drawn and "clock" in drawn
    assert "one switch in 997 timed" in words(figure) and "reading the clock alone, 22.0 ns" in words(figure)


def test_latency_of_mix_tells_the_exits_apart(recorded):
    records = recorded(made.mixes(cpus=(2,), exits=(0, 1000), one_in=50))
    (sheet,) = latency_sheets(records)
    (figure,) = draw_latency(records, sheet)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["2 CPUs, 0 exits/M", "2 CPUs, 1000 exits/M"]


def test_places():
    few, many = Places([0, 1, 3]), Places([0, 1, 10, 100])
    assert [few.at(value) for value in (0, 3)] == [0, 3]
    assert [many.at(value) for value in (0, 0.5, 1, 10, 100)] == pytest.approx([-1, -0.5, 0, 1, 2])
    assert max(few.nudges(20)) < 0.065 * 3 and few.nudges(1) == [0]
    assert thinned([1, 2, 3, 4, 10], float, 2) == [1, 3, 10]
    assert thinned([5], float, 1) == [5]


@pytest.mark.parametrize("family", ["teardown", "ipi", "latency"])
def test_labels_stay_in_the_figure_and_apart(recorded, family):
    records = recorded(made.teardowns(), made.ipis(), made.switches())
    if family == "teardown":
        figure = draw_teardown(records, *teardown_sheets(records)[0])
    elif family == "ipi":
        figure = draw_ipi(records, ipi_sheets(records)[0])
    else:
        (figure,) = draw_latency(records, latency_sheets(records)[0])
    figure.canvas.draw()  # It is only then that the labels of axes take their places.
    renderer = figure.canvas.get_renderer()
    texts = list(figure.texts)
    for axes in figure.axes:
        texts += [*axes.texts, axes.xaxis.label, axes.yaxis.label]
    boxes = [text.get_window_extent(renderer) for text in texts if text.get_text()]
    for number, box in enumerate(boxes):
        assert figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0 and box.y1 <= figure.bbox.y1
        assert not any(box.overlaps(other) for other in boxes[:number])
