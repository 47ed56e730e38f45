# SPDX-License-Identifier: MIT
"""mmscale replay from outside: a real kernel's own answer, every format, every kind of bad input."""

import gzip
import json
import re
import resource
from collections import Counter

import pytest
from conftest import ROOT, assert_refused
from synthetic_trace import write_trace

DATA = ROOT / "tests/trace/data"
KERNEL = DATA / "shootdown-kernel"
TRACES = ROOT / "results/traces"
BY_HAND = DATA / "by_hand.trace"
# Under a sanitizer these are all that are built.
SCHEMES = "refcount,shootdown,shootdown-exitflush,quiesce,mailbox"
# What must not depend on the world.
COUNTS = (
    *("mm_count_ops", "lazy_grabs", "lazy_drops", "lazy_grabs_unlazy", "lazy_drops_unlazy", "switches", "exits"),
    *("ipis_shoot", "ipis_exit_flush", "ipis_trim", "ipis_useful", "ipis_useless", "ipis_local"),
    *("mms_born", "mms_freed"),
)


def lines_of(name):
    return gzip.open(KERNEL / f"{name}.trace.gz", "rt").read().splitlines()


def queued_by_kernel(name):
    """What the traced kernel itself called on other CPUs and on its own, by function."""
    calls = Counter()
    for line in lines_of(name):
        found = re.search(r"(csd_queue_cpu|csd_function_entry): .*func=(\w+)", line)
        if found:
            calls[found.groups()] += 1
    return calls


def sched_only(name, path):
    """The trace without anything that the kernel says of its IPIs."""
    kept = [line for line in lines_of(name) if "csd_" not in line and "ipi_" not in line]
    assert 0 < len(kept) < len(lines_of(name))
    path.write_text("\n".join(kept) + "\n")
    return path


def compared(replay, name, tmp_path):
    """What replay makes of the scheduler's events; what the kernel counted: IPIs, calls on the dropping CPU."""
    path = sched_only(name, tmp_path / "sched.trace")
    record = replay(path, "--scheme", "shootdown-exitflush")["shootdown-exitflush"]
    kernel = queued_by_kernel(name)
    flushed, shot = (kernel["csd_queue_cpu", f"do_{what}_lazy_tlb"] for what in ("exit_flush", "shoot"))
    # Whom an IPI was sent for runs it, too.
    return record, flushed, shot, kernel["csd_function_entry", "do_shoot_lazy_tlb"] - shot


EXACT = {
    "pingpong2": (14, 36),
    "forks": (82, 1),
    "server": (2, 8),
    "leave": (2, 7),
    "wander": (12, 38),
    "fork-of-many": (10, 14),
    "exec-of-many": (14, 29),
    "kill-many": (8, 16),
    "pipes": (18, 1),
}
# Those that the events show: forks by a process of one thread.
TRIMS = {"pingpong2": 0, "forks": 1, "wander": 11}


@pytest.mark.parametrize("name", EXACT)
def test_a_real_shootdown_kernel_gives_the_same_answer(replay, tmp_path, name):
    """From the scheduler's events alone, exactly what that kernel counted."""
    record, flushed, shot, ran = compared(replay, name, tmp_path)
    assert (record["mms_freed"], record["ipis_exit_flush"]) == (ran, flushed) == EXACT[name]
    assert record["shoot_self"] == ran
    assert record["ipis_shoot"] == shot == 0
    assert record["ipis_trim"] == TRIMS.get(name, record["ipis_trim"])
    assert record["odd_missed_switch"] == record["odd_two_places"] == record["odd_either_cpu"] == 0
    assert record["mms_adopted"] == 1


@pytest.mark.parametrize("name, died", [("tree", 48), ("flush-alone", 2)])
def test_where_the_events_leave_more_than_one_answer_all_of_them_are_named(replay, tmp_path, name, died):
    """Every IPI that was not predicted is one of the doubts that were counted."""
    record, flushed, shot, _ = compared(replay, name, tmp_path)
    doubts = record["odd_came_back"] + record["odd_either_cpu"]
    assert record["mms_freed"] == died
    assert record["ipis_sent"] < flushed + shot <= record["ipis_sent"] + doubts


def test_flushes_of_several_threads_at_a_time_are_not_predicted(replay, tmp_path):
    record, flushed, shot, ran = compared(replay, "flush-together", tmp_path)
    doubts = record["odd_came_back"] + record["odd_either_cpu"]
    assert record["mms_freed"] == ran == 2
    assert flushed > record["ipis_exit_flush"] + doubts and shot == 0


def test_an_ipi_less_in_the_kernel_would_be_noticed(replay, tmp_path):
    """The comparison can fail: without the migrations of one process its IPIs are missing."""
    path = sched_only("pingpong2", tmp_path / "sched.trace")
    text = path.read_text()
    path.write_text("\n".join(line for line in text.splitlines() if "pid=199" not in line and "wl-199" not in line))
    record = replay(path, "--scheme", "shootdown-exitflush")["shootdown-exitflush"]
    assert record["ipis_exit_flush"] < queued_by_kernel("pingpong2")["csd_queue_cpu", "do_exit_flush_lazy_tlb"]


def as_perf_script(lines):
    """ftrace's lines as perf script would print the same events."""
    out = []
    for line in lines:
        found = re.match(r" *(.+)-(\d+) +\[(\d+)\] \S+ +([\d.]+): (\w+): (.*)", line)
        if found:
            comm, pid, cpu, time, event, body = found.groups()
            system = "task" if event == "task_newtask" else "sched"
            comm = "swapper" if comm == "<idle>" else comm
            out.append(f"{comm:>16} {pid:>5} [{cpu}] {time}: {system:>12}:{event}: {body}")
    return "\n".join(out) + "\n"


@pytest.mark.parametrize("name", ["pingpong2", "exec-of-many", "tree"])
def test_perf_script_says_the_same(replay, tmp_path, name):
    ftrace = sched_only(name, tmp_path / "sched.trace")
    perf = tmp_path / "perf.txt"
    perf.write_text(as_perf_script(ftrace.read_text().splitlines()))
    of_perf, of_ftrace = (
        replay(path, "--scheme", "shootdown-exitflush")["shootdown-exitflush"] for path in (perf, ftrace)
    )
    assert of_perf["mmscale"]["trace"] == "perf script text"
    doubts = ("odd_either_cpu", "odd_came_back", "odd_missed_switch")
    assert {c: of_perf[c] for c in COUNTS + doubts} == {c: of_ftrace[c] for c in COUNTS + doubts}


def test_all_schemes_conserve_on_a_made_up_trace(replay, tmp_path):
    """Births and deaths, migrations, threads and execs on many CPUs: everything adds up, and refcount counts most."""
    trace = tmp_path / "made-up.trace"
    write_trace(trace, 20_000, 16)
    records = replay(trace, "--scheme", SCHEMES)
    assert all(record["valid"] == 1 and not record["mmscale"]["audit"] for record in records.values())
    assert len({record["switches"] for record in records.values()}) == 1
    assert records["refcount"]["mm_count_ops"] > 10_000
    assert records["shootdown"]["mm_count_ops"] == 0 < records["shootdown"]["ipis_shoot"]


def test_the_same_twice(mmscale, tmp_path):
    trace = tmp_path / "made-up.trace"
    write_trace(trace, 3_000, 4)
    first, second = (mmscale("replay", trace, "--scheme", "refcount,shootdown", "--threads", n) for n in (1, 2))
    assert first.stdout == second.stdout != ""


def test_several_passes_where_memory_is_short(mmscale, tmp_path):
    """Thirty thousand processes alive at once: some 75 MiB for each scheme."""
    trace = tmp_path / "forks.trace"
    with open(trace, "w") as out:
        out.write("            init-1       [000] d.... 0.900000: sched_switch: prev_comm=init prev_pid=1 prev_prio=120 prev_state=S"
                  " ==> next_comm=swapper/0 next_pid=0 next_prio=120\n")  # fmt: skip
        for i in range(30_000):
            stamp = f"{1 + i // 1_000_000}.{i % 1_000_000:06d}"
            out.write(f"            init-1       [000] d.... {stamp}: task_newtask: pid={100 + i} comm=init clone_flags=1200000 oom_score_adj=0\n")

    def under(megabytes):
        limit = megabytes << 20
        return mmscale("replay", trace, "--scheme", SCHEMES, "--threads", "1",
                       preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))  # fmt: skip

    whole = mmscale("replay", trace, "--scheme", SCHEMES, "--threads", "1")
    assert (whole.returncode, whole.stderr) == (0, "")
    if mmscale("--version", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (600 << 20, 600 << 20))).returncode != 0:
        pytest.skip("a sanitizer's shadow takes more than may be used")
    short = under(600)
    assert short.returncode == 0 and short.stdout == whole.stdout
    assert re.fullmatch(r"mmscale: [2-5] passes over the trace: memory has no room for 5 schemes at once\n", short.stderr)
    assert_refused(under(130), 1, r".*tasks at a time: each scheme needs about \d+ MiB, \d+ may be used; --until, .*")


@pytest.mark.parametrize("name", ["make-j2", "http-server"])
def test_recordings_replay_alike_in_both_worlds(replay, allowed, name):
    if len(allowed) < 2:
        pytest.skip("needs two CPUs")
    trace = TRACES / f"{name}.mmtrace.gz"
    simulated = replay(trace)
    silicon = replay(trace, "--silicon")
    for scheme, record in simulated.items():
        assert {c: record[c] for c in COUNTS} == {c: silicon[scheme][c] for c in COUNTS}
    assert simulated["refcount"]["mmscale"]["world"] == "simulator"
    assert silicon["refcount"]["mmscale"]["world"] == "silicon"


def recorded_on(path, machine, kernel):
    """make-j2, as if recorded on another machine."""
    text = gzip.open(TRACES / "make-j2.mmtrace.gz").read()
    head, events = text.split(b"\n\n", 1)
    head = re.sub(rb"(?m)^kernel: .*$", b"kernel: " + kernel, head)
    path.write_bytes(re.sub(rb"(?m)^machine: .*$", b"machine: " + machine, head) + b"\n\n" + events)
    return path


@pytest.mark.parametrize(
    "machine, kernel, lifecycle, kind, why",
    [
        (b"x86_64", b"6.18.44-fc", "x86-2025", "x86", "that of the trace's kernel, Linux 6.18.44-fc on x86_64"),
        (b"x86_64", b"6.1.0", "x86-2017", "x86", "that of the trace's kernel, Linux 6.1.0 on x86_64"),
        (b"aarch64", b"6.12.0", "arm64", "arm", "that of the trace's kernel, Linux 6.12.0 on aarch64"),
        (b"ppc64le", b"6.12.0", "powerpc", "power", "that of the trace's kernel, Linux 6.12.0 on ppc64le"),
        (b"x86_64", b"2.6.32", "powerpc", "power", "no lifecycle is that of Linux 2.6.32 on x86_64"),
        (b"\xff\x1b[2J", b"6.1\x07" + b"9" * 200, "powerpc", "power", "no lifecycle is that of Linux 6.1?" + "9" * 76 + " on ??[2J"),
    ],
)
def test_rules_and_model_are_those_of_the_trace(replay, tmp_path, machine, kernel, lifecycle, kind, why):
    trace = recorded_on(tmp_path / "a.mmtrace", machine, kernel)
    ours = replay(trace, "--scheme", "refcount")["refcount"]["mmscale"]
    assert (ours["lifecycle"], ours["lifecycle_reason"]) == (lifecycle, why)
    assert json.loads((ROOT / f"machines/{ours['machine']}.json").read_text())["kind"] == kind
    # What is asked for comes first.
    ours = replay(trace, "--scheme", "refcount", "--lifecycle", "s390")["refcount"]["mmscale"]
    assert (ours["lifecycle"], ours["lifecycle_reason"]) == ("s390", "asked for")


def test_a_trace_on_all_models_of_its_kind(mmscale, tmp_path):
    out = tmp_path / "all.json"
    trace = TRACES / "make-j2.mmtrace.gz"
    done = mmscale("replay", trace, "--machine", "all", "--scheme", "refcount,shootdown", "--unsafe", "--out", out)
    assert done.returncode == 0, done.stderr
    models = [json.loads(path.read_text()) for path in (ROOT / "machines").glob("*.json")]
    names = {model["name"] for model in models if model["kind"] == "x86"}
    records = json.loads(out.read_text())["benchmarks"]
    by_scheme = {name: [one for one in records if one["mmscale"]["scheme"] == name] for name in ("refcount", "shootdown")}
    for scheme, ours in by_scheme.items():
        assert {one["mmscale"]["machine"] for one in ours} == names and len(ours) == len(names) > 5
        assert len({tuple(one[count] for count in COUNTS) for one in ours}) == 1
        assert all(("unsafe" in one["mmscale"]) == (scheme == "shootdown") for one in ours)
    assert len({one["name"] for one in records}) == len(records)
    parts = [shot["kernel_ns"] / counted["kernel_ns"] for counted, shot in zip(*by_scheme.values())]
    band = f"least to most of {len(names)} models: shootdown {min(parts):.2f} to {max(parts):.2f}"
    assert band in done.stdout and "no lifecycle" not in done.stdout
    # Of a machine whose hardware threads are numbered core by core, the first two are different cores all the same.
    assert all(len(set(one["mmscale"]["pus"])) == 2 and one["mmscale"]["lines_by_distance"]["smt-sibling"] == 0 for one in records)


def test_a_trace_of_three_months_is_replayed(replay, tmp_path):
    """The longest that is taken is 100 days: an event of one CPU after 92 days, in which all of them idle."""
    text, late = BY_HAND.read_text(), tmp_path / "late.trace"
    late.write_text(text.replace(" 1.029000: sched_process_exit", " 8000000.0: sched_process_exit"))
    assert late.read_text() != text
    (plain,), (slow,) = (list(replay(path, "--scheme", "refcount").values()) for path in (BY_HAND, late))
    assert all(slow[count] == plain[count] for count in COUNTS)


def test_idle_costs_what_is_said(replay):
    """Both IPIs of the trace interrupt a CPU that idles. Of its idle periods none is a second long, many are a millisecond."""
    words = (BY_HAND, "--scheme", "shootdown-exitflush")
    plain, slow, ticks, seldom = (
        replay(*words, *more)["shootdown-exitflush"]
        for more in ((), ("--idle-exit", "50us"), ("--nohz", "1000"), ("--nohz", "1"))
    )
    for record in (slow, ticks, seldom):
        assert all(record[count] == plain[count] for count in COUNTS)
    assert 95_000 < slow["kernel_ns"] - plain["kernel_ns"] < 105_000 and slow["mmscale"]["idle_exit_ns"] == 50_000
    assert ticks["kernel_ns"] > plain["kernel_ns"] == seldom["kernel_ns"]
    assert (ticks["mmscale"]["nohz_hz"], seldom["mmscale"]["nohz_hz"]) == (1000, 1)
    assert not {"idle_exit_ns", "nohz_hz"} & set(plain["mmscale"])


def test_the_console_explains(mmscale):
    done = mmscale("replay", BY_HAND, "--scheme", "refcount,shootdown-exitflush")
    assert "30 events, 0.029 s, 2 CPUs; 21 switches, 3 forks, 0 vforks, 1 threads, 1 execs, 4 exits" in done.stdout
    assert "kernel threads by TASK_IDLE: kworker/0:1-5" in done.stdout
    assert "every time below is the model's, every count the trace's" in done.stdout
    assert "lifecycle powerpc: the trace does not name its kernel; --lifecycle chooses" in done.stdout
    assert re.search(r"^refcount +22 ", done.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    "content, pattern",
    [
        (b"", "empty"),
        (b"# tracer: nop\nnonsense\n", r"line 2: not 'TASK-PID .*"),
        (b"# tracer: nop\n", "ftrace text without a sched_switch"),
        (b"mmscale-trace 1\nkernel: x\n\n\x01", "byte 28: the trace ends in the middle, without its end mark"),
        (b"\x17\x08\x44tracing6\0", "byte 0: libtracecmd .*"),
        (gzip.compress("".join(f"# {n * n}\n" for n in range(2000)).encode())[:2000], "byte .*: the gzip data ends .*"),
    ],
    ids=("empty", "no-trace", "no-switch", "cut", "garbage", "cut-gzip"),
)
def test_bad_files_are_named(mmscale, tmp_path, content, pattern):
    path = tmp_path / "bad"
    path.write_bytes(content)
    assert_refused(mmscale("replay", path), 1, f"{re.escape(str(path))}: {pattern}")


@pytest.mark.parametrize(
    "arguments, status, pattern",
    [
        (("/nonexistent",), 1, "/nonexistent: cannot be read: No such file or directory"),
        (("/dev/null",), 1, "/dev/null: no regular file: .*"),
        ((BY_HAND, "--scheme", "refcout"), 2, "--scheme: there is no 'refcout', did you mean 'refcount'.*"),
        ((BY_HAND, "--lifecycle", "x86"), 2, "--lifecycle: there is no 'x86'.*"),
        ((BY_HAND, "--machine", "nosuch"), 2, ".*nosuch.*"),
        ((BY_HAND, "--machine", "all", "--silicon"), 2, "--silicon and --machine: .*"),
        ((TRACES / "make-j2.mmtrace.gz", "--scheme", "shootdown"), 2, "--scheme shootdown: unsafe under lifecycle x86-2025: .*"),
        ((BY_HAND, "--machine", "power9-2c", "--silicon"), 2, "--silicon and --machine: .*"),
        ((BY_HAND, "--idle-exit", "2us", "--silicon"), 2, "--idle-exit: of a replay in virtual time; with --silicon no CPU idles"),
        ((BY_HAND, "--idle-exit", "1s"), 2, "--idle-exit: '1s' is not a duration from 0 to 100ms with a unit .*"),
        ((BY_HAND, "--nohz", "0"), 2, "--nohz: '0' is not a whole number from 1 to 100000"),
        ((BY_HAND, "--until", "5"), 2, "--until.*"),
        ((BY_HAND, "--cpu", "7"), 1, ".*: ftrace text without a sched_switch that the filters let through"),
        ((BY_HAND, "--comm", "nobody"), 1, ".*: no task is ever called 'nobody'"),
        ((BY_HAND, "--out", "/dev/null/x"), 1, "cannot write /dev/null/x: .*"),
    ],
)
def test_bad_arguments_are_named(mmscale, arguments, status, pattern):
    done = mmscale("replay", *arguments)
    assert done.returncode == status, done.stderr
    assert re.fullmatch(f"mmscale: {pattern}\n", done.stderr), done.stderr


def test_silicon_needs_as_many_cpus(mmscale, tmp_path, allowed):
    trace = tmp_path / "wide.trace"
    write_trace(trace, 50 * (len(allowed) + 1), len(allowed) + 1)
    assert_refused(mmscale("replay", trace, "--silicon"), 2, rf"--silicon: the trace has {len(allowed) + 1} CPUs, .*")


@pytest.mark.parametrize("name", ["-", "/dev/stdout"])
def test_records_on_standard_output_are_alone_there(mmscale, name):
    done = mmscale("replay", DATA / "by_hand.trace", "--scheme", "refcount", "--out", name)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["benchmarks"]) == 1
    assert "mm_count ops" in done.stderr


def test_every_lifecycle_has_a_line(mmscale, tmp_path):
    """Without --lifecycle: powerpc's table, and of all others what mainline has."""
    out = tmp_path / "replay.json"
    done = mmscale("replay", BY_HAND, "--out", out)
    assert done.returncode == 0
    described = json.loads(mmscale("describe", "--json").stdout)["commands"]
    options = next(one["options"] for one in described if one["name"] == "replay")
    schemes = {name: set() for name in next(one["choices"] for one in options if "--lifecycle" in one["names"])}
    for entry in json.loads(out.read_text())["benchmarks"]:
        schemes[entry["mmscale"]["lifecycle"]].add(entry["mmscale"]["scheme"])
    whole = schemes.pop("powerpc")
    assert {"refcount", "shootdown", "quiesce"} <= whole
    assert all("refcount" in some <= {"refcount", "shootdown"} for some in schemes.values())
    assert {"refcount", "shootdown"} == schemes["powerpc-hash"] and {"refcount"} == schemes["x86-2025"]
    lines = done.stdout.split("lifecycle  ")[-1].splitlines()[1:]
    assert [line.split()[0] for line in lines] == list(schemes)


def test_lifecycles_that_are_asked_for_have_tables(mmscale):
    done = mmscale("replay", BY_HAND, "--scheme", "refcount", "--lifecycle", "x86-2025,arm64")
    assert re.findall(r"under the rules of (\S+):", done.stdout) == ["x86-2025", "arm64"]
    assert len(re.findall(r"^refcount ", done.stdout, re.MULTILINE)) == 2
