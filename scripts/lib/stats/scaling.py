# SPDX-License-Identifier: MIT
"""Fits laws of scaling to throughput against CPUs: the Universal Scalability Law and the plain saturation law.

    X(N) = L N / (1 + s (N - 1) + k N (N - 1))

L: throughput of one CPU; s (sigma): the part that is serialised; k (kappa): what every pair of CPUs costs each other,
0 in the saturation law. N / X(N) is linear in 1/L, s/L and k/L, which are not negative: the best fit is the one that
non-negative least squares finds, without a start to guess or a minimum to miss. Residuals are relative.
"""

import math
from dataclasses import dataclass
from itertools import combinations

import numpy
from scipy.optimize import nnls
from scipy.stats import f as f_distribution

CONFIDENCE = 0.95
DRAWS = 1000
# Residuals below this are not worth a warning, whatever their pattern.
SMALL = 0.02
POOR = 0.05
# A parameter that rounding may have left over.
ROUNDING = 1e-12
# From which p on the third parameter is taken to be worth having.
KAPPA_P = 0.05


@dataclass(frozen=True)
class Fit:
    """One law fitted to one curve.

    one: throughput of one CPU. knee: CPUs at which throughput peaks (usl), or at which the lines of N CPUs on their own
    and of the limit meet (saturation); inf if there is none. knee_low, knee_high: its interval.
    residuals: by point, log of measured over fitted.
    """

    law: str
    one: float
    sigma: float
    kappa: float
    knee: float
    knee_low: float
    knee_high: float
    residuals: tuple

    def at(self, cpus):
        """Throughput at so many CPUs, a number or an array."""
        return law(cpus, self.one, self.sigma, self.kappa)

    @property
    def error(self):
        """The typical relative residual: root of the mean square."""
        return float(numpy.sqrt(numpy.mean(numpy.square(self.residuals))))


LAWS = {"usl": 3, "saturation": 2}


@dataclass(frozen=True)
class Scaling:
    """What was found out about a curve. points: (CPUs, throughput), rising.

    fits: a Fit for each law that there are points enough for, by name. best: that whose parameters the points bear out,
    or None without a fit. refusals: in sentences, which law was not fitted and why. warnings: in sentences.
    """

    points: tuple
    fits: dict
    best: str | None
    refusals: tuple
    warnings: tuple


def law(cpus, one, sigma, kappa):
    """Throughput of so many CPUs."""
    return one * cpus / (1 + sigma * (cpus - 1) + kappa * cpus * (cpus - 1))


def scaling(points, boundaries=(), seed=0):
    """Fits both laws to (CPUs, throughput) pairs; returns a Scaling. boundaries: CPU counts beyond which one more
    package is in use. seed: of the draws for the intervals; the same points give the same intervals."""
    points = tuple(sorted((float(cpus), float(value)) for cpus, value in points if value > 0))
    cpus, values = (numpy.array(column) for column in (zip(*points) if points else ((), ())))
    counts = f"{len(points)} CPU count" + ("" if len(points) == 1 else "s")
    fits = {name: _fit(name, cpus, values, seed) for name, count in LAWS.items() if len(points) >= count + 2}
    refusals = [
        f"{name}: no fit: {counts}, {count + 2} needed for {count} parameters"
        for name, count in LAWS.items()
        if name not in fits
    ]
    if not fits:
        refusals = [f"no fit: {counts}, {min(LAWS.values()) + 2} needed for {min(LAWS.values())} parameters"]
    best = None
    if fits:
        best = "usl" if "usl" in fits and _kappa_matters(fits["usl"], fits["saturation"]) else "saturation"
    warnings = _warnings(points, fits[best], boundaries) if best else []
    return Scaling(points, fits, best, tuple(refusals), tuple(warnings))


def knee(name, sigma, kappa):
    """Where a law of these parameters has its knee, or inf. Not below 1 CPU."""
    if name == "saturation":
        return max(1.0, 1 / sigma) if sigma > ROUNDING else math.inf
    if sigma >= 1:
        return 1.0
    return max(1.0, math.sqrt((1 - sigma) / kappa)) if kappa > ROUNDING else math.inf


def _fit(name, cpus, values, seed):
    terms = _terms(name, cpus)
    one, sigma, kappa = _solve(terms, cpus / values)
    fitted = law(cpus, one, sigma, kappa)
    residuals = numpy.log(values / fitted)
    low, high = _knee_interval(name, terms, cpus / fitted, residuals, seed)
    middle = knee(name, sigma, kappa)
    return Fit(name, one, sigma, kappa, middle, min(low, middle), max(high, middle), tuple(residuals))


def _terms(name, cpus):
    """The columns of the linear problem: of 1/L, s/L and, in the USL, k/L."""
    columns = [numpy.ones_like(cpus), cpus - 1, cpus * (cpus - 1)]
    return numpy.stack(columns[: LAWS[name]], axis=1)


def _solve(terms, inverse):
    """The parameters (L, sigma, kappa) that fit N / X best, every residual in parts of its value."""
    weights = 1 / inverse
    # Weighed by the fitted values and not the measured ones, or points that are too slow would count for too little.
    for _ in range(3):
        found, _ = nnls(terms * weights[:, None], inverse * weights)
        fitted = terms @ found
        if not (fitted > 0).all():
            break
        weights = 1 / fitted
    # A curve that begins level has no throughput of one CPU to be told: as good as unlimited, yet a number.
    base = max(found[0], 1e-9 * inverse.min())
    return 1 / base, found[1] / base, (found[2] / base if len(found) > 2 else 0.0)


def _solve_many(terms, inverses):
    """As _solve, for many curves over the same CPU counts at once, a row of N / X each; returns three arrays."""
    weights = 1 / inverses
    for _ in range(3):
        found = _nnls_many(terms[None] * weights[:, :, None], inverses * weights)
        fitted = found @ terms.T
        good = (fitted > 0).all(axis=1, keepdims=True)
        weights = numpy.where(good, 1 / numpy.where(good, fitted, 1), weights)
    base = numpy.maximum(found[:, 0], 1e-9 * inverses.min(axis=1))
    return 1 / base, found[:, 1] / base, (found[:, 2] / base if found.shape[1] > 2 else numpy.zeros(len(base)))


def _nnls_many(matrices, rights):
    """Non-negative least squares of many small problems at once, where scipy's nnls takes one: the best of the plain
    solutions over every choice of columns that are not 0, of those without a negative part. Of 3 columns that is 7."""
    scale = numpy.sqrt((matrices**2).sum(axis=1, keepdims=True))
    matrices = matrices / scale
    gram = numpy.einsum("dni,dnj->dij", matrices, matrices)
    projected = numpy.einsum("dni,dn->di", matrices, rights)
    count = matrices.shape[2]
    best, least = numpy.zeros((len(rights), count)), numpy.zeros(len(rights))
    for chosen in (list(part) for size in range(1, count + 1) for part in combinations(range(count), size)):
        part = numpy.linalg.solve(gram[:, chosen][:, :, chosen], projected[:, chosen, None])[:, :, 0]
        # What this takes off the sum of squares; the solution of no column takes off nothing.
        gain = (part * projected[:, chosen]).sum(axis=1)
        better = (part >= 0).all(axis=1) & (gain > least)
        least = numpy.where(better, gain, least)
        best[better] = 0
        best[numpy.ix_(better, chosen)] = part[better]
    return best / scale[:, 0]


def _knee_interval(name, terms, fitted, residuals, seed):
    """The interval of the knee: of fits to the fitted curve with noise as large as the residuals, whose size is itself
    only known from so many residuals (hence the chi-squared draw)."""
    degrees = len(residuals) - LAWS[name]
    spread = math.sqrt(float(numpy.square(residuals).sum()) / degrees)
    generator = numpy.random.default_rng(seed)
    sizes = spread * numpy.sqrt(degrees / generator.chisquare(degrees, DRAWS))
    # So wild a draw means that nothing is known; the exponential of it only overflows.
    noise = generator.normal(0, 1, (DRAWS, len(residuals))) * numpy.minimum(sizes, 5.0)[:, None]
    _, sigmas, kappas = _solve_many(terms, fitted * numpy.exp(noise))
    # Of order statistics, as some may be infinite.
    knees = sorted(knee(name, sigma, kappa) for sigma, kappa in zip(sigmas, kappas))
    cut = int(DRAWS * (1 - CONFIDENCE) / 2)
    return knees[cut], knees[DRAWS - 1 - cut]


def _kappa_matters(usl, saturation):
    """Whether the points bear out a kappa above 0: an F test of the two laws, one of which contains the other."""
    degrees = len(usl.residuals) - LAWS["usl"]
    with_it, without = (float(numpy.square(fit.residuals).sum()) for fit in (usl, saturation))
    if usl.kappa == 0 or without <= with_it:
        return False
    # Residuals of rounding only: both fit, and the simpler one is right.
    if saturation.error < 1e-9:
        return False
    if usl.error < 1e-9:
        return True
    return f_distribution.sf((without - with_it) / (with_it / degrees), 1, degrees) < KAPPA_P


def _warnings(points, fit, boundaries):
    """Why the best fit should not be believed, in sentences."""
    found = []
    if fit.error > POOR:
        found.append(f"poor fit: the points are typically {100 * fit.error:.0f} % off the curve")
    found += [
        f"residuals jump by {100 * jump:+.0f} % at the package boundary between {below:g} and {above:g} CPUs: the law "
        "knows nothing of packages"
        for below, above, jump in _jumps(points, fit, boundaries)
    ]
    if fit.error > SMALL and _patterned(fit.residuals):
        found.append("residuals follow a pattern, they do not scatter: the curve has another shape than the law")
    reach = points[-1][0]
    if math.isinf(fit.knee):
        found.append(f"no knee: up to {reach:g} CPUs nothing points to one")
    elif fit.knee > reach:
        found.append(f"the knee lies beyond the {reach:g} CPUs measured: an extrapolation")
    elif fit.knee_high > 2 * max(fit.knee, 1) or fit.knee_low < fit.knee / 2:
        found.append("the knee is only known within a factor of 2 or worse")
    if fit.sigma > 1:
        found.append("sigma above 1: two CPUs together do less than one, so sigma is no share of serial work")
    return found


def _jumps(points, fit, boundaries):
    """(CPUs before, CPUs after, jump of the residual) at those boundaries where it jumps more than elsewhere."""
    steps = []
    for (below, _), (above, _), one, other in zip(points, points[1:], fit.residuals, fit.residuals[1:]):
        steps.append((below, above, other - one, any(below < edge < above for edge in boundaries)))
    elsewhere = [abs(step) for *_, step, crossing in steps if not crossing]
    usual = float(numpy.median(elsewhere)) if elsewhere else 0.0
    for below, above, step, crossing in steps:
        if crossing and abs(step) > max(POOR, 2 * usual):
            yield below, above, math.expm1(step)


def _patterned(residuals):
    """Whether residuals change their sign so rarely that chance would do it in fewer than 5 of 100 cases (the runs
    test, exact)."""
    signs = [value > 0 for value in residuals]
    up, down = sum(signs), len(signs) - sum(signs)
    if not up or not down:
        return False
    runs = 1 + sum(one != other for one, other in zip(signs, signs[1:]))
    total = math.comb(up + down, up)
    return sum(_with_runs(up, down, count) for count in range(2, runs + 1)) / total < 0.05


def _with_runs(up, down, runs):
    """How many orders of so many ups and downs have so many runs."""
    half = runs // 2
    if runs % 2 == 0:
        return 2 * math.comb(up - 1, half - 1) * math.comb(down - 1, half - 1)
    return math.comb(up - 1, half) * math.comb(down - 1, half - 1) + math.comb(up - 1, half - 1) * math.comb(
        down - 1, half
    )
