# SPDX-License-Identifier: MIT
"""The section on recorded traces: what one would have cost under each scheme, on one machine or on several models."""

from families.replay import COUNTERS
from report.commands import as_given
from report.markup import esc, figure_of, table, windows_of
from grouping.series import REFERENCE, describe, partition
from wording.text import SIMULATED, plain, ratio

HEADS = {"ops": "mm_count ops", "sent": "IPIs", "useful": "useful", "useless": "useless", "freed": "mms freed",
         "lines": "lines moved", "spent": "time spent, ns", "teardown_p50": "teardown p50, ns",
         "teardown_max": "teardown max, ns"}  # fmt: skip
# What the trace's own events decide; the rest is the simulated machine's.
EXACT = ("mm_count_ops", "ipis_sent", "ipis_useful", "ipis_useless", "mms_freed")


def replays(records, redo):
    """Returns the section. redo: a function from lines of commands to HTML."""
    if not len(records.replays):
        return ""
    parts = [
        "<p>Counts are of the trace's own events under each scheme; times, and cache lines, are those of the machine "
        "that it was replayed on. Time spent: by all CPUs in switches, forks, execs and exits, waiting for IPIs "
        "included; beside it, what part that is of the time of the trace's CPUs.</p>"
    ]
    keys = ["source", "trace", "lifecycle", "cpus"]
    for key, split, windows in partition(records.replays, keys):
        source, trace, lifecycle, cpus = key.values()
        mark = SIMULATED if records.sources[source].machine.simulated else ""
        models = list(windows["model"].unique())
        on = f"{'simulated ' if mark else ''}{models[0]}" if len(models) == 1 else f"{len(models)} simulated models"
        head = f"{'SIMULATED: ' if mark else ''}{trace}: {cpus} CPUs, lifecycle {lifecycle}, on {on}"
        head += "".join(f", {describe(*item)}" for item in split.items())
        parts.append(f"<h3>{esc(head)}</h3>{_origin(windows, models)}" + table(f"replay of {trace}", _heads(windows), _rows(windows, mark)))
        parts += [f"<p>{text}</p>" for text in _verdicts(windows, models, lifecycle)]
        notes = "".join(f"<li>{esc(note)}</li>" for note in windows["notes"].iloc[0])
        if notes:
            summary = "<summary>What did not fit, and what was taken for what</summary>"
            parts.append(f"<details>{summary}<ul>{notes}</ul></details>")
        commands = [f"{as_given(command)}    # as it was replayed" for command in records.sources[source].commands]
        parts.append(redo(commands))
    return "".join(parts)


def band(windows, scheme):
    """(least, most) of a scheme's time spent against the reference's on the same model; None where none has both."""
    valid = windows[windows["valid"]]
    spent = valid.groupby(["model", "scheme"])["spent"].median().unstack()
    if REFERENCE not in spent or scheme not in spent:
        return None
    parts = (spent[scheme] / spent[REFERENCE].where(spent[REFERENCE] > 0)).dropna()
    return (float(parts.min()), float(parts.max())) if len(parts) else None


def _origin(windows, models):
    """Where the trace is from, whose rules were taken and why, and what it was replayed on."""
    recorded, reason = windows["recorded"].iloc[0], windows["reason"].iloc[0]
    said = [f"Recorded on {recorded}."] if recorded else []
    said += [f"Its rules: {reason}."] if reason else []
    if len(models) > 1:
        said.append(
            f"Replayed on every model of that kind with as many CPUs, as none is known to be the trace's own machine: "
            f"{', '.join(models)}. Of what depends on the model the table has the median, and the least to the most."
        )
    return f"<p>{esc(' '.join(said))}</p>" if said else ""


def _verdicts(windows, models, lifecycle):
    """What the table does not say: which schemes are dearer on one model and cheaper on another, and which are not safe."""
    if len(models) > 1:
        either = [
            scheme for scheme in windows["scheme"].unique()
            if scheme != REFERENCE and (found := band(windows, scheme)) and found[0] < 1 < found[1]
        ]  # fmt: skip
        if either:
            yield f"Whether {esc(' or '.join(either))} costs less time than {REFERENCE} depends on the model: this trace does not tell."
    unsafe = windows[windows["unsafe"] != ""].drop_duplicates("scheme")
    for scheme, why in zip(unsafe["scheme"], unsafe["unsafe"]):
        why = why.removeprefix(f"unsafe under lifecycle {lifecycle}: ")
        yield f"<b>{esc(scheme)}</b> is not safe under {esc(lifecycle)} as it is: {esc(why)}."


def _heads(windows):
    heads = ["scheme"]
    for column, head in HEADS.items():
        heads += [head, "of CPU time"] if column == "spent" and windows["share"].notna().any() else [head]
    return [*heads, f"time / {REFERENCE}"]


def _spread(known, column, text):
    """The median of a column; where its windows differ, as on several models, with the least and the most."""
    low, high = known[column].min(), known[column].max()
    middle = text(float(known[column].median()), "median")
    return middle if low == high else f'{middle} <span class="interval">({text(float(low), "low")} .. {text(float(high), "high")})</span>'


def _rows(windows, mark):
    rows = []
    order = sorted(windows["scheme"].unique(), key=lambda scheme: (scheme != REFERENCE, scheme))
    shares = windows["share"].notna().any()
    for scheme in order:
        part = windows[(windows["scheme"] == scheme) & windows["valid"]]
        unsafe = (windows.loc[windows["scheme"] == scheme, "unsafe"] != "").any()
        cells = [esc(scheme) + (" (not safe)" if unsafe else "")]
        for column in HEADS:
            cells.append(_cell(part, column, mark))
            if column == "spent" and shares:
                known = part[part["share"].notna()]
                cells.append(_spread(known, "share", lambda value, _: f"{mark}{plain(100 * value, 2)}&nbsp;%") if len(known) else "–")
        found = band(windows, scheme) if scheme != REFERENCE else None
        low, high = (ratio(value, mark) for value in found) if found else ("–", "–")
        cells.append(low if low == high else f'<span class="interval">{low} .. {high}</span>')
        rows.append(("", cells))
    return rows


def _cell(part, column, mark):
    counter = COUNTERS[column]
    known = part[part[column].notna()]
    if not len(known):
        return "–"
    # What the trace's events alone decide is exact, whatever machine they are replayed on.
    own_mark = "" if counter in EXACT else mark

    def number(value, statistic):
        # Of a count every digit is known, and there are none behind the point.
        digits = min(4, len(str(int(value)))) if value.is_integer() else 4
        return figure_of(value, counter, statistic, windows_of(known), own_mark, digits)

    return _spread(known, column, number)
