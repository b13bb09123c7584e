"""Numerical derivatives of a sum of terms, L(v) = terms(v).sum(), and how far each can be believed.

The terms of <dy, forward(v)> are kept apart, because those that a step does not move then cancel to the last bit.
"""

import itertools
import warnings
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

Array = np.ndarray
Terms = Callable[[Array], Array]

EPS = float(np.finfo(np.float64).eps)
COMPLEX_STEP = 1e-20
CENTRAL_STEP = EPS ** (1 / 3)  # balances truncation, h^2, and rounding, EPS / h


class Direction(NamedTuple):
    """A step from v: by h u, at the entries `at` of v, which the report calls `place`."""

    at: Array
    u: Array
    place: str


def central_difference(terms: Terms, v: Array, direction: Direction, h: float = CENTRAL_STEP) -> float:
    """The derivative of L(v + h u) by h at h = 0, from a step to either side."""
    plus, minus = v.copy(), v.copy()
    plus[direction.at] += h * direction.u
    minus[direction.at] -= h * direction.u
    return (terms(plus) - terms(minus)).sum() / (2 * h)


def complex_step(terms: Terms, v: Array, direction: Direction) -> float:
    """The same from one evaluation, an invisible step off the real axis."""
    w = v.astype(complex)
    w[direction.at] += 1j * COMPLEX_STEP * direction.u
    with warnings.catch_warnings():  # a cast to real numbers must not pass for an answer
        warnings.simplefilter("error", np.exceptions.ComplexWarning)
        return terms(w).imag.sum() / COMPLEX_STEP


# ---- how far a difference can be believed ----------------------------------------------------------


def precision_of(terms: Terms, v: Array, rng: np.random.Generator) -> float:
    """The EPS of forward: of float32 if hardly a term answers to a step that float64 would show."""
    u = rng.standard_normal(v.size) * sizes_of(v)
    near = v + 1e-3 * u
    value, small, large = terms(near), terms(near + 1e-11 * u), terms(near + 1e-3 * u)
    visible = abs(large - value) * 1e-8 > 8 * EPS * abs(value)
    staircase = visible.any() and (small == value)[visible].mean() > 0.5
    return float(np.finfo(np.float32).eps) if staircase else EPS


def rounding_of(terms: Terms, v: Array, precision: float, rng: np.random.Generator) -> Array:
    """What each term is uncertain by: its last digits, or more where digits were lost on the way to it.

    Fourth differences along short lines tell: of anything smooth, nothing is left in them. The lines lie a little
    beside v, where there is no kink, and the median forgets the line that meets one all the same.
    """
    found, h = [], precision ** (1 / 3) / np.sqrt(v.size)
    for u in rng.standard_normal((5, v.size)) * sizes_of(v):
        line = [terms(v + (1e-3 + k * h) * u) for k in range(5)]
        found.append(abs(np.diff(line, n=4, axis=0)[0]))
    measured = np.median(found, axis=0)
    return np.maximum(np.where(np.isfinite(measured), measured, 0), precision * abs(terms(v)))


def _steps(v: Array, direction: Direction) -> Iterator[float]:
    """From the shortest to one of about the size of v, each four times as long as the one before."""
    h, longest = 1e-3 * CENTRAL_STEP, max(1.0, abs(v[direction.at]).max())
    while h < longest:
        yield h
        h *= 4


def _slopes(terms: Terms, v: Array, direction: Direction, h: float) -> tuple[Array, Array]:
    """Of each term, to the right and to the left."""
    plus, minus = v.copy(), v.copy()
    plus[direction.at] += h * direction.u
    minus[direction.at] -= h * direction.u
    value = terms(v)
    return (terms(plus) - value) / h, (value - terms(minus)) / h


def _uncertain(terms: Terms, v: Array, direction: Direction, noise: Array) -> float:
    """What a difference along this direction is uncertain by, times h: the noise of the terms that it moves."""
    right, left = _slopes(terms, v, direction, 1e-2 * max(1.0, abs(v[direction.at]).max()))
    moved = (right != 0) | (left != 0)
    return float(np.linalg.norm(noise[moved] if moved.any() else noise))


def best_difference(terms: Terms, v: Array, direction: Direction, noise: Array) -> tuple[float, float]:
    """The central difference by the step that resolves most, and what it is uncertain by.

    Rounding falls with h. The rest is seen by a longer step, which says otherwise where h is too long for the curve of
    L, or where a kink lies near.
    """
    rounding, best, least, uncertain = _uncertain(terms, v, direction, noise), np.nan, np.inf, np.inf
    steps = list(_steps(v, direction))
    found = [central_difference(terms, v, direction, steps[0])]
    for h, longer in itertools.pairwise(steps):
        found.append(central_difference(terms, v, direction, longer))
        apart = abs(found[-1] - found[-2])
        if len(found) > 2:  # two may agree by chance: the one before must have come near as well
            apart = max(apart, abs(found[-2] - found[-3]) - 8 * rounding / h)
        resolution = rounding / h + apart
        if resolution < least:  # the longer step errs by at least four times as much
            best, least, uncertain = found[-2], resolution, rounding / h + apart / 4
        elif resolution > 16 * least:
            break  # longer steps know less and less
    return float(best), float(uncertain)


def sides(terms: Terms, v: Array, direction: Direction, noise: Array) -> tuple[float, float] | None:
    """What the derivative lies between, if v is on a kink: the slopes to either side, term by term; else None.

    A kink at v is there for every step that resolves it. One that lies beside v is not there for the shorter ones, and
    what curvature makes of two slopes grows with the step.
    """
    rounding, shortest = _uncertain(terms, v, direction, noise), True
    for h in _steps(v, direction):
        right, left = _slopes(terms, v, direction, h)
        differ = abs(right - left) > 20 * noise / h
        if differ.any():
            longer = abs(np.subtract(*_slopes(terms, v, direction, 4 * h)))[differ].sum()
            changes = not 1 / 1.5 < longer / abs(right - left)[differ].sum() < 1.5
            if changes or (not shortest and (abs(right - left) > 100 * noise / h).any()):
                return None
            middle = (right + left) / 2
            low, high = (np.where(differ, side(right, left), middle).sum() for side in (np.minimum, np.maximum))
            return low - rounding / h, high + rounding / h
        shortest = False
    return None


def sizes_of(v: Array) -> Array:
    """How far each entry may be moved by a step of one: no further than from zero, so that log stays finite."""
    return np.where(v == 0, 1.0, np.minimum(abs(v), 1.0))
