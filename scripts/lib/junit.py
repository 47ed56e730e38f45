# SPDX-License-Identifier: MIT
"""Adds up one JUnit XML report, as ctest and pytest write them.

Prints "PASSED FAILED SKIPPED" on one line. A test that failed or broke is
failed. A test that ctest could not start is in its report like one that was
skipped on purpose; only ctest's exit status tells the two apart.

Exit status: 1, and one line on stderr, where there is no readable report.
"""

import sys
import xml.etree.ElementTree as ElementTree


def count(report):
    """Returns (passed, failed, skipped) of a report's path. Raises OSError or ElementTree.ParseError."""
    passed = failed = skipped = 0
    for test in ElementTree.parse(report).getroot().iter("testcase"):
        outcome = {child.tag for child in test}
        if outcome & {"failure", "error"}:
            failed += 1
        elif "skipped" in outcome:
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


if __name__ == "__main__":
    try:
        print(*count(sys.argv[1]))
    except (OSError, ElementTree.ParseError) as error:
        sys.exit(f"junit: {sys.argv[1]}: {error}")
