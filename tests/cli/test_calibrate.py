# SPDX-License-Identifier: MIT
"""`mmscale calibrate` from outside: the file it writes is a machine that `mmscale sim` runs."""

import json
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Whether a window so short counts is the machine's affair; whatever it says is taken.
SMALL = ("--window", "20ms", "--reps", 2, "--accept-invalid")


def has_sim(mmscale):
    return re.search(r"^ *sim ", mmscale("--help").stdout, re.MULTILINE)


@pytest.fixture(scope="module")
def calibrated(mmscale, tmp_path_factory):
    """The finished process and the file it wrote."""
    path = tmp_path_factory.mktemp("machine") / "here.json"
    # Two CPUs that neighbours never let run together hand no line to each other, and without that there is no machine.
    for _ in range(5):
        done = mmscale("calibrate", *SMALL, "--out", path)
        if path.exists():
            return done, path
    pytest.skip(f"too busy for any pair of CPUs: {done.stderr}")


def test_writes_a_machine_file_with_a_source_for_every_number(calibrated, allowed):
    done, path = calibrated
    assert done.returncode in (0, 3), done.stderr
    machine = json.loads(path.read_text())
    assert (machine["name"], machine["cpus"]) == ("here", len(allowed))
    assert "mmscale calibrate" in machine["description"]
    numbers = {**machine["costs_ns"], **machine["one_way_ns"]}
    assert {"load", "store", "atomic", "fence", "tick"} <= set(machine["costs_ns"])
    assert bool(machine["one_way_ns"]) == (len(allowed) > 1)
    assert ("visit" in machine["costs_ns"]) == ("domain" in machine["one_way_ns"])
    for name, number in numbers.items():
        assert number["quality"] in "HD" and number["source"], name
        assert f" {number['value']:.5g} ns  " in done.stdout, name
    valid = subprocess.run([ROOT / "scripts" / "validate", path], capture_output=True, text=True, check=False)
    assert (valid.returncode, valid.stderr) == (0, "")
    assert all(line.startswith("mmscale: ") for line in done.stderr.splitlines()), done.stderr
    assert "memory, port, modified_read, failed_try, idle_exit: nothing here measures them" in done.stderr
    # A window taken although it does not count shows in the file.
    assert ("INVALID" in path.read_text()) == ("taken all the same" in done.stderr) == (done.returncode == 3)


def test_the_simulator_runs_what_was_written(mmscale, calibrated, allowed):
    if not has_sim(mmscale):
        pytest.skip("built without MMSCALE_SIMULATION, as under a sanitizer")
    _, path = calibrated
    cases = ("--family", "floor", "--loop", "private", "--cpus", len(allowed), "--window", "20us", "--out", "-")
    done = mmscale("sim", "--machine", path, *cases)
    assert done.returncode == 0, done.stderr
    atomic = json.loads(path.read_text())["costs_ns"]["atomic"]["value"]
    assert json.loads(done.stdout)["benchmarks"][0]["ns_per_pair"] == pytest.approx(2 * atomic, rel=0.01)


def test_one_cpu_makes_a_machine_of_one(mmscale, allowed):
    done = mmscale("calibrate", *SMALL, before=("taskset", "-c", str(allowed[0])))
    assert done.returncode in (0, 3), done.stderr
    machine = json.loads(done.stdout)
    assert (machine["cpus"], machine["one_way_ns"]) == (1, {})
    assert "1 CPU: no line travels" in done.stderr
    assert "ipi_send, ipi_delivery, ipi_handle: not measured" in done.stderr


def test_without_a_machine_to_write_quiet_says_why(mmscale):
    done = mmscale("calibrate", "--window", "1us", "--warm", "1us", "--reps", 1, "--quiet")
    if done.stdout:
        pytest.skip("two CPUs ran together for all of a microsecond")
    assert done.returncode == 3 and len(done.stderr.splitlines()) == 1, done.stderr
    assert "makes no machine" in done.stderr and "nothing written (--accept-invalid takes" in done.stderr


@pytest.mark.parametrize(
    "arguments, complaint",
    [
        (("--out", "/proc/nowhere/host.json"), "/proc/nowhere"),
        (("--window", "20"), "--window: '20' is not a duration"),
        (("--reps", "0"), "--reps: '0' is not a whole number from 1 to 1000000"),
    ],
)
def test_refuses_in_one_line(mmscale, arguments, complaint):
    done = mmscale("calibrate", *arguments)
    assert done.returncode in (1, 2) and not done.stdout
    assert complaint in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr


def test_another_machine_is_not_measured(mmscale):
    done = mmscale("calibrate", env={"HWLOC_SYNTHETIC": "pack:2 core:4 pu:2"})
    assert done.returncode == 1 and not done.stdout
    assert "is not this host, and cannot be measured" in done.stderr and len(done.stderr.splitlines()) == 1
