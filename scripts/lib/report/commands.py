# SPDX-License-Identifier: MIT
"""The command that measures again what one figure shows."""

import re
import shlex

import pandas

from families.registry import FAMILIES
from records.conditions import value_of
from records.document import SCHEMA, is_flag, of_window

# Per condition of a Sheet the option that sets it.
OPTIONS = {key: said["option"] for key, said in of_window(SCHEMA).items() if "option" in said}
# Those that are given without a value, where the condition is true, or false of an option that says no.
FLAGS = {key for key in OPTIONS if is_flag(of_window(SCHEMA)[key])} - {"irqs_off_activate_mm"} | {"latency_one_in"}
# A number of ns is another option's value than a duration.
DURATIONS = {key for key in OPTIONS if key.endswith("_ns") and of_window(SCHEMA)[key]["type"] == "integer"}


def measure_again(family, windows, unsafe):
    """Returns the mmscale command whose windows would stand in a figure of these. unsafe: whether it needs --unsafe."""
    words = ["mmscale", "bench", "--family", family]
    own = FAMILIES[family].options if family in FAMILIES else {}
    for column, option in (("workload", "--workload"), ("scheme", "--scheme"), ("sharing", "--sharing"),
                           ("placement", "--placement"), ("cpus", "--cpus"), ("exits", "--exits")):  # fmt: skip
        option = own.get(column, option)
        if column in windows and option is not None:
            words += [option, ",".join(_texts(windows[column]))]
    for condition, option in OPTIONS.items():
        values = _texts(value_of(windows, condition))
        # One value per command: what was swept beyond that is another figure's.
        if len(values) == 1:
            words += _words(condition, option, values[0])
    repetitions = windows.groupby(["scheme", "source", *_swept(windows)], dropna=False).size().max()
    words += ["--reps", str(repetitions)] + (["--unsafe"] if unsafe else [])
    return shlex.join([*words, "--out", "records.json"])


def as_given(command):
    """A recorded command without the folder that it wrote into."""
    return re.sub(r"(--out|-o)([ =])\S*/", r"\1\2", command)


def _words(condition, option, value):
    if condition in FLAGS:
        return [option] if (value in ("False", "0")) == option.startswith("--no-") else []
    if condition == "irqs_off_activate_mm":
        return [option, value.lower()]
    if condition in DURATIONS:
        return [option, f"{float(value) / 1e3:.15g}us"] if float(value) else []
    return [option, value]


def _swept(windows):
    return [column for column in ("cpus", "exits", "borrowers", "mask_only", "targets") if column in windows]


def _texts(values):
    """Every different value, as an option takes it: of a number that is whole, no decimals."""
    found = sorted({value for value in values if not pandas.isna(value)})
    return [str(value).removesuffix(".0") if isinstance(value, float) else str(value) for value in found]
