# SPDX-License-Identifier: MIT
"""`mmscale describe`, and that what it says of options is so: a condition's value is in the record under its key."""

import json
import sys

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "scripts" / "lib"))

from families.registry import OWN_RESULTS  # noqa: E402
from records import conditions  # noqa: E402


@pytest.fixture(scope="module")
def described(mmscale):
    done = mmscale("describe", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def command(described, name):
    return next((one for one in described["commands"] if one["name"] == name), None)


def test_every_command_and_every_option_of_its_help_is_there(mmscale, described):
    shown = mmscale("--help").stdout.split("Subcommands:")[1]
    assert {line.split()[0] for line in shown.splitlines() if line.startswith("  ") and line[2] != " "} == {
        one["name"] for one in described["commands"]
    }
    for one in described["commands"]:
        text = mmscale(one["name"], "--help").stdout
        for option in one["options"]:
            assert all(name in text for name in option["names"]), (one["name"], option["name"])


def test_every_option_of_every_command_is_defined(described):
    for one in described["commands"]:
        undefined = [option["name"] for option in one["options"] if "condition" not in option]
        assert undefined == ["--help"], one["name"]
        for option in one["options"][1:]:
            page = option["page"]
            assert page and (ROOT / page).is_file(), (one["name"], option["name"])
            assert option["value"] == "flag" or option["help"], (one["name"], option["name"])


def test_whatever_a_schema_has_comes_from_an_option_or_is_no_condition(described, needs_sim):
    """An option that the schema lacks, or a key that no option sets, is missing in one of the two."""
    schema = json.loads((ROOT / "schema/record.schema.json").read_text())["$defs"]["mmscale"]["properties"]
    keys = {option.get("record_key") for one in described["commands"] for option in one["options"]}
    unexplained = set(schema) - keys - conditions.RESULTS - conditions.IDENTITY - OWN_RESULTS
    assert not unexplained


def test_a_condition_of_a_record_is_in_its_schema_or_context(described):
    schema = json.loads((ROOT / "schema/record.schema.json").read_text())["$defs"]["mmscale"]["properties"]
    for one in described["commands"]:
        for option in one["options"]:
            if option.get("condition"):
                key = option["record_key"]
                assert key in schema or key.startswith("simulator_"), option["name"]


# Of each option of `sim` that is a condition, two values, and what has to be simulated for it to matter.
FLOOR = ("--family", "floor", "--loop", "incdec")
CHANGED = {
    "--home": ((), ("--home", "1")),
    "--lifecycle": ((), ("--lifecycle", "x86-2017")),
    "--mm-cid": ((), ("--mm-cid", "v6.4")),
    "--irqs-off-activate-mm": ((), ("--irqs-off-activate-mm",)),
    "--hotplug": ((), ("--hotplug", "before")),
    "--migrate-every": (("--workload", "build"), ("--migrate-every", "2")),
    "--no-page-tables": ((), ("--no-page-tables",)),
    "--death-ticks": (("--workload", "exit", "--death-ticks", "1"), ("--death-ticks", "900")),
    "--nohz": (("--nohz", "2"), ("--nohz", "3")),
    "--idle-exit": (("--workload", "exit", "--idle-exit", "5us"), ("--idle-exit", "7us")),
    "--registered": ((), ("--registered",)),
    "--deep-idle": ((), ("--deep-idle",)),
    "--tasks-per-cpu": (("--tasks-per-cpu", "2"), ("--tasks-per-cpu", "3")),
    "--switch-ticks": (("--scheme", "nonlazy"), ("--switch-ticks", "77")),
    "--batch": (("--scheme", "shootdown-batch", "--lifecycle", "powerpc"), ("--batch", "5")),
    "--think": ((), ("--think", "40")),
    "--lifetime": (("--workload", "exit"), ("--lifetime", "8")),
    "--between": (FLOOR, ("--between", "3")),
    "--inside": (FLOOR, ("--inside", "3")),
    "--delay": (FLOOR, ("--delay", "3")),
    "--lines": (("--family", "floor", "--loop", "walk"), ("--lines", "6")),
    "--rest-of-switch": ((), ("--rest-of-switch", "500")),
    "--random-think": (("--think", "40"), ("--random-think",)),
    "--window": ((), ("--window", "3us")),
    "--warm": ((), ("--warm", "200ns")),
    "--machine": ((), ("--machine", "xeon8176-8s")),
    "--seed": ((), ("--seed", "2")),
    "--scale": ((), ("--scale", "2")),
}


def test_every_condition_of_sim_is_tried_here(described):
    if command(described, "sim") is None:
        pytest.skip("this build has no sim")
    assert {one["name"] for one in command(described, "sim")["options"] if one.get("condition")} == set(CHANGED)


@pytest.mark.parametrize("option", CHANGED)
def test_what_an_option_changes_is_in_the_record(mmscale, described, option):
    if command(described, "sim") is None:
        pytest.skip("this build has no sim")
    key = next(one["record_key"] for one in command(described, "sim")["options"] if one["name"] == option)
    always, changed = CHANGED[option]
    first = {"--machine": "e5-2630v4-2s", "--workload": "idle", "--scheme": "refcount", "--cpus": "2", "--window": "2us"}
    said = []
    for more in ((), changed):
        words = dict(first)
        more = (*always, *more)
        for at, word in enumerate(more):
            if word.startswith("--"):
                words[word] = more[at + 1] if at + 1 < len(more) and not more[at + 1].startswith("--") else None
        if option == "--lifecycle":
            words["--unsafe"] = None
        flat = [text for word, value in words.items() for text in (word, value) if text is not None]
        done = mmscale("sim", *flat, "--out", "-")
        assert done.returncode == 0, done.stderr
        document = json.loads(done.stdout)
        (window,) = document["benchmarks"]
        said.append({**document["context"], **window["mmscale"]}.get(key))
    # A process that has not registered goes without saying.
    assert said[0] != said[1] and None not in (said[1:] if option == "--registered" else said), said


def test_an_option_that_no_chosen_family_uses_is_said(mmscale):
    done = mmscale("bench", "--family", "floor", "--exits", "10", "--cpus", "1", "--dry-run")
    assert done.returncode == 0
    assert "mmscale: --exits: not used by family floor; it is for mix" in done.stderr.splitlines()
    done = mmscale("bench", "--family", "switch", "--workload", "idle", "--lifetime", "8", "--cpus", "1", "--dry-run")
    assert "mmscale: --lifetime: not used by workload idle; it is for exit,exec,build,server,hotplug" in done.stderr


def test_a_folder_for_the_records_is_made(mmscale, tmp_path):
    out = tmp_path / "a" / "b" / "records.json"
    done = mmscale("bench", "--family", "floor", "--cpus", 1, "--reps", 1, "--window", "1ms", "-o", out)
    assert done.returncode in (0, 3), done.stderr
    assert json.loads(out.read_text())["benchmarks"]
