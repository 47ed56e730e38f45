# SPDX-License-Identifier: MIT
"""README's first screen, made of records under results/: a picture, a table with its ratios, an example.

Every number that README.md states of a measurement is written by this module, so that a record under results/ holds it.
"""

import io
import re

from grouping.series import REFERENCE
from records.reading import read
from stats.estimate import estimate
from wording.schemes import WHAT
from wording.text import SIMULATED, in_words, plain, ratio, scaled

MEASURED = "results/2026-11-23-epyc-2vcpu-schemes/records.json"
# As scripts/headline leaves them.
SIMULATION = tuple(f"results/2026-11-28-power8-16s/{scheme}.json" for scheme in ("refcount", "shootdown", "hazptr"))
TABLE = "results/2026-11-23-epyc-2vcpu-schemes/table.txt"
PICTURE = "docs/front.svg"
# Where two lines coincide both are seen: the later one is thinner and broken.
STROKES = {
    "refcount": {"linewidth": 1.6}, "shootdown": {"linewidth": 3.2}, "hazptr": {"linewidth": 1.6, "linestyle": (0, (4, 2.5))},
}  # fmt: skip
SHOWN = ("refcount", "shootdown", "hazptr")


def write(root):
    """Writes README.md's parts and the picture; returns what is wrong, or nothing."""
    curves = _curves(root)
    readme = root / "README.md"
    readme.write_text(_filled(readme.read_text(), root, curves))
    (root / PICTURE).write_text(_picture(curves))
    return ""


def check(root):
    """Returns what README.md or the picture says otherwise than the records, or nothing."""
    curves = _curves(root)
    text = (root / "README.md").read_text()
    if _filled(text, root, curves) != text:
        return "README.md is not what the records say; run scripts/front-page"
    if not (root / PICTURE).is_file() or _fingerprint(curves) not in (root / PICTURE).read_text():
        return f"{PICTURE} is not of these records; run scripts/front-page"
    return ""


def _curves(root):
    """[{scheme: {cpus: (Estimate, valid windows, windows)}}, ...], measured and simulated."""
    found = []
    for paths in ((MEASURED,), SIMULATION):
        table = read([root / path for path in paths]).switches
        table = table[(table["workload"] == "idle") & (table["sharing"] == "all") & (table["placement"] == "compact")]
        curve = {}
        for (scheme, cpus), part in table.groupby(["scheme", "cpus"]):
            valid = part[part["valid"]]
            if scheme in SHOWN and len(valid):
                curve.setdefault(scheme, {})[int(cpus)] = (estimate(valid["rate"].tolist()), len(valid), len(part))
        found.append({scheme: curve[scheme] for scheme in SHOWN})
    return found


def _factor(curve, scheme, cpus):
    return curve[scheme][cpus][0].median / curve[REFERENCE][cpus][0].median


def _filled(text, root, curves):
    """README.md with its parts between the marks "<!-- front-page: NAME -->" and "<!-- end -->"."""
    for name, made in (("picture", _words(curves)), ("table", _table(curves[0])), ("example", _example(root))):
        mark = f"<!-- front-page: {name} -->\n"
        if mark not in text:
            raise ValueError(f"README.md has no part {name}")
        text = re.sub(f"{re.escape(mark)}.*?<!-- end -->\n", lambda _: mark + made + "<!-- end -->\n", text, count=1, flags=re.DOTALL)  # noqa: B023
    return text


def _words(curves):
    measured, simulated = curves
    most = max(simulated[REFERENCE])
    alone, both = (measured[REFERENCE][cpus][0].median for cpus in (1, 2))
    grown = measured["shootdown"][2][0].median / measured["shootdown"][1][0].median
    return (
        f"![Context switches per second against CPUs: measured on 2 CPUs, simulated on 16 sockets]({PICTURE})\n\n"
        f"On 2 vCPUs of a KVM guest shootdown makes **{ratio(_factor(measured, 'shootdown', 2), '')} times** refcount's switches "
        f"(measured): the second CPU takes\nrefcount's total down to {ratio(both / alone, '')} of what one did, and shootdown's up "
        f"{ratio(grown, '')}-fold. On {most:,} CPUs of the POWER8 model it is {SIMULATED}{plain(_factor(simulated, 'shootdown', most), 3)}\n"
        "times (simulated, with the rest of a switch as published of other machines; `scripts/headline` tells how wide the "
        "band is).\nThe picture and these numbers: `scripts/front-page`, of records in [results/](results/README.md).\n"
    )


def _table(curve):
    lines = ["| scheme | 1 CPU, switches/s | 2 CPUs, switches/s | 2 CPUs, times refcount | valid windows on 2 CPUs |",
             "|---|---|---|---|---|"]  # fmt: skip
    for scheme in SHOWN:
        one, (both, valid, count) = curve[scheme][1][0], curve[scheme][2]
        interval = f"({scaled(both.low)} .. {scaled(both.high)})"
        lines.append(
            f"| {scheme}: {WHAT[scheme]} | {scaled(one.median)} | {scaled(both.median)} {interval} | "
            f"{ratio(_factor(curve, scheme, 2), '')} | {valid} of {count} |"
        )
    return "\n".join(lines) + "\n"


def _example(root):
    """The campaign's own table, without the schemes that README does not speak of."""
    lines = (root / TABLE).read_text().splitlines()
    begin = next(at for at, line in enumerate(lines) if line.startswith("switch: workload idle"))
    end = next(at for at, line in enumerate(lines) if at > begin and line.startswith("switch: "))
    kept = [line for line in lines[:end] if not re.match(r"[a-z-]+ +\d+ +[\d.]+[kMG] ", line) or line.split()[0] in SHOWN]
    cut = next((at for at, line in enumerate(kept) if " windows invalid, among them" in line), len(kept))
    return "```\n" + "\n".join(kept[:cut]).rstrip() + "\n```\n"


def _fingerprint(curves):
    """Every median of the picture, as a comment in it."""
    said = "; ".join(
        f"{scheme} {cpus} {value.median:.6g}" for curve in curves for scheme, of in curve.items() for cpus, (value, *_) in of.items()
    )
    return f"<!-- {said} -->"


def _picture(curves):
    from figures.look import COLOURS, MARKERS
    from figures.page import STYLE
    from matplotlib import pyplot

    titles = ("measured: 2 vCPUs of a KVM guest (AMD EPYC)", "simulated: 16-socket POWER8, 192 cores, SMT8")
    with pyplot.rc_context({**STYLE, "font.size": 9, "svg.fonttype": "path"}):
        figure, both = pyplot.subplots(1, 2, figsize=(9.6, 3.4), gridspec_kw={"width_ratios": [1, 1.5], "wspace": 1.05})
        for axes, curve, title, mark in zip(both, curves, titles, ("", SIMULATED)):
            _panel(axes, curve, title, mark, COLOURS, MARKERS)
        both[0].set_ylabel("context switches per second")
        stream = io.StringIO()
        figure.savefig(stream, format="svg", metadata={"Date": None}, bbox_inches="tight", facecolor="white")
        pyplot.close(figure)
    head, body = stream.getvalue().split("<svg ", 1)
    return f"{head}{_fingerprint(curves)}\n<svg {body}"


def _panel(axes, curve, title, mark, colours, markers):
    counts = sorted(curve[REFERENCE])
    logarithmic = counts[-1] > 8
    for number, (scheme, of) in enumerate(curve.items()):
        rates = [of[cpus][0] for cpus in counts]
        colour = colours[{"refcount": 0, "shootdown": 1, "hazptr": 2}[scheme]]
        axes.plot(counts, [rate.median for rate in rates], color=colour, marker=markers[number], markersize=4,
                  **STROKES[scheme])  # fmt: skip
        axes.fill_between(counts, [rate.low for rate in rates], [rate.high for rate in rates], color=colour, alpha=0.2, linewidth=0)
        factor = "" if scheme == REFERENCE else f" ×{mark}{plain(_factor(curve, scheme, counts[-1]), 3)}"
        # Lines that end near one another are named by their own places, one above the other.
        below = scheme == "hazptr" and logarithmic
        axes.annotate(scheme + factor, (counts[-1], rates[-1].median), xytext=(7, -11 if below else 0), textcoords="offset points",
                      color=colour, va="center", fontweight="bold", annotation_clip=False)  # fmt: skip
    if logarithmic:
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
    axes.minorticks_off()
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.yaxis.set_major_formatter(lambda value, _: mark + in_words(value, 3) if value else "0")
    axes.set_xlabel("CPUs")
    axes.set_title(title, fontsize=9, loc="left")
