# SPDX-License-Identifier: MIT
"""Hosts that are reached by ssh, all at the same time, through ClusterShell: whose configuration of groups and of ssh is
used as it stands. Keys must be in place: nothing here asks for a password.

A host gets a folder of its own under its $TMPDIR, the program in it, and loses it again. The program there is ended
by SIGTERM when the connection ends, whichever side ends it, so nothing goes on measuring unseen.
"""

import os
import shlex
import sys
import tempfile
from pathlib import Path

from command import Problem, in_words

# How long a host may take to answer at all. ssh's own default is the kernel's: minutes.
CONNECT_SECONDS = 20
# How long a program that was told to end may take to write what it has; then its folder is fetched as it is.
END_SECONDS = 20

MEASURE = """cd {folder} || exit 1
exec 3<&0
./mmscale bench {bench} --out records.json >log 2>&1 </dev/null 3<&- & run=$!
{{ cat <&3; kill -TERM $run; }} >/dev/null 2>&1 &
wait $run; status=$?
kill $! 2>/dev/null
echo $status >status"""

SETTLE = """cd {folder} || exit 0
for (( i = 0; i < {tries}; i++ )); do [[ ! -e status ]] || break; sleep 0.1; done"""


class SshError(Problem):
    """What cannot be done by ssh, in one line."""


class Ssh:
    """Some hosts. hosts: ClusterShell's node set, e.g. "n[1-4],big" or "@rack3". options: words for ssh and scp."""

    def __init__(self, hosts, options=None):
        try:
            from ClusterShell.NodeSet import NodeSet, NodeSetException
            from ClusterShell.Task import task_self
        except ImportError:
            raise SshError("--ssh needs ClusterShell (Debian: python3-clustershell)") from None
        try:
            self.hosts = list(NodeSet(hosts))
        except (NodeSetException, ValueError) as error:
            raise SshError(f"--ssh {hosts}: {in_words(error)}") from None
        if not self.hosts:
            raise SshError(f"--ssh {hosts}: names no host")
        for host in self.hosts:
            # A host is the name of a file here, and a word of ssh's.
            if "/" in host or host.startswith("-"):
                raise SshError(f"--ssh {hosts}: {host} is no host's name")
        self._task = task_self()
        self._task.set_info("connect_timeout", CONNECT_SECONDS)
        # One machine must not wait for another's campaign.
        self._task.set_info("fanout", len(self.hosts))
        if options:
            self._task.set_info("ssh_options", options)
        self._folders = {}

    def measure(self, folder, program, bench):
        """Runs `program bench ...` on every host, and has what came of it in `folder` as HOST.json, HOST.log and
        HOST.status. Returns whether it was left to end: an interrupt ends it on every host."""
        try:
            self._prepare(folder, program)
            for host in self._folders:
                print(f"fleet: {host}: running", file=sys.stderr, flush=True)
            command = {host: MEASURE.format(folder=shlex.quote(where), bench=shlex.join(bench))
                       for host, where in self._folders.items()}  # fmt: skip
            for host, worker in self._each(command, stdin=True).items():
                self._complain(folder, host, worker)
            return True
        except KeyboardInterrupt:
            print("fleet: interrupted; the hosts are told", file=sys.stderr)
            self._task.abort()
            return False
        finally:
            self._fetch(folder)

    def _prepare(self, folder, program):
        made = self._each(dict.fromkeys(self.hosts, 'mktemp -d "${TMPDIR:-/tmp}/mmscale-fleet-XXXXXX"'))
        for host, worker in made.items():
            said = _text(worker.node_buffer(host)).split("\n")[-1]
            if worker.node_rc(host) == 0 and said.startswith("/"):
                self._folders[host] = said
            else:
                self._complain(folder, host, worker)
        copied = {}
        for host, where in self._folders.items():
            copied[host] = self._task.copy(str(program), f"{where}/mmscale", nodes=host, stderr=True)
        self._task.resume()
        for host, worker in copied.items():
            if worker.node_rc(host) != 0:
                self._complain(folder, host, worker)

    def _fetch(self, folder):
        """Fetches what there is, then removes what was made."""
        self._each({host: SETTLE.format(folder=shlex.quote(where), tries=10 * END_SECONDS)
                    for host, where in self._folders.items()})  # fmt: skip
        with tempfile.TemporaryDirectory(dir=folder) as here:
            for host, where in self._folders.items():
                for name in ("records.json", "log", "status"):
                    self._task.rcopy(f"{where}/{name}", here, nodes=host, stderr=True)
            self._task.resume()
            for host in self._folders:
                for name, kept in (("records.json", "json"), ("log", "log"), ("status", "status")):
                    fetched = Path(here) / f"{name}.{host}"
                    if fetched.is_file():
                        os.replace(fetched, Path(folder) / f"{host}.{kept}")
        self._each({host: f"rm -rf {shlex.quote(where)}" for host, where in self._folders.items()})

    def _each(self, commands, **how):
        """Runs each host's bash command, all at once; returns {host: worker}."""
        workers = {}
        for host, command in commands.items():
            # Whatever shell a user has there.
            script = f"exec bash -c {shlex.quote(command)}"
            workers[host] = self._task.shell(script, nodes=host, stderr=True, **how)
        self._task.resume()
        return workers

    def _complain(self, folder, host, worker):
        """Keeps what ssh or the host said as the host's log, where the program left none."""
        status = worker.node_rc(host)
        said = f"{_text(worker.node_buffer(host))}\n{_text(worker.node_error(host))}"
        if said.strip() or status:
            (Path(folder) / f"{host}.log").write_text(f"{said.strip() or f'ssh ended with status {status}'}\n")


def _text(said):
    """What ClusterShell kept of a stream: bytes, or None of one that was silent."""
    return (said or b"").decode(errors="replace")
