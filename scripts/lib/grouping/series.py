# SPDX-License-Identifier: MIT
"""Sorts switch windows into panels (what may share a figure), series (lines) and points (CPU counts)."""

from dataclasses import dataclass

import pandas

from records import conditions
from stats.estimate import Estimate, estimate

REFERENCE = "refcount"


@dataclass(frozen=True)
class Point:
    """One scheme at one CPU count.

    rate: switches/s over all CPUs. cost: ns per switch on each CPU. Both None when no window was valid.
    invalid: (rate, cost) of every invalid window that got as far as to have them.
    windows, invalid_count: how many windows there were, and how many of them were invalid.
    """

    cpus: int
    rate: Estimate | None
    cost: Estimate | None
    windows: int
    invalid_count: int
    invalid: tuple


@dataclass(frozen=True)
class Series:
    """One scheme on one machine; points by rising CPU count."""

    scheme: str
    source: int
    points: tuple

    def at(self, cpus):
        """Returns the point at a CPU count, or None."""
        return next((point for point in self.points if point.cpus == cpus), None)


# Options that go without saying when nobody turned them on.
UNREMARKABLE = {
    "mm_cid": ("off",), "rq_lock": (False,), "latency_one_in": (0,), "deep_idle": (False,), "page_tables": (True,),
    "hotplug": ("after",), "rest_of_switch": ("none",), "random_think": (False,),
}  # fmt: skip
# Conditions whose value is said elsewhere, unless there are several.
SAID = ("machine", "warm_ns", "irqs_off_activate_mm")


@dataclass(frozen=True)
class Panel:
    """What is compared in one figure: same workload, sharing and placement, under the same conditions.

    split: those conditions that set this panel apart from others of the same workload, sharing and placement.
    conditions: of each the values that occur.
    boundaries: (position on the CPU axis, packages in use beyond it), by rising position.
    reasons: of every invalid window, why.
    """

    workload: str
    sharing: str
    placement: str
    split: dict
    conditions: dict
    series: tuple
    boundaries: tuple
    reasons: tuple

    @property
    def cpu_counts(self):
        """Every CPU count measured, rising."""
        return sorted({point.cpus for series in self.series for point in series.points})

    @property
    def sources(self):
        """The machines that gave a series, as indices into records.sources, rising."""
        return sorted({series.source for series in self.series})

    @property
    def points(self):
        """Every point of every series."""
        return [point for series in self.series for point in series.points]

    @property
    def name(self):
        """Says which panel this is, for titles."""
        parts = [words(key, getattr(self, key)) for key in ("workload", "sharing", "placement")]
        return ", ".join(parts + [describe(*item) for item in self.split.items()])


def panels(switches):
    """Returns the Panels of Records.switches, in order of their first record."""
    identity = ("workload", "sharing", "placement")
    return [_panel(*key.values(), split, part) for key, split, part in partition(switches, identity)]


def partition(windows, identity, places=(), spots=(), but=()):
    """Yields what may share a figure, as (identity, split, windows), in order of the first record: windows that agree
    in all columns named by identity, and in those conditions that had to set them apart (split). Both are dicts.
    but: conditions that a place stands for.

    A condition that was varied for any scheme on a machine makes figures of its own, so that every series has one value
    of it. One that merely differs from scheme to scheme does not. Neither does one of places that merely differs from
    spot to spot, spots being the columns that say where in a series a window belongs.
    """
    if not len(windows):
        return
    identity, line = list(identity), ["scheme", "source"]
    for key, group in windows.groupby(identity if len(identity) > 1 else identity[0], sort=False):
        varied = [name for name in group.columns if conditions.is_condition(name, but) and _varies(group, line, name)]
        varied += [name for name in places if _varies(group, line + list(spots), name)]
        key = dict(zip(identity, key if isinstance(key, tuple) else (key,)))
        if not varied:
            yield key, {}, group
            continue
        for values, part in group.groupby(varied if len(varied) > 1 else varied[0], sort=False, dropna=False):
            names = [name.removeprefix(conditions.PREFIX) for name in varied]
            yield key, dict(zip(names, values if len(varied) > 1 else (values,))), part


def _varies(windows, within, name):
    # Most conditions are the same everywhere, which is asked cheaply.
    return windows[name].nunique(dropna=False) > 1 and (windows.groupby(within, dropna=False)[name].nunique(dropna=False) > 1).any()


# What CPUs that are called by an IPI do meanwhile.
TARGETS = {"enable_points": "called CPUs pass enable points", "compute": "called CPUs compute"}
# Conditions that are a number of something.
COUNTS = {"cpus": "CPUs", "borrowers": "borrowers", "mask_only": "further CPUs in mm_cpumask"}


# Names of mmscale bench's --sharing and --placement, for people who do not know them.
SHARINGS = {"all": "one mm for all", "private": "an mm for each CPU"}
PLACEMENTS = {"compact": "CPUs nearest first", "scatter": "CPUs farthest first", "socket": "CPUs socket by socket",
              "smt-first": "CPUs core by core", "smt-last": "CPUs of every core first, siblings last"}  # fmt: skip

# What records have only where it was asked for: how it is said with its value, and what it is without.
GIVEN = {
    "latency_one_in": ("one switch in {:g} timed", "no switch timed"),
    "death_ticks": ("{:g} ticks for a death", "nothing for a death besides"),
    "tasks_per_cpu": ("{:g} tasks for each CPU", "one task for each CPU"),
    "nohz_every": ("one idle period in {:g} without a tick", "no tick stops"),
    "nohz_hz": ("idle periods of over a tick at {:g} Hz without one", "no tick stops"),
    "idle_exit_ns": ("{:g} ns to leave idle", "nothing to leave idle"),
    "registered": ("registered for membarrier(2)", "not registered for membarrier(2)"),
}


# How others are said with a value, and without.
EITHER = {
    "deep_idle": ("deep idle", "no deep idle"),
    "page_tables": ("page tables to free", "no page tables"),
    "think_cycles": ("{:g} ticks of work between two switches", "no work between two switches"),
    "random_think": ("work drawn at random", "work always as long"),
}
SAID_AS = {
    "migrate_every": "one process of {:g} migrates", "rest_of_switch": "rest of a switch: {}", "lifecycle": "rules of {}",
    "lifetime": "lifetime {:g} switches", "linger_ns": "borrowers linger {:g} ns", "home_node": "mm on NUMA node {:g}",
    "lazy_tlb": "this kernel's lazy TLB: {}", "idle_driver": "this kernel's idle driver: {}",
}  # fmt: skip


def words(key, value):
    """Names a part of a figure's identity, for people: its workload, who shares an mm, which CPUs, how many."""
    if key in COUNTS:
        return describe(key, value)
    if key == "sharing":
        return SHARINGS.get(value, f"an mm for each {value}{' CPUs' if str(value).isdigit() else ''}")
    if key == "placement":
        return PLACEMENTS.get(value, f"CPUs {value}")
    return f"{key} {value}"


def _long(ns):
    return f"{ns / 1e9:.3g} s" if ns >= 999.5e6 else f"{ns / 1e6:.3g} ms"


def describe(condition, value):
    """Names a condition with its value, for people."""
    if condition in GIVEN:
        given, otherwise = GIVEN[condition]
        return given.format(value) if value and not pandas.isna(value) else otherwise
    if value is None or pandas.isna(value):
        return f"{condition.removesuffix('_ns').replace('_', ' ')} not recorded"
    if condition == "window_ns":
        return f"windows of {_long(value)}"
    if condition == "warm_ns":
        return f"{_long(value)} of warming up"
    if condition in EITHER:
        return EITHER[condition][not value].format(value)
    if condition == "transport":
        return "modelled IPIs" if value in ("simulated", "modelled") else f"IPIs by {value}"
    if condition == "target_does":
        return TARGETS.get(value, f"called CPUs: {value}")
    if condition in COUNTS:
        return f"{value:g} {COUNTS[condition]}"
    return SAID_AS[condition].format(value) if condition in SAID_AS else f"{condition} {value}"


def describe_conditions(panel, but=()):
    """Names all conditions of a Panel or Sheet but some, and options left alone; several values are joined with "or"."""
    return [
        " or ".join(describe(name, value) for value in values)
        for name, values in panel.conditions.items()
        if name not in but
        and not (name in SAID and len(values) == 1)
        and not all(pandas.isna(value) for value in values)
        and not (name in UNREMARKABLE and all(pandas.isna(value) or value in UNREMARKABLE[name] for value in values))
    ]


def _panel(workload, sharing, placement, split, windows):
    return Panel(
        workload=workload,
        sharing=sharing,
        placement=placement,
        split=split,
        conditions=conditions.values(windows),
        series=tuple(_all_series(windows)),
        boundaries=tuple(boundaries(windows)),
        reasons=tuple(windows.loc[~windows["valid"], "reasons"]),
    )


def _all_series(windows):
    """Series by name, the reference first: what runs first differs from campaign to campaign, the order here not."""
    found = [
        Series(scheme, source, tuple(_point(cpus, part) for cpus, part in group.groupby("cpus")))
        for (scheme, source), group in windows.groupby(["scheme", "source"])
    ]
    return sorted(found, key=lambda series: (series.source, series.scheme != REFERENCE, series.scheme))


def _point(cpus, windows):
    valid = windows[windows["valid"]]
    invalid = windows[~windows["valid"]]
    shown = invalid[(invalid["rate"] > 0) & (invalid["cost"] > 0)]
    return Point(
        cpus=cpus,
        rate=estimate(valid["rate"]),
        cost=estimate(valid["cost"]),
        windows=len(windows),
        invalid_count=len(invalid),
        invalid=tuple(zip(shown["rate"], shown["cost"])),
    )


def boundaries(windows):
    """Returns where the number of packages in use grows, as (position, packages in use beyond it).

    The largest record that lists its CPUs' packages says it exactly, if the smaller ones used a leading part of its
    CPUs: between the n-th and the next CPU, so at n + 1/2. Else it lies somewhere between two CPU counts measured, and
    is placed in the middle. Where several machines reach that far, only what all of those agree on is marked.
    """
    per_source = [(part["cpus"].max(), _boundaries_of_one(part)) for _, part in windows.groupby("source")]
    marks = sorted({mark for _, marks in per_source for mark in marks})
    return [mark for mark in marks if all(mark in own for reach, own in per_source if reach > mark[0])]


def _boundaries_of_one(windows):
    listed = [packages for packages in windows["packages"] if isinstance(packages, tuple)]
    longest = max(listed, key=len, default=())
    if listed and len(listed) == len(windows) and all(part == longest[: len(part)] for part in listed):
        marks = []
        for used in range(1, len(longest)):
            if longest[used] not in longest[:used]:
                marks.append((used + 0.5, len(set(longest[: used + 1]))))
        return marks
    counts = windows.dropna(subset=["package_count"]).groupby("cpus")["package_count"].max()
    steps = list(zip(counts.index, counts))
    return [
        ((below + above) / 2, int(packages))
        for (below, fewer), (above, packages) in zip(steps, steps[1:])
        if packages > fewer
    ]
