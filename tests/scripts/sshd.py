# SPDX-License-Identifier: MIT
"""An sshd of this host alone, for as long as a test lasts, that answers by several names. Keys, port and configuration
are its own: the host's sshd and the user's keys are left alone."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

READY_SECONDS = 30
PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"


def missing():
    """Why no sshd can be started here, or nothing."""
    without = [name for name in ("sshd", "ssh", "scp", "ssh-keygen") if not shutil.which(name, path=PATH)]
    return f"no {', '.join(without)}: scripts/bootstrap --fleet installs them" if without else ""


class Sshd:
    """A running sshd; leaving the context ends it and its connections. names: all of them this host."""

    def __init__(self, folder, names):
        self.folder, self.names = Path(folder), names
        self.config = self.folder / "config"

    @property
    def options(self):
        """What makes ssh and scp find it."""
        return f"-F {self.config}"

    def __enter__(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        for key in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / key], check=True)
        shutil.copy(self.folder / "user.pub", self.folder / "authorized")
        (self.folder / "sshd_config").write_text(
            f"Port {port}\nListenAddress 127.0.0.1\nHostKey {self.folder}/host\nPidFile none\nUsePAM no\n"
            f"AuthorizedKeysFile {self.folder}/authorized\nStrictModes no\nPermitRootLogin yes\n"
            f"AcceptEnv TMPDIR\nSubsystem sftp internal-sftp\n"
        )
        self.config.write_text(
            f"Host {' '.join(self.names)}\nHostName 127.0.0.1\nPort {port}\nIdentityFile {self.folder}/user\n"
            f"IdentitiesOnly yes\nStrictHostKeyChecking no\nUserKnownHostsFile /dev/null\nLogLevel ERROR\n"
        )
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        self._log = (self.folder / "sshd.log").open("w")
        command = [shutil.which("sshd", path=PATH), "-D", "-e", "-f", self.folder / "sshd_config"]
        self._daemon = subprocess.Popen(command, stderr=self._log, start_new_session=True)
        deadline = time.monotonic() + READY_SECONDS
        while True:
            assert self._daemon.poll() is None and time.monotonic() < deadline, (self.folder / "sshd.log").read_text()
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return self
            except OSError:
                time.sleep(0.05)

    def __exit__(self, *_):
        os.killpg(self._daemon.pid, signal.SIGTERM)
        self._daemon.wait()
        self._log.close()
