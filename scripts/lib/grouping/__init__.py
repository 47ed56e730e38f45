# SPDX-License-Identifier: MIT
"""Sorts windows into what may share a figure, its lines and its points."""
