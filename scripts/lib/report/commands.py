# SPDX-License-Identifier: MIT
"""The command that measures again what one figure shows."""

import re
import shlex

import pandas

from families.registry import FAMILIES
from records.conditions import value_of

# Per condition of a Sheet the option that sets it; None: an option without a value, given where the condition is true.
OPTIONS = {
    "lifecycle": "--lifecycle", "mm_cid": "--mm-cid", "rq_lock": None, "transport": "--transport",
    "home_node": "--home", "think_cycles": "--think", "lifetime": "--lifetime", "window_ns": "--window",
    "linger_ns": "--linger", "latency_one_in": None, "deep_idle": None, "page_tables": None, "hotplug": "--hotplug",
    "irqs_off_activate_mm": "--irqs-off-activate-mm", "migrate_every": "--migrate-every", "warm_ns": "--warm",
    "death_ticks": "--death-ticks", "tasks_per_cpu": "--tasks-per-cpu",
    "nohz_every": "--nohz", "idle_exit_ns": "--idle-exit", "registered": None,
}  # fmt: skip
FLAGS = {"rq_lock": "--rq-lock", "latency_one_in": "--latency", "deep_idle": "--deep-idle", "registered": "--registered"}


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
    if condition == "page_tables":
        return ["--no-page-tables"] if value in ("False", "0") else []
    if condition == "irqs_off_activate_mm":
        return [option, value.lower()]
    if option is None:
        return [FLAGS[condition]] if value not in ("False", "0") else []
    if condition in ("window_ns", "warm_ns", "linger_ns", "idle_exit_ns"):
        return [option, f"{float(value) / 1e3:.15g}us"] if float(value) else []
    return [option, value]


def _swept(windows):
    return [column for column in ("cpus", "exits", "borrowers", "mask_only", "targets") if column in windows]


def _texts(values):
    """Every different value, as an option takes it: of a number that is whole, no decimals."""
    found = sorted({value for value in values if not pandas.isna(value)})
    return [str(value).removesuffix(".0") if isinstance(value, float) else str(value) for value in found]
