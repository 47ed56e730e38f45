# SPDX-License-Identifier: MIT
"""The report: one self-contained page of some records (docs/report.md)."""
