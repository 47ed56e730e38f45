# SPDX-License-Identifier: MIT
"""Draws every figure that some records make."""

import figure_host
import figure_ipi
import figure_latency
import figure_line
import figure_mix
import figure_teardown
import figures
from series import panels


def draw_everything(records, directory):
    """Draws what is in Records into directory, as PNG and SVG; returns the paths written."""
    written = figures.draw_all(records, panels(records.switches), directory)
    for family in (figure_teardown, figure_mix, figure_ipi, figure_line, figure_latency, figure_host):
        written += family.draw_all(records, directory)
    return written
