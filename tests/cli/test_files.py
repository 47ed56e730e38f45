# SPDX-License-Identifier: MIT
"""What becomes of the files that a campaign writes, and of what it says, whatever others do meanwhile."""

import gzip
import json
import os
import signal
import subprocess

import pytest
from conftest import QUICK, windows

SHORT = ("bench", "--family", "floor", "--cpus", "1", *QUICK, "--reps", "2")
LONG = ("bench", "--family", "floor", "--cpus", "1", *QUICK, "--reps", "100000")


@pytest.fixture
def running(binary, environment):
    """Starts a campaign that would take hours, and returns it when so many windows have run."""
    started = []

    def start(*arguments, after=1):
        process = subprocess.Popen(
            [binary, *LONG, *map(str, arguments)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        started.append(process)
        seen = 0
        while seen < after:
            line = process.stderr.readline()
            assert line, "it ended"
            seen += line.startswith("[")
        return process

    yield start
    for process in started:
        process.kill()
        process.stderr.close()
        process.wait()


@pytest.mark.parametrize("broken", ["2>&-", "2>/dev/full", "2> >(exec 0<&-; sleep 0.1)", "2>&- <&-"])
def test_lost_messages_lose_nothing_else(binary, environment, tmp_path, broken):
    path = tmp_path / "records.json"
    done = subprocess.run(
        ["bash", "-c", f'exec "$0" "$@" {broken}', binary, *SHORT, "--out", str(path)],
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
        env=environment,
    )
    assert done.returncode in (0, 3)
    assert len(windows(json.loads(path.read_text()))) == 8
    assert "floor/incdec" in done.stdout


def test_two_runs_do_not_meet_in_one_file(running, mmscale, tmp_path):
    path = tmp_path / "records.json"
    first = running("--out", path)
    second = mmscale(*SHORT, "--out", path)
    assert second.returncode == 1
    assert second.stderr.splitlines()[-1] == f"mmscale: cannot write {path}: process {first.pid} is writing it"
    first.send_signal(signal.SIGINT)
    first.stderr.read()
    assert first.wait() == 130
    assert windows(json.loads(path.read_text()))


def test_what_was_there_stays_until_the_end(running, tmp_path):
    path = tmp_path / "records.json"
    path.write_text("old")
    process = running("--out", path, after=3)
    process.kill()
    process.wait()
    assert path.read_text() == "old"
    (beside,) = tmp_path.glob("records.json.*.new")
    assert len(windows(json.loads(beside.read_text()))) >= 3


def test_a_file_that_is_removed_is_missed(running, tmp_path):
    path = tmp_path / "records.json"
    process = running("--out", path, after=2)
    path.unlink()
    said = process.stderr.readline()
    while not said.startswith("mmscale: "):
        said = process.stderr.readline()
    assert "it was removed" in said
    process.send_signal(signal.SIGINT)
    process.stderr.read()
    assert process.wait() == 1
    (beside,) = tmp_path.glob("records.json.*.rest")
    # The one whose writing found out, and the two before it.
    assert len(windows(json.loads(beside.read_text()))) >= 3
    assert not path.exists()


def test_records_by_gzip(mmscale, tmp_path):
    path = tmp_path / "records.json.gz"
    done = mmscale(*SHORT, "--out", path)
    assert done.returncode in (0, 3)
    with gzip.open(path) as file:
        assert len(windows(json.load(file))) == 8


def test_root_follows_no_links_of_others(mmscale, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("not root")
    target, path = tmp_path / "target", tmp_path / "records.json"
    target.write_text("precious")
    path.symlink_to(target)
    os.lchown(path, 12345, 12345)
    done = mmscale(*SHORT, "--out", path)
    assert done.returncode == 1
    assert "symbolic link" in done.stderr
    assert target.read_text() == "precious"
