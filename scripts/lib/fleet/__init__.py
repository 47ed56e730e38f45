# SPDX-License-Identifier: MIT
"""One campaign on many hosts under Slurm, and what becomes of their records."""
