# SPDX-License-Identifier: MIT
"""Tables as plain text that survives a mailing list."""
