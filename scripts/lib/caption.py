# SPDX-License-Identifier: MIT
"""What stands below a figure: what was measured on what, and how to read it."""

import textwrap

from series import describe_conditions
from text import SIMULATED, build_facts, machine_facts, repetitions, span


def caption_lines(records, panel, ideal_note, columns):
    """Returns the caption as lines of at most so many columns. ideal_note: what the ideal is, or ""."""
    parts = []
    several = len(records.sources) > 1
    for number, source in enumerate(records.sources, 1):
        machine = source.machine
        head = f"[{number}] {', '.join(source.files)}: " if several else ""
        facts = "; ".join(machine_facts(machine))
        how = "Simulated" if machine.simulated else "Measured"
        parts.append(f"{head}{facts}. {how} {span(source.dates)} with {', '.join(build_facts(machine))}.")
    parts.append(f"Conditions: {', '.join(describe_conditions(panel))}; {repetitions(panel.points)} per point.")
    parts.append(_interval_note(panel) + " " + _invalid_note(panel))
    notes = [ideal_note] if ideal_note else []
    if panel.boundaries:
        notes.append("Dotted upright line: from here on one more package is in use.")
    if any(source.machine.simulated for source in records.sources):
        notes.append(f"{SIMULATED} marks what was simulated, not measured.")
    parts.append(" ".join(notes))
    return [line for part in parts for line in textwrap.wrap(part, columns)]


def _interval_note(panel):
    estimates = [point.rate for point in panel.points if point.rate]
    if not estimates:
        return "Points: none, as no window was valid."
    if all(value.count == 1 for value in estimates):
        return "Points: single windows, of which no interval can be told."
    short = sum(not value.bounded for value in estimates)
    text = "Points: median of the valid windows; bars: "
    exact = "interval of the median, distribution-free, at least 95 %"
    rough = "least to greatest, as fewer than 6 valid windows allow no 95 % interval"
    if not short:
        return text + exact + "."
    if short == len(estimates):
        return text + rough + "."
    return f"{text}{exact} (at {short} of {len(estimates)} points {rough})."


def _invalid_note(panel):
    windows = sum(point.windows for point in panel.points)
    invalid = sum(point.invalid_count for point in panel.points)
    if not invalid:
        return f"All {windows} windows are valid."
    blank = invalid - sum(len(point.invalid) for point in panel.points)
    note = f"Hollow: the invalid windows, {invalid} of {windows}, left out of every median"
    return note + (f"; {blank} of them gave no value." if blank else ".")
