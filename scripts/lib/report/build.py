# SPDX-License-Identifier: MIT
"""From record files to the page."""

from families.registry import DRAWABLE
from records.reading import RecordError, read
from report.answer import answer
from report.drawn_machine import drawn_machine
from report.gallery import Gallery, redo_lines
from report.hero import hero
from report.raw import downloads
from report.sections import Section, sections_of
from report.shell import page, plotly_source
from report.side_by_side import side_by_side
from report.trust import FEW, environment, trust_answer, validity
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
    unique = list({path.resolve(): path for path in reversed(paths)}.values())[::-1]
    numbered = dict(enumerate(unique, 1))
    read_in = {file for source in records.sources for file in source.files}
    used = [path for path in unique if str(path) in read_in]

    gallery = Gallery(records)
    sections, missing, others_data = sections_of(records, gallery, redo_lines)
    sections.append(Section("How far can this be trusted?", "Trust", trust_answer(records, refused), validity(records, refused, numbered)))
    sections.append(Section("What was it measured on?", "Machine", "", environment(records)))
    plotly = plotly_source()
    if plotly is None:
        missing.append(("Figures to play with (plotly was not installed where this page was made)", "scripts/bootstrap"))
    hosts = list(dict.fromkeys(source.machine.host for source in records.sources))
    hosts = ", ".join(hosts) if len(hosts) <= FEW else f"{len(records.sources)} machines"
    figures = {shown.ident: shown.data for shown in gallery.shown} | others_data
    parts = {
        "title": f"mmscale: lazy TLB on {hosts}",
        "answers": _answers(records) if len(records.sources) <= FEW else [],
        "compared": side_by_side(records),
        "missing": missing,
        "plotly": plotly,
    }
    others = len(page(figures, sections=sections, **parts))
    records_section = Section("The records themselves", "Records", "", downloads(used, others))
    return page(figures, sections=[*sections, records_section], **parts), refused, used


def _answers(records):
    """What the first screen shows of each machine."""
    found = []
    for index, source in enumerate(records.sources):
        mark = SIMULATED if source.machine.simulated else ""
        one = answer(records, index)
        drawing, drawn = drawn_machine(records.of(index), mark)
        found.append({
            "number": f"[{index + 1}] " if len(records.sources) > 1 else "",
            "machine": one.machine,
            "claim": one.claim,
            "badge": one.badge,
            "caveats": one.caveats,
            "chart": hero(one, mark),
            "drawing": drawing,
            "drawn": drawn,
        })  # fmt: skip
    return found
