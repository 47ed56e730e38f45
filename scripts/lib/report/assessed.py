# SPDX-License-Identifier: MIT
"""The section on whether any of it matters to the machine at hand: what mmscale assess found (docs/assess.md)."""

from families.registry import TABLES
from records.reading import Records
from report.markup import esc, table
from wording.text import plain, scaled

COLUMNS = (
    ("threads", "a real switch, one mm"),
    ("processes", "with an mm each"),
    ("sharing", "so sharing an mm costs"),
    ("mm_count", "of that mm_count, emulated"),
    ("shootdown_spares", "shootdown spares"),
    ("hazptr_spares", "hazptr spares"),
)
AGREEMENT = {
    "agree": "The emulated mm_count explains it",
    "disagree": "The emulated mm_count is another figure, so it is not, or not only, mm_count",
    "cannot_tell": "The windows cannot tell that from nothing, so they neither bear out the emulated mm_count nor contradict it",
    "unknown": "Whether mm_count explains it is unknown: too few windows count",
}

ABOVE = "The emulated mm_count is more than all of that, so the emulation is wrong, or what else threads share spares something"


def without_its_windows(records):
    """The Records without the windows that an assessment is made of: they are its evidence, taken with lengths of its own,
    and no campaign that figures are drawn of."""
    files = set(records.assessments["file"]) if len(records.assessments) else set()
    tables = {name: getattr(records, name) for name in TABLES}
    kept = {
        name: part[~part["file"].isin(files)] if len(part) and name != "assessments" else part for name, part in tables.items()
    }
    return Records(records.sources, kept)


def assessed(records):
    """Returns (a sentence that answers, the section as HTML); ("", "") where nobody assessed."""
    said, parts = [], []
    for _, row in records.assessments.iterrows() if len(records.assessments) else ():
        found = row["assessment"]
        head = records.sources[row["source"]].head
        points = [point for point in found["points"] if "interval_ns" in point["sharing"]]
        said.append(esc(head) + (_answer(points[-1]) if points else "What sharing an mm costs is unknown: too few pairs of windows count."))
        if found.get("accepts_invalid"):
            said.append("Windows that do not count were taken for that, too, as asked for.")
        if points:
            parts.append(_by_scheme(points[-1], found.get("workload")))
        parts.append(_table(found, records.sources[row["source"]].machine.host))
        said.append(_workload(found.get("workload"), "mm_count takes" if _counted(found) else "counting would take"))
    return " ".join(filter(None, said)), "".join(parts)


def _answer(point):
    sharing, how = point["sharing"], "longer"
    if sharing.get("interval_ns", {}).get("high", 0) < 0:
        low, high = sharing["interval_ns"]["low"], sharing["interval_ns"]["high"]
        sharing, how = {"median_ns": -sharing["median_ns"], "interval_ns": {"low": -high, "high": -low}}, "less"
    text = f"On {point['cpus']} CPUs a real switch takes {_figure(sharing)} {how} where the tasks share an mm. "
    if not point.get("counted", True):
        return text + "The kernel that runs there counts nothing, so that is not mm_count."
    emulated = point["mm_count"].get("interval_ns")
    is_above = point["agreement"] == "disagree" and emulated and emulated["low"] > point["sharing"]["interval_ns"]["high"] >= 0
    text += (ABOVE if is_above else AGREEMENT[point["agreement"]]) + "."
    if how == "less":
        text += " What else tasks that share an mm share spares more than mm_count costs, and no bound follows."
    elif "most_gain" in point:
        text += (
            f" A program that does nothing but switch would gain at most <b>{_percent(point['most_gain'])}</b> "
            "from any other scheme"
        )
        said = point.get("emulated_gain", point["most_gain"]) < point["most_gain"] and point["agreement"] != "disagree"
        text += f", as emulated {_percent(point['emulated_gain'])}." if said else "."
    return text


def _counted(found):
    """Whether the kernel that was assessed counts lazy references."""
    return all(point.get("counted", True) for point in found["points"])


def _workload(workload, takes):
    """What of a recording's CPU time mm_count takes, or would take, as a sentence."""
    if not workload:
        return ""
    name = esc(_name(workload))
    if "unavailable" in workload:
        return f"Of {name} nothing is known: {esc(workload['unavailable'])}."
    rates = ", ".join(f"{scaled(workload[what] / workload['seconds'], 3)} {what}" for what in ("switches", "borrows", "deaths"))
    text = f"{name} has {rates} a second on {workload['cpus']} CPUs; "
    if "most_cpu_share" not in workload:
        return text + f"what of its CPU time {takes} is unknown."
    return text + f"of its CPU time {takes} at most <b>{_percent(workload['most_cpu_share'])}</b>."


def _by_scheme(point, workload):
    """A table: what each scheme spares of a real switch on the most CPUs, as a part of it, what that gives a program that
    only switches and, of a recording, what part of its CPUs' time it is. Where the emulation is not borne out, of the bound
    alone."""
    threads = point["threads"].get("median_ns")
    if not threads:
        return ""
    bound = point.get("most_spared_ns", point["sharing"].get("interval_ns", {}).get("high"))
    recorded = workload and "most_cpu_share" in workload
    # A borrow is a switch to idle and one back.
    per_ns = 2e-9 * workload["borrows"] / (workload["seconds"] * workload["cpus"]) if recorded else 0
    ways = [lambda ns: ns / threads, lambda ns: _gain(ns, threads), *([lambda ns: ns * per_ns] if recorded else [])]
    gain = point.get("most_gain")
    rows = []
    if point["agreement"] == "agree":
        for name, figure in (("all that mm_count takes", "mm_count"), ("shootdown", "shootdown_spares"), ("hazptr", "hazptr_spares")):
            rows.append(("", [name, _figure(point[figure]), *(_parts(point[figure], way) for way in ways)]))
    if bound is not None and bound >= 0 and gain is not None:
        # Out of the least that a switch may take, as the gain is.
        parts = [gain / (1 + gain), gain, *([bound * per_ns] if recorded else [])]
        rows.append(("", ["any other scheme, at most", f"{scaled(bound, 3)} ns", *map(_percent, parts)]))
    if not rows:
        return ""
    heads = ["scheme", f"spares of a switch on {point['cpus']} CPUs", "part of a real switch",
             "a program that only switches gains", *([f"of the CPU time of {_name(workload)}"] if recorded else [])]  # fmt: skip
    note = "What freeing takes instead of counting is not in it: shootdown interrupts, and hazptr looks at all CPUs, once a death."
    return table(f"what each scheme would spare on {point['cpus']} CPUs", heads, rows) + f"<p>{note}</p>"


def _name(workload):
    """A workload's, without the folders of whoever recorded it."""
    return str(workload["name"]).rpartition("/")[2]


def _gain(spared, threads):
    """So many more switches, as a part; nothing is left to divide by if all of a switch were spared."""
    spared = min(spared, 0.999 * threads)
    return spared / (threads - spared)


def _parts(figure, way):
    """A figure's median and interval, each as the part that a function makes of it."""
    if "median_ns" not in figure:
        return "–"
    interval = figure.get("interval_ns")
    text = _percent(way(figure["median_ns"]))
    return f"{text} ({_percent(way(interval['low']))} to {_percent(way(interval['high']))})" if interval else text


def _percent(part):
    return ("−" if part < 0 else "") + plain(100 * abs(part), 2) + "&nbsp;%"


def _figure(figure):
    """The median with its interval."""
    if "median_ns" not in figure:
        return "–"
    text = f"{_signed(figure['median_ns'])} ns"
    interval = figure.get("interval_ns")
    return f"{text} ({_signed(interval['low'])} to {_signed(interval['high'])})" if interval else text


def _signed(value):
    return ("−" if value < 0 else "") + scaled(abs(value), 3)


def _table(found, host):
    heads = ["CPUs", *(head for _, head in COLUMNS), "at most to gain"]
    rows = []
    for point in found["points"]:
        gain = _percent(point["most_gain"]) if "most_gain" in point else "–"
        rows.append(("", [str(point["cpus"]), *(_figure(point[name]) for name, _ in COLUMNS), gain]))
    words = esc(found["in_words"].strip())
    return (
        table(f"assessment of {host}", heads, rows)
        + f'<details><summary>All that mmscale assess says</summary><pre tabindex="0">{words}</pre></details>'
    )
