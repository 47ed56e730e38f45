# SPDX-License-Identifier: MIT
"""What others read of `bench`: --format lkp and prometheus, on standard output and nothing beside it."""

import re

import pytest
from conftest import QUICK, assert_refused

FLOOR = ("bench", "--family", "floor", "--cpus", 1, "--reps", 1, *QUICK)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("lkp", r"[\w.-]+: -?[0-9][0-9.e+-]*"),
        ("prometheus", r'# TYPE mmscale_\w+ gauge|mmscale_\w+\{case="[^"]+"(,\w+="[^"]*")*\} -?[0-9][0-9.e+-]*'),
    ],
)
def test_standard_output_is_of_that_form(mmscale, name, line):
    done = mmscale(*FLOOR, "--format", name)
    assert done.returncode in (0, 3), done.stderr
    lines = done.stdout.splitlines()
    assert lines and all(re.fullmatch(line, one) for one in lines), lines
    # Of every case, valid or not.
    assert {word for word in ("empty", "incdec", "private", "fence") if word in done.stdout} == {"empty", "incdec", "private", "fence"}


def test_an_unknown_form_is_named_and_two_things_on_standard_output_are_refused(mmscale):
    assert_refused(mmscale(*FLOOR, "--format", "xml"), 2, "--format: there is no 'xml'; there are console, json, csv, lkp, prometheus")
    assert_refused(mmscale(*FLOOR, "--format", "lkp", "--out", "-"), 2, "--out - and --format=lkp: both on standard output")
