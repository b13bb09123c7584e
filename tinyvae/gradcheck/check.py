"""The check: two numerical derivatives, and what they say of a backward pass."""

import math
from typing import NamedTuple

import numpy as np

from tinyvae.diagnose import Evidence, explain
from tinyvae.gradcheck.problems import Problem, problem_of
from tinyvae.gradcheck.report import Report, Row

Array = np.ndarray

EPS = float(np.finfo(np.float64).eps)
COMPLEX_STEP = 1e-20
CENTRAL_STEP = EPS ** (1 / 3)  # balances truncation, h^2, and rounding, EPS / h
SHORT_STEP = 1e-3 * CENTRAL_STEP


class Direction(NamedTuple):
    """A step from v: by h u, at the entries `at` of v, which the report calls `place`."""

    at: Array
    u: Array
    place: str


def central_difference(L, v: Array, direction: Direction, h: float = CENTRAL_STEP) -> float:
    """The derivative of L(v + h u) by h at h = 0, from a step to either side."""
    plus, minus = v.copy(), v.copy()
    plus[direction.at] += h * direction.u
    minus[direction.at] -= h * direction.u
    return (L(plus) - L(minus)) / (2 * h)


def complex_step(L, v: Array, direction: Direction) -> float:
    """The same from one evaluation, an invisible step off the real axis."""
    w = v.astype(complex)
    w[direction.at] += 1j * COMPLEX_STEP * direction.u
    return L(w).imag / COMPLEX_STEP


def check_gradients(what, *inputs, rng=0, entries: int = 200, complex_tolerance: float = 1e-12,
                    central_tolerance: float = 1e-7) -> Report:
    """Compare the backward of `what` with numerical derivatives, in float64.

    what        a layer or chain          inputs: x                 (see `layers`)
                a likelihood              inputs: x, out            (see `likelihoods`)
                an objective over a VAE   inputs: x, eps and, if conditional, y; by all of theta
                (forward, backward)       inputs: those of forward(*inputs) -> y; backward(dy) gives
                                          the derivative by each, one array or a tuple of them
                or an object of your own that keeps one of these contracts
    inputs      made up, on sizes that are distinct primes, where you give none
    rng         numpy.random.Generator, or a seed, for inputs and cotangents
    entries     an array with more entries than this is checked at so many random ones, and along
                one random direction through all of them

    A wrong gradient that is a multiple of the right one, or its transpose, is called so. `what` itself is not
    changed: the check works on a copy with float64 parameters.
    """
    rng = np.random.default_rng(rng)
    problem = problem_of(what, inputs, rng)
    value = _value(problem)
    dy = rng.standard_normal(value.shape)
    gradient = _gradient(problem, dy)

    def L(v: Array):
        return (dy * problem.forward(v)).sum()

    complex_works = _complex_works(L, problem.v, rng.standard_normal(problem.v.size))
    limits = Limits(entries, complex_tolerance if complex_works else None, central_tolerance,
                    rounding=4 * EPS * abs(dy * value).sum())
    rows = [_compare(problem, name, L, gradient, limits, rng) for name in problem.names]
    note = "" if complex_works else "forward does not carry complex numbers: checked by differences alone."
    return Report(problem.title, rows, note)


class Limits(NamedTuple):
    """How much of an array is compared, and how large an error may be, relative to its gradient's largest entry."""

    entries: int
    complex_tolerance: float | None  # None: forward does not take complex numbers
    central_tolerance: float
    rounding: float  # a difference of two values of L, divided by a step of 1, knows nothing below this

    def differences(self, h: float, scale: float) -> float:
        """What is allowed beside a central difference with step h."""
        return self.central_tolerance + self.rounding / h / scale


def _compare(problem: Problem, name: str, L, gradient: Array, limits: Limits, rng: np.random.Generator) -> Row:
    """What backward says of one array beside what is measured."""
    v, index = problem.v, problem.names[name]
    directions = _directions(index, limits.entries, rng)
    said = np.array([gradient[at] @ u for at, u, _ in directions])
    central = np.array([central_difference(L, v, direction) for direction in directions])
    values = abs(np.array([said, central]))
    scale = values.max(where=np.isfinite(values), initial=0) or 1.0  # all zero: nothing to be relative to
    allowed = np.full(len(said), limits.differences(CENTRAL_STEP, scale))
    for i in np.flatnonzero(abs(said - central) > allowed * scale):
        # Perhaps a kink (of a ReLU) lies within the step: a much shorter one misses it.
        central[i] = central_difference(L, v, directions[i], SHORT_STEP)
        allowed[i] = limits.differences(SHORT_STEP, scale)
    central_errors = abs(said - central) / scale
    ok = bool((central_errors <= allowed).all())
    best, errors, complex_error = central, central_errors, None
    if limits.complex_tolerance is not None:
        best = np.array([complex_step(L, v, direction) for direction in directions])
        errors = abs(said - best) / scale
        complex_error = float(errors.max())
        ok = ok and complex_error <= limits.complex_tolerance
    worst = int(np.argmax(errors))  # argmax takes a NaN for the largest
    cause = None
    if not ok and index.size <= limits.entries:
        cause = explain([Evidence(said.reshape(index.shape), best.reshape(index.shape), problem.sizes)])
    return Row(name, index.shape, min(index.size, limits.entries), complex_error, float(central_errors.max()),
               directions[worst].place, float(said[worst]), float(best[worst]), ok, cause.text if cause else "")


def _directions(index: Array, entries: int, rng: np.random.Generator) -> list[Direction]:
    """Along each entry of an array; along some of many, and then one through all of them."""
    flat = index.ravel()
    some = flat.size > entries
    chosen = rng.choice(flat.size, entries, replace=False) if some else np.arange(flat.size)
    directions = [Direction(flat[[i]], np.ones(1), str(tuple(map(int, np.unravel_index(i, index.shape)))))
                  for i in chosen]
    if some:
        directions.append(Direction(flat, rng.standard_normal(flat.size) / math.sqrt(flat.size), "one direction"))
    return directions


# ---- the doors -----------------------------------------------------------------------------------


def _value(problem: Problem) -> Array:
    """forward at v, if its derivative can be measured."""
    value = np.array(problem.forward(problem.v.copy()))
    if not np.isfinite(value).all():
        raise ValueError(f"{problem.title}: forward gives values that are not finite; check it at other inputs")
    if not np.array_equal(value, problem.forward(problem.v.copy())):
        raise ValueError(f"{problem.title}: forward gives another value at each call; take the noise as an "
                         "argument, so that it can be held fixed")
    return value


def _gradient(problem: Problem, dy: Array) -> Array:
    """What backward says at v, if nothing has changed v meanwhile."""
    v = problem.v.copy()
    problem.forward(v)
    gradient = problem.backward(dy.copy())
    if not np.array_equal(v, problem.v):
        raise ValueError(f"{problem.title}: forward or backward changed its inputs in place; work on a copy")
    return gradient


def _complex_works(L, v: Array, u: Array) -> bool:
    """Whether forward carries an imaginary part to its end: np.abs, for one, drops it silently."""
    everywhere = Direction(np.arange(v.size), u, "everywhere")
    try:
        step = complex_step(L, v, everywhere)
    except Exception:  # a reader's forward may refuse complex numbers in any way it likes
        return False
    return math.isclose(step, central_difference(L, v, everywhere, h=1e-9), rel_tol=1e-2)
