# SPDX-License-Identifier: MIT
"""Comments and pages as a reader finds them: no line of one word at a comment's end, no page that nothing leads to."""

import re

import pytest
from conftest import ROOT

# A line of a comment; indentation and text.
COMMENT = re.compile(r"^(\s*)// (\S.*)$")
ROOMS = ("bench", "src/campaign", "src/calibrate", "src/cli", "src/host", "src/measure", "src/topology")


def orphans(lines):
    """Numbers of the lines that end a comment of several with a single word: text that was filled and then edited."""
    found = []
    for number in range(1, len(lines)):
        here, before = COMMENT.match(lines[number]), COMMENT.match(lines[number - 1])
        after = COMMENT.match(lines[number + 1]) if number + 1 < len(lines) else None
        if not here or not before or here[1] != before[1] or (after and after[1] == here[1]):
            continue
        if " " not in here[2] and "  " not in before[2]:
            found.append(number + 1)
    return found


def test_an_orphan_is_seen():
    assert orphans(["// A comment that goes on and on for a whole", "// line."]) == [2]
    assert orphans(["// One line.", "", "int x;  // 1", "// Two lines", "// of text."]) == []


@pytest.mark.parametrize("room", ROOMS)
def test_no_comment_ends_in_a_line_of_one_word(room):
    files = [path for path in sorted((ROOT / room).rglob("*")) if path.suffix in (".h", ".cc")]
    assert files
    left = [f"{path.relative_to(ROOT)}:{at}" for path in files for at in orphans(path.read_text().splitlines())]
    assert not left


def test_readme_leads_to_every_page():
    text = (ROOT / "README.md").read_text()
    missing = [path.name for path in sorted((ROOT / "docs").glob("*.md")) if f"(docs/{path.name}" not in text]
    assert not missing


def test_links_between_pages_lead_somewhere():
    wrong = []
    for page in [*(ROOT / "docs").glob("*.md"), *ROOT.glob("*.md")]:
        text = re.sub("```.*?```", "", page.read_text(), flags=re.DOTALL)
        for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
            if "://" not in link and not (page.parent / link).exists():
                wrong.append(f"{page.name}: {link}")
    assert not wrong
