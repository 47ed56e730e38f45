# SPDX-License-Identifier: MIT
"""The sections on how far to trust the page: machine, environment, and what was thrown out and why."""

import pandas

from wording.reasons import kinds_of
from families.registry import TABLES
from report.markup import esc, table
from wording.text import SIMULATED, build_facts, facts_of, files_of, short_names, span

# What a reader would take for something else.
NAMES = {"library_build_type": "library_build_type (how Google Benchmark's package was built; mmscale's is build_type)"}
# Of more machines than that each has one line.
FEW = 3
# Of thousands of invalid windows so many are listed; the rest is in the records.
MOST_LISTED = 200


def environment(records):
    """What the numbers were measured on, as tables that are folded away."""
    parts = []
    for index, source in enumerate(records.sources):
        simulated = source.machine.simulated
        facts = [*facts_of(records, index), *build_facts(source.machine), span(source.dates)]
        badge = f" SIMULATED: numbers marked {SIMULATED} were computed, not measured" if simulated else ""
        text = f"{source.head}{'; '.join(facts)}"
        parts.append(f'<p class="machine-line">{esc(text)}<span class="badge">{esc(badge)}</span></p>')
    for index, source in enumerate(records.sources):
        for name, context in zip(files_of(records, index), source.contexts):
            rows = [("", [esc(NAMES.get(key, key)), _plain(value)]) for key, value in sorted(context.items())]
            parts.append(table(f"context of {name}", ["name", "value"], rows, f"Everything {name} says of its environment"))
    return "".join(parts)


def _plain(value):
    """A value of a context as HTML; lists are lists, and what is in them is named."""
    if isinstance(value, dict):
        return "; ".join(f"{esc(key)} {_plain(one)}" for key, one in value.items())
    if isinstance(value, list):
        items = "".join(f"<li>{_plain(one)}</li>" for one in value)
        return f"<ul>{items}</ul>" if items else "none"
    return esc(value)


def safety(records):
    """Which of the schemes measured the machine's own kernel could not use as they are, and why, as tables."""
    parts = []
    for index, source in enumerate(records.sources):
        own = records.of(index)
        tables = [getattr(own, name) for name in TABLES]
        measured = {scheme for part in tables if "scheme" in part for scheme in part["scheme"].unique()}
        rows = [("", [esc(scheme), esc(why)]) for scheme, why in sorted(source.unsafe.items()) if scheme in measured]
        if rows:
            title = f"{source.head}Not safe as they are under {source.lifecycle}, the rules of this machine's own kernel"
            parts.append(f"<h3>{esc(title)}</h3>" + table(title, ["scheme", "why"], rows))
    return "".join(parts)


def trust_answer(records, refused):
    """How many windows count."""
    windows = _windows(records)
    if windows is None:
        return ""
    valid = int(windows["valid"].sum())
    simulated = sum(source.machine.simulated for source in records.sources)
    kept = "simulated ones among them, which nothing disturbs" if simulated else "no known disturbance spoiled them"
    if simulated == len(records.sources):
        kept = "nothing disturbs a simulated one"
    text = f"{valid} of {len(windows)} windows count; {kept}."
    if not valid:
        text = f"None of {len(windows)} windows counts, mostly for this: {kinds_of(windows['reasons'])[0][1]}."
    return text + (f" {len(refused)} file{'s' if len(refused) > 1 else ''} could not be used." if refused else "")


def _windows(records):
    # latencies are windows of switches and mixes once more, crossovers and stabilities are none.
    skipped = ("latencies", "crossovers", "stabilities", "assessments")
    windows = [getattr(records, name) for name in TABLES if name not in skipped]
    windows = [part[["source", "file", "record", "name", "valid", "reasons"]] for part in windows if len(part)]
    return pandas.concat(windows, ignore_index=True) if windows else None


def validity(records, refused, files):
    """What does not count, and why. refused: one line per file that could not be used; files: paths by number."""
    parts = []
    if refused:
        items = "".join(f"<li>{esc(line)}</li>" for line in refused)
        parts.append(f'<div class="warning"><p>Files that could not be used:</p><ul>{items}</ul></div>')
    every = _windows(records)
    if every is None:
        return "".join(parts) + "<p>No windows of their own are in these records.</p>"
    family = every["name"].str.split("/").str[0]
    rows = [
        ("", [esc(name), str(len(part)), str(int((~part["valid"]).sum()))])
        for name, part in every.groupby(family, sort=False)
    ]
    parts.append(table("windows by family", ["family", "windows", "of them thrown out"], rows))
    spoilt = every[~every["valid"]]
    if not len(spoilt):
        return "".join(parts) + f"<p>All {len(every)} windows are valid.</p>"
    parts.append(
        f"<p>{len(spoilt)} of {len(every)} windows were thrown out: they enter no median and no interval, and stand "
        "hollow in the figures. Why (a window may have several reasons; reasons that differ only in numbers are one "
        "kind):</p>"
    )
    names = short_names(files.values())
    listed = ("name", "file", "record", "reasons")
    rows = [("", [esc(example), str(count)]) for count, example in kinds_of(spoilt["reasons"])]
    parts.append(table("reasons", ["reason, the first of its kind", "times"], rows))
    rows = [
        ("", [esc(name), esc(names[files[file]]), str(record), esc("; ".join(why))])
        for name, file, record, why in zip(*(spoilt.head(MOST_LISTED)[key] for key in listed))
    ]
    more = f", the first {MOST_LISTED}; the rest is in the records" if len(spoilt) > MOST_LISTED else ""
    heads = ["window", "file", "entry", "why"]
    parts.append(table("windows thrown out", heads, rows, f"Every window thrown out{more}"))
    return "".join(parts)
