# SPDX-License-Identifier: MIT
"""The answer in a paragraph: each scheme on all CPUs, where counting and shooting down cost the same, and the crossing
of the machine that costs a cache line most."""

from grouping.crossover import crossings, mix_sheets
from grouping.curves import sheets
from figures.line import line_sheets
from records.families import DISTANCES
from report.markup import esc, figure_of, windows_of
from grouping.series import REFERENCE
from stats.estimate import estimate
from wording.text import SIMULATED, ratio

# What of several panels the verdict is about: what the project was started for, if it was measured.
FIRST = {"workload": "idle", "sharing": "all", "placement": "compact"}


def verdict(records):
    """Returns the paragraphs, one per machine, as HTML."""
    parts = []
    for index, source in enumerate(records.sources):
        own = records.of(index)
        mark = SIMULATED if source.machine.simulated else ""
        head = f"[{index + 1}] " if len(records.sources) > 1 else ""
        head += f"{source.machine.cpu_model}, host {source.machine.host}"
        head += " (SIMULATED, nothing here was measured)" if mark else ""
        if len(own.replays) and not any(len(getattr(own, name)) for name in ("switches", "mixes", "lines")):
            said = "Recorded traces were replayed: their tables are below."
            parts.append(f"<p><strong>{esc(head)}.</strong> {said}</p>\n")
            continue
        said = [_scaling(own, mark), _unsafe(source), _steepest(own, mark), _crossover(own, mark), _crossing(own, mark)]
        parts.append(f"<p><strong>{esc(head)}.</strong> {' '.join(said)}</p>\n")
    return "".join(parts)


def _main_sheet(own):
    """The sheet of switches that the verdict is about, or None."""
    found = sheets("switch", own.switches, list(FIRST))
    # The most CPUs count most: what scales is the question.
    key = lambda sheet: (sheet.identity == FIRST, sheet.windows["cpus"].max(), len(sheet.windows))  # noqa: E731
    return max(found, key=key, default=None)


def _number(value, counter, rows, mark):
    return figure_of(float(value.median), counter, windows=windows_of(rows), mark=mark)


def _valid(windows, cpus, scheme):
    return windows[(windows["cpus"] == cpus) & (windows["scheme"] == scheme) & windows["valid"]]


def _scaling(own, mark):
    sheet = _main_sheet(own)
    if sheet is None:
        return "How the schemes scale is not in these records (family switch)."
    windows = sheet.windows
    most = windows["cpus"].max()
    known, unknown = [], []
    for scheme in sorted(windows.loc[windows["cpus"] == most, "scheme"].unique()):
        rows = _valid(windows, most, scheme)
        value = estimate(rows["rate"].tolist())
        known.append((value, rows, scheme)) if value else unknown.append(scheme)
    known.sort(key=lambda item: -item[0].median)
    reference = next((value for value, _, scheme in known if scheme == REFERENCE), None)
    said = []
    for value, rows, scheme in known:
        cost = estimate(rows["cost"].tolist())
        text = f"<b>{esc(scheme)}</b> {_number(value, 'switches_per_second', rows, mark)} switches/s"
        text += f" ({_number(cost, 'ns_per_switch', rows, mark)} ns each per CPU" if cost else ""
        if reference and scheme != REFERENCE:
            text += f"; {ratio(value.median / reference.median, mark)} times {REFERENCE}"
            touching = value.low <= reference.high and reference.low <= value.high
            text += ", intervals overlap" if touching else ""
        said.append(text + (")" if cost else ""))
    text = f"On {most} CPU{'s' if most > 1 else ''} ({esc(sheet.name)}): {', '.join(said) or 'no valid window'}."
    return text + (f" Without a valid window: {esc(', '.join(unknown))}." if unknown else "")


def _unsafe(source):
    """That not everything compared may be used, where the campaign was told not to leave that out."""
    if not any("--unsafe" in command for command in source.commands):
        return ""
    return (
        "It was measured with --unsafe: there may be schemes among these that a kernel could not use, and that only "
        "show what the others pay for safety."
    )


def _steepest(own, mark):
    """From which CPU count to which a switch under the reference becomes dearer by the greatest factor."""
    sheet = _main_sheet(own)
    if sheet is None:
        return ""
    counts = sorted(sheet.windows["cpus"].unique())
    medians = []
    for cpus in counts:
        rows = _valid(sheet.windows, cpus, REFERENCE)
        value = estimate(rows["cost"].tolist())
        if value:
            medians.append((cpus, value, rows))
    steps = [(after[1].median / before[1].median, before, after) for before, after in zip(medians, medians[1:])]
    if not steps:
        return ""
    factor, before, after = max(steps, key=lambda step: step[0])
    if factor <= 1:
        return f"A switch under {REFERENCE} becomes no dearer with more CPUs."
    return (
        f"A switch under {REFERENCE} becomes dearer by the greatest factor, {ratio(factor, mark)}, from {before[0]} to "
        f"{after[0]} CPUs: {_number(before[1], 'ns_per_switch', before[2], mark)} to "
        f"{_number(after[1], 'ns_per_switch', after[2], mark)} ns."
    )


def _crossover(own, mark):
    """Where two schemes cost the same at the most CPUs."""
    said = []
    for sheet in mix_sheets(own):
        for (first, second), points in crossings(own, sheet).items():
            rows = own.crossovers[(own.crossovers["first"] == first) & (own.crossovers["second"] == second)]
            most = rows["cpus"].max()
            here = [point for point in points if point.cpus == most]
            pair = f"{esc(first)} and {esc(second)}"
            for point in here:
                entry = rows[(rows["cpus"] == most) & (rows["exits_per_million"] == point.exits)].iloc[0]
                where = f"{entry['file']}:{entry['record']}"
                number = figure_of(float(point.exits), "crossover_exits_per_million", "entry", where, mark)
                said.append(f"{pair} cost the same at {number} thread exits per million switches ({most} CPUs)")
            if not here:
                said.append(f"between {pair} there is no crossover in the sweep ({most} CPUs)")
    if not said:
        return "Where two schemes cost the same is not in these records (family mix)."
    text = "; ".join(said) + "."
    return text[0].upper() + text[1:]


def _crossing(own, mark):
    """The class of distance over which a cache line takes longest."""
    found = []
    for sheet in line_sheets(own):
        rows = sheet.windows[sheet.windows["valid"]]
        for name in DISTANCES:
            with_value = rows[rows[f"one_way_{name}"].notna()]
            value = estimate(with_value[f"one_way_{name}"].tolist())
            if value:
                found.append((value.median, name, value, with_value))
    if not found:
        return "What a cache line's way costs is not in these records (family line)."
    worst = max(found, key=lambda item: item[0])
    least = min(found, key=lambda item: item[0])
    text = f"The crossing that costs a cache line most is {worst[1].replace('_', ' ')}: "
    text += f"{_number(worst[2], f'one_way_ns_{worst[1]}', worst[3], mark)} ns one way"
    if least[1] != worst[1]:
        text += f", against {_number(least[2], f'one_way_ns_{least[1]}', least[3], mark)} ns "
        text += f"({least[1].replace('_', ' ')})"
    return text + "."
