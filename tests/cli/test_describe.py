# SPDX-License-Identifier: MIT
"""`mmscale describe`, and that what it says of options is so: a condition's value is in the record under its key."""

import json
import sys

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "scripts" / "lib"))

from families.registry import OWN_RESULTS  # noqa: E402
from records import conditions  # noqa: E402
from records.schema import with_options  # noqa: E402


@pytest.fixture(scope="module")
def described(mmscale):
    done = mmscale("describe", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def schema():
    return json.loads((ROOT / "schema/record.schema.json").read_text())["$defs"]["mmscale"]["properties"]


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
            assert "most" not in option or option["value"] in ("count", "number"), (one["name"], option["name"])


def test_whatever_a_schema_has_comes_from_an_option_or_is_no_condition(described, needs_sim):
    """An option that the schema lacks, or a key that no option sets, is missing in one of the two."""
    set_by_options = {option.get("record_key") for one in described["commands"] for option in one["options"]}
    unexplained = set(schema()) - set_by_options - conditions.RESULTS - conditions.IDENTITY - OWN_RESULTS
    assert not unexplained


def test_the_schema_says_of_options_what_their_definitions_do(described, needs_sim):
    text = (ROOT / "schema/record.schema.json").read_text()
    assert text == with_options(text, described), "scripts/record-schema writes it"


# Of the options of `sim` that are a condition, those whose values are more than any number, choice or yes: what has to be
# simulated for it to matter, and what it is changed to.
CHANGED = {
    "--home": ((), ("--home", "1")),
    "--lifecycle": (("--unsafe",), ("--lifecycle", "x86-2017")),
    "--switch-ticks": (("--scheme", "nonlazy"), ("--switch-ticks", "77")),
    "--batch": (("--scheme", "shootdown-batch", "--lifecycle", "powerpc"), ("--batch", "5")),
    "--lines": (("--family", "floor", "--loop", "walk"), ("--lines", "6")),
    "--rest-of-switch": ((), ("--rest-of-switch", "500")),
    "--random-think": (("--think", "40"), ("--random-think",)),
    "--machine": ((), ("--machine", "xeon8176-8s")),
}


def change(option):
    """The same of any other option, by its definition."""
    name, value = option["name"], option["value"]
    always = ("--family", option["families"][0]) if option["families"] else ()
    always += ("--loop", "incdec") if always == ("--family", "floor") else ()
    always += ("--workload", option["workloads"][0]) if option["workloads"] else ()
    if value == "flag":
        return always, (name,)
    one, other = {"duration": ("1us", "2us"), "name": (option["choices"] or [])[:2]}.get(
        value, [f"{option['least'] + more:g}" for more in (2, 4)] if "least" in option else ()
    )
    return (*always, name, one), (name, other)


def test_what_an_option_changes_is_in_the_record(mmscale, described):
    if command(described, "sim") is None:
        pytest.skip("this build has no sim")
    for option in command(described, "sim")["options"]:
        if option.get("condition"):
            check_record(mmscale, option, *(CHANGED.get(option["name"]) or change(option)))


def check_record(mmscale, option, always, changed):
    first = {"--machine": "e5-2630v4-2s", "--workload": "idle", "--scheme": "refcount", "--cpus": "2", "--window": "2us"}
    said = []
    for more in ((), changed):
        words = dict(first)
        more = (*always, *more)
        for at, word in enumerate(more):
            if word.startswith("--"):
                words[word] = more[at + 1] if at + 1 < len(more) and not more[at + 1].startswith("--") else None
        flat = [text for word, value in words.items() for text in (word, value) if text is not None]
        done = mmscale("sim", *flat, "--out", "-")
        assert done.returncode == 0, done.stderr
        document = json.loads(done.stdout)
        (window,) = document["benchmarks"]
        said.append({**document["context"], **window["mmscale"]}.get(option["record_key"]))
    # What the schema knows as true alone goes without saying where it is not.
    goes_without = schema().get(option["record_key"], {}).get("enum") == [True]
    assert said[0] != said[1] and None not in said[goes_without:], (option["name"], said)


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
