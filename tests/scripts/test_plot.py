# SPDX-License-Identifier: MIT
import xml.etree.ElementTree as ElementTree

import pytest
from conftest import DATA, SCRIPTS

PLOT = SCRIPTS / "plot"
FILES = {
    "table.txt",
    *(f"switch-idle-all-compact-{what}.{form}" for what in ("switches", "ns") for form in ("png", "svg")),
}


def test_writes_everything_and_prints_the_table(run, tmp_path):
    done = run(PLOT, "host-2cpu.json", "-o", tmp_path, cwd=DATA)
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.name for path in tmp_path.iterdir()} == FILES
    assert done.stdout == (tmp_path / "table.txt").read_text() == (DATA / "host-2cpu.table.txt").read_text()
    for path in tmp_path.iterdir():
        if path.suffix == ".png":
            assert path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size > 10_000
        if path.suffix == ".svg":
            assert ElementTree.parse(path).getroot().tag.endswith("svg") and path.stat().st_size > 10_000


def test_same_records_same_svg(run, tmp_path):
    texts = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        run(PLOT, DATA / "host-2cpu.json", "-o", tmp_path / name, check=True)
        texts.append((tmp_path / name / "switch-idle-all-compact-ns.svg").read_text())
    assert texts[0] == texts[1]


def test_names_that_are_no_file_names(run, edited, tmp_path):
    def rename(document):
        for entry in document["benchmarks"]:
            if "mmscale" in entry:
                entry["mmscale"]["placement"] = "list:0/1"

    path = edited("host-2cpu.json", rename)
    (tmp_path / "out").mkdir()
    assert run(PLOT, path, "-o", tmp_path / "out").returncode == 0
    assert (tmp_path / "out" / "switch-idle-all-list%3A0%2F1-ns.png").exists()


def broken(kind, folder):
    path = folder / "records.json"
    whole = (DATA / "host-2cpu.json").read_text()
    if kind == "half-written":
        path.write_text(whole[: len(whole) // 2])
    elif kind == "empty":
        path.write_text("")
    elif kind == "binary":
        path.write_bytes(b"\x89PNG\xff\xfe\x00")
    elif kind == "list":
        path.write_text("[1, 2]")
    elif kind == "foreign":
        path.write_text('{"results": []}')
    elif kind == "foreign benchmark":
        path.write_text('{"context": {}, "benchmarks": [{"name": "BM_sort/8", "run_type": "iteration"}]}')
    elif kind == "no benchmarks":
        path.write_text('{"context": {}, "benchmarks": []}')
    elif kind == "nameless":
        path.write_text('{"context": {}, "benchmarks": [{}]}')
    elif kind == "no identity":
        path.write_text('{"context": {}, "benchmarks": [{"name": "switch/idle", "valid": 1.0}]}')
    elif kind == "folder":
        path.mkdir()
    return path


@pytest.mark.parametrize(
    "kind, says",
    [
        ("missing", "No such file"),
        ("folder", "Is a directory"),
        ("half-written", "half-written"),
        ("empty", "half-written"),
        ("binary", "not text"),
        ("list", "Google Benchmark's form"),
        ("foreign", "Google Benchmark's form"),
        ("foreign benchmark", "no switch records"),
        ("no benchmarks", "no switch records"),
        ("nameless", "record 0 is not mmscale's (no 'name')"),
        ("no identity", "record 0 is not mmscale's (no 'workload')"),
    ],
)
def test_a_file_that_cannot_be_used(run, tmp_path, kind, says):
    path = broken(kind, tmp_path)
    done = run(PLOT, path, "-o", tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"plot: {path}: ") and says in done.stderr


def test_a_folder_that_cannot_be_made(run, tmp_path):
    (tmp_path / "file").touch()
    for where, why in ((tmp_path / "file", "no folder"), (tmp_path / "file" / "below", "Not a directory")):
        done = run(PLOT, DATA / "host-2cpu.json", "-o", where)
        assert (done.returncode, done.stderr) == (1, f"plot: {where}: {why}\n")


def test_wrong_usage(run):
    assert run(PLOT).returncode == 2


def test_compare_py_reads_the_records(run):
    compare = "/usr/share/benchmark/compare.py"
    done = run("/usr/bin/python3", compare, "benchmarks", DATA / "host-2cpu.json", DATA / "host-2cpu.json")
    assert done.returncode == 0, done.stderr
    assert "switch/idle/refcount/all/compact/cpus:2_pvalue" in done.stdout
