# SPDX-License-Identifier: MIT
"""The machine as lstopo draws it: packages, dies, LLCs, cores and PUs as boxes in boxes, coloured by what was measured.

Where a PU is comes out of the records. The classes of distance in a matrix of the family line say which PUs share
what; of PUs outside it, only the package is known, from the windows of the family switch.
"""

import array
import base64
import sys
from dataclasses import dataclass

from families.line import widest_sheet
from grouping.matrix import LEVELS, median_matrix
from report.markup import esc, slug
from grouping.series import REFERENCE, describe, partition, words
from wording.text import SIMULATED

KEYS = ("package", "die", "LLC", "core")
# What may be wrong with the ratio of two CPUs' rates, as docs/validity.md has it for all figures.
MOST_UNFAIR = 0.01


@dataclass(frozen=True)
class Map:
    """A map of the page. data: what the script draws it from; html: the place for it."""

    ident: str
    data: dict
    html: str


def machine_maps(records):
    """Returns one Map per machine of which a PU is known, and a number of it."""
    found = []
    for index, source in enumerate(records.sources):
        own = records.of(index)
        sheet = widest_sheet(own)
        matrix = median_matrix(sheet.windows) if sheet else None
        if matrix and not any(value is not None for row in matrix.one_way for value in row):
            matrix = None
        shares = _shares(own.switches)
        places = _places(own, matrix)
        if places and (matrix or shares):
            found.append(_map(index, records, source.machine, sheet, matrix, shares, places))
    return found


def _places(own, matrix):
    """Returns {PU: {level: group, or None where it is not known}}."""
    packages = {}
    for name in ("switches", "lines"):
        part = getattr(own, name)
        for per_cpu in part["per_cpu"] if len(part) else ():
            for entry in per_cpu if isinstance(per_cpu, list) else ():
                packages[entry["pu"]] = entry["package"]
    places = {pu: {"package": package, "die": None, "LLC": None, "core": None} for pu, package in packages.items()}
    if matrix:
        for number, pu in enumerate(matrix.pus):
            known = {level: matrix.groups[level][number] for level in LEVELS}
            # The system's own number of the package, where a window says it.
            known["package"] = packages.get(pu, known["package"])
            places[pu] = known
        if _same(matrix.groups["die"], matrix.groups["LLC"]):
            # No pair is of a class between the two: nothing says that there are dies.
            for place in places.values():
                place["die"] = None
    return places


def _same(one, other):
    """Whether two ways to group the same PUs are one."""
    return len(set(zip(one, other))) == len(set(one)) == len(set(other))


def _shares(switches):
    """Returns {label: ({PU: part of all rounds it made}, fair part, windows)} of every scheme at the most CPUs whose
    windows say what each CPU did: the mean of the valid windows."""
    found = {}
    if not len(switches):
        return found
    # A window may count for the sum and not for who made it; old records do not say.
    fair = ~(switches["fairness_bound"] > MOST_UNFAIR)
    part = switches[switches["valid"] & fair & switches["per_cpu"].notna() & (switches["sharing"] == "all")]
    if not len(part):
        return found
    part = part[part["cpus"] == part["cpus"].max()]
    alike = (
        (key, split, scheme, group)
        for key, split, windows in partition(part, ["workload", "placement"])
        for scheme, group in windows.groupby("scheme", sort=False)
    )
    for key, split, scheme, group in alike:
        sums, windows = {}, 0
        for per_cpu in group["per_cpu"]:
            total = sum(entry["rounds"] for entry in per_cpu)
            if not total:
                continue
            windows += 1
            for entry in per_cpu:
                sums[entry["pu"]] = sums.get(entry["pu"], 0.0) + entry["rounds"] / total
        if windows:
            label = f"{scheme}, workload {key['workload']}, {words('placement', key['placement'])}"
            label += "".join(f", {describe(*item)}" for item in split.items()) + f", {group['cpus'].iloc[0]} CPUs"
            mean = {pu: value / windows for pu, value in sums.items()}
            found[label] = (mean, 1 / group["cpus"].iloc[0], windows)
    # What the project is about first: the reference, and of its workloads the one that only switches.
    key = lambda item: (not item[0].startswith(REFERENCE + ","), ", workload idle," not in item[0])  # noqa: E731
    return dict(sorted(found.items(), key=key))


def _map(index, records, machine, sheet, matrix, shares, places):
    order = sorted(places, key=lambda pu: [(_rank(places[pu][key])) for key in KEYS] + [pu])
    ident = slug(f"map-{index + 1}")
    title = ("SIMULATED: " if machine.simulated else "") + f"{machine.cpu_model}, host {machine.host}"
    data = {
        "kind": "map",
        "mark": SIMULATED if machine.simulated else "",
        "pus": order,
        "levels": {key: [places[pu][key] for pu in order] for key in KEYS},
        "shares": [
            {"label": label, "fair": fair, "windows": windows, "of": [mean.get(pu) for pu in order]}
            for label, (mean, fair, windows) in shares.items()
        ],
        "line": _line_data(sheet, matrix),
    }
    known = len(matrix.pus) if matrix else 0
    notes = [f"{len(order)} PUs are in the records."]
    if known:
        notes.append(f"The way of a cache line was measured between {known} of them.")
    elif sheet is not None:
        notes.append("No valid window tells the way of a cache line between them.")
    else:
        notes.append("The way of a cache line was not " + ("simulated." if machine.simulated else "measured: mmscale bench --family line."))
    if 0 < known < len(order):
        notes.append("Of PUs outside that measurement only the package is recorded, not the die, LLC or core.")
    if known and sheet.windows["sampled_from"].max() > known:
        notes.append(f"It took a sample of the {sheet.windows['sampled_from'].max():g} PUs of the placement.")
    if not shares:
        notes.append("No valid window of switches with one mm for all tells the share of wins.")
    html = (
        f'<figure class="chart map" id="{ident}"><figcaption>{esc(title)}'
        f'<span class="sub">{esc(" ".join(notes))}</span></figcaption>'
        '<div class="controls" hidden></div><div class="machine" hidden></div>'
        '<p class="reading" role="status" hidden></p>'
        '<p class="needs">The map is drawn by the page\'s script; the matrix below it is the same as a picture.</p>'
        "</figure>\n"
    )
    return Map(ident, data, html)


def _rank(group):
    """Groups by number, those that are not known behind them."""
    return (group is None, group or 0)


def _line_data(sheet, matrix):
    """The medians of the matrix: its upper triangle row by row, 32-bit floats, -1 where nothing was measured."""
    if matrix is None:
        return None
    values = array.array("f")
    for row in range(len(matrix.pus)):
        values.extend(-1.0 if value is None else value for value in matrix.one_way[row][row + 1 :])
    if sys.byteorder == "big":
        values.byteswap()
    return {
        "pus": matrix.pus,
        "windows": int(sheet.windows["valid"].sum()),
        "triangle": base64.b64encode(values.tobytes()).decode(),
    }
