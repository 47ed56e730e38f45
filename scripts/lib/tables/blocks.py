# SPDX-License-Identifier: MIT
"""What the tables of all families are made of: at most 72 columns, as switches.py."""

import math
import textwrap

from grouping.series import describe_conditions
from wording.reasons import reason_lines
from wording.text import repetitions, scaled

WIDTH = 72


def head(title, sheet, per):
    lines = textwrap.wrap(f"{title}: {sheet.name}", WIDTH)
    lines += textwrap.wrap(
        f"{', '.join(describe_conditions(sheet))}; {per}", WIDTH, initial_indent="  ", subsequent_indent="  "
    )
    return [*lines, ""]


def foot(sheet):
    """How many windows are invalid, and, as a block of its own, why."""
    head = f"  {sheet.invalid_count} of {len(sheet.windows)} windows invalid"
    return ["", head + (", among them:" if sheet.invalid_count else ""), *reason_lines(sheet.reasons)]


def numbers(title, sheet, mark, curves, columns, form, heads):
    """A block of rows that are numbers alone. columns: how many digits each has; form, heads: a row and its titles."""

    def row(at, curve, spot, here):
        numbers = [cell(spot.values[name], mark, scaled, digits) for name, digits in columns.items()]
        return form.format(curve.scheme, at, *numbers, f"{spot.invalid_count}/{spot.windows}")

    lines = head(title, sheet, f"{repetitions([spot for curve in curves for spot in curve.spots])} per row")
    return [[*lines, form.format(*heads), *rows(curves, row), *foot(sheet)]]


def cell(value, mark, form=scaled, digits=4):
    """A median as it stands in a row; one that is not known, a dash."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    return mark + form(getattr(value, "median", value), digits)


def interval(value, mark):
    """The interval of an Estimate; a star says that it is only least to greatest. One value has none."""
    if value is None or value.count == 1:
        return "-"
    return f"{mark}{scaled(value.low)}..{mark}{scaled(value.high)}" + ("" if value.bounded else "*")


def by_spot(curves):
    """Yields (x, [(curve, spot)]) by rising x, so that what is compared stands together."""
    for x in sorted({spot.x for curve in curves for spot in curve.spots}):
        yield x, [(curve, curve.at(x)) for curve in curves if curve.at(x)]


def rows(curves, row):
    """The rows of all curves, with a blank line from one x to the next where several stand at one."""
    lines = []
    for number, (x, here) in enumerate(by_spot(curves)):
        lines += [""] if number and len(curves) > 1 else []
        lines += [row(x, curve, spot, here) for curve, spot in here]
    return lines
