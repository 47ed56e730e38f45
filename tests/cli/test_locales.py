# SPDX-License-Identifier: MIT
"""A locale whose numbers have a comma, as most of Europe's: what is read and written stays as it is."""

import json
import re
import shutil
import subprocess

import pytest
from conftest import ROOT

DATA = ROOT / "tests/trace/data"


@pytest.fixture(scope="module")
def comma(tmp_path_factory):
    """The environment of a German user."""
    if shutil.which("localedef") is None:
        pytest.skip("no localedef")
    folder = tmp_path_factory.mktemp("locales")
    made = subprocess.run(["localedef", "-i", "de_DE", "-f", "UTF-8", folder / "de_DE.UTF-8"], capture_output=True, text=True)
    if made.returncode != 0:
        pytest.skip(f"localedef: {made.stderr}")
    env = {"LOCPATH": str(folder), "LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8"}
    point = ["/usr/bin/python3", "-c", "import locale; locale.setlocale(locale.LC_ALL, ''); print(locale.str(1.5))"]
    assert subprocess.run(point, env=env, capture_output=True, text=True, check=True).stdout == "1,5\n"
    return env


@pytest.mark.parametrize(
    "arguments",
    [
        ("replay", DATA / "by_hand.trace", "--scheme", "refcount", "--until", "20.5ms", "--timeline", "-"),
        ("topo", "--xml", ROOT / "tests/topology/data/hybrid.xml"),
        ("topo", "--synthetic", "pack:2 numa:1 core:2 pu:2"),
        ("describe", "--json"),
    ],
)
def test_the_command_says_the_same(mmscale, comma, arguments):
    first, second = mmscale(*arguments, env={"LC_ALL": "C.UTF-8"}), mmscale(*arguments, env=comma)
    assert (first.returncode, first.stdout, first.stderr) == (second.returncode, second.stdout, second.stderr)
    assert first.returncode == 0


def test_a_simulation_is_the_same(needs_sim, mmscale, comma, tmp_path):
    def run(env):
        out = tmp_path / "sim.json"
        done = mmscale("sim", "--family", "floor", "--machine", ROOT / "machines/power9-2c.json", "--cpus", "1,2", "--scale",
                       "1.5", "--between", "2.5", "--window", "0.02ms", "--out", out, env=env)  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout, json.loads(out.read_text())["benchmarks"]

    assert run({"LC_ALL": "C.UTF-8"}) == run(comma)


def test_windows_are_records_that_scripts_read(mmscale, comma, tmp_path):
    out = tmp_path / "records.json"
    done = mmscale("bench", "--family", "floor", "--cpus", "1", "--window", "1.5ms", "--warm", "0.5ms", "--reps", "1", "--out", out,
                   env=comma)  # fmt: skip
    assert done.returncode in (0, 3), done.stderr
    records = json.loads(out.read_text())["benchmarks"]
    assert records and all(one["real_time"] > 0 for one in records)
    assert "0,5" not in done.stdout + done.stderr


@pytest.mark.parametrize("script", ["validate", "fit", "compare"])
def test_scripts_say_the_same(comma, environment, script):
    records = ROOT / "results/2026-11-23-epyc-2vcpu/records.json"
    command = [ROOT / "scripts" / script, records, *(["--schemes", "refcount,shootdown"] if script == "compare" else [])]
    first, second = (
        subprocess.run(command, env={**environment, **env}, capture_output=True, text=True, timeout=60)
        for env in ({"LC_ALL": "C.UTF-8"}, comma)
    )
    assert (first.returncode, first.stdout, first.stderr) == (second.returncode, second.stdout, second.stderr)
    assert first.stdout


def test_scripts_of_the_shell_have_numbers_with_a_point(comma, environment):
    command = ["bash", "-euo", "pipefail", "-c", f"source {ROOT}/scripts/lib/common.sh; echo 1.5 | awk '{{ print $1 * 3 }}'; printf '%.1f' 2.5"]
    done = subprocess.run(command, env={**environment, **comma}, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "4.5\n2.5")


def test_stamps_with_a_comma_are_stamps(replay, tmp_path):
    """No kernel and no perf writes them: what has been through a tool that minds the locale may have them."""
    text = (DATA / "by_hand.trace").read_text()
    commas, number = re.subn(r"(\d)\.(\d{6}:)", r"\1,\2", text)
    assert number > 20
    path = tmp_path / "by_hand.trace"
    path.write_text(commas)
    assert replay(path, "--scheme", "refcount") == replay(DATA / "by_hand.trace", "--scheme", "refcount")
