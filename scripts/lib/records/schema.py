# SPDX-License-Identifier: MIT
"""What schema/ says of a record file or a machine model, checked."""

import json
import math
import re

import jsonschema

from records.document import FOLDER, SCHEMA, place_of, schema_of, short

# A line of the schema about a key that an option sets.
OF_OPTION = re.compile(r'^ *"\w+": \{.*"option": ".*\n', re.MULTILINE)


def with_options(text, described):
    """The schema's text with what `mmscale describe --json` says of each condition in a window's "mmscale" object."""
    lines = {}
    for command in described["commands"]:
        for option in command["options"]:
            key = option.get("record_key")
            # What the simulator is given, and which world it is, stands in the context.
            if option.get("condition") and not key.startswith("simulator_") and key != "world":
                said = json.dumps(option["in_record"] | {"option": option["name"]})
                lines.setdefault(key, f"        {json.dumps(key)}: {said},\n")
    before, after = OF_OPTION.split(text, maxsplit=1)
    return before + "".join(lines.values()) + OF_OPTION.sub("", after)


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
