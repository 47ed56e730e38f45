# SPDX-License-Identifier: MIT
"""What plot, report, fit and compare write: the folder that -o names, made where there is none, as for the command's --out,
and whole files."""

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


def write_whole(path, data):
    """Text or bytes into a file that is there whole or as it was: written beside, and put in its place. A name that is no
    text is written as one."""
    data = data.encode("utf-8", "backslashreplace") if isinstance(data, str) else data
    if path.exists() and not path.is_file():
        path.write_bytes(data)
        return
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with open(beside, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path.resolve())
    except OSError as error:
        raise RecordError(f"{path}: {error.strerror}") from None
    finally:
        beside.unlink(missing_ok=True)
