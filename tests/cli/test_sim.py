# SPDX-License-Identifier: MIT
"""`mmscale sim` from outside: determinism, records, refusals."""

import json
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def sim(binary, needs_sim):
    """Runs `mmscale sim` with arguments."""

    def run(*arguments):
        """Options with a value each; of those given twice the last counts."""
        chosen = dict(zip(arguments[::2], arguments[1::2], strict=True))
        flat = [text for pair in chosen.items() for text in pair]
        return subprocess.run([binary, "sim", *flat], capture_output=True, text=True, check=False, timeout=60)

    return run


SMALL = ("--machine", "e5-2630v4-2s", "--lifecycle", "powerpc", "--workload", "idle", "--window", "20us", "--out", "-")


def without_dates(text):
    """A record file whose time stamp is gone."""
    document = json.loads(text)
    document["context"].pop("date")
    return json.dumps(document)


def test_the_same_command_twice_gives_the_same_to_the_byte(sim):
    command = (*SMALL, "--scheme", "refcount,shootdown", "--cpus", "1,7,40", "--workload", "idle,exit", "--seed", "5")
    first, second = sim(*command), sim(*command)
    assert first.returncode == 0, first.stderr
    assert without_dates(first.stdout) == without_dates(second.stdout)
    assert first.stderr == second.stderr


def test_the_seed_matters_where_the_model_draws(sim, tmp_path):
    model = json.loads((ROOT / "machines/e5-2630v4-2s.json").read_text(encoding="utf-8"))
    model["arbitration"] = "random"
    path = tmp_path / "random.json"
    path.write_text(json.dumps(model), encoding="utf-8")
    texts = []
    for seed in ("1", "1", "2"):
        done = sim(*SMALL, "--machine", str(path), "--scheme", "refcount", "--cpus", "40", "--seed", seed)
        assert done.returncode == 0, done.stderr
        texts.append(json.dumps(json.loads(done.stdout)["benchmarks"]))
    assert texts[0] == texts[1] != texts[2]


def test_where_the_time_went_adds_up(sim):
    done = sim(*SMALL, "--scheme", "refcount,shootdown", "--cpus", "1,40", "--workload", "idle,exit")
    assert done.returncode == 0, done.stderr
    for record in json.loads(done.stdout)["benchmarks"]:
        parts = dict(record["mmscale"]["simulator"]["time_ps"])
        total = parts.pop("total")
        transfer = parts.pop("transfer")
        assert sum(parts.values()) + sum(transfer.values()) == total
        # Virtual windows are in whole ns; what is cut off at both ends is no more than that for each CPU.
        windows = sum(cpu["end_ns"] - cpu["start_ns"] for cpu in record["mmscale"]["per_cpu"])
        assert abs(total - 1000 * windows) <= 1000 * record["cpus"]
        shares = {name: value for name, value in record.items() if name.startswith("spent_")}
        assert len(shares) == len(parts) + len(transfer) and sum(shares.values()) == pytest.approx(1)
        assert shares["spent_waiting"] == parts["waiting"] / total


def test_bounce_has_the_figures_that_silicon_has(sim):
    done = sim(*SMALL, "--family", "bounce", "--scheme", "refcount,shootdown", "--cpus", "1,20,40")
    assert (done.returncode, "not used by" in done.stderr) == (0, False), done.stderr
    records = {record["name"]: record for record in json.loads(done.stdout)["benchmarks"]}
    assert len(records) == 6
    for record in records.values():
        total = record["exchanges"]
        for level in record["mmscale"]["bounce"]["levels"]:
            assert sum(map(sum, level["taken"])) == total
        (finest, *_) = record["mmscale"]["bounce"]["levels"]
        if finest["level"] == "pu":
            own = sum(finest["taken"][at][at] for at in range(len(finest["ids"])))
            assert record["transfers"] == total - own
    # A model of two sockets: refcount's line goes between them, and shootdown's mm has none that changes hands.
    counted = records["bounce/refcount/idle/all/compact/cpus:40"]
    assert counted["mmscale"]["bounce"]["line"].endswith("mm_count") and counted["share_other_package"] > 0
    waits = [value for name, value in counted.items() if name.startswith("wait_ns_")]
    assert counted["wait_ns_other_package"] in waits and min(waits) > 0
    assert records["bounce/shootdown/idle/all/compact/cpus:40"]["transfers"] == 0
    exchanged = records["bounce/exchange/compact/cpus:40"]
    shares = sum(value for name, value in exchanged.items() if re.fullmatch("share_[a-z_]*(sibling|llc|die|package|unknown)", name))
    assert shares == pytest.approx(1)


def test_the_models_are_listed_with_what_they_are(mmscale, needs_sim):
    done = mmscale("sim", "--machine", "list")
    listed = {line.split()[0]: line for line in done.stdout.splitlines()}
    assert done.returncode == 0 and set(listed) == {path.stem for path in (ROOT / "machines").glob("*.json")}
    assert "1536 CPUs: 16 sockets of 12 cores of 8 hardware threads" in listed["power8-16s"]


def test_records_say_that_they_are_simulated_and_what_lines_did(sim):
    done = sim(*SMALL, "--scheme", "refcount", "--cpus", "40")
    assert done.stderr.startswith("SIMULATED, not measured: e5-2630v4-2s")
    # A CPU of a model is a hardware thread, and every number on the screen is marked.
    assert "40 CPUs: 2 sockets of 10 cores of 2 hardware threads" in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("switch/")]
    assert all(word.startswith("~") for word in line.split()[1:] if word[-1].isdigit() and "/" not in word), line
    document = json.loads(done.stdout)
    assert document["context"]["mmscale_world"] == "simulator"
    record = document["benchmarks"][0]["mmscale"]
    assert (record["world"], record["machine"]) == ("simulator", "e5-2630v4-2s")
    busiest = record["simulator"]["lines"][0]
    assert busiest["what"].startswith("mm ") and busiest["what"].endswith(", mm_count")
    assert busiest["waited_ns"] > 0 and busiest["queue_mean"] > 1
    assert sum(busiest["kept_ns_by_package"]) > 0
    assert busiest["moved"]["domain"] > 0 and busiest["moved"]["other-package"] > 0


def test_a_private_pair_costs_two_atomics_and_nothing_else(sim):
    done = sim("--machine", "xeon8176-8s", "--family", "floor", "--loop", "private", "--cpus", "1,448", "--out", "-")
    for record in json.loads(done.stdout)["benchmarks"]:
        assert record["ns_per_pair"] == pytest.approx(14, abs=0.05)


@pytest.mark.parametrize("family", ["switch", "bounce", "floor"])
def test_records_follow_the_schema(sim, tmp_path, family):
    """Also those of schemes whose CPUs exchange nothing in the line."""
    path = tmp_path / "records.json"
    schemes = () if family == "floor" else ("--lifecycle", "powerpc", "--scheme", "refcount,shootdown")
    done = sim("--machine", "e5-2630v4-2s", "--family", family, *schemes, "--cpus", "2,4", "--out", str(path))
    assert done.returncode == 0, done.stderr
    valid = subprocess.run([ROOT / "scripts" / "validate", path], capture_output=True, text=True, check=False)
    assert (valid.returncode, valid.stderr) == (0, "")


def test_delays_differ_from_round_to_round(sim):
    """Or CPUs would be in step, which none keep on a machine."""
    done = sim("--machine", "xeon8176-8s", "--family", "floor", "--loop", "private", "--delay", "1000", "--cpus", "16",
               "--window", "200us", "--out", "-")  # fmt: skip
    record = json.loads(done.stdout)["benchmarks"][0]
    assert len({cpu["rounds"] for cpu in record["mmscale"]["per_cpu"]}) > 1
    assert record["ns_per_pair"] == pytest.approx(1014, rel=0.02)


def test_a_pair_of_one_socket_pays_for_the_way_to_the_lines_home(sim):
    def one_way(home):
        done = sim("--machine", "epyc7742-2s", "--family", "floor", "--loop", "pass", "--cpus", "2", "--home", home,
                   "--placement", "0,8", "--out", "-")  # fmt: skip
        assert done.returncode == 0, done.stderr
        return 1e9 / json.loads(done.stdout)["benchmarks"][0]["pairs_per_second"]

    # The first is the machine file's own number; the second has two legs to another package for two within it.
    assert one_way("0") == pytest.approx(132.1, abs=0.1)
    assert one_way("1") == pytest.approx(266.6, abs=0.1)


def test_a_scaled_machine_is_another_one_to_readers(sim):
    def host(*options):
        done = sim(*SMALL, "--scheme", "refcount", "--cpus", "1", *options)
        return json.loads(done.stdout)["context"]["host_name"]

    plain = host()
    assert host("--scale", "1", "--seed", "1") == plain
    assert host("--scale", "0.5", "--seed", "3") == f"{plain} x0.5 seed 3"


def test_scale_multiplies_what_a_contended_line_costs(sim):
    def pair(scale):
        done = sim(*SMALL, "--family", "floor", "--loop", "incdec", "--cpus", "20", "--scale", scale)
        return json.loads(done.stdout)["benchmarks"][0]["ns_per_pair"]

    assert pair("2") == pytest.approx(2 * pair("1"), rel=0.05)


@pytest.mark.parametrize("machine, cpus", [("power9-2c", "3"), ("epyc-gen1-2s", "3,5"), ("power8-16s", "5")])
def test_a_loop_that_passes_over_some_for_ever_ends(sim, machine, cpus):
    """First come first served, one CPU never wins a compare-and-swap."""
    loop = ("--family", "floor", "--loop", "cas", "--cpus", cpus, "--window", "2us", "--out", "-")
    done = sim("--machine", machine, *loop)
    windows = json.loads(done.stdout)["benchmarks"]
    assert done.returncode == 0 and len(windows) == len(cpus.split(","))
    assert all(window["max_min_ratio"] > 10 for window in windows)


@pytest.mark.parametrize(
    "arguments, complaint",
    [
        (("--machine", "vax"), "--machine: there is no 'vax'"),
        (("--cpus", "41"), "machine e5-2630v4-2s"),
        (("--scheme", "nothing"), "nothing"),
        (("--scheme", "untracked"), "--unsafe"),
        (("--family", "line"), "line"),
        (("--loop", "hle", "--family", "floor"), "hle"),
        (("--home", "2"), "--home 2"),
        (("--scale", "0"), "--scale: '0' is not a number from 0.001 to 1000"),
        (("--between", "-1", "--family", "floor"), "--between: '-1'"),
        (("--lifetime", "3"), "--lifetime 3"),
        (("--seed", "-1"), "--seed: '-1' is not a whole number"),
        (("--scale", "nan"), "--scale: 'nan'"),
        (("--window", "1ns"), "--window: '1ns' is shorter than 100ns"),
        (("--window", "5"), "--window"),
    ],
)
def test_refuses_in_one_line(sim, arguments, complaint):
    done = sim(*SMALL, "--scheme", "refcount", "--cpus", "1", *arguments)
    assert done.returncode != 0
    assert done.stdout == ""
    assert complaint in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr


@pytest.mark.parametrize(
    "key, value, complaint",
    [
        ("cpus", 39, "'cpus' is 39"),
        ("domain", "rack", "'domain'"),
        ("one_way_ns", {}, "class 'domain' is missing"),
        ("costs_ns", {"atomic": {"value": -1, "quality": "E", "source": "x"}}, "negative"),
    ],
)
def test_refuses_impossible_machine_files(sim, tmp_path, key, value, complaint):
    model = json.loads((ROOT / "machines/e5-2630v4-2s.json").read_text(encoding="utf-8"))
    model[key] = value
    if key == "one_way_ns":
        model[key] = {"smt-sibling": {"value": 8, "quality": "E", "source": "x"}}
    path = tmp_path / "broken.json"
    path.write_text(json.dumps(model), encoding="utf-8")
    done = sim(*SMALL, "--machine", str(path))
    assert done.returncode == 1
    assert "broken.json" in done.stderr and complaint in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_predictions_in_the_document_are_what_comes_out(sim, binary):
    assert sim(*SMALL, "--scheme", "refcount", "--cpus", "1").returncode == 0
    check = [str(ROOT / "scripts/validate-simulator"), "--binary", binary, "--check"]
    done = subprocess.run(check, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr


def test_the_headline_prints_the_published_ratio_beside_its_own_alone(sim, binary, tmp_path):
    assert sim(*SMALL, "--scheme", "refcount", "--cpus", "1").returncode == 0
    command = [str(ROOT / "scripts/headline"), "--binary", binary, "--cpus", "24,1", "-o", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "published" not in done.stdout
    published = subprocess.run([*command, "--cpus", "1536"], capture_output=True, text=True, check=False, timeout=120)
    assert "; published 118" in published.stdout
    assert "all latencies x 0.5" in done.stdout and "all latencies x 2" in done.stdout
    assert (tmp_path / "refcount.json").exists()
    broken = subprocess.run([*command, "--machine", "vax"], capture_output=True, text=True, check=False, timeout=60)
    assert broken.returncode == 1
    assert "there is no 'vax'" in broken.stderr
    # Whose tree it was is nobody's affair who gets the record.
    recorded = json.loads((tmp_path / "refcount.json").read_text())["context"]["command_line"]
    assert not recorded.startswith("/") and recorded.split()[0].endswith("mmscale")


def test_the_rest_of_a_switch_bounds_what_a_scheme_gains(sim, tmp_path):
    command = (*SMALL, "--scheme", "refcount,shootdown", "--cpus", "8", "--window", "200us", "--out", str(tmp_path / "r.json"))
    bare, rested = sim(*command), sim(*command, "--rest-of-switch", "1000")
    assert rested.returncode == 0, rested.stderr
    assert "x refcount" not in bare.stdout
    assert "Bounds" in rested.stdout
    rates = {}
    for record in json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["benchmarks"]:
        rates[record["mmscale"]["scheme"]] = record["switches_per_second"]
    # Eight threads on four cores: each has half of one, and two line transfers are little beside 2 us.
    assert rates["shootdown"] == pytest.approx(8 / 2e-6, rel=0.05)
    assert 1 < rates["shootdown"] / rates["refcount"] < 1.2

    # A rest that has grown leaves less to gain.
    short = sim(*command, "--rest-of-switch", "200")
    gain = re.search(r"shootdown.*: ~([\d.]+) to at most ~([\d.]+) x refcount, 400 ns", short.stdout)
    assert 1 < float(gain[1]) < float(gain[2])

    table = tmp_path / "rest"
    table.write_text("# CPUs ns\n2 500\n16, 4000\n", encoding="utf-8")
    done = sim(*command, "--rest-of-switch", str(table))
    assert done.returncode == 0 and "2000 ns of a switch being the rest" in done.stdout
    assert "Bounds" not in done.stdout and "at most" not in done.stdout
    # What two CPUs measured is a table, too.
    table.write_text("8 4000\n", encoding="utf-8")
    done = sim(*command, "--rest-of-switch", str(table))
    assert done.returncode == 0 and "4000 ns of a switch being the rest" in done.stdout and "Bounds" not in done.stdout
    done = sim(*command, "--rest-of-switch", "200", "--scheme", "shootdown")
    assert done.returncode == 0 and "refcount's switches in the same case, and there are none" in done.stdout


def test_what_two_rests_say_is_a_bound_whichever_is_more(sim):
    """refcount-packed on two CPUs of the Graviton gains a little more where the rest is longer."""
    done = sim("--machine", "graviton1", "--workload", "idle", "--scheme", "refcount,refcount-packed,nonlazy", "--cpus", "1,2",
               "--window", "50us", "--rest-of-switch", "200")  # fmt: skip
    said = re.findall(r"~([\d.]+) to at (least|most) ~([\d.]+) x refcount", done.stdout)
    assert {how for _, how, _ in said} == {"least", "most"}
    for grown, how, given in said:
        assert (float(given) <= float(grown)) if how == "least" else (float(grown) <= float(given))


def test_what_is_drawn_has_a_mean(binary, needs_sim):
    command = [binary, "sim", "--machine", "graviton1", "--random-think", "--cpus", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr.startswith("mmscale: --random-think: of what mean?")) == (2, True)


def test_what_comes_between_switches_is_in_bounces_too(sim, tmp_path):
    command = (*SMALL, "--scheme", "refcount", "--workload", "idle", "--cpus", "8", "--window", "200us")
    ns = []
    for more in ((), ("--rest-of-switch", "1000")):
        done = sim(*command, "--family", "bounce", *more, "--out", str(tmp_path / "b.json"))
        assert done.returncode == 0, done.stderr
        record = json.loads((tmp_path / "b.json").read_text(encoding="utf-8"))["benchmarks"][-1]
        ns.append(record["cpus"] * 1e9 / record["exchanges_per_second"])
    # Two CPUs a core.
    assert record["mmscale"]["rest_of_switch"] == "1000" and ns[1] == pytest.approx(2000, rel=0.1) and ns[0] < 500


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("2 500\n2 600\n", "line 2: 2 CPUs stand there twice"),
        ("2 500\nfour 600\n", "line 2"),
        ("2 500\n", "no row for 8 CPUs"),
        ("# CPUs ns\n", "has no line with"),
        ("8 500\n2 null\n", "line 2: '2 null' is not a number of CPUs and the ns"),
        ("1 500\n4 600\n", "no row for 8 CPUs"),
    ],
)
def test_a_table_of_the_rest_is_refused_with_its_line(sim, tmp_path, text, complaint):
    table = tmp_path / "rest"
    table.write_text(text, encoding="utf-8")
    done = sim(*SMALL, "--scheme", "refcount", "--cpus", "8", "--rest-of-switch", str(table))
    assert done.returncode == 2
    assert complaint in done.stderr


def test_rules_are_those_of_the_models_kind(sim):
    done = sim("--machine", "e5-2630v4-2s", "--workload", "idle", "--scheme", "shootdown", "--cpus", "2")
    assert done.returncode == 2
    assert "unsafe under lifecycle x86-2024" in done.stderr


def test_concurrency_ids_bring_false_sharing_back(sim):
    """Before c1753fd02a00 mm_count was in the line that switch_mm_cid reads; x86 reads nothing else of it."""

    def costs(mm_cid):
        done = sim(*SMALL, "--machine", "xeon8176-8s", "--scheme", "refcount,refcount-packed", "--workload", "idle", "--cpus", "28",
                   "--lifecycle", "x86-2024", "--mm-cid", mm_cid)  # fmt: skip
        assert done.returncode == 0, done.stderr
        records = json.loads(done.stdout)["benchmarks"]
        assert {record["mmscale"]["mm_cid"] for record in records} == {mm_cid}
        return {record["mmscale"]["scheme"]: record["ns_per_switch"] for record in records}

    without, with_ids = costs("off"), costs("v6.4")
    # Chance, which decides whose turn it is, has another line to decide on.
    assert without["refcount-packed"] == pytest.approx(without["refcount"], rel=0.02)
    assert with_ids["refcount-packed"] > 1.1 * with_ids["refcount"]


def test_a_locks_queue_is_in_an_order_that_the_seed_draws(sim):
    def tail(seed):
        loop = ("--family", "floor", "--loop", "mcs", "--inside", "1000", "--cpus", "40", "--placement", "smt-last")
        done = sim("--machine", "westmere-8s", *loop, "--window", "400us", "--seed", str(seed), "--out", "-")
        return json.loads(done.stdout)["benchmarks"][0]["mmscale"]["simulator"]["lines"]

    one, again, other = map(tail, (1, 1, 2))
    assert one == again and one != other
    # Of 39 others 9 are in the own socket; in the order of the sockets it would be 9 hand-offs of 10.
    moved = next(line for line in one if line["what"] == "the shared line")["moved"]
    assert moved["domain"] < 0.5 * sum(moved.values())


def test_with_more_tasks_than_cpus_a_borrow_is_one_switch_of_many(sim):
    def records(tasks, cpus):
        options = ("--tasks-per-cpu", str(tasks), "--cpus", str(cpus), "--scheme", "shootdown,refcount")
        done = sim(*SMALL, *options)
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)["benchmarks"]
        assert {record["mmscale"].get("tasks_per_cpu", 1) for record in found} == {tasks}
        return {record["mmscale"]["scheme"]: record["ns_per_switch"] for record in found}

    # On one CPU what a borrow costs more under one scheme is paid once in N + 1 switches; where all wait for the line, the rate of
    # borrows is the line's.
    counts = {tasks: (alone := records(tasks, 1))["refcount"] - alone["shootdown"] for tasks in (1, 3, 7)}
    assert counts[1] == pytest.approx(2 * counts[3], rel=0.05) and counts[1] == pytest.approx(4 * counts[7], rel=0.05)
    contended = {tasks: records(tasks, 10)["refcount"] for tasks in (1, 3)}
    assert contended[1] == pytest.approx(2 * contended[3], rel=0.1)


def test_what_a_death_costs_besides_is_paid_once_for_each_process(sim):
    def ns_per_life(ticks):
        options = ("--death-ticks", str(ticks)) if ticks else ()
        done = sim(*SMALL, "--workload", "exit", "--lifetime", "8", "--cpus", "2", "--scheme", "refcount", "--window", "500us", *options)
        (record,) = json.loads(done.stdout)["benchmarks"]
        assert record["mmscale"].get("death_ticks", 0) == ticks
        return record["ns_per_round"]

    bare, small, large = map(ns_per_life, (0, 4000, 8000))
    assert small - bare == pytest.approx(large - small, rel=0.05) and small > 2 * bare


def switches_per_second(sim, *options):
    """The one record of a simulation, and its switches per second."""
    done = sim("--machine", "power8-16s", "--out", "-", "--window", "50us", *options)
    assert done.returncode == 0, done.stderr
    (record,) = json.loads(done.stdout)["benchmarks"]
    return record, record["switches_per_second"]


def test_ticks_that_stop_cost_what_all_share_and_more_the_more_often(sim):
    options = ("--workload", "idle", "--scheme", "shootdown", "--cpus", "64")
    seldom, often, always = (switches_per_second(sim, *options, "--nohz", every)[1] for every in ("100000", "20", "1"))
    assert seldom > 2 * often > 6 * always
    record, _ = switches_per_second(sim, *options, "--nohz", "20")
    assert record["mmscale"]["nohz_every"] == 20 and record["mmscale"]["audit"] == []


def test_who_shoots_waits_for_the_idle_to_wake(sim):
    def ns_per_life(exit_ns, machine="power8-16s"):
        idle = ("--idle-exit", exit_ns) if exit_ns else ()
        record, _ = switches_per_second(sim, "--machine", machine, "--workload", "exit", "--lifetime", "8", "--cpus", "2",
                                        "--scheme", "shootdown", "--lifecycle", "powerpc", "--window", "500us", *idle)  # fmt: skip
        return record["mmscale"].get("idle_exit_ns", 0), record["ns_per_round"]

    (none, bare), (some, small), (more, large) = ns_per_life(None), ns_per_life("5us"), ns_per_life("10us")
    assert (none, some, more) == (0, 5000, 10000), "nobody knows how long a POWER8 takes"
    assert small - bare == pytest.approx(large - small, rel=0.2) and 2500 < small - bare < 5500
    assert ns_per_life(None, "xeon8176-8s")[0] == 2000
    assert ns_per_life("0", "xeon8176-8s")[0] == 0


def test_a_registered_process_pays_the_barrier_that_others_are_spared(binary, needs_sim):
    def ns(scheme, *options):
        command = [binary, "sim", *SMALL, "--cpus", "2", "--scheme", scheme, *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        (record,) = json.loads(done.stdout)["benchmarks"]
        assert record["mmscale"].get("registered", False) == bool(options)
        return record["ns_per_switch"]

    assert ns("shootdown-registered") < ns("shootdown") - 5
    assert ns("shootdown-registered", "--registered") >= ns("shootdown", "--registered")
