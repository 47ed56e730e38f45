# SPDX-License-Identifier: MIT
"""The report's page as a reader has it: opened in Chromium by tests/scripts/browser/drive.cjs."""

import json
import random
import re
import statistics
import subprocess

import made
import pytest
from browser_tools import drive
from conftest import SCRIPTS

from report import whatif
from report.replays import EXACT

SEED = 20261123


def with_cpus(entries, places):
    """Adds to windows of switch what each CPU did: CPU i on the i-th PU, doing twice as much on odd ones."""
    pus = sorted(places, key=lambda pu: places[pu])
    for window in entries:
        count = int(window["cpus"])
        used = pus[:count]
        packages = [places[pu][0] for pu in used]
        window["packages"] = len(set(packages))
        window["mmscale"]["packages"] = packages
        window["mmscale"]["per_cpu"] = [
            {"pu": pu, "package": package, "rounds": 1000 * (1 + pu % 2)} for pu, package in zip(used, packages)
        ]
    return entries


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """The documents of a report, and what the browser saw of its page."""
    folder = tmp_path_factory.mktemp("report")
    places = made.machine()
    points = {8: (70.0, 80.0, 90.0), 32: (300.0, 320.0, 350.0)}
    first = made.write(
        folder / "real.json",
        with_cpus(made.switches(cpus=(1, 2, 8, 32), spoilt=(("refcount", 8, 2),)), places),
        made.teardowns(spoilt=(("shootdown", 4, 1),)), made.mixes(), made.crossovers(points), made.ipis(),
        made.bounces(places), made.lines(places), made.host_switches(spoilt=(("futex/threads/same-cpu", 8, 3),)), made.host_calls(),
    )  # fmt: skip
    second = made.write(
        folder / "sim.json", made.with_spent(made.switches(cpus=(1, 2, 8, 16, 32, 64))), made.replays(), mmscale_world="simulator",
        host_name="none",
    )  # fmt: skip
    documents = [json.loads(path.read_text()) for path in (first, second)]
    return documents, visit(folder, [first, second], "")


def visit(folder, records, name):
    """Makes a report and opens it; returns what the browser saw. name: of the folder for its screenshots."""
    done = subprocess.run([SCRIPTS / "report", *records, "-o", folder], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return drive("drive.cjs", folder / "report.html", SEED, shots=name)


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    """What the browser saw of the page of a machine of 1,536 PUs, and the page's size."""
    folder = tmp_path_factory.mktemp("big")
    places = made.machine(packages=16, llcs=3, cores=4, threads=8)
    order = sorted(places, key=lambda pu: places[pu])
    switches = with_cpus(made.switches(cpus=(96, 384, 768, 1536), schemes=("refcount", "shootdown"), one_in=0), places)
    path = made.write(folder / "big.json", switches, made.bounces(places, cpus=(96,)), made.lines(places, order=order[::12], sampled_from=1536))
    return visit(folder, [path], "big"), (folder / "report.html").stat().st_size


def test_nothing_is_fetched_and_nothing_fails(seen):
    assert (seen[1]["errors"], seen[1]["requests"]) == ([], [])


def test_every_figure_has_marks_and_a_picture_beneath(seen):
    figures = seen[1]["figures"]
    assert len(figures) >= 6
    assert not [name for name, figure in figures.items() if not figure["marks"] or not figure["fallback"]]


def shown(text):
    """The number that a text like "1.235M" stands for, and half of its last digit."""
    digits, letter = re.fullmatch(r"~?([\d.]+)( thousand| million| billion| ns| µs| ms| s|[kMGT]?)", text).groups()
    factor = {"": 1, " ns": 1, " µs": 1e3, " ms": 1e6, " s": 1e9, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, " thousand": 1e3, " million": 1e6, " billion": 1e9}[letter]
    decimals = len(digits.partition(".")[2])
    return float(digits) * factor, 0.5 * 10**-decimals * factor


def test_hover_shows_the_number_of_the_point(seen):
    hovered = [figure["hover"] for figure in seen[1]["figures"].values() if figure["kind"] == "lines"]
    assert len(hovered) >= 5
    for hover in hovered:
        # Points that lie upon one another: any of them may speak, but it must speak of itself.
        assert any(said_of(point, hover["text"]) for point in hover["near"]), hover


def said_of(point, text):
    """Whether the text beside the pointer is that of a point: its line, its place and, to four digits, its number."""
    place = f"{point['x']:g}" if not isinstance(point["x"], str) else point["x"]
    head = re.match(re.escape(point["label"]) + r"\D*: " + re.escape(place) + r"([\d.]+[kMGT]?) ", text)
    return bool(head) and shown(head[1])[0] == pytest.approx(point["y"], rel=5.01e-4)


def test_toggles(seen):
    toggles = seen[1]["toggles"]
    first = toggles["first"]
    assert (first["type"], toggles["linear"]["type"], toggles["log"]["type"]) == ("log", "linear", "log")
    assert toggles["cpu"]["y"] == pytest.approx([y / x for x, y in zip(first["x"], first["y"])])
    assert toggles["package"]["y"] == pytest.approx([y / n for n, y in zip((1, 1, 1, 2), first["y"])])
    assert toggles["all"]["y"] == first["y"]
    assert "ns per switch" in toggles["cost"]["title"]


def test_toggles_by_keyboard(seen):
    assert seen[1]["keyboard"]["type"] == "linear"


def value_of(documents, number):
    """What a number on the page must be, out of the records it names."""
    windows = [
        documents[int(file) - 1]["benchmarks"][int(record)]
        for file, records in (part.split(":") for part in number["windows"].split(";"))
        for record in records.split(",")
    ]
    assert all(window.get("valid", 1) for window in windows)
    values = sorted(sum(window[counter] for counter in number["counter"].split("+")) for window in windows)
    if number["statistic"] == "median":
        return statistics.median(values)
    if number["statistic"] == "entry":
        return values[0]
    # The interval of 7 windows, 95 %: from the least to the greatest; of 6, the same.
    assert len(values) <= 8
    return values[0] if number["statistic"] == "low" else values[-1]


def test_numbers_are_those_of_the_records(seen):
    documents, found = seen
    assert len(found["numbers"]) > 300
    for number in random.Random(SEED).sample(found["numbers"], 200):
        assert number["value"] == pytest.approx(value_of(documents, number), rel=1e-12), number
        value, half = shown(number["text"])
        assert abs(value - number["value"]) <= half * 1.001, number


def test_a_number_is_made_of_every_valid_window(seen):
    documents, found = seen
    for number in random.Random(SEED).sample([one for one in found["numbers"] if one["statistic"] == "median"], 50):
        file, records = number["windows"].split(";")[0].split(":")
        windows = documents[int(file) - 1]["benchmarks"]
        names = {windows[int(record)]["name"] for record in records.split(",")}
        if len(names) > 1:
            continue
        (name,) = names
        valid = [place for place, window in enumerate(windows) if window["name"] == name and window.get("valid")]
        assert sorted(map(int, records.split(","))) == valid


def test_simulated_numbers_are_marked_and_exact_counts_are_not(seen):
    for number in seen[1]["numbers"]:
        if number["counter"] in EXACT:
            assert not number["text"].startswith("~"), number
            continue
        files = {part.split(":")[0] for part in number["windows"].split(";")}
        assert number["text"].startswith("~") == (files == {"2"}), number


def test_map(seen):
    documents, found = seen
    given = found["map"]
    assert given["pus"] == 32 and given["stops"] == 1 and given["arrow"] == 1
    reading = given["reading"]
    if reading["from"] != reading["to"]:
        windows = [window for window in documents[0]["benchmarks"] if window["name"].startswith("line/")]
        pus = windows[0]["mmscale"]["matrix"]["pus"]
        row, column = pus.index(reading["from"]), pus.index(reading["to"])
        median = statistics.median(window["mmscale"]["matrix"]["one_way_ns"][row][column] for window in windows)
        text = re.search(r": ([\d.]+[kMGT]?) ns one way", reading["text"])[1]
        assert shown(text)[0] == pytest.approx(median, rel=1e-3)


def test_what_if_answers_by_keyboard(seen):
    given = seen[1]["whatif"]
    surface = given["surface"]
    # The page's script finds what the page had without it.
    rows = [[str(cpus), *(whatif.worded(whatif.factor(surface, cpus, work, surface["exits"][0]), "") for work in whatif.WORK)] for cpus in made.COUNTS]
    assert given["first"]["rows"] == rows
    texts = dict(given["asked"]["texts"])
    assert texts["CPUs"] == "2"
    per_second = shown(texts["exits per second"])[0]
    number, unit = texts["work between switches"].split()
    work = float(number) * {"ns": 1, "µs": 1000}[unit]
    assert per_second > 1000 and work > 100

    def settled(scheme):
        ends = []
        for end in (0, 1):
            time = whatif.bounds(surface, scheme, 2, work, surface["exits"][0])[end]
            for _ in range(60):
                time = whatif.bounds(surface, scheme, 2, work, max(per_second * time / 2 / 1000, surface["exits"][0]))[end]
            ends.append(time)
        return ends

    one, other = settled("refcount"), settled("shootdown")
    factor = whatif.worded((one[0] / other[1], one[1] / other[0]), "")
    assert f"({factor})" in given["asked"]["said"] or f"makes {factor} times" in given["asked"]["said"]
    assert given["asked"]["said"].startswith(f"With 2 CPUs, {texts['exits per second']} exits per second and {number} {unit} of work")


def test_fits_have_their_knees(seen):
    (figure,) = [one for name, one in seen[1]["figures"].items() if one["kind"] == "fit"]
    # Refcount saturates in these records, and shootdown does not: its line has no knee within what was measured.
    schemes = {knee["name"].split(":")[0] for knee in figure["knees"]}
    assert any("refcount" in scheme for scheme in schemes) and not any("shootdown" in scheme for scheme in schemes)
    assert all(1 <= knee["x"] <= 64 and knee["y"] > 0 for knee in figure["knees"])


def test_the_kernel_stands_beside_the_emulation(seen):
    kernel = [one for name, one in seen[1]["figures"].items() if name.startswith("host-kernel")]
    assert len(kernel) == 2 and all(one["marks"] for one in kernel)
    shares = [one for one in seen[1]["numbers"] if one["counter"].startswith("idle_share")]
    assert len(shares) == 3 * 3 * 2 and {one["statistic"] for one in shares} == {"median"}


def test_a_machine_of_1536_pus(big):
    found, size = big
    given = found["map"]
    # It begins collapsed; every PU is there once asked for, and one press is answered at once.
    assert given["cells"] <= 256 and given["pus"] == 1536 and given["clickMs"] < 2000
    assert size < 10e6
    assert (found["errors"], found["requests"], found["axe"], found["axeDark"]) == ([], [], [], [])
    assert found["wide"] <= 0 and found["wideOnPhone"] <= 0
    assert "ns one way" in given["reading"]["text"] or "not measured" in given["reading"]["text"]


def test_a_page_of_which_no_window_counts_fails_nowhere(tmp_path):
    entries = [*with_cpus(made.switches(cpus=(1, 2)), made.machine()), *made.lines(made.machine()), *made.bounces(made.machine())]
    for window in entries:
        window["valid"] = 0
        window["mmscale"]["invalid"] = ["cpu 0: asleep"]
    subprocess.run([SCRIPTS / "report", made.write(tmp_path / "a.json", entries), "-o", tmp_path], check=True, capture_output=True)
    found = drive("look.cjs", tmp_path / "report.html")
    assert (found["errors"], found["requests"], found["axe"]) == ([], [], [])


def test_axe_finds_nothing_serious(seen):
    assert (seen[1]["axe"], seen[1]["axeDark"]) == ([], [])


def test_fits_the_window(seen):
    assert seen[1]["wide"] <= 0 and seen[1]["wideOnPhone"] <= 0


def test_paper_is_few_pages(seen, big):
    # Of two machines with every family, and of one: the first screen, and an answer to each question.
    assert 2 <= seen[1]["papers"] <= 5 and 1 <= big[0]["papers"] <= 3


def test_readable_without_javascript(seen):
    bare = seen[1]["bare"]
    assert bare["pictures"] >= len(seen[1]["figures"]) and bare["text"] > 200 and bare["charts"] == 2
