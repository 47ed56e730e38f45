# SPDX-License-Identifier: MIT
"""The section on whether any of it matters to the machine at hand: what mmscale assess found (docs/assess.md)."""

from families.registry import TABLES
from records.reading import Records
from report.markup import esc, table
from wording.text import plain, scaled

COLUMNS = (
    ("threads", "a real switch, one mm"),
    ("processes", "with an mm each"),
    ("sharing", "so sharing an mm costs"),
    ("mm_count", "of that mm_count, emulated"),
    ("shootdown_spares", "shootdown spares"),
    ("hazptr_spares", "hazptr spares"),
)
AGREEMENT = {
    "agree": "The emulated mm_count explains it",
    "disagree": "The emulated mm_count is another figure, so only the bound stands",
    "unknown": "Whether mm_count explains it is unknown: too few windows count",
}


def without_its_windows(records):
    """The Records without the windows that an assessment is made of: they are its evidence, taken with lengths of its own,
    and no campaign that figures are drawn of."""
    files = set(records.assessments["file"]) if len(records.assessments) else set()
    tables = {name: getattr(records, name) for name in TABLES}
    kept = {
        name: part[~part["file"].isin(files)] if len(part) and name != "assessments" else part for name, part in tables.items()
    }
    return Records(records.sources, kept)


def assessed(records):
    """Returns (a sentence that answers, the section as HTML); ("", "") where nobody assessed."""
    said, parts = [], []
    for _, row in records.assessments.iterrows() if len(records.assessments) else ():
        found = row["assessment"]
        head = records.sources[row["source"]].head
        points = [point for point in found["points"] if "median_ns" in point["sharing"]]
        said.append(esc(head) + (_answer(points[-1]) if points else "No two windows that followed each other count."))
        parts.append(_table(found, records.sources[row["source"]].machine.host))
    return " ".join(said), "".join(parts)


def _answer(point):
    text = f"On {point['cpus']} CPUs a real switch takes {_figure(point['sharing'])} longer where the tasks share an mm. "
    text += AGREEMENT[point["agreement"]] + "."
    if "most_gain" in point:
        text += (
            f" A program that does nothing but switch would gain at most <b>{plain(100 * point['most_gain'], 2)}&nbsp;%</b> "
            "from any other scheme."
        )
    return text


def _figure(figure):
    """The median with its interval."""
    if "median_ns" not in figure:
        return "–"
    text = f"{_signed(figure['median_ns'])} ns"
    interval = figure.get("interval_ns")
    return f"{text} ({_signed(interval['low'])} to {_signed(interval['high'])})" if interval else text


def _signed(value):
    return ("−" if value < 0 else "") + scaled(abs(value), 3)


def _table(found, host):
    heads = ["CPUs", *(head for _, head in COLUMNS), "at most to gain"]
    rows = []
    for point in found["points"]:
        gain = f"{plain(100 * point['most_gain'], 2)} %" if "most_gain" in point else "–"
        rows.append(("", [str(point["cpus"]), *(_figure(point[name]) for name, _ in COLUMNS), gain]))
    words = esc(found["in_words"].strip())
    return (
        table(f"assessment of {host}", heads, rows)
        + f'<details><summary>All that mmscale assess says</summary><pre tabindex="0">{words}</pre></details>'
    )
