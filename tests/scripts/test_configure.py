# SPDX-License-Identifier: MIT
"""What is built goes by what is there now: scripts/run configures before scripts/test has installed GoogleTest."""

import os
import subprocess

import pytest
from conftest import ROOT

HIDDEN = "-DCMAKE_DISABLE_FIND_PACKAGE_GTest="


@pytest.fixture
def configure(tmp_path):
    """Configures the tree into a folder of the test's own; returns the test programs that would be built."""
    hidden = tmp_path / "pkgconfig"
    hidden.mkdir()
    (hidden / "libtracefs.pc").write_text("Name: x\nDescription: x\nVersion: 1\nRequires: there-is-none\n")

    def call(*options, tracing=True):
        env = os.environ if tracing else {**os.environ, "PKG_CONFIG_PATH": str(hidden)}
        command = ["cmake", "-G", "Ninja", "-S", ROOT, "-B", tmp_path / "build", *options]
        done = subprocess.run(command, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        listed = subprocess.run(["ninja", "-C", tmp_path / "build", "-t", "targets", "all"], capture_output=True, text=True).stdout
        return {name for name in ("test_topology", "test_trace") if f"tests/{name}:" in listed}

    return call


def test_what_was_installed_since_the_last_configure_is_built(configure):
    assert configure(f"{HIDDEN}ON", tracing=False) == set()
    assert configure(f"{HIDDEN}OFF", tracing=False) == {"test_topology"}
    assert configure() == {"test_topology", "test_trace"}


def test_what_was_said_is_kept(configure):
    assert configure("-DBUILD_TESTING=OFF") == set()
    assert configure() == set()
    assert configure("-DBUILD_TESTING=ON", "-DMMSCALE_TRACING=OFF") == {"test_topology"}
    assert configure("-DMMSCALE_TRACING=AUTO") == {"test_topology", "test_trace"}
