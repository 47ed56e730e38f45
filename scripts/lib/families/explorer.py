# SPDX-License-Identifier: MIT
"""The family explorer: how fast interleavings are explored."""

from families.family import Family


FAMILY = Family(name="explorer", figure="ns_per_step")
