"""The arrays that can be reached from an object, and which of them is the gradient of which, by name."""

import inspect
import itertools
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray

# Called, if they are there, to learn what an object's parameters and gradients are.
METHODS = ("parameters", "params", "get_parameters", "get_params", "gradients", "grads", "get_gradients", "get_grads")


class Step(NamedTuple):
    """One step of a path from an object to something within it."""

    kind: str  # attribute, item or call
    key: Any
    label: str  # what names are compared by

    def take(self, thing: Any) -> Any:
        if self.kind == "item":
            return thing[self.key]
        found = getattr(thing, self.key)
        return found if self.kind == "attribute" else _listed(found())


Path = tuple[Step, ...]


def name_of(path: Path) -> str:
    """layers.0.W"""
    return ".".join(str(step.key) for step in path)


def get(thing: Any, path: Path) -> Any:
    """What lies at the end of a path; None if it is not there."""
    try:
        for step in path:
            thing = step.take(thing)
    except (AttributeError, KeyError, IndexError, TypeError):
        return None
    return thing


def put(thing: Any, path: Path, value: Any) -> Any:
    """Put a value at the end of a path; gives the thing, which is a new one if it is a tuple."""
    if not path:
        return value
    step, *rest = path
    value = put(step.take(thing), tuple(rest), value)
    if step.kind == "attribute":
        object.__setattr__(thing, step.key, value)
    elif isinstance(thing, tuple):
        items = [value if i == step.key else item for i, item in enumerate(thing)]
        return type(thing)._make(items) if hasattr(thing, "_make") else tuple(items)
    else:
        thing[step.key] = value
    return thing


def reachable(thing: Any, path: Path = (), seen: list | None = None) -> Iterator[tuple[Path, Any]]:
    """(path, array or number) of all arrays and floats in attributes, dicts, lists and objects within objects."""
    seen = [] if seen is None else seen
    if isinstance(thing, float) or (isinstance(thing, np.ndarray) and thing.dtype != object):
        yield path, thing
        return
    steps = list(_steps(thing))
    if not steps or any(thing is other for other in seen):
        return
    seen.append(thing)
    for step in steps:
        try:
            inner = step.take(thing)
        except Exception:  # a method that cannot be called now, a slot that is empty
            continue
        yield from reachable(inner, (*path, step), seen)


def attributes(thing: Any) -> dict[str, Any]:
    """What an object holds: arrays of its class, its __slots__, its __dict__."""
    shared = [key for cls in type(thing).__mro__ for key, value in vars(cls).items()
              if isinstance(value, (np.ndarray, list, dict)) and not key.startswith("__")]
    slots = [key for cls in type(thing).__mro__ for key in getattr(cls, "__slots__", ()) if not key.startswith("__")]
    return {**{key: getattr(thing, key) for key in (*shared, *slots) if hasattr(thing, key)},
            **getattr(thing, "__dict__", {})}


def _steps(thing: Any) -> Iterator[Step]:
    if isinstance(thing, dict):
        yield from (Step("item", key, str(key)) for key in thing)
    elif isinstance(thing, (list, tuple)):
        pair = len(thing) == 2 and all(isinstance(a, np.ndarray) for a in thing) and thing[0].shape == thing[1].shape
        labels = ["", "grad"] if pair and isinstance(thing, tuple) else map(str, range(len(thing)))  # (W, dW)
        yield from (Step("item", i, label) for i, label in enumerate(labels))
    elif isinstance(thing, np.ndarray):  # of objects
        yield from (Step("item", at, str(at)) for at in np.ndindex(thing.shape))
    elif not (isinstance(thing, (type, ModuleType)) or inspect.isroutine(thing)
              or type(thing).__module__.partition(".")[0] == "numpy"):
        yield from (Step("attribute", key, key) for key in attributes(thing))
        yield from (Step("call", key, key) for key in METHODS if inspect.ismethod(getattr(thing, key, None)))


def _listed(found: Any) -> Any:
    return found if isinstance(found, (np.ndarray, dict)) or found is None else list(found)


# ---- names: W and dW, weights and weights_grad, params["W"] and grads["W"] … ------------------------

SPELLINGS = [("weights?|kernels?", "w"), ("bias(?:es)?", "b"), ("parameters?|params?|data|values?|theta", "")]
BEFORE = ("d", "dl", "dj", "dld", "djd", "g", "grad", "grads", "gradient", "gradients", "gradof", "gradwrt", "delta",
          "nabla")
AFTER = ("grad", "grads", "gradient", "gradients", "delta", "bar")


def _bare(label: str) -> str:
    return label.lower().removeprefix("get_").replace("_", "")


def _plain(bare: str) -> str:
    """A name as it is spelled here."""
    for pattern, short in SPELLINGS:
        bare = re.sub(f"^(?:{pattern})", short, bare)
    return bare


def as_parameter(path: Path) -> tuple[str, ...]:
    """The name of an array that may be a parameter, step by step."""
    return tuple(filter(None, (_plain(_bare(step.label)) for step in path)))


def as_gradient(path: Path) -> set[tuple[str, ...]]:
    """The names of the parameters that an array may be the gradient of."""
    readings = []
    for bare in (_bare(step.label) for step in path):
        stems = [bare[len(word):] for word in BEFORE if bare.startswith(word)]
        stems += [bare[: -len(word)] for word in AFTER if bare.endswith(word)]
        readings.append([(False, _plain(bare)), *((True, _plain(stem)) for stem in stems)])
    return {tuple(filter(None, (name for _, name in reading))) for reading in itertools.product(*readings)
            if any(marked for marked, _ in reading)}
