# SPDX-License-Identifier: MIT
"""The raw records inside the page, to be saved from it; and the script that draws, compressed in the same way."""

import base64
import gzip

from records.document import read_bytes
from report.markup import esc, slug
from wording.text import scaled, short_names

# What a page may have in all, in characters: a mail and a telephone still take it.
LARGEST_PAGE = 14_500_000
# What browsers are known to follow as a link; more than that only the page's script can hand out.
LONGEST_LINK = 1_500_000


def packed(data):
    """Bytes as gzip in base64; the same bytes give the same text."""
    return base64.b64encode(gzip.compress(data, 6, mtime=0)).decode()


def downloads(paths, others):
    """Returns the list of the files at paths as HTML: each to be saved, or, where it is too much for the page, named.
    others: the characters that everything else in the page takes."""
    names = short_names(paths)
    left = max(LARGEST_PAGE - others, 0)
    items = []
    for number, path in enumerate(paths):
        data = read_bytes(path)
        # Gzip makes at most a thousandth of it: what is larger than that cannot fit.
        text = packed(data) if len(data) < 1000 * left else ""
        if not text or len(text) > left:
            size, most = scaled(len(data), 3), f"{LARGEST_PAGE / 1e6:g} MB"
            items.append(f"<li>{esc(names[path])}: {size}B, too much for a page of {most}: ask for the file</li>")
            continue
        left -= len(text)
        name = f"{slug(path.name.removesuffix('.gz').removesuffix('.json')) or 'records'}.json.gz"
        if len(text) <= LONGEST_LINK:
            link = f'<a download="{name}" href="data:application/gzip;base64,{text}">{name}</a>'
        else:
            link = (
                f'<button type="button" class="save" data-from="raw-{number}" data-name="{name}">Save {name}</button>'
                f'<script type="text/plain" id="raw-{number}">{text}</script>'
            )
        items.append(f"<li>{link} ({esc(names[path])}, {scaled(len(data), 3)}B unpacked)</li>")
    return f"<ul>{''.join(items)}</ul>"
