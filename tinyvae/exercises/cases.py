"""A case of an exercise: one call of a function, what should come of it, and what came."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinyvae.diagnose import Cause, same
from tinyvae.exercises.calls import Result
from tinyvae.exercises.wire import Unsent

Array = np.ndarray

RIGHT, RIGHT_IN_FLOAT32 = 1e-9, 1e-4  # the largest error of a right answer, relative to the largest entry


@dataclass(frozen=True)
class Case:
    """One call of a function, and what should come of it.

    args       the arguments, by name
    true       the outputs, by name: several are returned as a tuple
    sizes, terms, variants
               for the diagnosis (see `diagnose.Evidence`); terms and variants by output
    allowed    the largest error of a right answer, in float64
    label      what is special about these arguments, for the message
    if_not_finite
               a cause, if this case alone has values that are not finite and all others are right
    derive     turns what was returned into what `true` holds, where that is no output itself; a list comes as an array
    trace      of the outputs (by name) and the arguments after the call: a cause that they show, as when an argument
               keeps a record of how it was used; asked only if something is wrong
    """

    function: str
    args: Mapping[str, Any]
    true: Mapping[str, Array]
    sizes: Mapping[str, int] = field(default_factory=dict)
    terms: Mapping[str, Mapping[str, Array]] = field(default_factory=dict)
    variants: Mapping[str, Mapping[str, tuple[Array, str]]] = field(default_factory=dict)
    allowed: float = RIGHT
    label: str = ""
    if_not_finite: Cause | None = None
    derive: Callable[..., dict[str, Array]] | None = None
    trace: Callable[..., Cause | None] | None = None


class Trial:
    """One case and what came of it: the outputs by name, as arrays."""

    def __init__(self, case: Case, first: Result, second: Result):
        self.case, self.first, self.second = case, first, second
        self.given, self.problem = outputs(case, first) if not first.error else ({}, "")
        self.again = outputs(case, second)[0] if not second.error else {}

    def right(self, name: str, of: str = "") -> bool:
        """Whether an output is what it must be; or whether the output `of` is."""
        given, true = self.given.get(of or name), np.asarray(self.case.true[name], float)
        return given is not None and same(given, true, scale(true), tolerance(given, self.case.allowed))

    def errors(self, name: str) -> Array:
        """Of each entry of an output, relative to the largest entry; infinite if there is no such output."""
        true = np.asarray(self.case.true[name], float)
        given = self.given.get(name, np.full_like(true, np.nan))
        with np.errstate(over="ignore", invalid="ignore"):  # inf - inf
            errors = np.nan_to_num(abs(given - true) / scale(true), nan=np.inf, posinf=np.inf)
        return np.where(given == true, 0, errors)

    @property
    def passed(self) -> int:
        return sum(map(self.right, self.case.true))

    @property
    def changed(self) -> list[str]:
        """The arguments that are not what they were."""
        return [name for (name, before), after in zip(self.case.args.items(), self.first.arguments, strict=False)
                if isinstance(before, np.ndarray) and not np.array_equal(before, after, equal_nan=True)]

    @property
    def what(self) -> str:
        """These arguments in a few words."""
        return self.case.label or ", ".join(f"{name} = {size}" for name, size in self.case.sizes.items())


def outputs(case: Case, result: Result) -> tuple[dict[str, Array], str]:
    """The outputs by name as arrays; or nothing, and why."""
    names, value = list(case.true), result.value
    if case.derive is not None:
        try:
            precision = _precision(value)
            with contextlib.suppress(ValueError):  # of several outputs that have different shapes
                value = np.asarray(value) if isinstance(value, (tuple, list)) else value
            with np.errstate(all="ignore"):  # a wrong answer may overflow here
                return {name: np.asarray(a, precision) for name, a in case.derive(value).items()}, ""
        except Exception:  # the value is not what derive expects: the other cases say so
            return {}, ""
    if len(names) == 1:
        value = (value,)
    elif isinstance(value, np.ndarray) and value.shape[:1] == (len(names),):
        value = tuple(value)  # as `a, b = f()` would take it
    elif not isinstance(value, (tuple, list)):
        return {}, f"it returned {_kind(value)}; expected {len(names)} values: {', '.join(names)}"
    elif len(value) != len(names):
        return {}, f"it returned {len(value)} values; expected {len(names)}: {', '.join(names)}"
    given = {}
    for name, v in zip(names, value, strict=True):
        try:
            a = np.asarray(v if not isinstance(v, (str, type(None))) else [None])
            if a.dtype.kind not in "biuf":
                raise ValueError
        except ValueError:
            hint = " (is a return statement missing?)" if v is None else ""
            return {}, f"{name} is {_kind(v)}{hint}; expected an array of numbers"
        given[name] = a.astype(float) if a.dtype.kind in "biu" else a
    return given, ""


def _precision(value) -> np.dtype:
    """The coarsest float type in `value`: what is derived from it cannot be more exact."""
    if isinstance(value, (tuple, list)):
        return min(map(_precision, value), key=lambda dtype: dtype.itemsize, default=np.dtype(float))
    return value.dtype if isinstance(value, np.ndarray) and value.dtype.kind == "f" else np.dtype(float)


def _kind(value) -> str:
    """What a student's function returned, in a few words."""
    if value is None:
        return "None"
    if isinstance(value, Unsent):
        return f"a {value}" if value[:3] != "an " else str(value)
    return f"an array of {value.dtype} of shape {value.shape}" if isinstance(value, np.ndarray) else \
        f"a {type(value).__name__}"


def tolerance(given: Array, allowed: float) -> float:
    """`allowed`, or what float32 needs."""
    return max(allowed, RIGHT_IN_FLOAT32) if given.dtype == np.float32 else allowed


def scale(true: Array) -> Array:
    """What errors are relative to: the largest entry; of zeros, a thousandth."""
    return np.maximum(abs(true[np.isfinite(true)]).max(initial=0), 1e-3)
