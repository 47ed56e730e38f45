# SPDX-License-Identifier: MIT
"""The tables of the families teardown, mix, ipi, line and host_kernel, and of sampled latency: at most 72 columns, as switches.py."""

import math
import textwrap

from grouping.crossover import crossings, mix_sheets
from records.families import DISTANCES
from figures.ipi import ipi_sheets
from figures.latency import latency_sheets
from figures.line import line_sheets
from figures.teardown import teardown_sheets
from grouping.host_sheets import call_sheets, switch_sheets
from grouping.series import REFERENCE, describe_conditions
from wording.reasons import reason_lines
from stats.estimate import estimate
from wording.text import ratio, repetitions, scaled

WIDTH = 72
TEARDOWN = "{:<19} {:>5} {:>7} {:>7} {:>7} {:>6} {:>6} {:>5}"
MIX = "{:<19} {:>6} {:>8} {:>18} {:>7} {:>5}"
CROSSOVER = "    {:>5} {:>9} {:>20}"
IPI = "{:<19} {:>7} {:>7} {:>7} {:>7} {:>7} {:>7} {:>4}"
LINE = "{:<19} {:>9} {:>20} {:>11}"
HOST = "{:<26} {:>4} {:>7} {:>7} {:>11} {:>5} {:>5}"
CALL = "{:<26} {:>4} {:>7} {:>7} {:>5} {:>5} {:>5} {:>5}"
LATENCY = "{:<19} {:>4} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>5}"

LEGENDS = {
    "teardowns": "teardown: borr., CPUs that borrow the mm lazily (or +mask: are only in its mask). p50, p99, max: ns "
    "of the last mmput, medians of the valid windows. IPIs: CPUs interrupted per teardown; usel.: those of them that "
    "did not borrow the mm.",
    "mixes": "mix: exits/M, thread exits per million switches. ns/sw: ns per switch on each CPU, median, with its "
    "interval. ratio: to refcount. crossover: where two schemes cost the same, in exits/M.",
    "ipis": "ipi: ns from the call of so many CPUs to the last answer. queued, raised: requests and interrupts a call.",
    "lines": "line: ns that a cache line takes from one CPU to another; one way is half a round trip. By distance: "
    "median of the pairs.",
    "hosts": "host_kernel: the running kernel itself. sw/s: its context switches per second over all CPUs; ns/sw: on "
    "each CPU. %idle: share of switches to a measured thread at which its CPU idled before, at least..at most; only "
    "those borrow an mm. others: CPUs that a dying or called mm is loaded on besides the first; p50, p99: ns. RES, CAL, "
    "TLB: rescheduling, function-call and TLB interrupts per switch, death or call.",
    "latencies": "latency: ns of single switches, clock reading included; clock: that alone. Medians of valid windows.",
}
# What the legend of the switch table says of every table; needed where that is missing.
COMMON = (
    "interval: of the median, distribution-free, at least 95 %; with a star only least..greatest, as fewer than 6 "
    "valid windows allow no such interval. inv: invalid windows of all; they enter nothing else."
)


def family_blocks(records, mark):
    """Returns blocks of lines for the Records of one source; mark stands before every number."""
    blocks = []
    for sheet, x in teardown_sheets(records):
        blocks += _teardown(sheet, x, mark)
    for sheet in mix_sheets(records):
        blocks += _mix(records, sheet, mark)
    for sheet in ipi_sheets(records):
        blocks += _ipi(sheet, mark)
    for sheet in line_sheets(records):
        blocks += _line(sheet, mark)
    for sheet in switch_sheets(records):
        blocks += _host_switches(sheet, mark)
    for sheet in call_sheets(records):
        blocks += _host_calls(sheet, mark)
    for sheet in latency_sheets(records):
        blocks += _latency(sheet, mark)
    return blocks


def family_legends(records):
    """What the columns of the tables are, of the families that are in Records."""
    texts = [text for table, text in LEGENDS.items() if len(getattr(records, table))]
    if not len(records.switches):
        texts.append(COMMON)
    return [textwrap.wrap(text, WIDTH) for text in texts]


def _head(title, sheet, per):
    lines = textwrap.wrap(f"{title}: {sheet.name}", WIDTH)
    lines += textwrap.wrap(
        f"{', '.join(describe_conditions(sheet))}; {per}", WIDTH, initial_indent="  ", subsequent_indent="  "
    )
    return [*lines, ""]


def _foot(sheet):
    """How many windows are invalid, and, as a block of its own, why."""
    head = f"  {sheet.invalid_count} of {len(sheet.windows)} windows invalid"
    return ["", head + (", among them:" if sheet.invalid_count else ""), *reason_lines(sheet.reasons)]


def _numbers(title, sheet, mark, curves, columns, form, heads):
    """A block of rows that are numbers alone. columns: how many digits each has; form, heads: a row and its titles."""

    def row(at, curve, spot, here):
        numbers = [_cell(spot.values[name], mark, scaled, digits) for name, digits in columns.items()]
        return form.format(curve.scheme, at, *numbers, f"{spot.invalid_count}/{spot.windows}")

    lines = _head(title, sheet, f"{repetitions([spot for curve in curves for spot in curve.spots])} per row")
    return [[*lines, form.format(*heads), *_rows(curves, row), *_foot(sheet)]]


def _cell(value, mark, form=scaled, digits=4):
    """A median as it stands in a row; one that is not known, a dash."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    return mark + form(getattr(value, "median", value), digits)


def _interval(value, mark):
    """The interval of an Estimate; a star says that it is only least to greatest. One value has none."""
    if value is None or value.count == 1:
        return "-"
    return f"{mark}{scaled(value.low)}..{mark}{scaled(value.high)}" + ("" if value.bounded else "*")


def _by_spot(curves):
    """Yields (x, [(curve, spot)]) by rising x, so that what is compared stands together."""
    for x in sorted({spot.x for curve in curves for spot in curve.spots}):
        yield x, [(curve, curve.at(x)) for curve in curves if curve.at(x)]


def _rows(curves, row):
    """The rows of all curves, with a blank line from one x to the next where several stand at one."""
    lines = []
    for number, (x, here) in enumerate(_by_spot(curves)):
        lines += [""] if number and len(curves) > 1 else []
        lines += [row(x, curve, spot, here) for curve, spot in here]
    return lines


def _teardown(sheet, x, mark):
    columns = ("drop_p50", "drop_p99", "drop_max", "ipis", "useless")
    curves = sheet.curves(x, columns)

    def row(at, curve, spot, here):
        numbers = [_cell(spot.values[column], mark, scaled, 3 if "drop" not in column else 4) for column in columns]
        return TEARDOWN.format(curve.scheme, at, *numbers, f"{spot.invalid_count}/{spot.windows}")

    lines = _head("teardown", sheet, f"{repetitions([s for c in curves for s in c.spots])} per row")
    which = "borr." if x == "borrowers" else "+mask"
    lines.append(TEARDOWN.format("scheme", which, "p50", "p99", "max", "IPIs", "usel.", "inv"))
    return [lines + _rows(curves, row) + _foot(sheet)]


def _mix(records, sheet, mark):
    blocks = []
    windows = sheet.windows
    spots = [spot for curve in sheet.curves(["cpus", "exits"], ("cost",)) for spot in curve.spots]
    lines = _head("mix", sheet, f"{repetitions(spots)} per row")
    for cpus in sorted(windows["cpus"].unique()):
        curves = sheet.curves("exits", ("cost",), windows["cpus"] == cpus)

        def row(exits, curve, spot, here):
            cost = spot.values["cost"]
            reference = next((other.values["cost"] for one, other in here if one.scheme == REFERENCE), None)
            to_reference = ratio(cost.median / reference.median, mark) if cost and reference else "-"
            return MIX.format(
                curve.scheme, f"{exits:g}", _cell(cost, mark), _interval(cost, mark), to_reference,
                f"{spot.invalid_count}/{spot.windows}",
            )  # fmt: skip

        heads = [f"  {cpus} CPU{'s' if cpus > 1 else ''}"]
        heads.append(MIX.format("scheme", "exits/M", "ns/sw", "interval", "ratio", "inv"))
        blocks.append(lines + heads + _rows(curves, row))
        lines = []
    blocks[-1] += _foot(sheet)
    pairs = crossings(records, sheet)
    if pairs:
        blocks.append(_crossover_lines(pairs, mark))
    return blocks


def _crossover_lines(pairs, mark):
    lines = []
    for pair, points in pairs.items():
        lines += ["" if lines else "  crossovers", f"  {pair[0]} = {pair[1]}" + ("" if points else ": none")]
        lines += [CROSSOVER.format("CPUs", "exits/M", "interval")] if points else []
        for point in points:
            interval = f"{mark}{scaled(point.low)}..{mark}{scaled(point.high)}" if point.low <= point.high else "-"
            lines.append(CROSSOVER.format(point.cpus, _cell(point.exits, mark), interval))
    return lines


def _ipi(sheet, mark):
    columns = {"round_p50": 4, "round_p99": 4, "round_max": 4, "queued": 3, "raised": 3}
    heads = ("transport", "targets", "p50", "p99", "max", "queued", "raised", "inv")
    return _numbers("ipi", sheet, mark, sheet.curves("targets", tuple(columns)), columns, IPI, heads)


def _line(sheet, mark):
    windows = sheet.windows
    valid = windows[windows["valid"]]
    lines = _head("line", sheet, f"{len(windows)} window{'s' if len(windows) > 1 else ''}")
    lines.append(LINE.format("distance", "one way", "interval", "round trip"))
    for name in ("all pairs", *DISTANCES):
        column = "cost" if name == "all pairs" else f"one_way_{name}"
        value = estimate(valid[column].dropna())
        if value or name == "all pairs":
            twice = mark + scaled(2 * value.median) if value else "-"
            lines.append(LINE.format(name.replace("_", "-"), _cell(value, mark), _interval(value, mark), twice))
    return [lines + _foot(sheet)]


def _host_switches(sheet, mark):
    curves = sheet.curves("cpus", ("rate", "cost", "idle_low", "idle_high", "reschedule"))

    def row(at, curve, spot, here):
        values = spot.values
        low, high = (values[name] and f"{100 * values[name].median:.0f}" for name in ("idle_low", "idle_high"))
        return HOST.format(
            curve.scheme, at, _cell(values["rate"], mark), _cell(values["cost"], mark),
            f"{low or '?'}..{high}" if high else "-", _cell(values["reschedule"], mark, scaled, 2),
            f"{spot.invalid_count}/{spot.windows}",
        )  # fmt: skip

    lines = _head("host_kernel", sheet, f"{repetitions([s for c in curves for s in c.spots])} per row")
    lines.append(HOST.format("switches", "CPUs", "sw/s", "ns/sw", "%idle", "RES", "inv"))
    return [lines + _rows(curves, row) + _foot(sheet)]


def _host_calls(sheet, mark):
    columns = {"time_p50": 4, "time_p99": 4, "reschedule": 2, "function_call": 2, "tlb": 2}
    heads = ("deaths and calls", "oth.", "p50", "p99", "RES", "CAL", "TLB", "inv")
    return _numbers("host_kernel", sheet, mark, sheet.curves("others", tuple(columns)), columns, CALL, heads)


def _latency(sheet, mark):
    ends = ("p50", "p90", "p99", "p999", "max")
    columns = (*(f"latency_{end}" for end in ends), "clock")
    mixed = sheet.windows["exits"].notna().any()
    lines = _head("latency", sheet, "")
    lines[-2] = lines[-2].rstrip("; ")
    blocks = []
    for exits, part in sheet.windows.groupby("exits", dropna=False):
        curves = sheet.curves("cpus", columns, sheet.windows.index.isin(part.index))

        def row(at, curve, spot, here):
            numbers = [_cell(spot.values[column], mark, scaled, 3) for column in columns]
            return LATENCY.format(curve.scheme, at, *numbers, f"{spot.invalid_count}/{spot.windows}")

        heads = [f"  {exits:g} exits per million switches"] if mixed else []
        heads.append(LATENCY.format("scheme", "CPUs", *("p50", "p90", "p99", "p99.9", "max", "clock"), "inv"))
        blocks.append(lines + heads + _rows(curves, row))
        lines = []
    blocks[-1] += _foot(sheet)
    return blocks
