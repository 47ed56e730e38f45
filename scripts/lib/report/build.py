# SPDX-License-Identifier: MIT
"""From record files to the page."""

from records.document import read_document
from records.reading import DRAWABLE, RecordError, read
from report.gallery import Gallery, redo_lines
from report.markup import esc
from report.raw import downloads
from report.replays import replays
from report.shell import page, plotly_source
from report.side_by_side import side_by_side
from report.topomap import machine_maps
from report.trust import FEW, machines, validity
from report.verdict import verdict


def build(paths):
    """Returns (the page, [a line per file that could not be used], the files used). Raises RecordError when none could
    be."""
    refused = []
    try:
        records = read(paths, lambda path, error: refused.append(str(error)), (*DRAWABLE, "replays"))
    except RecordError:
        if refused:
            raise RecordError("; ".join(refused)) from None
        raise
    # As read() numbers the files: duplicates have none of their own.
    unique = list({path.resolve(): path for path in reversed(paths)}.values())[::-1]
    numbered = dict(enumerate(unique, 1))
    read_in = {file for source in records.sources for file in source.files}
    used = [path for path in unique if str(path) in read_in]
    contexts = [(path, read_document(path)["context"]) for path in used]

    gallery = Gallery(records)
    maps = machine_maps(records)
    compared = side_by_side(records)
    sections = [
        ("Verdict", verdict(records)),
        *([("Machines side by side", compared)] if compared else []),
        ("Machine and environment", machines(records, contexts)),
        ("Scaling", gallery.switches()),
        ("Scaling laws", gallery.fits()),
        ("Teardown", gallery.teardowns()),
        ("Crossover", gallery.mixes()),
        ("Latency", gallery.latencies()),
        ("Calls of other CPUs", gallery.ipis()),
        ("The real kernel beside the emulation", gallery.hosts()),
        ("Recorded traces", replays(records, redo_lines)),
        ("The machine as a map", "".join(shown.html for shown in maps) + gallery.lines()),
        ("Validity", validity(records, refused, numbered)),
    ]
    plotly = plotly_source()
    if plotly is None:
        note = "plotly was not installed where this page was made: its figures are pictures."
        sections[0] = (sections[0][0], sections[0][1] + f'<p class="absent">{esc(note)}</p>')
    hosts = list(dict.fromkeys(source.machine.host for source in records.sources))
    hosts = ", ".join(hosts) if len(hosts) <= FEW else f"{len(records.sources)} machines"
    figures = {shown.ident: shown.data for shown in [*gallery.shown, *maps]}
    title = f"mmscale: {hosts}"
    others = len(page(title, sections, figures, plotly))
    sections.append(("Raw records", "<p>What this page was made of.</p>" + downloads(used, others)))
    return page(title, sections, figures, plotly), refused, used
