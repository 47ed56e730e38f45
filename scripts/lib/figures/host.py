# SPDX-License-Identifier: MIT
"""Draws the family host_kernel: the running kernel's context switches beside the emulated ones, and its deaths and
calls against the CPUs that they concern."""

from matplotlib import pyplot

from wording.caption import interval_note, left_out, sheet_caption
from grouping.host_sheets import call_sheets, switch_sheets
from figures.look import looks
from figures.page import (
    AXIS_HEIGHT, CAPTION_COLUMNS, LABEL_GAP, LABEL_PITCH, LEFT, STYLE, WIDTH,
    label_ends, log_values, marked, open_page, save,
)  # fmt: skip
from figures.places import Places
from figures.strokes import end_of, labels, shown_values, stroke
from wording.text import repetitions

HEIGHT = 3.4
# The order fixes the looks: what crosses idle beside what it is compared with.
LISTED = (
    "emulated refcount", "emulated shootdown", "futex threads cross-cpu", "futex processes cross-cpu",
    "pipe threads cross-cpu", "pipe processes cross-cpu", "futex threads same-cpu", "futex processes same-cpu",
    "pipe threads same-cpu", "pipe processes same-cpu",
)  # fmt: skip
CALLS = ("exit", "munmap running", "munmap lazy", "membarrier running", "membarrier lazy")
SHARE = ("idle_low", "idle_high")


def draw_all(records, directory):
    """Draws every sheet of the family host_kernel into directory; returns the paths written."""
    written = []
    for sheet in switch_sheets(records):
        written += save(draw_switches(records, sheet), directory, sheet.stem)
    for sheet in call_sheets(records):
        written += save(draw_calls(records, sheet), directory, sheet.stem)
    return written


def idle_text(curve):
    """The share of a curve's switches that came from idle: "97 to 99 % from idle", over all its spots; "" if no spot
    has one."""
    low, high = ([spot.values[column] for spot in curve.spots if spot.values[column]] for column in SHARE)
    if not high:
        return ""
    most = max(value.median for value in high)
    if not low:
        return f"at most {_percent(most)} % from idle"
    least = _percent(min(value.median for value in low))
    return f"{least} % from idle" if least == _percent(most) else f"{least} to {_percent(most)} % from idle"


def draw_switches(records, sheet):
    """Returns the figure of a Sheet of switches. Its axes hold what strokes.stroke says, column rate."""
    curves = sheet.curves("cpus", ("rate", *SHARE))
    names = labels(records, curves)
    for curve in curves:
        share = idle_text(curve)
        names[curve.scheme, curve.source] += f": {share}" if share else ""
    spots = [spot for curve in curves for spot in curve.spots]
    notes = [interval_note([spot.values["rate"] for spot in spots if spot.values["rate"]])]
    if _emulated(curves):
        notes.append(
            "Emulated: the kernel's accesses to mm_count and its neighbours alone, in user space, idle CPUs awake. The "
            "others: the running kernel, whole."
        )
    notes.append(
        "From idle: the share of switches to a measured thread at which its CPU idled before, at least and at most; "
        "only these end a borrowing of an mm."
    )
    title = "Context switches per second, running kernel" + (" and emulation" if _emulated(curves) else "")
    return _draw(records, sheet, curves, (names, LISTED), ("rate", None), (title, "CPUs", "switches/s", notes))


def draw_calls(records, sheet):
    """Returns the figure of a Sheet of deaths and calls. Its axes hold what strokes.stroke says, column time_p50."""
    curves = sheet.curves("others", ("time_p50", "time_p99"))
    spots = [spot for curve in curves for spot in curve.spots]
    notes = [interval_note([spot.values["time_p50"] for spot in spots if spot.values["time_p50"]], interval=False)]
    notes.append(
        "Bars: up to the median of the windows' p99. exit: from the last thread's exit to its collection, the mm still "
        "loaded on the other CPUs. running, lazy: the other CPUs compute in the same mm, or idle with it loaded."
    )
    texts = ("Time of a death, munmap and membarrier, running kernel", "other CPUs", "ns: p50, bar up to p99", notes)
    return _draw(records, sheet, curves, (labels(records, curves), CALLS), ("time_p50", "time_p99"), texts)


def _emulated(curves):
    return [curve for curve in curves if curve.scheme.startswith("emulated ")]


def _percent(share):
    return f"{100 * share:.3g}"


def _draw(records, sheet, curves, named, columns, texts):
    """named: labels by curve, and the order of looks. columns: what is drawn, and up to where its bars reach. texts:
    title, what the axes are, notes."""
    (names, listed), (column, upto), (title, across, upward, notes) = named, columns, texts
    spots = [spot for curve in curves for spot in curve.spots]
    hollow = "Hollow" if any(spot.invalid[column] for spot in spots) else ""
    notes = [*notes[:1], left_out(len(sheet.windows), sheet.invalid_count, hollow), *notes[1:]]
    with pyplot.rc_context(STYLE):
        styles = looks(curves, listed)
        prefix, mark = marked(records, sheet.sources)
        height = max(HEIGHT, LABEL_PITCH * (len(curves) + 1))
        caption = sheet_caption(records, sheet, f"{repetitions(spots)} per point", notes, CAPTION_COLUMNS)
        page = open_page(AXIS_HEIGHT + height, prefix + title, sheet.name, caption)
        axes = page.axes(LEFT, AXIS_HEIGHT, WIDTH / 2, height)
        places = Places([spot.x for spot in spots])
        log_values(axes, shown_values(curves, *filter(None, (column, upto))), mark)
        axes.set_ylabel(upward)
        axes.set_xlabel(across)
        places.dress(axes)
        ends = []
        for curve, nudge in zip(curves, places.nudges(len(curves))):
            key = curve.scheme, curve.source
            last = stroke(axes, curve, styles[key], column, lambda x: places.at(x) + nudge, upto)
            ends += [end_of(last, names[key], styles[key])] if last else []
        widest = label_ends(page.figure, axes, ends, height)
        axes.set_position(page.box(LEFT, AXIS_HEIGHT, WIDTH - LEFT - LABEL_GAP - widest - 0.2, height))
        return page.figure
