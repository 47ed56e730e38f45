# SPDX-License-Identifier: MIT
"""Records of host_kernel: the running kernel's switches beside the emulated ones, its deaths and calls."""

import made
import pytest
from comparing.cases import read_side
from conftest import SCRIPTS
from figures.host import draw_calls, draw_switches
from grouping.host_sheets import call_sheets, switch_sheets
from records.reading import RecordError, read
from tables.switches import WIDTH, render


def drawn(figure):
    """The lines of the only axes, by gid."""
    (axes,) = figure.axes
    return {line.get_gid(): line for line in axes.get_lines() if line.get_gid()}


def words(figure):
    return " ".join(text.get_text() for text in [*figure.texts, *figure.axes[0].texts])


def test_the_real_kernel_stands_beside_the_emulated_one(recorded):
    records = recorded(made.switches(one_in=0), made.host_switches())
    (sheet,) = switch_sheets(records)
    figure = draw_switches(records, sheet)
    lines = drawn(figure)
    assert set(lines) == {
        f"rate-{name}-0"
        for name in (
            "emulated refcount", "emulated shootdown",  # and not hazptr
            "futex threads same-cpu", "futex threads cross-cpu", "pipe processes cross-cpu",
        )
    }  # fmt: skip
    assert list(lines["rate-futex threads cross-cpu-0"].get_ydata()) == pytest.approx([80e3, 320e3, 1280e3])
    emulated = [8e9 / made.COSTS["refcount"](8, 0), 32e9 / made.COSTS["refcount"](32, 0)]
    assert list(lines["rate-emulated refcount-0"].get_ydata())[1:] == pytest.approx(emulated)
    text = words(figure)
    for fact in (
        "running kernel and emulation", "futex threads cross-cpu: 97 to 99 % from idle",
        "futex threads same-cpu: 0 to 0.1 % from idle", "this kernel's lazy TLB: refcount", "All 105 windows are valid",
    ):  # fmt: skip
        assert fact in text


def test_alone_it_is_drawn_alone(recorded):
    records = recorded(made.host_switches(spoilt=[("futex/threads/cross-cpu", 8, 0)]))
    (sheet,) = switch_sheets(records)
    figure = draw_switches(records, sheet)
    assert len(drawn(figure)["invalid-rate-futex threads cross-cpu-0"].get_ydata()) == 1
    assert "Emulated" not in words(figure) and "1 of 63" in words(figure)
    assert call_sheets(records) == []


def test_without_it_there_is_nothing(recorded):
    records = recorded(made.switches(one_in=0))
    assert switch_sheets(records) == call_sheets(records) == []


def test_other_conditions_of_the_emulation_are_other_sheets(recorded):
    slow = made.switches(one_in=0)
    for entry in slow:
        entry["mmscale"]["think_cycles"] = 500
    found = switch_sheets(recorded(made.switches(one_in=0), slow, made.host_switches()))
    assert [sheet.split for sheet in found] == [{"think_cycles": 0}, {"think_cycles": 500}]
    assert len({sheet.stem for sheet in found}) == 2


def test_another_placement_stands_alone(recorded):
    elsewhere = made.host_switches()
    for entry in elsewhere:
        entry["mmscale"]["placement"] = "scatter"
    records = recorded(made.switches(one_in=0), elsewhere)
    (sheet,) = switch_sheets(records)
    assert not any(scheme.startswith("emulated") for scheme in sheet.windows["scheme"])


def test_an_unknown_share_is_not_made_up(recorded):
    entries = made.host_switches(cpus=(2,))
    for entry in entries:
        del entry["idle_share_low"]
    half = recorded(entries)
    assert "at most 99 % from idle" in words(draw_switches(half, switch_sheets(half)[0]))
    for entry in entries:
        del entry["idle_share_high"]
    none = recorded(entries)
    figure = draw_switches(none, switch_sheets(none)[0])
    assert "futex threads cross-cpu" in {text.get_text() for text in figure.axes[0].texts}
    assert " - " in render(none)


def test_deaths_and_calls(recorded):
    records = recorded(made.host_calls())
    (sheet,) = call_sheets(records)
    lines = drawn(draw_calls(records, sheet))
    expected = [made.HOST_TIMES["exit"](others) for others in (0, 1, 7, 31)]
    assert list(lines["time_p50-exit-0"].get_ydata()) == pytest.approx(expected)
    assert {"time_p50-munmap running-0", "time_p50-membarrier running-0"} <= set(lines)


def test_the_table(recorded):
    text = render(recorded(made.switches(one_in=0), made.host_switches(), made.host_calls()))
    assert all(len(line) <= WIDTH for line in text.splitlines())
    row = next(line for line in text.splitlines() if line.startswith("futex threads cross-cpu") and " 8 " in line)
    assert row.split() == ["futex", "threads", "cross-cpu", "8", "320.0k", "25.00k", "97..99", "0.99", "0/7"]
    row = next(line for line in text.splitlines() if line.startswith("munmap running") and " 7 " in line)
    assert row.split()[3:5] == ["8300", "20.75k"] or row.split()[3:5] == ["8.300k", "20.75k"]
    assert "host_kernel: the running kernel itself." in text


def test_plot_draws_all_of_it(run, tmp_path):
    path = made.write(tmp_path / "a.json", made.switches(cpus=(2,), one_in=0), made.host_switches(), made.host_calls())
    (tmp_path / "out").mkdir()
    done = run(SCRIPTS / "plot", path, "-o", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    found = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"host_kernel-switch-compact.png", "host_kernel-calls-compact.svg"} <= found


def test_compare_pools_windows_whatever_was_interrupted_in_them(tmp_path):
    side = read_side(made.write(tmp_path / "a.json", made.host_switches(), made.host_calls()))
    assert {len(found) for found in side.cases.values()} == {1}
    assert {len(case.windows) for found in side.cases.values() for case in found} == {made.WINDOWS}


def test_a_record_without_its_question_is_refused(tmp_path):
    entries = made.host_calls()
    del entries[3]["mmscale"]["question"]
    with pytest.raises(RecordError, match="record 3 is not mmscale's .no 'question'"):
        read([made.write(tmp_path / "a.json", entries)])
