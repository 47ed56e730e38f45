# SPDX-License-Identifier: MIT
"""Draws every figure that some records make."""

from figures import host, ipi, latency, line, mix, switches, teardown
from grouping.series import panels


def draw_everything(records, directory):
    """Draws what is in Records into directory, as PNG and SVG; returns the paths written."""
    written = switches.draw_all(records, panels(records.switches), directory)
    for family in (teardown, mix, ipi, line, latency, host):
        written += family.draw_all(records, directory)
    return written
