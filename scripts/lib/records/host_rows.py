# SPDX-License-Identifier: MIT
"""Reads the records of the family host_kernel. Names are those of docs/records-families.md."""

import re

from records.conditions import of_entry
from records.families import QUANTILES
from records.window import identity, number, validity

NAME = re.compile(r"host_kernel/(?P<what>.+)/(?P<placement>[^/]+)/cpus:(?P<cpus>\d+)")


def host_row(benchmark, ours):
    """A window of the family host_kernel: its row of Records.hosts, without the source.

    scheme: what was asked, as in the name, which is what the lines of a figure tell apart. rate, cost: of a switch.
    idle_low, idle_high: its share of switches from idle. time_p50 and so on: of a death or a call. others: CPUs besides
    the first. reschedule, function_call, tlb: interrupts per operation.
    """
    row = identity(NAME, benchmark["name"], ours, ("placement", "cpus"))
    found = NAME.match(benchmark["name"])
    row["scheme"] = found["what"].removeprefix("switch/").replace("/", " ")
    row["question"] = str(ours["question"])
    row["others"] = row["cpus"] - 1
    kernel = ours.get("kernel") or {}
    row |= {"lazy_tlb": kernel.get("lazy_tlb"), "idle_driver": kernel.get("idle_driver")}
    # Of the kernel, what does not differ from window to window.
    constant = {key: row[key] for key in ("lazy_tlb", "idle_driver")}
    row |= of_entry(ours | constant, ("question", "primitive", "tasks", "ends"))
    row["rate"], row["cost"] = number(benchmark.get("switches_per_second")), number(benchmark.get("ns_per_switch"))
    row["idle_low"], row["idle_high"] = (number(benchmark.get(f"idle_share_{end}")) for end in ("low", "high"))
    counter = "death_ns" if row["question"] == "exit" else "call_ns"
    row |= {f"time_{end}": number(benchmark.get(f"{counter}_{end}")) for end in QUANTILES}
    for kind in ("reschedule", "function_call", "tlb"):
        row[kind] = number(benchmark.get(f"{kind}_ipis_per_operation"))
    value = row["rate"] if row["question"] == "switch" else row["time_p50"]
    return row | validity(benchmark, ours, value)
