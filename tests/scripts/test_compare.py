# SPDX-License-Identifier: MIT
"""scripts/compare: what it refuses, what it shows, and how often it is right with noise like that of a real machine."""

import gzip
import json
import random
import re
import resource
import subprocess
from html.parser import HTMLParser

import pytest
from browser_tools import drive
from conftest import SCRIPTS
from made import entry, write

COMPARE = SCRIPTS / "compare"
SECOND = 10**9


@pytest.fixture
def run(in_process):
    """In this process: there are many runs here."""
    return in_process


def switches(costs, scheme="refcount", cpus=2, start=0, step=SECOND, invalid=(), **conditions):
    """A window of switch per cost, in ns; they start a step apart. invalid: which of them are."""
    made = []
    for number, cost in enumerate(costs):
        counters = {"cpus": cpus, "ns_per_switch": cost, "switches_per_second": cpus * 1e9 / cost}
        counters["run_name"] = f"switch/idle/{scheme}/all/compact/cpus:{cpus}"
        ours = {"workload": "idle", "scheme": scheme, "sharing": "all", "placement": "compact", "cpus": cpus}
        ours |= {"lifecycle": "powerpc", "transport": "membarrier"} | conditions
        ours["per_cpu"] = [{"start_ns": start + number * step}]
        made.append(
            entry(counters["run_name"], counters, ours, ["cpu 0: steal 3.0 %"] if number in invalid else ())
        )
    return made


def noisy(seed, count=9, level=10.0, spread=0.01):
    generator = random.Random(seed)
    return [level * (1 + generator.gauss(0, spread)) for _ in range(count)]


@pytest.fixture
def sides(tmp_path):
    """Writes a file per list of entries, named a, b, ...; keywords go into every context."""

    def make(*lists, contexts=(), **context):
        paths = []
        for number, entries in enumerate(lists):
            own = contexts[number] if number < len(contexts) else {}
            paths.append(write(tmp_path / f"{'abcdef'[number]}.json", entries, **(context | own)))
        return paths

    return make


def row(text, scheme):
    """The row of a scheme in the table, as its words."""
    return next(line.split() for line in text.splitlines() if line.startswith(scheme + " "))


def test_shows_a_difference(run, sides):
    done = run(COMPARE, *sides(switches(noisy(1)), switches(noisy(2, level=11), start=100 * SECOND)))
    assert (done.returncode, done.stderr) == (0, "")
    found = row(done.stdout, "refcount")
    assert found[-1] == "slower" and found[1] == "2"
    low, high = map(float, found[-3].split(".."))
    assert low < 1.1 < high and found[-2] == "s" and low > 1
    assert "A to B: 1 slower, 0 faster, 0 no difference shown" in done.stdout
    assert "Mann-Whitney" in done.stdout and "not measured in turn" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 72


def test_schemes_of_one_file_are_sides(run, sides):
    one, _ = sides(switches(noisy(1)) + switches(noisy(2, level=5), scheme="shootdown"), switches(noisy(3)))
    done = run(COMPARE, one, "--schemes", "refcount,shootdown")
    assert (done.returncode, done.stderr) == (0, "")
    found = row(done.stdout, "*")
    assert found[-1] == "faster" and float(found[4]) == pytest.approx(0.5, rel=0.05)
    assert "of one campaign" in done.stdout and "not measured in turn" not in done.stdout
    refused = run(COMPARE, one, "--schemes", "refcount,nosuch")
    assert refused.returncode == 1 and "no windows of scheme 'nosuch'; it has refcount, shootdown" in refused.stderr
    for wrong in ("refcount", "refcount,refcount"):
        assert run(COMPARE, one, "--schemes", wrong).returncode == 2
    assert run(COMPARE, *sides(switches(noisy(1)), switches(noisy(2))), "--schemes", "a,b").returncode == 2


def test_shows_none(run, sides):
    done = run(COMPARE, *sides(switches(noisy(1)), switches(noisy(2), start=100 * SECOND)))
    assert row(done.stdout, "refcount")[-2:] == ["none", "shown"]
    assert "1 no difference shown" in done.stdout


def test_windows_taken_in_turn_are_pairs(run, sides):
    # A drift of 30 % that hides 3 % from a test of two sets, and not from one of pairs.
    drift = [1 + 0.03 * number for number in range(10)]
    first = [cost * slope for cost, slope in zip(noisy(1, 10, spread=0.002), drift)]
    second = [cost * slope * 1.03 for cost, slope in zip(noisy(2, 10, spread=0.002), drift)]
    turns = sides(switches(first, step=2 * SECOND), switches(second, start=SECOND, step=2 * SECOND))
    done = run(COMPARE, *turns)
    assert row(done.stdout, "refcount")[-1] == "slower" and "Wilcoxon" in done.stdout
    assert "not measured in turn" not in done.stdout
    done = run(COMPARE, *sides(switches(first), switches(second, start=100 * SECOND)))
    assert row(done.stdout, "refcount")[-1] == "shown" and "Mann-Whitney" in done.stdout


def test_a_pair_with_an_invalid_window_is_none(run, sides):
    costs = noisy(1, 10)
    first = switches(costs, step=2 * SECOND, invalid=[3])
    second = switches([cost * (10 if number == 7 else 1.1) for number, cost in enumerate(costs)],
                      start=SECOND, step=2 * SECOND, invalid=[7])  # fmt: skip
    done = run(COMPARE, *sides(first, second))
    # 9 valid windows each, but 8 pairs: two sets then.
    assert "Mann-Whitney" in done.stdout and done.stdout.count("1 of 10 windows invalid") == 2


def test_a_folder_is_a_side(run, sides, tmp_path):
    for number, cost in enumerate(noisy(1, 9)):
        for name, factor in (("old", 1), ("new", 1.1)):
            (tmp_path / name).mkdir(exist_ok=True)
            start = (2 * number + (name == "new")) * SECOND
            date = f"2026-03-01T10:00:{start // SECOND:02d}+00:00"
            write(tmp_path / name / f"{number}.json", switches([cost * factor], start=start), date=date)
    done = run(COMPARE, tmp_path / "old", tmp_path / "new")
    assert done.returncode == 0 and "Wilcoxon" in done.stdout and row(done.stdout, "refcount")[-1] == "slower"
    # After a reboot in the middle stamps start anew, and say nothing of who came after whom.
    write(tmp_path / "new" / "8.json", switches([11.0], start=17 * SECOND), date="2026-03-01T11:00:17+00:00")
    assert "Mann-Whitney" in run(COMPARE, tmp_path / "old", tmp_path / "new").stdout
    write(tmp_path / "new" / "x.json", switches([1.0]), git_revision="ffffffffffff")
    done = run(COMPARE, tmp_path / "old", tmp_path / "new")
    assert (done.returncode, done.stdout) == (1, "")
    assert "x.json: another machine, kernel or build" in done.stderr


def test_the_folder_of_a_run_is_a_side(run, tmp_path):
    """Packed, as on many CPUs, or not; beside the traces that were replayed on models."""
    for name, start in (("old", 0), ("new", 100 * SECOND)):
        (tmp_path / name).mkdir()
        plain = write(tmp_path / name / "records.json", switches(noisy(1, 9), start=start))
        if name == "old":
            (tmp_path / name / "records.json.gz").write_bytes(gzip.compress(plain.read_bytes()))
            plain.unlink()
        write(tmp_path / name / "replay-a.json", switches([1.0], start=start), mmscale_world="simulator")
    done = run(COMPARE, tmp_path / "old", tmp_path / "new")
    assert (done.returncode, done.stderr) == (0, "") and row(done.stdout, "refcount")


def test_refuses_too_few_valid_windows_by_name(run, sides):
    first = switches(noisy(1), invalid=[0]) + switches(noisy(3), "shootdown")
    second = switches(noisy(2), start=99 * SECOND) + switches(noisy(4), "shootdown", start=99 * SECOND)
    done = run(COMPARE, *sides(first, second))
    assert done.returncode == 3
    text = " ".join(done.stdout.split())
    assert "refused: switch/idle/refcount/all/compact/cpus:2: 8 of 9 valid in A: 9 valid windows are needed" in text
    assert row(done.stdout, "shootdown")


def test_an_invalid_window_counts_for_nothing(run, sides):
    costs = noisy(1, 10)
    wild = [*costs[:9], 1000.0]
    plain = run(COMPARE, *sides(switches(costs[:9]), switches(noisy(2), start=99 * SECOND))).stdout
    spoilt = run(COMPARE, *sides(switches(wild, invalid=[9]), switches(noisy(2), start=99 * SECOND))).stdout
    assert row(plain, "refcount") == row(spoilt, "refcount")
    assert "1 of 10 windows invalid and left out" in spoilt


@pytest.mark.parametrize(
    "first, second, reason",
    [
        ({}, {"window_ns": 100000000}, "other conditions: window_ns 50000000 in A, 100000000 in B"),
        ({}, {"lifecycle": "arm64"}, "other conditions: lifecycle powerpc in A, arm64 in B"),
        ({"think_cycles": 0}, {}, "other conditions: think_cycles 0 in A, not recorded in B"),
    ],
)
def test_refuses_other_conditions(run, sides, first, second, reason):
    done = run(COMPARE, *sides(switches(noisy(1), **first), switches(noisy(2), start=99 * SECOND, **second)))
    assert done.returncode == 3 and reason in " ".join(done.stdout.split())


def test_refuses_other_units(run, sides):
    paths = sides(switches(noisy(1)), switches(noisy(2), start=99 * SECOND))
    document = json.loads(paths[1].read_text())
    for window in document["benchmarks"]:
        window["time_unit"] = "us"
    paths[1].write_text(json.dumps(document))
    done = run(COMPARE, *paths, "--figure", "real_time")
    assert done.returncode == 3 and "real_time in ns in A, in us in B" in " ".join(done.stdout.split())


def test_refuses_what_has_nothing_in_common(run, sides):
    done = run(COMPARE, *sides(switches(noisy(1)), switches(noisy(2), "shootdown")))
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"compare: .*b\.json: no case of .*a\.json is in it: .*\n", done.stderr)


def test_refuses_the_same_measurement_twice(run, sides, tmp_path):
    (path,) = sides(switches(noisy(1)))
    for arguments, reason in (((path, path), "given twice"), ((path, tmp_path / "copy"), "the same measurement")):
        (tmp_path / "copy").write_text(path.read_text())
        done = run(COMPARE, *arguments)
        assert (done.returncode, done.stdout) == (1, "") and reason in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_cases_of_one_side_are_named(run, sides):
    first = switches(noisy(1)) + switches(noisy(2), cpus=4)
    second = switches(noisy(3), start=99 * SECOND) + switches(noisy(4), cpus=8)
    paths = sides(first, second)
    done = run(COMPARE, *paths)
    assert done.returncode == 0
    assert "only in A: switch/idle/refcount/all/compact/cpus:4\n" in done.stdout
    assert "only in B: switch/idle/refcount/all/compact/cpus:8\n" in done.stdout
    # What is gone cannot be slower, and must not pass as not slower either.
    assert run(COMPARE, *paths, "--fail-if-slower", "5%").returncode == 3


def test_contexts_that_differ_are_shown(run, sides):
    contexts = ({"kernel": "6.1"}, {"kernel": "6.2", "load_avg": [1]})
    done = run(COMPARE, *sides(switches(noisy(1)), switches(noisy(2), start=99 * SECOND), contexts=contexts))
    assert [line for line in done.stdout.splitlines() if line.startswith("differs")] == ["differs: kernel: 6.1 -> 6.2"]


def test_three_sides(run, sides):
    levels = enumerate((10, 10, 8))
    lists = [switches(noisy(number, level=level), start=number * 99 * SECOND) for number, level in levels]
    done = run(COMPARE, *sides(*lists))
    assert "A to B: 0 slower" in done.stdout and "A to C: 0 slower, 1 faster" in done.stdout
    # Both hold together.
    assert "in all 2 tested cases" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    "level, limit, status",
    [(10.0, "5%", 0), (11.0, "5%", 4), (11.0, "0%", 4), (11.0, "15%", 0), (9.0, "5%", 0)],
)
def test_exit_status_for_machines(run, sides, level, limit, status):
    paths = sides(switches(noisy(1)), switches(noisy(2, level=level), start=99 * SECOND))
    done = run(COMPARE, *paths, "--fail-if-slower", limit)
    assert done.returncode == status
    assert f"{int(status == 4)} shown slower by {limit[:-1]} % or more" in done.stdout


def test_a_rate_is_slower_when_it_falls(run, sides):
    paths = sides(switches(noisy(1)), switches(noisy(2, level=11), start=99 * SECOND))
    done = run(COMPARE, *paths, "--figure", "switches_per_second", "--fail-if-slower", "5%")
    assert done.returncode == 4 and row(done.stdout, "refcount")[-1] == "slower"
    assert float(row(done.stdout, "refcount")[4]) < 0.95


@pytest.mark.parametrize(
    "arguments, reason",
    [
        (["a"], "two sides or more"),
        (["a", "b", "--fail-if-slower", "5"], "'5' is no percentage"),
        (["a", "b", "--fail-if-slower", "-5%"], "--fail-if-slower"),
        (["a", "b", "--figure", "jain"], "'jain' is neither a time"),
    ],
)
def test_wrong_usage_is_2(run, arguments, reason):
    done = run(COMPARE, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert reason in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    "content, reason",
    [("", "empty: half-written"), ("[1]", "not of Google Benchmark's form"), (None, "No such file"), ("dir", "without a record")],
)
def test_files_that_cannot_be_used(run, sides, tmp_path, content, reason):
    (good,) = sides(switches(noisy(1)))
    bad = tmp_path / "bad"
    if content == "dir":
        bad.mkdir()
    elif content is not None:
        bad.write_text(content)
    done = run(COMPARE, good, bad)
    assert (done.returncode, done.stdout) == (1, "") and len(done.stderr.splitlines()) == 1
    assert str(bad) in done.stderr and reason in done.stderr


def test_simulated_against_measured_only_when_asked(run, sides):
    contexts = ({}, {"mmscale_world": "simulator", "host_name": "model"})
    paths = sides(switches(noisy(1)), switches([11.0]), contexts=contexts)
    done = run(COMPARE, *paths)
    assert (done.returncode, done.stdout) == (1, "")
    assert "b.json: simulated, while" in done.stderr and "--across-worlds" in done.stderr
    done = run(COMPARE, *paths, "--across-worlds")
    assert done.returncode == 0 and "B  SIMULATED, not measured:" in done.stdout
    assert "A model is compared with a machine" in " ".join(done.stdout.split())
    found = row(done.stdout, "refcount")
    # The measured side's own spread judges: one value computed has none.
    assert found[2][0] != "~" and found[3] == "~11.00" and found[4][0] == "~" and found[-1] == "slower"
    low, high = re.fullmatch(r"~(.*)\.\.(.*)", found[5]).groups()
    assert 1 < float(low) < 1.1 < float(high) < 1.2


def test_simulated_against_simulated_is_exact(run, sides):
    paths = sides(
        switches([10.0]) + switches([5.0], "shootdown"), switches([10.5]) + switches([5.0], "shootdown"),
        mmscale_world="simulator",
    )  # fmt: skip
    done = run(COMPARE, *paths, "--fail-if-slower", "5%")
    assert done.returncode == 4
    assert row(done.stdout, "refcount")[2:] == ["~10.00", "~10.50", "~1.050", "exact", "e", "slower"]
    assert row(done.stdout, "shootdown")[2:] == ["~5.000", "~5.000", "~1.000", "exact", "e", "none", "shown"]


class Page(HTMLParser):
    """Checks that tags nest, and gathers the text of cells and what a page would load."""

    def __init__(self):
        super().__init__()
        self.open, self.cells, self.loads = [], [], []

    def handle_starttag(self, tag, attributes):
        self.loads += [value for name, value in attributes if name in ("src", "href", "data", "srcset")]
        self.loads += [tag] if tag in ("script", "link", "iframe") else []
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.cells.append(data)


def test_what_was_counted_beside_is_no_condition(run, sides):
    first, second = switches(noisy(1)), switches(noisy(2))
    for number, window in enumerate(first + second):
        window["mmscale"] |= {"simulator": {"accesses": number}, "kernel": {"interrupts": number}, "notes": [str(number)]}
    done = run(COMPARE, *sides(first, second))
    assert (done.returncode, done.stderr) == (0, "") and "1 no difference shown" in done.stdout


def test_the_page_says_what_the_table_says_and_loads_nothing(run, sides, tmp_path):
    first = switches(noisy(1)) + switches(noisy(3), "<b>odd&") + switches(noisy(5)[:4], cpus=4)
    second = switches(noisy(2, level=11), start=99 * SECOND) + switches(noisy(4), "<b>odd&", start=99 * SECOND)
    second += switches(noisy(6), cpus=4, start=99 * SECOND)
    out = tmp_path / "page.html"
    done = run(COMPARE, *sides(first, second), "--html", out, "--fail-if-slower", "5%")
    assert done.returncode == 4
    text = out.read_text()
    page = Page()
    page.feed(text)
    page.close()
    assert not page.open and not page.loads and "<b>" not in text
    found = row(done.stdout, "refcount")
    assert set(found[1:6]) <= set(page.cells) and "slower" in page.cells and "<b>odd&" in page.cells
    assert "4 of 4 valid in A" in text and "1 shown slower by 5 % or more" in text


def test_a_page_that_cannot_be_written(run, sides, tmp_path):
    paths = sides(switches(noisy(1)), switches(noisy(2), start=99 * SECOND))
    done = run(COMPARE, *paths, "--html", tmp_path / "no" / "page.html")
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1 and "page.html: No such file" in done.stderr


def test_the_page_in_a_browser(run, tmp_path):
    """Cases slower, faster, the same and refused: every kind of text that the page has."""
    first = [each for number, cpus in enumerate((1, 2, 4)) for each in switches(noisy(number), cpus=cpus)]
    second = [
        each
        for number, (cpus, factor) in enumerate(((1, 1.3), (2, 0.8), (4, 1.0)), 10)
        for each in switches(noisy(number, level=10.0 * factor), cpus=cpus)
    ]
    first += switches(noisy(20, 3), cpus=8)
    second += switches(noisy(21, 3), cpus=8)
    paths = [write(tmp_path / f"{name}.json", entries) for name, entries in (("a", first), ("b", second))]
    page = tmp_path / "page.html"
    done = run(COMPARE, *paths, "--html", page, "--fail-if-slower", "5%")
    assert done.returncode == 4, done.stderr
    found = drive("look.cjs", page)
    assert (found["errors"], found["requests"], found["axe"]) == ([], [], [])
    assert max(found["wide"].values()) <= 0


def test_ten_thousand_records(tmp_path):
    # 340 cases of 15 windows on either side; fewer windows can show nothing among so many cases.
    paths = []
    for side in range(2):
        entries = [one for cpus in range(1, 341) for one in switches(noisy(1000 * side + cpus, 15), cpus=cpus)]
        paths.append(write(tmp_path / f"{side}.json", entries))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([COMPARE, *paths, "--html", tmp_path / "page.html"], capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0 and "340 no difference shown" in done.stdout, done.stderr
    # CPU time, not the clock: what else runs here is not its doing.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 20
