# SPDX-License-Identifier: MIT
"""Draws figures with matplotlib."""
