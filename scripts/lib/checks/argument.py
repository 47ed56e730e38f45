# SPDX-License-Identifier: MIT
"""docs/argument.md: its commands run again, output trimmed, and the safety matrix beside its predictions."""

import re

# What the matrix is about: the life of an mm. Whether membarrier(2) keeps its promise is another question.
LIFETIME = "dangling,used,assert,leak,double-free"

LIFECYCLES = (
    *("powerpc", "powerpc-hash", "x86-2017", "x86-unlazy", "x86-2024", "x86-2025", "x86-paravirt", "x86-invlpgb"),
    *("x86-rar", "arm64", "arm64-2025", "arm64-mask", "s390", "riscv", "loongarch"),
)

# Derived by hand from the source before the cell was explored: S safe, U unsafe, - no such thing there; one letter for
# each lifecycle above, or one for all.
OVER_THE_MASK = "SSUUUUUUUSSSSSU"
PREDICTED = {
    "untracked": "U",
    "refcount": "S",
    "refcount-packed": "S",
    "refcount-rcu": "S",
    "sticky": "S",
    "shootdown": OVER_THE_MASK,
    "shootdown-exitflush": OVER_THE_MASK,
    "shootdown-exitinit": OVER_THE_MASK,
    "shootdown-vmspace0": OVER_THE_MASK,
    "shootdown-mmput": OVER_THE_MASK,
    "shootdown-registered": OVER_THE_MASK,
    "shootdown-batch": OVER_THE_MASK,
    "shootdown-filter": OVER_THE_MASK,
    "shootdown-filter-all": "S",
    "shootdown-loaded": "--SSSSSSS------",
    "shootdown-trim": OVER_THE_MASK,
    "quiesce": OVER_THE_MASK,
    "implicit": "U",
    "mailbox-2021": "U",
    "mailbox-2022": "S",
    "mailbox": "S",
    "mailbox-fenced": "S",
    "hazptr": "S",
    "percpu": "S",
    "nonlazy": "S",
    "rcu": "U",
}

BEGIN, END = "<!-- matrix: scripts/argument-page -->\n", "<!-- end of matrix -->\n"
COMMAND = re.compile(r"^\$ mmscale (check .*)$")
ELLIPSIS = "[...]"


def verdict(letter, cells):
    """What the explorer says of one prediction, as the matrix has it; `cells`: the outcomes of all cases."""
    if letter == "-":
        return "-"
    if any(cell["verdict"] == "violated" for cell in cells):
        return "U" if letter == "U" else "**U**"
    if letter == "U":
        return "**S**"
    return "S" if all(cell["verdict"] == "safe" for cell in cells) else "S?"


def cells_of(outcomes):
    """Yields scheme, lifecycle, predicted letter and outcomes of every cell."""
    by_cell = {}
    for one in outcomes:
        by_cell.setdefault((one["scheme"], one["lifecycle"]), []).append(one)
    for scheme, letters in PREDICTED.items():
        for lifecycle, letter in zip(LIFECYCLES, letters * (len(LIFECYCLES) if len(letters) == 1 else 1)):
            yield scheme, lifecycle, letter, by_cell.get((scheme, lifecycle), [])


def differences(outcomes):
    """Of the cells that were predicted otherwise: (lifecycle, what shows it) -> schemes, in order."""
    found = {}
    for scheme, lifecycle, letter, cells in cells_of(outcomes):
        if verdict(letter, cells).startswith("**"):
            violated = [f"{one['violation']} in {one['case']}" for one in cells if one["verdict"] == "violated"]
            found.setdefault((lifecycle, "; ".join(violated) or "nothing found"), []).append(scheme)
    return found


def matrix(outcomes):
    """The matrix as a table in Markdown, a count of the verdicts above it and what differs below."""
    counts, rows = {}, {}
    for scheme, lifecycle, letter, cells in cells_of(outcomes):
        said = verdict(letter, cells)
        counts[said] = counts.get(said, 0) + 1
        rows.setdefault(scheme, []).append(said)
    names = {"S": "safe, explored to the end", "S?": "safe as far as explored", "U": "unsafe, shown"}
    names |= {"**U**": "predicted safe, shown unsafe", "**S**": "predicted unsafe, not shown", "-": "no such thing"}
    text = "; ".join(f"{counts[one]} {names[one]}" for one in names if one in counts)
    text += f"; of {sum(counts.values())}.\n\n"
    text += "| scheme | " + " | ".join(LIFECYCLES) + " |\n" + "|---" * (1 + len(LIFECYCLES)) + "|\n"
    text += "".join(f"| {scheme} | {' | '.join(row)} |\n" for scheme, row in rows.items())
    text += "\nWhere the explorer differs from the prediction:\n\n| lifecycle | what shows it | schemes |\n|---|---|---|\n"
    for (lifecycle, shown), schemes in differences(outcomes).items():
        text += f"| {lifecycle} | {shown} | {', '.join(schemes)} |\n"
    return text


def comparable(line):
    """A line without what may change while the verdict does not: counts, times, line numbers, spacing."""
    line = re.sub(r"\(\w+\.(h|cc):\d+\)", "()", line)
    line = re.sub(r"\d+ executions\s+\d+ steps\s+[\d.]+ s(\s+\d+ states)?", "", line)
    # What a table took is another number every time.
    line = re.sub(r"^\d+ executions, .* M steps/s\. ", "", line)
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
