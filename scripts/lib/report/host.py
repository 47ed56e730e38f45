# SPDX-License-Identifier: MIT
"""What the running kernel does, in tables: how much of its switching went through idle, what its deaths and calls
take."""

from report.markup import esc, figure_of, interval_of, table, windows_of
from grouping.series import describe, partition
from stats.estimate import estimate

NOTE = (
    "A real switch has a system call, a run queue, page tables and, across CPUs, the waking of one that sleeps; the "
    "emulation has none of these. How lines run against CPUs can be compared, their heights cannot."
)
KINDS = {"reschedule": "reschedule IPIs", "function_call": "function call IPIs", "tlb": "TLB IPIs"}


def host_notes(records):
    """What kernel it is, and how it may be compared with the emulation."""
    parts = []
    for source, own in records.hosts.groupby("source"):
        head = records.sources[source].head
        for lazy_tlb, driver in own[["lazy_tlb", "idle_driver"]].drop_duplicates().itertuples(index=False):
            kernel = records.sources[source].machine.kernel
            text = f"{head}Kernel {kernel}: lazy TLB {lazy_tlb}; idle driver {driver}."
            parts.append(f"<p>{esc(text)}</p>")
    return "".join(parts) + f"<p>{esc(NOTE)}</p>"


def host_tables(records):
    """The share of switches through idle with the interrupts of each; and the other questions' times."""
    hosts = records.hosts[records.hosts["valid"]]
    switches, others = hosts[hosts["question"] == "switch"], hosts[hosts["question"] != "switch"]
    parts = []
    if len(switches):
        heads = ["switches", "CPUs", "from idle, at least", "at most", *KINDS.values()]
        rows = []
        for (name, cpus), windows in _groups(records, switches):
            cells = [_value(windows, f"idle_{end}", f"idle_share_{end}") for end in ("low", "high")]
            rows.append(_row(windows, [esc(name), str(cpus), *cells, *_interrupts(windows)]))
        text = "The share of its switches that came from idle, and interrupts per switch"
        parts.append(f"<h3>{text}</h3>" + table("share of switches through idle", heads, rows))
    if len(others):
        heads = ["what", "CPUs", "p50, ns", "interval", "p99, ns", *KINDS.values()]
        rows = []
        for (name, cpus), windows in _groups(records, others):
            counter = "death_ns" if windows["question"].iloc[0] == "exit" else "call_ns"
            cells = [_value(windows, "time_p50", f"{counter}_p50")]
            cells += [interval_of(estimate(windows["time_p50"].dropna().tolist()), f"{counter}_p50")]
            cells += [_value(windows, "time_p99", f"{counter}_p99"), *_interrupts(windows)]
            rows.append(_row(windows, [esc(name), str(cpus), *cells]))
        parts.append("<h3>Deaths and calls</h3>" + table("deaths and calls of the running kernel", heads, rows))
    return "".join(parts)


def _groups(records, windows):
    for _, split, group in partition(windows, ["placement"]):
        under = "".join(f", {describe(*item)}" for item in split.items())
        for (source, scheme, cpus), part in group.groupby(["source", "scheme", "cpus"]):
            yield (records.sources[source].named(scheme) + under, cpus), part


def _row(windows, cells):
    return f' data-windows="{windows_of(windows)}"', cells


def _interrupts(windows):
    return [_value(windows, kind, f"{kind}_ipis_per_operation") for kind in KINDS]


def _value(windows, column, counter):
    """The median, of those windows that have the counter."""
    known = windows[windows[column].notna()]
    if not len(known):
        return "–"
    return figure_of(float(known[column].median()), counter, windows=windows_of(known))
