# SPDX-License-Identifier: MIT
"""How numbers, machines and campaigns are worded in tables and figures."""

import math
import textwrap

# Put before every number that comes out of the simulator.
SIMULATED = "~"
# Context keys that machine_facts and build_facts show; the label of a simulated machine says seed and scale.
SHOWN = {
    "host_name", "cpu_model", "num_cpus", "smt", "kernel", "kernel_lazy_tlb", "governor", "frequency", "hypervisor",
    "cpu_quota", "git_revision", "mmscale_version", "compiler",
}  # fmt: skip


def scaled(value, digits=4):
    """A number of 0 or more with a magnitude letter and so many significant digits: 1234567 is "1.235M"."""
    for factor, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        # Compared as rounded: 999960 with 4 digits is 1.000M, not 1000k.
        if float(f"{value:.{digits - 1}e}") >= factor:
            return plain(value / factor, digits) + letter
    return plain(value, digits)


def in_words(value, digits=3):
    """As scaled(), with the magnitude as a word: 97.8 million."""
    number = scaled(value, digits)
    words = {"k": " thousand", "M": " million", "G": " billion", "T": " trillion"}
    return number[:-1] + words[number[-1]] if number[-1] in words else number


def in_time(ns, digits=3):
    """A time of 0 ns or more in the unit that reads best: 3740 is "3.74 µs"."""
    for factor, unit in ((1e9, "s"), (1e6, "ms"), (1e3, "µs")):
        if float(f"{ns:.{digits - 1}e}") >= factor:
            return f"{plain(ns / factor, digits)} {unit}"
    return f"{plain(ns, digits)} ns"


def magnitude(value):
    """A number of 0 or more with a magnitude letter and no digit more than it takes, for axes."""
    number = scaled(value, 6)
    digits, letter = (number[:-1], number[-1]) if number[-1].isalpha() else (number, "")
    return f"{float(digits):g}{letter}"


def plain(value, digits=4):
    """A number of 0 or more rounded to so many significant digits, never in exponent form."""
    if value == 0:
        return "0"
    rounded = float(f"{value:.{digits - 1}e}")
    whole = math.floor(math.log10(rounded)) + 1
    return f"{rounded:.{max(digits - whole, 0)}f}"


def ratio(value, mark):
    """A ratio of two medians: two decimals, unless it is far from 1. mark: put before it."""
    return mark + (f"{value:.2f}" if 0.1 <= value < 10 else plain(value, 2 if value < 0.1 else 4))


def machine_facts(machine):
    """A machine in short phrases, the most telling first; what was not recorded is left out."""
    cpus = [f"{machine.cpus} CPUs"] if machine.cpus != "unknown" else []
    cpus += [f"SMT {machine.smt}"] if machine.smt != "unknown" else []
    facts = [machine.cpu_model + (f" ({', '.join(cpus)})" if cpus else "")]
    facts.append(f"host {machine.host}")
    kernel = f"kernel {machine.kernel}"
    if machine.kernel_lazy_tlb != "unknown":
        kernel += f" (its lazy TLB: {machine.kernel_lazy_tlb})"
    facts.append(kernel)
    for name in ("governor", "frequency", "hypervisor", "cpu_quota"):
        value = getattr(machine, name)
        if value != "unknown":
            facts.append(f"{name.replace('_', ' ')} {value}")
    return facts


def facts_of(records, index):
    """What one source of Records was measured on, and whatever else tells it from others of the same host."""
    machine = records.sources[index].machine
    others = [dict(one.machine.said) for one in records.sources if one.machine.host == machine.host]
    facts = machine_facts(machine)
    for key, value in machine.said:
        known = key in SHOWN or key.startswith("simulator_")
        if not known and any(other.get(key) != value for other in others):
            facts.append(f"{key} {textwrap.shorten(value, 60)}")
    return facts


def build_facts(machine):
    """The mmscale that measured, in short phrases."""
    facts = [f"mmscale {machine.version}", f"revision {machine.revision}"]
    return facts + ([machine.compiler] if machine.compiler != "unknown" else [])


def short_names(paths):
    """By path the end of it that no other has: folders are for whoever measured, not for whoever is told."""
    parts = {path: str(path).split("/") for path in paths}
    return {
        path: next(
            "/".join(own[-count:]) for count in range(1, len(own) + 1)
            if count == len(own) or sum(other[-count:] == own[-count:] for other in parts.values()) == 1
        )
        for path, own in parts.items()
    }  # fmt: skip


def files_of(records, index):
    """The short names of one source's files among all."""
    names = short_names([file for source in records.sources for file in source.files])
    return [names[file] for file in records.sources[index].files]


def span(dates):
    """One date, or the first and the last of several."""
    first, last = min(dates), max(dates)
    return first if first == last else f"{first} to {last}"


def repetitions(points):
    """How many windows each of some points has: "9 windows", or "7 to 9 windows"."""
    least, most = min(point.windows for point in points), max(point.windows for point in points)
    if most == 1:
        return "1 window"
    return f"{most} windows" if least == most else f"{least} to {most} windows"


def ascii_only(text):
    """The text with every character that a plain mail cannot carry replaced by "?"."""
    return text.encode("ascii", "replace").decode()
