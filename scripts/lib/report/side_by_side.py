# SPDX-License-Identifier: MIT
"""Several machines side by side, the ratio first: in a sentence, and in a table of each scheme on all of a machine's CPUs,
against refcount there and against the first machine."""

from grouping.curves import sheets
from grouping.series import REFERENCE
from report.answer import ASKED, main_sheet, times
from report.markup import esc, figure_of, interval_of, table, windows_of
from stats.estimate import estimate
from wording.text import SIMULATED, ratio


def side_by_side(records):
    """Returns (a sentence, the tables as HTML), one table for each figure of switches that several machines share; ("", "")
    if none is."""
    parts = []
    for sheet in sheets("switch", records.switches, ["workload", "sharing", "placement"]):
        if len(sheet.sources) > 1:
            parts.append(_table(records, sheet))
    if not parts:
        return "", ""
    note = "Each machine on the most CPUs it was measured with; ratios between machines where those are as many."
    return _sentence(records), f"<p>{note}</p>" + "".join(parts)


def _sentence(records):
    """What the first screen says of each machine, of all in one: the same scheme against the reference."""
    said = {}
    for index, source in enumerate(records.sources):
        sheet = main_sheet(records.of(index))
        best = _best(sheet) if sheet else {}
        mark = SIMULATED if source.machine.simulated else ""
        for name in ASKED:
            one, other = best.get((REFERENCE, index)), best.get((name, index))
            if one and other and one[0] == other[0]:
                factor = times(other[2].median / one[2].median, mark)
                said.setdefault(name, []).append(f"<strong>{factor}</strong> on {esc(source.tag)} ({one[0]} CPU{'s' if one[0] > 1 else ''})")
    name = max(said, key=lambda name: len(said[name]), default=None)
    if name is None or len(said[name]) < 2:
        return ""
    return f"Times {REFERENCE}'s context switches that <b>{name}</b> makes: {'; '.join(said[name])}."


def _best(sheet):
    """{(scheme, source): (most CPUs, its valid windows there, the Estimate of their rate)} of a Sheet."""
    best = {}
    for source, own in sheet.windows.groupby("source"):
        most = own["cpus"].max()
        for scheme, windows in own[(own["cpus"] == most) & own["valid"]].groupby("scheme"):
            best[scheme, source] = (int(most), windows, estimate(windows["rate"].tolist()))
    return best


def _table(records, sheet):
    best = _best(sheet)
    first = sheet.sources[0]
    asked = (REFERENCE, *ASKED)
    order = sorted(best, key=lambda key: (asked.index(key[0]) if key[0] in asked else len(asked), key))
    comparable = any(_ratio(best, (scheme, source), (scheme, first), "") != "–" for scheme, source in order)
    rows = []
    for scheme, source in order:
        most, windows, rate = best[scheme, source]
        mark = SIMULATED if records.sources[source].machine.simulated else ""
        cost = estimate(windows["cost"].tolist())
        cells = [esc(scheme), esc(records.sources[source].tag), _ratio(best, (scheme, source), (REFERENCE, source), mark)]
        cells += [_ratio(best, (scheme, source), (scheme, first), mark)] if comparable else []
        cells += [str(most), figure_of(rate.median, "switches_per_second", mark=mark)]
        cells += [interval_of(rate, "switches_per_second", mark), figure_of(cost.median, "ns_per_switch", mark=mark)]
        rows.append((f' data-windows="{windows_of(windows)}"', cells))
    heads = ["scheme", "machine", f"times {REFERENCE}", *([f"times {records.sources[first].tag}"] if comparable else []),
             "CPUs", "switches/s", "interval", "ns per switch"]  # fmt: skip
    return f"<h3>{esc(sheet.name)}</h3>" + table(f"machines side by side, {sheet.name}", heads, rows)


def _ratio(best, one, other, mark):
    if one == other or other not in best or best[one][0] != best[other][0]:
        return "–"
    return ratio(best[one][2].median / best[other][2].median, mark)
