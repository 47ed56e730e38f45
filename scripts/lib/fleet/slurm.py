# SPDX-License-Identifier: MIT
"""Slurm's commands as scripts/fleet needs them. Everything goes through sinfo, scontrol, sbatch, squeue and scancel, so
that whatever slurm.conf, authentication or wrapper a site has, it is theirs."""

import re
import subprocess

from command import Problem, in_words

# States of a node in which no job will start before somebody has seen to it (sinfo(1), NODE STATE CODES). A flag
# behind the name ("*": does not answer) counts as well.
UNUSABLE = {"down", "drain", "drained", "draining", "drng", "fail", "failing", "failg", "error", "unk", "unknown",
            "future", "futr", "maint", "reboot", "inval", "power_down", "powered_down", "planned"}  # fmt: skip


class SlurmError(Problem):
    """What Slurm would not do, in one line."""


class Slurm:
    """A cluster. partition: whose nodes; None for Slurm's default."""

    def __init__(self, partition=None):
        self.partition = partition

    def nodes(self, wanted=None):
        """Returns (names of the nodes to use, {node left out: its state}), both in Slurm's order. wanted: Slurm's node
        list, e.g. "n[1-4]"; those are used whatever their state. Raises SlurmError where there is none, or for one
        that is not in the partition."""
        states = self._states()
        if wanted is None:
            usable = [node for node, state in states.items() if _usable(state)]
            left = {node: state for node, state in states.items() if not _usable(state)}
            if not usable:
                said = ", ".join(f"{node} {state}" for node, state in left.items())
                raise SlurmError(f"{self._where()}: no usable node ({said or 'it has none'})")
            return usable, left
        asked = list(dict.fromkeys(self._run("scontrol", "show", "hostnames", wanted).split()))
        for node in asked:
            if node not in states:
                known = ", ".join(states) or "no node"
                raise SlurmError(f"--nodes {wanted}: {node} is not in {self._where()}: {known}")
        if not asked:
            raise SlurmError(f"--nodes {wanted}: names no node")
        return asked, {}

    def submit_held(self, script, count, log, limit=None):
        """Submits script as an array of count tasks that do not start yet, each alone on one node with all of its
        memory. log: file name of their output, with sbatch's patterns. Returns the job's number."""
        options = ["--parsable", "--hold", f"--array=0-{count - 1}", "--exclusive", "--nodes=1", "--ntasks=1"]
        options += ["--mem=0", "--no-requeue", "--job-name=mmscale", f"--output={log}"]
        options += [f"--partition={self.partition}"] if self.partition else []
        options += [f"--time={limit}"] if limit else []
        # "JOB" or, in a federation, "JOB;CLUSTER".
        return self._run("sbatch", *options, str(script)).strip().split(";")[0]

    def pin(self, job, task, node):
        """Has a held task of an array run on that node and no other."""
        self._run("scontrol", "update", f"JobId={job}_{task}", f"ReqNodeList={node}")

    def release(self, job):
        """Lets a held array start."""
        self._run("scontrol", "release", job)

    def states(self, job):
        """Returns {task: "STATE (why it waits)"} of an array's tasks that have not ended."""
        # A job that ended some time ago is unknown: that is the usual end, not an error.
        done = _call("squeue", "--noheader", "--array", f"--jobs={job}", "--format=%K|%T|%r")
        if done.returncode != 0:
            if "Invalid job id" in done.stderr:
                return {}
            raise SlurmError(f"squeue: {_last_line(done.stderr)}")
        found = {}
        for line in done.stdout.splitlines():
            task, state, reason = _columns("squeue", line, 3)
            if not task.isdecimal():
                raise SlurmError(f"squeue: {in_words(task, 40)} is no task of an array")
            found[int(task)] = state + (f" ({reason})" if state == "PENDING" else "")
        return found

    def cancel(self, job):
        """Ends an array's tasks. Those that have ended already are no error."""
        _call("scancel", job)

    def _states(self):
        options = [f"--partition={self.partition}"] if self.partition else []
        states = {}
        for line in self._run("sinfo", "--noheader", "--Node", "--format=%N|%t|%P", *options).splitlines():
            node, state, partition = _columns("sinfo", line, 3)
            if self.partition or partition.endswith("*"):
                states[node] = state
        return states

    def _where(self):
        return f"partition {self.partition}" if self.partition else "Slurm's default partition"

    def _run(self, *command):
        done = _call(*command)
        if done.returncode != 0:
            raise SlurmError(f"{command[0]}: {_last_line(done.stderr) or f'status {done.returncode}'}")
        return done.stdout


def _columns(program, line, count):
    columns = line.strip().split("|", count - 1)
    if len(columns) != count:
        raise SlurmError(f"{program}: prints '{in_words(line, 80)}', which is not {count} columns")
    return columns


def _call(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        raise SlurmError(f"no {command[0]} here: is this a host of a Slurm cluster?") from None


def _usable(state):
    return re.sub(r"[^a-z_]", "", state.lower()) not in UNUSABLE and not state.endswith("*")


def _last_line(text):
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].split(": error: ")[-1] if lines else ""
