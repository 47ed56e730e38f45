# SPDX-License-Identifier: MIT
"""The short part of scripts/attack: some inputs of each kind. docs/reliability.md has what the long one found."""

from pathlib import Path

import pytest

from attack import inputs

# Trace and record readers take longest.
COUNTS = {"xml": 12, "model": 12, "trace": 10, "record": 10, "options": 15}


@pytest.mark.parametrize("name", inputs.KINDS)
def test_damaged_inputs_end_in_a_line(binary, tmp_path, name):
    kind = inputs.KINDS[name](Path(binary))
    found = [inputs.throw(kind, number, "short", tmp_path) for number in range(COUNTS[name])]
    assert [(one.number, one.what) for one in found if one] == []


def test_an_input_can_be_made_again(binary):
    import random

    kind = inputs.KINDS["trace"](Path(binary))
    assert kind.make(random.Random("1/trace/7")) == kind.make(random.Random("1/trace/7"))


def test_what_must_not_pass_does_not():
    assert inputs.verdict(0, "") is None
    assert inputs.verdict(1, "mmscale: x: damaged\n") is None
    for status, said in ((-11, ""), (134, "x"), (1, ""), (1, "Traceback (most recent call last):"), (1, "[json.exception.type_error.302]")):
        assert inputs.verdict(status, said)
