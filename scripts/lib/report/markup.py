# SPDX-License-Identifier: MIT
"""HTML in small pieces: escaped text, numbers that say what they were made of, tables that scroll."""

import html
import re

from wording.text import scaled


def esc(text):
    """Text as it may stand between tags and in attributes."""
    return html.escape(str(text), quote=True)


def slug(text):
    """A name for an id: letters, digits and hyphens."""
    return re.sub(r"[^A-Za-z0-9]+", "-", str(text)).strip("-").lower()


def windows_of(rows):
    """Which windows something was made of, as the page names them: FILE:RECORD,RECORD;FILE:..., both as in Records."""
    files = {}
    for file, record in zip(rows["file"], rows["record"]):
        files.setdefault(int(file), []).append(int(record))
    return ";".join(f"{file}:{','.join(map(str, records))}" for file, records in files.items())


def figure_of(value, counter, statistic="median", windows="", mark="", digits=4, text=scaled):
    """A number on the page. value: in full, as the text is rounded. counter: of which name in the records, and
    statistic: what of its windows. text: how it is written. windows: of which; without it, an element around it says so."""
    where = f' data-windows="{windows}"' if windows else ""
    return (
        f'<data value="{value!r}" data-counter="{esc(counter)}" data-statistic="{statistic}"{where}>'
        f"{mark}{text(value, digits)}</data>"
    )


def interval_of(estimate, counter, mark=""):
    """The interval of an Estimate; a star says that it is only least to greatest, a dash that there is none."""
    if estimate is None or estimate.count == 1:
        return "–"
    low = figure_of(float(estimate.low), counter, "low", mark=mark)
    high = figure_of(float(estimate.high), counter, "high", mark=mark)
    return f'<span class="interval">{low} .. {high}{"" if estimate.bounded else "*"}</span>'


def table(label, heads, rows, folded=""):
    """A table in a region that scrolls. heads: texts; rows: (attributes, cells as HTML). folded: the summary under
    which it is hidden until asked for."""
    head = "".join(f'<th scope="col">{esc(text)}</th>' for text in heads)
    body = "".join(
        f"<tr{attributes}>" + f'<th scope="row">{cells[0]}</th>' + "".join(f"<td>{cell}</td>" for cell in cells[1:])
        + "</tr>\n"
        for attributes, cells in rows
    )  # fmt: skip
    text = (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{esc(label)}"><table>'
        f"<thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>"
    )
    return f"<details><summary>{esc(folded)}</summary>{text}</details>" if folded else text

