# SPDX-License-Identifier: MIT
"""Options from a file and from the environment, and --quiet: what they are worth, and that records say where they came from."""

import json
import os

import pytest
from conftest import QUICK, assert_refused

pytestmark = pytest.mark.usefixtures("needs_sim")

SIM = ("sim", "--machine", "skylake-4c", "--scheme", "refcount", "--cpus", "1")


@pytest.fixture
def config(tmp_path):
    def write(text):
        path = tmp_path / "a campaign.toml"
        path.write_text(text)
        return path

    return write


def cases(done):
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if line.startswith("switch/")]


@pytest.mark.parametrize("text", ['scheme = "refcount,refcount-packed"', "scheme = ['refcount', 'refcount-packed']", "scheme=refcount,refcount-packed", "[sim]\nscheme = 'refcount,refcount-packed' # both"])
def test_a_campaign_is_kept_as_a_file(mmscale, config, text):
    path = config(f"{text}\n[bench]\nscheme = 'refcount-rcu'\n")
    for arguments in (("sim", "--config", path), ("--config", path, "sim")):
        names = cases(mmscale(*arguments, "--machine", "skylake-4c", "--cpus", 1, "--dry-run"))
        assert {name.split("/")[2] for name in names} == {"refcount", "refcount-packed"}


# MMSCALE_CPUS: topo's takes one number.
def test_the_command_line_comes_before_the_file_and_that_before_the_environment(mmscale, config):
    path = config("scheme = 'refcount-packed'\ndry-run = true\n")
    env = {"MMSCALE_SCHEME": "refcount-rcu", "MMSCALE_CPUS": "1,2", "MMSCALE_MACHINE": "skylake-4c"}
    assert all("/refcount-packed/" in name for name in cases(mmscale("sim", "--config", path, env=env)))
    assert all("/refcount/" in name for name in cases(mmscale("sim", "--config", path, "--scheme", "refcount", env=env)))
    assert all("/refcount-rcu/" in name for name in cases(mmscale("sim", "--dry-run", env=env)))


def test_records_say_what_was_asked_for_wherever_it_stood(mmscale, config, tmp_path):
    path = config("think = 7\n")
    env = {"MMSCALE_WINDOW": "20us"}
    done = mmscale(*SIM, "--config", path, "--out", tmp_path / "a b.json", env=env)
    assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "a b.json").read_text())
    line = document["context"]["command_line"]
    assert line.startswith("MMSCALE_WINDOW='20us' ") and line.endswith(f" # {path}: think='7'")
    assert {one["mmscale"]["think_cycles"] for one in document["benchmarks"]} == {7}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("thnik = 7", "unknown argument '--thnik', did you mean '--think'?.*"),
        ("config = 'x'", "unknown argument '--config'.*"),
        ("[bnech]\nthink = 7", "section: there is no 'bnech'.*"),
        ("think = -1", "--think: '-1' is not a whole number .*"),
        ("window = 'soon'", "--window: .*'soon'.*"),
        ("unsafe = 'perhaps'", ".*unsafe.*"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_with_the_file(mmscale, config, text, complaint):
    path = config(text + "\n")
    assert_refused(mmscale(*SIM, "--config", path), 2, f"{path}: {complaint}")


def test_what_is_wrong_in_the_environment_is_named_with_the_variable(mmscale):
    assert_refused(mmscale(*SIM, env={"MMSCALE_THINK": "x"}), 2, "MMSCALE_THINK: --think: 'x' is not a whole number .*")


def test_a_file_that_is_not_there(mmscale, tmp_path):
    assert_refused(mmscale(*SIM, "--config", tmp_path / "none"), 2, "--config: .*none: cannot be read: No such file or directory")


def test_help_does_not_list_variables(mmscale):
    assert "MMSCALE_" not in mmscale("bench", "--help", env={"MMSCALE_SCHEME": "x"}).stdout


BENCH = ("bench", "--family", "floor", "--cpus", 1, "--reps", 1, *QUICK)


@pytest.mark.parametrize("arguments", [("--quiet", *BENCH), (*BENCH, "-q")])
def test_quiet_says_nothing_but_what_was_asked_for(mmscale, arguments):
    done = mmscale(*arguments)
    assert done.returncode in (0, 3) and done.stderr == ""
    assert "floor/empty" in done.stdout


def test_quiet_says_what_ends_it(mmscale):
    assert_refused(mmscale(*SIM, "--quiet", "--lifecycle", "x"), 2, ".*--lifecycle.*")


def test_paths_may_have_blanks_and_bytes_that_are_not_utf8(mmscale, tmp_path):
    path = os.fsencode(tmp_path) + b"/a \xff\n.json"
    done = mmscale(*SIM, "--out", os.fsdecode(path))
    assert (done.returncode, done.stderr) == (0, "")
    with open(path) as file:
        assert "\\xff\\n.json" in json.load(file)["context"]["command_line"]
    assert_refused(mmscale("sim", "--machine", os.fsdecode(path[:-5])), 1, r".*/a \\xff\\n: cannot be read: No such file or directory")
