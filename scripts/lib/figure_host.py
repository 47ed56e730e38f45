# SPDX-License-Identifier: MIT
"""Draws the running kernel's switches beside those of the emulated kernel: family host_kernel and switch/idle."""

import pandas
from matplotlib import pyplot

from caption import interval_note, left_out, sheet_caption
from curves import Sheet
from families import HOST_CONDITIONS
from look import looks
from page import (
    AXIS_HEIGHT, CAPTION_COLUMNS, LABEL_GAP, LABEL_PITCH, LEFT, STYLE, WIDTH, label_ends, log_values, marked,
    open_page, save,
)  # fmt: skip
from places import Places
from strokes import end_of, labels, shown_values, stroke
from text import repetitions

TITLE = "The running kernel beside the emulation"
HEIGHT = 3.2
# What of the emulation stands beside the kernel: the two schemes that kernels are built with.
SCHEMES = ("refcount", "shootdown")
COLUMNS = ["source", "file", "record", "name", "scheme", "cpus", "placement", "window_ns", "rate", "cost", "valid",
           "reasons", "package_count"]  # fmt: skip
NOTE = (
    "kernel: real context switches, with system call, run queue, page tables and, across CPUs, the waking of one that "
    "sleeps; the emulation has none of these. How lines run against CPUs can be compared, their heights cannot."
)


def host_sheets(records):
    """Returns a Sheet for each placement under which the kernel's switches were measured: its windows and, of the same
    machines, those of the emulation's SCHEMES (workload idle, sharing all)."""
    if not len(records.hosts):
        return []
    kernel = records.hosts[records.hosts["what"] == "switch"]
    found = []
    for placement, part in kernel.groupby("placement", sort=False):
        parts = [part[COLUMNS]]
        if len(records.switches):
            beside = records.switches[
                (records.switches["workload"] == "idle") & (records.switches["sharing"] == "all")
                & (records.switches["placement"] == placement) & records.switches["scheme"].isin(SCHEMES)
                & records.switches["source"].isin(part["source"].unique())
            ]  # fmt: skip
            parts.append(beside.assign(**_settings(beside))[[*COLUMNS, "workload", "sharing", *_settings(beside)]])
        windows = pandas.concat([one for one in parts if len(one)], ignore_index=True)
        conditions = {name: list(windows[name].unique()) for name in HOST_CONDITIONS}
        found.append(Sheet("host_kernel", {"placement": placement}, {}, conditions, windows))
    return found


def _settings(switches):
    """Conditions of the emulation that a command to measure it again must name."""
    return {name: switches[name] for name in ("lifecycle", "transport", "think_cycles")}


def emulated(sheet):
    """The windows of a Sheet that are of the emulation."""
    return sheet.windows[~sheet.windows["scheme"].str.startswith("kernel: ")]


def real(sheet):
    """The windows of a Sheet that are of the running kernel."""
    return sheet.windows[sheet.windows["scheme"].str.startswith("kernel: ")][COLUMNS]


def draw_all(records, directory):
    """Draws every sheet into directory; returns the paths written."""
    return [path for sheet in host_sheets(records) for path in save(draw(records, sheet), directory, sheet.stem)]


def draw(records, sheet):
    """Returns the figure of a Sheet. Its one axes holds what strokes.stroke says, column cost."""
    with pyplot.rc_context(STYLE):
        curves = sheet.curves("cpus", ("cost",))
        styles = looks(curves)
        names = labels(records, curves)
        prefix, mark = marked(records, sheet.sources)
        height = max(HEIGHT, LABEL_PITCH * (len(curves) + 1))
        spots = [spot for curve in curves for spot in curve.spots]
        notes = [interval_note([spot.values["cost"] for spot in spots if spot.values["cost"]])]
        hollow = "Hollow" if any(spot.invalid["cost"] for spot in spots) else ""
        notes += [left_out(len(sheet.windows), sheet.invalid_count, hollow), NOTE]
        caption = sheet_caption(records, sheet, f"{repetitions(spots)} per point", notes, CAPTION_COLUMNS)
        page = open_page(AXIS_HEIGHT + height, prefix + TITLE, sheet.name, caption)
        axes = page.axes(LEFT, AXIS_HEIGHT, WIDTH / 2, height)
        places = Places([spot.x for spot in spots])
        log_values(axes, shown_values(curves, "cost"), mark)
        axes.set_ylabel("ns per switch on each CPU")
        axes.set_xlabel("CPUs")
        places.dress(axes)
        ends = []
        for curve, nudge in zip(curves, places.nudges(len(curves))):
            key = curve.scheme, curve.source
            last = stroke(axes, curve, styles[key], "cost", lambda x: places.at(x) + nudge)
            ends += [end_of(last, names[key], styles[key])] if last else []
        widest = label_ends(page.figure, axes, ends, height)
        axes.set_position(page.box(LEFT, AXIS_HEIGHT, WIDTH - LEFT - LABEL_GAP - widest - 0.2, height))
        return page.figure
