# SPDX-License-Identifier: MIT
"""Why windows are invalid, for tables."""

import re
import textwrap
from collections import Counter

WIDTH = 72
MAX_REASONS = 5


def kinds_of(reasons):
    """Returns [(how often, an example)], the most frequent first, of the reasons of some windows, each a tuple. Reasons
    that differ in nothing but numbers are one kind."""
    kinds = Counter()
    examples = {}
    for reason in (reason for window in reasons for reason in window):
        kind = re.sub(r"\d+(\.\d+)?", "#", reason)
        kinds[kind] += 1
        examples.setdefault(kind, reason)
    return [(count, examples[kind]) for kind, count in kinds.most_common()]


def reason_lines(reasons):
    """What made windows invalid, the most frequent first. Reasons that differ in nothing but numbers are one."""
    kinds = kinds_of(reasons)
    lines = []
    for count, example in kinds[:MAX_REASONS]:
        like = "" if count == 1 else " like"
        text = f"{count} x{like} {example!r}"
        lines += textwrap.wrap(text, WIDTH, initial_indent="    ", subsequent_indent="      ")
    if len(kinds) > MAX_REASONS:
        lines.append(f"    and {len(kinds) - MAX_REASONS} more kinds, in the records")
    return lines
