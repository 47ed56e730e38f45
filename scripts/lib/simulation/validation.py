# SPDX-License-Identifier: MIT
"""Predictions of the simulator beside published curves: what docs/simulator.md shows and scripts/validate-simulator
prints. The curves are in published_curves.json."""

import json
import pathlib
import statistics
import subprocess
from dataclasses import dataclass

from command import Problem

CURVES = pathlib.Path(__file__).with_name("published_curves.json")

class ValidationError(Problem):
    """A simulation that did not run; one line."""


@dataclass
class Point:
    """One published value and its prediction, ns."""

    cpus: int
    published: float
    predicted: float

    @property
    def error(self):
        """Predicted against published, as a part of the latter."""
        return self.predicted / self.published - 1


def curves():
    """The published curves, in the order of the document."""
    return json.loads(CURVES.read_text(encoding="utf-8"))["curves"]


def simulate(binary, curve, cpus):
    """What the model of the curve's machine predicts with so many CPUs: ns per operation of all CPUs together."""
    between = curve.get("between", {}).get(str(cpus))
    command = [str(binary), "sim", "--machine", curve["machine"], "--family", "floor", "--cpus", str(cpus)]
    command += ["--window", "100us", "--out", "-", *curve["arguments"]]
    if between is not None:
        command += ["--between", str(between)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ValidationError(done.stderr.strip() or f"{' '.join(command)}: status {done.returncode}")
    record = json.loads(done.stdout)["benchmarks"][0]
    return 1e9 / record["pairs_per_second"]


def predict(binary, curve):
    """All points of a curve."""
    return [Point(cpus, published, simulate(binary, curve, cpus)) for cpus, published in curve["points"]]


def summary(points):
    """(median, worst) absolute error of all points."""
    errors = [abs(point.error) for point in points]
    return statistics.median(errors), max(errors)


def number(value):
    """Three significant digits, as the document has them."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"


def rows(results):
    """The document's table, a line for each point: (curve, points) pairs in, Markdown out."""
    lines = ["| curve | machine | CPUs | published, ns | predicted, ns | error |", "|---|---|---|---|---|---|"]
    for curve, points in results:
        for point in points:
            lines.append(
                f"| {curve['name']} | `{curve['machine']}` | {point.cpus} | {number(point.published)} "
                f"| {number(point.predicted)} | {100 * point.error:+.0f} % |"
            )
    return lines
