# SPDX-License-Identifier: MIT
"""Whatever takes the CPU from a worker: no window counts of which it took more than a figure may be off by."""

import json
import re

import pytest
from conftest import windows

from attack import injectors
from attack.windows import CAMPAIGN, DISTURBANCES, MAY_LOSE, disturbed

# How often each is injected.
TIMES = [20, 15, 10, 6, 10, 8, 4, 4, 3, 4, 4]


@pytest.mark.parametrize("disturbance, times", zip(DISTURBANCES, TIMES, strict=True), ids=lambda value: getattr(value, "name", None))
def test_no_window_that_was_disturbed_counts(binary, environment, tmp_path, disturbance, times):
    try:
        outcome = disturbed([binary], tmp_path, disturbance, times, environment=environment)
    except injectors.Impossible as why:
        pytest.skip(str(why))
    assert outcome.counted == []
    # A loaded machine may have had its windows elsewhere; then nothing was shown.
    if outcome.hit == 0:
        pytest.skip("no window was hit")


def preloaded(mmscale, tmp_path, make, *arguments):
    """The 20 windows of a campaign under a library that an injector makes."""
    try:
        library = make(tmp_path)
    except injectors.Impossible as why:
        pytest.skip(str(why))
    path = tmp_path / "records.json"
    done = mmscale(*CAMPAIGN, *arguments, "--reps", 20, "--out", path, env={"LD_PRELOAD": str(library)})
    if "ASan runtime does not come first" in done.stderr:
        pytest.skip("a sanitizer's runtime must be loaded before any other library")
    return windows(json.loads(path.read_text()))


def test_a_clock_that_steps(mmscale, tmp_path):
    ran = preloaded(mmscale, tmp_path, injectors.clock_that_steps, "--window", "50ms", "--warm", "10ms")
    assert len(ran) == 20
    # About 1,000 stamps in a window: a step, or two, in each. A window in which the clock went there and back is as long
    # as it says.
    for window in ran:
        own = window["mmscale"]["per_cpu"][0]
        off = abs(own["ran_ns"] - (own["end_ns"] - own["start_ns"])) / (own["end_ns"] - own["start_ns"])
        assert window["valid"] == 0 or off <= MAY_LOSE
    assert any("clock" in reason or "stood still" in reason for window in ran for reason in window["mmscale"]["invalid"])


def test_a_machine_that_sleeps(mmscale, tmp_path):
    ran = preloaded(mmscale, tmp_path, injectors.clock_that_sleeps, "--window", "5ms", "--warm", "1ms")
    assert len(ran) == 20
    slept = [re.findall(r"asleep for ([\d.]+) ms", " ".join(window["mmscale"]["invalid"])) for window in ran]
    assert slept == [["20.0"], []] * 10
    assert not any(window["valid"] for window in ran[::2])
