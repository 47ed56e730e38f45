# SPDX-License-Identifier: MIT
"""scripts/fleet on a real Slurm: munged, slurmctld and two slurmd of this host, started and stopped here."""

import gzip
import json
import os
import subprocess
import time

import made
import pytest
from cluster import Cluster, missing
from fleets import FLEET, PROGRAM, QUICK, interrupt, rows

NODES = ("n1", "n2")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    assert not missing(), missing()
    with Cluster(tmp_path_factory.mktemp("slurm"), NODES) as running:
        yield running


@pytest.fixture
def stub(tmp_path):
    """Makes a stand-in for mmscale that knows what to record on which node: stub(text) returns its path."""

    def make(text):
        for node in NODES:
            host = {"host_name": node, "cpu_model": f"Processor of {node}"}
            made.write(tmp_path / f"made-{node}.json", made.switches(one_in=0), **host)
        program = tmp_path / "mmscale"
        program.write_text(f'#!/bin/bash\nwhile [[ $1 != --out ]]; do shift; done\nmade={tmp_path}/made-\n{text}\n')
        program.chmod(0o755)
        return program

    return make


RECORD = 'cp "$made$SLURMD_NODENAME.json" "$2"'


def test_measures_on_every_node(cluster, tmp_path):
    assert PROGRAM.exists(), f"no {PROGRAM}: cmake --build --preset release --target mmscale"
    out = tmp_path / "out"
    done = cluster.run(FLEET, "-o", out, "--mmscale", PROGRAM, "--time", "5", "--", *QUICK)
    # Whether its windows are valid is the machine's affair.
    assert done.returncode in (0, 3), done.stderr
    assert done.stdout == f"{out}/fleet.sqlite\n{out}/report.html\n"
    for node in NODES:
        windows = json.loads((out / f"nodes/{node}.json").read_text())["benchmarks"]
        assert sum(one["run_type"] == "iteration" for one in windows) == 2
        assert (out / f"nodes/{node}.status").read_text() in ("0\n", "3\n")
    assert rows(out / "fleet.sqlite", "SELECT count(*) FROM entries WHERE run_type = 'iteration'") == [(4,)]
    assert "n1: running" in done.stderr.lower() or "n2: running" in done.stderr.lower() or "pending" in done.stderr


def test_each_task_runs_on_its_node_and_machines_are_compared(cluster, tmp_path, stub):
    out = tmp_path / "out"
    done = cluster.run(FLEET, "-o", out, "--mmscale", stub(RECORD), "--nodes", "n[1-2]")
    assert (done.returncode, done.stdout) == (0, f"{out}/fleet.sqlite\n{out}/report.html\n"), done.stderr
    page = (out / "report.html").read_text()
    assert "[n1] Processor of n1" in page and "[n2] Processor of n2" in page
    assert "<td>n1</td>" in page and "<td>n2</td>" in page and ">Side by side</h2>" in page
    database = out / "fleet.sqlite"
    for number, node in enumerate(NODES, 1):
        document = (tmp_path / f"made-{node}.json").read_bytes()
        ((packed,),) = rows(database, f"SELECT document FROM files WHERE file = {number}")
        assert gzip.decompress(packed) == document
        windows = json.loads(document)["benchmarks"]
        query = f"SELECT place, value FROM figures JOIN entries USING (entry) WHERE file = {number} AND "
        found = dict(rows(database, query + "figures.name = 'switches_per_second'"))
        assert found == {place: one["switches_per_second"] for place, one in enumerate(windows)}
        assert rows(database, f"SELECT DISTINCT host FROM valid_windows WHERE file = {number}") == [(node,)]


def test_a_node_that_fails_is_named_and_the_rest_gathered(cluster, tmp_path, stub):
    out = tmp_path / "out"
    program = stub(f'[[ $SLURMD_NODENAME != n2 ]] || {{ echo "mmscale: no such luck"; exit 1; }}; {RECORD}')
    done = cluster.run(FLEET, "-o", out, "--mmscale", program)
    assert done.returncode == 3
    assert "fleet: n2: mmscale ended with status 1 (mmscale: no such luck)\n" in done.stderr
    assert rows(out / "fleet.sqlite", "SELECT DISTINCT host FROM valid_windows") == [("n1",)]
    # What a node left behind half-written is named too, and gathering again needs no Slurm.
    (out / "nodes/n2.json").write_text('{"context"')
    again = subprocess.run([FLEET, "-o", out, "--gather"], capture_output=True, text=True)
    assert again.returncode == 3 and f"fleet: {out}/nodes/n2.json: not JSON" in again.stderr
    assert rows(out / "fleet.sqlite", "SELECT count(*) FROM files") == [(1,)]


def test_an_interrupt_cancels_the_jobs_and_keeps_what_there_is(cluster, tmp_path, stub):
    out = tmp_path / "out"
    program = stub(f"{RECORD}; [[ $SLURMD_NODENAME != n2 ]] || sleep 300")
    status, said = interrupt(
        [FLEET, "-o", out, "--mmscale", program],
        lambda: (out / "nodes/n2.json").exists() and (out / "nodes/n1.status").exists(),
        cluster.environment,
    )
    assert status == 130 and "is cancelled" in said
    # The job's script outlives its program.
    assert "n2: mmscale ended with status 143" in said
    assert rows(out / "fleet.sqlite", "SELECT count(*) FROM files") == [(2,)]
    assert not cluster.run("squeue", "--noheader").stdout.strip()


def test_what_no_figure_is_made_of_is_gathered_too(in_process, tmp_path):
    out = tmp_path / "out"
    (out / "nodes").mkdir(parents=True)
    (out / "nodes.txt").write_text("n1\n")
    (out / "nodes/n1.status").write_text("0\n")
    floor = made.entry("floor/empty/compact/cpus:1", {"cpus": 1, "ns_per_pair": 1.0}, {"scheme": "empty", "cpus": 1})
    made.write(out / "nodes/n1.json", [floor])
    done = in_process(FLEET, "-o", out, "--gather")
    assert (done.returncode, done.stdout) == (0, f"{out}/fleet.sqlite\n")
    assert done.stderr.startswith("fleet: no report: ") and done.stderr.count("\n") == 1
    assert rows(out / "fleet.sqlite", "SELECT name, valid FROM entries") == [("floor/empty/compact/cpus:1", 1)]


@pytest.mark.parametrize(
    "options, says",
    [
        (("--nodes", "n[1-3]"), "--nodes n[1-3]: n3 is not in Slurm's default partition: n1, n2"),
        (("--partition", "none"), "partition none: no usable node (it has none)"),
        (("--mmscale", "/no/such"), "/no/such: no program; "),
    ],
)
def test_says_what_it_cannot_do(cluster, tmp_path, stub, options, says):
    program = () if "--mmscale" in options else ("--mmscale", stub(RECORD))
    done = cluster.run(FLEET, "-o", tmp_path / "out", *program, *options)
    assert done.returncode == 1 and done.stderr.startswith(f"fleet: {says}") and done.stderr.count("\n") == 1
    assert not (tmp_path / "out/nodes").exists()


def test_overwrites_no_campaign(cluster, tmp_path, stub):
    (tmp_path / "out/nodes").mkdir(parents=True)
    done = cluster.run(FLEET, "-o", tmp_path / "out", "--mmscale", stub(RECORD))
    assert done.returncode == 1 and "holds a campaign" in done.stderr and done.stderr.count("\n") == 1


def test_without_slurm(tmp_path, stub, stub_path):
    environment = {**os.environ, "PATH": stub_path({}, only=True)["PATH"]}
    command = ["/usr/bin/python3", FLEET, "-o", tmp_path / "out", "--mmscale", stub(RECORD)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "fleet: no sinfo here: is this a host of a Slurm cluster?\n")


@pytest.mark.parametrize(
    "arguments, status",
    [([], 2), (["-o", "x", "--", "--out", "y"], 2), (["-o", "x", "--gather", "--nodes", "n1"], 2),
     (["-o", "x", "--time", "soon"], 2), (["-o", "/no/such", "--gather"], 1)],
)  # fmt: skip
def test_wrong_usage(in_process, arguments, status):
    done = in_process(FLEET, *arguments)
    assert done.returncode == status and done.stderr


def test_the_cluster_leaves_nothing_running(tmp_path_factory):
    assert not missing(), missing()
    folder = tmp_path_factory.mktemp("slurm")
    with pytest.raises(ZeroDivisionError), Cluster(folder, ("n1",)) as running:
        submitted = running.run("sbatch", "--parsable", "--output=/dev/null", "--wrap", "sleep 300")
        assert submitted.returncode == 0, submitted.stderr
        while "RUNNING" not in running.run("squeue", "--noheader", "--format=%T").stdout:
            time.sleep(0.1)
        assert len(running.processes()) > 3
        raise ZeroDivisionError
    assert not running.processes()
