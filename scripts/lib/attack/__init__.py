# SPDX-License-Identifier: MIT
"""What is thrown at the tool and the scripts: files, command lines, and stops in the middle of a window."""
