# SPDX-License-Identifier: MIT
"""Where the time of simulated CPUs went, as a record has it (docs/records.md, simulated records)."""

from records.window import number

# The parts of a CPU's time, what a reader calls them, what matters most first; with the counters that make them up.
PARTS = (
    ("work", "useful work", ("spent_work",)),
    ("waiting", "waiting for the line", ("spent_waiting",)),
    ("near", "the line's way within a socket", ("spent_transfer_smt_sibling", "spent_transfer_domain", "spent_transfer_package")),
    ("far", "the line's way between sockets", ("spent_transfer_other_package", "spent_transfer_other_group")),
    ("fences", "fences", ("spent_fences",)),
    ("interrupts", "IPIs", ("spent_interrupts",)),
    ("spinning", "spinning", ("spent_spinning",)),
)


def spent_row(benchmark):
    """Columns spent_PART, shares of all CPUs' time; NaN where nothing was recorded."""
    return {
        f"spent_{part}": sum(number(benchmark.get(counter)) for counter in counters) for part, _, counters in PARTS
    }
