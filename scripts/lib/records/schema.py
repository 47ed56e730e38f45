# SPDX-License-Identifier: MIT
"""What schema/ says of a record file or a machine model, checked."""

import json
import math
from pathlib import Path

import jsonschema

from records.reading import SCHEMA

FOLDER = Path(__file__).resolve().parents[3] / "schema"


def problems(document, version=SCHEMA):
    """Returns what is wrong with a record file's document of some version, a line each; empty if nothing is."""
    return _problems(document, "record.schema.json" if version == SCHEMA else f"record-{version}.schema.json")


def machine_problems(document):
    """The same of a machine model."""
    return _problems(document, "machine.schema.json")


def _problems(document, name):
    schema = json.loads((FOLDER / name).read_text())
    found = []
    for error in jsonschema.Draft202012Validator(schema).iter_errors(document):
        found.append(f"{_place(error.absolute_path)}: {_short(error.message)}")
    # Python reads NaN and Infinity as numbers; JSON has none.
    found += [f"{_place(path)}: {value} is no number of JSON" for path, value in _endless(document)]
    return found


def _place(path):
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.lstrip(".") or "the document"


def _short(message, most=160):
    """A message quotes what is wrong, which may be all of it."""
    return message if len(message) <= most else f"{message[: most // 2]} ... {message[-most // 2 :]}"


def _endless(value, path=()):
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _endless(part, (*path, key))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _endless(part, (*path, index))
    elif isinstance(value, float) and not math.isfinite(value):
        yield path, value
