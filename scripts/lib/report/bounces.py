# SPDX-License-Identifier: MIT
"""The section on who hands a contended line to whom: the matrix as a heat map, and its figures by CPU count."""

from families.bounce import folded, line_of, main_bounces
from records.window import DISTANCES
from report.drawn_machine import NAMES
from report.markup import esc, figure_of, table, windows_of
from stats.estimate import estimate
from wording.text import SIMULATED, plain

CELLS = 560  # the side of a heat map
EDGE = 34
COLUMNS = (
    ("rate", "exchanges_per_second", "exchanges/s"),
    ("run_length", "run_length", "exchanges per visit"),
    ("transfer_share", "transfer_share", "share that moved the line"),
    ("fairness", "fairness", "fairness (Jain)"),
)


def bounces(records):
    """Returns (a sentence that answers, the section as HTML); ("", "") where the family was not measured."""
    said, parts = [], []
    for index, source in enumerate(records.sources):
        own = records.of(index)
        if not len(own.bounces):
            continue
        mark = SIMULATED if source.machine.simulated else ""
        windows = main_bounces(own)
        if windows is not None:
            said.append(esc(source.head) + _answer(windows, mark))
            parts.append(_heat_map(windows, index, source.head, mark))
        parts.append(_table(own.bounces, mark, source))
    return " ".join(said), "".join(parts)


def _answer(windows, mark):
    cpus = windows["cpus"].iloc[0]
    length = windows["run_length"].median()
    shares = {name: windows[f"share_{name}"].median() for name in DISTANCES if windows[f"share_{name}"].notna().any()}
    text = f"With {cpus} CPUs at {esc(line_of(windows))}, it stays with a CPU for {mark}{plain(length, 3)} exchanges on average"
    if shares:
        most = max(shares, key=shares.get)
        text += f", and {mark}{plain(100 * shares[most], 3)} % of its moves are to {_words(most)}"
    fair = windows["fairness"].median()
    return text + (". Some CPUs get it far more often than others." if fair < 0.8 else ". All CPUs get it about as often.")


def _words(distance):
    return {
        "smt_sibling": "the sibling thread", "same_llc": "a core of the same LLC", "same_die": "a core of the same die",
        "same_package": "a core of the same socket", "other_package": "another socket", "unknown": "a CPU of unknown place",
    }[distance]  # fmt: skip


def _heat_map(windows, index, head, mark):
    level, ids, taken = folded(windows, finest=True)
    size = len(ids)
    cell = (CELLS - EDGE) / size
    total = sum(map(sum, taken)) or 1
    greatest = max(taken[to][of] for to in range(size) for of in range(size) if to != of) or 1
    every = -(-size // 24)
    parts = [f'<text class="tick" x="{EDGE + (CELLS - EDGE) / 2}" y="10" text-anchor="middle">had the line: {NAMES[level]}</text>']
    for at, ident in enumerate(ids):
        if at % every == 0:
            middle = EDGE + (at + 0.5) * cell
            parts.append(f'<text class="tick" x="{middle:.1f}" y="{EDGE - 6}" text-anchor="middle">{ident}</text>')
            parts.append(f'<text class="tick" x="{EDGE - 5}" y="{middle + 4:.1f}" text-anchor="end">{ident}</text>')
    for to in range(size):
        for of in range(size):
            # A CPU's own next exchange moves nothing: no heat.
            own = to == of
            heat = "" if own else f' style="--heat:{6 + 84 * taken[to][of] / greatest:.0f}%"'
            title = "" if size > 24 else f"<title>{NAMES[level]} {ids[to]} from {ids[of]}: {taken[to][of]} exchanges</title>"
            parts.append(
                f'<rect class="{"kept" if own else "cell"}"{heat} x="{EDGE + of * cell:.1f}" y="{EDGE + to * cell:.1f}" '
                f'width="{cell:.2f}" height="{cell:.2f}">{title}</rect>'
            )
            if size <= 8 and taken[to][of]:
                hot = " hot" if not own and taken[to][of] > 0.5 * greatest else ""
                parts.append(
                    f'<text class="cell-name{hot}" x="{EDGE + (of + 0.5) * cell:.1f}" y="{EDGE + (to + 0.5) * cell + 4:.1f}" '
                    f'text-anchor="middle">{mark}{plain(100 * taken[to][of] / total, 3)} %</text>'
                )
    said = f"Who takes the line (row) from whom (column), by {NAMES[level]}; the diagonal keeps it"
    return (
        f'<figure class="chart keep half" id="bounce-{index + 1}"><figcaption>{esc(head + said)}<span class="sub">'
        f"{windows['cpus'].iloc[0]} CPUs, {len(windows)} windows, {total} exchanges counted</span></figcaption>"
        f'<svg class="heat" viewBox="0 0 {CELLS} {CELLS}" role="img" aria-label="{esc(said)}">{"".join(parts)}</svg></figure>\n'
    )


def _table(windows, mark, source):
    rows = []
    shown = [name for name in DISTANCES if windows[f"share_{name}"].notna().any()]
    schemes = windows["scheme"].nunique() > 1
    heads = [*(["of"] if schemes else []), "CPUs", *(head for *_, head in COLUMNS)]
    heads += [f"moves to {_words(name)}" for name in shown] + [f"ns waited, {_words(name)}" for name in shown]
    keys = ["scheme", "workload", "sharing", "placement", "cpus"]
    for (scheme, workload, *_, cpus), part in windows.groupby(keys, sort=False):
        valid = part[part["valid"]]
        cells = [*([esc(_of(scheme, workload, valid))] if schemes else []), str(cpus)]
        for column, counter, _ in COLUMNS:
            cells.append(_value(valid, column, counter, mark))
        cells += [_value(valid, f"share_{name}", f"share_{name}", mark) for name in shown]
        cells += [_value(valid, f"wait_{name}", f"wait_ns_{name}", mark) for name in shown]
        rows.append((f' data-windows="{windows_of(valid)}"' if len(valid) else "", cells))
    return table(f"bounce on {source.machine.host}", heads, rows)


def _of(scheme, workload, windows):
    line = windows["line"].iloc[0] if len(windows) else ""
    return scheme + (f", {workload}" if workload else "") + (f" ({line})" if line and workload else "")


def _value(valid, column, counter, mark):
    known = valid[valid[column].notna()]
    value = estimate(known[column].tolist())
    return figure_of(float(value.median), counter, windows=windows_of(known), mark=mark) if value else "–"
