# SPDX-License-Identifier: MIT
"""docs/argument.md says what mmscale check says: every command on it is run again and its verdicts compared."""

import json
import subprocess
import sys
import xml.etree.ElementTree

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "scripts" / "lib"))

from checks import argument  # noqa: E402

PAGE = (ROOT / "docs" / "argument.md").read_text()
BLOCKS = argument.blocks(PAGE)


@pytest.fixture
def check(binary, environment):
    """What mmscale prints. A few seconds of work, on a machine that may have other things to do."""

    def call(*arguments):
        done = subprocess.run([binary, *arguments], capture_output=True, text=True, timeout=900, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return call


def test_the_page_has_commands():
    assert len(BLOCKS) > 5


@pytest.mark.parametrize("arguments,lines", BLOCKS, ids=[" ".join(arguments) for arguments, _ in BLOCKS])
def test_a_command_prints_what_the_page_shows(check, arguments, lines):
    shown = [line for line in lines if argument.ELLIPSIS not in line]
    assert argument.missing(shown, check(*arguments)) == []


def test_the_matrix_is_what_is_found(check):
    """With few steps, so that "bounded" comes more often; no violation needs many."""
    output = check("check", "--verdicts", argument.LIFETIME, "--steps", "200000", "--json")
    shown = PAGE.split(argument.BEGIN)[1].split(argument.END)[0]
    verdicts = [line.removeprefix("| ").split(" | ")[:4] for line in shown.splitlines() if line.startswith("| ")][1:]
    found = [list(row[:4]) for row in argument.rows(json.loads(output))]
    assert [exhausted_or_not(row) for row in verdicts] == [exhausted_or_not(row) for row in found]


def exhausted_or_not(row):
    return [*row[:3], row[3].removesuffix(", bounded")]


def test_a_violation_is_drawn(check, tmp_path):
    path = tmp_path / "alone.svg"
    check("check", "--scheme", "shootdown", "--lifecycle", "x86-2017", "--case", "alone", "--svg", str(path))
    picture = xml.etree.ElementTree.fromstring(path.read_text())
    texts = [element.text for element in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert "shootdown under x86-2017, alone" in texts
    assert "CPU 0" in texts and "DANGLING: free_mm" in texts


def test_only_cases_of_that_size(check):
    output = check("check", "--scheme", "refcount", "--lifecycle", "powerpc", "--most-cpus", "1", "--json")
    assert [cell["case"] for cell in json.loads(output)] == ["alone"]


@pytest.mark.parametrize(
    "arguments,complaint",
    [
        (("--svg", "x.svg"), "--svg needs one --scheme, one --lifecycle and one --case"),
        (("--case", "exit", "--most-cpus", "1"), "no case of 'exit' has at most --most-cpus 1"),
    ],
)
def test_what_cannot_be_is_refused(mmscale, arguments, complaint):
    done = mmscale("check", *arguments)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1
