# SPDX-License-Identifier: MIT
"""The manual's pages and the shells' completions: nothing that `mmscale describe --json` says is missing in them."""

import json
import pathlib
import shutil
import subprocess

import pytest

README = pathlib.Path(__file__).resolve().parents[2] / "README.md"
BASH = """source "$1"
COMP_WORDS=({words})
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_mmscale
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture(scope="module")
def described(mmscale):
    return json.loads(mmscale("describe", "--json").stdout)


@pytest.fixture(scope="module")
def complete(mmscale, tmp_path_factory):
    """What a shell offers at the end of a command line: complete(shell, line)."""
    folder = tmp_path_factory.mktemp("completion")

    def call(shell, line):
        if shutil.which(shell) is None:
            pytest.skip(f"{shell} is not installed")
        script = folder / shell
        if not script.exists():
            script.write_text(mmscale("describe", "--completion", shell).stdout)
        if shell == "bash":
            # As readline's word breaks take it apart.
            words = " ".join(f"'{word}'" for word in line.replace("=", " = ").split(" ") if word or line.endswith((" ", "=")))
            command = ["bash", "-c", BASH.format(words=words), "bash", script]
        elif shell == "fish":
            command = ["fish", "--no-config", "-c", f"source {script}; complete -C '{line}'"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=folder)
        assert done.stderr == ""
        return {one.split("\t")[0] for one in done.stdout.splitlines()}

    return call


def test_readme_has_a_row_for_every_command(described):
    rows = [line for line in README.read_text().splitlines() if line.startswith("| `mmscale ")]
    named = {row.removeprefix("| `mmscale ").split("`")[0].split(" ")[0] for row in rows}
    assert {command["name"] for command in described["commands"]} <= named


@pytest.fixture(scope="module")
def pages(mmscale, tmp_path_factory):
    folder = tmp_path_factory.mktemp("a folder") / "man"
    done = mmscale("describe", "--man", folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return {path.name: path for path in folder.iterdir()}


def plain(page):
    return page.read_text().replace("\\-", "-").replace("\\e", "\\").replace("\\fB", "").replace("\\fR", "").replace("\\fI", "")


def test_every_command_has_a_page_with_all_of_its_options(described, pages):
    assert set(pages) == {"mmscale.1"} | {f"mmscale-{command['name']}.1" for command in described["commands"]}
    first = plain(pages["mmscale.1"])
    for command in described["commands"]:
        page = plain(pages[f"mmscale-{command['name']}.1"])
        assert f"mmscale-{command['name']} (1)" in first and command["what"] in page
        for positional in command["positionals"]:
            assert positional["help"] in page
        for option in command["options"]:
            assert option["help"] in page, option["name"]
            assert all(name in page for name in option["names"] + (option["choices"] or []))


def test_pages_are_what_man_can_read(pages):
    if shutil.which("man") is None:
        pytest.skip("man is not installed")
    for path in pages.values():
        done = subprocess.run(
            ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", path], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        assert (done.returncode, done.stderr) == (0, ""), path.name


@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_shells_complete_commands_options_and_values(described, complete, shell):
    commands = {command["name"] for command in described["commands"]}
    assert commands <= complete(shell, "mmscale ")
    for command in described["commands"]:
        offered = complete(shell, f"mmscale {command['name']} --")
        assert {name for option in command["options"] for name in option["names"] if name.startswith("--")} <= offered
    for option in next(one for one in described["commands"] if one["name"] == "bench")["options"]:
        if option["choices"]:
            assert set(option["choices"]) <= complete(shell, f"mmscale bench {option['name']} "), option["name"]


@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_each_name_of_a_list_is_completed(complete, shell):
    assert "refcount,hazptr" in complete(shell, "mmscale bench --scheme refcount,ha")
    assert complete(shell, "mmscale bench --lifecycle power") == {"powerpc", "powerpc-hash"}


def test_bash_completes_after_an_equals_sign(complete, needs_sim):
    assert "hazptr" in complete("bash", "mmscale bench --scheme=haz")
    assert "power8-16s" in complete("bash", "mmscale sim --machine=")


def test_files_are_completed(complete, needs_sim, tmp_path_factory):
    folder = next(path for path in tmp_path_factory.getbasetemp().glob("completion*"))
    (folder / "of mine.json").touch()
    assert "of mine.json" in complete("bash", "mmscale sim --machine of")
    assert "of mine.json" in complete("bash", "mmscale replay of")


def test_zsh_knows_every_option_and_value(mmscale, described, tmp_path):
    script = tmp_path / "_mmscale"
    script.write_text(mmscale("describe", "--completion", "zsh").stdout)
    text = script.read_text()
    for command in described["commands"]:
        part = text.split(f"\n    ({command['name']})\n")[1].split(" ;;\n")[0]
        for option in command["options"]:
            assert all(f"'{name}" in part for name in option["names"]), option["name"]
            assert not option["choices"] or " ".join(option["choices"]) in part
    if shutil.which("zsh") is None:
        pytest.skip("zsh is not installed")
    # Real completion takes a terminal: what zsh itself makes of each specification is looked at instead.
    check = f"autoload -U compinit; compinit -u -D; source {script}; (($+functions[_mmscale])) && [[ $_comps[mmscale] == _mmscale ]]"
    done = subprocess.run(["zsh", "-f", "-c", check], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_unknown_shell_is_named(mmscale):
    done = mmscale("describe", "--completion", "csh")
    assert done.returncode == 2 and "bash, zsh, fish" in done.stderr
