# SPDX-License-Identifier: MIT
"""The section on where the time of simulated CPUs goes: for each scheme a stack of parts at each number of CPUs."""

from grouping.curves import sheets
from grouping.series import REFERENCE
from records.spent_rows import PARTS
from report.answer import FIRST
from report.markup import esc, figure_of, table, windows_of
from wording.text import SIMULATED, plain, scaled

WIDTH, HEIGHT = 420, 240
LEFT, TOP, BOTTOM = 44, 22, 34
GAP = 4
# A part that takes less than that of the time has no name in its stack.
NAMED = 0.08
MOST_SCHEMES = 12


def times(records):
    """Returns (a sentence that answers, the section as HTML); ("", "") where nothing was simulated."""
    said, parts = [], []
    for sheet in _sheets(records):
        for source in sheet.sources:
            windows = sheet.windows[(sheet.windows["source"] == source) & sheet.windows["spent_work"].notna()]
            windows = windows[windows["valid"]]
            if not len(windows):
                continue
            head = records.sources[source].head
            if not any(source == one for one, _ in said):
                said.append((source, esc(head) + _answer(windows)))
            parts.append(_figures(windows, head, sheet.name))
    return " ".join(text for _, text in said), "".join(parts)


def _sheets(records):
    if not len(records.switches) or "spent_work" not in records.switches:
        return []
    found = sheets("switch", records.switches, list(FIRST))
    return sorted(found, key=lambda sheet: sheet.identity["workload"] != FIRST["workload"])


def _order(windows):
    names = list(dict.fromkeys(windows["scheme"]))
    return sorted(names, key=lambda name: name != REFERENCE)[:MOST_SCHEMES]


def _answer(windows):
    """What takes most of the reference's time on the most CPUs, and of the others'."""
    most = windows["cpus"].max()
    said = []
    for scheme in _order(windows)[:3]:
        rows = windows[(windows["scheme"] == scheme) & (windows["cpus"] == most)]
        if not len(rows):
            continue
        part, name, _ = max(PARTS, key=lambda one: rows[f"spent_{one[0]}"].median())
        share = plain(100 * float(rows[f"spent_{part}"].median()), 3)
        said.append(f"{esc(scheme)} spends {SIMULATED}{share}&nbsp;% on {name}")
    return f"Of all CPUs' time on {most} CPUs, {'; '.join(said)}." if said else ""


def _figures(windows, head, name):
    schemes = _order(windows)
    charts = "".join(
        f'<figure class="stack"><figcaption>{esc(scheme)}</figcaption>{_stack(scheme, windows[windows["scheme"] == scheme])}'
        "</figure>"
        for scheme in schemes
    )
    keys = "".join(
        f'<li><span class="key part-{part}"></span>{esc(said)}</li>'
        for part, said, _ in PARTS
        if (windows[f"spent_{part}"] > 0).any()
    )
    title = f"{head}SIMULATED: where the CPUs' time goes"
    return (
        f'<figure class="chart keep"><figcaption>{esc(title)}<span class="sub">{esc(name)}; of each number of CPUs the parts '
        f"of their time, which add up to all of it; above, ns per switch</span></figcaption>"
        f'<ul class="keys">{keys}</ul><div class="stacks">{charts}</div>{_table(windows, schemes, title)}</figure>\n'
    )


def _stack(scheme, windows):
    counts = sorted(windows["cpus"].unique())
    wide = (WIDTH - LEFT) / len(counts)
    high = HEIGHT - TOP - BOTTOM
    parts = [
        f'<text class="tick" x="{LEFT - 6}" y="{TOP + high * (1 - share) + 4:.1f}" text-anchor="end">{100 * share:.0f}&#160;%</text>'
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH}" y1="{TOP + high * (1 - share):.1f}" y2="{TOP + high * (1 - share):.1f}"/>'
        for share in (0, 0.5, 1)
    ]
    every = -(-len(counts) // 8)
    for at, cpus in enumerate(counts):
        rows = windows[windows["cpus"] == cpus]
        left, bottom = LEFT + at * wide, TOP + high
        for part, said, _ in PARTS:
            share = float(rows[f"spent_{part}"].median())
            if not share > 0:
                continue
            bottom -= share * high
            parts.append(
                f'<rect class="part-{part}" x="{left + GAP / 2:.1f}" y="{bottom:.1f}" width="{max(wide - GAP, 1):.1f}" '
                f'height="{share * high:.1f}"><title>{esc(scheme)}, {cpus} CPUs: {esc(said)} '
                f"{SIMULATED}{plain(100 * share, 3)} %</title></rect>"
            )
        if (len(counts) - 1 - at) % every == 0:
            middle = left + wide / 2
            parts.append(f'<text class="tick" x="{middle:.1f}" y="{HEIGHT - 16}" text-anchor="middle">{cpus}</text>')
            cost = float(rows["cost"].median())
            parts.append(f'<text class="tick" x="{middle:.1f}" y="{TOP - 7}" text-anchor="middle">{SIMULATED}{scaled(cost, 2)}</text>')
    parts.append(f'<text class="axis-title" x="{LEFT + (WIDTH - LEFT) / 2}" y="{HEIGHT - 2}" text-anchor="middle">CPUs</text>')
    said = f"Where the time of {scheme}'s CPUs goes, by number of CPUs; the table below has every number"
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{esc(said)}">{"".join(parts)}</svg>'


def _table(windows, schemes, title):
    shown = [(part, said, counters) for part, said, counters in PARTS if (windows[f"spent_{part}"] > 0).any()]
    rows = []
    for scheme in schemes:
        for cpus, part in windows[windows["scheme"] == scheme].groupby("cpus"):
            cells = [esc(scheme), str(cpus), figure_of(float(part["cost"].median()), "ns_per_switch", mark=SIMULATED)]
            for name, _, counters in shown:
                value = float(part[f"spent_{name}"].median())
                cells.append(figure_of(value, "+".join(counters), mark=SIMULATED))
            rows.append((f' data-windows="{windows_of(part)}"', cells))
    heads = ["scheme", "CPUs", "ns per switch", *(f"{said}, share" for _, said, _ in shown)]
    return table(f"numbers of {title}", heads, rows, "The numbers as a table")
