# SPDX-License-Identifier: MIT
import functools
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from conftest import DATA, SCRIPTS
from made import entry, write
from records.reading import read
from stats.scaling import law

FIT = SCRIPTS / "fit"
COUNTS = (1, 2, 4, 8, 16, 24, 32, 48, 64)
LAWS = {"refcount": (1e8, 0.2, 0.01), "shootdown": (1.5e8, 0.001, 0.0)}


@pytest.fixture
def run(in_process):
    """Runs scripts/fit on its arguments, in this process."""
    return functools.partial(in_process, FIT)


@pytest.fixture
def planted(tmp_path):
    """Writes records that follow LAWS; keywords go into the context."""

    def make(counts=COUNTS, **context):
        windows = []
        for scheme, parameters in LAWS.items():
            for cpus in counts:
                rate = law(cpus, *parameters)
                ours = {"workload": "idle", "scheme": scheme, "sharing": "all", "placement": "compact", "cpus": cpus}
                ours["packages"] = [cpu // 32 for cpu in range(cpus)]
                name = f"switch/idle/{scheme}/all/compact/cpus:{cpus}"
                windows.append(entry(name, {"cpus": cpus, "switches_per_second": rate}, ours))
        return write(tmp_path / "planted.json", windows, **context)

    return make


def rows(text):
    """The rows of the table by (scheme, law)."""
    words = (line.split() for line in text.splitlines())
    return {(line[0], line[1].rstrip("*")): line for line in words if len(line) == 8 and line[0] in LAWS}


def test_the_table_has_what_was_planted(run, planted):
    done = run(planted())
    assert (done.returncode, done.stderr) == (0, "")
    found = rows(done.stdout)
    assert found["refcount", "usl"][1:] == ["usl*", "100.0M", "0.2000", "0.0100", "8.9", "8.9..8.9", "0.0%"]
    assert found["shootdown", "sat"][1:4] == ["sat*", "150.0M", "0.0010"]
    # 1000 CPUs, where 64 were measured.
    assert found["shootdown", "sat"][5] == ">320"
    assert "the knee lies beyond the 64 CPUs measured" in " ".join(done.stdout.split())
    assert max(map(len, done.stdout.splitlines())) <= 72


def test_simulated_curves_are_marked(run, planted):
    text = run(planted(mmscale_world="simulator")).stdout
    assert "SIMULATED, not measured" in text
    assert rows(text)["refcount", "usl"][2] == "~100.0M"
    assert rows(text)["refcount", "usl"][5] == "~8.9"


def test_too_few_points(run, planted, tmp_path):
    done = run(planted(COUNTS[:3]), "-o", tmp_path)
    assert done.returncode == 3
    assert "refcount: no fit: 3 CPU counts, 4 needed for 2 parameters" in done.stdout
    assert not list(tmp_path.glob("*.png"))


def test_draws(run, planted, tmp_path):
    assert run(planted(), "-o", tmp_path).returncode == 0
    (png,), (svg,) = tmp_path.glob("*.png"), tmp_path.glob("*.svg")
    assert png.name == "switch-idle-all-compact-fit.png" and png.stat().st_size > 10_000
    drawn = {element.get("id") for element in ElementTree.parse(svg).iter()}
    assert {"median-refcount-0", "fit-refcount-0", "knee-refcount-0", "fit-shootdown-0", "boundary-2"} <= drawn
    # Beyond what was measured there is nothing to mark.
    assert "knee-shootdown-0" not in drawn


def test_warns_at_chip_boundaries_and_of_counts_left_out(run):
    text = " ".join(run(DATA / "host-64cpu.json").stdout.split())
    assert "refcount: WARNING: poor fit" in text
    assert "refcount: WARNING: residuals jump by -65 % at the package boundary between 32 and 48 CPUs" in text
    assert "refcount: no valid window at 64 CPUs: left out" in text


def test_draws_invalid_windows_hollow(tmp_path):
    from figures.fit import draw_fits
    from tables.fits import fitted

    records = read([DATA / "host-64cpu.json"])
    draw_fits(records, fitted(records), tmp_path)
    (svg,) = tmp_path.glob("*.svg")
    assert "invalid-refcount-0" in svg.read_text() and "poor fit" in svg.read_text()


@pytest.mark.parametrize(
    "arguments, status, reason",
    [
        ([], 2, "RECORDS.json"),
        (["none.json"], 1, "none.json: No such file"),
        ([DATA / "host-2cpu.json", "-o", "/dev/null/x"], 1, "/dev/null/x: Not a directory"),
    ],
)
def test_refuses(run, arguments, status, reason):
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (status, "")
    assert reason in done.stderr.splitlines()[-1]


def test_is_a_program():
    done = subprocess.run([FIT, "--help"], capture_output=True, text=True, timeout=120, cwd=Path("/"))
    assert done.returncode == 0 and "Exit status" in done.stdout
