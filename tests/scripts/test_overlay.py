# SPDX-License-Identifier: MIT
"""plot --overlay, and that every script takes what `mmscale sim` writes and says that it is simulated."""

import json
import re

import made
import pytest
from conftest import DATA, SCRIPTS

from figures import overlay as figure_overlay
from simulation import overlay
from records.reading import RecordError, read

PLOT = SCRIPTS / "plot"
SIMULATED = DATA / "simulated.json"
# What the fixture holds, ns per switch, and what the made measurement says of the same.
FACTORS = {("refcount", 1): 2.0, ("refcount", 2): 1.0, ("shootdown", 1): 0.8, ("shootdown", 2): 0.8}


def predicted():
    entries = json.loads(SIMULATED.read_text())["benchmarks"]
    return {(entry["mmscale"]["scheme"], entry["mmscale"]["cpus"]): entry["ns_per_switch"] for entry in entries}


def measured(factors=FACTORS, spoilt=(), **ours):
    """Windows of the fixture's cases, as bench would have measured them: some factor above the prediction."""
    entries = []
    for (scheme, cpus), factor in factors.items():
        for window in range(made.WINDOWS):
            cost = predicted()[scheme, cpus] * factor * made.FLUTTER[window]
            counters = {"cpus": cpus, "ns_per_switch": cost, "switches_per_second": cpus * 1e9 / cost}
            entry = made.entry(
                f"switch/idle/{scheme}/all/compact/cpus:{cpus}", counters,
                {"workload": "idle", "scheme": scheme, "sharing": "all", "placement": "compact", "cpus": cpus,
                 "lifecycle": "powerpc", "mm_cid": "off", "rq_lock": False, "transport": "membarrier",
                 "think_cycles": 0, "irqs_off_activate_mm": False, "hotplug": "after", "page_tables": True,
                 "deep_idle": False} | ours,
                ["spoilt"] if (scheme, cpus) in spoilt else (),
            )  # fmt: skip
            entries.append(entry)
    return entries


@pytest.fixture
def both(tmp_path):
    """Records of the measurement that measured() makes and of the simulation."""

    def laid(**options):
        return read([made.write(tmp_path / "bench.json", measured(**options)), SIMULATED])

    return laid


def test_the_error_of_each_point(both):
    (one,), left_out = overlay.overlays(both())
    errors = {(pair.scheme, pair.cpus): pair.error for pair in one.pairs}
    assert errors == pytest.approx({case: 1 / factor - 1 for case, factor in FACTORS.items()})
    assert {(pair.scheme, pair.cpus) for pair in one.pairs if pair.within} == {("refcount", 2)}
    assert sorted(left_out) == [
        f"switch idle {scheme} all compact {cpus} CPUs: only simulated"
        for scheme in ("refcount", "shootdown") for cpus in (4, 6)
    ]  # fmt: skip
    assert "4 points: median absolute error 25.0 %, worst -50 % (refcount, 1 CPU)." == overlay.summary(one)


def test_the_figure_has_points_lines_intervals_and_errors(both):
    records = both()
    (one,), _ = overlay.overlays(records)
    (axes,) = figure_overlay.draw(records, one).axes
    by_gid = {artist.get_gid(): artist for artist in axes.get_children() if artist.get_gid()}
    assert by_gid["error-refcount-1"].get_text() == "-50 %" and by_gid["error-shootdown-2"].get_text() == "+25 %"
    costs = predicted()
    assert list(by_gid["simulated-shootdown"].get_ydata()) == [costs["shootdown", 1], costs["shootdown", 2]]
    assert list(by_gid["measured-refcount"].get_ydata()) == pytest.approx([2 * costs["refcount", 1], costs["refcount", 2]])
    assert len(axes.collections) >= 2, "the intervals' bars"
    labels = {text.get_text() for text in axes.texts}
    assert {"refcount", "~refcount", "shootdown", "~shootdown"} <= labels


def test_errors_of_points_that_coincide_stand_above_each_other(both):
    same = predicted()["shootdown", 1] / predicted()["refcount", 1]
    records = both(factors={("refcount", 1): same, ("shootdown", 1): 1.0})
    figure = figure_overlay.draw(records, overlay.overlays(records)[0][0])
    renderer = figure.canvas.get_renderer()
    boxes = [
        text.get_window_extent(renderer) for text in figure.axes[0].texts if (text.get_gid() or "").startswith("error-")
    ]
    assert len(boxes) == 2 and not boxes[0].overlaps(boxes[1])


def test_the_command_prints_draws_and_names_what_is_left_out(run, tmp_path):
    bench = made.write(tmp_path / "bench.json", measured(spoilt={("shootdown", 2)}))
    done = run(PLOT, "--overlay", bench, SIMULATED, "-o", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (tmp_path / "overlay.txt").read_text()
    assert re.search(r"^refcount +1 +28\.00 .* +~14\.00 +-50 %$", done.stdout, re.MULTILINE)
    assert "SIMULATED: 2-socket Xeon E5-2630 v4" in done.stdout
    assert re.search(r"^family switch, workload idle, one mm for all, CPUs nearest first; .*rules of powerpc", done.stdout, re.MULTILINE)
    assert "switch idle shootdown all compact 2 CPUs: no valid window measured" in done.stdout
    drawn = {path.name for path in tmp_path.iterdir()} - {"bench.json", "overlay.txt"}
    assert drawn == {f"overlay-switch-idle-all-compact.{form}" for form in ("png", "svg")}
    svg = (tmp_path / "overlay-switch-idle-all-compact.svg").read_text()
    assert "error-refcount-1" in svg and "error-shootdown-2" not in svg


def test_other_conditions_are_not_laid_over_each_other(both):
    with pytest.raises(RecordError, match="lifecycle x86-2024 measured, powerpc simulated"):
        overlay.overlays(both(lifecycle="x86-2024"))


def test_what_only_a_simulation_can_have_and_has_not_keeps_nothing_apart(tmp_path):
    document = json.loads(SIMULATED.read_text())

    def left_out(**theirs):
        for entry in document["benchmarks"]:
            entry["mmscale"] |= theirs
        simulated = tmp_path / "sim.json"
        simulated.write_text(json.dumps(document))
        return overlay.overlays(read([made.write(tmp_path / "bench.json", measured()), simulated]))[1]

    assert len(left_out(rest_of_switch="none", random_think=False)) == len(FACTORS)
    with pytest.raises(RecordError, match="rest_of_switch none measured, 1630 simulated"):
        left_out(rest_of_switch="1630")


def test_floors_are_laid_over_floors(tmp_path):
    def floors(cost, world):
        ours = {"scheme": "incdec", "placement": "compact", "cpus": 2, "world": world}
        return [made.entry("floor/incdec/compact/cpus:2", {"cpus": 2, "ns_per_pair": cost}, ours)]

    bench = made.write(tmp_path / "bench.json", floors(40.0, "silicon"))
    sim = made.write(tmp_path / "sim.json", floors(50.0, "simulator"), mmscale_world="simulator", host_name="model")
    (one,), left_out = overlay.overlays(read([bench, sim], needed=("floors",)))
    assert (one.family, one.stem, left_out) == ("floor", "overlay-floor-compact", [])
    assert one.pairs[0].error == pytest.approx(0.25)


@pytest.mark.parametrize(
    "files, complaint",
    [
        (("bench.json",), "one machine simulated, and 0 are given"),
        ((SIMULATED,), "one machine measured, and 0 are given"),
        (("bench.json", "other.json", SIMULATED), "one machine measured, and 2 are given: "),
    ],
)
def test_takes_one_machine_of_each_world(in_process, run, tmp_path, files, complaint):
    made.write(tmp_path / "bench.json", measured())
    made.write(tmp_path / "other.json", measured(), host_name="another")
    done = run(PLOT, "--overlay", *files, "-o", tmp_path, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert complaint in done.stderr and len(done.stderr.splitlines()) == 1


def test_plot_marks_what_was_simulated(run, tmp_path):
    done = run(PLOT, SIMULATED, "-o", tmp_path)
    assert done.returncode == 0 and "SIMULATED" in done.stdout
    assert re.search(r"^refcount +1 +~71\.43M", done.stdout, re.MULTILINE)
    assert "SIMULATED" in (tmp_path / "switch-idle-all-compact-ns.svg").read_text()


def test_fit_and_report_take_it(run, tmp_path):
    fit = run(SCRIPTS / "fit", SIMULATED)
    assert fit.returncode == 0 and "SIMULATED, not measured" in fit.stdout
    assert re.search(r"^shootdown +\S+ +~64", fit.stdout, re.MULTILINE)
    report = run(SCRIPTS / "report", SIMULATED, "-o", tmp_path)
    assert report.returncode == 0 and "SIMULATED" in (tmp_path / "report.html").read_text()


def test_validate_knows_what_a_simulated_record_has(in_process, edited):
    def without_a_class(document):
        del document["benchmarks"][-1]["mmscale"]["simulator"]["lines"][0]["moved"]["domain"]

    assert in_process(SCRIPTS / "validate", SIMULATED).returncode == 0
    done = in_process(SCRIPTS / "validate", edited("simulated.json", without_a_class))
    assert done.returncode == 1 and "simulator.lines[0].moved: 'domain' is a required property" in done.stderr

    def without_a_part(document):
        document["benchmarks"][-1]["mmscale"]["simulator"]["time_ps"] = {"work": 1, "total": 1}

    # This file is of before there was time_ps and of schema 2, whose names stay: the schema asks for the whole of it where it
    # is, and tests/cli/test_sim.py for it in what is simulated now.
    done = in_process(SCRIPTS / "validate", edited("simulated.json", without_a_part))
    assert done.returncode == 1 and "simulator.time_ps: 'waiting' is a required property" in done.stderr


def test_compare_takes_two_models_and_a_model_against_a_machine(run, edited, tmp_path):
    def another(document):
        document["context"]["host_name"] = "other-model"
        for entry in document["benchmarks"]:
            entry["mmscale"]["machine"] = "other-model"
            entry["ns_per_switch"] *= 1.5

    done = run(SCRIPTS / "compare", SIMULATED, edited("simulated.json", another))
    assert done.returncode == 0 and "8 slower" in done.stdout and "~1.500" in done.stdout
    # Nine windows are needed of what has a spread; window lengths and transports of two worlds never agree.
    windows = [entry for entry in measured() for _ in range(2)]
    own = {"page_tables": True, "deep_idle": False, "irqs_off_activate_mm": False, "hotplug": "after", "schema": 2}
    for entry in windows:
        entry["mmscale"] |= own
    bench = made.write(tmp_path / "bench.json", windows)
    done = run(SCRIPTS / "compare", bench, SIMULATED, "--across-worlds")
    assert "A to B: 2 slower, 1 faster, 1 no difference shown" in done.stdout, done.stdout + done.stderr
    assert "other conditions" not in done.stdout
