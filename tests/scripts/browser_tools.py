# SPDX-License-Identifier: MIT
"""What the tests that open pages in Chromium share."""

import json
import os
import shutil
import subprocess
from pathlib import Path

from conftest import ROOT

MODULES = Path(os.environ.get("MMSCALE_BROWSER_MODULES", ROOT / "build" / "browser" / "node_modules"))
CHROMIUM = shutil.which("chromium")
NODE = shutil.which("node")
FOLDER = Path(__file__).resolve().parent / "browser"


def missing():
    """Why no browser can be driven here, or nothing."""
    if not CHROMIUM:
        return "no chromium: scripts/bootstrap --browser installs it"
    if not NODE:
        return "no node: scripts/bootstrap --browser installs it"
    for module in ("playwright-core", "axe-core"):
        if not (MODULES / module).is_dir():
            return f"no {module} in {MODULES}: scripts/bootstrap --browser installs it"
    return ""


def drive(script, page, *arguments, shots=""):
    """Runs a script of browser/ on a page; returns what it found. shots: of $MMSCALE_SCREENSHOTS, if that is set, the
    folder for screenshots."""
    assert not missing(), missing()
    command = [NODE, FOLDER / script, MODULES, CHROMIUM, page, *arguments]
    kept = os.environ.get("MMSCALE_SCREENSHOTS")
    if kept:
        (Path(kept) / shots).mkdir(exist_ok=True)
        command.append(Path(kept) / shots)
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
