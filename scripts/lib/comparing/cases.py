# SPDX-License-Identifier: MIT
"""Reads what scripts/compare compares: for each side its cases, and of each case one figure of every window.

A side is a record file, or a folder of them that one machine wrote in several goes. The cases of a side are what its
records name them; windows of one name that were measured under different conditions are told apart and never pooled.
"""

import datetime
import re
import statistics
import textwrap
from dataclasses import dataclass, field, replace
from pathlib import Path

from families.registry import FAMILIES, OWN_RESULTS
from records.conditions import RESULTS
from records.reading import Machine, RecordError, load, machine_of
from records.window import number, per_cpu, validity

# What measuring and simulating cannot have in common: windows are of real or of virtual time, IPIs are made with what
# user space has or by the model.
WORLDLY = {"transport", "window_ns", "warm_ns"}
# Two files whose machine was started within so many seconds have stamps of one clock. A file's date is when the
# process began, some time before its first window.
SAME_BOOT = 30
# Google Benchmark's additions to a name.
ADDED = re.compile(r"/(repeats:\d+|manual_time|min_time:[^/]+|real_time|iterations:\d+)(?=/|$)")


@dataclass(frozen=True)
class Window:
    """One window of a case. start: of its first CPU, ns of the machine's monotonic clock, or NaN."""

    value: float
    valid: bool
    start: float


@dataclass
class Case:
    """The windows of one name under one set of conditions, by time. unit: of the figure."""

    name: str
    figure: str
    unit: str
    conditions: dict
    windows: list = field(default_factory=list)

    @property
    def values(self):
        """The figure of every valid window."""
        return [window.value for window in self.windows if window.valid]

    @property
    def median(self):
        """Of the valid windows, of which there must be one."""
        return statistics.median(self.values)

    @property
    def constant(self):
        """Whether all valid windows have the same value, as a deterministic simulation has."""
        return len(set(self.values)) == 1


@dataclass
class Side:
    """What was read of one argument. cases: by name a list, one Case for each set of conditions.

    boot: when the machine was started, by its windows' stamps and the file's date, in seconds; None where that is not
        known, or where the files are of several boots. It only serves to tell whether two files' stamps are of one
        clock.
    """

    path: Path
    machine: Machine
    context: dict
    cases: dict
    boot: float | None

    @property
    def simulated(self):
        """Whether the numbers were computed, not measured."""
        return self.machine.simulated

    @property
    def windows(self):
        """All windows of all cases."""
        return [window for found in self.cases.values() for case in found for window in case.windows]


def read_side(path, figure=None):
    """Reads a record file or a folder of them; returns a Side. figure: a counter's name, if not its family's. Raises
    RecordError for a file that cannot be used, and where there is nothing to compare."""
    side, boots = None, []
    for file in _files(path):
        context, benchmarks = load(file)
        machine = machine_of(context)
        if side is None:
            side = Side(path, machine, context, {}, None)
        elif machine != side.machine:
            differs = _difference(dict(side.machine.said), dict(machine.said))
            raise RecordError(f"{file}: another machine, kernel or build than the other files of {path}: {differs}")
        for index, benchmark in enumerate(benchmarks):
            try:
                _add(side.cases, benchmark, figure)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise RecordError(f"{file}: record {index} is not mmscale's ({_reason(error)})") from None
        boots.append(_boot(context, benchmarks))
    if not side.cases:
        what = f" with the figure {figure!r}" if figure else ""
        raise RecordError(f"{path}: no windows{what} that could be compared")
    known = [boot for boot in boots if boot is not None]
    if len(known) == len(boots) and max(known) - min(known) <= SAME_BOOT:
        side.boot = statistics.median(known)
    for case in (case for found in side.cases.values() for case in found):
        if all(window.start == window.start for window in case.windows):
            case.windows.sort(key=lambda window: window.start)
    return side


def of_scheme(side, scheme):
    """The cases of one scheme, by the names that they have without it, as a Side: so that two schemes of one campaign are
    two sides. Raises RecordError where there are none."""
    cases = {}
    for name, found in side.cases.items():
        words = name.split("/")
        for case in found:
            if case.conditions.get("scheme") == scheme and scheme in words:
                bare = "/".join("*" if word == scheme else word for word in words)
                conditions = case.conditions | {"scheme": "*"}
                cases.setdefault(bare, []).append(replace(case, name=bare, conditions=conditions))
    if not cases:
        known = sorted({str(case.conditions.get("scheme")) for found in side.cases.values() for case in found})
        raise RecordError(f"{side.path}: no windows of scheme {scheme!r}; it has {', '.join(known)}")
    return replace(side, path=f"{side.path}, {scheme}", cases=cases)


def _difference(one, other):
    """The first key in which two contexts differ, with its values."""
    for key in sorted(set(one) | set(other)):
        if one.get(key) != other.get(key):
            return f"{key} {textwrap.shorten(other.get(key, 'not recorded'), 60)}, not {textwrap.shorten(one.get(key, 'not recorded'), 60)}"
    return ""


def unit_of(figure, time_unit):
    """The unit of a counter that can be compared, or None: times and rates can, in which it is clear what is better."""
    if figure in ("real_time", "cpu_time"):
        return time_unit
    if figure.endswith("_per_second"):
        return "1/s"
    return "ns" if re.search(r"(^|_)ns(_|$)", figure) else None


def _files(path):
    if not path.is_dir():
        return [path]
    files = sorted([*path.glob("*.json"), *path.glob("*.json.gz")])
    if not files:
        raise RecordError(f"{path}: a folder without a record file (*.json, *.json.gz)")
    # Of scripts/run's folder its campaigns, and not the traces that it replays on models beside them.
    return [file for file in files if file.name.startswith("records")] or files


def _add(cases, benchmark, figure):
    """Adds one entry of "benchmarks" to the cases; aggregates, and windows of families without the figure, not."""
    name = ADDED.sub("", benchmark.get("run_name") or benchmark["name"])
    if benchmark.get("run_type", "iteration") != "iteration":
        return
    ours = benchmark.get("mmscale") or {}
    family = str(ours.get("family", name.split("/", 1)[0]))
    wanted = figure or (family in FAMILIES and FAMILIES[family].figure) or "real_time"
    if figure and figure not in benchmark:
        return
    value = number(benchmark.get(wanted))
    # The ns of a counter are ns whatever real_time is in.
    unit = unit_of(wanted, str(benchmark.get("time_unit", "ns")))
    found = cases.setdefault(name, [])
    # Whose model it is, is said once for the side: its host has that name.
    passing = RESULTS | OWN_RESULTS | ({"machine"} if "simulator" in ours else set())
    conditions = {key: value for key, value in ours.items() if key not in passing}
    case = next((one for one in found if (one.conditions, one.unit) == (conditions, unit)), None)
    if case is None:
        case = Case(name, wanted, unit, conditions)
        found.append(case)
    case.windows.append(Window(value, validity(benchmark, ours, value)["valid"], _start(ours)))


def _start(ours):
    starts = [number(cpu.get("start_ns")) for cpu in per_cpu(ours) or ()]
    return min(starts, default=number(None))


def _boot(context, benchmarks):
    starts = [_start(one["mmscale"]) for one in benchmarks if isinstance(one.get("mmscale"), dict)]
    starts = [start for start in starts if start == start]
    try:
        date = datetime.datetime.fromisoformat(str(context.get("date"))).timestamp()
    except ValueError:
        return None
    return date - min(starts) / 1e9 if starts else None


def _reason(error):
    return f"no {error.args[0]!r}" if isinstance(error, KeyError) else str(error)
