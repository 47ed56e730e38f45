# SPDX-License-Identifier: MIT
"""Reads the records of the family replay. Names are those of docs/records-families.md."""

import math

from families.family import Family
from records.conditions import of_entry
from records.window import number, validity

# Counters that are shown, by column.
COUNTERS = {
    "ops": "mm_count_ops", "lines": "lines_moved", "sent": "ipis_sent", "useful": "ipis_useful",
    "useless": "ipis_useless", "freed": "mms_freed", "spent": "kernel_ns", "teardown_p50": "teardown_ns_p50",
    "teardown_max": "teardown_ns_max",
}  # fmt: skip

# What a record says of its trace, and of the rules that it was replayed under; its window is as long as the replay took.
SAID = ("trace_kernel", "trace_machine", "trace_processor", "unsafe", "window_ns")


def replay_row(benchmark, ours):
    """One scheme's replay of a trace: its row of Records.replays, without the source. model: of the simulated machine,
    or "silicon". recorded: on what, as the trace says, or ""; reason: why this lifecycle, or ""; unsafe: why the scheme is
    under it, or "". share: of the CPUs' time. notes: what did not fit, in sentences. A column whose counter the record lacks is NaN."""
    row = {key: str(ours[key]) for key in ("scheme", "lifecycle")}
    row |= {"trace": str(ours["workload"]), "cpus": int(ours["cpus"])}
    row["model"] = str(ours.get("machine", ours.get("world", "unknown")))
    row["notes"] = tuple(map(str, ours.get("notes") or ()))
    system = [f"Linux {ours['trace_kernel']}"] if "trace_kernel" in ours else []
    row["recorded"] = ", ".join([*system, *(str(ours[key]) for key in SAID[1:3] if key in ours)])
    row |= {column: str(ours.get(key, "")) for column, key in (("reason", "lifecycle_reason"), ("unsafe", "unsafe"))}
    row |= of_entry(ours, ("lifecycle", "machine", "trace_cpus", *SAID))
    row |= {column: number(benchmark.get(counter)) for column, counter in COUNTERS.items()}
    span = number(benchmark.get("span_ns"))
    row["share"] = row["spent"] / (span * row["cpus"]) if span > 0 else math.nan
    # A trace without a switch costs nothing, and is still one.
    return row | validity(benchmark, ours, 1.0)


FAMILY = Family(name="replay", figure="", table="replays", row=replay_row, drawn=False)
