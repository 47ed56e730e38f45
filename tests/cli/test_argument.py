# SPDX-License-Identifier: MIT
"""docs/argument.md says what mmscale check says: every command on it is run again and its verdicts compared."""

import json
import sys

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "scripts" / "lib"))

import argument  # noqa: E402

PAGE = (ROOT / "docs" / "argument.md").read_text()
BLOCKS = argument.blocks(PAGE)


def test_the_page_has_commands():
    assert len(BLOCKS) > 5


@pytest.mark.parametrize("arguments,lines", BLOCKS, ids=[" ".join(arguments) for arguments, _ in BLOCKS])
def test_a_command_prints_what_the_page_shows(mmscale, arguments, lines):
    done = mmscale(*arguments)
    assert done.returncode == 0, done.stderr
    assert argument.missing([line for line in lines if argument.ELLIPSIS not in line], done.stdout) == []


def test_the_matrix_is_what_is_found(mmscale):
    """With few steps, so that "bounded" comes more often; no violation needs many."""
    done = mmscale("check", "--verdicts", argument.LIFETIME, "--steps", "200000", "--json")
    assert done.returncode == 0, done.stderr
    shown = PAGE.split(argument.BEGIN)[1].split(argument.END)[0]
    verdicts = [line.removeprefix("| ").split(" | ")[:4] for line in shown.splitlines() if line.startswith("| ")][1:]
    found = [list(row[:4]) for row in argument.rows(json.loads(done.stdout))]
    assert [exhausted_or_not(row) for row in verdicts] == [exhausted_or_not(row) for row in found]


def exhausted_or_not(row):
    return [*row[:3], row[3].removesuffix(", bounded")]
