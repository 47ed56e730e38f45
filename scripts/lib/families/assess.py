# SPDX-License-Identifier: MIT
"""The answer of mmscale assess (docs/assess.md); the windows that it is of are those of other families."""

import math

from families.family import Family

AGREEMENTS = ("agree", "disagree", "cannot_tell", "unknown")
# Of a workload.
RECORDED = ("seconds", "cpus", "switches", "borrows", "deaths")
FIGURES = ("threads", "processes", "sharing", "mm_count", "shootdown_spares", "hazptr_spares")


def _row(_, ours):
    """assessment: the object as recorded; ValueError or KeyError if it is none."""
    for point in ours["points"]:
        int(point["cpus"])
        if point["agreement"] not in AGREEMENTS:
            raise ValueError(f"assessment: agreement {str(point['agreement'])[:40]!r}")
        for name in ("most_spared_ns", "most_gain", "emulated_gain"):
            float(point.get(name, 0))
        for name in FIGURES:
            interval = point[name].get("interval_ns", {"low": 0, "high": 0})
            float(point[name].get("median_ns", 0)), float(interval["low"]), float(interval["high"])
    workload = ours.get("workload")
    if workload:
        str(workload["name"])
        # What could not be recorded has no numbers.
        for name in () if "unavailable" in workload else RECORDED:
            if not 0 < float(workload[name]) < math.inf and name in ("seconds", "cpus"):
                raise ValueError(f"assessment: {name} of a workload {workload[name]!r}")
        float(workload.get("most_cpu_share", 0))
    return {"assessment": {**ours, "in_words": str(ours["in_words"])}}


FAMILY = Family(
    name="assess", figure="", table="assessments", drawn=False, aggregates={"assessment": ("assessments", _row)}
)
