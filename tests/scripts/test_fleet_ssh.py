# SPDX-License-Identifier: MIT
"""scripts/fleet --ssh on a real sshd of this host, under two names."""

import json
import os
import subprocess

import made
import pytest
from fleets import FLEET, PROGRAM, QUICK, interrupt, rows
from sshd import Sshd, missing

NAMES = ("n1", "n2")


@pytest.fixture(scope="module")
def sshd(tmp_path_factory):
    assert not missing(), missing()
    with Sshd(tmp_path_factory.mktemp("sshd"), NAMES) as running:
        yield running


@pytest.fixture
def command(sshd, tmp_path):
    """The words that start fleet on some hosts: command(hosts, program, *bench). What it makes there is in tmp_path."""
    (tmp_path / "there").mkdir()
    made.write(tmp_path / "made.json", made.switches(one_in=0))

    def words(hosts, program, *bench):
        if isinstance(program, str):
            text = program.replace("RECORD", f'cp {tmp_path}/made.json "$2"')
            program = tmp_path / "mmscale"
            program.write_text(f'#!/bin/bash\nwhile [[ $1 != --out ]]; do shift; done\n{text}\n')
            program.chmod(0o755)
        options = f"{sshd.options} -o SetEnv=TMPDIR={tmp_path}/there"
        return [FLEET, "-o", tmp_path / "out", "--ssh", hosts, "--ssh-options", options, "--mmscale", program,
                *(("--", *bench) if bench else ())]  # fmt: skip

    return words


def run(words):
    return subprocess.run(words, capture_output=True, text=True, timeout=240)


def test_measures_on_every_host_and_leaves_nothing_there(command, tmp_path):
    assert PROGRAM.exists(), f"no {PROGRAM}: cmake --build --preset release --target mmscale"
    done = run(command("n[1-2]", PROGRAM, *QUICK))
    out = tmp_path / "out"
    # Whether its windows are valid is the machine's affair.
    assert done.returncode in (0, 3), done.stderr
    assert done.stdout == f"{out}/fleet.sqlite\n{out}/report.html\n"
    for name in NAMES:
        windows = json.loads((out / f"nodes/{name}.json").read_text())["benchmarks"]
        assert sum(one["run_type"] == "iteration" for one in windows) == 2
        assert (out / f"nodes/{name}.status").read_text() in ("0\n", "3\n")
        assert "refcount" in (out / f"nodes/{name}.log").read_text()
    assert rows(out / "fleet.sqlite", "SELECT count(*) FROM entries WHERE run_type = 'iteration'") == [(4,)]
    assert not list((tmp_path / "there").iterdir())


def test_a_word_for_bench_is_one_word_there(command, tmp_path):
    done = run(command("n1", 'RECORD; printf "%s\\n" "$@" >&2', "--notes", "a b; $(touch x) 'c'"))
    assert done.returncode == 0, done.stderr
    assert "--out\nrecords.json\n" in (tmp_path / "out/nodes/n1.log").read_text()


def test_a_host_that_cannot_be_reached_is_named_and_the_rest_gathered(command, tmp_path):
    done = run(command("n1,nowhere.invalid", "RECORD"))
    assert done.returncode == 3
    (line,) = [line for line in done.stderr.splitlines() if "nowhere" in line]
    assert line.startswith("fleet: nowhere.invalid: recorded nothing (ssh: ")
    assert rows(tmp_path / "out/fleet.sqlite", "SELECT count(*) FROM files") == [(1,)]


def test_a_program_that_fails_there_says_why(command, tmp_path):
    done = run(command("n1", 'echo "mmscale: no such luck"; exit 1'))
    assert done.returncode == 1
    assert "fleet: n1: mmscale ended with status 1 (mmscale: no such luck)\n" in done.stderr


def test_an_interrupt_ends_the_program_there_and_keeps_what_there_is(command, tmp_path):
    pid = tmp_path / "pid"
    words = command("n[1-2]", f'RECORD; echo $$ >>{pid}; trap "exit 130" TERM; sleep 300 & wait')
    status, said = interrupt(words, lambda: pid.exists() and len(pid.read_text().split()) == 2)
    assert status == 130, said
    for started in pid.read_text().split():
        with pytest.raises(ProcessLookupError):
            os.kill(int(started), 0)
    assert [(tmp_path / f"out/nodes/{name}.status").read_text() for name in NAMES] == ["130\n", "130\n"]
    assert rows(tmp_path / "out/fleet.sqlite", "SELECT count(*) FROM files") == [(2,)]
    assert not list((tmp_path / "there").iterdir())


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--ssh", "n[1-"), "--ssh n[1-: "),
        (("--ssh", "a/b"), "--ssh a/b: a/b is no host's name"),
        (("--ssh", "n1", "--time", "5"), "--nodes, --partition and --time are Slurm's"),
        (("--ssh-options=-v",), "--ssh-options are for --ssh"),
        (("--ssh", "n1", "--gather"), "--gather measures nothing"),
    ],
)
def test_what_cannot_be_meant_is_refused(in_process, tmp_path, words, complaint):
    done = in_process(FLEET, "-o", tmp_path / "out", "--mmscale", "/bin/true", *words)
    assert done.returncode in (1, 2)
    assert complaint in done.stderr
    assert not (tmp_path / "out").exists()
