# SPDX-License-Identifier: MIT
"""The chart of the first screen as SVG: refcount, what it is compared with, and the ideal. Drawn here and not by the
page's script, so that it is there at once, without JavaScript, and on paper."""

import math

from report.answer import ASKED, times
from report.markup import esc
from grouping.series import REFERENCE, boundaries
from wording.text import magnitude

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 62, 180, 34, 46
# From so many doublings, or so many decades, on an axis is logarithmic.
LOG_CPUS = 8
LOG_RATES = 30
# Schemes in colours of their own; every other one is grey.
NAMED = (REFERENCE, *ASKED)
MOST_LINES = 5


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
    """Returns the SVG of an Answer, or "" where there is no curve."""
    schemes = _chosen(answer)
    counts = sorted({cpus for scheme in schemes for cpus in scheme.rates})
    if len(counts) < 2:
        return ""
    ideal = _ideal(schemes, counts)
    rates = [value for scheme in schemes for rate in scheme.rates.values() for value in (rate.low, rate.high)]
    top = max([*rates, *(rate for _, rate in ideal)])
    log_y = top / min(rates) > LOG_RATES
    x = Scale(counts[0], counts[-1], LEFT, WIDTH - RIGHT, counts[-1] / counts[0] >= LOG_CPUS)
    y = Scale(min(rates) / 1.3 if log_y else 0, top * (1.3 if log_y else 1.06), HEIGHT - BOTTOM, TOP, log_y)
    parts = [*_axes(x, y, counts), *_boundaries(answer.sheet, x)]
    if ideal:
        path = _path([(x(cpus), y(rate)) for cpus, rate in ideal])
        parts.append(f'<path class="ideal" d="{path}"/>')
    labels = [("ideal", "ideal", y(ideal[-1][1]), "")] if ideal else []
    reference = next((scheme for scheme in schemes if scheme.name == REFERENCE), None)
    for scheme in schemes:
        look = scheme.name if scheme.name in NAMED else "other"
        spots = sorted(scheme.rates.items())
        band = [(x(c), y(r.low)) for c, r in spots] + [(x(c), y(r.high)) for c, r in reversed(spots)]
        parts.append(f'<path class="band s-{look}" d="{_path(band)}Z"/>')
        parts.append(f'<path class="line s-{look}" d="{_path([(x(c), y(r.median)) for c, r in spots])}"/>')
        for cpus, rate in spots:
            said = f"{scheme.name}, {cpus} CPUs: {mark}{magnitude(rate.median)} switches/s"
            parts.append(
                f'<circle class="dot s-{look}" cx="{x(cpus):.1f}" cy="{y(rate.median):.1f}" r="4">'
                f"<title>{esc(said)}</title></circle>"
            )
        last, rate = spots[-1]
        factor = ""
        if reference and scheme is not reference and last in reference.rates:
            factor = f"×\u00a0{times(rate.median / reference.rates[last].median, mark)}"
        labels.append((look, scheme.name, y(rate.median), factor))
    parts += _labels(labels)
    said = "Context switches per second of all CPUs together against CPUs: " + ", ".join(s.name for s in schemes)
    return (
        f'<svg class="hero-chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{esc(said)}">'
        f"{''.join(parts)}</svg>"
    )


def _chosen(answer):
    named = [scheme for scheme in answer.schemes if scheme.name in NAMED]
    others = [scheme for scheme in answer.schemes if scheme.name not in NAMED]
    # Where nothing that people ask about was measured, what there is.
    return (named if len(named) > 1 else [*named, *others])[:MOST_LINES]


def _ideal(schemes, counts):
    """As many times the best rate of the fewest CPUs as there are more CPUs."""
    first = [scheme.rates[counts[0]].median for scheme in schemes if counts[0] in scheme.rates]
    return [(cpus, max(first) * cpus / counts[0]) for cpus in counts] if first else []


def _path(points):
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _axes(x, y, counts):
    bottom = HEIGHT - BOTTOM
    parts = ['<text class="axis-title" x="8" y="16">context switches per second, all CPUs together (more is better)</text>']
    for value in y.ticks(6):
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{magnitude(value)}</text>')
    last = -math.inf
    for cpus in _spaced(counts, x):
        if x(cpus) - last >= 26:
            last = x(cpus)
            parts.append(f'<text class="tick" x="{last:.1f}" y="{bottom + 18}" text-anchor="middle">{cpus}</text>')
    parts.append(f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{bottom}" y2="{bottom}"/>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text class="axis-title" x="{middle:.0f}" y="{HEIGHT - 8}" text-anchor="middle">CPUs going in and out of idle</text>')
    return parts


def _spaced(counts, x):
    """The last one always, then from the first on what has room before it."""
    kept = [cpus for cpus in counts[:-1] if x(counts[-1]) - x(cpus) >= 26]
    return [*kept, counts[-1]]


def _boundaries(sheet, x):
    parts, last = [], -math.inf
    for at, packages in boundaries(sheet.windows):
        if not x.low <= at <= x.high:
            continue
        here = x(at)
        parts.append(f'<line class="border" x1="{here:.1f}" x2="{here:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
        if here - last > 78:
            last = here
            parts.append(f'<text class="border-name" x="{here - 4:.1f}" y="{TOP + 10}" text-anchor="end">{packages - 1} socket{"s" if packages > 2 else ""}</text>')
    return parts


def _labels(labels):
    """Names at the ends of their lines, moved apart where they would overlap."""
    parts, taken = [], -math.inf
    for look, name, at, factor in sorted(labels, key=lambda label: label[2]):
        taken = max(at, taken + 20)
        text = f"{esc(name)}" + (f' <tspan class="factor">{esc(factor)}</tspan>' if factor else "")
        parts.append(f'<text class="label s-{look}" x="{WIDTH - RIGHT + 10}" y="{taken + 4:.1f}">{text}</text>')
    return parts

