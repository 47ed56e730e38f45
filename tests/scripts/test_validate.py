# SPDX-License-Identifier: MIT
"""Versions of the record file: the schema holds files to what it says, old versions stay readable, newer ones are
refused."""

import json

import pytest
from conftest import DATA, ROOT, SCRIPTS

from records.reading import SCHEMA, RecordError, load, read, version_of
from records.schema import problems

OLD = DATA / "schema-1.json"


def newer(document):
    document["context"]["mmscale_schema"] = str(SCHEMA + 1)


def test_an_old_file_is_valid_and_read(in_process, tmp_path):
    done = in_process(SCRIPTS / "validate", OLD)
    assert (done.returncode, done.stdout) == (0, f"{OLD}: schema 1, 18 windows, 8 other entries\n"), done.stderr
    records = read([OLD])
    assert len(records.switches) == 9 and len(records.floors) == 9
    for script in ("report", "plot"):
        done = in_process(SCRIPTS / script, OLD, "-o", tmp_path)
        assert (done.returncode, done.stderr) == (0, "")


def test_kept_campaigns_are_valid(in_process):
    paths = sorted((ROOT / "results").glob("20*/records*.json"))
    assert paths
    done = in_process(SCRIPTS / "validate", *paths)
    assert done.returncode == 0, done.stderr


def test_every_version_has_a_schema():
    for version in range(1, SCHEMA + 1):
        assert problems({"context": {}, "benchmarks": []}, version)


@pytest.mark.parametrize("script", ["validate", "report", "plot", "fit", "compare"])
def test_a_newer_file_is_refused_in_one_line(in_process, edited, tmp_path, script):
    path = edited("schema-1.json", newer)
    more = {"report": ["-o", tmp_path], "plot": ["-o", tmp_path], "compare": [OLD]}.get(script, [])
    done = in_process(SCRIPTS / script, path, *more)
    assert done.returncode == 1
    assert f"{path}: schema {SCHEMA + 1}, and this mmscale reads up to {SCHEMA}" in done.stderr.splitlines()[0]


def test_a_newer_window_is_refused(edited):
    path = edited("schema-1.json", lambda document: document["benchmarks"][0]["mmscale"].update(schema=SCHEMA + 1))
    with pytest.raises(RecordError, match="reads up to"):
        load(path)


@pytest.mark.parametrize("given", ["", "0", "-1", "2.0", "new"])
def test_what_is_no_version_is_refused(edited, given):
    path = edited("schema-1.json", lambda document: document["context"].update(mmscale_schema=given))
    with pytest.raises(RecordError, match="is no version"):
        load(path)


def test_a_file_without_windows_says_its_version():
    assert version_of("x", {"mmscale_schema": "2"}, []) == 2
    assert version_of("x", {}, []) == 1


@pytest.mark.parametrize(
    "spoil, says",
    [
        (lambda one: one.pop("cpus"), "benchmarks[0]: 'cpus' is a required property"),
        (lambda one: one["mmscale"]["per_cpu"][1].update(pu="x"), "benchmarks[0].mmscale.per_cpu[1].pu: 'x' is not"),
        (lambda one: one.update(jain=float("nan")), "benchmarks[0].jain: nan is no number of JSON"),
        (lambda one: one.update(valid=7), "benchmarks[0].valid: 7 is not one of"),
    ],
)
def test_says_what_is_wrong_where(in_process, edited, spoil, says):
    path = edited("schema-1.json", lambda document: spoil(document["benchmarks"][0]))
    done = in_process(SCRIPTS / "validate", OLD, path)
    assert done.returncode == 1 and done.stdout.count("\n") == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"validate: {path}: {says}")


def test_a_file_wrong_throughout_is_told_briefly(in_process, edited):
    path = edited("schema-1.json", lambda document: [one.pop("run_name") for one in document["benchmarks"]])
    lines = in_process(SCRIPTS / "validate", path).stderr.splitlines()
    assert len(lines) == 11 and lines[-1].endswith("and 16 more")


def test_machine_models_are_valid(in_process):
    paths = sorted((ROOT / "machines").glob("*.json"))
    done = in_process(SCRIPTS / "validate", *paths)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{ROOT / 'machines' / 'power8-16s.json'}: machine model, 1536 CPUs\n" in done.stdout


@pytest.mark.parametrize(
    "spoil, says",
    [
        (lambda model: model["one_way_ns"]["domain"].update(value=-1), "one_way_ns.domain.value: -1 is less"),
        (lambda model: model["one_way_ns"]["domain"].pop("source"), "one_way_ns.domain: 'source' is a required"),
        (lambda model: model["costs_ns"].update(lod=1), "costs_ns: 'lod' is not one of"),
        (lambda model: model.pop("kind"), "the document: 'kind' is a required property"),
        (lambda model: model.update(protocol="snoop", reads_from="owner"), "reads_from: 'agent' was expected"),
    ],
)
def test_says_what_is_wrong_with_a_model(in_process, tmp_path, spoil, says):
    model = json.loads((ROOT / "machines" / "graviton2.json").read_text())
    spoil(model)
    path = tmp_path / "x.json"
    path.write_text(json.dumps(model))
    done = in_process(SCRIPTS / "validate", path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[0].startswith(f"validate: {path}: {says}"), done.stderr


def test_a_whole_file_is_more_than_a_list(in_process, tmp_path):
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"context": {}, "benchmarks": [1]}))
    assert in_process(SCRIPTS / "validate", path).returncode == 1
