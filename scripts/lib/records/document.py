# SPDX-License-Identifier: MIT
"""A record file's text as a document in which everything has the type and the bounds that the code behind relies on.

The schema decides: what it says of types and least values is checked of every file before any code uses it, older
versions and names that are missing included (`scripts/validate` asks for all of it). Beyond that a document has bounds
that no record comes near: a file of MOST_BYTES (unpacked, where gzip packed it), MOST_DEPTH levels, text of MOST_TEXT characters, numbers of 64 bits.
"""

import functools
import json
import math
import os
import re
import select
import stat
import zlib
from pathlib import Path

import fastjsonschema
import jsonschema

from command import Problem, in_words

FOLDER = Path(__file__).resolve().parents[3] / "schema"
# The newest version of the names in a record file that is understood (kSchema in src/measure/record.h).
SCHEMA = 2

MOST_BYTES = 512 << 20
MOST_DEPTH = 32
GZIP = b"\x1f\x8b"
# A command line of a thousand words has less.
MOST_TEXT = 16384
MOST_INTEGER = (1 << 64) - 1
SURROGATE = re.compile("[\ud800-\udfff]")


class RecordError(Problem):
    """A record file that cannot be used, and why, in one line."""


def read_bytes(path):
    """Returns a record file's bytes, unpacked if gzip packed them, at most MOST_BYTES. Raises RecordError."""
    try:
        with open(path, "rb", opener=_opened) as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise RecordError(f"{path}: {error.strerror}") from None
    try:
        data = _unpacked(data) if data.startswith(GZIP) else data
    except zlib.error as error:
        raise RecordError(f"{path}: damaged, gzip cannot unpack it: {error}") from None
    except EOFError as error:
        raise RecordError(f"{path}: {error}") from None
    if len(data) > MOST_BYTES:
        raise RecordError(f"{path}: more than {MOST_BYTES >> 20} MiB: no record file")
    return data


def _opened(path, flags):
    """A file or a pipe, as <(COMMAND) makes. One that nobody writes is empty, and not waited for."""
    descriptor = os.open(path, flags | os.O_NONBLOCK)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISFIFO(mode):
        os.close(descriptor)
        raise RecordError(f"{path}: {'Is a directory' if stat.S_ISDIR(mode) else 'no file'}")
    if stat.S_ISREG(mode) and not _writable_at_once(descriptor):
        os.close(descriptor)
        raise RecordError(f"{path}: no end: a stream of the kernel's")
    os.set_blocking(descriptor, True)
    return descriptor


def _writable_at_once(descriptor):
    """As files are; not the kernel's own streams (trace_pipe), of which the system says that they are files."""
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(0))


def _unpacked(data):
    """All members of a gzip file, up to a byte more than may be."""
    parts, size = [], 0
    while data and size <= MOST_BYTES:
        if not data.startswith(GZIP):
            raise EOFError("something follows what gzip packed: no record file")
        member = zlib.decompressobj(wbits=31)
        parts.append(member.decompress(data, MOST_BYTES + 1 - size))
        size += len(parts[-1])
        if not member.eof and size <= MOST_BYTES:
            raise EOFError("what gzip packed ends in the middle: half-written?")
        data = member.unused_data
    return b"".join(parts)


def read_document(path):
    """Returns what a JSON file holds, within the bounds. Raises RecordError."""
    text = read_bytes(path)
    if not text.strip():
        raise RecordError(f"{path}: empty: half-written, or no record file")
    try:
        document = json.loads(text, parse_int=_integer, parse_float=_float, parse_constant=_constant)
    except json.JSONDecodeError as error:
        raise RecordError(f"{path}: not JSON from line {error.lineno} on: half-written, or no record file") from None
    except UnicodeDecodeError:
        raise RecordError(f"{path}: not text: no record file") from None
    except RecursionError:
        raise RecordError(f"{path}: nested too deeply: no record file") from None
    except ValueError as error:
        raise RecordError(f"{path}: {error}") from None
    if not _bounded(document):
        _say_where(path, document)
    return document


def check_types(path, document, version):
    """Raises RecordError for the first value that is not of the type which the version's schema gives it."""
    try:
        _compiled(version)(document)
        return
    except fastjsonschema.JsonSchemaValueException:
        # Compiled, the schema is checked several times as fast; interpreted, it says what is wrong and where.
        pass
    for error in _types(version).iter_errors(document):
        raise RecordError(f"{path}: {place_of(error.absolute_path)}: {short(error.message)}")


def place_of(path):
    """A place in a document: "benchmarks[3].mmscale.cpus". Names are the file's, and may be anything."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return in_words(text.lstrip(".") or "the document", 160)


def short(message, most=160):
    """A message quotes what is wrong, which may be all of it."""
    return message if len(message) <= most else f"{message[: most // 2]} ... {message[-most // 2 :]}"


def schema_of(version):
    """The schema of a version's record files."""
    name = "record.schema.json" if version == SCHEMA else f"record-{version}.schema.json"
    return json.loads((FOLDER / name).read_text())


def of_window(version):
    """What it says of each key of a window's "mmscale" object; "option" is the one that sets it."""
    return schema_of(version)["$defs"]["mmscale"]["properties"]


def is_flag(said):
    return said.get("type") == "boolean" or said.get("enum") == [True]


@functools.cache
def _compiled(version):
    """The types of a version as Python. Of a newer draft than 7 they use nothing but the name $defs, which is a place
    like any other."""
    return fastjsonschema.compile(_types(version).schema | {"$schema": "http://json-schema.org/draft-07/schema#"})


@functools.cache
def _types(version):
    schema = schema_of(version)
    types = _types_only(schema)
    entry, window = types["$defs"]["entry"], types["$defs"]["window"]
    # What Google Benchmark says of a run that failed.
    entry["properties"] |= {"error_occurred": {"type": "boolean"}, "error_message": {"type": "string"}}
    window["properties"]["mmscale"] = {"$ref": "#/$defs/mmscale"}
    # Of aggregates there are some of everything, a coefficient of variation of cpus too.
    entry["if"] = {"required": ["run_type"], "properties": {"run_type": {"enum": ["aggregate"]}}}
    entry["else"] = window
    return jsonschema.Draft202012Validator(types)


def _types_only(schema):
    """A schema without what it says of names that must be there, of words, and of cases."""
    if not isinstance(schema, dict):
        return schema
    made = {}
    for key, value in schema.items():
        if key == "enum":
            made["type"] = sorted({_json_type(one) for one in value})
        elif key in ("properties", "$defs"):
            made[key] = {name: _types_only(part) for name, part in value.items()}
        elif key in ("items", "additionalProperties"):
            made[key] = _types_only(value)
        elif key in ("type", "minimum", "maximum", "$ref", "$schema"):
            made[key] = value
    return made


def _json_type(value):
    return {bool: "boolean", int: "number", float: "number", str: "string"}[type(value)]


def _integer(text):
    if len(text) > 20 or not -MOST_INTEGER <= int(text) <= MOST_INTEGER:
        raise ValueError(f"{short(text, 40)} is no number of 64 bits: no record file")
    return int(text)


def _float(text):
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{short(text, 40)} is too large for a number: no record file")
    return value


def _constant(text):
    """Google Benchmark writes NaN for a counter without a value; an endless one is of nobody."""
    if text != "NaN":
        raise ValueError(f"{text} is no number of JSON: no record file")
    return math.nan


def _text_problem(text):
    if len(text) > MOST_TEXT:
        return f"a text of {len(text)} characters, {MOST_TEXT} are the most: no record file"
    return "half a surrogate pair, which is no character" if SURROGATE.search(text) else None


def _bounded(document):
    """Whether every text and every level is within the bounds: asked of all values, level by level."""
    level = [document]
    for _ in range(MOST_DEPTH + 1):
        texts = [value for value in level if isinstance(value, str)]
        texts += [key for value in level if isinstance(value, dict) for key in value]
        if any(map(_text_problem, texts)):
            return False
        level = [
            part
            for value in level
            if isinstance(value, (dict, list))
            for part in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return True
    return False


def _say_where(path, document):
    """Raises RecordError for the first value that is out of bounds."""
    for place, value in _values(document):
        if len(place) > MOST_DEPTH:
            raise RecordError(f"{path}: {place_of(place)}: nested more than {MOST_DEPTH} deep: no record file")
        if isinstance(value, str) and (wrong := _text_problem(value)):
            raise RecordError(f"{path}: {place_of(place)}: {wrong}")


def _values(document):
    """Every key and value, with the path to it and its depth."""
    waiting = [((), document)]
    while waiting:
        path, value = waiting.pop()
        yield path, value
        if len(path) > MOST_DEPTH:
            continue
        if isinstance(value, dict):
            for key, part in value.items():
                yield path, key
                waiting.append(((*path, key), part))
        elif isinstance(value, list):
            waiting += [((*path, index), part) for index, part in enumerate(value)]
