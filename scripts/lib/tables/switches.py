# SPDX-License-Identifier: MIT
"""The results as plain ASCII text that survives a mailing list: at most 72 columns."""

import textwrap

from grouping.curves import sheets
from wording.reasons import WIDTH, reason_lines
from grouping.series import REFERENCE, describe_conditions, panels
from stats.estimate import estimate
from families.registry import LEGENDS, blocks as family_blocks
from wording.text import SIMULATED, ascii_only, build_facts, facts_of, plain, ratio, repetitions, scaled, span

LEGEND = (
    "sw/s: context switches per second over all CPUs, median of the valid windows. interval: of that median, "
    "distribution-free, at least 95 %; with a star only least..greatest, as fewer than 6 valid windows allow no such "
    "interval. ns/sw: ns per switch on each CPU, median. ratio: sw/s to that of refcount at as many CPUs. inv: invalid "
    "windows of all; they enter nothing else."
)
# What the legend of the switch table says of every table; needed where that is missing.
COMMON = (
    "interval: of the median, distribution-free, at least 95 %; with a star only least..greatest, as fewer than 6 "
    "valid windows allow no such interval. inv: invalid windows of all; they enter nothing else."
)
ROW = "{:<19} {:>4} {:>7} {:>17} {:>7} {:>6} {:>5}"


def render(records):
    """Returns the table of Records, a text that ends with a newline: machine by machine, panel by panel."""
    blocks = []
    for index, source in enumerate(records.sources):
        own = records.of(index)
        mark = SIMULATED if source.machine.simulated else ""
        blocks.append(_machine_lines(records, index))
        blocks += [_panel_lines(panel, mark) for panel in panels(own.switches)]
        if len(own.floors):
            blocks += [_floor_lines(sheet, mark) for sheet in sheets("floor", own.floors, ["placement"])]
        blocks += family_blocks(own, mark)
    if len(records.switches):
        blocks.append(textwrap.wrap(LEGEND, WIDTH))
    legends = [text for table, text in LEGENDS.items() if len(getattr(records, table))]
    blocks += [textwrap.wrap(text, WIDTH) for text in (legends if len(records.switches) else [*legends, COMMON])]
    return ascii_only("\n\n".join("\n".join(block) for block in blocks)) + "\n"


def _wrap(head, text):
    return textwrap.wrap(text, WIDTH, initial_indent=f"{head:<9}", subsequent_indent=" " * 9)


def _machine_lines(records, index):
    source = records.sources[index]
    machine = source.machine
    lines = []
    if machine.simulated:
        lines += ["SIMULATED: every number below marked ~ was computed, not measured."]
    lines += _wrap("machine", ", ".join(facts_of(records, index)))
    lines += _wrap("mmscale", ", ".join(build_facts(machine)))
    lines += _wrap("date", span(source.dates))
    for file, command in zip(source.files, source.commands):
        lines += _wrap("file", file) + _wrap("command", command)
    return lines


def _panel_lines(panel, mark):
    invalid = sum(point.invalid_count for point in panel.points)
    windows = sum(point.windows for point in panel.points)
    lines = textwrap.wrap(f"switch: {panel.name}", WIDTH)
    lines += textwrap.wrap(
        f"{', '.join(describe_conditions(panel))}; {repetitions(panel.points)} per row",
        WIDTH, initial_indent="  ", subsequent_indent="  ",
    )  # fmt: skip
    if panel.boundaries:
        counts = ", ".join(str(int(position)) for position, _ in panel.boundaries)
        text = f"one more package in use beyond {counts} CPUs"
        lines += textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="  ")
    lines += ["", ROW.format("scheme", "CPUs", "sw/s", "interval", "ns/sw", "ratio", "inv")]
    for number, cpus in enumerate(panel.cpu_counts):
        lines += [""] if number else []
        reference = next((one.at(cpus) for one in panel.series if one.scheme == REFERENCE), None)
        for series in panel.series:
            point = series.at(cpus)
            if point:
                lines.append(_row(series.scheme, point, reference, mark))
    lines += ["", f"  {invalid} of {windows} windows invalid" + (", among them:" if invalid else "")]
    return lines + reason_lines(panel.reasons)


def _row(scheme, point, reference, mark):
    to_reference = "-"
    if point.rate and reference and reference.rate:
        to_reference = ratio(point.rate.median / reference.rate.median, mark)
    return ROW.format(
        scheme,
        point.cpus,
        mark + scaled(point.rate.median) if point.rate else "-",
        _interval(point.rate, scaled, mark),
        mark + plain(point.cost.median) if point.cost else "-",
        to_reference,
        f"{point.invalid_count}/{point.windows}",
    )


def _interval(of, form, mark):
    """The interval of an Estimate; a star says that it is only least to greatest. One value has none."""
    if of is None or of.count == 1:
        return "-"
    return f"{mark}{form(of.low)}..{mark}{form(of.high)}" + ("" if of.bounded else "*")


def _floor_lines(sheet, mark):
    floors = sheet.windows
    title = f"floor: {sheet.name}" if sheet.name else "floor"
    lines = textwrap.wrap(f"{title}: bare instruction loops, for comparison; nothing is subtracted", WIDTH)
    lines += textwrap.wrap(", ".join(describe_conditions(sheet)), WIDTH, initial_indent="  ", subsequent_indent="  ")
    lines.append("")
    lines.append(ROW.format("loop", "CPUs", "ns", "interval", "per", "", "inv"))
    for (loop, cpus, counter), group in floors.groupby(["scheme", "cpus", "counter"], sort=False):
        value = estimate(group.loc[group["valid"], "cost"])
        median = mark + plain(value.median) if value else "-"
        invalid = f"{(~group['valid']).sum()}/{len(group)}"
        lines.append(
            ROW.format(loop, cpus, median, _interval(value, plain, mark), counter.removeprefix("ns_per_"), "", invalid)
        )
    return lines
