# SPDX-License-Identifier: MIT
"""The page around the sections: everything in one file, nothing fetched, still a page without its script."""

import json
from pathlib import Path

from figures.look import COLOURS
from report.markup import esc, slug
from report.raw import packed

ASSETS = Path(__file__).resolve().parent / "assets"
SCRIPTS = ("theme.js", "lines.js", "fit.js", "leaders.js", "map.js", "page.js")
# Debian's python3-plotly has the library here.
PLOTLY = Path("/usr/share/python3-plotly/plotly.js")
# Says to the browser what is true of the page: nothing but what is in it.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:; "
    "font-src data:"
)


def plotly_source():
    """Returns the library as the page has it, or None where it is not installed."""
    return packed(PLOTLY.read_bytes()) if PLOTLY.is_file() else None


def page(title, sections, figures, plotly):
    """Returns the page. sections: (heading, HTML); figures: {id: data for the script}; plotly: as
    plotly_source() gave it."""
    contents = "".join(f'<li><a href="#{slug(head)}">{esc(head)}</a></li>' for head, _ in sections)
    body = "".join(
        f'<section id="{slug(head)}" aria-labelledby="{slug(head)}-h"><h2 id="{slug(head)}-h">{esc(head)}</h2>\n'
        f"{html}</section>\n"
        for head, html in sections
    )
    library = f'<script type="text/plain" id="plotly">{plotly}</script>\n' if plotly else ""
    script = "\n".join((ASSETS / name).read_text() for name in SCRIPTS)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<link rel="icon" href="data:,">\n'
        f"<title>{esc(title)}</title>\n<style>\n{(ASSETS / 'page.css').read_text()}</style>\n</head>\n<body>\n"
        f'<header><h1>{esc(title)}</h1><nav aria-label="Sections"><ul>{contents}</ul></nav></header>\n'
        f"<main>\n{body}</main>\n"
        f'<script type="application/json" id="figures">{_embedded(figures)}</script>\n'
        f'<script type="application/json" id="palette">{_embedded(COLOURS)}</script>\n'
        f"{library}<script>\n{script}</script>\n</body>\n</html>\n"
    )


def _embedded(data):
    """JSON that cannot end the element it stands in."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
