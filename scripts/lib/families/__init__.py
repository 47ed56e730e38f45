# SPDX-License-Identifier: MIT
"""One module per family of records: what a window of it is, and how that is shown. registry.py has them all."""
