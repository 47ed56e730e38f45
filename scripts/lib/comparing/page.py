# SPDX-License-Identifier: MIT
"""A comparison as a page for people: one HTML file that loads nothing and runs no script."""

import html
import math

from comparing.table import interval, invalid_count, legend, marks, ratio, summary
from comparing.comparison import EXACT, FASTER, NONE, SLOWER, letter, parts
from wording.text import build_facts, machine_facts, scaled

STYLE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --soft: #5c5c5c; --paper: #ffffff; --line: #d5d5d5;
  --slower: #b33c00; --faster: #00609c; --none: #6b6b6b; }
@media (prefers-color-scheme: dark) { :root { --ink: #ececec; --soft: #a9a9a9; --paper: #16181a; --line: #3d4145;
  --slower: #ff9a61; --faster: #6cbcf2; --none: #a3a3a3; } }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 0 auto;
  max-width: 62rem; padding: 1rem 1.2rem 3rem; }
h1 { font-size: 1.5rem; margin: .6rem 0 .2rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .4rem; }
h3 { font-size: 1rem; margin: 1.4rem 0 .3rem; }
p, li { max-width: 46rem; overflow-wrap: anywhere; } .soft { color: var(--soft); } .lead { font-size: 1.1rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100%; }
th, td { text-align: right; padding: .2rem .55rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } thead th { color: var(--soft); font-weight: 600; }
td.facts, th.facts { white-space: normal; text-align: left; overflow-wrap: anywhere; }
tbody th { font-weight: normal; }
.slower { color: var(--slower); font-weight: 600; } .faster { color: var(--faster); font-weight: 600; }
.none { color: var(--none); }
svg { width: 100%; min-width: 36rem; height: auto; display: block; } svg text { fill: var(--ink); font-size: 12px; }
svg .axis { stroke: var(--line); } svg .one { stroke: var(--soft); stroke-dasharray: 4 3; }
svg .slower { stroke: var(--slower); fill: var(--slower); } svg .faster { stroke: var(--faster); fill: var(--faster); }
svg .none { stroke: var(--none); fill: var(--paper); } svg text.soft { fill: var(--soft); }
.limit { border-left: 4px solid var(--slower); padding-left: .7rem; } .passed { border-color: var(--faster); }
@media print { body { max-width: none; padding: 0; } .scroll { overflow: visible; } h3, svg { break-inside: avoid; } }
"""
CLASS = {SLOWER: "slower", FASTER: "faster", NONE: "none"}
PITCH, LABELS, PLOT, TOP = 22, 190, 530, 8


def page(report, limit=None):
    """Returns the page of a Report. limit: what --fail-if-slower allows, a fraction, or None."""
    names = " ".join(f"{letter(number)}," for number in range(len(report.against))) + f" {letter(len(report.against))}"
    title = "mmscale: comparison of " + names.replace(", ", " and ", 1 if len(report.against) == 1 else 0)
    body = [f"<h1>{_text(title)}</h1>"]
    for number, against in enumerate(report.against):
        body.append(f'<p class="lead">A to {letter(number + 1)}: {_text(summary(against))}.</p>')
    if limit is not None:
        body.append(_limit(report, limit))
    body += ["<h2>What was compared</h2>", _sides(report)]
    for number, against in enumerate(report.against):
        body += _against(report, against, letter(number + 1))
    body += ["<h2>How to read it</h2>", f"<p>{_text(legend(report))}</p>"]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(body)
        + "\n</main>\n</body>\n</html>\n"
    )


def _text(value):
    return html.escape(str(value))


def _limit(report, limit):
    failed = report.slower_by(limit)
    names = f": {', '.join(_text(one.name) for one in failed)}" if failed else ""
    kind = "limit" if failed else "limit passed"
    return f'<p class="{kind}">{len(failed)} shown slower by {100 * limit:g} % or more{names}.</p>'


def _sides(report):
    rows = []
    for number, side in enumerate([report.first, *(against.side for against in report.against)]):
        head = "<strong>SIMULATED</strong>, not measured: " if side.simulated else ""
        facts = "; ".join([*machine_facts(side.machine), *build_facts(side.machine), invalid_count(side)])
        rows.append(
            f'<tr><th scope="row">{letter(number)}</th><td class="facts">{head}{_text(side.path)}, '
            f"{_text(side.context.get('date', 'no date'))}<br>{_text(facts)}</td></tr>"
        )
    return f"<table><tbody>{''.join(rows)}</tbody></table>"


def _against(report, against, name):
    """The parts of the page on one side against the first."""
    yield f"<h2>A to {name}</h2>"
    if against.notes:
        yield "<ul>" + "".join(f"<li>{_text(note)}</li>" for note in against.notes) + "</ul>"
    groups = {}
    for one in against.comparisons:
        groups.setdefault((parts(one.first)[0], one.first.figure, one.first.unit), []).append(one)
    for (group, figure, unit), members in groups.items():
        yield f"<h3>{_text(group)}: {_text(figure)}, {_text(unit)}</h3>"
        yield _scroll(_forest(members, name, unit), f"ratios of {group}")
        yield _scroll(_table(report, against, members, name), f"table of {group}")
    if against.refusals:
        yield "<h3>Refused</h3>"
        reasons = (f"<li>{_text(one.name)}: {_text(one.reason)}</li>" for one in against.refusals)
        yield f"<ul>{''.join(reasons)}</ul>"
    for head, names in (("Only in A", against.missing), (f"Only in {name}", against.new)):
        if names:
            yield f"<h3>{head}</h3><p>{_text(', '.join(names))}</p>"
    if against.differences:
        rows = "".join(
            f'<tr><th scope="row">{_text(key)}</th><td class="facts">{_text(one)}</td>'
            f'<td class="facts">{_text(other)}</td></tr>'
            for key, one, other in against.differences
        )
        head = '<th scope="col">context</th><th class="facts" scope="col">A</th>'
        head += f'<th class="facts" scope="col">{name}</th>'
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        yield "<h3>What else differs</h3>" + _scroll(table, "what else differs")


def _scroll(content, what):
    """Content that is scrolled sideways where it is too wide, by keyboard as well."""
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{_text(what)}">{content}</div>'


def _table(report, against, members, name):
    one, other, both = marks(report, against)
    rows = []
    for member in members:
        _, label, cpus = parts(member.first)
        counts = [f"{len(case.values)}/{len(case.windows)}" for case in (member.first, member.second)]
        p = "" if math.isnan(member.p) else f"{member.p:.2g}"
        cells = [
            cpus, one + scaled(member.first.median), other + scaled(member.second.median), both + ratio(member.ratio),
            interval(member, both),
        ]  # fmt: skip
        rows.append(
            f'<tr><th scope="row">{_text(label)}</th>'
            + "".join(f"<td>{_text(cell)}</td>" for cell in cells)
            + f'<td class="{CLASS[member.verdict]}">{member.verdict}</td><td>{p}</td>'
            + "".join(f"<td>{count}</td>" for count in counts)
            + f"<td>{member.test}</td></tr>"
        )
    head = ("scheme", "CPUs", "A", name, "ratio", "interval", "difference", "p", "valid A", f"valid {name}", "test")
    heads = "".join(f'<th scope="col">{one}</th>' for one in head)
    return f'<table><thead><tr>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def _forest(members, name, unit):
    """Each ratio with its interval on a common logarithmic axis, the line of no difference through 1."""
    ends = [value for one in members for value in (one.low, one.high)]
    reach = max([math.log(1.02), *(abs(math.log(value)) for value in ends)]) * 1.1
    bottom = TOP + PITCH * len(members)

    def x(value):
        return LABELS + PLOT * (math.log(value) + reach) / (2 * reach)

    shapes = []
    for tick in _ticks(reach):
        shapes.append(f'<line class="axis" x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="{TOP}" y2="{bottom}"/>')
        shapes.append(f'<text class="soft" x="{x(tick):.1f}" y="{bottom + 15}" text-anchor="middle">{tick:g}</text>')
    shapes.append(f'<line class="one" x1="{x(1):.1f}" x2="{x(1):.1f}" y1="{TOP}" y2="{bottom}"/>')
    for row, one in enumerate(members):
        _, label, cpus = parts(one.first)
        y = TOP + PITCH * (row + 0.5)
        kind = CLASS[one.verdict]
        shapes.append(f'<text x="{LABELS - 10}" y="{y + 4}" text-anchor="end">{_text(label)} {cpus}</text>')
        if one.test != EXACT:
            ends = f'x1="{x(one.low):.1f}" x2="{x(one.high):.1f}"'
            shapes.append(f'<line class="{kind}" stroke-width="2" {ends} y1="{y}" y2="{y}"/>')
        said = f"{label}, {cpus} CPUs: {ratio(one.ratio)}, {interval(one)}, {one.verdict}"
        shapes.append(
            f'<circle class="{kind}" stroke-width="2" cx="{x(one.ratio):.1f}" cy="{y}" r="4.5">'
            f"<title>{_text(said)}</title></circle>"
        )
    better = ("slower", "faster") if unit == "1/s" else ("faster", "slower")
    axis = f"{better[0]} in {name} | ratio {name} to A | {better[1]} in {name}"
    shapes.append(f'<text x="{x(1):.1f}" y="{bottom + 33}" text-anchor="middle">{axis}</text>')
    size = f"0 0 {LABELS + PLOT + 20} {bottom + 42}"
    what = f"Ratio of {name} to A with its interval, by scheme and CPUs; the numbers are in the table below."
    return f'<svg viewBox="{size}" role="img" aria-label="{_text(what)}">{"".join(shapes)}</svg>'


def _ticks(reach):
    """Ratios to mark on an axis that reaches so far, as a logarithm, to either side of 1."""
    if reach > math.log(3):
        step = max(1, math.ceil(reach / math.log(2) / 4))
        count = int(reach / math.log(2) / step)
        return [2.0 ** (step * power) for power in range(-count, count + 1)]
    width = math.exp(reach) - 1
    step = next(step for step in (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1) if width / step <= 5)
    least = math.ceil(math.exp(-reach) / step - 1e-9)
    return [round(step * number, 6) for number in range(max(least, 1), int(math.exp(reach) / step + 1e-9) + 1)]
