# SPDX-License-Identifier: MIT
"""docs/argument.md: its commands run again, output trimmed, and the safety matrix beside its predictions."""

import re

# What the matrix is about: the life of an mm. Whether membarrier(2) keeps its promise is another question.
LIFETIME = "dangling,used,assert,leak,double-free"

LIFECYCLES = ("powerpc", "powerpc-hash", "x86-2017", "x86-2024", "x86-noflush", "arm64")

# Derived by hand before anything was explored: S safe, U unsafe, one letter per lifecycle above.
PREDICTED = {
    "untracked": "UUUUUU",
    "refcount": "SSSSSS",
    "refcount-packed": "SSSSSS",
    "refcount-rcu": "SSSSSS",
    "percpu": "SSSSSS",
    "nonlazy": "SSSSSS",
    "shootdown": "SSUUUS",
    "shootdown-exitflush": "SSUUUS",
    "shootdown-exitinit": "SSUUUS",
    "shootdown-batch": "SSUUUS",
    "shootdown-filter": "SSUUUS",
    "shootdown-filter-all": "SSSSSS",
    "shootdown-trim": "SSUUUS",
    "quiesce": "SSUUUS",
    "implicit": "UUUUUU",
    "mailbox": "SSSSSS",
    "mailbox-fenced": "SSSSSS",
    "hazptr": "SSSSSS",
    "rcu": "UUUUUU",
}

# Schedules longer than this are replaced by how to see them.
LONGEST = 60

BEGIN, END = "<!-- matrix: scripts/argument-page -->\n", "<!-- end of matrix -->\n"
COMMAND = re.compile(r"^\$ mmscale (check .*)$")
ELLIPSIS = "[...]"


def verdict(letter, cells):
    """What the explorer says of one prediction; `cells`: the outcomes of all cases, none if not explorable."""
    if not cells:
        return "not explorable"
    violated = any(cell["verdict"] == "violated" for cell in cells)
    if letter == "U":
        return "confirmed" if violated else "not shown"
    if violated:
        return "**refuted**"
    return "confirmed" if all(cell["verdict"] == "safe" for cell in cells) else "confirmed, bounded"


def evidence(cells):
    """The case that shows a violation in the fewest characters, or the cases in which a limit came first."""
    violated = [cell for cell in cells if cell["verdict"] == "violated"]
    if violated:
        shown = min(violated, key=lambda cell: len(cell["schedule"]))
        short = len(shown["schedule"]) <= LONGEST
        schedule = f"`{shown['schedule']}`" if short else "a long one, printed by the command"
        return f"{shown['violation']} in {shown['case']}: {schedule}"
    bounded = [cell["case"] for cell in cells if cell["verdict"] == "bounded"]
    return f"not exhausted: {', '.join(bounded)}" if bounded else ""


def rows(outcomes):
    """One row for each cell: scheme, lifecycle, prediction, verdict, executions, evidence."""
    for scheme, letters in PREDICTED.items():
        for lifecycle, letter in zip(LIFECYCLES, letters):
            here = (scheme, lifecycle)
            cells = [one for one in outcomes if (one["scheme"], one["lifecycle"]) == here]
            executions = str(sum(cell["executions"] for cell in cells)) if cells else ""
            yield scheme, lifecycle, letter, verdict(letter, cells), executions, evidence(cells)


def matrix(outcomes):
    """The matrix as a table in Markdown, and a count of the verdicts above it."""
    found = list(rows(outcomes))
    counts = {}
    for row in found:
        counts[row[3].strip("*")] = counts.get(row[3].strip("*"), 0) + 1
    text = "; ".join(f"{name}: {counts[name]}" for name in sorted(counts)) + f"; of {len(found)}.\n\n"
    text += "| scheme | lifecycle | predicted | found | executions | what shows it |\n|---|---|---|---|---|---|\n"
    return text + "".join(f"| {' | '.join(row)} |\n".replace("|  |", "| |") for row in found)


def comparable(line):
    """A line without what may change while the verdict does not: counts, times, line numbers, spacing."""
    line = re.sub(r"\(\w+\.(h|cc):\d+\)", "()", line)
    line = re.sub(r"\d+ executions\s+\d+ steps\s+[\d.]+ s(\s+\d+ states)?", "", line)
    return " ".join(line.split())


def blocks(page):
    """Every command of the page and the lines that are printed below it: (arguments, lines)."""
    found, current = [], None
    for line in page.splitlines():
        match = COMMAND.match(line)
        if match:
            current = (match.group(1).split(), [])
            found.append(current)
        elif line.startswith("```"):
            current = None
        elif current is not None:
            current[1].append(line)
    return found


def missing(expected, output):
    """The lines of the page that the command did not print, in its order; others may come between."""
    printed = iter([comparable(line) for line in output.splitlines()])
    return [
        line
        for line in expected
        if line.strip() and line != ELLIPSIS and not any(comparable(line) == other for other in printed)
    ]


def trimmed(output, head=3, tail=4):
    """The output as the page shows it: the cases, and of each interleaving its first and last lines."""
    lines, kept, steps = output.rstrip("\n").splitlines(), [], []

    def flush():
        if len(steps) > head + tail + 1:
            kept.extend([*steps[:head], ELLIPSIS, *steps[-tail:]])
        else:
            kept.extend(steps)
        steps.clear()

    for line in lines:
        if re.match(r"^ *\d+  CPU ", line):
            steps.append(line)
        else:
            flush()
            kept.append(line if len(line) <= 200 else line[:160] + ELLIPSIS)
    flush()
    return "\n".join(line.rstrip() for line in kept) + "\n"


def rendered(page, run):
    """The page with the output of every command and the matrix made anew. `run(arguments)` returns what mmscale
    prints, `run.json(arguments)` the parsed JSON."""
    out, skipping = [], False
    for line in page.splitlines(keepends=True):
        if skipping and not line.startswith(("```", "$ ")):
            continue
        skipping = False
        out.append(line)
        match = COMMAND.match(line.rstrip("\n"))
        if match:
            out.append(trimmed(run(match.group(1).split())))
            skipping = True
    text = "".join(out)
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    return before + BEGIN + matrix(run.json(["check", "--verdicts", LIFETIME])) + END + after
