# SPDX-License-Identifier: MIT
"""Predictions of the simulator beside what was measured or published."""
