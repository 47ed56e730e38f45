# SPDX-License-Identifier: MIT
"""Sorts the windows of host_kernel into sheets, the running kernel's switches beside the emulated ones."""

import pandas

from records import conditions
from grouping.curves import Sheet, sheets
from grouping.series import partition

# Schemes of the emulation that the running kernel's switches stand beside: the two that kernels are built with.
EMULATED = ("refcount", "shootdown")


def switch_sheets(records):
    """Returns the Sheets of switches: the running kernel's and, where the records hold them, those of the emulated
    kernel under refcount and shootdown, workload idle, one mm for all, each set of its conditions in a sheet of its
    own."""
    hosts = records.hosts
    if not len(hosts):
        return []
    hosts = hosts[hosts["question"] == "switch"]
    found = []
    for sheet in sheets("host_kernel-switch", hosts, ["placement"]):
        beside = list(_emulated(records, sheet.identity["placement"]))
        for split, under, windows in beside:
            both = pandas.concat([windows, sheet.windows], ignore_index=True)
            found.append(
                Sheet(sheet.family, sheet.identity, sheet.split | split, sheet.conditions | under, both)
            )
        found += [] if beside else [sheet]
    return found


def call_sheets(records):
    """Returns the Sheets of deaths and calls."""
    hosts = records.hosts
    if not len(hosts):
        return []
    calls = hosts[hosts["question"] != "switch"]
    return sheets("host_kernel-calls", calls, ["placement"]) if len(calls) else []


def _emulated(records, placement):
    """Yields (split, conditions, windows) of the emulated kernel; its schemes are called emulated."""
    windows = records.switches
    if not len(windows):
        return
    wanted = (windows["workload"] == "idle") & (windows["sharing"] == "all") & (windows["placement"] == placement)
    windows = windows[wanted & windows["scheme"].isin(EMULATED)]
    for _, split, part in partition(windows, ["placement"]):
        named = part.assign(scheme="emulated " + part["scheme"])
        yield split, conditions.values(part), named
