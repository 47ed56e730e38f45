# SPDX-License-Identifier: MIT
"""What scripts/cleanroom and scripts/dist say where they cannot do their work. The work itself takes a network and
minutes: .ci/run does it."""

import re
import shutil

import pytest
from conftest import SCRIPTS

CLEANROOM = SCRIPTS / "cleanroom"
# Makes a root, and enters none.
STUBS = {"mmdebstrap": 'mkdir -p "${@: -2:1}"/etc', "id": "echo 0", "git": "exit 0", "unshare": '[[ ${*: -1} == true ]]'}


@pytest.mark.parametrize(
    ("programs", "why"),
    [
        ({}, "mmdebstrap is not installed (scripts/bootstrap --for test installs it)"),
        ({"mmdebstrap": "", "id": "echo 1000"}, "neither root nor sudo, which a root of its own needs"),
        ({**STUBS, "unshare": "exit 1"}, "no namespaces of its own may be made here"),
        ({**STUBS, "git": "exit 128"}, f"{SCRIPTS.parent} is no git checkout"),
    ],
)
def test_what_cannot_be_tried_is_no_failure(run, stub_path, programs, why):
    done = run(CLEANROOM, env=stub_path(programs, only=True))
    assert (done.returncode, done.stdout) == (3, f"cleanroom bookworm: not tried: {why}\n")


def test_a_root_that_cannot_be_made_leaves_nothing(run, stub_path, tmp_path):
    env = stub_path({**STUBS, "mmdebstrap": "echo E: no network >&2; exit 1"})
    done = run(CLEANROOM, "--short", "--suite", "trixie", env={**env, "TMPDIR": str(tmp_path)})
    assert done.returncode == 3 and "E: no network" in done.stderr
    assert done.stdout.splitlines()[-1].startswith("cleanroom trixie: not tried: mmdebstrap cannot make a root from http")
    assert not list(tmp_path.glob("mmscale-cleanroom-*"))


@pytest.mark.parametrize(("arguments", "first"), [((), "run"), (("--short",), "install")])
def test_what_failed_inside_is_in_the_last_line(run, stub_path, tmp_path, arguments, first):
    done = run(CLEANROOM, *arguments, env={**stub_path(STUBS), "TMPDIR": str(tmp_path)})
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith(f"cleanroom bookworm: FAILED: {first} (before it: root ")
    assert not list(tmp_path.glob("mmscale-cleanroom-*"))


def test_all_steps_and_their_times_are_in_the_last_line(run, stub_path, tmp_path):
    done = run(CLEANROOM, env={**stub_path({**STUBS, "unshare": "exit 0"}), "TMPDIR": str(tmp_path)})
    assert done.returncode == 0
    steps = ", ".join(rf"{name} \d+ s" for name in ("root", "copy", "run", "test"))
    assert re.fullmatch(rf"cleanroom bookworm: OK \({steps}\)", done.stdout.splitlines()[-1])


def test_keeps_nothing_over_what_is_there(run, stub_path, tmp_path):
    done = run(CLEANROOM, "--keep", tmp_path, env=stub_path(STUBS))
    assert done.returncode == 2 and "exists" in done.stderr


@pytest.mark.parametrize("script", ["cleanroom", "dist"])
@pytest.mark.parametrize("arguments", [("--nonsense",), ("--keep",), ("--out",)])
def test_wrong_usage(run, script, arguments):
    done = run(SCRIPTS / script, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"{script}: ") and done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("cleanroom", "test", "cross", "status"),
    [(0, 0, 0, 0), (3, 0, 0, 0), (1, 0, 0, 1), (0, 1, 0, 1), (3, 1, 0, 1), (0, 0, 1, 1)],
)
def test_continuous_integration_fails_by_what_was_tried(run, stub_path, tmp_path, cleanroom, test, cross, status):
    (tmp_path / "scripts").mkdir()
    shutil.copytree(SCRIPTS.parent / ".ci", tmp_path / ".ci")
    does = {"bootstrap": "", "cleanroom": f"exit {cleanroom}", "test": f"echo tested; exit {test}", "cross": f"exit {cross}"}
    for name, text in does.items():
        (tmp_path / "scripts" / name).write_text(f"#!/bin/bash\n{text}\n")
        (tmp_path / "scripts" / name).chmod(0o755)
    done = run(tmp_path / ".ci/run", env=stub_path({"aarch64-linux-gnu-g++": ""}))
    assert done.returncode == status and done.stdout.startswith("tested\n")


def test_an_archive_of_the_tree_knows_its_revision(run, tmp_path):
    head = run("git", "-C", SCRIPTS.parent, "rev-parse", "HEAD")
    if head.returncode != 0:
        pytest.skip("no git checkout")
    (tmp_path / "tree").mkdir()
    pack = 'git -C "$1" archive HEAD cmake | tar -x -C "$2"'
    assert run("bash", "-c", pack, "bash", SCRIPTS.parent, tmp_path / "tree").returncode == 0
    header = tmp_path / "revision.h"
    script = tmp_path / "tree/cmake/write_revision.cmake"
    done = run("cmake", f"-DSOURCE_DIR={tmp_path}/tree", "-DVERSION=1", f"-DOUTPUT={header}", "-P", script)
    assert done.returncode == 0, done.stderr
    assert f'"{head.stdout[:12]}"' in header.read_text()
