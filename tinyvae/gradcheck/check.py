"""The check: what two numerical derivatives (see `measure`) say of a backward pass."""

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from tinyvae.diagnose import Evidence, explain, factor
from tinyvae.gradcheck.measure import (
    CENTRAL_STEP,
    EPS,
    Direction,
    best_difference,
    central_difference,
    complex_step,
    precision_of,
    rounding_of,
    sides,
    sizes_of,
)
from tinyvae.gradcheck.problem import Problem
from tinyvae.gradcheck.problems import problem_of
from tinyvae.gradcheck.report import Report, Row

Array = np.ndarray

EPS32 = float(np.finfo(np.float32).eps)
COARSE = 1e-3  # differences that resolve no more than this part of a gradient accept nothing
HAIR = 1e-3  # how far beside a kink a check goes
TINY = 32 * EPS  # beside the largest gradient, a smaller one is rounding


def check_gradients(what, *inputs, rng=0, entries: int = 200, complex_tolerance: float = 1e-12,
                    central_tolerance: float = 1e-7, names: Sequence[str] | None = None,
                    gradients: Mapping[str, str | None] | None = None) -> Report:
    """Compare the backward of `what` with numerical derivatives, in float64.

    what        a layer or chain          inputs: x                 (see `layers`)
                a likelihood              inputs: x, out            (see `likelihoods`)
                an objective over a VAE   inputs: x, eps and, if conditional, y; by all of theta
                (forward, backward)       inputs: those of forward(*inputs) -> y; backward(dy) gives
                                          the derivative by each: one array, or a tuple, list or dict
                or an object of your own with a forward and a backward (see `gradcheck.foreign`)
    inputs      made up, on sizes that are distinct primes, where you give none; held fixed where they are
                integers (labels, indices)
    rng         numpy.random.Generator, or a seed, for inputs and cotangents
    entries     an array with more entries than this is checked at so many random ones, and along
                one random direction through all of them
    names       what the report calls the inputs
    gradients   where an object keeps its gradients, if their names do not tell: {"weights": "slopes"};
                {"mask": None} for a constant

    Whatever array within an object changes forward's value is a parameter; one whose gradient is not found is not ok.
    A wrong gradient that is a multiple of the right one, or its transpose, is called so. `what` itself is not
    changed: the check works on a copy with float64 parameters.
    """
    rng = np.random.default_rng(rng)
    problem = problem_of(what, inputs, rng, names, gradients or {})
    dy = rng.standard_normal(_value(problem).shape)
    with np.errstate(all="ignore"):  # a step may lead out of where forward is finite
        point = Point(problem, problem.v, dy, Limits(entries, complex_tolerance, central_tolerance), rng)
        rows = [_compare(point, name, rng) for name in problem.names]
    rows += [Row(name, shape, 0, None, math.nan, "", math.nan, math.nan, False, "", 0, why)
             for name, (shape, why) in problem.unchecked.items()]
    return Report(problem.title, rows, "\n".join([*point.notes, *problem.notes]))


class Limits(NamedTuple):
    """How much of an array is compared, and how large an error may be, relative to its gradient's largest entry."""

    entries: int
    complex_tolerance: float
    central_tolerance: float


class Point:
    """Where a problem is checked: what backward says there, and how well derivatives can be measured."""

    def __init__(self, problem: Problem, v: Array, dy: Array, limits: Limits, rng: np.random.Generator):
        self.problem, self.v, self.dy, self.rng = problem, v, dy, rng
        self.gradient = _gradient(problem, v, dy)
        self.largest = abs(self.gradient).max(where=np.isfinite(self.gradient), initial=0)
        precision = EPS32 if problem.in_float32() else precision_of(self.terms, v, rng)
        self.noise = rounding_of(self.terms, v, precision, rng)
        self.complex_works, self.notes = False, []
        if precision > EPS:
            limits = limits._replace(central_tolerance=max(limits.central_tolerance, 20 * precision ** (2 / 3)))
            self.notes = ["forward or backward computes in float32: judged by differences, and no more exactly than "
                          f"to {limits.central_tolerance:.0e}."]
        else:
            self._try_complex()
        self.limits = limits

    @cached_property
    def beside(self) -> "Point | None":
        """A point a hair away, which lies on no kink; None if backward does not follow (it may have kept x)."""
        v = self._beside()
        if not np.isfinite(self.problem.forward(v.copy())).all() or np.array_equal(
                _gradient(self.problem, v, self.dy), self.gradient):
            return None
        return Point(self.problem, v, self.dy, self.limits, self.rng)

    def _beside(self) -> Array:
        return self.v + HAIR * sizes_of(self.v) * self.rng.standard_normal(self.v.size)

    def terms(self, v: Array) -> Array:
        """What L adds up: L(v) = <dy, forward(v)>."""
        return self.dy * self.problem.forward(v)

    def _try_complex(self) -> None:
        """Whether forward carries an imaginary part to its end: np.abs, for one, drops it silently."""
        v, u = self._beside(), sizes_of(self.v) * self.rng.standard_normal(self.v.size)
        everywhere = Direction(np.arange(v.size), u, "everywhere")
        central, resolution = best_difference(self.terms, v, everywhere, self.noise)
        try:
            step = complex_step(self.terms, v, everywhere)
        except Exception:  # a reader's forward may refuse complex numbers in any way it likes
            step, resolution = math.nan, 0.0
        self.complex_works = bool(resolution < 1e-2 * abs(step) > abs(step - central))
        if not self.complex_works:
            self.notes = ["rounding hides whether forward carries complex numbers: checked by differences alone."
                          if resolution > 1e-2 * abs(central) else
                          "forward does not carry complex numbers: checked by differences alone."]


class Measured(NamedTuple):
    """Along each direction: what backward says, what both derivatives say, and what the differences resolve."""

    said: Array
    central: Array
    resolution: Array
    exact: Array | None  # by the complex step, if forward carries it here
    kinks: Array  # where said lies between the slopes to either side

    def and_(self, other: "Measured") -> "Measured":
        exact = None if self.exact is None or other.exact is None else np.append(self.exact, other.exact)
        said, central, resolution = (np.append(a, b) for a, b in zip(self[:3], other[:3], strict=True))
        return Measured(said, central, resolution, exact, np.append(self.kinks, other.kinks))

    @property
    def scale(self) -> float:
        values = abs(np.array([self.said, self.central]))
        return float(values.max(where=np.isfinite(values), initial=0))


def _compare(point: Point, name: str, rng: np.random.Generator) -> Row:
    """What backward says of one array beside what is measured."""
    index, limits = point.problem.names[name], point.limits
    directions = _directions(index, limits.entries, rng)
    found = _measure(point, directions)
    kinks = sum(bool(kink) for kink, direction in zip(found.kinks, directions, strict=True) if len(direction.at) == 1)
    # Between two slopes much is allowed, and where all is zero little is seen; a hair beside it is otherwise.
    hidden = found.kinks.all() or (len(directions) > limits.entries and found.kinks[-1])
    if (found.kinks.any() or not found.said.any()) and point.beside:
        hidden = False
        directions.append(_through(index, rng, "a hair beside"))
        found = found.and_(_measure(point.beside, directions[-1:]))
    scale = found.scale or 1.0  # all zero: relative to nothing
    coarse = np.where(found.kinks, 0, found.resolution).max()
    rounding = TINY * point.largest
    told = coarse <= max(COARSE, 10 * limits.central_tolerance) * scale
    if (abs(found.said) <= rounding).all() and (abs(found.central) <= 8 * found.resolution).all() and (
            coarse <= 10 * limits.central_tolerance * point.largest):
        told, scale = True, point.largest or 1.0  # zero, as for a bias before a normalization: relative to the others
    blind = found.kinks | np.isinf(found.resolution)
    central_errors = np.where(blind, 0, abs(found.said - found.central) / scale)
    ok = bool((central_errors <= limits.central_tolerance + found.resolution / scale).all())
    best, errors, complex_error = found.central, central_errors, None
    if found.exact is not None:
        best, errors = found.exact, np.where(found.kinks, 0, abs(found.said - found.exact) / scale)
        complex_error = float(errors.max())
        ok = ok and bool((errors <= limits.complex_tolerance + rounding / scale).all())
        told = told or abs(best).max() > rounding
    worst = int(np.argmax(errors))  # argmax takes a NaN for the largest
    doubt = ""
    if ok and hidden:
        doubt = "cannot tell: too many entries lie on a kink; check it at another point"
    elif ok and not told:
        doubt = (f"cannot tell: rounding leaves the differences uncertain by {coarse / scale:.0e} of the gradient; "
                 "check it at smaller values" if math.isfinite(coarse) else
                 "cannot tell: forward is not finite a short step to the side; check it at other inputs")
    cause = _cause(point, index, found, best, rng) if not ok else ""
    return Row(name, index.shape, min(index.size, limits.entries), complex_error, float(central_errors.max()),
               directions[worst].place, float(found.said[worst]), float(best[worst]), ok and not doubt, cause, kinks,
               doubt)


def _measure(point: Point, directions: list[Direction]) -> Measured:
    """Both derivatives along each direction; more closely where they and backward do not agree at once."""
    terms, v, noise, tolerance = point.terms, point.v, point.noise, point.limits.central_tolerance
    said = np.array([point.gradient[at] @ u for at, u, _ in directions])
    central = np.array([central_difference(terms, v, direction) for direction in directions])
    exact = np.array([complex_step(terms, v, direction) for direction in directions]) if point.complex_works else None
    found = Measured(said, central, np.full(len(said), np.linalg.norm(noise) / CENTRAL_STEP), exact,
                     np.zeros(len(said), bool))

    def unlike() -> Array:
        """Where backward or the complex step does not say what the differences say."""
        others = [said] if exact is None else [said, exact]
        return ~np.all([abs(other - central) <= tolerance * found.scale + found.resolution for other in others], axis=0)

    for i in np.flatnonzero(unlike() | ~(found.resolution <= tolerance * found.scale)):
        central[i], found.resolution[i] = best_difference(terms, v, directions[i], noise)
    jumps = np.zeros(len(said), bool)
    for i in np.flatnonzero(unlike() | (not said.any())):
        if between := sides(terms, v, directions[i], noise):
            jumps[i], slack = True, tolerance * found.scale
            found.kinks[i] = len(directions[i].at) > 1 or between[0] - slack <= said[i] <= between[1] + slack
    if exact is not None and (abs(exact - central) > 1e-5 * found.scale + 2 * found.resolution)[~jumps].any():
        return found._replace(exact=None)  # the imaginary part is lost on the way from this array
    return found


def _cause(point: Point, index: Array, found: Measured, best: Array, rng: np.random.Generator) -> str:
    """What the wrong values of a whole array have in common, if it is the same for another cotangent."""
    problem = point.problem
    if np.isnan(found.said).any():
        return _unwritten(point, index)
    if index.size > point.limits.entries:
        return ""
    said, best = (values[: index.size].reshape(index.shape) for values in (found.said, best))
    tolerance = 1e-9 if found.exact is not None else 1e-6 + 2 * float(found.resolution.max()) / found.scale
    evidence = Evidence(said, best, problem.sizes, tolerance=tolerance)
    cause = explain([evidence])
    if cause is None:
        return ""
    again = Point(problem, point.v, rng.standard_normal(point.dy.shape), point.limits, rng)
    if np.array_equal(again.gradient, point.gradient) and said.any():
        return "backward gives the same for every dy"
    other = _measure(again, _directions(index, index.size, rng))
    true = other.central if other.exact is None else other.exact
    confirmed = Evidence(other.said.reshape(index.shape), true.reshape(index.shape), problem.sizes, tolerance=tolerance)
    cause = explain([evidence, confirmed])
    same = abs(factor(evidence) - factor(confirmed)) <= tolerance * abs(factor(evidence))
    exact = same and tolerance < 1e-5  # an unknown factor is worth telling only with all its digits
    return cause.text if cause and (exact or cause.key != "scale") else ""


def _unwritten(point: Point, index: Array) -> str:
    """Whether the NaNs of a gradient are those that the check had put there."""
    missing = np.isnan(point.gradient[index])
    from_zero = point.problem.gradient(point.v.copy(), np.copy(point.dy), 0.0)[index][missing]
    if not np.isfinite(from_zero).all():
        return ""
    if from_zero.any():
        return "backward adds to it; it must overwrite it, self.dW[:] = …, and not self.dW += …"
    return "backward has not written it: write into the view that bind gave, self.dW[:] = …, and not self.dW = …"


def _directions(index: Array, entries: int, rng: np.random.Generator) -> list[Direction]:
    """Along each entry of an array; along some of many, and then one through all of them."""
    flat = index.ravel()
    some = flat.size > entries
    chosen = rng.choice(flat.size, entries, replace=False) if some else np.arange(flat.size)
    directions = [Direction(flat[[i]], np.ones(1), str(tuple(map(int, np.unravel_index(i, index.shape)))))
                  for i in chosen]
    if some:
        directions.append(_through(index, rng, "one direction"))
    return directions


def _through(index: Array, rng: np.random.Generator, place: str) -> Direction:
    return Direction(index.ravel(), rng.standard_normal(index.size) / math.sqrt(index.size), place)


# ---- the doors -----------------------------------------------------------------------------------


def _value(problem: Problem) -> Array:
    """forward at v, if its derivative can be measured."""
    value = np.array(problem.forward(problem.v.copy()))
    if not np.isfinite(value).all():
        raise ValueError(f"{problem.title}: forward gives values that are not finite; check it at other inputs")
    if not np.array_equal(value, problem.forward(problem.v.copy())):
        raise ValueError(f"{problem.title}: forward gives another value at each call; take the noise as an "
                         "argument, so that it can be held fixed, and so what it keeps from call to call")
    return value


def _gradient(problem: Problem, v: Array, dy: Array) -> Array:
    """What backward says at v, if nothing has changed v meanwhile."""
    given = v.copy()
    gradient = problem.gradient(given, np.copy(dy), math.nan)
    if not np.array_equal(given, v):
        raise ValueError(f"{problem.title}: forward or backward changed its inputs in place; work on a copy")
    return gradient
