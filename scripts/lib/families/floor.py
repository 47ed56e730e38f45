# SPDX-License-Identifier: MIT
"""The family floor: bare instruction loops. Its table is in tables/switches.py."""

import re

from families.family import Family
from records.conditions import of_entry
from records.window import identity, number, validity

NAME = re.compile(r"floor/(?P<scheme>[^/]+)/(?:(?P<placement>[^/:]+)/)?(?:.*/)?cpus:(?P<cpus>\d+)")


def _row(benchmark, ours):
    row = identity(NAME, benchmark["name"], ours, ("scheme", "cpus"))
    found = NAME.match(benchmark["name"])
    row["placement"] = str(ours.get("placement") or (found and found["placement"]) or "")
    row |= of_entry(ours)
    counter = next((key for key in benchmark if key.startswith("ns_per_")), "")
    row |= {"counter": counter, "cost": number(benchmark.get(counter))}
    return row | validity(benchmark, ours, row["cost"])


FAMILY = Family(name="floor", figure="ns_per_pair", table="floors", row=_row, drawn=False)
