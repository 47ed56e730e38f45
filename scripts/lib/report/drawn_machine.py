# SPDX-License-Identifier: MIT
"""The machine beside the first chart, as SVG: its sockets (or the coarsest parts that it has several of), coloured by
what getting a contended line costs there, lines between them for where it goes."""

import math
from dataclasses import dataclass

from families.bounce import folded, line_of, main_bounces
from families.line import widest_sheet
from grouping.matrix import median_matrix
from records.window import DISTANCES
from report.markup import esc
from wording.text import in_time, plain

WIDTH, HEIGHT, LOW = 420, 400, 150
# More lines than that would be a ball of wool: only the heaviest are drawn.
MOST_ARROWS = 28
# So many times as much one way as back is worth an arrow.
ONE_WAY = 1.5
NAMES = {"package": "socket", "numa": "NUMA node", "die": "die", "llc": "LLC", "core": "core", "pu": "CPU"}


@dataclass(frozen=True)
class Picture:
    """Parts of a machine. level: what they are. ids, sizes: of each its number, and its CPUs (None: not known).
    cost: of each ns, None where not known; what: of what that is. taken: transfers[to][from], or None. of: whose line was
    taken. waited: ns until a CPU had the line from the farthest, or None."""

    level: str
    ids: tuple
    sizes: tuple
    cost: tuple
    what: str
    taken: tuple | None
    of: str = ""
    waited: float | None = None


def drawn_machine(own, mark):
    """Returns (SVG, a sentence on it as text) of one machine's records; ("", "") where nothing is known of its parts."""
    picture = _of_bounces(own) or _of_lines(own) or _of_switches(own)
    if picture is None or len(picture.ids) < 2:
        return "", ""
    return _draw(picture, mark), _sentence(picture, mark)


def _of_bounces(own):
    windows = main_bounces(own)
    if windows is None:
        return None
    level, ids, taken = folded(windows, finest=False)
    costs, what = _line_costs(own, level, ids)
    sizes = (1,) * len(ids) if level == "pu" else (None,) * len(ids)
    far = [windows[f"wait_{name}"].median() for name in DISTANCES if windows[f"wait_{name}"].notna().any()]
    return Picture(level, ids, sizes, costs, what, taken, line_of(windows), far[-1] if far else None)


def _matrix(own):
    sheet = widest_sheet(own)
    return median_matrix(sheet.windows) if sheet is not None else None


def _packages(own):
    """The system's number of the package of each PU."""
    return {
        entry["pu"]: entry["package"]
        for name in ("switches", "lines", "bounces")
        for per_cpu in (getattr(own, name)["per_cpu"] if len(getattr(own, name)) else ())
        if isinstance(per_cpu, list)
        for entry in per_cpu
    }


def _line_costs(own, level, ids):
    """Of each part the median one-way time from its PUs to those of the others."""
    matrix = _matrix(own)
    if matrix is None or level not in ("package", "pu"):
        return (None,) * len(ids), ""
    packages = _packages(own)
    part = [pu if level == "pu" else packages.get(pu) for pu in matrix.pus]
    return _outward(matrix, part, ids), "for a cache line to come from another"


def _outward(matrix, part, ids):
    costs = []
    for ident in ids:
        values = sorted(
            value
            for row, mine in enumerate(part)
            for column, other in enumerate(part)
            if mine == ident and other != ident and (value := matrix.one_way[row][column]) is not None
        )
        costs.append(values[len(values) // 2] if values else None)
    return tuple(costs)


def _of_lines(own):
    matrix = _matrix(own)
    if matrix is None:
        return None
    packages = _packages(own)
    for level, part in (
        ("package", [packages.get(pu, group) for pu, group in zip(matrix.pus, matrix.groups["package"])]),
        ("die", matrix.groups["die"]),
        ("llc", matrix.groups["LLC"]),
        ("core", matrix.groups["core"]),
        ("pu", matrix.pus),
    ):
        ids = tuple(dict.fromkeys(part))
        if 2 <= len(ids) <= 64:
            # Of many CPUs line visits a sample, which does not tell how many a part has; other windows tell of packages.
            sampled = len(matrix.pus) < own.lines["sampled_from"].max()
            whole = level == "package" and len(packages) >= own.lines["sampled_from"].max()
            of = list(packages.values()) if whole else list(part)
            sizes = tuple(None if sampled and not whole and level != "pu" else of.count(ident) for ident in ids)
            return Picture(level, ids, sizes, _outward(matrix, part, ids), "for a cache line to come from another", None)
    return None


def _of_switches(own):
    """The sockets alone, where neither line nor bounce was measured: by their share of the contended switches."""
    packages = _packages(own)
    ids = tuple(dict.fromkeys(packages.values()))
    if not ids:
        return None
    sizes = tuple(list(packages.values()).count(ident) for ident in ids)
    return Picture("package", ids, sizes, (None,) * len(ids), "", None)


def _sentence(picture, mark):
    said = []
    known = [cost for cost in picture.cost if cost is not None]
    if known:
        least, most = min(known), max(known)
        each = f"{mark}{in_time(least)}" if most < 1.05 * least else f"{mark}{in_time(least)} to {mark}{in_time(most)}"
        said.append(f"A cache line takes {each} from one {NAMES[picture.level]} to another.")
    if picture.taken:
        total = sum(map(sum, picture.taken))
        across = total - sum(picture.taken[i][i] for i in range(len(picture.ids)))
        share = 100 * across / total if total else 0
        said.append(f"Of all exchanges of {picture.of}, {mark}{plain(share, 3)} % took it from another {NAMES[picture.level]}.")
        ways = sum(picture.taken[a][b] + picture.taken[b][a] > 0 for b in range(len(picture.ids)) for a in range(b))
        if ways > MOST_ARROWS:
            said.append(f"Drawn: the {MOST_ARROWS} most travelled of {ways} ways.")
        if picture.waited and not known:
            said.append(f"A CPU waits {mark}{in_time(picture.waited)} for it from the farthest.")
    if len(known) < len(picture.cost):
        missing = "no valid window tells it" if picture.what else "not simulated" if mark else "not measured"
        said.append(f"Hatched: what a line's way to it costs ({missing}).")
    return " ".join(said)


def _draw(picture, mark):
    centres, size = _places(len(picture.ids))
    height = HEIGHT if len(picture.ids) > 2 else LOW
    known = [cost for cost in picture.cost if cost is not None]
    parts = []
    if picture.taken:
        parts += _arrows(picture, centres, size, mark)
    for at, ident in enumerate(picture.ids):
        x, y = centres[at]
        cost = picture.cost[at]
        heat = ""
        if cost is not None:
            part = (cost - min(known)) / (max(known) - min(known)) if max(known) > 1.05 * min(known) else 0.35
            heat = f' style="--heat:{10 + 70 * part:.0f}%"'
        title = f"{NAMES[picture.level]} {ident}" + (f": {mark}{in_time(cost)} {picture.what}" if cost is not None else ": what a line's way to it costs is not known")
        unknown = " unmeasured" if cost is None else ""
        parts.append(
            f'<g class="part"{heat}><title>{esc(title)}</title><rect class="socket{unknown}" x="{x - size / 2:.1f}" '
            f'y="{y - size / 2:.1f}" width="{size:.1f}" height="{size:.1f}" rx="6"/>'
        )
        parts += _inside(picture, at, x, y, size, mark)
        parts.append("</g>")
    said = f"The machine's {NAMES[picture.level]}s: " + _sentence(picture, mark)
    return (
        f'<svg class="hero-machine" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{esc(said)}">'
        '<defs><marker id="head" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="3" markerHeight="3" '
        'markerUnits="strokeWidth" orient="auto"><path class="head" d="M0 0L8 4L0 8Z"/></marker>'
        '<pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<path class="hatch" d="M1 0V7"/></pattern></defs>'
        f"{''.join(parts)}</svg>"
    )


def _places(count):
    """Where the parts stand, and how large they are: side by side, or on a ring, so that no line between two of them
    goes through a third."""
    if count == 2:
        return [(WIDTH * 0.24, LOW / 2), (WIDTH * 0.76, LOW / 2)], WIDTH * 0.26
    radius = min(WIDTH, HEIGHT) / 2
    # Neighbours on the ring are a chord apart.
    chord = math.sin(math.pi / count)
    size = min(1.15 * chord * radius / (1 + chord), WIDTH * 0.28)
    ring = radius - size / 2 - 6
    turn = -math.pi / 2 if count != 4 else -3 * math.pi / 4
    angles = [turn + 2 * math.pi * at / count for at in range(count)]
    return [(WIDTH / 2 + ring * math.cos(angle), HEIGHT / 2 + ring * math.sin(angle)) for angle in angles], size


def _inside(picture, at, x, y, size, mark):
    name = NAMES[picture.level] if len(picture.ids) <= 8 else ""
    font = max(9, min(16, size / 6))
    lines = [f"{name} {picture.ids[at]}".strip()]
    if picture.cost[at] is not None and size > 60:
        lines.append(f"{mark}{in_time(picture.cost[at])}")
    if picture.sizes[at] and picture.level != "pu" and size > 60:
        lines.append(f"{picture.sizes[at]} CPU{'s' if picture.sizes[at] > 1 else ''}")
    top = y - font * 1.25 * (len(lines) - 1) / 2 + font * 0.35
    return [
        f'<text class="part-name" x="{x:.1f}" y="{top + number * font * 1.25:.1f}" font-size="{font:.0f}" '
        f'text-anchor="middle">{esc(line)}</text>'
        for number, line in enumerate(lines)
    ]


def _arrows(picture, centres, size, mark):
    """A line between two parts, as thick as the share of exchanges that went between them; an arrow if most went one
    way."""
    total = sum(map(sum, picture.taken)) or 1
    pairs = sorted(
        ((picture.taken[a][b] + picture.taken[b][a]) / total, a, b) for b in range(len(centres)) for a in range(b)
    )[-MOST_ARROWS:]  # fmt: skip
    greatest = pairs[-1][0]
    parts = []
    for share, a, b in pairs:
        if share <= 0:
            continue
        to_a, to_b = picture.taken[a][b], picture.taken[b][a]
        # From b to a as drawn, unless more goes the other way.
        of, to = (b, a) if to_a >= to_b else (a, b)
        (x1, y1), (x2, y2) = centres[of], centres[to]
        length = math.hypot(x2 - x1, y2 - y1)
        ux, uy = (x2 - x1) / length, (y2 - y1) / length
        inset = size / 2 / max(abs(ux), abs(uy)) + 3
        wide = 1 + 6 * share / greatest
        one_way = max(to_a, to_b) > ONE_WAY * min(to_a, to_b)
        bx, by = x2 - ux * (inset + (wide if one_way else 0)), y2 - uy * (inset + (wide if one_way else 0))
        name = NAMES[picture.level]
        said = f"between {name} {picture.ids[a]} and {picture.ids[b]}: {mark}{plain(100 * share, 3)} % of all exchanges"
        head = ' marker-end="url(#head)"' if one_way else ""
        parts.append(
            f'<path class="arrow" d="M{x1 + ux * inset:.1f} {y1 + uy * inset:.1f}L{bx:.1f} {by:.1f}" '
            f'stroke-width="{wide:.1f}"{head}><title>{esc(said)}</title></path>'
        )
        if len(pairs) <= 3:
            parts.append(
                f'<text class="arrow-name" x="{(x1 + x2) / 2 - uy * 14:.1f}" y="{(y1 + y2) / 2 - abs(ux) * 12:.1f}" '
                f'text-anchor="middle">{mark}{plain(100 * share, 3)}&#160;%</text>'
            )
    return parts
