# SPDX-License-Identifier: MIT
"""Adds up one JUnit XML report, as ctest and pytest write them.

Prints "PASSED FAILED SKIPPED" on one line, then a line for each test that has
failed: its name and the last lines of what it said, for who sees no more of a
run than its end. A test that could not be started has failed, although ctest's
report calls it skipped.

Exit status: 1, and one line on stderr, where there is no readable report.
"""

import sys
import xml.etree.ElementTree as ElementTree


# Of a failed test's own words, the last so many characters: a screen has room for some such tests.
WORDS = 400
# Of how many failed tests: where more have failed it is seldom for a reason of their own.
NAMED = 10


def count(report):
    """Returns (passed, lines on the failed, skipped) of a report's path. Raises OSError or ElementTree.ParseError."""
    passed = skipped = 0
    failed = []
    for test in ElementTree.parse(report).getroot().iter("testcase"):
        skip = test.find("skipped")
        verdict = next((found for tag in ("failure", "error") if (found := test.find(tag)) is not None), None)
        if verdict is not None or _not_started(test, skip):
            failed.append(f"{test.get('name')}: {_words(test, skip if verdict is None else verdict)}")
        elif skip is not None:
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def _words(test, verdict):
    """The end of what a failed test said, in one line: ctest has it in system-out, pytest in the verdict itself."""
    said = " | ".join(line.strip() for line in (test.findtext("system-out") or verdict.text or "").splitlines() if line.strip())
    reason = verdict.get("message", "").partition("\n")[0]
    return f"{reason}: ...{said[-WORDS:]}" if said else reason


def _not_started(test, skip):
    """Whether ctest left a test out for another reason than the test's own SKIP_RETURN_CODE or SKIP_REGULAR_EXPRESSION.
    pytest gives no status."""
    return skip is not None and test.get("status") == "notrun" and not skip.get("message", "").startswith("SKIP_")


if __name__ == "__main__":
    try:
        passed, failed, skipped = count(sys.argv[1])
        print(passed, len(failed), skipped)
        print(*failed[:NAMED], sep="\n")
    except (OSError, ElementTree.ParseError) as error:
        sys.exit(f"junit: {sys.argv[1]}: {error}")
