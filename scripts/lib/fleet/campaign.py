# SPDX-License-Identifier: MIT
"""A campaign on many nodes: submitting it to Slurm, waiting for it, and what each node made of it.

DIR/job.sh is what Slurm runs on every node; DIR/nodes/ has of each its records (NODE.json), what it printed (NODE.log)
and, once it has ended, mmscale's exit status (NODE.status). DIR/nodes.txt lists the nodes, by task of the array.
"""

import os
import shlex
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from command import Problem

POLL_SECONDS = 1.0
# A network file system may show a node's files some seconds after Slurm says that the job has ended.
SETTLE_SECONDS = 10.0

JOB = """#!/bin/bash
# One task of the array: measures on the node that it is on. NODES[task] is the node it was pinned to.
NODES=({nodes})
node=${{NODES[$SLURM_ARRAY_TASK_ID]}}
cd {folder} || exit 1
exec >"$node.log" 2>&1
if [[ $SLURMD_NODENAME != "$node" ]]; then
  echo "runs on $SLURMD_NODENAME and not on $node"
  echo 1 >"$node.status"
  exit 1
fi
# A job that is cancelled has each of its processes sent SIGTERM; this one lives on to say how the program took it.
trap : TERM
{command} --out "$node.json"
status=$?
echo "$status" >"$node.status"
exit "$status"
"""


class FleetError(Problem):
    """Why a campaign cannot be run or gathered, in one line."""


@dataclass(frozen=True)
class Outcome:
    """What came of one node. status: mmscale's exit status, None if it never got so far. records: its file or None."""

    node: str
    status: int | None
    records: Path | None
    log: Path

    @property
    def complete(self):
        """Whether all was measured, and every case has a valid window."""
        return self.status == 0 and self.records is not None


class Campaign:
    """One folder's campaign."""

    def __init__(self, out):
        self.out = Path(os.path.abspath(out))
        self.folder = self.out / "nodes"
        self.list = self.out / "nodes.txt"
        self.job = None
        self.nodes = []

    def begin(self, nodes, program):
        """Makes the folder for a campaign on these nodes. program: mmscale."""
        if not program.is_file() or not os.access(program, os.X_OK):
            raise FleetError(f"{program}: no program; build it (cmake --build --preset release) or name it: --mmscale")
        if self.folder.exists():
            raise FleetError(f"{self.out}: holds a campaign; give another folder, or --gather to gather that one")
        self.nodes = nodes
        self.folder.mkdir(parents=True)
        self.list.write_text("".join(f"{node}\n" for node in nodes))

    def submit(self, slurm, nodes, program, bench, limit):
        """Writes the job and submits it. nodes: as Slurm.nodes() gave them. bench: arguments."""
        nodes, left = nodes
        self.begin(nodes, program)
        command = shlex.join([str(Path(os.path.abspath(program))), "bench", *bench])
        text = JOB.format(nodes=shlex.join(self.nodes), folder=shlex.quote(str(self.folder)), command=command)
        script = self.out / "job.sh"
        script.write_text(text)
        for node, state in left.items():
            print(f"fleet: {node}: left out, it is {state}", file=sys.stderr)
        # Where a node cannot enter the folder, this says so; otherwise each has a log of its own.
        self.job = slurm.submit_held(script, len(self.nodes), self.folder / "task-%a.log", limit)
        try:
            for task, node in enumerate(self.nodes):
                slurm.pin(self.job, task, node)
            slurm.release(self.job)
        except BaseException:
            slurm.cancel(self.job)
            raise
        print(f"fleet: job {self.job} on {len(self.nodes)} nodes: {', '.join(self.nodes)}", file=sys.stderr)

    def wait(self, slurm):
        """Waits until every task has ended, telling what changes. On an interrupt, and on any error, cancels them.
        Returns whether it was left to end."""
        said = {}
        try:
            while states := slurm.states(self.job):
                for task, state in sorted(states.items()):
                    if said.get(task) != state:
                        print(f"fleet: {self.nodes[task]}: {state.lower()}", file=sys.stderr, flush=True)
                said = states
                time.sleep(POLL_SECONDS)
            self._settle()
            return True
        except KeyboardInterrupt:
            print(f"fleet: interrupted; job {self.job} is cancelled", file=sys.stderr)
            slurm.cancel(self.job)
            deadline = time.monotonic() + SETTLE_SECONDS
            while slurm.states(self.job) and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS / 4)
            return False
        except BaseException:
            slurm.cancel(self.job)
            raise

    def outcomes(self):
        """Returns an Outcome for each node, in the order of submission."""
        try:
            nodes = self.list.read_text().split()
        except OSError:
            raise FleetError(f"{self.out}: holds no campaign of fleet (no nodes.txt)") from None
        return [self._outcome(node) for node in nodes]

    def _outcome(self, node):
        records = self.folder / f"{node}.json"
        try:
            status = int((self.folder / f"{node}.status").read_text())
        except (OSError, ValueError):
            status = None
        return Outcome(node, status, records if records.is_file() else None, self.folder / f"{node}.log")

    def _settle(self):
        deadline = time.monotonic() + SETTLE_SECONDS
        while any(self._outcome(node).status is None for node in self.nodes) and time.monotonic() < deadline:
            os.listdir(self.folder)  # has a network file system look again
            time.sleep(POLL_SECONDS / 4)


def describe(outcomes):
    """Returns a line for each node that is not complete."""
    lines = []
    for one in outcomes:
        if one.status is None:
            said = "did not finish" if one.records else "recorded nothing"
        elif one.status == 0:
            said = "" if one.records else "ended well, but its records are not to be seen"
        else:
            said = "some case has no valid window" if one.status == 3 else f"mmscale ended with status {one.status}"
        if said:
            lines.append(f"{one.node}: {said} ({_why(one.log)})")
    return lines


def _why(log):
    """The last thing that was said on a node."""
    try:
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.startswith("mmscale: ")] or (
            log.read_text(errors="replace").splitlines()
        )
    except OSError:
        return f"no {log}"
    return lines[-1] if lines else f"{log} is empty"
