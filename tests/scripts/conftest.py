# SPDX-License-Identifier: MIT
"""What the tests of the scripts share: where things are, running a script, changing a record file."""

import importlib.machinery
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts"
DATA = Path(__file__).resolve().parent / "data"

sys.path.insert(0, str(SCRIPTS / "lib"))

import command  # noqa: E402


@pytest.fixture
def run():
    """Runs a command to its end: run(path, *arguments, **options of subprocess.run); output as text."""

    def call(*command, **options):
        return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120, **options)

    return call


@pytest.fixture
def in_process(monkeypatch, capsys):
    """As run, for a script in Python and without options: in this process, which takes a fraction of the time of a
    new one."""
    modules = {}

    def call(path, *arguments):
        if path not in modules:
            loader = importlib.machinery.SourceFileLoader(Path(path).name, str(path))
            modules[path] = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
            loader.exec_module(modules[path])
        monkeypatch.setattr(sys, "argv", [str(path), *map(str, arguments)])
        status, message = 0, ""
        try:
            status = command.attempt(modules[path].main)
        except SystemExit as end:
            status, message = (1, f"{end.code}\n") if isinstance(end.code, str) else (end.code, "")
        told = capsys.readouterr()
        return subprocess.CompletedProcess(sys.argv, status, told.out, told.err + message)

    return call


@pytest.fixture
def recorded(tmp_path):
    """Writes made entries into a file and reads it. What is drawn of them is forgotten afterwards."""
    import made
    from matplotlib import pyplot
    from records.reading import read

    yield lambda *lists, **context: read([made.write(tmp_path / "a.json", *lists, **context)])
    pyplot.close("all")


@pytest.fixture
def edited(tmp_path):
    """Writes a copy of a fixture file, changed by a function on its document, and returns the path of the copy."""

    def write(name, change, copy="edited.json"):
        document = json.loads((DATA / name).read_text())
        change(document)
        path = tmp_path / copy
        path.write_text(json.dumps(document))
        return path

    return write


@pytest.fixture
def stub_path(tmp_path):
    """Puts stand-ins for programs first on a PATH: stub_path({name: bash text}, only=False) returns the environment to
    run with. With only=True nothing else is on the PATH but what a script needs of coreutils."""

    def make(programs, only=False):
        folder = tmp_path / "stubs"
        folder.mkdir(exist_ok=True)
        for name, text in programs.items():
            (folder / name).write_text(f"#!/bin/bash\n{text}\n")
            (folder / name).chmod(0o755)
        if only:
            for name in ("bash", "env", "dirname", "basename", "mktemp", "rm", "cat", "awk"):
                if not (folder / name).exists():
                    (folder / name).symlink_to(f"/usr/bin/{name}")
            return {**os.environ, "PATH": str(folder)}
        return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}

    return make
