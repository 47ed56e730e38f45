# SPDX-License-Identifier: MIT
"""Reads record files: what a window was measured under, and a row for each."""
