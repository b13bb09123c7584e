"""A forward and a backward as anybody may have written them, made a function of their inputs and its derivative.

    forward(x) -> y, backward(dy) -> dx                 also with several inputs, and gradients in a tuple, list or dict
    forward -> (y, cache), backward(dy, cache)          also several outputs, if backward takes the derivative of each
    forward keeps self.output and gives None            so may backward: self.dinputs
    loss.forward(p, target) -> a number, loss.backward()
    backward(dy, learning_rate) takes a step of SGD     the gradient is read off the step

What backward is called with is read off the names of its arguments. Parameters are found in `parameters`; arrays that
only a function within the object knows (a closure) are not seen.
"""

import inspect
import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinyvae.gradcheck.problem import RATE, Problem, expect_shape
from tinyvae.gradcheck.reach import Step, as_gradient, as_parameter, attributes

Array = np.ndarray

OUTPUTS = ("output", "outputs", "out", "y", "a", "z", "activation", "value", "result")
COTANGENT = re.compile(r"d[^e]|delta|g|up|err|out", re.I)
LEARNING_RATE = re.compile(r"lr$|learning_?rate|eta$|alpha$|step_?size", re.I)
CACHE = re.compile(r"cache|ctx|context|memory|saved|tape|state|tmp", re.I)
TARGET = re.compile(r"t$|targets?$|y$|y_?true|true|truth|labels?$|expected|gt$|desired|mask", re.I)
AS_A_PAIR = ("say how it is called in a pair of functions:\n"
             "    def backward(dy): return layer.backward(dy, …)\n"
             "    tv.check_gradients((layer.forward, backward), x)")


class Calls:
    """How a forward and its backward are called, and what they give."""

    def __init__(self, forward: Callable, backward: Callable, inputs: Sequence[Any], names: Sequence[str] | None,
                 owner: Any):
        self.forward, self.backward, self.owner = forward, backward, owner
        self.arguments = list(names or _arguments(forward, len(inputs)))
        self.needed = _needed(backward)
        self.cache: Any = ()  # what forward gave behind its outputs
        self.extra: Any = ()  # what backward gave behind the gradients of the inputs
        self.float32 = False
        value = forward(*inputs)
        self.is_number = not isinstance(value, (tuple, type(None))) and np.size(value) == 1
        self.roles: list[str | int] = []  # of each argument of backward: dy, cache, rate, or which input it is
        for name in self.needed:
            self.roles.append(self._role(name))
        self.n_outputs = max(1, self.roles.count("dy"))

    def _role(self, name: str) -> str | int:
        if LEARNING_RATE.match(name):
            return "rate"
        if name in self.arguments and (self.is_number or len(self.needed) > 1):
            return self.arguments.index(name)
        if CACHE.match(name) or ("dy" in self.roles and not COTANGENT.match(name)):
            return "cache"
        return "dy"

    def outputs(self, inputs: Sequence[Any]) -> list[Array]:
        given = self.forward(*inputs)
        if given is None:
            kept = [key for key in OUTPUTS if isinstance(getattr(self.owner, key, None), np.ndarray)]
            if not kept:
                raise TypeError("forward gives None; expected an array: return it, or keep it as self.output")
            given = getattr(self.owner, kept[0])
        given = given if isinstance(given, tuple) else (given,)
        outputs, self.cache = [np.asarray(y) for y in given[: self.n_outputs]], given[self.n_outputs :]
        if self.cache and "cache" not in self.roles:
            raise TypeError(f"forward gives a tuple of {len(given)}, and backward({', '.join(self.needed)}) takes the "
                            f"derivative of {self.n_outputs}. Check a function that gives what backward is for:\n"
                            "    tv.check_gradients((lambda x: layer.forward(x)[0], layer.backward), x)")
        if len(outputs) < self.n_outputs or any(y.dtype.kind not in "biufc" for y in outputs):
            raise TypeError(f"forward gives {', '.join(type(y).__name__ for y in given)}; expected {self.n_outputs} "
                            f"array(s), since backward takes {', '.join(self.needed)}. {AS_A_PAIR}")
        if any(y.dtype == np.float16 for y in outputs):
            raise TypeError("forward computes in float16, of which three digits are left: too few to differentiate")
        self.float32 |= any(y.dtype in (np.float32, np.complex64) for y in outputs)
        return outputs

    def gradients(self, dys: Sequence[Array], inputs: Sequence[Any], moving: Sequence[int]) -> list[Any]:
        """What backward gives for each moving input after the latest forward; None where it gives nothing."""
        cotangents, caches = list(dys), list(self.cache)
        if self.roles.count("cache") == 1 and len(caches) > 1:
            caches = [self.cache]
        if len(caches) < self.roles.count("cache"):
            raise TypeError(f"backward takes {', '.join(self.needed)}, and forward gives no tuple with what they may "
                            f"be. {AS_A_PAIR}")
        if not self.roles.count("dy") and not self.is_number:
            raise TypeError("backward takes no dy, so forward must give one number. Check a function that gives it:\n"
                            "    def forward(p): return loss.forward(p, target).mean()  # or sum\n"
                            "    tv.check_gradients((forward, lambda dy: dy * loss.backward()), p)")
        arguments = [RATE if role == "rate" else cotangents.pop(0) if role == "dy" else
                     caches.pop(0) if role == "cache" else inputs[int(role)] for role in self.roles]
        try:
            given = self.backward(*arguments)
        except Exception as error:
            if self.needed[1:] and self.owner is not None:  # perhaps the arguments were not what their names say
                words = ", ".join(role if isinstance(role, str) else self.arguments[role] for role in self.roles)
                raise TypeError(f"backward({', '.join(self.needed)}) failed when called with {words}: {error}. "
                                f"{AS_A_PAIR}") from error
            raise
        given = self._aligned(given, inputs, moving)
        self.float32 |= any(np.asarray(g).dtype in (np.float16, np.float32) for g in given)
        return given if self.roles.count("dy") else [g if g is None else dys[0] * g for g in given]

    def _aligned(self, given: Any, inputs: Sequence[Any], moving: Sequence[int]) -> list[Any]:
        """The gradients of the moving inputs, whatever container they came in; the rest is kept as `extra`."""
        if given is None and self.owner is not None:
            given, kept = attributes(self.owner), True
        else:
            kept = False
        if isinstance(given, dict):
            mine = {i: key for i in moving for key in given if _is_gradient(str(key), self.arguments[i], kept)}
            self.extra = () if kept else {key: g for key, g in given.items() if key not in mine.values()}
            return [given[mine[i]] if i in mine else None for i in moving]
        single = len(moving) == 1 and np.shape(inputs[moving[0]]) != () and isinstance(given, list) and not any(
            isinstance(g, np.ndarray) for g in given)  # a list of rows
        given = list(given) if isinstance(given, (tuple, list)) and not single else [given]
        if len(given) == len(inputs) > len(moving):
            given = [given[i] for i in moving]
        elif self.owner is None and len(given) != len(moving):
            raise ValueError(f"backward gave {len(given)} gradients; forward takes {len(inputs)} inputs")
        self.extra = given[len(moving) :]
        return given[: len(moving)] + [None] * (len(moving) - len(given))


def calls_of(title: str, forward: Callable, backward: Callable, inputs: Sequence[Any],
             names: Sequence[str] | None = None, owner: Any = None) -> Problem:
    """The problem of these functions' inputs."""
    if names is not None and len(names) != len(inputs):
        raise ValueError(f"{len(names)} names for {len(inputs)} inputs")
    inputs, notes = list(map(_as_input, inputs)), []
    calls = Calls(forward, backward, inputs, names, owner)
    shown = names or (["x"] if len(inputs) == 1 else calls.arguments if owner is not None else
                      [f"input {i}" for i in range(len(inputs))])
    moving = [i for i, a in enumerate(inputs) if isinstance(a, np.ndarray) and a.dtype == np.float64]
    notes += [f"held fixed: {shown[i]}, which is not made of real numbers but of {a.dtype}." for i, a in
              enumerate(inputs) if i not in moving and isinstance(a, np.ndarray)]
    if owner is None:  # functions give the gradient of every input
        trial: list[Any] = [inputs[i] for i in moving]
    else:
        outputs = calls.outputs(_copies(inputs))
        trial = calls.gradients(list(map(np.ones_like, outputs)), _copies(inputs), moving)
    unchecked = {}
    for i, said in zip(moving, trial, strict=True):
        if said is not None:
            expect_shape(shown[i], inputs[i], said)
            continue
        if owner is not None and TARGET.match(calls.arguments[i]):
            notes.append(f"held fixed: {shown[i]}, of which backward gives no gradient.")
        else:
            unchecked[shown[i]] = inputs[i].shape, "not checked: backward gives no gradient of it"
    with_gradient = [i for i, said in zip(moving, trial, strict=True) if said is not None]
    v = np.concatenate([np.zeros(0), *(inputs[i].ravel() for i in with_gradient)])
    stops = np.cumsum([inputs[i].size for i in with_gradient])

    def placed(v: Array) -> list[Any]:
        """The inputs, with views of v, so that a change in place shows in v."""
        new = _copies(inputs)
        for i, piece in zip(with_gradient, np.split(v, stops[:-1]), strict=True) if with_gradient else ():
            new[i] = piece.reshape(inputs[i].shape)
        return new

    def value(v: Array) -> Array:
        outputs = calls.outputs(placed(v))
        return outputs[0] if calls.n_outputs == 1 else np.concatenate([y.ravel() for y in outputs])

    def gradient(v: Array, dy: Array, blank: float) -> Array:
        arrays = placed(v)
        shapes = [y.shape for y in calls.outputs(arrays)]
        pieces = np.split(np.ravel(dy), np.cumsum([math.prod(shape) for shape in shapes])[:-1])
        given = calls.gradients([piece.reshape(shape) for piece, shape in zip(pieces, shapes, strict=True)], arrays,
                                moving)
        for i, said in zip(moving, given, strict=True):
            if i in with_gradient:
                expect_shape(shown[i], inputs[i], said)
        return np.concatenate([np.zeros(0), *(np.ravel(said) for i, said in zip(moving, given, strict=True)
                                              if i in with_gradient)])

    names_ = {shown[i]: piece.reshape(inputs[i].shape) for i, piece in
              zip(with_gradient, np.split(np.arange(v.size), stops[:-1]), strict=True)} if with_gradient else {}
    rows = next((len(inputs[i]) for i in moving if inputs[i].ndim), 0)
    return Problem(title, v, names_, value, gradient, {"M": rows}, unchecked, notes, lambda: calls.float32,
                   lambda: calls.extra, "dy" in calls.roles, "rate" in calls.roles)


def _as_input(a: Any) -> Any:
    """Real numbers as float64; integers and whatever is no array as they are."""
    try:
        array = np.asarray(a)
    except ValueError:  # lists of different lengths
        return a
    if array.dtype.kind == "c":
        raise TypeError(f"an input has dtype {array.dtype}; expected real numbers")
    if array.dtype.kind == "f":
        return array.astype(np.float64)
    return array if isinstance(a, (np.ndarray, list)) and array.dtype.kind in "biu" else a


def _copies(inputs: Sequence[Any]) -> list[Any]:
    return [a.copy() if isinstance(a, np.ndarray) else a for a in inputs]


def _arguments(forward: Callable, n: int) -> list[str]:
    """What forward calls its inputs."""
    try:
        named = [p.name for p in inspect.signature(forward).parameters.values()
                 if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    except (TypeError, ValueError):  # written in C
        named = []
    return (named + [f"input {i}" for i in range(len(named), n)])[:n]


def _needed(backward: Callable) -> list[str]:
    """The arguments that backward cannot do without; also dy, where it is 1 unless given."""
    try:
        positional = [p for p in inspect.signature(backward).parameters.values()
                      if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL)]
    except (TypeError, ValueError):  # written in C
        return ["dy"]
    needed = [p.name for p in positional if p.default is p.empty]
    if not needed and positional and re.match(r"d[^e]|g$|grad|upstream", positional[0].name):
        return [positional[0].name]
    return needed


def _is_gradient(key: str, argument: str, kept: bool) -> bool:
    """Whether a gradient of this argument would go by that name."""
    parameter = as_parameter((Step("item", argument, argument),))
    if kept and re.match(r"_?(d_?(inputs?|x)|(inputs?|x)_?grad|grad_?(inputs?|x))$", key, re.I):
        return True
    step = Step("item", key, key)
    return parameter in as_gradient((step,)) or (not kept and parameter == as_parameter((step,)))
