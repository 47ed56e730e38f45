# SPDX-License-Identifier: MIT
"""What stands below a figure: what was measured on what, and how to read it."""

import textwrap

from grouping.series import describe_conditions
from wording.text import SIMULATED, build_facts, files_of, facts_of, repetitions, span


def caption_lines(records, panel, ideal_note, columns):
    """Returns the caption as lines of at most so many columns. ideal_note: what the ideal is, or ""."""
    parts = machine_parts(records, panel.sources)
    parts.append(f"Conditions: {', '.join(describe_conditions(panel))}; {repetitions(panel.points)} per point.")
    parts.append(_interval_note(panel) + " " + _invalid_note(panel))
    notes = [ideal_note] if ideal_note else []
    if panel.boundaries:
        notes.append("Dotted upright line: from here on one more package is in use.")
    notes += _simulated_note(records, panel.sources)
    return wrapped(parts + [" ".join(notes)], columns)


def sheet_caption(records, sheet, windows, notes, columns):
    """Returns the caption of a figure of a Sheet as lines of at most so many columns. windows: how many stand behind
    one of its marks, as text.repetitions says it. notes: how to read it, in sentences."""
    parts = machine_parts(records, sheet.sources)
    conditions = describe_conditions(sheet)
    parts.append(f"Conditions: {', '.join(conditions)}; {windows}.")
    parts.append(" ".join([*notes, *_simulated_note(records, sheet.sources)]))
    return wrapped(parts, columns)


def left_out(windows, invalid, shown=""):
    """What became of the invalid windows. shown: how a figure that shows them does so."""
    if not invalid:
        return f"All {windows} windows are valid."
    head = f"{shown}: the invalid windows" if shown else "Invalid windows"
    return f"{head}, {invalid} of {windows}, left out of every median."


def machine_parts(records, indices):
    """One part per machine, named as in the labels if there are several."""
    parts = []
    for index in indices:
        source = records.sources[index]
        machine = source.machine
        head = f"{source.head}{', '.join(files_of(records, index))}: " if source.tag else ""
        facts = "; ".join(facts_of(records, index))
        how = "Simulated" if machine.simulated else "Measured"
        parts.append(f"{head}{facts}. {how} {span(source.dates)} with {', '.join(build_facts(machine))}.")
    return parts


def _simulated_note(records, indices):
    simulated = any(records.sources[index].machine.simulated for index in indices)
    return [f"{SIMULATED} marks what was simulated, not measured."] if simulated else []


def wrapped(parts, columns):
    """The lines of some parts, each begun on a line of its own."""
    return [line for part in parts for line in textwrap.wrap(part, columns)]


def _interval_note(panel):
    return interval_note([point.rate for point in panel.points if point.rate])


def interval_note(estimates, points="Points", bars="bars", interval=True):
    """What the points and, with interval, the bars of some Estimates are, in a sentence."""
    if not estimates:
        return f"{points}: none, as no window was valid."
    if all(value.count == 1 for value in estimates):
        return f"{points}: single windows, of which no interval can be told."
    short = sum(not value.bounded for value in estimates)
    text = f"{points}: median of the valid windows"
    if not interval:
        return f"{text}."
    exact = "interval of the median, distribution-free, at least 95 %"
    rough = "least to greatest, as fewer than 6 valid windows allow no 95 % interval"
    if not short:
        return f"{text}; {bars}: {exact}."
    if short == len(estimates):
        return f"{text}; {bars}: {rough}."
    return f"{text}; {bars}: {exact} (at {short} of {len(estimates)} points {rough})."


def _invalid_note(panel):
    windows = sum(point.windows for point in panel.points)
    invalid = sum(point.invalid_count for point in panel.points)
    if not invalid:
        return f"All {windows} windows are valid."
    blank = invalid - sum(len(point.invalid) for point in panel.points)
    note = f"Hollow: the invalid windows, {invalid} of {windows}, left out of every median"
    return note + (f"; {blank} of them gave no value." if blank else ".")
