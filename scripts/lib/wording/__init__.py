# SPDX-License-Identifier: MIT
"""Numbers, machines and reasons in words."""
