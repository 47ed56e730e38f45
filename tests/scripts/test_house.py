# SPDX-License-Identifier: MIT
"""The order of the house: who may include whom, and what every source file begins with and must not contain."""

import re
import shutil
import subprocess

import pytest
from conftest import ROOT

# From the roof down. Includes point downwards only; topology stands beside them all and includes none of them.
FLOORS = ("cli", "calibrate", "bench", "campaign", "host", "trace", "measure", "check", "workload", "scheme", "kernel", "machine")
BESIDE = "topology"
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
# The build writes these.
GENERATED = {"revision.h", "scheme/all_schemes.h", "kernel/lifecycle/all_lifecycles.h"}

SOURCES = sorted(
    path.relative_to(ROOT)
    for folder in ("src", "bench")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in (".h", ".cc")
)


def floor_of(path):
    """The floor that a source file stands on; for those of bench/, bench."""
    return path.parts[1] if path.parts[0] == "src" else path.parts[0]


def includes():
    """Every (file, what it includes) of ours."""
    for path in SOURCES:
        for name in INCLUDE.findall((ROOT / path).read_text()):
            if name not in GENERATED:
                yield path, name


def allowed_from(floor):
    """The floors that a file of `floor` may include."""
    if floor == BESIDE:
        return {BESIDE}
    return {*FLOORS[FLOORS.index(floor) :], BESIDE}


def test_there_is_a_house():
    assert {floor_of(path) for path in SOURCES} == {*FLOORS, BESIDE}


def test_includes_point_downwards():
    wrong = [
        f"{path} includes {name}" for path, name in includes() if name.split("/")[0] not in allowed_from(floor_of(path))
    ]
    assert not wrong


def test_includes_name_their_floor():
    # A bare or relative name would say nothing about floors, and pass the test above by accident.
    missing = [
        f"{path} includes {name}"
        for path, name in includes()
        if not (ROOT / ("" if name.startswith("bench/") else "src") / name).is_file()
    ]
    assert not missing


def test_the_rule_catches_upward_includes():
    assert "workload" not in allowed_from("scheme")
    assert "measure" not in allowed_from("workload")
    assert "machine" not in allowed_from(BESIDE)
    assert {"kernel", "machine", BESIDE} <= allowed_from("scheme")


def source_files():
    """Every file of the checkout, those not yet added included, that is source and not data."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    paths = [ROOT / name for name in listing.split("\0") if name]
    return [path for path in paths if path.is_file() and is_source(path)]


def is_source(path):
    if "data" in path.relative_to(ROOT).parts or path.relative_to(ROOT).parts[0] in ("results", "machines"):
        return False
    if path.suffix in (".h", ".cc", ".py", ".cmake", ".sh") or path.name == "CMakeLists.txt":
        return True
    return path.suffix == "" and path.read_bytes()[:2] == b"#!"


@pytest.fixture(scope="module")
def sources():
    found = source_files()
    assert len(found) > 100
    return found


def test_every_source_names_its_licence(sources):
    without = []
    for path in sources:
        lines = path.read_text().splitlines()
        # Where a program is named on the first line, the licence is on the second.
        first = lines[1] if lines and lines[0].startswith("#!") else (lines or [""])[0]
        if first not in ("// SPDX-License-Identifier: MIT", "# SPDX-License-Identifier: MIT"):
            without.append(str(path.relative_to(ROOT)))
    assert not without


def test_nothing_is_left_to_do(sources):
    # Spelt apart, so that this file is no hit itself.
    marks = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX")) + r")\b")
    left = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sources
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if marks.search(line)
    ]
    assert not left


def test_python_names_nothing_that_is_not_there(sources):
    """pyflakes: undefined names, imports and variables that nobody uses."""
    python = [path for path in sources if path.suffix == ".py" or b"python" in path.read_bytes().split(b"\n", 1)[0]]
    done = subprocess.run(["/usr/bin/python3", "-m", "pyflakes", *python], capture_output=True, text=True)
    if "No module named pyflakes" in done.stderr:
        pytest.skip("pyflakes is not installed")
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
    assert len(python) > 50


def test_types_that_are_said_or_seen_agree(tmp_path):
    """mypy, on what the scripts rest on: calls, attributes and operators outside of functions that say no types."""
    if not shutil.which("mypy"):
        pytest.skip("mypy is not installed")
    options = ("--ignore-missing-imports", "--explicit-package-bases", f"--cache-dir={tmp_path}")
    done = subprocess.run(["mypy", *options, "."], capture_output=True, text=True, cwd=ROOT / "scripts" / "lib")
    assert done.returncode == 0, done.stdout + done.stderr
