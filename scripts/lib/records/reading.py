# SPDX-License-Identifier: MIT
"""Reads mmscale's measurement records: Google Benchmark's JSON plus our counters, context keys and "mmscale" object.

Only single windows (run_type "iteration") are read; aggregates are computed anew from the valid ones. Whatever cannot
be read, or is not ours, raises RecordError with a message of one line that names the file.
"""

import os
import re
from dataclasses import dataclass, field

import pandas

from families.registry import DRAWABLE, FAMILIES, TABLES
from records import conditions
from records.document import SCHEMA, RecordError, check_types, read_document, short

# Defaults of --switch-ticks and --batch (Tuning in src/kernel/build.h).
SWITCH_TICKS = 300
BATCH = 8
# How people call a world that a tag names.
WORLDS = {"simulator": "simulated"}
# What tells two machines of one name apart, most telling first.
TELLING = ("world", "kernel", "revision", "compiler", "hypervisor", "governor", "frequency", "cpu_quota", "cpus")


@dataclass(frozen=True)
class Machine:
    """What was measured on what: the context keys that must agree before windows of several files may be pooled.

    said: all of them, the others included, as conditions.of_context gives them."""

    host: str
    cpu_model: str
    cpus: str
    smt: str
    kernel: str
    kernel_lazy_tlb: str
    governor: str
    frequency: str
    hypervisor: str
    cpu_quota: str
    revision: str
    version: str
    compiler: str
    world: str
    said: tuple

    @property
    def simulated(self):
        """Whether the numbers come out of the simulator and not off a machine."""
        return self.world == "simulator"


@dataclass
class Source:
    """One machine, and the files that were recorded on it; contexts: what each says of its environment. tag: what tells
    it from the others that were read with it, in a word or two; "" where it is the only one."""

    machine: Machine
    files: list
    dates: list
    commands: list
    contexts: list = field(default_factory=list)
    tag: str = ""

    @property
    def head(self):
        """The tag as it stands before a sentence; "" where there is none."""
        return f"[{self.tag}] " if self.tag else ""

    def named(self, scheme):
        """A scheme on this machine."""
        return f"{scheme} [{self.tag}]" if self.tag else scheme

    @property
    def lifecycle(self):
        """Whose rules the machine's own kernel has; "" where not recorded."""
        return next((str(one["host_lifecycle"]) for one in self.contexts if "host_lifecycle" in one), "")

    @property
    def unsafe(self):
        """By scheme, of those measured, why the machine's own kernel could not use it as it is."""
        prefix = "unsafe_here_"
        return {
            key.removeprefix(prefix): str(why)
            for one in self.contexts
            for key, why in one.items()
            if key.startswith(prefix)
        }


class Records:
    """Everything read.

    sources: one Source per different Machine, in the order of the files. Every table of families.registry is an
    attribute, a pandas.DataFrame that may be empty: a row per window of its family, with the columns that the family's
    module says, source (index into sources), file (1-based position on the command line), record (its place in that file,
    from 0), name (the entry's) and those of conditions.py.
    """

    def __init__(self, sources, tables):
        self.sources = sources
        self.__dict__.update(tables)

    def of(self, source):
        """Returns these Records with the rows of one source only, by its index; the sources stay."""
        tables = {name: getattr(self, name) for name in TABLES}
        own = {name: table[table["source"] == source] if len(table) else table for name, table in tables.items()}
        return Records(self.sources, own)


def read(paths, refused=None, needed=DRAWABLE):
    """Reads record files; returns Records. Raises RecordError for the first file that cannot be used, or when none of
    them holds a row of the tables in needed. With refused, a function of (path, RecordError), a file that cannot be
    used is handed to it and the others are read."""
    sources = {}
    rows = {table: [] for table in TABLES}
    seen = []
    for path in paths:
        try:
            if os.path.realpath(path) in seen:
                raise RecordError(f"{path}: given twice")
            seen.append(os.path.realpath(path))
            _read_file(path, len(seen), sources, rows)
        except RecordError as error:
            if refused is None:
                raise
            refused(path, error)
    if not any(rows[table] for table in needed):
        raise RecordError(f"{', '.join(map(str, paths))}: no switch records, nor any others that can be drawn")
    _tag(list(sources.values()), {row["source"] for table in TABLES if table != "replays" for row in rows[table]})
    return Records(list(sources.values()), {table: pandas.DataFrame(rows[table]) for table in TABLES})


def _tag(sources, asked):
    """Names several sources: by their host or model, and by the first thing in which all of one host differ, or by
    number. asked: the indices of those that have more than replayed traces; a single one of these needs no name."""
    if len(sources) < 2:
        return
    alike = {}
    for source in sources:
        alike.setdefault(source.machine.host, []).append(source)
    for host, same in alike.items():
        kinds = [[getattr(source.machine, key) for source in same] for key in TELLING]
        values = next((kind for kind in kinds if len(set(kind)) == len(same)), range(1, len(same) + 1))
        for source, value in zip(same, values):
            # Of a machine and what was simulated under its name, the machine has the name.
            source.tag = host if len(same) == 1 or value == "silicon" else f"{host}, {WORLDS.get(value, value)}"
    if len(asked) == 1:
        sources[next(iter(asked))].tag = ""


def _read_file(path, file, sources, rows):
    """Adds what is in a file to sources and rows: all of it or, with RecordError, nothing."""
    context, benchmarks = load(path)
    machine = machine_of(context)
    index = list(sources).index(machine) if machine in sources else len(sources)
    own = {table: [] for table in TABLES}
    for place, benchmark in enumerate(benchmarks):
        try:
            known = {"source": index, "file": file, "record": place, "name": benchmark["name"]}
            _read_benchmark(benchmark, known, own)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RecordError(f"{path}: record {place} is not mmscale's ({_reason(error)})") from None
    source = sources.setdefault(machine, Source(machine, [], [], []))
    source.files.append(str(path))
    source.dates.append(_text(context.get("date")))
    source.commands.append(_text(context.get("command_line") or context.get("executable")))
    source.contexts.append(context)
    for table in TABLES:
        rows[table] += own[table]


def load(path):
    """Returns the context and the benchmarks of one file, or raises RecordError."""
    document = read_document(path)
    if not isinstance(document, dict):
        document = {}
    context = document.get("context")
    benchmarks = document.get("benchmarks")
    if not isinstance(context, dict) or not isinstance(benchmarks, list):
        raise RecordError(f"{path}: JSON, but not of Google Benchmark's form")
    check_types(path, document, version_of(path, context, benchmarks))
    return context, benchmarks


def version_of(path, context, benchmarks):
    """Returns the version of the names in a file, or raises RecordError for one that is not understood. Before version
    2 only the windows say it; a file in which nothing does is of version 1."""
    said = {str(context["mmscale_schema"])} if "mmscale_schema" in context else {
        str(entry["mmscale"]["schema"])
        for entry in benchmarks
        if isinstance(entry, dict) and isinstance(entry.get("mmscale"), dict) and "schema" in entry["mmscale"]
    }  # fmt: skip
    for version in sorted(said):
        if not re.fullmatch(r"[1-9]\d{0,8}", version):
            raise RecordError(f"{path}: its schema is {short(version, 40)!r}, which is no version: 1 to {SCHEMA}")
        if int(version) > SCHEMA:
            raise RecordError(
                f"{path}: schema {version}, and this mmscale reads up to {SCHEMA}: "
                "use the scripts of the one that wrote it"
            )
    return max((int(version) for version in said), default=1)


def machine_of(context):
    """Returns the Machine that a context speaks of."""

    def key(name):
        return _text(context.get(name))

    return Machine(
        host=key("host_name"),
        cpu_model=key("cpu_model"),
        cpus=key("num_cpus"),
        smt=key("smt"),
        kernel=key("kernel"),
        kernel_lazy_tlb=key("kernel_lazy_tlb"),
        governor=key("governor"),
        frequency=key("frequency"),
        hypervisor=key("hypervisor"),
        cpu_quota=key("cpu_quota"),
        revision=key("git_revision"),
        version=key("mmscale_version"),
        compiler=key("compiler"),
        world=key("mmscale_world"),
        said=conditions.of_context(context),
    )


def _text(value):
    return "unknown" if value in (None, "") else str(value)


def _read_benchmark(benchmark, row, rows):
    """Appends one entry of "benchmarks" to the tables it belongs to; families and aggregates that nobody reads are
    passed over. row: what is known of it already."""
    family = FAMILIES.get(benchmark["name"].split("/", 1)[0])
    ours = benchmark.get("mmscale") or {}
    if family is None or not family.table:
        return
    if benchmark.get("run_type") == "aggregate":
        table, reader = family.aggregates.get(benchmark.get("aggregate_name"), (None, None))
        if table:
            rows[table].append(row | reader(benchmark, ours))
        return
    row = _tuned(row | family.row(benchmark, ours), ours)
    rows[family.table].append(row)
    for table, reader in family.more:
        more = reader(row, benchmark, ours)
        if more:
            rows[table].append(more)


def _tuned(row, ours):
    """Names the scheme with what it is tuned with, unless that is mmscale's default: another tuning is another curve."""
    ticks, batch = ours.get("switch_ticks", SWITCH_TICKS), ours.get("batch", BATCH)
    if ticks != SWITCH_TICKS:
        row["scheme"] += f" ({ticks} ticks)"
    if batch != BATCH:
        row["scheme"] += f" ({batch})"
    return row


def _reason(error):
    return f"no {error.args[0]!r}" if isinstance(error, KeyError) else str(error)
