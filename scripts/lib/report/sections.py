# SPDX-License-Identifier: MIT
"""The page's sections in the order in which people ask, each beginning with its answer; and what was not measured."""

from dataclasses import dataclass

from families.registry import FAMILIES
from report import says
from report.assessed import assessed
from report.bounces import bounces
from report.markup import esc, slug
from report.replays import replays
from report.times import times
from report.topomap import machine_maps
from report.whatif import whatif
from wording.schemes import WHAT
from wording.text import SIMULATED

NO_ANSWER = "No valid window answers this here; the last sections say why windows do not count."
# By the short names of sections what of mmscale sim answers their question.
SIMULATES = {"Scaling": "--family switch", "Line": "--family bounce", "Time": "--family switch",
             "What if": "--family switch --scheme refcount,shootdown --unsafe", "Laws": "--family switch --cpus octave"}  # fmt: skip


@dataclass(frozen=True)
class Section:
    """One question. short: its name among the links at the top; answer, html: as HTML."""

    title: str
    short: str
    answer: str
    html: str

    @property
    def ident(self):
        """Its id on the page."""
        return slug(self.short)


def sections_of(records, gallery, redo):
    """Returns ([Section, ...] of what was measured, [(what, command), ...] of what was not, {id: data for the script} of
    what is no figure of the gallery)."""
    maps = machine_maps(records)
    bounced, drawn = bounces(records)
    spent, stacks = times(records)
    questions, supposed, asked = whatif(records)
    matters, found_out = assessed(records)
    mark_of = lambda source: SIMULATED if source.machine.simulated else ""  # noqa: E731
    say = lambda what: says.each(records, what, mark_of)  # noqa: E731
    bench = "mmscale bench --family {} --out records.json"
    scaled = gallery.switches()
    known = [
        ("How does it scale with CPUs?", "Scaling", say(says.scaling), scaled and scaled + _meanings(records),
         "Context switches under each scheme", bench.format("switch")),
        ("Does it matter on this machine?", "Matters", matters, found_out,
         "What of it a real kernel on this machine would notice", "mmscale assess --out records.json"),
        ("Where does the line travel?", "Line", " ".join(filter(None, (bounced, say(says.line)))),
         _grid(drawn, gallery.lines()) + "".join(shown.html for shown in maps),
         "What a cache line's way costs, and who hands it to whom", bench.format("line,bounce")),
        ("Where does the time go?", "Time", spent, stacks,
         "Where the CPUs' time goes (of a simulated machine)", "mmscale sim --machine MODEL --out records.json"),
        ("What does freeing an address space cost?", "Freeing", say(says.teardown), gallery.teardowns(),
         "Freeing an address space that others still borrow", bench.format("teardown")),
        ("From which exit rate on does counting pay?", "Crossover", say(says.mix), gallery.mixes(),
         "Where two schemes cost the same", bench.format("mix")),
        ("What would it be with other numbers?", "What if", supposed, asked,
         "What other numbers of CPUs, exits and work would give", bench.format("mix --scheme refcount,shootdown")),
        ("What does the running kernel itself do?", "Kernel", say(says.host), gallery.hosts(),
         "The running kernel beside the emulation", bench.format("switch,host_kernel")),
        ("What would a recorded system have paid?", "Traces", say(says.replay), replays(records, redo),
         "A recorded trace under each scheme", "mmscale replay TRACE --out replay.json"),
        ("How long can one switch take?", "Latency", say(says.latency), gallery.latencies(),
         "The time of single switches", "mmscale bench --family switch --latency --out records.json"),
        ("What does an interrupt cost?", "IPIs", say(says.ipi), gallery.ipis(),
         "Calling other CPUs by interrupt", bench.format("ipi")),
        ("Which law do the curves follow?", "Laws", say(says.fits), gallery.fits(),
         "A scaling law (4 CPU counts or more)", "mmscale bench --family switch --cpus all --out records.json"),
    ]  # fmt: skip
    # And whatever question a family brings along.
    known += [
        (own.title, own.short, say(own.answer), own.html(records, redo), own.what, own.command)
        for own in (family.section for family in FAMILIES.values())
        if own
    ]
    found = [Section(title, short, answer or NO_ANSWER, html) for title, short, answer, html, *_ in known if html]
    missing = [(short, what, how) for _, short, _, html, what, how in known if not html]
    lacking = {family for family, table in (("line", records.lines), ("bounce", records.bounces)) if not len(table)}
    if len(lacking) == 1:
        (family,) = lacking
        what = "Who hands the line to whom" if family == "bounce" else "What a cache line's way costs"
        missing.append(("Line" if family == "bounce" else "", what, bench.format(family)))
    models = {source.machine.host for source in records.sources if source.machine.simulated}
    return found, _asked_for(missing, models if len(models) == len(records.sources) else ()), {**{shown.ident: shown.data for shown in maps}, **dict(questions)}


def _meanings(records):
    """What each scheme that was asked to scale does, folded away."""
    told = [(name, WHAT[name]) for name in sorted(records.switches["scheme"].unique()) if name in WHAT]
    items = "".join(f"<div><dt>{esc(name)}</dt><dd>{esc(what)}</dd></div>" for name, what in told)
    summary = "<summary>What each scheme does; mmscale schemes says more</summary>"
    return f'<details>{summary}<dl class="schemes">{items}</dl></details>' if told else ""


def _grid(*parts):
    inner = "".join(parts)
    return f'<div class="figures">{inner}</div>' if inner else ""


def _asked_for(missing, models):
    """What was not measured, each with the command that does it. models: of which everything was simulated, if nothing
    was measured; a model answers some of the questions only."""
    if not models:
        return [(what, how) for _, what, how in missing]
    model = models.pop() if len(models) == 1 else "MODEL"
    simulated = [
        (what, f"mmscale sim --machine {model} {SIMULATES[short]} --out records.json") for short, what, _ in missing if short in SIMULATES
    ]
    others = [what for short, what, _ in missing if short not in SIMULATES]
    return simulated + [(f"Of a machine only, not of a model: {'; '.join(what[0].lower() + what[1:] for what in others)}", "scripts/run")]
