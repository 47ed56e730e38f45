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
# Real completion takes a terminal: what would be shown is printed instead.
ZSH = """autoload -U compinit; compinit -u -D; source "$1"
(($+functions[_mmscale])) && [[ $_comps[mmscale] == _mmscale ]] || print not defined
_describe() {{ print -l -- "${{(@P)2}}" }}
_files() {{ print -l -- * }}
words=({words})
CURRENT=${{#words}}
_mmscale
"""
SHELLS = pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])


@pytest.fixture(scope="module")
def described(mmscale):
    return json.loads(mmscale("describe", "--json").stdout)


@pytest.fixture(scope="module")
def complete(mmscale, binary, environment, tmp_path_factory):
    """What a shell offers at the end of a command line: complete(shell, line)."""
    folder = tmp_path_factory.mktemp("completion")
    path = {"PATH": f"{pathlib.Path(binary).parent}:{environment['PATH']}", "HOME": str(folder)}
    (folder / "mmscale").symlink_to(binary)

    def call(shell, line):
        if shutil.which(shell) is None:
            pytest.skip(f"{shell} is not installed")
        script = folder / shell
        if not script.exists():
            script.write_text(mmscale("describe", "--completion", shell).stdout)
        # As readline's word breaks take it apart.
        words = line.replace("=", " = ") if shell == "bash" else line
        words = " ".join(f"'{word}'" for word in words.split(" ") if word or line.endswith((" ", "=")))
        command = {
            "bash": ["bash", "-c", BASH.format(words=words), "bash", script],
            "zsh": ["zsh", "-f", "-c", ZSH.format(words=words), "zsh", script],
            "fish": ["fish", "--no-config", "-c", f"source {script}; complete -C '{line}'"],
        }[shell]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=folder, env=environment | path)
        assert done.stderr == ""
        return {one.split("\t")[0].split(":")[0] for one in done.stdout.splitlines() if one}

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


@SHELLS
def test_shells_complete_commands_options_and_values(described, complete, shell):
    commands = {command["name"] for command in described["commands"]}
    assert commands <= complete(shell, "mmscale ")
    for command in described["commands"]:
        offered = complete(shell, f"mmscale {command['name']} --")
        assert {name for option in command["options"] for name in option["names"] if name.startswith("--")} <= offered
    for option in next(one for one in described["commands"] if one["name"] == "bench")["options"]:
        if option["choices"]:
            assert set(option["choices"]) <= complete(shell, f"mmscale bench {option['name']} "), option["name"]


@SHELLS
def test_each_name_of_a_list_is_completed(complete, shell):
    assert "refcount,hazptr" in complete(shell, "mmscale bench --scheme refcount,ha")
    assert complete(shell, "mmscale bench --lifecycle power") == {"powerpc", "powerpc-hash"}


@SHELLS
def test_values_are_completed_after_an_equals_sign(complete, needs_sim, shell):
    kept = {"bash": ""}
    assert kept.get(shell, "--scheme=") + "hazptr" in complete(shell, "mmscale bench --scheme=haz")
    assert kept.get(shell, "--machine=") + "power8-16s" in complete(shell, "mmscale sim --machine=")


@SHELLS
def test_files_are_completed(complete, needs_sim, tmp_path_factory, shell):
    folder = next(path for path in tmp_path_factory.getbasetemp().glob("completion*"))
    (folder / "of mine.json").touch()
    for line in ("mmscale sim --machine of", "mmscale replay of"):
        assert {one.replace("\\", "") for one in complete(shell, line)} >= {"of mine.json"}
    assert not any("mine" in one for one in complete(shell, "mmscale bench --scheme of"))


@SHELLS
def test_what_is_offered_is_what_fits(complete, shell):
    assert complete(shell, "mmscale nobody ") == complete(shell, "mmscale bench --window ") == set()
    assert complete(shell, "mmscale be") == complete(shell, "~/mmscale be") == {"bench"}


def test_candidates_say_what_they_mean(mmscale, described):
    said = dict(line.split("\t") for line in mmscale("describe", "--complete", "--", "").stdout.splitlines())
    assert said == {one["name"]: one["what"] for one in described["commands"]} | {
        name: option["help"] for option in described["options"] for name in option["names"]
    }


def test_candidates_are_written_into_no_file(mmscale, tmp_path):
    (kept := tmp_path / "records.json").write_text("of hours")
    variables = {"MMSCALE_OUT": str(kept), "MMSCALE_MAN": str(tmp_path / "man"), "MMSCALE_COMPLETION": "bash"}
    assert mmscale("describe", "--complete", "--", "ben", env=variables).stdout.startswith("bench\t")
    assert kept.read_text() == "of hours" and list(tmp_path.iterdir()) == [kept]


def test_words_are_for_candidates_alone(mmscale):
    done = mmscale("describe", "jsn")
    assert done.returncode == 2 and "unknown argument 'jsn'" in done.stderr and done.stdout == ""


def test_an_unknown_shell_is_named(mmscale):
    done = mmscale("describe", "--completion", "csh")
    assert done.returncode == 2 and "bash, zsh, fish" in done.stderr
