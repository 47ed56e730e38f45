# SPDX-License-Identifier: MIT
"""What scripts/compare does: its sides, its tests, its table and page."""
