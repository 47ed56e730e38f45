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
    """With all the steps that the page was made with: some violations need more than a million."""
    output = check("check", "--verdicts", argument.LIFETIME, "--json")
    shown = PAGE.split(argument.BEGIN)[1].split(argument.END)[0]
    assert tables(shown) == tables(argument.matrix(json.loads(output)))


def tables(matrix):
    """The lines of both tables, whether or not a cell was explored to its end."""
    return [line.replace(" S? ", " S ") for line in matrix.splitlines() if line.startswith("|")]


def test_every_scheme_and_lifecycle_is_predicted(check):
    schemes = json.loads(check("schemes", "--json"))
    assert {one["name"] for one in schemes} == set(argument.PREDICTED)
    assert tuple(entry["lifecycle"] for entry in schemes[0]["safety"]) == argument.LIFECYCLES


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
