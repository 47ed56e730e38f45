# SPDX-License-Identifier: MIT
"""The running kernel's figure: family host_kernel beside switch/idle."""

import made
import pytest
from conftest import SCRIPTS

import figure_host
from records import RecordError, read


@pytest.fixture
def records(tmp_path):
    spoilt = (("switch/futex/threads/cross-cpu", 8, 2), ("exit", 2, 0))
    return read([made.write(tmp_path / "a.json", made.hosts(spoilt=spoilt), made.switches(one_in=0))])


def test_every_window_has_a_row(records):
    assert len(records.hosts) == 5 * 3 * made.WINDOWS
    assert set(records.hosts["what"]) == {"switch", "exit", "membarrier"}
    assert (~records.hosts["valid"]).sum() == 2
    exits = records.hosts[(records.hosts["what"] == "exit") & records.hosts["valid"] & (records.hosts["cpus"] == 8)]
    assert exits["time_p50"].median() == pytest.approx(92000)
    assert set(records.hosts["lazy_tlb"]) == {"refcount"}


def test_the_kernel_and_two_schemes_make_one_figure(records):
    (sheet,) = figure_host.host_sheets(records)
    assert set(figure_host.emulated(sheet)["scheme"]) == {"refcount", "shootdown"}
    assert set(figure_host.real(sheet)["scheme"]) == {
        "kernel: futex, threads, same-cpu", "kernel: futex, threads, cross-cpu", "kernel: futex, processes, cross-cpu"
    }  # fmt: skip
    axes = figure_host.draw(records, sheet).axes[0]
    lines = {line.get_gid(): line for line in axes.lines if line.get_gid()}
    line = lines["cost-kernel: futex, threads, cross-cpu-0"]
    # The invalid window, ten times slower, is hollow and enters no median.
    assert list(line.get_ydata()) == pytest.approx([5380, 5920, 8080], rel=0.01)
    assert len(lines["invalid-cost-kernel: futex, threads, cross-cpu-0"].get_ydata()) == 1


def test_without_the_emulation_the_kernel_stands_alone(tmp_path, in_process):
    path = made.write(tmp_path / "a.json", made.hosts())
    assert in_process(SCRIPTS / "plot", path, "-o", tmp_path).returncode == 0
    assert (tmp_path / "host_kernel-compact.svg").exists()
    assert in_process(SCRIPTS / "report", path, "-o", tmp_path).returncode == 0


def test_a_name_that_is_none_is_refused(tmp_path):
    (first, *_) = made.hosts()
    first["name"] = "host_kernel/juggling/cpus:2"
    with pytest.raises(RecordError, match="is not named as its windows are"):
        read([made.write(tmp_path / "a.json", [first])])
