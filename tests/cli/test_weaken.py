# SPDX-License-Identifier: MIT
"""mmscale check --weaken: docs/barriers.md is what is found, and a place that is no place is refused."""

import json
import subprocess
import sys

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "scripts" / "lib"))

from checks import barriers  # noqa: E402

PAGE = (ROOT / "docs" / "barriers.md").read_text()


class Runner:
    """Calls mmscale. A few seconds of work, on a machine that may have other things to do."""

    def __init__(self, binary, environment):
        self.binary, self.environment = binary, environment

    def json(self, arguments):
        command = [self.binary, *arguments, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=900, env=self.environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def test_the_page_is_what_is_found(binary, environment):
    assert barriers.rendered(PAGE, Runner(binary, environment)) == PAGE


def test_every_comment_is_about_a_place_of_the_page():
    places = {line.split(" | ")[0].removeprefix("| ") for line in PAGE.splitlines() if line.startswith("| ")}
    for key in barriers.COMMENTS:
        file, function = key.split()[:2]
        assert f"{file} `{function}`" in places, key


def test_one_place_can_be_weakened_and_replayed(mmscale):
    cases = ("--case", "membarrier-in,exit", "--json")
    done = mmscale("check", "--scheme", "shootdown", "--lifecycle", "powerpc", *cases, "--weaken")
    assert done.returncode == 0, done.stderr
    table = json.loads(done.stdout)
    place = next(p for p in table[0]["places"] if p["file"] == "shootdown.h" and p["kind"] == "fence")
    trial = next(t for t in place["trials"] if t["order"] == "none")
    assert trial["violation"] == "ORDER"
    cell = ("check", "--scheme", "shootdown", "--lifecycle", "powerpc", "--case", trial["case"])
    weaken = ("--weaken", f"shootdown.h:{place['line']}=none")
    assert "ORDER" in mmscale(*cell, *weaken).stdout
    assert "ORDER" in mmscale(*cell, *weaken, "--replay", trial["schedule"]).stdout
    assert "ORDER" not in mmscale(*cell).stdout


@pytest.mark.parametrize(
    "arguments,complaint",
    [
        (("--weaken", "shootdown.h:28"), "has no '='"),
        (("--weaken", "shootdown.h:28=weaker"), "there is no order 'weaker'"),
        (("--weaken", "shootdown.h=none"), "has no file and line"),
        (("--weaken", "shootdown.h:0=none"), "has no line"),
        (("--weaken", "shootdown.h:28:3x=none"), "cannot read 'x'"),
        (("--weaken", "nosuch.h:1=none"), "nothing at nosuch.h:1 asks for an order"),
        (("--memory", "arm"), "--memory"),
    ],
)
def test_what_cannot_be_is_refused(mmscale, arguments, complaint):
    cell = ("check", "--scheme", "shootdown", "--lifecycle", "powerpc", "--case", "alone")
    done = mmscale(*cell, *arguments)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1
