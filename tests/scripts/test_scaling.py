# SPDX-License-Identifier: MIT
import math

import numpy
import pytest
from stats import scaling as scaling_module
from stats.scaling import knee, law, scaling

COUNTS = (1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128)


def curve(one=1e7, sigma=0.0, kappa=0.0, counts=COUNTS, spread=0.0, seed=1):
    noise = numpy.random.default_rng(seed).normal(0, spread, len(counts)) if spread else numpy.zeros(len(counts))
    return [(count, law(count, one, sigma, kappa) * math.exp(error)) for count, error in zip(counts, noise)]


@pytest.mark.parametrize("one", [1.0, 1.5e8])
@pytest.mark.parametrize("sigma", [0.0, 0.01, 0.3, 0.95, 2.5])
@pytest.mark.parametrize("kappa", [1e-5, 1e-3, 0.05])
def test_recovers_planted_usl(one, sigma, kappa):
    found = scaling(curve(one, sigma, kappa)).fits["usl"]
    assert found.one == pytest.approx(one, rel=1e-6)
    assert (found.sigma, found.kappa) == (pytest.approx(sigma, rel=1e-5, abs=1e-9), pytest.approx(kappa, rel=1e-5))
    assert found.knee == pytest.approx(knee("usl", sigma, kappa), rel=1e-4)
    assert found.knee_low <= found.knee <= found.knee_high
    assert found.error < 1e-6


@pytest.mark.parametrize("sigma", [0.02, 0.3, 0.9])
def test_recovers_planted_saturation_and_prefers_it(sigma):
    found = scaling(curve(sigma=sigma))
    assert found.best == "saturation"
    assert found.fits["saturation"].sigma == pytest.approx(sigma, rel=1e-6)
    assert found.fits["saturation"].knee == pytest.approx(1 / sigma, rel=1e-5)


def test_a_peak_needs_kappa():
    assert scaling(curve(sigma=0.05, kappa=0.002, spread=0.01)).best == "usl"


def test_the_peak_is_where_the_law_peaks():
    counts = numpy.arange(1, 400)
    assert counts[law(counts, 1.0, 0.1, 0.0004).argmax()] == pytest.approx(knee("usl", 0.1, 0.0004), abs=1)


def test_linear_scaling_has_no_knee():
    found = scaling(curve())
    assert found.best == "saturation" and math.isinf(found.fits["saturation"].knee)
    assert any("no knee" in warning for warning in found.warnings)


def test_the_interval_of_the_knee_covers():
    covered = {"usl": 0, "saturation": 0}
    for seed in range(30):
        for name, sigma, kappa in (("usl", 0.05, 0.002), ("saturation", 0.1, 0.0)):
            fit = scaling(curve(sigma=sigma, kappa=kappa, spread=0.02, seed=seed)).fits[name]
            covered[name] += fit.knee_low <= knee(name, sigma, kappa) <= fit.knee_high
    # 95 % of 30 are 28.5, with a standard deviation of 1.2.
    assert min(covered.values()) >= 25


def test_same_points_same_intervals():
    assert scaling(curve(sigma=0.1, spread=0.02)) == scaling(curve(sigma=0.1, spread=0.02)[::-1])


@pytest.mark.parametrize("count, laws", [(0, ()), (2, ()), (3, ()), (4, ("saturation",)), (5, ("usl", "saturation"))])
def test_refuses_too_few_points(count, laws):
    found = scaling(curve(sigma=0.1, kappa=0.001, counts=COUNTS[:count]))
    assert tuple(found.fits) == laws
    assert (found.best is None) == (not laws)
    assert len(found.refusals) == (len(laws) < 2)
    if count == 2:
        assert found.refusals == ("no fit: 2 CPU counts, 4 needed for 2 parameters",)
    if count == 4:
        assert found.refusals == ("usl: no fit: 4 CPU counts, 5 needed for 3 parameters",)


def test_points_without_a_value_are_none():
    assert scaling([(1, 1.0), (2, 0.0), (3, math.nan), (4, 3.0), (8, 5.0)]).best is None


def test_warns_of_a_boundary():
    # Within each package it scales; crossing to the second costs half.
    points = [(count, value * (0.5 if count > 32 else 1)) for count, value in curve(sigma=0.01, spread=0.005)]
    found = scaling(points, boundaries=[32.5])
    assert any("boundary between 32 and 48" in warning for warning in found.warnings)
    assert any("poor fit" in warning for warning in found.warnings)
    assert not any("boundary" in warning for warning in scaling(points).warnings)


def test_does_not_warn_of_a_good_fit():
    warned = [scaling(curve(sigma=0.05, kappa=0.002, spread=0.01, seed=seed), [32.5]).warnings for seed in range(20)]
    assert sum(map(bool, warned)) <= 1


def test_warns_of_another_shape():
    counts = range(1, 33)
    # A hard limit: linear up to it, level beyond.
    found = scaling([(count, 1e7 * min(count, 8)) for count in counts])
    assert any("pattern" in warning for warning in found.warnings)


def test_warns_of_extrapolation():
    found = scaling(curve(sigma=0.001, kappa=1e-6, spread=0.0001))
    assert any("beyond the 128 CPUs" in warning for warning in found.warnings)


def test_many_fits_at_once_are_those_of_scipy():
    generator = numpy.random.default_rng(7)
    counts = numpy.array([1, 2, 4, 8, 16, 64, 512, 1536.0])
    terms = numpy.stack([numpy.ones_like(counts), counts - 1, counts * (counts - 1)], axis=1)
    # Sigma and kappa from far too small to be seen to large, so that either may end at 0.
    truth = 10.0 ** generator.uniform((0, -9, -12), (0, 0, -3), (200, 3))
    inverses = truth @ terms.T * numpy.exp(generator.normal(0, 0.1, (200, len(counts))))
    found = numpy.stack(scaling_module._solve_many(terms, inverses), axis=1)
    alone = numpy.array([scaling_module._solve(terms, row) for row in inverses])
    assert found == pytest.approx(alone, rel=1e-6, abs=1e-12)
    assert (alone[:, 1] == 0).any() and (alone[:, 2] == 0).any() and (alone[:, 1:] > 0).all(axis=1).any()
