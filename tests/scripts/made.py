# SPDX-License-Identifier: MIT
"""Makes records of the families teardown, mix, ipi and line as docs/records-families.md has them. The numbers follow
simple formulas, so that a test knows what must come out; nothing here was measured."""

import itertools
import json

# A deterministic flutter of 1 %, so that intervals have a width; its median over any odd number of windows is 1.
FLUTTER = (1.0, 0.99, 1.01, 0.995, 1.005, 0.99, 1.01, 0.998, 1.002)
WINDOWS = 7
QUANTILES = {"p50": 1.0, "p90": 1.4, "p99": 2.5, "p999": 6.0, "max": 40.0}


def document(*lists, **context):
    """A record file of some lists of entries."""
    known = {
        "date": "2026-03-01T10:00:00+00:00",
        "host_name": "quad",
        "num_cpus": 32,
        "cpu_model": "Imaginary 8-Core Processor",
        "kernel": "6.12.9-imaginary",
        "kernel_lazy_tlb": "refcount",
        "smt": "on",
        "governor": "performance",
        "frequency": "fixed",
        "git_revision": "0123456789ab",
        "mmscale_version": "0.1.0",
        "compiler": "gcc 12.2.0",
        "command_line": "mmscale bench --family all --out records.json",
        "mmscale_world": "silicon",
    }
    return {"context": known | context, "benchmarks": list(itertools.chain(*lists))}


def write(path, *lists, **context):
    """Writes such a file and returns its path."""
    path.write_text(json.dumps(document(*lists, **context)))
    return path


def entry(name, counters, ours, invalid=()):
    """One window."""
    common = {"world": "silicon", "family": name.split("/")[0], "window_ns": 50000000, "home_node": 0}
    return {
        "name": name,
        "run_type": "iteration",
        "real_time": 1.0,
        "cpu_time": 1.0,
        "time_unit": "ns",
        **counters,
        "valid": 0.0 if invalid else 1.0,
        "mmscale": common | ours | {"invalid": list(invalid)},
    }


def distribution(name, median, samples=100000):
    """The counters of a distribution."""
    counters = {f"{name}_{end}": median * factor for end, factor in QUANTILES.items()}
    return counters | {f"{name}_mean": median * 1.1, f"{name}_count": samples}


DROPS = {
    # By scheme: ns of a drop with so many borrowers, useful and useless IPIs.
    "refcount": lambda b: (60 + 25 * b, 0, 0),
    "shootdown": lambda b: (900 + 330 * b, b, 0),
    "shootdown-filter": lambda b: (300 + 300 * b, b, 0),
    "hazptr": lambda b: (120 + 280 * b, b, 0),
    "quiesce": lambda b: (4000 + 100 * b, 0, 0),
}


def teardowns(cpus=32, borrowers=(0, 1, 2, 4, 8, 16, 31), schemes=tuple(DROPS), spoilt=(), mask_only=0):
    """teardown; spoilt: (scheme, borrowers, window) that is invalid and ten times slower."""
    made = []
    for scheme, count, window in itertools.product(schemes, borrowers, range(WINDOWS)):
        drop, useful, useless = DROPS[scheme](count)
        wrong = (scheme, count, window) in spoilt
        drop *= FLUTTER[window % len(FLUTTER)] * (10 if wrong else 1)
        if useful:
            useless += mask_only + (0.25 * count if scheme == "shootdown" else 0)
            drop += 300 * mask_only
        name = f"teardown/{scheme}/compact/cpus:{cpus}/borrowers:{count}"
        name += f"/mask_only:{mask_only}" if mask_only else ""
        counters = {
            "cpus": cpus, "teardowns": 20000, "borrowers": count, "mask_only": mask_only,
            **distribution("drop_ns", drop), **distribution("free_ns", drop * 3), "clock_ns_p50": 22.0,
            "ipis_useful_per_teardown": useful, "ipis_useless_per_teardown": useless,
            "interrupted_ns_per_teardown": 150.0 * useful, "held_bytes_max": 4096.0, "mm_slot_bytes": 1024.0,
        }  # fmt: skip
        ours = {
            "scheme": scheme, "placement": "compact", "cpus": cpus, "borrowers": count, "mask_only": mask_only,
            "linger_ns": 0, "lifecycle": "powerpc", "mm_cid": "off", "rq_lock": False, "transport": "membarrier",
        }  # fmt: skip
        made.append(entry(name, counters, ours, ["cpu 3: waited 9.1 % of the window"] if wrong else ()))
    return made


COSTS = {
    # By scheme: ns of a switch at so many CPUs and exits per million.
    "refcount": lambda cpus, exits: 16 + 11 * (cpus - 1) + 0.001 * exits,
    "shootdown": lambda cpus, exits: 11 + exits * (0.004 * cpus + 0.0003 * cpus**2),
    "hazptr": lambda cpus, exits: 17 + exits * 0.004 * cpus,
}


COUNTS = (1, 2, 4, 8, 16, 32)
EXITS = (1, 10, 100, 1000, 10000, 100000)


def mixes(cpus=COUNTS, exits=EXITS, schemes=("refcount", "shootdown"), costs=COSTS, spoilt=(), one_in=0):
    """mix; spoilt: (scheme, cpus, exits, window) that is invalid and ten times slower. one_in: with latency sampled."""
    made = []
    for scheme, count, rate, window in itertools.product(schemes, cpus, exits, range(WINDOWS)):
        wrong = (scheme, count, rate, window) in spoilt
        cost = costs[scheme](count, rate) * FLUTTER[window] * (10 if wrong else 1)
        counters = {"cpus": count, "ns_per_switch": cost, "switches_per_second": count * 1e9 / cost}
        counters |= {"exits_per_million": rate, "mm_deaths_per_million": rate}
        counters["lifetime"] = round(1e6 / rate) if rate else 0
        ours = {"scheme": scheme, "sharing": "all", "placement": "compact", "cpus": count, "lifecycle": "powerpc"}
        ours |= {"mm_cid": "off", "rq_lock": False, "transport": "membarrier", "think_cycles": 0}
        if one_in:
            counters |= latency(cost, one_in)
            ours["latency_one_in"] = one_in
        name = f"mix/{scheme}/all/compact/cpus:{count}/exits_per_million:{rate}"
        made.append(entry(name, counters, ours, ["cpu 0: waited 7.0 % of the window"] if wrong else ()))
    return made


def crossovers(points, schemes=("refcount", "shootdown")):
    """The crossover entries of a pair; points: {cpus: (low, middle, high)}, or None where there is no crossover."""
    made = []
    for cpus, point in points.items():
        name = f"mix/crossover/{schemes[0]}-vs-{schemes[1]}/all/compact/cpus:{cpus}"
        values = dict(zip(("low", "exits_per_million", "high"), point or ()))
        made.append(
            {
                "name": name,
                "run_type": "aggregate",
                "aggregate_name": "crossover",
                "real_time": 20.0 if point else 0.0,
                **{f"crossover_{key}": value for key, value in values.items()},
                "crossings": 1 if point else 0,
                "mmscale": {
                    "family": "mix", "record": "crossover", "schemes": list(schemes), "sharing": "all",
                    "placement": "compact", "cpus": cpus, "text": "as the console has it", "sweep": [],
                },
            }  # fmt: skip
        )
    return made


def latency(cost, one_in):
    """The counters that --latency adds to a window."""
    return distribution("latency_ns", cost + 22) | {"clock_ns_p50": 22.0, "latency_one_in": one_in}


def switches(cpus=(1, 8, 32), schemes=("refcount", "shootdown", "hazptr"), one_in=997, spoilt=()):
    """switch with sampled latency; spoilt as in mixes, without the exits."""
    made = []
    for scheme, count, window in itertools.product(schemes, cpus, range(WINDOWS)):
        wrong = (scheme, count, window) in spoilt
        cost = COSTS[scheme](count, 0) * FLUTTER[window] * (10 if wrong else 1)
        counters = {"cpus": count, "ns_per_switch": cost, "switches_per_second": count * 1e9 / cost}
        ours = {"workload": "idle", "scheme": scheme, "sharing": "all", "placement": "compact", "cpus": count}
        ours |= {"lifecycle": "powerpc", "transport": "membarrier", "think_cycles": 0}
        if one_in:
            counters |= latency(cost, one_in)
            ours["latency_one_in"] = one_in
        name = f"switch/idle/{scheme}/all/compact/cpus:{count}"
        made.append(entry(name, counters, ours, ["cpu 0: waited 7.0 % of the window"] if wrong else ()))
    return made


ROUND_TRIPS = {
    "membarrier": lambda t: 2500 + 2400 * t,
    "signal": lambda t: 11000 + 2100 * t,
    "doorbell": lambda t: 300 + 45 * t,
}


def ipis(cpus=32, targets=(1, 2, 4, 8, 16, 31), transports=tuple(ROUND_TRIPS), spoilt=()):
    """ipi; spoilt: (transport, targets, window) that is invalid and ten times slower."""
    made = []
    for transport, count, window in itertools.product(transports, targets, range(WINDOWS)):
        wrong = (transport, count, window) in spoilt
        trip = ROUND_TRIPS[transport](count) * FLUTTER[window] * (10 if wrong else 1)
        counters = {
            "cpus": cpus, "targets": count, "calls": 5000, **distribution("round_trip_ns", trip),
            "queued_per_call": count, "raised_per_call": count, "clock_ns_p50": 22.0,
        }  # fmt: skip
        ours = {"transport": transport, "placement": "compact", "cpus": cpus, "targets": count}
        ours |= {"target_does": "enable_points"}
        name = f"ipi/{transport}/compact/cpus:{cpus}/targets:{count}"
        made.append(entry(name, counters, ours, ["cpu 1: steal 3.0 %"] if wrong else ()))
    return made


CLASSES = ("smt-sibling", "same-llc", "same-package", "other-package")
ONE_WAY = {"smt-sibling": 8.0, "same-llc": 25.0, "same-package": 60.0, "other-package": 140.0}


def machine(packages=2, llcs=2, cores=4, threads=2):
    """The PUs of a machine as Linux numbers them, first all first threads: {pu: (package, llc, core)}."""
    places = list(itertools.product(range(packages), range(llcs), range(cores)))
    return {
        thread * len(places) + number: place[:1] + (place[:2],) + (place,)
        for thread in range(threads)
        for number, place in enumerate(places)
    }


def distance(one, other):
    """The class of two PUs of machine()."""
    shared = sum(a == b for a, b in zip(one, other))
    return CLASSES[3 - shared]


def bounces(places, cpus=(2, 8, 32)):
    """bounce on the machine of machine(): a CPU keeps the line for three exchanges, then hands it to one of its own
    package three times as often as to each of another."""
    made = []
    order = sorted(places, key=lambda pu: places[pu])
    for count, window in itertools.product(cpus, range(WINDOWS)):
        pus = order[:count]
        package = [places[pu][0] for pu in pus]
        taken = [
            [2 * 3 * (count - 1) if to == of else 3 if package[to] == package[of] else 1 for of in range(count)]
            for to in range(count)
        ]
        levels = [{"level": "pu", "ids": pus, "taken": taken}] if count <= 64 else []
        ids = list(dict.fromkeys(package))
        if len(ids) > 1:
            folded = [
                [sum(taken[i][j] for i in range(count) for j in range(count) if (package[i], package[j]) == (to, of))
                 for of in ids] for to in ids
            ]  # fmt: skip
            levels.append({"level": "package", "ids": ids, "taken": folded})
        exchanges = sum(map(sum, taken))
        kept = sum(taken[at][at] for at in range(count))
        across = sum(taken[i][j] for i in range(count) for j in range(count) if package[i] != package[j])
        counters = {
            "cpus": count, "exchanges": exchanges, "exchanges_per_second": 3e7 * FLUTTER[window],
            "transfers": exchanges - kept, "transfer_share": 1 - kept / exchanges,
            "run_length": exchanges / (exchanges - kept), "fairness": 1.0,
            "share_same_package": 1 - across / (exchanges - kept), "share_other_package": across / (exchanges - kept),
            "wait_ns_same_package": 60.0 * FLUTTER[window], "wait_ns_other_package": 240.0 * FLUTTER[window],
        }  # fmt: skip
        if not across:
            counters = {name: value for name, value in counters.items() if "other_package" not in name}
        ours = {"scheme": "exchange", "placement": "compact", "cpus": count, "bounce": {"levels": levels}}
        ours["per_cpu"] = [{"pu": pu, "package": places[pu][0], "rounds": 1000} for pu in pus]
        made.append(entry(f"bounce/exchange/compact/cpus:{count}", counters, ours))
    return made


def lines(places=None, order=None, missing=(), spoilt=(), windows=5, sampled_from=None):
    """line, for the PUs of machine() in some order; missing: pairs of PUs that were not measured; spoilt: windows that
    are invalid and ten times slower."""
    places = places or machine()
    order = list(order or places)
    made = []

    def one_way_ns(a, b):
        if a == b or (a, b) in missing or (b, a) in missing:
            return None
        return ONE_WAY[distance(places[a], places[b])]

    for window in range(windows):
        factor = FLUTTER[window] * (10 if window in spoilt else 1)
        one_way = [[value and value * factor for value in (one_way_ns(a, b) for b in order)] for a in order]
        classes = [["same-pu" if a == b else distance(places[a], places[b]) for b in order] for a in order]
        counters = {"cpus": len(order), "one_way_ns": 60.0 * factor, "round_trip_ns": 120.0 * factor}
        counters |= {"pairs": 496, "visits": 3}
        counters |= {f"one_way_ns_{name.replace('-', '_')}": value * factor for name, value in ONE_WAY.items()}
        matrix = {"pus": order, "one_way_ns": one_way, "home_node": 0, "distance": classes}
        ours = {"placement": "compact", "cpus": len(order), "matrix": matrix}
        ours["sampled_from"] = sampled_from or len(order)
        invalid = ["cpu 1: steal 3.0 %"] if window in spoilt else ()
        made.append(entry(f"line/cas/compact/cpus:{len(order)}", counters, ours, invalid))
    return made


HOST_RATES = {
    # By question: switches/s per CPU, and the share from idle at least and at most.
    "futex/threads/same-cpu": (500e3, 0.0, 0.001),
    "futex/threads/cross-cpu": (40e3, 0.97, 0.99),
    "pipe/processes/cross-cpu": (30e3, 0.95, 0.98),
}


def host_switches(cpus=(2, 8, 32), rates=HOST_RATES, spoilt=()):
    """host_kernel's switches; spoilt: (question, cpus, window) that is invalid and three times faster."""
    made = []
    for what, count, window in itertools.product(rates, cpus, range(WINDOWS)):
        wrong = (what, count, window) in spoilt
        rate, low, high = rates[what]
        rate *= FLUTTER[window] * (3 if wrong else 1)
        counters = {"cpus": count, "switches_per_second": rate * count, "ns_per_switch": 1e9 / rate}
        counters |= {"idle_share_low": low, "idle_share_high": high, "reschedule_ipis_per_operation": high}
        primitive, tasks, ends = what.split("/")
        ours = {"scheme": "host", "placement": "compact", "cpus": count, "question": "switch", "ends": ends}
        ours |= {"primitive": primitive, "tasks": tasks, "kernel": host_kernel(), "pmu": "unavailable (none)"}
        name = f"host_kernel/switch/{what}/compact/cpus:{count}"
        made.append(entry(name, counters, ours, ["cpu 1: other tasks ran there for 9.0 % of the time"] if wrong else ()))
    return made


HOST_TIMES = {
    # By question: ns with so many other CPUs.
    "exit": lambda others: 200000 + 30000 * others,
    "munmap/running": lambda others: 2000 + 900 * others,
    "membarrier/running": lambda others: 300 + 1500 * others,
}


def host_calls(cpus=(1, 2, 8, 32), times=HOST_TIMES):
    """host_kernel's deaths and calls."""
    made = []
    for what, count, window in itertools.product(times, cpus, range(WINDOWS)):
        time = times[what](count - 1) * FLUTTER[window]
        counter = "death_ns" if what == "exit" else "call_ns"
        counters = {"cpus": count, **distribution(counter, time, 100), "tlb_ipis_per_operation": count - 1.0}
        ours = {"scheme": "host", "placement": "compact", "cpus": count, "question": what.split("/")[0]}
        ours |= {"kernel": host_kernel(), "pmu": "unavailable (none)"}
        made.append(entry(f"host_kernel/{what}/compact/cpus:{count}", counters, ours))
    return made


def host_kernel():
    """What is said of the kernel; the interrupts differ from window to window."""
    host_kernel.interrupts = getattr(host_kernel, "interrupts", 0) + 1
    return {
        "lazy_tlb": "refcount", "idle_driver": "intel_idle, governor menu",
        "interrupts": {"RES": host_kernel.interrupts}, "idle_share": "as it was got", "others": "as they were got",
        "idle_states": "unavailable (no cpuidle)",
    }  # fmt: skip


SPENT = {
    # By scheme, the share of their time that so many CPUs wait for the line; the rest is work.
    "refcount": lambda cpus: 1 - 1 / cpus,
    "shootdown": lambda cpus: 0.0,
    "hazptr": lambda cpus: 0.0,
}


def with_spent(entries):
    """Adds to windows of switch where the time of simulated CPUs went."""
    for window in entries:
        waiting = SPENT[window["mmscale"]["scheme"]](window["cpus"])
        parts = {"waiting": waiting * 0.75, "transfer_domain": waiting * 0.25, "work": 1 - waiting, "fences": 0.0}
        parts |= {"interrupts": 0.0, "spinning": 0.0}
        parts |= {f"transfer_{name}": 0.0 for name in ("smt_sibling", "package", "other_package", "other_group")}
        window |= {f"spent_{name}": value for name, value in parts.items()}
    return entries


def assessment(agreement="agree", gain=0.0123, workload=None, sharing=50.0):
    """The answer of mmscale assess. sharing: by how many ns a switch takes longer where the tasks share an mm."""

    def figure(median):
        return {"windows": 5, "median_ns": median, "interval_ns": {"low": median - 10.0, "high": median + 10.0, "confidence": 0.95}}

    point = {"cpus": 8, "threads": figure(5000.0), "processes": figure(5000.0 - sharing), "sharing": figure(sharing), "agreement": agreement}
    point |= {name: figure(45.0) for name in ("mm_count", "shootdown_spares", "hazptr_spares")}
    if gain is not None:
        point["most_gain"] = gain
    ours = {"family": "assess", "record": "assessment", "points": [point], "deaths": [], "in_words": "said <in> words"}
    if workload:
        ours["workload"] = workload
    return {
        "name": "assess/compact/cpus:2", "run_name": "assess/compact/cpus:2", "run_type": "aggregate", "repetitions": 5, "threads": 1,
        "aggregate_name": "assessment", "aggregate_unit": "time", "iterations": 1, "real_time": 0.0, "cpu_time": 0.0,
        "time_unit": "ns", "mmscale": ours,
    }  # fmt: skip


def replays(schemes=("refcount", "shootdown"), trace="make.mmtrace.gz", model="power9-2c", slower=1.0, **ours_too):
    """replay: one window for each scheme, as a simulated machine makes them. slower: times refcount's time takes so long."""
    made = []
    for scheme in schemes:
        counted = scheme.startswith("refcount")
        counters = {"cpus": 8, "mm_count_ops": 1700 if counted else 0, "lines_moved": 2700, "ipis_sent": 3,
                    "ipis_useful": 2, "ipis_useless": 1, "mms_freed": 76, "kernel_ns": 90000 * slower if counted else 81000, "real_time": 40.0,
                    "span_ns": 1000000.0,
                    **distribution("teardown_ns", 190.0, 76)}  # fmt: skip
        ours = {"world": "simulator", "scheme": scheme, "workload": trace, "lifecycle": "powerpc", "cpus": 8}
        ours |= {"window_ns": int(1000000 * slower), **ours_too}
        ours |= {"machine": model, "notes": ["1 tasks were there before the trace"], "sharing": "recorded"}
        made.append(entry(f"replay/{trace}/{scheme}/powerpc/cpus:8", counters, ours))
    return made
