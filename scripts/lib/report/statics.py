# SPDX-License-Identifier: MIT
"""The figures of scripts/plot as pictures in the page: what is seen without JavaScript, and on paper."""

import base64
import io

from matplotlib import pyplot

from figures.page import STYLE
from report.markup import esc


def picture(figure, text):
    """A matplotlib figure, which is closed, as an image that needs no other file. text: for those who cannot see it."""
    stream = io.BytesIO()
    # Letters as letters and not as outlines: a page of many figures is smaller by a third.
    with pyplot.rc_context({**STYLE, "svg.fonttype": "none"}):
        figure.savefig(stream, format="svg", metadata={"Date": None})
    pyplot.close(figure)
    data = base64.b64encode(stream.getvalue()).decode()
    return f'<img class="static" alt="{esc(text)}" src="data:image/svg+xml;base64,{data}">'
