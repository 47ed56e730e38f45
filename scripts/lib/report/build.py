# SPDX-License-Identifier: MIT
"""From record files to the page."""

import os

from families.registry import DRAWABLE
from records.reading import RecordError, read
from report.assessed import without_its_windows
from report.answer import answer, main_sheet, what_it_is
from report.drawn_machine import drawn_machine
from report.gallery import Gallery, redo_lines
from report.hero import hero
from report.raw import downloads
from report.sections import Section, sections_of
from report.shell import page, plotly_source
from report.side_by_side import side_by_side
from report.trust import FEW, environment, safety, trust_answer, validity
from wording.text import SIMULATED


def build(paths):
    """Returns (the page, [a line per file that could not be used], the files used). Raises RecordError when none could
    be."""
    refused = []
    try:
        records = read(paths, lambda path, error: refused.append(str(error)), (*DRAWABLE, "replays", "assessments"))
    except RecordError:
        if refused:
            raise RecordError("; ".join(refused)) from None
        raise
    # As read() numbers the files: duplicates have none of their own.
    unique = list({os.path.realpath(path): path for path in reversed(paths)}.values())[::-1]
    numbered = dict(enumerate(unique, 1))
    read_in = {file for source in records.sources for file in source.files}
    used = [path for path in unique if str(path) in read_in]

    everything, records = records, without_its_windows(records)
    gallery = Gallery(records)
    sections, missing, others_data = sections_of(records, gallery, redo_lines)
    sections.append(Section("How far can this be trusted?", "Trust", trust_answer(everything, refused),
                            validity(everything, refused, numbered) + safety(records)))
    sections.append(Section("What was it measured on?", "Machine", "", environment(records)))
    plotly = plotly_source()
    if plotly is None:
        missing.append(("Figures to play with (plotly was not installed where this page was made)", "scripts/bootstrap"))
    hosts = list(dict.fromkeys(source.machine.host for source in records.sources))
    hosts = ", ".join(hosts) if len(hosts) <= FEW else f"{len(records.sources)} machines"
    asked = [source.machine for source in records.sources if not source.machine.simulated]
    if len(asked) == 1 and len(hosts.split(", ")) == 1:
        hosts = f"{asked[0].cpu_model} ({hosts})"
    together, compared = side_by_side(records)
    figures = {shown.ident: shown.data for shown in gallery.shown} | others_data
    parts = {
        "title": f"What lazy-TLB reference counting costs on {hosts}",
        "answers": _answers(records) if len(records.sources) <= FEW else [],
        "unanswered": _unanswered(records) if len(records.sources) <= FEW else [],
        "together": together,
        "compared": compared,
        "missing": missing,
        "plotly": plotly,
    }
    others = len(page(figures, sections=sections, **parts))
    records_section = Section("The records themselves", "Records", "", downloads(used, others))
    return page(figures, sections=[*sections, records_section], **parts), refused, used


def _answers(records):
    """What the first screen shows of each machine."""
    found = []
    asked = sum(main_sheet(records.of(index)) is not None for index in range(len(records.sources)))
    for index, source in enumerate(records.sources):
        mark = SIMULATED if source.machine.simulated else ""
        one = answer(records, index)
        if one is None:
            continue
        drawing, drawn = drawn_machine(records.of(index), mark)
        found.append({
            "head": source.head if asked > 1 else "",
            "machine": one.machine,
            "claim": one.claim,
            "more": one.more,
            "badge": one.badge,
            "caveats": one.caveats,
            "legend": one.keys if one.drawn else (),
            "chart": hero(one, mark),
            "drawing": drawing,
            "drawn": drawn,
        })  # fmt: skip
    return found


def _unanswered(records):
    """A line for each source whose schemes were not asked to scale: what it is."""
    return [
        f"On this page, but not about scaling: {source.head}{what_it_is(records, index)}."
        for index, source in enumerate(records.sources)
        if main_sheet(records.of(index)) is None
    ]
