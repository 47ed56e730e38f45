# SPDX-License-Identifier: MIT
"""Record files into one SQLite database, and into one report."""

import gzip
import hashlib
import json
import math
import os
import sqlite3
import sys

from command import in_words
from records.conditions import is_given
from records.document import read_bytes
from records.output import write_whole
from records.reading import RecordError, load

SCHEMA = """
CREATE TABLE files (
  file INTEGER PRIMARY KEY,      -- as the report numbers them, from 1
  path TEXT NOT NULL,
  sha256 TEXT NOT NULL,          -- of the record file
  document BLOB NOT NULL         -- the record file itself, gzip
);
CREATE TABLE context (           -- the context of each file: machine, kernel, build, command
  file INTEGER NOT NULL REFERENCES files,
  name TEXT NOT NULL,
  value TEXT NOT NULL,           -- text as it is, anything else as JSON
  PRIMARY KEY (file, name)
) WITHOUT ROWID;
CREATE TABLE entries (           -- every window, aggregate and crossover
  entry INTEGER PRIMARY KEY,
  file INTEGER NOT NULL REFERENCES files,
  place INTEGER NOT NULL,        -- in the file's list "benchmarks", from 0
  name TEXT NOT NULL,
  run_type TEXT NOT NULL,        -- 'iteration' is a window
  family TEXT, world TEXT, scheme TEXT, workload TEXT, sharing TEXT, placement TEXT, cpus INTEGER,
  valid INTEGER,                 -- 1 or 0; NULL if it is no window
  invalid TEXT,                  -- the reasons, one a line
  conditions TEXT NOT NULL,      -- what it was measured under, JSON: rows that differ in it are not of one case
  UNIQUE (file, place)
);
CREATE TABLE figures (           -- every number of an entry
  entry INTEGER NOT NULL REFERENCES entries,
  name TEXT NOT NULL,
  value REAL NOT NULL,
  PRIMARY KEY (entry, name)
) WITHOUT ROWID;
CREATE INDEX entries_by_case ON entries (family, scheme, cpus);
CREATE VIEW valid_windows AS
  SELECT entries.*, host.value AS host, model.value AS cpu_model FROM entries
  LEFT JOIN context AS host ON host.file = entries.file AND host.name = 'host_name'
  LEFT JOIN context AS model ON model.file = entries.file AND model.name = 'cpu_model'
  WHERE run_type = 'iteration' AND valid = 1;
"""
# Of the "mmscale" object, what an entry is an entry of.
IDENTITY = ("family", "world", "scheme", "workload", "sharing", "placement", "cpus")


def gather(out, paths):
    """Writes out/fleet.sqlite of some record files and, if they hold anything that can be drawn, out/report.html;
    returns the paths written. What cannot be used is named on standard error. Raises RecordError where nothing can."""
    from report.build import build

    database, report = out / "fleet.sqlite", out / "report.html"
    usable = write_database(database, paths)
    if not usable:
        raise RecordError(f"{out}: no node recorded anything that can be used")
    # One of an earlier gathering would not be of these records.
    report.unlink(missing_ok=True)
    try:
        page, refused, _ = build(usable)
    except Exception as error:  # noqa: BLE001: the database is there, whatever the page says of it
        print(f"fleet: no report: {in_words(error)}", file=sys.stderr)
        return [database]
    for line in refused:
        print(f"fleet: report: {in_words(line)}", file=sys.stderr)
    write_whole(report, page)
    return [database, report]


def write_database(path, records):
    """Writes the database of those record files that can be used, in place of one that was there; returns them. Each
    other is named on standard error."""
    made = path.with_name(path.name + ".part")
    made.unlink(missing_ok=True)
    connection = sqlite3.connect(made)
    try:
        # A half-written database is thrown away: nothing has to survive a crash.
        connection.executescript("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF;" + SCHEMA)
        usable = []
        for file in records:
            try:
                context, benchmarks = load(file)
                connection.commit()
                _add(connection, len(usable) + 1, file, context, benchmarks)
                usable.append(file)
            except RecordError as error:
                print(f"fleet: {in_words(error)}", file=sys.stderr)
            except (sqlite3.Error, ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
                connection.rollback()
                print(f"fleet: {in_words(f'{file}: not of mmscale: {error}')}", file=sys.stderr)
        connection.commit()
    finally:
        connection.close()
    if usable:
        os.replace(made, path)
    made.unlink(missing_ok=True)
    return usable


def _add(connection, number, path, context, benchmarks):
    data = read_bytes(path)
    packed = gzip.compress(data, 6, mtime=0)
    connection.execute(
        "INSERT INTO files VALUES (?, ?, ?, ?)", (number, str(path), hashlib.sha256(data).hexdigest(), packed)
    )
    connection.executemany(
        "INSERT INTO context VALUES (?, ?, ?)", ((number, name, _text(value)) for name, value in context.items())
    )
    for place, benchmark in enumerate(benchmarks):
        if not isinstance(benchmark, dict) or "name" not in benchmark:
            continue  # no entry; in the document it is kept
        ours = benchmark.get("mmscale") or {}
        window = benchmark.get("run_type", "iteration") == "iteration"
        reasons = "\n".join(map(str, ours.get("invalid") or ())) or None
        known = {"family": benchmark["name"].split("/")[0]} | ours
        values = [number, place, benchmark["name"], benchmark.get("run_type", "iteration")]
        values += [known.get(key) for key in IDENTITY]
        values += [int(bool(benchmark.get("valid", 0))) if window else None, reasons]
        values.append(json.dumps({key: ours[key] for key in sorted(ours) if is_given(key)}))
        marks = ", ".join("?" * len(values))
        entry = connection.execute(f"INSERT INTO entries VALUES (NULL, {marks})", values).lastrowid
        connection.executemany(
            "INSERT INTO figures VALUES (?, ?, ?)",
            ((entry, name, float(value)) for name, value in benchmark.items() if _is_figure(value)),
        )


def _is_figure(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _text(value):
    return value if isinstance(value, str) else json.dumps(value)
