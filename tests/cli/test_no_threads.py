# SPDX-License-Identifier: MIT
"""Where no more threads or processes may be started (ulimit -u, pids.max) every command ends by itself, in order, and says
in a line what could not be had."""

import os
import resource

import pytest
from conftest import QUICK, ROOT

TRACE = ROOT / "results/traces/make-j2.mmtrace.gz"
# The limit counts what the user has elsewhere too, and root has none: nobody else is this one.
NOBODY = 61_234

COMMANDS = [
    ("bench", "--family", "switch,floor,ipi", "--scheme", "refcount,refcount-rcu", "--reps", 1, *QUICK),
    ("bench", "--family", "host_kernel", "--cpus", 2, "--reps", 1, *QUICK),
    ("calibrate", "--reps", 1, *QUICK),
    ("assess", "--reps", 5, "--window", "3ms"),
    ("doctor", "--time", "10ms"),
    ("topo",),
    ("check", "--scheme", "refcount", "--steps", 1),
    ("sim", "--machine", "skylake-4c", "--scheme", "refcount", "--workload", "idle"),
    ("replay", TRACE, "--scheme", "refcount,hazptr,rcu", "--unsafe", "--threads", 3),
    ("replay", TRACE, "--scheme", "refcount", "--silicon"),
    ("record", "--seconds", 1, "--", "true"),
]


@pytest.mark.parametrize("limit", [1, 2, 3])
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(map(str, command[:3])).replace(str(TRACE), "TRACE"))
def test_every_command_without_threads(mmscale, command, limit):
    if os.geteuid() != 0:
        pytest.skip("takes a user of its own, to whom the limit applies")
    if not os.access(TRACE, os.R_OK):
        pytest.skip("no trace")

    def bounded():
        resource.setrlimit(resource.RLIMIT_NPROC, (limit, limit))

    try:
        done = mmscale(*command, user=NOBODY, group=NOBODY, extra_groups=[], preexec_fn=bounded, cwd="/tmp")
    except PermissionError:
        pytest.skip("the build is not open to others")
    # Not by a signal, nor by a status that no command has.
    assert done.returncode in (0, 1, 3), done.stderr
    assert "terminate called" not in done.stderr
    if done.returncode != 0:
        assert "Resource temporarily unavailable" in done.stderr or command[0] in ("doctor", "record"), done.stderr


def test_a_replay_has_the_same_figures_with_fewer_threads(mmscale):
    if os.geteuid() != 0:
        pytest.skip("takes a user of its own, to whom the limit applies")

    def bounded():
        resource.setrlimit(resource.RLIMIT_NPROC, (2, 2))

    said = [
        mmscale("replay", TRACE, "--scheme", "refcount,hazptr,rcu", "--unsafe", "--threads", 3, **options).stdout
        for options in ({}, {"user": NOBODY, "group": NOBODY, "extra_groups": [], "preexec_fn": bounded, "cwd": "/tmp"})
    ]
    assert said[0] and said[0] == said[1]
