# SPDX-License-Identifier: MIT
"""What a window of any family has: an identity, a verdict on its validity, numbers that may be missing."""

import math

# The ends of the names of a distribution's counters, and how far into it each reaches. Some are not in every record.
QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999, "p9999": 0.9999, "max": 1.0}
# Classes of distance between two PUs, nearest first, as they end the names of counters.
DISTANCES = ("smt_sibling", "same_llc", "same_die", "same_package", "other_package", "unknown")


def per_cpu(ours):
    """What each CPU of a window did, as a list of dicts, or None where it does not say: records of many CPUs have the
    rounds of all and the rest of a few only."""
    told = ours.get("per_cpu")
    if not isinstance(told, dict):
        return told
    known = {entry["pu"]: entry for entry in told["most_lost"]}
    cpus = zip(ours["pus"], ours["packages"], told["rounds"], strict=True)
    return [{"pu": pu, "package": package, "rounds": rounds, "start_ns": told["start_ns"], **known.get(pu, {})} for pu, package, rounds in cpus]


def identity(pattern, name, ours, keys):
    """What a record is a record of, as a dict of some keys: from its "mmscale" object, for what that lacks from its
    name. Raises KeyError for a key that neither has."""
    found = pattern.match(name)
    parts = found.groupdict() if found else {}
    result = {key: ours[key] if key in ours else parts[key] for key in keys}
    result["cpus"] = int(result["cpus"])
    if result["cpus"] < 1:
        raise ValueError("cpus below 1")
    return result


def validity(benchmark, ours, value):
    """Whether a window counts and, if not, why. A window that nobody vouches for does not."""
    reasons = [str(reason) for reason in ours.get("invalid") or ()]
    if benchmark.get("error_occurred"):
        reasons.append(str(benchmark.get("error_message") or "error without a message"))
    elif not value > 0 and not reasons:
        reasons.append("no value recorded")
    elif "valid" not in benchmark and "invalid" not in ours:
        reasons.append("validity not recorded")
    if not reasons and not benchmark.get("valid", 1):
        reasons.append("marked invalid without a reason")
    return {"valid": not reasons, "reasons": tuple(reasons)}


def number(value):
    """A number that something can measure as float, anything else as NaN: of what is beyond 1e30 either way, products and
    ratios would be infinite."""
    if isinstance(value, (int, float)) and (value == 0 or 1e-30 <= abs(value) <= 1e30):
        return float(value)
    return math.nan


def counted_identity(pattern, benchmark, ours, keys, counts):
    """As identity; counts are further keys, which are numbers, in counters too, and 0 where they are absent."""
    name = benchmark["name"]
    row = identity(pattern, name, ours, keys)
    found = pattern.match(name)
    for key in counts:
        given = ours.get(key, benchmark.get(key, found and found[key]))
        row[key] = int(given or 0)
    return row


def distribution(column, benchmark, counter):
    """The quantiles of a distribution, as column_p50 and so on."""
    return {f"{column}_{end}": number(benchmark.get(f"{counter}_{end}")) for end in QUANTILES}
