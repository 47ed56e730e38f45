# SPDX-License-Identifier: MIT
"""Predictions of the simulator beside published curves: what docs/simulator.md shows and scripts/validate-simulator
prints. The curves are in published_curves.json."""

import concurrent.futures
import json
import os
import pathlib
import statistics
import subprocess
from dataclasses import dataclass

from command import Problem

CURVES = pathlib.Path(__file__).with_name("published_curves.json")
# Virtual time of a prediction, and of the one that says whether it has settled. Each is the mean over seeds, which say in
# what order the CPUs come to the line first: of first come first served a lock's queue keeps that order.
WINDOW_US, LONG_WINDOW_US = 250, 1000
SEEDS = range(1, 7)
# Further apart than that, the two are flagged.
SETTLED = 0.03
# A curve whose best constant is closer than that on average is flat: nothing to be skilled at.
FLAT = 0.05


class ValidationError(Problem):
    """A simulation that did not run; one line."""


@dataclass
class Point:
    """One published value and its predictions, ns: the long window's, and the short one's."""

    cpus: int
    published: float
    predicted: float
    short: float
    repeats: tuple = ()  # least and most of what was published, where that is known

    @property
    def error(self):
        """Predicted against published, as a part of the latter."""
        return self.predicted / self.published - 1

    @property
    def settled(self):
        """Whether a window ten times as long gives the same."""
        return abs(self.short / self.predicted - 1) <= SETTLED


def curves():
    """The published curves, in the order of the document."""
    return json.loads(CURVES.read_text(encoding="utf-8"))["curves"]


def simulate(binary, curve, window_us, seed):
    """What the model of the curve's machine predicts: {CPUs: ns per operation of all CPUs together}."""
    between = curve.get("between", {})
    # What the loop takes beside may depend on the CPUs: a run for each then.
    counts = [str(cpus) for cpus, *_ in curve["points"]]
    found = {}
    for cpus in counts if between else [",".join(counts)]:
        command = [str(binary), "sim", "--machine", curve["machine"], "--family", "floor", "--cpus", cpus, "--seed", str(seed)]
        command += ["--window", f"{window_us}us", "--out", "-", *curve["arguments"]]
        if between:
            command += ["--between", str(between[cpus])]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ValidationError(done.stderr.strip() or f"{' '.join(command)}: status {done.returncode}")
        for record in json.loads(done.stdout)["benchmarks"]:
            found[record["mmscale"]["cpus"]] = 1e9 / record["pairs_per_second"]
    return found


def predict(binary, curve):
    """All points of a curve."""
    jobs = [(window, seed) for window in (LONG_WINDOW_US, WINDOW_US) for seed in SEEDS]
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        found = list(pool.map(lambda job: simulate(binary, curve, *job), jobs))
    long, short = found[: len(SEEDS)], found[len(SEEDS) :]
    return [
        Point(cpus, published, *(statistics.mean(run[cpus] for run in runs) for runs in (long, short)), tuple(repeats))
        for cpus, published, *repeats in curve["points"]
    ]


def summary(points):
    """(median, worst) absolute error of all points."""
    errors = [abs(point.error) for point in points]
    return statistics.median(errors), max(errors)


def constant_error(points):
    """The mean absolute error of the best constant for a curve: one of its own values, known in hindsight."""
    values = [point.published for point in points]
    return min(statistics.mean(abs(guess / value - 1) for value in values) for guess in values)


def one_fits(points):
    """Whether one constant is within the published repeats of every point: what the curve does beyond that is noise."""
    return all(p.repeats for p in points) and max(p.repeats[0] for p in points) <= min(p.repeats[1] for p in points)


def skill(points):
    """What of a constant's error the model does away with: 1 all, 0 none, below 0 it is the worse of the two. None for a
    curve that is flat."""
    constant = constant_error(points)
    if constant < FLAT or one_fits(points):
        return None
    return 1 - statistics.mean(abs(point.error) for point in points) / constant


def number(value):
    """Three significant digits, as the document has them."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"


def rows(results):
    """The document's table, a line for each point: (curve, points) pairs in, Markdown out."""
    lines = ["| curve | set | machine | CPUs | published, ns | predicted, ns | error |", "|---|---|---|---|---|---|---|"]
    for curve, points in results:
        for point in points:
            flag = "" if point.settled else f" (not settled: {number(point.short)} in {WINDOW_US} us)"
            lines.append(
                f"| {curve['name']} | {curve['set']} | `{curve['machine']}` | {point.cpus} | {number(point.published)} "
                f"| {number(point.predicted)}{flag} | {100 * point.error:+.0f} % |"
            )
    return lines


def family_rows(results):
    """A line for each curve, beside what a constant would score: Markdown."""
    lines = [
        "| family | curve | set | median error | mean error | a constant's mean error | skill |",
        "|---|---|---|---|---|---|---|",
    ]
    for curve, points in results:
        if len(points) == 1:
            continue
        gained = skill(points)
        lines.append(
            f"| {curve['family']} | {curve['name']} | {curve['set']} | {100 * summary(points)[0]:.0f} % "
            f"| {100 * statistics.mean(abs(p.error) for p in points):.0f} % | {100 * constant_error(points):.0f} % "
            f"| {'flat' if gained is None else f'{gained:+.2f}'} |"
        )
    return lines


def set_lines(results):
    """The summary, by set and of all."""
    lines = []
    for name in ("known", "train", "test", None):
        points = [p for curve, curve_points in results for p in curve_points if name in (None, curve["set"])]
        if points:
            median, worst = summary(points)
            lines.append(
                f"{len(points)} points{f' of set {name}' if name else ' in all'}: median absolute error "
                f"{100 * median:.1f} %, worst {100 * worst:.0f} %."
            )
    return lines
