# SPDX-License-Identifier: MIT
import os
import shutil

import pytest
from conftest import SCRIPTS

BOOTSTRAP = SCRIPTS / "bootstrap"
ALL_BUT_CMAKE = '[[ "${@: -1}" == cmake ]] || echo installed'
ROOT = "echo 0"
USER = "echo 1000"


def packages(run):
    return run(BOOTSTRAP, "--list", check=True).stdout.split()


def test_list_is_one_package_per_line(run):
    lines = run(BOOTSTRAP, "--list").stdout.splitlines()
    assert {"g++", "cmake", "libhwloc-dev", "python3-pytest", "clang-format"} <= set(lines)
    assert len(lines) == len(set(lines)) and not any(" " in line for line in lines)


def test_check_is_silent_when_nothing_is_missing(run, stub_path):
    done = run(BOOTSTRAP, "--check", env=stub_path({"dpkg-query": "echo installed"}))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_check_names_what_is_missing(run, stub_path):
    done = run(BOOTSTRAP, "--check", env=stub_path({"dpkg-query": ALL_BUT_CMAKE}))
    assert (done.returncode, done.stderr) == (1, "bootstrap: missing: cmake\n")


def test_a_package_that_was_removed_is_missing(run, stub_path):
    done = run(BOOTSTRAP, "--check", env=stub_path({"dpkg-query": "echo config-files"}))
    assert done.stderr.split(": ")[-1].split() == packages(run)


def test_touches_nothing_when_nothing_is_missing(run, stub_path, tmp_path):
    env = stub_path({"dpkg-query": "echo installed", "apt-get": f"touch {tmp_path}/called; exit 1"})
    done = run(BOOTSTRAP, env=env)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (tmp_path / "called").exists()


@pytest.mark.parametrize("user, through", [(ROOT, ""), (USER, "sudo ")])
def test_installs_only_what_is_missing(run, stub_path, tmp_path, user, through):
    log = tmp_path / "log"
    env = stub_path(
        {
            "dpkg-query": ALL_BUT_CMAKE,
            "id": user,
            "sudo": f'echo -n "sudo " >>{log}; exec "$@"',
            "apt-get": f'echo "$DEBIAN_FRONTEND ${{@: -1}}" >>{log}; echo chatter',
        }
    )
    done = run(BOOTSTRAP, env=env, cwd="/")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert log.read_text() == f"{through}noninteractive update\n{through}noninteractive cmake\n"


def test_shows_what_apt_said_when_it_fails(run, stub_path):
    env = stub_path({"dpkg-query": ALL_BUT_CMAKE, "id": ROOT, "apt-get": "echo E: no network; exit 100"})
    done = run(BOOTSTRAP, env=env)
    assert done.returncode == 1
    assert "E: no network" in done.stderr
    assert done.stderr.endswith("bootstrap: apt could not install: cmake\n")


@pytest.mark.parametrize(
    "programs, says",
    [
        ({}, "not a Debian system"),
        ({"dpkg-query": ALL_BUT_CMAKE, "id": ROOT}, "no apt-get here"),
        ({"dpkg-query": ALL_BUT_CMAKE, "id": USER, "apt-get": ""}, "neither root nor sudo"),
    ],
)
def test_says_what_to_install_where_it_cannot(run, stub_path, programs, says):
    done = run(BOOTSTRAP, env=stub_path(programs, only=True))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert says in done.stderr and "cmake" in done.stderr


def names(run, lists):
    return run(BOOTSTRAP, "--for", lists, "--list", check=True).stdout.split()


def test_measuring_asks_for_no_more_than_it_needs(run):
    measure, plot, test = (names(run, lists) for lists in ("measure", "plot", "test"))
    assert sorted(measure + plot + test) == sorted(packages(run))
    assert sorted(names(run, "measure,plot")) == sorted(measure + plot)
    assert not {"libgtest-dev", "clang-format", "python3-pytest", "python3-matplotlib"} & set(measure)
    # What reads the machines of the tests.
    assert "libhwloc-plugins" in test


@pytest.mark.parametrize(
    "manager, pytest_package, hwloc", [("dnf", "python3-pytest", "hwloc-devel"), ("pacman", "python-pytest", "hwloc")]
)
def test_elsewhere_names_what_is_missing_in_that_systems_words(run, stub_path, manager, pytest_package, hwloc):
    done = run(BOOTSTRAP, env=stub_path({manager: "", "pkg-config": "[[ $2 != hwloc ]]"}, only=True))
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert f"(by the names of {manager})" in done.stderr
    said = done.stderr.split()
    # Once each, and nothing that is there.
    assert said.count(hwloc) == 1 and "numactl" not in done.stderr
    assert (pytest_package in said) == (run("/usr/bin/python3", "-c", "import pytest").returncode != 0)


def test_elsewhere_all_that_is_there_is_enough(run, stub_path):
    there = {"pkg-config": "", "c++": "", "cmake": "", "g++": "", "ninja": "", "git": ""}
    done = run(BOOTSTRAP, "--for", "measure", env=stub_path(there, only=True))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("lists", ["", "all", "measure,", "measure plot"])
def test_wrong_lists(run, lists):
    done = run(BOOTSTRAP, "--for", lists)
    assert done.returncode == 2 and "measure,plot,test" in done.stderr


def test_wrong_usage(run):
    assert run(BOOTSTRAP, "--nonsense").returncode == 2


@pytest.mark.parametrize("name", ["bootstrap", "cleanroom", "dist", "run", "test", "plot"])
def test_every_script_has_help(run, name):
    assert os.access(SCRIPTS / name, os.X_OK)
    done = run(SCRIPTS / name, "--help", cwd="/")
    assert done.returncode == 0
    assert done.stdout.lower().startswith("usage: ") and "exit status" in done.stdout.lower()
    assert done.stderr == ""


@pytest.fixture
def checkout(tmp_path):
    """The script in a tree of its own, with what says which modules the browser tests need."""
    root = tmp_path / "checkout"
    for name in ("scripts/bootstrap", "scripts/lib/common.sh"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SCRIPTS.parent / name, root / name)
    shutil.copytree(SCRIPTS.parent / "tests/scripts/browser", root / "tests/scripts/browser")
    return root


def test_browser_installs_modules_once(run, stub_path, tmp_path, checkout):
    npm = f'echo "$@" >>{tmp_path}/log; mkdir -p "$3/node_modules/playwright-core"'
    env = stub_path({"dpkg-query": "echo installed", "chromium": "", "node": "", "npm": npm})
    for _ in range(2):
        done = run(checkout / "scripts/bootstrap", "--browser", env=env)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (call,) = (tmp_path / "log").read_text().splitlines()
    assert call.startswith(f"ci --prefix {checkout}/build/browser ")


def test_browser_says_when_npm_fails_and_tries_again(run, stub_path, tmp_path, checkout):
    npm = f'echo "$@" >>{tmp_path}/log; mkdir -p "$3/node_modules/playwright-core"; exit 1'
    env = stub_path({"dpkg-query": "echo installed", "chromium": "", "node": "", "npm": npm})
    for _ in range(2):
        done = run(checkout / "scripts/bootstrap", "--browser", env=env)
        assert done.returncode == 1 and done.stderr.count("\n") == 1 and "playwright-core" in done.stderr
    assert len((tmp_path / "log").read_text().splitlines()) == 2


@pytest.mark.parametrize("asked, package", [("--fleet", "slurm-wlm"), ("--cross", "g++-riscv64-linux-gnu")])
def test_what_few_need_is_installed_only_on_request(run, stub_path, tmp_path, asked, package):
    log = tmp_path / "log"
    lacks_one = f'[[ "${{@: -1}}" == {package} ]] || echo installed'
    env = stub_path({"dpkg-query": lacks_one, "id": ROOT, "apt-get": f'echo "${{@: -1}}" >>{log}'})
    assert run(BOOTSTRAP, env=env).returncode == 0 and not log.exists()
    assert run(BOOTSTRAP, asked, env=env).returncode == 0
    assert log.read_text() == f"update\n{package}\n"
