# SPDX-License-Identifier: MIT
"""What schema/ says of a record file or a machine model, checked."""

import json
import math

import jsonschema

from records.document import FOLDER, SCHEMA, place_of, schema_of, short


def problems(document, version=SCHEMA):
    """Returns what is wrong with a record file's document of some version, a line each; empty if nothing is."""
    return _problems(document, schema_of(version))


def machine_problems(document):
    """The same of a machine model."""
    return _problems(document, json.loads((FOLDER / "machine.schema.json").read_text()))


def _problems(document, schema):
    found = []
    for error in jsonschema.Draft202012Validator(schema).iter_errors(document):
        found.append(f"{place_of(error.absolute_path)}: {short(error.message)}")
    # Python reads NaN and Infinity as numbers; JSON has none.
    found += [f"{place_of(path)}: {value} is no number of JSON" for path, value in _endless(document)]
    return found


def _endless(value, path=()):
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _endless(part, (*path, key))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _endless(part, (*path, index))
    elif isinstance(value, float) and not math.isfinite(value):
        yield path, value
