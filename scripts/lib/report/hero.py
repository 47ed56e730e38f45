# SPDX-License-Identifier: MIT
"""The chart of the first screen as SVG: refcount, what it is compared with, and the ideal. Drawn here and not by the
page's script, so that it is there at once, without JavaScript, and on paper."""

import math
from dataclasses import dataclass, replace

from report.answer import FIRST, look_of, times
from report.markup import esc
from grouping.series import REFERENCE, boundaries
from wording.text import magnitude

# From so many doublings, or so many decades, on an axis is logarithmic.
LOG_CPUS = 8
LOG_RATES = 30
# Numbers below an axis are so far apart.
ROOM = 26
# So many borders of sockets are all drawn.
MOST_BORDERS = 8
# How wide a bold letter is, in parts of its height.
LETTER = 0.66
# Names at the ends of lines are so far apart, in parts of their letters' height.
APART = 1.25


@dataclass(frozen=True)
class Frame:
    """How large the chart is, and the room around its axes; letter: the height of a name. Units are those of the viewBox,
    which a window as wide as that shows as pixels."""

    name: str
    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int
    letter: int

    @property
    def end(self):
        """Where the axis of CPUs ends."""
        return self.width - self.right


# One for a laptop and one for a telephone; the style sheet shows the one that fits.
FRAMES = (Frame("wide", 720, 400, 62, 190, 34, 46, 15), Frame("narrow", 366, 320, 44, 90, 30, 42, 12))


class Scale:
    """Numbers of an axis to places on the picture."""

    def __init__(self, low, high, begin, end, logarithmic):
        self.low, self.high, self.begin, self.end, self.log = low, high, begin, end, logarithmic

    def __call__(self, value):
        if self.log:
            part = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            part = (value - self.low) / (self.high - self.low)
        return self.begin + part * (self.end - self.begin)

    def ticks(self, most):
        """Round numbers, at most about so many."""
        if self.log:
            first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
            decades = [10.0**power for power in range(first, last + 1)]
            if len(decades) < 3:
                decades = sorted(d for p in range(first - 1, last + 1) for d in (10.0**p, 2 * 10.0**p, 5 * 10.0**p)
                                 if self.low <= d <= self.high)  # fmt: skip
            return decades[:: max(1, math.ceil(len(decades) / most))]
        step = 10 ** math.floor(math.log10((self.high - self.low) / most))
        step *= next(factor for factor in (1, 2, 5, 10) if (self.high - self.low) / (step * factor) <= most)
        count = int((self.high - self.low) / step + 1e-9)
        return [self.low + step * number for number in range(count + 1)]


def hero(answer, mark):
    """Returns the SVGs of an Answer, one for each Frame, or "" where there is no curve."""
    schemes = answer.drawn
    counts = sorted({cpus for scheme in schemes for cpus in scheme.rates})
    return "".join(_chart(answer, schemes, counts, mark, frame) for frame in FRAMES) if len(counts) > 1 else ""


def _chart(answer, schemes, counts, mark, frame):
    reference = next((scheme for scheme in schemes if scheme.name == REFERENCE), None)
    beside = {scheme.name: _beside(scheme, reference, counts, mark) for scheme in schemes}
    longest = max(len(f"{name} {text}") for name, text in beside.items())
    frame = replace(frame, right=max(frame.right, math.ceil(14 + LETTER * frame.letter * longest)))
    ideal = _ideal(schemes, counts)
    rates = [value for scheme in schemes for rate in scheme.rates.values() for value in (rate.low, rate.high)]
    top = max([*rates, *(rate for _, rate in ideal)])
    log_y = top / min(rates) > LOG_RATES
    x = Scale(counts[0], counts[-1], frame.left, frame.end, counts[-1] / counts[0] >= LOG_CPUS)
    y = Scale(min(rates) / 1.3 if log_y else 0, top * (1.3 if log_y else 1.06), frame.height - frame.bottom, frame.top, log_y)
    parts = [*_axes(answer.sheet, x, y, counts, frame), *_boundaries(answer.sheet, x, frame)]
    labels = []
    if ideal:
        path = _path([(x(cpus), y(rate)) for cpus, rate in ideal])
        parts.append(f'<path class="ideal" d="{path}"/>')
        labels.append(("ideal", "ideal", y(ideal[-1][1]), ""))
    spots = {scheme.name: sorted(scheme.rates.items()) for scheme in schemes}
    for scheme in schemes:
        band = [(x(c), y(r.low)) for c, r in spots[scheme.name]] + [(x(c), y(r.high)) for c, r in reversed(spots[scheme.name])]
        parts.append(f'<path class="band s-{look_of(scheme.name)}" d="{_path(band)}Z"/>')
    # Each line has strokes and marks of its own, the later ones thinner: where two coincide both are seen.
    for scheme in schemes:
        look = look_of(scheme.name)
        parts.append(f'<path class="line s-{look}" d="{_path([(x(c), y(r.median)) for c, r in spots[scheme.name]])}"/>')
    for scheme in schemes:
        look = look_of(scheme.name)
        for cpus, rate in spots[scheme.name]:
            said = f"{scheme.name}, {cpus} CPU{'s' if cpus > 1 else ''}: {mark}{magnitude(rate.median)} switches/s"
            parts.append(f"{_dot(look, x(cpus), y(rate.median))}<title>{esc(said)}</title></path>")
        labels.append((look, scheme.name, y(spots[scheme.name][-1][1].median), beside[scheme.name]))
    parts += _labels(labels, frame)
    said = "Context switches per second of all CPUs together against CPUs: " + ", ".join(s.name for s in schemes)
    return (
        f'<svg class="hero-chart {frame.name}" viewBox="0 0 {frame.width} {frame.height}" role="img" aria-label="{esc(said)}">'
        f"{''.join(parts)}</svg>"
    )


def _beside(scheme, reference, counts, mark):
    """What stands behind a scheme's name at the end of its line: how many times the reference it makes there."""
    last = max(scheme.rates)
    if last < counts[-1]:
        return f"(to {last} CPU{'s' if last > 1 else ''})"
    if reference is None or scheme is reference or last not in reference.rates:
        return ""
    return f"×\u00a0{times(scheme.rates[last].median / reference.rates[last].median, mark)}"


def _dot(look, x, y):
    """A mark of the scheme's own shape, as the beginning of an element."""
    shapes = {
        "refcount": "M{0} {1}m-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z", "shootdown": "M{0} {1}m-4 -4h8v8h-8Z",
        "hazptr": "M{0} {1}m0 -5.5l5.5 5.5l-5.5 5.5l-5.5 -5.5Z",
    }  # fmt: skip
    path = shapes.get(look, "M{0} {1}m0 -5l5 9h-10Z").format(f"{x:.1f}", f"{y:.1f}")
    return f'<path class="dot s-{look}" d="{path}">'


def _ideal(schemes, counts):
    """As many times the best rate of the fewest CPUs as there are more CPUs."""
    first = [scheme.rates[counts[0]].median for scheme in schemes if counts[0] in scheme.rates]
    return [(cpus, max(first) * cpus / counts[0]) for cpus in counts] if first else []


def _path(points):
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _axes(sheet, x, y, counts, frame):
    bottom, small = frame.height - frame.bottom, frame.name == "narrow"
    title = "switches/s, all CPUs together" if small else "context switches per second, all CPUs together (more is better)"
    parts = [f'<text class="axis-title" x="8" y="{frame.top - 18}">{title}</text>']
    for value in y.ticks(6):
        parts.append(f'<line class="grid" x1="{frame.left}" x2="{frame.end}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>')
        parts.append(f'<text class="tick" x="{frame.left - 7}" y="{y(value) + 4:.1f}" text-anchor="end">{magnitude(value)}</text>')
    for cpus in _spaced(counts, x):
        parts.append(f'<text class="tick" x="{x(cpus):.1f}" y="{bottom + 17}" text-anchor="middle">{cpus}</text>')
    parts.append(f'<line class="axis" x1="{frame.left}" x2="{frame.end}" y1="{bottom}" y2="{bottom}"/>')
    doing = "CPUs going in and out of idle" if sheet.identity["workload"] == FIRST["workload"] else "CPUs"
    middle = (frame.left + frame.end) / 2
    parts.append(f'<text class="axis-title" x="{middle:.0f}" y="{frame.height - 6}" text-anchor="middle">{doing}</text>')
    return parts


def _spaced(counts, x):
    """The last one always, and before it from the first on what has room."""
    kept = []
    for cpus in counts[:-1]:
        if x(counts[-1]) - x(cpus) >= ROOM and (not kept or x(cpus) - x(kept[-1]) >= ROOM):
            kept.append(cpus)
    return [*kept, counts[-1]]


def _boundaries(sheet, x, frame):
    """An upright line where one more socket is in use, with how many there are before it, where there is room."""
    parts, last = [], -math.inf
    found = [(x(at), packages) for at, packages in boundaries(sheet.windows) if x.low <= at <= x.high]
    for here, packages in found:
        words = f"{packages - 1} socket{'s' if packages > 2 else ''}"
        named = here - last > 6.2 * len(words) + 14 and here - frame.left > 6.2 * len(words)
        # Of many only those with a name: the others would be a fence.
        if named or len(found) <= MOST_BORDERS:
            parts.append(f'<line class="border" x1="{here:.1f}" x2="{here:.1f}" y1="{frame.top}" y2="{frame.height - frame.bottom}"/>')
        if named:
            last = here
            parts.append(f'<text class="border-name" x="{here - 4:.1f}" y="{frame.height - frame.bottom - 6}" text-anchor="end">{words}</text>')
    return parts


def _labels(labels, frame):
    """Names at the ends of their lines, moved apart where they would overlap, and none of them below the axis."""
    pitch, floor = APART * frame.letter, frame.height - frame.bottom
    ordered = sorted(labels, key=lambda label: label[2])
    places = []
    for *_, at, _ in ordered:
        places.append(max(at, places[-1] + pitch) if places else at)
    for number in range(len(places) - 1, -1, -1):
        places[number] = min(places[number], floor)
        floor = places[number] - pitch
    return [
        f'<path class="leader" d="M{frame.end + 4} {at:.1f}L{frame.end + 9} {place:.1f}"/>'
        f'<text class="label s-{look}" x="{frame.end + 12}" y="{place + frame.letter / 3:.1f}" font-size="{frame.letter}">{esc(name)}'
        + (f' <tspan class="factor">{esc(factor)}</tspan>' if factor else "") + "</text>"
        for (look, name, at, factor), place in zip(ordered, places)
    ]  # fmt: skip
