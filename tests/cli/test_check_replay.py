# SPDX-License-Identifier: MIT
"""A schedule means the same in every build: what a release build printed of its violations, this one must replay.

tests/cli/schedules.json is made anew, after a change of the kernel or a scheme, by a release build:

    (mmscale check --scheme untracked,shootdown,implicit,mailbox,hazptr,rcu --lifecycle powerpc,x86-2017 \\
         --case alone,exit,offline,efi,membarrier-in --json
     mmscale check --memory tso --scheme mailbox,rcu --lifecycle powerpc --case membarrier-in --json) |
        /usr/bin/python3 tests/cli/test_check_replay.py
"""

import json
import re
import sys
from pathlib import Path

import pytest

SCHEDULES = Path(__file__).with_name("schedules.json")
KEPT = ("scheme", "lifecycle", "case", "violation", "where", "schedule", "interleaving")


def words(interleaving):
    """The steps without the lines of the source that they stand on, which move with every comment."""
    return [re.sub(r" \(\w+\.(h|cc):\d+\)", "", step["text"]) for step in interleaving]


def violations(cells):
    """What is kept of the JSON that mmscale check prints: the violations, and of their steps the words."""
    return [
        {key: cell[key] for key in KEPT} | {"interleaving": words(cell["interleaving"])}
        for cell in cells
        if cell["verdict"] == "violated"
    ]


if SCHEDULES.exists():
    GOLDEN = json.loads(SCHEDULES.read_text())
else:
    GOLDEN = []


def test_there_are_some_of_each_memory_model():
    assert {one["schedule"].split(":")[0] for one in GOLDEN} == {"sc", "tso", "rc11"}


@pytest.mark.parametrize("one", GOLDEN, ids=[f"{one['scheme']}-{one['lifecycle']}-{one['case']}" for one in GOLDEN])
def test_replays_to_the_same_violation(mmscale, one):
    cell = ("--scheme", one["scheme"], "--lifecycle", one["lifecycle"], "--case", one["case"])
    done = mmscale("check", *cell, "--replay", one["schedule"], "--json")
    assert done.returncode == 0, done.stderr
    replayed = json.loads(done.stdout)
    assert words(replayed["interleaving"]) == one["interleaving"]
    assert {key: replayed[key] for key in ("violation", "where")} == {key: one[key] for key in ("violation", "where")}


def test_another_schedule_is_another_story(mmscale):
    """The comparison can fail: another scheme goes another way and ends without a violation."""
    one = next(one for one in GOLDEN if one["case"] == "exit" and one["schedule"].startswith("sc:"))
    cell = ("--scheme", "refcount", "--lifecycle", one["lifecycle"], "--case", one["case"])
    done = mmscale("check", *cell, "--replay", "sc:0", "--json")
    replayed = json.loads(done.stdout)
    assert replayed["violation"] == ""
    assert words(replayed["interleaving"]) != one["interleaving"]


def test_the_worst_comes_first_with_what_it_means_and_what_was_predicted(mmscale):
    done = mmscale("check", "--scheme", "shootdown", "--lifecycle", "x86-2024", "--case", "trimmed,efi")
    lines = done.stdout.splitlines()
    told = [line for line in lines if line.startswith("  shown by step ")]
    assert "was freed while some CPU's active_mm" in told[0] and "was compared with" in told[1]
    # The step that is named is the last one printed before.
    for line in told:
        assert lines[lines.index(line) - 2].split()[0] == line.split()[3].rstrip(":")
    assert lines[-1].startswith("predicted (mmscale schemes): unsafe: ")


@pytest.mark.parametrize(
    "schedule,complaint",
    [
        ("0*3", "must begin with sc:, tso:, pso: or rc11:"),
        ("sc:0*", "a number is missing"),
        ("sc:0d", "the schedule asks for 'sc:0d', which cannot happen there"),
        ("sc:9*4", "the schedule asks for 'sc:9', which cannot happen there"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(mmscale, schedule, complaint):
    cell = ("--scheme", "shootdown", "--lifecycle", "powerpc", "--case", "alone")
    done = mmscale("check", *cell, "--replay", schedule)
    assert done.returncode != 0
    assert complaint in done.stderr and done.stderr.count("\n") == 1


if __name__ == "__main__":
    # One command's output behind the other's.
    printed, cells = sys.stdin.read().strip(), []
    while printed:
        some, end = json.JSONDecoder().raw_decode(printed)
        cells += some
        printed = printed[end:].lstrip()
    SCHEDULES.write_text(json.dumps(violations(cells), indent=1) + "\n")
