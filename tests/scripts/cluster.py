# SPDX-License-Identifier: MIT
"""A Slurm cluster of this host alone, for as long as a test lasts: munged, slurmctld and one slurmd for each node.

Everything it writes is in one folder, its sockets and ports are its own, and a Slurm that the host belongs to is left
alone. The daemons die with this process, however it ends.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol", "sinfo", "setpriv")
READY_SECONDS = 30
PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"

CONF = """ClusterName=mmscale-test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
SelectType=select/linear
SchedulerType=sched/builtin
SchedulerParameters=batch_sched_delay=0,sched_interval=1
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=2
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def missing():
    """Why no cluster can be started here, or nothing."""
    without = [name for name in PROGRAMS if not shutil.which(name, path=PATH)]
    return f"no {', '.join(without)}: scripts/bootstrap --fleet installs them" if without else ""


class Cluster:
    """A running cluster; leaving the context ends its jobs and daemons. nodes: their names, all on this host."""

    def __init__(self, folder, nodes):
        self.folder, self.nodes = Path(folder), nodes
        self.environment = {**os.environ, "PATH": PATH, "SLURM_CONF": str(self.folder / "slurm.conf")}
        self._daemons = []

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def run(self, *command, timeout=90, **options):
        """Runs a command as a user of this cluster; output as text."""
        return subprocess.run(
            list(map(str, command)), env=self.environment, capture_output=True, text=True, timeout=timeout, **options
        )

    def stop(self):
        """Ends jobs, then daemons, those first that need the others."""
        if len(self._daemons) == 2 + len(self.nodes):
            self._try("scancel", f"--user={os.getuid()}")
            deadline = time.monotonic() + 10
            while self._try("squeue", "--noheader") and time.monotonic() < deadline:
                time.sleep(0.1)
        for process in reversed(self._daemons):
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._daemons.clear()
        # A step whose slurmd has gone has nobody left to end it, and takes a moment to go.
        deadline = time.monotonic() + 10
        while (left := self.processes()) and time.monotonic() < deadline:
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)

    def processes(self):
        """What runs of this cluster: daemons, steps and jobs, by process number."""
        mark, found = str(self.folder).encode(), []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    if mark in (entry / "environ").read_bytes() or mark in (entry / "cmdline").read_bytes():
                        found.append(int(entry.name))
                except OSError:
                    pass  # it has ended, or is somebody else's
        return found

    def _try(self, *command):
        try:
            return self.run(*command, timeout=10).stdout.strip()
        except (OSError, subprocess.TimeoutExpired):
            return ""

    def _start(self):
        ports = _free_ports(1 + len(self.nodes))
        host = socket.gethostname()
        lines = [
            f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={os.cpu_count()}"
            for name, port in zip(self.nodes, ports[1:])
        ]
        user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
        self.folder.chmod(0o755)
        (self.folder / "state").mkdir()
        conf = CONF.format(host=host, port=ports[0], user=user, folder=self.folder, nodes="\n".join(lines))
        (self.folder / "slurm.conf").write_text(conf)
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)
        files = [f"--{what}={self.folder}/munge.{what.split('-')[0]}" for what in ("socket", "pid-file", "log-file")]
        files += [f"--seed-file={self.folder}/munge.seed", f"--key-file={key}"]
        self._daemon("munged", "--foreground", "--force", *files)
        self._until(lambda: (self.folder / "munge.socket").exists(), "munged")
        self._daemon("slurmctld", "-D", "-f", self.folder / "slurm.conf")
        for name in self.nodes:
            self._daemon("slurmd", "-D", "-N", name, "-f", self.folder / "slurm.conf")
        ready = "\n".join(["idle"] * len(self.nodes))
        self._until(lambda: self._try("sinfo", "--noheader", "--Node", "--format=%t") == ready, "the nodes")

    def _daemon(self, *command):
        # Named by its first words; where it fails, this is what there is to read.
        log = (self.folder / f"{command[0]}-{len(self._daemons)}.out").open("wb")
        self._daemons.append(
            subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *map(str, command)], env=self.environment, stdout=log,
                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=self.folder,
            )
        )  # fmt: skip
        log.close()

    def _until(self, happened, what):
        deadline = time.monotonic() + READY_SECONDS
        while not happened():
            ended = [one.args[3] for one in self._daemons if one.poll() is not None]
            if ended or time.monotonic() > deadline:
                said = "\n".join(path.read_text()[-1500:] for path in sorted(self.folder.glob("*.out")))
                raise AssertionError(f"Slurm: {what} not ready; ended: {ended or 'none'}\n{said}")
            time.sleep(0.05)


def _free_ports(count):
    """Ports that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
