# SPDX-License-Identifier: MIT
"""As much of JSON Schema as schema/*.json uses; a keyword that it does not know is an error, not a pass."""

import re

TYPES = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
}
NOTES = {"$schema", "$defs", "title", "description", "then", "else"}


def problems(value, schema, root=None, where=""):
    """What is wrong with `value`: one text for each violation, empty if there is none."""
    root = root or schema
    found = []

    def check(part, rule, path):
        found.extend(problems(part, rule, root, path))

    for keyword, rule in schema.items():
        if keyword in NOTES:
            continue
        if keyword == "$ref":
            target = root
            for step in rule.removeprefix("#/").split("/"):
                target = target[step]
            check(value, target, where)
        elif keyword == "type":
            if not TYPES[rule](value):
                found.append(f"{where}: {value!r} is no {rule}")
        elif keyword == "enum":
            if value not in rule:
                found.append(f"{where}: {value!r} is none of {rule}")
        elif keyword == "if":
            branch = schema.get("else" if problems(value, rule, root, where) else "then", {})
            check(value, branch, where)
        elif keyword == "required":
            found += [f"{where}: no {name!r}" for name in rule if isinstance(value, dict) and name not in value]
        elif keyword == "properties":
            for name in rule.keys() & value.keys() if isinstance(value, dict) else ():
                check(value[name], rule[name], f"{where}/{name}")
        elif keyword == "additionalProperties":
            for name in value.keys() - schema.get("properties", {}).keys() if isinstance(value, dict) else ():
                check(value[name], rule, f"{where}/{name}")
        elif keyword == "items":
            for index, item in enumerate(value if isinstance(value, list) else ()):
                check(item, rule, f"{where}/{index}")
        elif keyword in ("minimum", "maximum"):
            if TYPES["number"](value) and (value < rule if keyword == "minimum" else value > rule):
                found.append(f"{where}: {value} is beyond the {keyword} of {rule}")
        elif keyword == "pattern":
            if isinstance(value, str) and not re.search(rule, value):
                found.append(f"{where}: {value!r} does not match {rule}")
        else:
            raise ValueError(f"keyword {keyword!r} is not supported")
    return found
