# SPDX-License-Identifier: MIT
"""What tests and scripts/test read: disassembly, test results, documents that hold figures."""
