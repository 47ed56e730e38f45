# SPDX-License-Identifier: MIT
"""The family host_kernel: the running kernel itself."""

import re

from families.family import Family, drawn_by
from grouping.host_sheets import call_sheets, switch_sheets
from records.conditions import of_entry
from records.window import QUANTILES, identity, number, validity
from tables.blocks import cell, foot, head, numbers, rows
from wording.text import repetitions, scaled

NAME = re.compile(r"host_kernel/(?P<what>.+)/(?P<placement>[^/]+)/cpus:(?P<cpus>\d+)")
HOST = "{:<26} {:>4} {:>7} {:>7} {:>11} {:>5} {:>5}"
CALL = "{:<26} {:>4} {:>7} {:>7} {:>5} {:>5} {:>5} {:>5}"
RESULTS = frozenset({"kernel"})
# What was asked, which the name says, and how many others it was asked of.
ASKED = ("question", "primitive", "tasks", "ends", "others_do", "targets", "borrowers")


def _row(benchmark, ours):
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
    row |= of_entry(ours | constant, (*ASKED, *RESULTS))
    row["rate"], row["cost"] = number(benchmark.get("switches_per_second")), number(benchmark.get("ns_per_switch"))
    row["idle_low"], row["idle_high"] = (number(benchmark.get(f"idle_share_{end}")) for end in ("low", "high"))
    counter = "death_ns" if row["question"] == "exit" else "call_ns"
    row |= {f"time_{end}": number(benchmark.get(f"{counter}_{end}")) for end in QUANTILES}
    for kind in ("reschedule", "function_call", "tlb"):
        row[kind] = number(benchmark.get(f"{kind}_ipis_per_operation"))
    value = row["rate"] if row["question"] == "switch" else row["time_p50"]
    return row | validity(benchmark, ours, value)


def _blocks(records, mark):
    switches = [block for sheet in switch_sheets(records) for block in _switches(sheet, mark)]
    return switches + [block for sheet in call_sheets(records) for block in _calls(sheet, mark)]


def _switches(sheet, mark):
    curves = sheet.curves("cpus", ("rate", "cost", "idle_low", "idle_high", "reschedule"))

    def row(at, curve, spot, here):
        values = spot.values
        low, high = (values[name] and f"{100 * values[name].median:.0f}" for name in ("idle_low", "idle_high"))
        return HOST.format(
            curve.scheme, at, cell(values["rate"], mark), cell(values["cost"], mark),
            f"{low or '?'}..{high}" if high else "-", cell(values["reschedule"], mark, scaled, 2),
            f"{spot.invalid_count}/{spot.windows}",
        )  # fmt: skip

    lines = head("host_kernel", sheet, f"{repetitions([s for c in curves for s in c.spots])} per row")
    lines.append(HOST.format("switches", "CPUs", "sw/s", "ns/sw", "%idle", "RES", "inv"))
    return [lines + rows(curves, row) + foot(sheet)]


def _calls(sheet, mark):
    columns = {"time_p50": 4, "time_p99": 4, "reschedule": 2, "function_call": 2, "tlb": 2}
    heads = ("deaths and calls", "oth.", "p50", "p99", "RES", "CAL", "TLB", "inv")
    return numbers("host_kernel", sheet, mark, sheet.curves("others", tuple(columns)), columns, CALL, heads)


FAMILY = Family(
    name="host_kernel", figure="cpu_time", table="hosts", row=_row, results=RESULTS, blocks=_blocks, draw=drawn_by("figures.host"), options={"scheme": None},
    legend={
        "hosts": "host_kernel: the running kernel itself. sw/s: its context switches per second over all CPUs; ns/sw: on "
    "each CPU. %idle: share of switches to a measured thread at which its CPU idled before, at least..at most; only "
    "those borrow an mm. others: CPUs that a dying or called mm is loaded on besides the first; p50, p99: ns. RES, CAL, "
    "TLB: rescheduling, function-call and TLB interrupts per switch, death or call.",
    },
)  # fmt: skip
