# SPDX-License-Identifier: MIT
"""Damaged inputs for every reader, and what may become of them: an end within a time, a status that the manual has, and,
where it is an error, one line."""

import contextlib
import gzip
import importlib.machinery
import importlib.util
import io
import json
import random
import re
import resource
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import command
from attack.mutate import NUMBERS, WORDS, damaged, odd_json, to_text

ROOT = Path(__file__).resolve().parents[3]
# CPU time of one input; and time on the clock, for what waits and does not run, on a machine that does other things too.
SECONDS = 10
PATIENCE = 60
MEMORY = 3 << 30

STATUSES = {0, 1, 2, 3}
# What only an error that nobody thought of prints.
RAW = re.compile(r"Traceback|terminate called|json\.exception|std::|basic_string|vector::|Assertion|fault of this script|"
                 r"AddressSanitizer|stopped after \d+ s|runtime error:|BUG:")


@dataclass
class Bad:
    """An input that was not taken as it must be, and what it did."""

    kind: str
    number: int
    what: str
    data: bytes


class Kind:
    """A kind of input. make(dice): bytes. give(path, dice): (status, standard error), TimeoutError if it does not end."""

    name = ""
    suffix = ""

    def __init__(self, binary):
        self.binary = binary
        self.wholes = [path.read_bytes() for path in self.corpus()]

    def corpus(self):
        return []

    def make(self, dice):
        return damaged(dice.choice(self.wholes), self.wholes, dice)

    def give(self, path, dice):
        raise NotImplementedError

    def mmscale(self, *arguments):
        done = subprocess.run([self.binary, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, timeout=PATIENCE, preexec_fn=_limited, check=False)  # fmt: skip
        return done.returncode, done.stderr.decode(errors="replace")


class Xml(Kind):
    name, suffix = "xml", ".xml"

    def corpus(self):
        return sorted((ROOT / "tests/topology/data").glob("*.xml"))

    def give(self, path, dice):
        return self.mmscale("topo", "--xml", path, *dice.choice(((), ("--json",), ("--placement", "scatter"))))


class Model(Kind):
    name, suffix = "model", ".json"

    def corpus(self):
        return [path for path in sorted((ROOT / "machines").glob("*.json")) if path.name != "schema.json"]

    def make(self, dice):
        if dice.random() < 0.3:
            return super().make(dice)
        return to_text(odd_json(json.loads(dice.choice(self.wholes)), dice), dice)

    def give(self, path, dice):
        return self.mmscale("sim", "--machine", path, "--scheme", dice.choice(("refcount", "shootdown")), "--unsafe", "--cpus", "2",
                            "--window", "10us", "--warm", "2us")  # fmt: skip


class Trace(Kind):
    """Of every form, small ones: each is damaged as it is, and text also inside its packing."""

    name, suffix = "trace", ".trace"

    def corpus(self):
        data = ROOT / "tests/trace/data"
        found = [data / "short.trace", data / "short.dat", data / "by_hand.trace", *(data / "field").rglob("*")]
        found += sorted((ROOT / "results/traces").glob("*.mmtrace.gz"))
        return [path for path in sorted(found) if path.is_file() and path.stat().st_size < 400_000]

    def make(self, dice):
        whole = dice.choice(self.wholes)
        if whole.startswith(b"\x1f\x8b") and dice.random() < 0.8:
            # Packed again half the time: one form is read as the other.
            whole = damaged(gzip.decompress(whole), self.wholes, dice)
            return gzip.compress(whole, 1, mtime=0) if dice.random() < 0.5 else whole
        return damaged(whole, self.wholes, dice)

    def give(self, path, dice):
        return self.mmscale("replay", path, "--scheme", "refcount,shootdown", "--unsafe", *dice.choice(((), ("--comm", "sh"), ("--until", "1ms"))))


class Record(Kind):
    """Record files for the scripts, which run in this process."""

    name, suffix = "record", ".json"

    def __init__(self, binary):
        super().__init__(binary)
        self.whole_file = self.corpus()[0]
        self.scripts = {}
        # Modules load once, also those that scripts load when they draw, and an input has no part in how long that takes.
        for name in ("families.registry", "report.build"):
            importlib.import_module(name)

        for name in ("validate", "compare", "fit", "plot", "report"):
            self.in_process(name, ["--help"])

    def corpus(self):
        return [ROOT / "tests/scripts/data" / name for name in ("host-2cpu.json", "schema-1.json", "simulated.json")]

    def make(self, dice):
        if dice.random() < 0.3:
            data = super().make(dice)
        else:
            data = to_text(odd_json(json.loads(dice.choice(self.wholes)), dice), dice)
        if dice.random() < 0.1:
            data = gzip.compress(data, 1, mtime=0)
            if dice.random() < 0.5:
                data = damaged(data, [data], dice)
        return data

    def give(self, path, dice):
        out = path.parent / "out"
        script, *arguments = dice.choice((
            ("validate", path),
            ("validate", path),
            ("compare", path, self.whole_file),
            ("compare", self.whole_file, path),
            ("compare", path, "--schemes", "refcount,shootdown"),
            ("fit", path),
            ("fit", path, "-o", out),
            ("plot", path, "-o", out),
            ("plot", path, self.whole_file, "-o", out),
            ("plot", "--overlay", *dice.sample((path, *self.corpus()), 3), "-o", out),
            ("report", path, "-o", out),
            ("report", self.whole_file, path, "-o", out),
        ))  # fmt: skip
        return self.in_process(script, arguments)

    def in_process(self, name, arguments):
        if name not in self.scripts:
            loader = importlib.machinery.SourceFileLoader(name.replace("-", "_"), str(ROOT / "scripts" / name))
            self.scripts[name] = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
            loader.exec_module(self.scripts[name])
        kept, sys.argv = sys.argv, [str(ROOT / "scripts" / name), *map(str, arguments)]
        said, shown = io.StringIO(), io.StringIO()
        signal.signal(signal.SIGPROF, _too_long)
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        try:
            with contextlib.redirect_stderr(said), contextlib.redirect_stdout(shown):
                try:
                    status = command.attempt(self.scripts[name].main)
                except SystemExit as end:
                    status = end.code if isinstance(end.code, int) else 1 if end.code else 0
                    if isinstance(end.code, str):
                        said.write(end.code + "\n")
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            sys.argv = kept
        return status, said.getvalue()


class Options(Kind):
    """Command lines: the values of one to three options of a command are odd. Nothing is measured."""

    name, suffix = "options", ".txt"

    def __init__(self, binary):
        super().__init__(binary)
        done = subprocess.run([binary, "describe", "--json"], capture_output=True, check=True)
        self.commands = {one["name"]: one["options"] for one in json.loads(done.stdout)["commands"]}
        # What cannot run for long whatever it is told.
        self.bases = {
            "bench": ("--dry-run",),
            "sim": ("--machine", "power9-2c", "--dry-run"),
            "replay": (ROOT / "tests/trace/data/short.trace", "--scheme", "refcount"),
            "topo": (),
            "schemes": (),
            "check": ("--scheme", "refcount", "--lifecycle", "powerpc", "--case", "idle", "--steps", "2000"),
            "describe": (),
            "doctor": (),
        }
        # Files and folders are made of them, or real CPUs are measured.
        self.spared = {"--out", "-o", "--live", "--timeline", "--silicon", "--svg", "--man", "--steps", "--dry-run", "--config"}

    def make(self, dice):
        name = dice.choice([one for one in self.bases if one in self.commands])
        words = [name, *map(str, self.bases[name])]
        options = [one for one in self.commands[name] if not self.spared & set(one["names"])]
        for option in dice.sample(options, min(len(options), dice.choice((1, 1, 2, 3)))):
            spelling = dice.choice(option["names"])
            if option["value"] == "flag" and dice.random() < 0.8:
                words.append(spelling)
                continue
            value = dice.choice((*NUMBERS, *WORDS, *(option["choices"] or ()), "1ms", "1us", "10us", "2,", ",", "1-", "0-99999999999"))
            words += [f"{spelling}={value}"] if dice.random() < 0.5 else [spelling, value]
        return "\0".join(word.replace("\0", "") for word in words).encode("utf-8", "surrogateescape")

    def give(self, path, dice):
        return self.mmscale(*path.read_bytes().decode("utf-8", "surrogateescape").split("\0"))


KINDS = {kind.name: kind for kind in (Xml, Model, Trace, Record, Options)}


def throw(kind, number, seed, folder):
    """Makes the number-th input of a kind and gives it; returns Bad or None."""
    dice = random.Random(f"{seed}/{kind.name}/{number}")
    data = kind.make(dice)
    path = folder / f"{kind.name}-{number}{kind.suffix}"
    path.write_bytes(data)
    try:
        status, said = kind.give(path, dice)
        what = verdict(status, said)
    except (subprocess.TimeoutExpired, TimeoutError):
        what = f"does not end within {PATIENCE} s, or {SECONDS} s of CPU time"
    finally:
        path.unlink(missing_ok=True)
    return Bad(kind.name, number, what, data) if what else None


def verdict(status, said):
    """What is wrong with an answer; None if nothing is."""
    if status is not None and status < 0:
        return f"killed by signal {-status}: {said[-200:]}"
    if status not in STATUSES:
        return f"status {status}: {said[-200:]}"
    if found := RAW.search(said):
        return f"raw error: {said[max(0, found.start() - 100) : found.end() + 200]}"
    if status in (1, 2) and not said.strip():
        return f"status {status} without a word"
    if status != 0 and len(said.splitlines()) > 12:
        return f"{len(said.splitlines())} lines for one error: {said[:200]}"
    return None


def _limited():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (4 * MEMORY, 4 * MEMORY))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))


def _too_long(_signal, _frame):
    raise TimeoutError
