# SPDX-License-Identifier: MIT
"""What a window was measured under. Windows that differ in one condition are never pooled.

There is no list of conditions, which could forget one: whatever a record says that is no result, and not what the
window is a window of, is a condition. In a table of Records each has a column named PREFIX + its key.
"""

import json

import pandas

PREFIX = "condition "

# In the "mmscale" object of any family, but no condition: they are the window's results, its whereabouts, or in words what another
# key says.
RESULTS = {
    "invalid", "audit", "per_cpu", "pus", "packages", "absent", "lifecycle_reason", "transport_reason",
    "transport_caveat", "world", "pmu", "simulator", "lines_by_distance", "notes",
}  # fmt: skip
# What a window is a window of, in any family: a reader has a column for those that its family has. What a scheme is
# tuned with is part of its name (reading.py).
IDENTITY = {
    "schema", "family", "workload", "scheme", "sharing", "placement", "cpus", "record", "switch_ticks", "batch",
}  # fmt: skip

# In the context, but they differ between any two runs: when, how busy, from where it was started.
PASSING = {"date", "load_avg", "command_line", "executable", "mhz_per_cpu", "caches"}
# In the context, but they depend on which CPUs a campaign takes, or on which command wrote them: records of one machine
# may differ in them.
WHEREABOUTS = {"cpus_used", "frequency_detail", "mmscale_schema", "host_lifecycle"}


def of_entry(ours, identity=()):
    """The conditions of an "mmscale" object as columns of a row. identity: further keys that are none, since the family
    is read by them."""
    return {PREFIX + key: _plain(value) for key, value in ours.items() if is_given(key) and key not in identity}


def is_given(key):
    """Whether a key of an "mmscale" object is a condition, in whatever family."""
    return key not in RESULTS | IDENTITY


def names(windows, but=()):
    """The conditions that a table has columns for, in order, without some."""
    return [name.removeprefix(PREFIX) for name in windows.columns if is_condition(name, but)]


def is_condition(column, but=()):
    """Whether a column is that of a condition, and not of some."""
    return column.startswith(PREFIX) and column.removeprefix(PREFIX) not in but


def value_of(windows, name):
    """The column of a condition; of None where the table has no such."""
    return windows[PREFIX + name] if PREFIX + name in windows else pandas.Series(None, windows.index, dtype=object)


def values(windows, but=()):
    """By name every value that occurs."""
    return {name: list(windows[PREFIX + name].unique()) for name in names(windows, but)}


def of_context(context):
    """What a context says of machine, kernel and build, as a tuple of (key, text), sorted."""
    said = ((key, _text(value)) for key, value in context.items() if _is_of_machine(key))
    return tuple(sorted(said))


def _is_of_machine(key):
    # Why a scheme is unsafe is said of those that a campaign had.
    return key not in PASSING | WHEREABOUTS and not key.startswith("unsafe_here_")


def _plain(value):
    """A value that can be compared and sorted into groups."""
    return json.dumps(value, sort_keys=True) if isinstance(value, (list, dict)) else value


def _text(value):
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
