# SPDX-License-Identifier: MIT
"""All families, in the order in which they are shown: every other module of this package that has a FAMILY."""

import importlib
import pkgutil

import families
from families.latency import LEGEND, draw_latencies, latency_blocks

# First, and in this order; whatever else there is comes behind, by its name.
ORDER = ("switch", "floor", "teardown", "mix", "ipi", "line", "host_kernel")


def _all():
    modules = [importlib.import_module(f"families.{module.name}") for module in pkgutil.iter_modules(families.__path__)]
    found = {module.FAMILY.name: module.FAMILY for module in modules if hasattr(module, "FAMILY")}
    return {name: found[name] for name in (*ORDER, *sorted(found.keys() - set(ORDER)))}


FAMILIES = _all()

# Keys of the "mmscale" object that are no condition of some family, beside conditions.RESULTS.
OWN_RESULTS = frozenset().union(*(family.results for family in FAMILIES.values()))
# The tables of Records, and those of them that make a figure.
TABLES = tuple(dict.fromkeys(
    table
    for family in FAMILIES.values() if family.table
    for table in (family.table, *(own for own, _ in family.aggregates.values()), *(own for own, _ in family.more))
))  # fmt: skip
DRAWABLE = tuple(family.table for family in FAMILIES.values() if family.table and family.drawn)

LEGENDS = {table: text for family in FAMILIES.values() for table, text in family.legend.items()} | LEGEND


def blocks(records, mark):
    """Blocks of lines for the Records of one source; mark stands before every number."""
    own = [block for family in FAMILIES.values() if family.blocks for block in family.blocks(records, mark)]
    return own + latency_blocks(records, mark)


def draw(records, directory):
    """Draws what is in Records into directory, as PNG and SVG; returns the paths written."""
    written = [path for family in FAMILIES.values() if family.draw for path in family.draw(records, directory)]
    return written + draw_latencies(records, directory)
