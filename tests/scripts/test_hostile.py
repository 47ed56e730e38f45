# SPDX-License-Identifier: MIT
"""Files that nobody wrote with mmscale, and interrupts: one line, status 1 or 130, whatever it is."""

import gzip
import json
import math
import os
import re
import resource
import signal
import subprocess
import sys
import time

import pytest
from conftest import DATA, SCRIPTS

from command import Problem
from records import document
from records.document import MOST_TEXT
from records.reading import load, read
from records.window import number as number_of

TWO = "host-2cpu.json"


def text_of(change):
    """host-2cpu.json as text, after change has been at it."""
    document = json.loads((DATA / TWO).read_text())
    change(document)
    return json.dumps(document)


def context(**values):
    return text_of(lambda document: document["context"].update(values))


def entry(**values):
    return text_of(lambda document: document["benchmarks"][0].update(values))


def ours(**values):
    return text_of(lambda document: document["benchmarks"][0]["mmscale"].update(values))


HOSTILE = {
    "deep": "[" * 100_000,
    "deep in a context": context(kernel="K").replace('"K"', "[" * 1000 + "]" * 1000),
    "long integer": context(kernel="K").replace('"K"', "9" * 4300),
    "large integer": entry(cpus=1).replace('"cpus": 1,', '"cpus": 99999999999999999999,', 1),
    "endless": entry(cpus=7777).replace("7777", "1e999"),
    "Infinity": entry(cpus=7777).replace("7777", "Infinity"),
    "half a pair": context(cpu_model="K").replace('"K"', '"\\ud800"'),
    "half a pair as a name": context(K="x").replace('"K"', '"\\udfff"'),
    "long text": context(cpu_model="x" * 200_000),
    "schema list": context(mmscale_schema=[]),
    "schema dict": context(mmscale_schema={}),
    "benchmarks of text": text_of(lambda document: document.update(benchmarks=["x"])),
    "scheme list": ours(scheme=[]),
    "lifecycle dict": ours(lifecycle={}),
    "transport list": ours(transport=["x"]),
    "per_cpu text": ours(per_cpu="x"),
    "packages of text": ours(packages=["x"]),
    "no cpus": ours(cpus=0),
    "text in window_ns": entry(window_ns="x"),
    "text in cpus": entry(cpus="x"),
    "name a number": entry(name=5),
    "run_type list": entry(run_type=[]),
    "mmscale text": entry(mmscale="x"),
    "invalid text": ours(invalid="x"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_the_reader_says_where_it_is(tmp_path, name):
    path = tmp_path / "hostile.json"
    path.write_text(HOSTILE[name])
    with pytest.raises(Problem) as caught:
        load(path)
    said = str(caught.value)
    assert said.startswith(f"{path}: ")
    assert said.isprintable() and len(said) < 400


def packed(text, cut=0):
    data = gzip.compress(text.encode())
    return data[: len(data) - cut]


def test_records_that_gzip_packed_are_read(tmp_path):
    path = tmp_path / "records.json.gz"
    head, tail = (DATA / TWO).read_text()[:1000], (DATA / TWO).read_text()[1000:]
    path.write_bytes(packed(head) + packed(tail))
    assert len(read([path]).switches) == len(read([DATA / TWO]).switches)


@pytest.mark.parametrize(
    "data, what",
    [
        (packed("{}", cut=3), "ends in the middle"),
        (packed("{}") + b"{}", "something follows"),
        (packed("{}")[:10] + b"\xff" * 8, "gzip cannot unpack it"),
        (packed("[" * 100_000), "nested too deeply"),
        (gzip.compress(bytes(2 << 20)), "more than 1 MiB"),
    ],
    ids=["cut", "more", "damaged", "deep", "bomb"],
)
def test_what_gzip_packed_has_bounds(tmp_path, monkeypatch, data, what):
    monkeypatch.setattr(document, "MOST_BYTES", 1 << 20)
    path = tmp_path / "records.json.gz"
    path.write_bytes(data)
    with pytest.raises(Problem, match=what) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_the_longest_text_is_read(tmp_path):
    path = tmp_path / "long.json"
    path.write_text(context(command_line="x" * MOST_TEXT))
    assert len(read([path]).switches) > 0


def test_validate_names_every_one_of_them(in_process, tmp_path):
    paths = []
    for number, text in enumerate(HOSTILE.values()):
        paths.append(tmp_path / f"{number}.json")
        paths[-1].write_text(text)
    done = in_process(SCRIPTS / "validate", *paths)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    for path in paths:
        assert f"validate: {path}: " in done.stderr


def test_fleet_gathers_the_rest(in_process, tmp_path):
    nodes = tmp_path / "nodes"
    nodes.mkdir()
    names = []
    for number, text in enumerate([(DATA / TWO).read_text(), *HOSTILE.values()]):
        names.append(f"n{number}")
        (nodes / f"n{number}.json").write_text(text)
        (nodes / f"n{number}.status").write_text("0")
    (tmp_path / "nodes.txt").write_text("\n".join(names))
    done = in_process(SCRIPTS / "fleet", "-o", tmp_path, "--gather")
    assert "Traceback" not in done.stderr
    for name in names[1:]:
        assert f"{nodes / name}.json: " in done.stderr
    assert str(tmp_path / "fleet.sqlite") in done.stdout
    assert str(tmp_path / "report.html") in done.stdout


def test_an_error_that_nobody_thought_of_is_one_line(in_process, tmp_path):
    path = tmp_path / "script"
    path.write_text("def main():\n    raise ZeroDivisionError('two\\nlines')\n")
    done = in_process(path)
    assert done.returncode == 1
    assert done.stderr.startswith("script: ZeroDivisionError: two lines (script, line 2)")
    assert done.stderr.count("\n") == 1


# While modules load, too: each later than the one before.
@pytest.mark.parametrize("after", [0.1, 0.25, 0.5])
def test_an_interrupt_is_status_130_without_a_word(tmp_path, after):
    script = "import sys, time; sys.path.insert(0, sys.argv[1]); import command; print(flush=True); " \
             "import pandas, matplotlib; command.run(lambda: time.sleep(60))"
    child = subprocess.Popen([sys.executable, "-c", script, str(SCRIPTS / "lib")], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
    child.stdout.readline()
    time.sleep(after)
    child.send_signal(signal.SIGINT)
    assert child.wait(60) == 130
    assert child.stderr.read() == b""


def test_a_pipe_that_nobody_writes_is_empty(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Problem, match="pipe: empty"):
        load(tmp_path / "pipe")
    with pytest.raises(Problem, match="/dev/zero: no file"):
        load("/dev/zero")


def test_a_pipe_is_read():
    done = subprocess.run(["bash", "-c", f'"$0" <(cat {DATA / "schema-1.json"})', SCRIPTS / "validate"], capture_output=True, text=True)
    assert (done.returncode, "schema 1, 18 windows" in done.stdout) == (0, True), done.stderr


@pytest.mark.parametrize("script", ["compare", "fit", "report"])
def test_a_link_to_itself(in_process, tmp_path, script):
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    done = in_process(SCRIPTS / script, loop, *([DATA / TWO] if script == "compare" else ["-o", tmp_path]))
    assert (done.returncode, done.stderr) == (1, f"{script}: {loop}: Too many levels of symbolic links\n")


@pytest.mark.parametrize("value", [1e-300, -1e-300, 1e300, 10**300, float("inf"), float("nan"), "1", None])
def test_what_nothing_measures_is_no_number(value):
    """Ratios and products of such numbers, and axes that reach them, would be infinite."""
    assert math.isnan(number_of(value))


@pytest.mark.parametrize("value", [0, 1, -1, 1e-12, 2**64, 1e18])
def test_what_something_measures_is_one(value):
    assert number_of(value) == value


def test_what_is_written_is_whole_or_as_it_was(tmp_path):
    """A disk that is full, as a limit of the file's size is."""
    page = tmp_path / "report.html"
    page.write_text("old")
    done = subprocess.run([SCRIPTS / "report", "-o", tmp_path, DATA / TWO], capture_output=True, text=True,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)))  # fmt: skip
    assert (done.returncode, done.stderr) == (1, f"report: {page}: File too large\n")
    assert page.read_text() == "old"
    assert os.listdir(tmp_path) == ["report.html"]


def test_a_name_that_is_no_text(tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff.json"
    with open(path, "wb") as file:
        file.write((DATA / TWO).read_bytes())
    done = subprocess.run([SCRIPTS / "report", "-o", tmp_path, path], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_module_that_is_missing_is_one_line(tmp_path):
    done = subprocess.run([sys.executable, "-S", "-s", SCRIPTS / "validate", DATA / TWO], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"validate: {sys.executable} has no module ") and done.stderr.count("\n") == 1


@pytest.mark.parametrize("script", ["report", "plot"])
@pytest.mark.parametrize("output", ["closed", "/dev/full"])
def test_a_standard_output_that_takes_nothing(tmp_path, script, output):
    def spoil():
        os.close(1)
        if output != "closed":
            os.open(output, os.O_WRONLY)

    done = subprocess.run([SCRIPTS / script, "-o", tmp_path, DATA / TWO], stderr=subprocess.PIPE, text=True, preexec_fn=spoil)
    assert done.returncode == 1
    assert re.fullmatch(rf"{script}: output: (Bad file descriptor|No space left on device)\n", done.stderr)


def test_two_dashes_are_no_value():
    done = subprocess.run([SCRIPTS / "compare", DATA / TWO, "--schemes=--"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, "compare: error: --schemes=--: '--' is no value\n")
