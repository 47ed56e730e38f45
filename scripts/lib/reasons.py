# SPDX-License-Identifier: MIT
"""Why windows are invalid, for tables."""

import re
import textwrap
from collections import Counter

WIDTH = 72
MAX_REASONS = 5


def reason_lines(reasons):
    """What made windows invalid, the most frequent first. Reasons that differ in nothing but numbers are one."""
    kinds = Counter()
    examples = {}
    for reason in (reason for window in reasons for reason in window):
        kind = re.sub(r"\d+(\.\d+)?", "#", reason)
        kinds[kind] += 1
        examples.setdefault(kind, reason)
    lines = []
    for kind, count in kinds.most_common(MAX_REASONS):
        like = "" if count == 1 else " like"
        text = f"{count} x{like} {examples[kind]!r}"
        lines += textwrap.wrap(text, WIDTH, initial_indent="    ", subsequent_indent="      ")
    if len(kinds) > MAX_REASONS:
        lines.append(f"    and {len(kinds) - MAX_REASONS} more kinds, in the records")
    return lines
