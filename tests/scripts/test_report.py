# SPDX-License-Identifier: MIT
"""scripts/report from files to the page, without a browser."""

import base64
import gzip
import html
import itertools
import json
import re
import shlex
import statistics
import time

import made
import pytest
from conftest import DATA, ROOT, SCRIPTS

from records.reading import load, read
from report import gallery, raw, whatif
from report.charts import SIMULATED
from report.commands import measure_again
from report.drawn_machine import drawn_machine
from report.topomap import machine_maps
from wording.schemes import WHAT

REPORT = SCRIPTS / "report"


@pytest.fixture
def run(in_process):
    """In this process: starting one takes as long as a page."""
    return in_process


def page_of(folder):
    return (folder / "report.html").read_text()


@pytest.fixture
def good(tmp_path):
    return made.write(tmp_path / "good.json", made.switches(spoilt=(("refcount", 8, 1),)))


def test_makes_a_page(run, tmp_path, good):
    done = run(REPORT, good, "-o", tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{tmp_path}/report.html\n", "")
    text = page_of(tmp_path)
    for heading in ("How does it scale with CPUs?", "How far can this be trusted?",
                    "The records themselves", "Not measured here"):
        assert f">{heading}</h2>" in text
    # Every link stays within the page or carries what it leads to.
    assert not re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', text)


def test_of_a_campaign_of_this_tree(run, tmp_path):
    done = run(REPORT, ROOT / "results/2026-11-23-epyc-2vcpu/records.json", "-o", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    text = page_of(tmp_path)
    assert "in one address space, <b>shootdown</b> makes <strong>" in text and "Believe ratios only" in text
    assert "Measured with <code>--unsafe</code>" in text


def test_names_files_it_cannot_use_and_reports_the_rest(run, tmp_path, good):
    bad = {"empty": "", "half": good.read_text()[:1000], "foreign": '{"a": 1}', "list": "[1]"}
    for name, text in bad.items():
        (tmp_path / f"{name}.json").write_text(text)
    paths = [tmp_path / f"{name}.json" for name in bad]
    done = run(REPORT, paths[0], good, *paths[1:], tmp_path / "none.json", good, "-o", tmp_path)
    lines = done.stderr.splitlines()
    assert done.returncode == 1 and len(lines) == 6
    for path, line in zip([*paths, tmp_path / "none.json", good], lines):
        assert line.startswith(f"report: {path}: ")
    assert "given twice" in lines[-1] and "empty" in lines[0] and "half-written" in lines[1]
    text = page_of(tmp_path)
    assert "<b>refcount</b>" in text
    for line in lines:
        assert html.escape(line.removeprefix("report: "), quote=True) in text


def test_without_one_usable_file(run, tmp_path):
    (tmp_path / "bad.json").write_text("{")
    done = run(REPORT, tmp_path / "bad.json", "-o", tmp_path)
    assert done.returncode == 1 and not (tmp_path / "report.html").exists()
    assert done.stderr.count("\n") == 1 and "bad.json" in done.stderr


@pytest.mark.parametrize("arguments, status", [([], 2), (["x.json"], 2), (["x.json", "-o", "/no/such"], 1)])
def test_wrong_usage(run, arguments, status):
    done = run(REPORT, *arguments)
    assert done.returncode == status and done.stderr


def test_what_was_not_measured_is_one_list(run, tmp_path, good):
    run(REPORT, good, "-o", tmp_path)
    text = page_of(tmp_path)
    (missing,) = re.findall(r'<ul class="missing">(.*?)</ul>', text, re.DOTALL)
    for family in ("teardown", "mix", "ipi", "line,bounce"):
        assert f"<code>mmscale bench --family {family} --out records.json</code>" in missing
    # No section of its own.
    assert "What does an interrupt cost?" not in text


def claim_of(text):
    (claim,) = re.findall(r'<p class="claim">(.*?)</p>', text)
    return re.sub("<[^>]+>", "", html.unescape(claim))


def test_the_claim_is_what_the_records_say(run, tmp_path):
    path = made.write(tmp_path / "a.json", made.switches(cpus=(1, 2, 8)), hypervisor="KVM")
    run(REPORT, path, "-o", tmp_path)
    text = page_of(tmp_path)
    rates = {
        name: [w["switches_per_second"] for w in json.loads(path.read_text())["benchmarks"] if w["name"].startswith(f"switch/idle/{name}/") and w["name"].endswith("cpus:8")]
        for name in ("refcount", "shootdown")
    }  # fmt: skip
    median = {name: sorted(values)[len(values) // 2] for name, values in rates.items()}
    claim = claim_of(text)
    factor = median["shootdown"] / median["refcount"]
    low, high = min(rates["shootdown"]) / max(rates["refcount"]), max(rates["shootdown"]) / min(rates["refcount"])
    assert f"With 8 CPUs going in and out of idle in one address space, shootdown makes {factor:.2f} times as many" in claim
    assert f"as refcount (between {low:.2f} and {high:.2f}): " in claim
    assert "A virtual machine</b> (KVM): believe the ratios" in text and "An emulation in user space" in text


def test_the_claim_does_not_claim_what_windows_cannot_tell(run, tmp_path):
    entries = made.switches(cpus=(1, 8), schemes=("refcount",), one_in=0)
    same = json.loads(json.dumps(entries).replace("refcount", "shootdown"))
    run(REPORT, made.write(tmp_path / "a.json", entries, same), "-o", tmp_path)
    assert "make as many context switches, as far as these windows can tell" in claim_of(page_of(tmp_path))


def test_safety_on_the_machine_s_own_kernel_is_in_the_first_screen(run, tmp_path):
    path = made.write(tmp_path / "a.json", made.switches(), host_lifecycle="x86-2024", unsafe_here_shootdown="a <flush>", unsafe_here_quiesce="of no matter")
    run(REPORT, path, "-o", tmp_path)
    text = page_of(tmp_path)
    (caveats,) = re.findall(r'<ul class="caveats">(.*?)</ul>', text, re.DOTALL)
    # On the first screen which, and in the section on trust why: of what was measured.
    assert "(x86-2024): shootdown. powerpc's rules" in caveats
    assert '<th scope="row">shootdown</th><td>a &lt;flush&gt;</td>' in text
    # Of a scheme that was not measured only the environment says it.
    assert text.count("of no matter") == 1


def test_a_peak_before_the_end_is_told(run, tmp_path):
    entries = made.switches(cpus=(1, 8, 32), schemes=("refcount", "shootdown"), one_in=0)
    for window in entries:
        if window["mmscale"]["scheme"] == "refcount" and window["cpus"] == 32:
            window["switches_per_second"] /= 4
    run(REPORT, made.write(tmp_path / "a.json", entries), "-o", tmp_path)
    assert "refcount is at its best on 8 CPUs" in page_of(tmp_path)


def test_bounce_is_a_heat_map_and_a_machine(run, tmp_path):
    places = made.machine(packages=4)
    path = made.write(tmp_path / "a.json", made.switches(), made.bounces(places), made.lines(places))
    assert run(REPORT, path, "-o", tmp_path).returncode == 0
    text = page_of(tmp_path)
    (heat,) = re.findall(r'<svg class="heat".*?</svg>', text, re.DOTALL)
    assert heat.count("<rect") == 32 * 32
    (machine,) = re.findall(r'<svg class="hero-machine".*?</svg>', text, re.DOTALL)
    # Two sockets are in use by the 32 CPUs that the matrix is of: boxes, and a line between them.
    assert machine.count("<rect") == 2 and machine.count('<path class="arrow"') == 1
    assert "Which law" not in text and "3.00</data>" not in heat


def test_a_broken_matrix_is_refused(run, tmp_path, good):
    entries = made.bounces(made.machine(), cpus=(2,))
    entries[0]["mmscale"]["bounce"]["levels"][0]["taken"].pop()
    path = made.write(tmp_path / "a.json", entries)
    done = run(REPORT, good, path, "-o", tmp_path)
    assert done.returncode == 1 and "bounce: level pu is not 2 x 2" in done.stderr


def test_lists_of_the_environment_are_lists(run, tmp_path):
    caches = [{"type": "Data", "level": 1, "size": 32768}]
    run(REPORT, made.write(tmp_path / "a.json", made.switches(), caches=caches), "-o", tmp_path)
    assert "<ul><li>type Data; level 1; size 32768</li></ul>" in page_of(tmp_path)


def test_what_stands_between_two_switches_is_what_the_records_say(run, tmp_path):
    def caveats(**conditions):
        entries = made.switches(cpus=(1, 8), schemes=("refcount", "shootdown"), one_in=0)
        for window in entries:
            window["mmscale"] |= conditions
        run(REPORT, made.write(tmp_path / "a.json", entries), "-o", tmp_path)
        (found,) = re.findall(r'<ul class="caveats">(.*?)</ul>', page_of(tmp_path), re.DOTALL)
        return found

    assert "back to back: the most that this line can cost" in caveats()
    for conditions, said in (
        ({"think_cycles": 3000}, "with 3000 ticks of work between two of a CPU"),
        ({"think_cycles": 1630, "rest_of_switch": "1630.0"}, "with the rest of a switch (1630 ns) in between"),
        ({"think_cycles": 900, "rest_of_switch": "<costs>.csv"}, "with the rest of a switch (as &lt;costs&gt;.csv says) in between"),
    ):
        text = caveats(**conditions)
        assert said in text and "back to back" not in text


def test_the_claim_names_what_was_done(run, tmp_path):
    entries = json.loads(json.dumps(made.switches(cpus=(1, 8), schemes=("refcount", "shootdown"))).replace("idle", "exit"))
    run(REPORT, made.write(tmp_path / "a.json", entries), "-o", tmp_path)
    assert "With 8 CPUs at workload exit, one mm for all, shootdown makes" in claim_of(page_of(tmp_path))
    assert "CPUs going in and out of idle" not in page_of(tmp_path)


def test_without_a_valid_window_nothing_is_claimed(run, tmp_path):
    every = [*made.switches(cpus=(1, 2)), *made.teardowns(), *made.mixes(), *made.crossovers({}), *made.ipis()]
    for window in every:
        if window.get("run_type") == "iteration":
            window["valid"] = 0
            window["mmscale"]["invalid"] = ["cpu 0: asleep"]
    assert run(REPORT, made.write(tmp_path / "a.json", every), "-o", tmp_path).returncode == 0
    text = page_of(tmp_path)
    assert "windows counts, so nothing is claimed" in claim_of(text) and "Do not believe it yet" in text
    assert "cost the same" not in text and "costs less" not in text
    says = re.findall(r'<section id="(freeing|ipis)".*?<p class="says">(.*?)</p>', text, re.DOTALL)
    assert len(says) == 2 and all(said.startswith("No valid window answers this") for _, said in says)


@pytest.mark.parametrize("by", ["QEMU TCG", "a program for aarch64 on x86_64"])
def test_an_emulated_machine_is_called_that_and_no_virtual_one(run, tmp_path, by):
    path = made.write(tmp_path / "a.json", made.switches(cpus=(1, 2, 8)), hypervisor=by)
    assert run(REPORT, path, "-o", tmp_path).returncode == 0
    text = page_of(tmp_path)
    assert f"emulated: {by}" in text and "Counts only, no times" in text
    assert "irtual machine" not in text and "virtual: " not in text and "Believe" not in text


def test_a_trace_replayed_is_no_machine_of_the_first_screen(run, tmp_path, good):
    path = made.write(tmp_path / "replay.json", made.replays(), mmscale_world="simulator")
    assert run(REPORT, good, path, "-o", tmp_path).returncode == 0
    text = page_of(tmp_path)
    assert text.count('<section class="answer"') == 1 and "replayed on a simulated power9-2c" in text


def test_what_only_one_command_says_of_a_machine_makes_no_second_machine(run, tmp_path, good):
    # mmscale bench says whose rules the machine has, older records and other commands do not.
    other = made.write(tmp_path / "other.json", made.ipis(), host_lifecycle="x86-2024", unsafe_here_quiesce="why")
    assert run(REPORT, good, other, "-o", tmp_path).returncode == 0
    assert len(read([good, other]).sources) == 1


def test_what_a_model_cannot_answer_is_asked_of_no_model(run, tmp_path):
    path = made.write(tmp_path / "sim.json", made.switches(cpus=(1, 8)), mmscale_world="simulator", host_name="big")
    run(REPORT, path, "-o", tmp_path)
    (missing,) = re.findall(r'<ul class="missing">(.*?)</ul>', page_of(tmp_path), re.DOTALL)
    assert "mmscale bench" not in missing and "mmscale sim --machine big --family bounce" in missing


def test_every_scheme_in_words_is_one():
    named = set(re.findall(r'\.name = "([^"]+)"', "".join(path.read_text() for path in (ROOT / "src/scheme").glob("*.h"))))
    assert set(WHAT) <= named


def test_records_come_out_as_they_went_in(run, tmp_path, good):
    run(REPORT, good, "-o", tmp_path)
    (text,) = re.findall(r'download="good.json.gz" href="data:application/gzip;base64,([^"]+)"', page_of(tmp_path))
    assert gzip.decompress(base64.b64decode(text)) == good.read_bytes()


def test_records_too_large_for_a_page_are_named(good):
    text = raw.downloads([good], raw.LARGEST_PAGE - 100)
    assert good.name in text and "too much" in text and "base64" not in text


def test_long_records_are_left_to_the_script(good, monkeypatch):
    monkeypatch.setattr(raw, "LONGEST_LINK", 10)
    text = raw.downloads([good], 0)
    (data,) = re.findall(r'<script type="text/plain" id="raw-0">([^<]+)<', text)
    assert gzip.decompress(base64.b64decode(data)) == good.read_bytes()


def test_what_is_said_cannot_break_the_page(run, tmp_path):
    evil = '"><script>alert(1)</script>'
    entries = made.switches(schemes=("refcount", "hazptr"))
    path = made.write(tmp_path / "evil.json", entries, cpu_model=evil, my_key=evil)
    assert run(REPORT, path, "-o", tmp_path).returncode == 0
    assert evil not in page_of(tmp_path)


def test_simulated_machines_are_marked(run, tmp_path):
    path = made.write(tmp_path / "sim.json", made.switches(), made.lines(), mmscale_world="simulator")
    run(REPORT, path, "-o", tmp_path)
    text = page_of(tmp_path)
    assert "<b>Simulated</b>: computed from a model" in text and "SIMULATED: Context switches" in text
    assert "measures this again" not in text and "mmscale bench --family all --out records.json    # as it was" in text
    numbers = re.findall(r"<data [^>]*>([^<]+)</data>", text)
    assert numbers and all(number.startswith(SIMULATED) for number in numbers)


def seconds(work):
    """The processor time that work takes."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def test_ten_thousand_records(run, tmp_path):
    # As unkind a campaign as any: each of these sharings makes figures of its own, of four sections.
    counts, entries = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512), []
    schemes = {"schemes": tuple(made.COSTS), "cpus": counts}
    for sharing in range(28):
        part = made.switches(**schemes) + (made.mixes(exits=(0, *made.EXITS), **schemes) if sharing < 3 else [])
        for window in part:
            window["name"] = window["name"].replace("/all/", f"/{sharing}/")
            window["mmscale"]["sharing"] = str(sharing)
        entries += part
    path = made.write(tmp_path / "many.json", entries)
    assert len(entries) >= 10000
    # Both are bounded by what JSON itself takes, as they share whatever else the machine does. The guard at the door costs a
    # few times as much.
    parse, guarded = (min(seconds(of) for _ in range(3)) for of in (lambda: json.loads(path.read_text()), lambda: load(path)))
    assert guarded < 12 * parse
    # 20 s for the page where JSON takes 0.08 s, as long as the page is in the making: its mean before and after.
    parses = [seconds(lambda: json.loads(path.read_text())) for _ in range(10)]
    made_in = seconds(lambda: run(REPORT, path, "-o", tmp_path))
    parses += [seconds(lambda: json.loads(path.read_text())) for _ in range(10)]
    assert made_in < 250 * statistics.mean(parses)
    text = page_of(tmp_path)
    assert len(text) < 15e6
    # Where there are too many for pictures, a figure says so, and its numbers are not folded away; those of fits never
    # are.
    # One picture each of rates and of fits; two of latencies, and of costs against exits.
    one, two = 28 - gallery.MOST_PICTURED, 28 - gallery.MOST_PICTURED // 2 + 3 - gallery.MOST_PICTURED // 2
    assert (text.count(gallery.PICTURELESS), text.count("<details open>")) == (2 * one + two, one + two)


def test_commands_measure_the_same_again(tmp_path):
    path = made.write(tmp_path / "a.json", made.switches(cpus=(1, 8)), made.ipis(targets=(1, 2)), made.lines())
    records = read([path])
    words = shlex.split(measure_again("switch", records.switches, True))
    assert words[:4] == ["mmscale", "bench", "--family", "switch"]
    options = dict(zip(words[4:], words[5:]))
    assert options["--scheme"] == "hazptr,refcount,shootdown" and options["--cpus"] == "1,8"
    assert options["--window"] == "50000us" and options["--reps"] == "7"
    assert "--latency" in words and "--unsafe" in words
    words = shlex.split(measure_again("ipi", records.ipis, False))
    assert words[words.index("--transport") + 1] == "doorbell,membarrier,signal" and "--scheme" not in words


def test_map_of_1536_pus(tmp_path):
    places = made.machine(packages=16, llcs=3, cores=4, threads=8)
    order = sorted(places, key=lambda pu: places[pu])
    switches = made.switches(cpus=(1536,), schemes=("refcount",), one_in=0)
    for window in switches:
        window["mmscale"]["per_cpu"] = [
            {"pu": pu, "package": 100 + places[pu][0], "rounds": 1 + places[pu][0]} for pu in order
        ]
    path = made.write(tmp_path / "big.json", switches, made.lines(places, order=order[::12], sampled_from=1536))
    (shown,) = machine_maps(read([path]))
    data = shown.data
    assert len(data["pus"]) == 1536 and len(data["line"]["pus"]) == 128
    assert set(data["levels"]["package"]) == set(range(100, 116)) and set(data["levels"]["die"]) == {None}
    assert "took a sample of the 1536 PUs" in shown.html
    (share,) = data["shares"]
    assert sum(share["of"]) == pytest.approx(1) and share["windows"] == made.WINDOWS
    heaviest = data["pus"][max(range(1536), key=share["of"].__getitem__)]
    assert places[heaviest][0] == 15
    assert len(json.dumps(data)) < 1e6


def test_a_socket_has_the_cpus_of_all_windows_not_of_line_s_sample(tmp_path):
    places = made.machine(packages=4, llcs=1, cores=8, threads=2)
    order = sorted(places, key=lambda pu: places[pu])
    switches = made.switches(cpus=(64,), schemes=("refcount",), one_in=0)
    for window in switches:
        window["mmscale"]["per_cpu"] = [{"pu": pu, "package": places[pu][0], "rounds": 1} for pu in order]
    sample = made.lines(places, order=order[::8], sampled_from=64)
    drawn, _ = drawn_machine(read([made.write(tmp_path / "a.json", switches, sample)]), "")
    assert drawn.count(">16 CPUs<") == 4
    drawn, _ = drawn_machine(read([made.write(tmp_path / "b.json", sample)]), "")
    assert "socket 3" in drawn and "CPUs<" not in drawn


def test_a_window_that_does_not_count_for_fairness_is_in_no_share(tmp_path):
    switches = made.switches(cpus=(2,), schemes=("refcount",), one_in=0)
    for number, window in enumerate(switches):
        counts = number % 3 != 0
        window["fairness_error_bound"] = 0.01 if counts else 0.0101
        window["mmscale"]["per_cpu"] = [{"pu": 0, "package": 0, "rounds": 1}, {"pu": 1, "package": 0, "rounds": 1 if counts else 99}]
    (shown,) = machine_maps(read([made.write(tmp_path / "a.json", switches)]))
    (share,) = shown.data["shares"]
    assert share["of"] == pytest.approx([0.5, 0.5])
    assert 0 < share["windows"] < made.WINDOWS


def test_old_records_without_cpus_have_no_map(run, tmp_path):
    done = run(REPORT, DATA / "host-2cpu.json", "-o", tmp_path)
    assert done.returncode == 0 and done.stderr == ""


def test_many_machines_have_a_line_each(run, tmp_path):
    entries = made.switches(cpus=(1, 8), schemes=("refcount",), one_in=0)
    paths = [made.write(tmp_path / f"{n}.json", entries, host_name=f"node{n}") for n in range(5)]
    assert run(REPORT, *paths, "-o", tmp_path).returncode == 0
    text = page_of(tmp_path)
    assert "<h1>What lazy-TLB reference counting costs on 5 machines</h1>" in text and text.count('<p class="machine-line">') == 5
    # As many rows side by side as machines, each with the windows it is of.
    (table,) = re.findall(r'aria-label="machines side by side.*?</table>', text, re.DOTALL)
    assert [row for row in re.findall(r"<td>(node\d)</td>", table)] == [f"node{n}" for n in range(5)]


def test_replayed_traces_have_their_tables(run, tmp_path, good):
    path = made.write(tmp_path / "replay.json", made.replays(), mmscale_world="simulator")
    assert run(REPORT, good, path, "-o", tmp_path).returncode == 0
    text = page_of(tmp_path)
    assert "SIMULATED: make.mmtrace.gz: 8 CPUs, lifecycle powerpc, on simulated power9-2c" in text
    assert "1 tasks were there before the trace" in text and "# as it was replayed" in text
    (table,) = re.findall(r'aria-label="replay of .*?</table>', text, re.DOTALL)
    assert re.findall(r'data-counter="mm_count_ops"[^>]*>([^<]+)<', table) == ["1.700k", "0"]
    assert "<td>~0.90</td>" in table
    # 90 µs of 8 CPUs' 1 ms.
    assert "<td>~1.1&nbsp;%</td>" in table
    # A trace alone is a page, too, but nothing that plot draws.
    assert run(REPORT, path, "-o", tmp_path).returncode == 0
    assert run(SCRIPTS / "plot", path, "-o", tmp_path).returncode == 1


def test_a_trace_replayed_on_several_models_has_a_band(run, tmp_path, good):
    said = {"trace_kernel": "6.18.4", "trace_machine": "x86_64", "lifecycle_reason": "that of <it>"}
    shot = made.replays(("shootdown",), unsafe="unsafe under lifecycle powerpc: a flush", **said)
    entries = made.replays(("refcount",), **said) + shot
    for model, slower in (("a-2s", 0.8), ("b-4s", 1.5)):
        entries += made.replays(model=model, slower=slower, **said)
    assert run(REPORT, good, made.write(tmp_path / "replay.json", entries, mmscale_world="simulator"), "-o", tmp_path).returncode == 0
    text = page_of(tmp_path)
    assert "lifecycle powerpc, on 3 simulated models" in text and "power9-2c, a-2s, b-4s" in text
    assert "Recorded on Linux 6.18.4, x86_64. Its rules: that of &lt;it&gt;." in text
    (table,) = re.findall(r'aria-label="replay of .*?</table>', text, re.DOTALL)
    assert ">~0.60 .. ~1.12</span></td>" in table and re.findall(r'data-counter="mm_count_ops"[^>]*>([^<]+)<', table) == ["1.700k", "0"]
    assert [value for value, _ in re.findall(r'<data value="(\d+\.0)" data-counter="kernel_ns" data-statistic="(\w+)"', table)][:3] == ["90000.0", "72000.0", "135000.0"]
    assert "Whether shootdown costs less time than refcount depends on the model" in text
    assert "<b>shootdown</b> is not safe under powerpc as it is: a flush." in text and "shootdown (not safe)" in table


def test_where_the_time_goes_is_stacked(run, tmp_path):
    entries = made.with_spent(made.switches(cpus=(1, 8, 32), schemes=("refcount", "shootdown"), one_in=0))
    path = made.write(tmp_path / "sim.json", entries, mmscale_world="simulator")
    assert run(REPORT, path, "-o", tmp_path).returncode == 0
    text = page_of(tmp_path)
    (section,) = re.findall(r'<section id="time".*?</section>', text, re.DOTALL)
    assert "refcount spends" in section and re.search(r"~72\.\d&nbsp;% on waiting for the line", section)
    stacks = re.findall(r'<figure class="stack">.*?</figure>', section, re.DOTALL)
    assert len(stacks) == 2
    # Each stack is as high as the whole: parts of refcount on 8 CPUs.
    heights = [float(h) for h in re.findall(r'height="([\d.]+)"><title>refcount, 8 CPUs', stacks[0])]
    whole = [float(h) for h in re.findall(r'height="([\d.]+)"><title>shootdown, 8 CPUs', stacks[1])]
    assert len(heights) == 3 and sum(heights) == pytest.approx(sum(whole), abs=0.2)


def surface_of(tmp_path, *entries, **context):
    return whatif._surface(read([made.write(tmp_path / "a.json", *entries, **context)]))


def test_what_if_is_what_was_measured_where_it_was(tmp_path):
    surface = surface_of(tmp_path, made.mixes(exits=(0, 1000, 100000)))
    assert surface["cpus"] == list(made.COUNTS) and surface["exits"] == [0, 1000, 100000]
    for scheme, cpus, exits in itertools.product(("refcount", "shootdown"), (1, 8, 32), (0, 1000, 100000)):
        low, high = whatif.bounds(surface, scheme, cpus, 0, exits)
        assert low == high == pytest.approx(made.COSTS[scheme](cpus, exits), rel=0.03)
    # Costs are linear in exits, here and there.
    low, high = whatif.bounds(surface, "refcount", 8, 0, 500)
    ends = [whatif.bounds(surface, "refcount", 8, 0, exits)[0] for exits in (0, 1000)]
    assert low == high == pytest.approx(sum(ends) / 2)
    assert whatif.bounds(surface, "refcount", 8, 0, 200000) is None and whatif.bounds(surface, "refcount", 7, 0, 0) is None


def test_what_if_holds_a_queue_between_its_bounds(tmp_path):
    """A line that serves one CPU at a time, measured without work: whatever the work, the truth is between the bounds."""
    def switch(scheme, cpus, work):
        alone, served = made.COSTS[scheme](1, 0), made.COSTS[scheme](cpus, 0) / cpus
        return max(work + alone, cpus * served)

    def entries(work):
        found = made.mixes(exits=(0,), schemes=("refcount", "shootdown"))
        for window in found:
            window["ns_per_switch"] = switch(window["mmscale"]["scheme"], window["cpus"], work)
            window["mmscale"]["think_cycles"] = 3 * work
        return found

    surface = surface_of(tmp_path, entries(0), entries(400))
    assert [point["work"] for point in surface["points"]] == [0, 400]
    for scheme, cpus, work in itertools.product(("refcount", "shootdown"), made.COUNTS, (0, 30, 200, 400, 1000, 50000)):
        low, high = whatif.bounds(surface, scheme, cpus, work, 0)
        assert low * 0.999999 <= switch(scheme, cpus, work) <= high * 1.000001, (scheme, cpus, work)
        if work in (0, 400):
            assert low == pytest.approx(high)


def test_an_assessment_says_whether_it_matters(run, tmp_path, good):
    path = made.write(tmp_path / "a.json", [made.assessment("disagree")])
    assert run(REPORT, good, path, "-o", tmp_path).returncode == 0
    (section,) = re.findall(r'<section id="matters".*?</section>', page_of(tmp_path), re.DOTALL)
    assert "On 8 CPUs a real switch takes 50.0 ns (40.0 to 60.0) longer" in section
    assert "at most <b>1.2&nbsp;%</b>" in section and "is another figure, so it is not, or not only, mm_count" in section
    assert "said &lt;in&gt; words" in section
    few = made.assessment("unknown", gain=None)
    del few["mmscale"]["points"][0]["sharing"]["interval_ns"]
    assert run(REPORT, good, made.write(tmp_path / "few.json", [few]), "-o", tmp_path).returncode == 0
    assert "What sharing an mm costs is unknown: too few pairs of windows count." in page_of(tmp_path)
    # Alone it is a page, too; what is none is refused.
    assert run(REPORT, path, "-o", tmp_path).returncode == 0
    done = run(REPORT, good, made.write(tmp_path / "b.json", [made.assessment("perhaps")]), "-o", tmp_path)
    assert done.returncode == 1 and "assessment: agreement 'perhaps'" in done.stderr


SERVED = {"name": "/home/me/served.gz", "seconds": 2.0, "cpus": 8, "switches": 5000, "borrows": 1000, "deaths": 4, "most_cpu_share": 6.875e-6}


def test_an_assessment_says_by_scheme_what_of_a_switch_and_of_a_recording_it_spares(run, tmp_path):
    def section(**given):
        assert run(REPORT, made.write(tmp_path / "a.json", [made.assessment(**given)]), "-o", tmp_path).returncode == 0
        (text,) = re.findall(r'<section id="matters".*?</section>', page_of(tmp_path), re.DOTALL)
        rows = re.findall(r"<tr><th scope=\"row\">(.*?)</th><td>(.*?)</td></tr>", re.search(r'aria-label="what each.*?</table>', text, re.DOTALL)[0])
        return html.unescape(text), {name: html.unescape(cells).split("</td><td>") for name, cells in rows}

    text, rows = section(workload=SERVED)
    assert "served.gz has 2.50k switches, 500 borrows, 2.00 deaths a second on 8 CPUs; of its CPU time mm_count takes at most" in text
    # 45 ns of 5000; 1000 borrows of two switches each in 8 CPUs' 2 s.
    assert rows["shootdown"] == ["45.0 ns (35.0 to 55.0)", "0.90\xa0% (0.70\xa0% to 1.1\xa0%)", "0.91\xa0% (0.70\xa0% to 1.1\xa0%)",
                                 "0.00056\xa0% (0.00044\xa0% to 0.00069\xa0%)"]  # fmt: skip
    assert rows["any other scheme, at most"] == ["60.0 ns", "1.2\xa0%", "1.2\xa0%", "0.00075\xa0%"]
    assert "/home/me" not in text
    # What the emulation says counts only where the kernel bears it out.
    for agreement in ("disagree", "cannot_tell", "unknown"):
        assert set(section(agreement=agreement)[1]) == {"any other scheme, at most"}
    # Where sharing costs less than nothing, that is no bound of what another scheme spares.
    assert made.write(tmp_path / "a.json", [made.assessment("disagree", gain=None, sharing=-80.0)])
    assert run(REPORT, tmp_path / "a.json", "-o", tmp_path).returncode == 0
    assert "a real switch takes 80.0 ns (70.0 to 90.0) less where" in page_of(tmp_path)
    assert "no bound follows" in page_of(tmp_path) and "any other scheme, at most" not in page_of(tmp_path)
    path = made.write(tmp_path / "a.json", [told := made.assessment("cannot_tell")])
    for gain, said in ((None, "from any other scheme."), (0.0031, "from any other scheme, as emulated 0.31&nbsp;%.")):
        if gain:
            told["mmscale"]["points"][0]["emulated_gain"] = gain
            made.write(path, [told])
        assert run(REPORT, path, "-o", tmp_path).returncode == 0 and said in page_of(tmp_path)
    text = section(agreement="cannot_tell", sharing=-5.0)[0]
    assert "cannot tell that from nothing" in text and "no bound follows" not in text
    assert "takes −5.00 ns (−15.0 to 5.00) longer" in section(sharing=-5.0)[0]
    path = made.write(tmp_path / "a.json", [told := made.assessment()])
    for taken in (False, True):
        told["mmscale"]["accepts_invalid"] = taken
        made.write(path, [told])
        assert run(REPORT, path, "-o", tmp_path).returncode == 0
        assert ("Windows that do not count were taken for that, too" in page_of(tmp_path)) == taken
    # The gain that is recorded, of the least that a switch may take, and what that spares.
    assert section(gain=0.25)[1]["any other scheme, at most"] == ["60.0 ns", "20\xa0%", "25\xa0%"]
    assert "any other scheme, at most" not in section(gain=None)[1]
    unbounded = {name: value for name, value in SERVED.items() if name != "most_cpu_share"}
    assert len(section(workload=unbounded)[1]["any other scheme, at most"]) == 3
    told = made.assessment("unknown", gain=None, workload=SERVED)
    told["mmscale"]["points"][0]["counted"] = False
    assert run(REPORT, made.write(tmp_path / "a.json", [told]), "-o", tmp_path).returncode == 0
    assert "counts nothing, so that is not mm_count." in page_of(tmp_path) and "counting would take at most" in page_of(tmp_path)
    # Emulated more than all of what sharing costs is not "not only".
    text = section(agreement="disagree", sharing=10.0)[0]
    assert "is more than all of that, so the emulation is wrong" in text and "not only" not in text
    text, rows = section(workload={"name": "x", "unavailable": "<no> root"})
    assert "Of x nothing is known: <no> root." in text and len(rows["shootdown"]) == 3


@pytest.mark.parametrize("wrong", [{"seconds": 0}, {"cpus": "many"}, {"borrows": None}])
def test_an_assessment_of_a_workload_without_numbers_is_refused(run, tmp_path, good, wrong):
    path = made.write(tmp_path / "a.json", [made.assessment(workload={**SERVED, **wrong})])
    done = run(REPORT, good, path, "-o", tmp_path)
    assert done.returncode == 1 and done.stderr.startswith(f"report: {path}: ")
