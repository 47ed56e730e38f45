# SPDX-License-Identifier: MIT
"""Damaged files, from whole ones and a seed: the same seed damages in the same way."""

import copy
import json
import re

# What a number may be changed to: the ends of types, and what is none.
NUMBERS = ["0", "-1", "1", "2", "7", "65535", "65536", "2147483647", "2147483648", "4294967295", "4294967296",
           "9223372036854775807", "18446744073709551615", "18446744073709551616", "9" * 40, "9" * 4300, "1e999", "-1e999",
           "1e-320", "0.0000001", "NaN", "nan", "inf", "0x10", "010", "1,5", "", "+3", "1e3"]  # fmt: skip
WORDS = ["", " ", "\x00", "\n", "x" * 300, "x" * 20000, "../../etc/passwd", "%s%n", "'; drop table", "\u202e", "\U0001f600",
         "-", "--", "null", "{}", "[]", "<a>", "&amp;", "0xf...f", "refcount"]  # fmt: skip
# JSON that stands where other JSON stood.
VALUES: list = [None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, 1e300, -1e300, 1e-300, 0.5, "", "x", "0", "x" * 20000, "\ud800",
          [], {}, [[]], [0], [None], ["x"], {"": 0}, {"x": []}, [{}], [1] * 5000, "NaN"]  # fmt: skip

NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
WORD = re.compile(rb"[A-Za-z_][\w-]*")


def damaged(data, others, dice):
    """Bytes, after one to four accidents; others: whole files of the same kind, to splice with."""
    for _ in range(dice.choice((1, 1, 1, 2, 2, 3, 4))):
        data = dice.choice(ACCIDENTS)(data, others, dice)
    return data


def odd_json(document, dice):
    """A document, one to three of whose values, names or parts are something else."""
    document = copy.deepcopy(document)
    for _ in range(dice.choice((1, 1, 2, 3))):
        _one_odd(document, dice)
    return document


def to_text(document, dice):
    """A document as JSON; now and then with text in it that no writer makes."""
    text = json.dumps(document)
    if dice.random() < 0.1:
        text = text.replace("1", dice.choice(NUMBERS) or "1", 1)
    if dice.random() < 0.05:
        depth = dice.choice((100, 1000, 100_000))
        text = text.replace("1", "[" * depth + "]" * depth, 1)
    return text.encode("utf-8", "surrogatepass")


def _one_odd(document, dice):
    place = document
    for _ in range(dice.randrange(1, 7)):
        keys = list(place) if isinstance(place, dict) else range(len(place))
        if not keys:
            return
        key = dice.choice(list(keys))
        if not isinstance(place[key], (dict, list)) or dice.random() < 0.15:
            break
        place = place[key]
    else:
        return
    kind = dice.randrange(5)
    if kind == 0:
        del place[key]
    elif kind == 1 and isinstance(place, dict):
        place[dice.choice(WORDS)] = place.pop(key)
    elif kind == 2 and isinstance(place, list):
        place += [copy.deepcopy(place[key])] * dice.choice((1, 100))
    else:
        place[key] = copy.deepcopy(dice.choice(VALUES))


def _at(data, dice):
    return dice.randrange(len(data) + 1)


def _bit(data, _others, dice):
    if not data:
        return data
    at = dice.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << dice.randrange(8))]) + data[at + 1 :]


def _byte(data, _others, dice):
    at = _at(data, dice)
    return data[:at] + bytes([dice.choice((0, 10, 13, 32, 45, 58, 127, 128, 255, dice.randrange(256)))]) + data[at + 1 :]


def _cut(data, _others, dice):
    return data[: _at(data, dice)]


def _without(data, _others, dice):
    at = _at(data, dice)
    return data[:at] + data[at + dice.choice((1, 2, 8, 64, 1000)) :]


def _twice(data, _others, dice):
    at = _at(data, dice)
    part = data[at : at + dice.choice((1, 8, 64, 1000))]
    return data[:at] + part * dice.choice((2, 3, 50)) + data[at:]


def _splice(data, others, dice):
    other = dice.choice(others)
    return data[: _at(data, dice)] + other[_at(other, dice) :]


def _number(data, _others, dice):
    return _replaced(NUMBER, NUMBERS, data, dice)


def _word(data, _others, dice):
    return _replaced(WORD, WORDS, data, dice)


def _lines(data, _others, dice):
    lines = data.splitlines(keepends=True)
    if len(lines) > 1:
        a, b = dice.randrange(len(lines)), dice.randrange(len(lines))
        lines[a], lines[b] = lines[b], lines[a]
    return b"".join(lines)


def _replaced(pattern, by, data, dice):
    """Looks from a place at random on, so that a large file is not searched whole."""
    start = _at(data, dice)
    found = pattern.search(data, start, start + 4096) or pattern.search(data)
    if not found:
        return data
    return data[: found.start()] + dice.choice(by).encode("utf-8", "surrogatepass") + data[found.end() :]


ACCIDENTS = [_bit, _byte, _cut, _without, _twice, _splice, _number, _number, _number, _word, _lines]
