# SPDX-License-Identifier: MIT
"""A comparison as plain ASCII text that survives a mailing list: at most 72 columns."""

import textwrap
from collections import Counter

from comparing.comparison import ALPHA, CONSTANT, EXACT, FASTER, NONE, PAIRS, SEPARATE, SLOWER, letter, parts
from wording.text import SIMULATED, ascii_only, build_facts, machine_facts, scaled

WIDTH = 72
ROW = "{:<17} {:>4} {:>7} {:>7} {:>6} {:>13} {:>1} {:>10}"
MAX_NAMES = 12

# How a row names its test.
LETTERS = {PAIRS: "p", SEPARATE: "s", CONSTANT: "c", EXACT: "e"}
TESTS = {
    PAIRS: "windows taken in turn, by pairs (Wilcoxon's signed ranks)",
    SEPARATE: "two sets of windows (Mann-Whitney)",
    CONSTANT: "windows against one computed value (Wilcoxon's signed ranks)",
    EXACT: "computed values, which have no spread: any difference shows",
}


def render(report):
    """Returns the text of a Report; it ends with a newline."""
    blocks = [_side_lines("A", report.first)]
    for number, against in enumerate(report.against):
        name = letter(number + 1)
        blocks.append(_side_lines(name, against.side))
        blocks += _blocks(report, against, name)
    blocks.append(textwrap.wrap(legend(report), WIDTH, break_on_hyphens=False))
    return ascii_only("\n\n".join("\n".join(block) for block in blocks if block)) + "\n"


def legend(report):
    """How the table is to be read."""
    text = (
        "ratio: of the second figure to the first, the Hodges-Lehmann estimate: the median of the ratios of all pairs "
        "of windows. A and B: medians of the valid windows; their own ratio may differ from it. "
    )
    if report.tested:
        text += (
            f"interval: covers the true ratio, in all {report.tested} tested cases together with at least "
            f"{100 * (1 - ALPHA):g} % (Bonferroni: {100 * (1 - ALPHA / report.tested):.5g} % each). slower, faster: it "
            "excludes 1. none shown: no difference shown, which is not that there is none: the interval says how large "
            "it could be. "
        )
    used = Counter(one.test for against in report.against for one in against.comparisons)
    if used:
        text += "t, compared as: " + "; ".join(f"{LETTERS[test]}, {TESTS[test]}, {_cases(count)}" for test, count in used.items()) + "."
    return text


def summary(against):
    """What came out, in one line."""
    counts = f"{against.count(SLOWER)} slower, {against.count(FASTER)} faster"
    counts += f", {against.count(NONE)} no difference shown"
    return counts + (f", {len(against.refusals)} refused" if against.refusals else "")


def invalid_count(side):
    """How many windows of a side were left out, in words."""
    windows = side.windows
    return f"{sum(not window.valid for window in windows)} of {len(windows)} windows invalid and left out"


def interval(comparison, mark=""):
    """The interval of a ratio, or that it has none because nothing varies."""
    if comparison.test == EXACT:
        return "exact"
    return f"{mark}{ratio(comparison.low)}..{ratio(comparison.high)}"


def ratio(value):
    """A ratio with as many digits as tell 1 % from 2 %."""
    return f"{value:.3f}" if value < 10 else scaled(value, 4)


def marks(report, against):
    """What stands before the numbers of the first side, of the other, and before those that came of both."""
    one, other = (SIMULATED if side.simulated else "" for side in (report.first, against.side))
    return one, other, one or other


def _cases(count):
    return "1 case" if count == 1 else f"{count} cases"


def _side_lines(name, side):
    head = "SIMULATED, not measured: " if side.simulated else ""
    lines = _wrap(name, f"{head}{side.path}")
    lines += _wrap("", "; ".join(machine_facts(side.machine)))
    lines += _wrap("", "; ".join([*build_facts(side.machine), str(side.context.get("date", "no date"))]))
    return lines + _wrap("", invalid_count(side))


def _wrap(head, text):
    return textwrap.wrap(text, WIDTH, initial_indent=f"{head:<3}", subsequent_indent="   ", break_on_hyphens=False)


def _blocks(report, against, name):
    """Blocks of lines for one side against the first."""
    yield textwrap.wrap(f"A to {name}: {summary(against)}", WIDTH)
    yield [line for key, *values in against.differences for line in difference_lines(key, *values)]
    yield [line for note in against.notes for line in textwrap.wrap(f"Note: {note}", WIDTH)]
    groups = {}
    for comparison in against.comparisons:
        groups.setdefault((parts(comparison.first)[0], comparison.first.figure), []).append(comparison)
    one, other, both = marks(report, against)
    for (group, figure), members in groups.items():
        unit = members[0].first.unit
        lines = textwrap.wrap(f"{group}: {figure}" + ("" if "ns" in figure else f" [{unit}]"), WIDTH)
        lines.append(ROW.format("scheme", "CPUs", "A", name, "ratio", "interval", "t", "difference"))
        for member in members:
            _, label, cpus = parts(member.first)
            lines.append(
                ROW.format(
                    label[:17], cpus, one + scaled(member.first.median), other + scaled(member.second.median),
                    both + ratio(member.ratio), interval(member, both), LETTERS[member.test], member.verdict,
                )
            )  # fmt: skip
        yield lines
    yield [
        line
        for refusal in against.refusals
        for line in textwrap.wrap(
            f"refused: {refusal.name}: {refusal.reason}", WIDTH, subsequent_indent="  ", break_on_hyphens=False
        )
    ]
    yield _names("only in A", against.missing) + _names(f"only in {name}", against.new)


def difference_lines(key, one, other):
    """What of the contexts differs; long values, such as lists of mitigations, only where they begin to differ."""
    at = next((at for at, both in enumerate(zip(one, other)) if both[0] != both[1]), min(len(one), len(other)))
    start = max(0, at - 12) if max(len(one), len(other)) > 60 else 0
    one, other = (("..." if start else "") + (value[start : start + 60]) for value in (one, other))
    return textwrap.wrap(
        f"differs: {key}: {one or 'nothing'} -> {other or 'nothing'}", WIDTH, subsequent_indent="  ",
        break_on_hyphens=False,
    )  # fmt: skip


def _names(head, names):
    if not names:
        return []
    shown = ", ".join(names[:MAX_NAMES]) + (f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else "")
    return textwrap.wrap(f"{head}: {shown}", WIDTH, subsequent_indent="  ", break_on_hyphens=False)
