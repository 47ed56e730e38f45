# SPDX-License-Identifier: MIT
"""Adds up one JUnit XML report, as ctest and pytest write them.

Prints "PASSED FAILED SKIPPED" on one line. A test that could not be started has
failed, although ctest's report calls it skipped.

Exit status: 1, and one line on stderr, where there is no readable report.
"""

import sys
import xml.etree.ElementTree as ElementTree


def count(report):
    """Returns (passed, failed, skipped) of a report's path. Raises OSError or ElementTree.ParseError."""
    passed = failed = skipped = 0
    for test in ElementTree.parse(report).getroot().iter("testcase"):
        skip = test.find("skipped")
        if test.find("failure") is not None or test.find("error") is not None or _not_started(test, skip):
            failed += 1
        elif skip is not None:
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def _not_started(test, skip):
    """Whether ctest left a test out for another reason than the test's own SKIP_RETURN_CODE or SKIP_REGULAR_EXPRESSION.
    pytest gives no status."""
    return skip is not None and test.get("status") == "notrun" and not skip.get("message", "").startswith("SKIP_")


if __name__ == "__main__":
    try:
        print(*count(sys.argv[1]))
    except (OSError, ElementTree.ParseError) as error:
        sys.exit(f"junit: {sys.argv[1]}: {error}")
