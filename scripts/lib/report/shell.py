# SPDX-License-Identifier: MIT
"""The page around the sections: everything in one file, nothing fetched, still a page without its script."""

import json
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from figures.look import COLOURS
from report.raw import packed

HERE = Path(__file__).resolve().parent
STYLES = ("tokens.css", "page.css")
SCRIPTS = ("theme.js", "lines.js", "fit.js", "leaders.js", "map.js", "whatif.js", "page.js")
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


def page(figures, **parts):
    """Returns the page. figures: {id: data for the script}; parts: what templates/page.html.j2 names."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True
    )
    return environment.get_template("page.html.j2").render(
        policy=POLICY,
        styles=_assets(STYLES),
        script=_assets(SCRIPTS),
        figures=_embedded(figures),
        palette=_embedded(COLOURS),
        **parts,
    )


def _assets(names):
    return "\n".join((HERE / "assets" / name).read_text() for name in names)


def _embedded(data):
    """JSON that cannot end the element it stands in."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
