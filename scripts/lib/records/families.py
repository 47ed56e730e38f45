# SPDX-License-Identifier: MIT
"""Reads the records of the families teardown, mix, ipi and line, and the latency of single switches.

Each reader turns one entry of "benchmarks" into a row; the names are those of docs/records-families.md. A column whose
counter a record lacks is NaN.
"""

import re

from records.conditions import of_entry
from records.window import identity, number, validity

TEARDOWN_NAME = re.compile(
    r"teardown/(?P<scheme>[^/]+)/(?P<placement>[^/]+)/cpus:(?P<cpus>\d+)/borrowers:(?P<borrowers>\d+)"
    r"(?:/mask_only:(?P<mask_only>\d+))?"
)
MIX_NAME = re.compile(
    r"mix/(?P<scheme>[^/]+)/(?P<sharing>[^/]+)/(?P<placement>[^/]+)/cpus:(?P<cpus>\d+)"
    r"/exits_per_million:(?P<exits>[\d.e+]+)"
)
IPI_NAME = re.compile(r"ipi/(?P<transport>[^/]+)/(?P<placement>[^/]+)/cpus:(?P<cpus>\d+)/targets:(?P<targets>\d+)")
LINE_NAME = re.compile(r"line/[^/]+/(?P<placement>[^/]+)/cpus:(?P<cpus>\d+)")

# The ends of the names of a distribution's counters, and how far into it each reaches. Some are not in every record.
QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999, "p9999": 0.9999, "max": 1.0}
# Classes of distance between two PUs, nearest first, as they end the names of counters.
DISTANCES = ("smt_sibling", "same_llc", "same_die", "same_package", "other_package", "unknown")


def teardown_row(benchmark, ours):
    """A window of the family teardown: its row of Records.teardowns, without the source."""
    row = _identity(TEARDOWN_NAME, benchmark, ours, ("scheme", "placement", "cpus"), ("borrowers", "mask_only"))
    row |= of_entry(ours, ("borrowers", "mask_only"))
    row |= _distribution("drop", benchmark, "drop_ns")
    for part in ("useful", "useless"):
        row[part] = number(benchmark.get(f"ipis_{part}_per_teardown"))
    row["ipis"] = row["useful"] + row["useless"]
    row["interrupted"] = number(benchmark.get("interrupted_ns_per_teardown"))
    row["free"] = number(benchmark.get("free_ns_p50"))
    row["held"] = number(benchmark.get("held_bytes_max"))
    return row | validity(benchmark, ours, row["drop_p50"])


def mix_row(benchmark, ours):
    """A window of the family mix: its row of Records.mixes, without the source."""
    row = _identity(MIX_NAME, benchmark, ours, ("scheme", "sharing", "placement", "cpus"), ())
    # As asked for; what came out of it is in mm_deaths_per_million.
    asked = number(benchmark.get("exits_per_million"))
    found = MIX_NAME.match(benchmark["name"])
    row["exits"] = asked if asked >= 0 else float(found["exits"])
    # The lifetime of a thread is what is swept.
    row |= of_entry(ours, ("exits_per_million", "lifetime"))
    row["cost"] = number(benchmark.get("ns_per_switch"))
    return row | validity(benchmark, ours, row["cost"])


def crossover_row(benchmark, ours):
    """What mix found out about a pair of schemes: its row of Records.crossovers, without the source."""
    first, second = ours["schemes"]
    row = {"first": str(first), "second": str(second), "cpus": int(ours["cpus"])}
    row |= {key: str(ours[key]) for key in ("sharing", "placement")}
    for name in ("exits_per_million", "low", "high", "confidence"):
        row[name] = number(benchmark.get(f"crossover_{name}"))
    row["transport"] = ours.get("transport")
    for name in ("crossings", "windows_least", "windows_most", "sweep_low", "sweep_high"):
        row[name] = number(benchmark.get(name))
    return row


def ipi_row(benchmark, ours):
    """A window of the family ipi: its row of Records.ipis, without the source. The transport stands where other
    families have the scheme: it is what the lines of a figure tell apart."""
    row = _identity(IPI_NAME, benchmark, ours, ("transport", "placement", "cpus"), ("targets",))
    row["scheme"] = row.pop("transport")
    row |= of_entry(ours, ("transport", "targets"))
    row |= _distribution("round", benchmark, "round_trip_ns")
    for part in ("queued", "raised"):
        row[part] = number(benchmark.get(f"{part}_per_call"))
    row["clock"] = number(benchmark.get("clock_ns_p50"))
    return row | validity(benchmark, ours, row["round_p50"])


def line_row(benchmark, ours):
    """A window of the family line: its row of Records.lines, without the source. matrix: the object as recorded."""
    row = _identity(LINE_NAME, benchmark, ours, ("placement", "cpus"), ())
    row |= of_entry(ours, ("sampled_from",))
    row["matrix"] = _matrix(ours.get("matrix"))
    row["per_cpu"] = ours.get("per_cpu")
    row["sampled_from"] = number(ours.get("sampled_from"))
    row["cost"] = number(benchmark.get("one_way_ns"))
    for name in DISTANCES:
        row[f"one_way_{name}"] = number(benchmark.get(f"one_way_ns_{name}"))
    for name in ("pairs", "visits"):
        row[name] = number(benchmark.get(name))
    return row | validity(benchmark, ours, row["cost"])


def latency_row(benchmark, ours):
    """The latency of single switches in a window of switch or mix: what it adds to that window's row, or None if none
    was sampled."""
    if not number(benchmark.get("latency_ns_count")) > 0:
        return None
    row = _distribution("latency", benchmark, "latency_ns")
    row["clock"] = number(benchmark.get("clock_ns_p50"))
    one_in = number(benchmark.get("latency_one_in"))
    row["latency_one_in"] = one_in if one_in > 0 else number(ours.get("latency_one_in"))
    return row


def _identity(pattern, benchmark, ours, keys, counts):
    """As window.identity; counts are further keys, which are numbers, in counters too, and 0 where they are absent."""
    name = benchmark["name"]
    row = identity(pattern, name, ours, keys)
    found = pattern.match(name)
    for key in counts:
        given = ours.get(key, benchmark.get(key, found and found[key]))
        row[key] = int(given or 0)
    return row


def _distribution(column, benchmark, counter):
    """The quantiles of a distribution, as column_p50 and so on."""
    return {f"{column}_{end}": number(benchmark.get(f"{counter}_{end}")) for end in QUANTILES}


def _matrix(matrix):
    """A line family's matrix, or None where there is none; ValueError if it does not hold together."""
    if not isinstance(matrix, dict):
        return None
    size = len(matrix["pus"])
    for name in ("one_way_ns", "distance"):
        if len(matrix[name]) != size or any(len(row) != size for row in matrix[name]):
            raise ValueError(f"matrix: {name} is not {size} x {size}")
    return matrix
