# SPDX-License-Identifier: MIT
"""How a scheme is drawn: the same in every figure, told apart without colour."""

import zlib
from dataclasses import dataclass

# Okabe and Ito's colours for the colour-blind, without their yellow, which is lost on white paper.
COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "d", "h", "*")
HATCHES = ("", "////", "....", "\\\\\\\\", "xxxx", "----", "||||", "oo")
LINES = ("-", (0, (5, 1.5)), (0, (5, 1.5, 1, 1.5)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5, 1, 1.5)))

# Looks that were given first. A scheme that is not listed has one by its name: whatever it is compared with, it keeps its
# look.
ORDER = (
    "refcount", "shootdown", "untracked", "hazptr", "mailbox", "percpu", "nonlazy",
    "quiesce", "implicit", "rcu", "refcount-packed", "refcount-rcu", "shootdown-exitflush",
    "shootdown-exitinit", "shootdown-batch", "shootdown-filter", "shootdown-trim",
)  # fmt: skip

# So many looks are there for names that are not listed; all of them differ.
BY_NAME = len(COLOURS) * len(MARKERS)

TRANSPORTS = ("membarrier", "signal", "doorbell")


@dataclass(frozen=True)
class Look:
    """Colour, marker, line style and hatching of areas as matplotlib takes them."""

    colour: str
    marker: str
    line: object
    hatch: str


def looks(series, listed=ORDER):
    """Returns the Look of every one of some series, by (scheme, source). The scheme gives the colour, the source shifts
    marker and line. As their numbers have no common factor, 13 x 5 schemes differ in one of these two. listed: what has
    a fixed place, if these are no schemes."""
    places = {name: place for place, name in enumerate(listed)}
    for name in sorted({one.scheme for one in series} - set(listed)):
        place = len(listed) + zlib.crc32(name.encode()) % BY_NAME
        while place in places.values():
            place += 1
        places[name] = place
    result = {}
    for one in series:
        place = places[one.scheme]
        result[one.scheme, one.source] = Look(
            COLOURS[place % len(COLOURS)],
            MARKERS[(place + 5 * one.source) % len(MARKERS)],
            LINES[(place + one.source) % len(LINES)],
            HATCHES[place % len(HATCHES)],
        )
    return result
