# SPDX-License-Identifier: MIT
"""Reads mmscale's measurement records: Google Benchmark's JSON plus our counters, context keys and "mmscale" object.

Only single windows (run_type "iteration") are read; aggregates are computed anew from the valid ones. Whatever cannot
be read, or is not ours, raises RecordError with a message of one line that names the file.
"""

import json
import math
import re
from dataclasses import dataclass

import pandas

# What the "mmscale" object says about how a window was measured, beyond what identifies its place in a figure.
# Windows that differ in one of these are never pooled.
CONDITIONS = (
    "lifecycle", "mm_cid", "rq_lock", "transport", "home_node", "think_cycles", "lifetime", "window_ns"
)

# "switch/idle/refcount/all/compact/cpus:2", which Google Benchmark may follow with its own "/repeats:9/manual_time".
SWITCH_NAME = re.compile(
    r"switch/(?P<workload>[^/]+)/(?P<scheme>[^/]+)/(?P<sharing>[^/]+)/(?P<placement>[^/]+)/(?:.*/)?cpus:(?P<cpus>\d+)"
)
FLOOR_NAME = re.compile(r"floor/(?P<scheme>[^/]+)/(?:.*/)?cpus:(?P<cpus>\d+)")
IDENTITY = ("workload", "scheme", "sharing", "placement", "cpus")


class RecordError(Exception):
    """A record file that cannot be used, and why, in one line."""


@dataclass(frozen=True)
class Machine:
    """What was measured on what: the context keys that must agree before windows of several files may be pooled."""

    host: str
    cpu_model: str
    cpus: str
    smt: str
    kernel: str
    kernel_lazy_tlb: str
    governor: str
    frequency: str
    hypervisor: str
    cpu_quota: str
    revision: str
    version: str
    compiler: str
    world: str

    @property
    def simulated(self):
        """Whether the numbers come out of the simulator and not off a machine."""
        return self.world == "simulator"


@dataclass
class Source:
    """One machine, and the files that were recorded on it."""

    machine: Machine
    files: list
    dates: list
    commands: list


@dataclass(frozen=True)
class Records:
    """Everything read.

    sources: one Source per different Machine, in the order of the files.
    switches: a row per window of the family "switch": source (index into sources), workload, scheme, sharing,
        placement, cpus, CONDITIONS, rate (switches/s over all CPUs), cost (ns per switch on each CPU), valid,
        reasons (tuple of str, why not valid), packages (package of each CPU in the order of placement, or None) and
        package_count (packages used, or NaN).
    floors: a row per window of the family "floor": source, scheme (the loop's name), cpus, counter (the name of the
        value's counter), cost (its value, ns), valid, reasons.
    """

    sources: list
    switches: pandas.DataFrame
    floors: pandas.DataFrame


def read(paths):
    """Reads record files; returns Records. Raises RecordError for the first file that cannot be used, or when none of
    them holds a switch record."""
    sources = {}
    switches = []
    floors = []
    seen = set()
    for path in paths:
        if path.resolve() in seen:
            raise RecordError(f"{path}: given twice")
        seen.add(path.resolve())
        context, benchmarks = _load(path)
        machine = _machine(context)
        source = sources.setdefault(machine, Source(machine, [], [], []))
        index = list(sources).index(machine)
        source.files.append(str(path))
        source.dates.append(_text(context.get("date")))
        source.commands.append(_text(context.get("command_line") or context.get("executable")))
        for number, benchmark in enumerate(benchmarks):
            try:
                _read_benchmark(benchmark, index, switches, floors)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise RecordError(f"{path}: record {number} is not mmscale's ({_reason(error)})") from None
    if not switches:
        raise RecordError(f"{', '.join(map(str, paths))}: no switch records")
    return Records(list(sources.values()), pandas.DataFrame(switches), pandas.DataFrame(floors))


def _load(path):
    """Returns the context and the benchmarks of one file."""
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise RecordError(f"{path}: {error.strerror}") from None
    except json.JSONDecodeError as error:
        raise RecordError(f"{path}: not JSON from line {error.lineno} on: half-written, or no record file") from None
    except UnicodeDecodeError:
        raise RecordError(f"{path}: not text: no record file") from None
    if not isinstance(document, dict):
        document = {}
    context = document.get("context")
    benchmarks = document.get("benchmarks")
    if not isinstance(context, dict) or not isinstance(benchmarks, list):
        raise RecordError(f"{path}: JSON, but not of Google Benchmark's form")
    return context, benchmarks


def _machine(context):
    def key(name):
        return _text(context.get(name))

    return Machine(
        host=key("host_name"),
        cpu_model=key("cpu_model"),
        cpus=key("num_cpus"),
        smt=key("smt"),
        kernel=key("kernel"),
        kernel_lazy_tlb=key("kernel_lazy_tlb"),
        governor=key("governor"),
        frequency=key("frequency"),
        hypervisor=key("hypervisor"),
        cpu_quota=key("cpu_quota"),
        revision=key("git_revision"),
        version=key("mmscale_version"),
        compiler=key("compiler"),
        world=key("mmscale_world"),
    )


def _text(value):
    return "unknown" if value in (None, "") else str(value)


def _read_benchmark(benchmark, source, switches, floors):
    """Appends one entry of "benchmarks" to the rows it belongs to; other families and aggregates are passed over."""
    name = benchmark["name"]
    family = name.split("/", 1)[0]
    if benchmark.get("run_type") == "aggregate" or family not in ("switch", "floor"):
        return
    ours = benchmark.get("mmscale") or {}
    row = {"source": source}
    if family == "floor":
        row |= _identity(FLOOR_NAME, name, ours, ("scheme", "cpus"))
        counter = next((key for key in benchmark if key.startswith("ns_per_")), "")
        row |= {"counter": counter, "cost": _number(benchmark.get(counter))}
        row |= _validity(benchmark, ours, row["cost"])
        floors.append(row)
        return
    row |= _identity(SWITCH_NAME, name, ours, IDENTITY)
    row |= {condition: ours.get(condition) for condition in CONDITIONS}
    rate = _number(benchmark.get("switches_per_second"))
    cost = _number(benchmark.get("ns_per_switch"))
    if math.isnan(cost) and rate > 0:
        cost = row["cpus"] * 1e9 / rate
    row |= {"rate": rate, "cost": cost}
    row |= _validity(benchmark, ours, rate)
    packages = ours.get("packages")
    row["packages"] = tuple(packages) if packages else None
    row["package_count"] = _number(benchmark.get("packages"))
    switches.append(row)


def _identity(pattern, name, ours, keys):
    """What a record is a record of: from its "mmscale" object, for what that lacks from its name."""
    found = pattern.match(name)
    parts = found.groupdict() if found else {}
    identity = {key: ours[key] if key in ours else parts[key] for key in keys}
    identity["cpus"] = int(identity["cpus"])
    if identity["cpus"] < 1:
        raise ValueError("cpus below 1")
    return identity


def _validity(benchmark, ours, value):
    """Whether a window counts and, if not, why. A window that nobody vouches for does not."""
    reasons = [str(reason) for reason in ours.get("invalid") or ()]
    if benchmark.get("error_occurred"):
        reasons.append(str(benchmark.get("error_message") or "error without a message"))
    elif not value > 0:
        reasons.append("no value recorded")
    elif "valid" not in benchmark and "invalid" not in ours:
        reasons.append("validity not recorded")
    if not reasons and not benchmark.get("valid", 1):
        reasons.append("marked invalid without a reason")
    return {"valid": not reasons, "reasons": tuple(reasons)}


def _number(value):
    """A finite number as float, anything else as NaN."""
    if isinstance(value, (int, float)) and math.isfinite(value):
        return float(value)
    return math.nan


def _reason(error):
    return f"no {error.args[0]!r}" if isinstance(error, KeyError) else str(error)
