# SPDX-License-Identifier: MIT
"""What the command refuses: one line on standard error, the right exit status, nothing on standard output."""

import os
import re

import pytest
from conftest import QUICK, ROOT, assert_refused, complaints

USAGE = [
    ((), "a command is missing; there are .*bench.*"),
    (("frob",), "command: there is no 'frob'; there are .*"),
    (("topp",), "command: there is no 'topp', did you mean 'topo'\\?; there are .*"),
    (("--frob",), "unknown argument '--frob'; mmscale --help lists them"),
    (("bench", "--frob"), "unknown argument '--frob'; mmscale bench --help lists them"),
    (("bench", "--deep-idel"), "unknown argument '--deep-idel', did you mean '--deep-idle'\\?; mmscale bench .*"),
    (("replay", "x", "--schme=all"), "unknown argument '--schme=all', did you mean '--scheme'\\?; mmscale replay .*"),
    (("check", "--lifecyle", "arm64"), "unknown argument '--lifecyle', did you mean '--lifecycle'\\?; mmscale check .*"),
    (("replay",), "replay: FILE is missing; mmscale replay --help says what it is"),
    (("bench", "--scheme", "a\n\x1b[31mb"), r"--scheme: there is no 'a\\n\\x1b\[31mb'; there are .*"),
    (("replay", str(ROOT / "tests/trace/data/by_hand.trace"), "--machine", "power9-2"), "--machine: there is no 'power9-2', did you mean 'power9-2c'\\?; .*"),
    (("bench", "frob"), "unknown argument 'frob'; mmscale bench --help lists them"),
    # "--out=$FILE" where FILE is not set: the next word is not its value.
    (("bench", "--out=", "--dry-run"), "--out: its value is empty"),
    (("bench", "--out", "", "--dry-run"), "--out: its value is empty"),
    (("topo", "--xml", ""), "--xml: its value is empty"),
    (("topo", "--frob"), ".*--frob.*"),
    (("schemes", "--frob"), ".*--frob.*"),
    (("bench", "--scheme", "refcout"), "--scheme: there is no 'refcout', did you mean 'refcount'\\?; there are .*"),
    (("bench", "--scheme", "banana"), "--scheme: there is no 'banana'; there are .*"),
    (("bench", "--scheme", "refcount,"), "--scheme: there is no ''; there are .*"),
    (("bench", "--workload", "idel"), "--workload: there is no 'idel', did you mean 'idle'\\?; there are .*"),
    (("bench", "--family", "swich"), "--family: there is no 'swich', did you mean 'switch'\\?; there are .*"),
    (("bench", "--lifecycle", "pwerpc"), "--lifecycle: there is no 'pwerpc', did you mean 'powerpc'\\?; there are .*"),
    (("bench", "--transport", "carrier"), "--transport: there is no 'carrier'; there are .*"),
    (("bench", "--mm-cid", "on"), "--mm-cid: there is no 'on'; there are off, v6.4"),
    (("bench", "--sharing", "packge"), "--sharing: unknown sharing 'packge'; .*; did you mean 'package'\\?"),
    (("bench", "--sharing", "0"), "--sharing: unknown sharing '0'; .*"),
    (("bench", "--placement", "compcat"), "--placement: unknown placement 'compcat'; .*; did you mean 'compact'\\?"),
    (("bench", "--placement", "0,0"), "CPU 0 of the list is named twice; .*"),
    (("bench", "--placement", "0,99999"), "CPU 99999 of the list does not exist; .*"),
    (("bench", "--home", "4711"), "--home 4711: this machine has no such NUMA node .*"),
    (("bench", "--home", "x"), ".*--home.*"),
    (("bench", "--window", "0"), "--window: '0' is not a duration above 0 with a unit .*"),
    (("bench", "--window", "-5ms"), "--window: '-5ms' is not a duration above 0 .*"),
    (("bench", "--window=-5ms"), "--window: '-5ms' is not a duration above 0 .*"),
    (("bench", "--window", "5"), "--window: '5' is not a duration above 0 with a unit .*"),
    (("bench", "--warm", "soon"), "--warm: 'soon' is not a duration .*"),
    (("bench", "--budget", "0s"), "--budget: '0s' is not a duration above 0 .*"),
    *(
        ((*command, option, text), f"{option}: " + (f"'{re.escape(text)}' is not a (whole )?number from {least} to {most}" if text else "its value is empty"))
        for command, option, least, most in (
            (("bench",), "--reps", 1, 1000000),
            (("bench",), "--lifetime", 2, 4294967295),
            (("bench",), "--batch", 1, r"\d+"),
            (("check",), "--steps", 0, r"\d+"),
            (("check",), "--bound", 0, 1000000),
            (("calibrate",), "--reps", 1, 1000000),
            (("record",), "--buffer", 64, 1048576),
            (("replay", "x"), "--threads", 0, 4096),
        )
        for text in ("-1", "-5", "many", "", "0x10", "1e3", "3.5", "nan", "inf", "+7", "99999999999999999999")
    ),
    (("bench", "--reps", "0"), "--reps: '0' is not a whole number from 1 to 1000000"),
    (("bench", "--exits", "1,,2"), "--exits: '' is not a whole number from 0 to 500000"),
    (("replay", "x", "--tick-rate", "nan"), "--tick-rate: 'nan' is not a number from 0.001 to 1000000000000"),
    (("bench", "--window", "1ns"), "--window: '1ns' is shorter than 100us, in which nothing could be counted"),
    (("bench", "--window", "infs"), "--window: 'infs' is not a duration above 0 with a unit .*"),
    (("bench", "--benchmark_min_time=inf"), "--benchmark_min_time=inf: seconds, from 0 to 1000000"),
    (("bench", "--benchmark_min_time=nan"), "--benchmark_min_time=nan: seconds, from 0 to 1000000"),
    (("bench", "--benchmark_min_warmup_time=inf"), "--benchmark_min_warmup_time=inf: seconds, from 0 to 1000000"),
    (("bench", "--benchmark_time_unit=h"), "--benchmark_time_unit=h: there are ns, us, ms, s"),
    (("bench", "--dry-run=maybe"), "--dry-run: 'maybe' is neither true nor false"),
    (("bench", "--irqs-off-activate-mm=maybe"), "--irqs-off-activate-mm: 'maybe' is neither true nor false"),
    (("bench", "--irqs-on-activate-mm=99999999999999999999"), "a flag's value is neither true nor false, but a number beyond 64 bits"),
    (("bench", "--benchmark_repetitions=-1"), "--benchmark_repetitions=-1: a number from 1 to 1000000"),
    (("bench", "--lifetime", "3"), "--lifetime 3: must be an even number .*"),
    (("bench", "--hotplug", "never"), "--hotplug: there is no 'never'; there are before, after"),
    (("bench", "--migrate-every", "1"), "--migrate-every: '1' is neither 0 nor a whole number from 2 to 4294967295"),
    (
        ("bench", "--scheme", "shootdown", "--lifecycle", "x86-2017"),
        "--scheme shootdown: unsafe under lifecycle x86-2017: .*; safe with --lifecycle powerpc; --unsafe runs it all the same",
    ),
    (
        ("bench", "--scheme", "shootdown", "--lifecycle", "arm64"),
        "--scheme shootdown: unsafe under lifecycle arm64 without --irqs-off-activate-mm: .*; --unsafe .*",
    ),
    (
        ("bench", "--scheme", "shootdown", "--workload", "hotplug", "--hotplug", "before", "--lifecycle", "powerpc"),
        "--scheme shootdown: unsafe with --hotplug before: .*21641bd9a7a7.*; --unsafe .*",
    ),
    (("bench", "--think", "-1"), ".*--think.*"),
    (("bench", "--cpus", "0"), "--cpus 0: '0' is not a count from 1 to .*"),
    (("bench", "--cpus", "some"), "--cpus some: 'some' is not a count from 1 to .*"),
    (("bench", "--benchmark_filter=no/such"), "--benchmark_filter=no/such: no case has such a name"),
    (("bench", "--benchmark_filter=("), "--benchmark_filter=\\(: .*"),
    (("bench", "--benchmark_format=xml"), "--benchmark_format=xml: there are console, json, csv"),
    (("bench", "--benchmark_out_format=xml"), "--benchmark_out_format=xml: there are console, json, csv"),
    (("bench", "--benchmark_repetitions=x"), "--benchmark_repetitions=x: a number from 1 to 1000000"),
    (("bench", "--benchmark_repetitions="), "--benchmark_repetitions: its value is empty"),
    (("bench", "--out", "a", "--benchmark_out=b"), "--out and --benchmark_out are the same file; .*"),
    (("bench", "--out", "a", "--benchmark_out=./a", "--benchmark_out_format=csv"), "--out and --benchmark_out are the same file; .*"),
    (("replay", "x", "--out", "-", "--timeline", "/dev/stdout"), "--timeline /dev/stdout: --out is the same file"),
    (("bench", "--out", "-", "--benchmark_format=csv"), "--out - and --benchmark_format=csv: .*"),
]


@pytest.mark.parametrize("command", [("topo", "--xml"), ("replay",), ("--config",)])
def test_a_stream_of_the_kernel_that_looks_like_a_file(mmscale, command):
    assert_refused(mmscale(*command, "/proc/kmsg"), 2 if command == ("--config",) else 1, ".*/proc/kmsg.*: (no end: .*|cannot be read: .*)")


@pytest.mark.parametrize("arguments, pattern", USAGE, ids=lambda value: " ".join(value) if type(value) is tuple else "")
def test_a_command_line_that_makes_no_sense(mmscale, arguments, pattern):
    assert_refused(mmscale(*arguments), 2, pattern)


def test_more_cpus_than_allowed(mmscale, allowed):
    many = len(allowed) + 1
    done = mmscale("bench", "--cpus", many)
    assert_refused(done, 2, f"--cpus {many}: {many} CPUs asked for, \\d+ can be used \\(.+\\)")


@pytest.mark.parametrize("flag", ["--benchmark_frob=1", "--benchmark_min_time=abc", "--benchmark_context=color"])
def test_flags_that_google_benchmark_refuses(mmscale, flag):
    done = mmscale("bench", "--family", "floor", "--cpus", 1, "--reps", 1, *QUICK, flag)
    assert done.returncode == 2
    assert len(complaints(done)) == 1
    assert flag in complaints(done)[0]
    # What was planned, with which counters, and why not; no word of Google Benchmark's own.
    # A value that could never end the run is refused before anything is planned.
    assert len(done.stderr.splitlines()) in (1, 3)
    assert not done.stdout


def test_an_unsafe_scheme_without_unsafe(mmscale):
    done = mmscale("bench", "--scheme", "refcount,untracked", *QUICK)
    assert_refused(done, 2, r"--scheme untracked: unsafe under lifecycle \S+: [^;]*; --unsafe runs it all the same")


def test_signals_without_room_for_them(mmscale):
    done = mmscale(
        *("bench", "--transport", "signal", "--family", "switch", "--cpus", "2", "--scheme", "shootdown", "--lifecycle", "powerpc"),
        before=("prlimit", "--sigpending=0"),
    )
    assert_refused(done, 1, r"signal: 0 may be pending at a time \(RLIMIT_SIGPENDING, ulimit -i\), \d CPUs need as many")


def test_a_limit_of_time_is_said(mmscale):
    done = mmscale("check", "--steps", 0, before=("prlimit", "--cpu=1:60"))
    assert_refused(done, 1, "stopped after 1 s of CPU time, which is the limit; ulimit -t sets another")


@pytest.fixture
def bad_xml(tmp_path):
    (tmp_path / "text.xml").write_text("no XML\n")
    (tmp_path / "other.xml").write_text("<?xml version='1.0'?>\n<svg/>\n")
    (tmp_path / "empty.xml").touch()
    (tmp_path / "cut.xml").write_text("<?xml version='1.0'?>\n<!DOCTYPE topology SYSTEM 'hwloc2.dtd'>\n<topology vers")
    (tmp_path / "folder.xml").mkdir()
    return tmp_path


@pytest.mark.parametrize("name", ["missing.xml", "text.xml", "other.xml", "empty.xml", "cut.xml", "folder.xml"])
def test_an_xml_that_is_no_topology(mmscale, bad_xml, name):
    path = bad_xml / name
    assert_refused(mmscale("topo", "--xml", path), 1, f"topology XML '{re.escape(str(path))}': .+")


def test_an_xml_that_may_not_be_read(mmscale, bad_xml):
    # Root may read everything, unless it is told otherwise.
    powers = "-dac_override,-dac_read_search"
    before = ("setpriv", f"--bounding-set={powers}", f"--inh-caps={powers}") if os.geteuid() == 0 else ()
    path = bad_xml / "text.xml"
    path.chmod(0)
    assert_refused(
        mmscale("topo", "--xml", path, before=before), 1, f"topology XML '{re.escape(str(path))}': cannot be read: Permission denied"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("topo",),
        ("topo", "--synthetic", "pack:16 core:12 pu:8", "--json"),
        ("schemes",),
        ("schemes", "--json"),
        ("--version",),
        ("--help",),
        ("bench", "--benchmark_list_tests"),
        ("bench", "--family", "floor", "--cpus", "1", "--reps", "1", *QUICK),
        ("bench", "--family", "floor", "--cpus", "1", "--reps", "1", *QUICK, "--benchmark_format=json"),
        ("bench", "--family", "floor", "--cpus", "1", "--reps", "1", *QUICK, "--out", "-"),
    ],
    ids=" ".join,
)
def test_standard_output_is_full(mmscale, arguments):
    with open("/dev/full", "w") as full:
        done = mmscale(*arguments, stdout=full)
    assert done.returncode == 1
    assert complaints(done) == ["mmscale: cannot write standard output: No space left on device"]


@pytest.mark.parametrize(
    "path, reason",
    [
        ("/dev/full", "No space left on device"),
        ("/dev/null/x.json", "Not a directory"),
        ("/", "Is a directory"),
    ],
)
@pytest.mark.parametrize("option", [("--out",), ("--benchmark_out_format=csv", "--benchmark_out")])
def test_records_that_cannot_be_written(mmscale, path, reason, option):
    target = ("--out", path) if option == ("--out",) else (option[0], f"{option[1]}={path}")
    done = mmscale("bench", "--family", "floor", "--cpus", 1, "--reps", 1, *QUICK, *target)
    assert done.returncode == 1
    assert complaints(done) == [f"mmscale: cannot write {path}: {reason}"]
    if path != "/dev/full":
        assert "#1" not in done.stderr, "nothing is measured in vain"


@pytest.mark.parametrize(
    "arguments",
    [
        ("topo", "--xml"),
        ("topo", "--config"),
        ("replay",),
        ("sim", "--machine"),
        ("sim", "--machine", "power9-2c", "--rest-of-switch"),
        ("describe", "--out"),
        ("bench", "--family", "floor", *QUICK, "--out"),
    ],
)
@pytest.mark.parametrize("what", ["pipe", "device", "huge"])
def test_nothing_waits_for_a_pipe_or_reads_without_end(mmscale, request, tmp_path, arguments, what):
    path = tmp_path / "it" if what != "device" else "/dev/zero"
    if what == "pipe":
        os.mkfifo(path)
    elif what == "huge":
        path.write_bytes(b"")
        os.truncate(path, 1 << 40)
    if arguments[-1] == "--out" and what != "pipe":
        pytest.skip("is written")
    if arguments[0] == "sim":
        request.getfixturevalue("needs_sim")
    done = mmscale(*arguments, path)
    assert done.returncode in (1, 2) and not done.stdout
    assert len(complaints(done)) == 1 and str(path) in complaints(done)[0]


@pytest.mark.parametrize("arguments", [("assess", "--reps", 5), ("calibrate", "--reps", 5), ("sim", "--seed", 5), ("bench", "--cpus", 1)])
def test_what_stands_there_twice_is_refused_in_our_words(mmscale, request, arguments):
    if arguments[0] == "sim":
        request.getfixturevalue("needs_sim")
    assert_refused(mmscale(*arguments, *arguments[1:]), 2, f"{arguments[1]}: stands there more than once")
