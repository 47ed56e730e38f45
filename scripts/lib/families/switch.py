# SPDX-License-Identifier: MIT
"""The family switch: context switches per second under each scheme. Its table is tables/switches.py."""

import math
import re

from families.family import Family
from families.latency import latency_of
from records.conditions import of_entry
from records.spent_rows import spent_row
from records.window import identity, number, per_cpu, validity

# "switch/idle/refcount/all/compact/cpus:2", which Google Benchmark may follow with its own "/repeats:9/manual_time".
NAME = re.compile(
    r"switch/(?P<workload>[^/]+)/(?P<scheme>[^/]+)/(?P<sharing>[^/]+)/(?P<placement>[^/]+)/(?:.*/)?cpus:(?P<cpus>\d+)"
)
IDENTITY = ("workload", "scheme", "sharing", "placement", "cpus")


def _row(benchmark, ours):
    row = identity(NAME, benchmark["name"], ours, IDENTITY)
    row |= of_entry(ours)
    rate = number(benchmark.get("switches_per_second"))
    cost = number(benchmark.get("ns_per_switch"))
    if math.isnan(cost) and rate > 0:
        cost = row["cpus"] * 1e9 / rate
    row |= {"rate": rate, "cost": cost}
    row |= validity(benchmark, ours, rate)
    packages = ours.get("packages")
    row["packages"] = tuple(packages) if packages else None
    row["package_count"] = number(benchmark.get("packages"))
    row["per_cpu"] = per_cpu(ours)
    row["fairness_bound"] = number(benchmark.get("fairness_error_bound"))
    return row | spent_row(benchmark)


def _draw(records, directory):
    from figures.switches import draw_all
    from grouping.series import panels

    return draw_all(records, panels(records.switches), directory)


FAMILY = Family(
    name="switch", figure="ns_per_switch", table="switches", row=_row, draw=_draw, more=(latency_of("switch"),)
)
