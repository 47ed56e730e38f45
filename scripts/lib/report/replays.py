# SPDX-License-Identifier: MIT
"""The section on recorded traces: what one would have cost under each scheme."""

import math

from families.replay import COUNTERS
from report.commands import as_given
from report.markup import esc, figure_of, table, windows_of
from grouping.series import REFERENCE, describe, partition
from wording.text import SIMULATED, ratio

HEADS = ["scheme", "mm_count ops", "lines moved", "IPIs", "useful", "useless", "mms freed", "time spent, ns",
         "teardown p50, ns", "teardown max, ns", f"time / {REFERENCE}"]  # fmt: skip
# What the trace's own events decide; the rest is the simulated machine's.
EXACT = ("mm_count_ops", "ipis_sent", "ipis_useful", "ipis_useless", "mms_freed")


def replays(records, redo):
    """Returns the section. redo: a function from lines of commands to HTML."""
    if not len(records.replays):
        return ""
    parts = [
        "<p>Counts are of the trace's own events under each scheme; times, and cache lines, are those of the machine "
        "that it was replayed on. Time spent: by all CPUs in switches, forks, execs and exits, waiting for IPIs "
        "included.</p>"
    ]
    keys = ["source", "trace", "lifecycle", "cpus", "model"]
    for key, split, windows in partition(records.replays, keys):
        source, trace, lifecycle, cpus, model = key.values()
        mark = SIMULATED if records.sources[source].machine.simulated else ""
        on = f"simulated {model}" if mark else model
        head = f"{'SIMULATED: ' if mark else ''}{trace}: {cpus} CPUs, lifecycle {lifecycle}, on {on}"
        head += "".join(f", {describe(*item)}" for item in split.items())
        parts.append(f"<h3>{esc(head)}</h3>" + table(f"replay of {trace}", HEADS, _rows(windows, mark)))
        notes = "".join(f"<li>{esc(note)}</li>" for note in windows["notes"].iloc[0])
        if notes:
            summary = "<summary>What did not fit, and what was taken for what</summary>"
            parts.append(f"<details>{summary}<ul>{notes}</ul></details>")
        commands = [f"{as_given(command)}    # as it was replayed" for command in records.sources[source].commands]
        parts.append(redo(commands))
    return "".join(parts)


def _rows(windows, mark):
    rows = []
    spent = {scheme: part["spent"].median() for scheme, part in windows[windows["valid"]].groupby("scheme")}
    order = sorted(windows["scheme"].unique(), key=lambda scheme: (scheme != REFERENCE, scheme))
    for scheme in order:
        part = windows[(windows["scheme"] == scheme) & windows["valid"]]
        cells = [esc(scheme)]
        for column, counter in COUNTERS.items():
            known = part[part[column].notna()]
            value = float(known[column].median()) if len(known) else math.nan
            if math.isnan(value):
                cells.append("–")
                continue
            # Of a count every digit is known, and there are none behind the point. What the trace's events alone
            # decide is exact, whatever machine they are replayed on.
            digits = min(4, len(str(int(value)))) if value.is_integer() else 4
            own_mark = "" if counter in EXACT else mark
            cells.append(figure_of(value, counter, windows=windows_of(known), mark=own_mark, digits=digits))
        reference = spent.get(REFERENCE, 0)
        compared = scheme != REFERENCE and reference > 0 and scheme in spent
        cells.append(ratio(spent[scheme] / reference, mark) if compared else "–")
        rows.append(("", cells))
    return rows
