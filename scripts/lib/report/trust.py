# SPDX-License-Identifier: MIT
"""The sections on how far to trust the page: machine, environment, and what was thrown out and why."""

import pandas

from wording.reasons import kinds_of
from records.reading import TABLES
from report.markup import esc, table
from wording.text import SIMULATED, build_facts, facts_of, span

# Of more machines than that each has one line.
FEW = 3
# Of thousands of invalid windows so many are listed; the rest is in the records.
MOST_LISTED = 200


def machines(records, contexts):
    """What the numbers were measured on. contexts: per file (path, its context object)."""
    parts = []
    for index, source in enumerate(records.sources):
        simulated = source.machine.simulated
        head = f"[{index + 1}] {source.machine.cpu_model}"
        badge = f' <span class="badge">SIMULATED: numbers marked {SIMULATED} were computed, not measured</span>'
        facts = [*facts_of(records, index), *build_facts(source.machine), span(source.dates)]
        if len(records.sources) > FEW:
            text = f"[{index + 1}] {'; '.join(facts)}"
            parts.append(f"<p class=machine-line>{esc(text)}{badge if simulated else ''}</p>")
            continue
        items = "".join(f"<li>{esc(fact)}</li>" for fact in facts)
        parts.append(f"<h3>{esc(head)}{badge if simulated else ''}</h3><ul class=facts>{items}</ul>")
    for path, context in contexts:
        rows = [("", [esc(key), esc(_plain(value))]) for key, value in sorted(context.items())]
        parts.append(table(f"context of {path}", ["name", "value"], rows, f"Everything {path} says of its environment"))
    return "".join(parts)


def _plain(value):
    return value if isinstance(value, str) else repr(value)


def validity(records, refused, files):
    """What does not count, and why. refused: one line per file that could not be used; files: paths by number."""
    parts = []
    if refused:
        items = "".join(f"<li>{esc(line)}</li>" for line in refused)
        parts.append(f'<div class="warning"><p>Files that could not be used:</p><ul>{items}</ul></div>')
    # latencies are windows of switches and mixes once more, crossovers are none.
    windows = [getattr(records, name) for name in TABLES if name not in ("latencies", "crossovers")]
    windows = [part[["source", "file", "record", "name", "valid", "reasons"]] for part in windows if len(part)]
    every = pandas.concat(windows, ignore_index=True)
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
    listed = ("name", "file", "record", "reasons")
    rows = [("", [esc(example), str(count)]) for count, example in kinds_of(spoilt["reasons"])]
    parts.append(table("reasons", ["reason, the first of its kind", "times"], rows))
    rows = [
        ("", [esc(name), esc(files[file]), str(record), esc("; ".join(why))])
        for name, file, record, why in zip(*(spoilt.head(MOST_LISTED)[key] for key in listed))
    ]
    more = f", the first {MOST_LISTED}; the rest is in the records" if len(spoilt) > MOST_LISTED else ""
    heads = ["window", "file", "entry", "why"]
    parts.append(table("windows thrown out", heads, rows, f"Every window thrown out{more}"))
    return "".join(parts)
