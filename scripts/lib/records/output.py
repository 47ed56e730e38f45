# SPDX-License-Identifier: MIT
"""The folder that -o of plot, report and fit names: made where there is none, as for the command's --out."""

import os

from records.reading import RecordError


def writable_folder(path):
    """Makes a folder unless it is there; raises RecordError where that, or writing into it, is not possible."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RecordError(f"{path}: {'no folder' if path.exists() else error.strerror}") from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise RecordError(f"{path}: may not be written to")
