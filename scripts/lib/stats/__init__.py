# SPDX-License-Identifier: MIT
"""Estimates and their intervals, rank tests, laws of scaling."""
