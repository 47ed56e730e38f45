# SPDX-License-Identifier: MIT
"""What the tests of scripts/fleet share, whatever reaches the hosts."""

import signal
import sqlite3
import subprocess
import time

from conftest import ROOT, SCRIPTS

FLEET = SCRIPTS / "fleet"
PROGRAM = ROOT / "build/release/bin/mmscale"
QUICK = ("--family", "switch", "--workload", "idle", "--scheme", "refcount", "--cpus", "1", "--window", "3ms",
         "--reps", "2")  # fmt: skip


def rows(database, query):
    """What a query finds in DIR/fleet.sqlite."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def interrupt(command, ready, env=None):
    """Starts fleet, sends SIGINT once ready() is true; returns (status, what it said)."""
    # A shell's background job inherits that SIGINT is ignored, and so would fleet.
    process = subprocess.Popen(
        command, env=env, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 120
        while not ready():
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=240)
    finally:
        process.kill()
    return process.returncode, said
