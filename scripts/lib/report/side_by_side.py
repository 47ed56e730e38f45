# SPDX-License-Identifier: MIT
"""Several machines in one table: each scheme on all of a machine's CPUs, against refcount there and against the first
machine."""

from grouping.curves import sheets
from report.markup import esc, figure_of, interval_of, table, windows_of
from grouping.series import REFERENCE
from stats.estimate import estimate
from wording.text import SIMULATED, ratio


def side_by_side(records):
    """Returns the tables as HTML, one for each figure of switches that several machines share; "" if none is."""
    parts = []
    for sheet in sheets("switch", records.switches, ["workload", "sharing", "placement"]):
        if len(sheet.sources) > 1:
            parts.append(_table(records, sheet))
    note = "Each machine on the most CPUs it was measured with; ratios between machines where those are as many."
    return f"<p>{note}</p>" + "".join(parts) if parts else ""


def _table(records, sheet):
    best = {}
    for source, own in sheet.windows.groupby("source"):
        most = own["cpus"].max()
        for scheme, windows in own[(own["cpus"] == most) & own["valid"]].groupby("scheme"):
            best[scheme, source] = (most, windows, estimate(windows["rate"].tolist()))
    rows = []
    first = sheet.sources[0]
    for scheme, source in sorted(best, key=lambda key: (key[0] != REFERENCE, key)):
        most, windows, rate = best[scheme, source]
        mark = SIMULATED if records.sources[source].machine.simulated else ""
        cost = estimate(windows["cost"].tolist())
        machine = records.sources[source].machine
        cells = [esc(scheme), f"[{source + 1}] {esc(machine.host)}"]
        cells += [_ratio(best, (scheme, source), (REFERENCE, source), mark)]
        cells += [_ratio(best, (scheme, source), (scheme, first), mark), str(most)]
        cells += [figure_of(rate.median, "switches_per_second", mark=mark)]
        cells += [interval_of(rate, "switches_per_second", mark), figure_of(cost.median, "ns_per_switch", mark=mark)]
        rows.append((f' data-windows="{windows_of(windows)}"', cells))
    heads = ["scheme", "machine", f"times {REFERENCE}", f"times [{first + 1}]", "CPUs", "switches/s", "interval",
             "ns per switch"]  # fmt: skip
    return f"<h3>{esc(sheet.name)}</h3>" + table(f"machines side by side, {sheet.name}", heads, rows)


def _ratio(best, one, other, mark):
    if one == other or other not in best or best[one][0] != best[other][0]:
        return "–"
    return ratio(best[one][2].median / best[other][2].median, mark)
