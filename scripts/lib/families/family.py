# SPDX-License-Identifier: MIT
"""What a family of records has to say of itself."""

import importlib
from dataclasses import dataclass, field
from typing import Callable


@dataclass(frozen=True)
class Section:
    """Its question in the report. short: among the links at the top; what: said where it was not measured, with the
    command that does. answer: a function of (records of one machine, mark) -> HTML; html: of (records, redo) -> HTML,
    "" for nothing."""

    title: str
    short: str
    what: str
    command: str
    answer: Callable
    html: Callable


@dataclass(frozen=True)
class Family:
    """name: in records. figure: the counter that compare compares. table: of Records, for its rows; "" where nothing
    reads them. row: a function of (benchmark, ours), an entry and its "mmscale" object, to such a row, without what is
    known of every entry; results: keys of that object that are no conditions. more: further tables, and functions of
    (row, benchmark, ours) to a row of theirs or None. aggregates: by their names, tables and functions of (benchmark,
    ours). drawn: whether a row makes a figure.

    legend: of its tables, by the table of Records; blocks: a function of (records of one source, mark) to blocks of
    lines. draw: a function of (records, directory) to the paths written. options: by column, the option of mmscale bench
    that gives it where it is not the usual one, None for none. section: in the report, where it is not one of
    report/sections.py.
    """

    name: str
    figure: str
    table: str = ""
    row: Callable | None = None
    more: tuple = ()
    aggregates: dict = field(default_factory=dict)
    results: frozenset = frozenset()
    drawn: bool = True
    legend: dict = field(default_factory=dict)
    blocks: Callable | None = None
    draw: Callable | None = None
    options: dict = field(default_factory=dict)
    section: Section | None = None


def drawn_by(module):
    """A Family's draw: draw_all(records, directory) of a module of figures, which is loaded when it is asked for, since
    what it draws with takes long to load."""
    return lambda records, directory: importlib.import_module(module).draw_all(records, directory)
