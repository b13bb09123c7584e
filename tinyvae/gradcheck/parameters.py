"""Parameters that nobody has named: whatever array within an object changes forward's value when it is moved."""

import copy
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from tinyvae.gradcheck.problem import RATE, Problem, expect_shape
from tinyvae.gradcheck.reach import Path, Step, as_gradient, as_parameter, attributes, get, name_of, put, reachable

Array = np.ndarray

# Constants that usual code keeps among its arrays. They are held fixed, and the report says so.
CONSTANT = re.compile(r"_*(.*mask|running_.*|moving_.*|eps|epsilon|noise|targets?|labels?|y_?true)$", re.I)
RATES = ("lr", "learning_rate", "eta", "alpha")


def copied(what: Any) -> Any:
    """A copy in float64; modules within it (self.xp = np) stay what they are."""
    try:
        copy_ = _deepcopy(what)
    except Exception as error:
        raise TypeError(f"{type(what).__name__} cannot be copied ({error}); make it anew in a pair of functions:\n"
                        f"    def forward(x): global layer; layer = {type(what).__name__}(…); return layer.forward(x)\n"
                        "    tv.check_gradients((forward, lambda dy: layer.backward(dy)), x)") from error
    _reset(copy_, attributes(copy_))  # what its class holds becomes its own
    for path, a in list(reachable(copy_)):
        if isinstance(a, np.ndarray) and a.dtype in (np.float16, np.float32) and _settable(path):
            put(copy_, path, a.astype(np.float64))
    return copy_


def state_of(owner: Any) -> dict[str, Any]:
    """What an object holds now, whatever becomes of it later."""
    return _deepcopy(attributes(owner))


def _deepcopy(thing: Any) -> Any:
    return copy.deepcopy(thing, {id(module): module for module in list(sys.modules.values())})


def _reset(owner: Any, state: Mapping[str, Any]) -> None:
    """Make an object again what it was when `state_of` gave this state."""
    for key in attributes(owner).keys() - state.keys():
        object.__delattr__(owner, key)
    for key, value in _deepcopy(dict(state)).items():
        object.__setattr__(owner, key, value)


def _settable(path: Path) -> bool:
    return all(step.kind != "call" for step in path)


class Found:
    """An array within an object: its value, the places where it is kept, and what reads its gradient."""

    def __init__(self, value: Array):
        self.value = value
        self.paths: list[Path] = []
        self.read: Callable[[], Any] | None = None

    @property
    def name(self) -> str:
        return name_of(next(filter(_settable, self.paths)))

    @property
    def is_constant(self) -> bool:
        return any(CONSTANT.match(path[-1].label) for path in self.paths) and not self.read

    def put(self, owner: Any, value: Array) -> None:
        for path in filter(_settable, self.paths):
            if get(owner, path) is not None:
                put(owner, path, value)


def with_found(problem: Problem, owner: Any, start: Mapping[str, Any], given: Mapping[str, str | None],
               rng: np.random.Generator) -> Problem:
    """The problem as a function of the parameters within `owner` as well, whose gradients backward leaves there.

    start is what the owner held before it was used; given says where gradients are, by the names of parameters.
    """
    v = problem.v.copy()
    _reset(owner, start)
    value = np.array(problem.forward(v))
    used = state_of(owner)
    problem.gradient(v, np.ones(value.shape), np.nan)
    everything = _everything(owner, v)
    _pair_by_name(everything, owner, problem)
    # A number, or an array of integers, is a parameter only if something goes by the name of its gradient.
    candidates = [each for each in everything if each.read or (each.value.dtype.kind == "f" and each.value.ndim)]

    moved = {id(each): _moved(each.value, rng) for each in candidates}

    def value_with(some: Sequence[Found]) -> Any:
        """What forward gives when these are moved; None where it cannot do without the old values."""
        _reset(owner, used)
        for each in some:
            each.put(owner, moved[id(each)])
        try:
            return problem.forward(v)
        except Exception:
            return None

    everywhere = value_with(candidates)

    def matters(each: Found) -> bool:
        """Whether forward's value depends on it: also where weights of zero hide it until they are moved as well."""
        others = [other for other in candidates if other is not each]
        return not (np.array_equal(value_with([each]), value) and np.array_equal(value_with(others), everywhere))

    parameters = [] if np.array_equal(everywhere, value) else [each for each in candidates if matters(each)]
    _reset(owner, used)
    problem.gradient(v, np.ones(value.shape), np.nan)  # so that what a gradient is found by is there again
    if unknown := given.keys() - {each.name for each in parameters}:
        raise ValueError(f"gradients names {', '.join(sorted(unknown))}; what changes forward's value is "
                         f"{', '.join(each.name for each in parameters) or 'no array of this object'}")
    return _extended(problem, owner, parameters, given, start, used, rng) if parameters else problem


def _everything(owner: Any, known: Array) -> list[Found]:
    """The arrays and numbers within an object; not those that lie in `known`, a vector that was bound to it."""
    found: dict[int, Found] = {}
    for path, a in reachable(owner):
        value = np.asarray(a)
        if value.dtype.kind in "iuf" and value.size and not np.may_share_memory(value, known):
            found.setdefault(id(a) if isinstance(a, np.ndarray) else id(value), Found(value)).paths.append(path)
    return [each for each in found.values() if any(map(_settable, each.paths))]


def _moved(value: Array, rng: np.random.Generator) -> Array:
    return value + 0.1 * (abs(value).mean() or 1.0) * rng.standard_normal(value.shape)


def _pair_by_name(everything: list[Found], owner: Any, problem: Problem) -> None:
    """W and dW, params["W"] and grads["W"], parameters() and gradients(), what backward returned by name …"""
    gradients: dict[tuple[str, ...], dict[int, tuple]] = {}  # {name: {id: (shape, what reads it)}}
    for root, prefix in ((lambda: owner, ()), (problem.returned, (Step("item", "grads", "grads"),))):
        for path, a in reachable(root()):
            for name in as_gradient((*prefix, *path)):
                gradients.setdefault(name, {})[id(a)] = np.shape(a), partial(_read, root, path)
    for each in everything:
        mates = {key: mate for path in each.paths for key, mate in gradients.get(as_parameter(path), {}).items()
                 if key != id(each.value)}
        fitting = {key: mate for key, mate in mates.items() if mate[0] == each.value.shape} or mates
        if len(fitting) == 1:
            ((_, each.read),) = fitting.values()


def _read(root: Callable[[], Any], path: Path) -> Any:
    return get(root(), path)


def _extended(problem: Problem, owner: Any, parameters: list[Found], given: Mapping[str, str | None],
              start: Mapping[str, Any], used: Mapping[str, Any], rng: np.random.Generator) -> Problem:
    """The problem, with the parameters' entries behind those of v."""
    n, v, names = problem.v.size, problem.v, dict(problem.names)
    unchecked, notes, checked, stepping = dict(problem.unchecked), list(problem.notes), [], set()
    alone = [each for each in parameters if not (each.read or each.is_constant or each.name in given)]
    behind = [path for path, _ in reachable(problem.returned())]
    if len(alone) == len(behind):  # backward gave (dx, dW, db)
        for each, path in zip(alone, behind, strict=True):
            each.read = partial(_read, problem.returned, path)
    rate = next((key for key in RATES if isinstance(start.get(key), float)), None)
    lazy = any(get(start.get(path[0].key), path[1:]) is None for each in parameters for path in each.paths
               if _settable(path))  # the first forward made them
    start = dict(used if lazy else start)
    for each in parameters:
        name = each.name if each.name not in names else f"self.{each.name}"
        path = next(filter(_settable, each.paths))
        value = np.asarray(get(used[path[0].key], path[1:]), np.float64)
        if given.get(each.name):
            each.read = _reader(owner, path, str(given[each.name]))
        elif each.is_constant or each.name in given:
            notes.append(f"held fixed: {name}.")
            continue
        elif not each.read and not np.array_equal(value, each.value) and (rate or problem.steps):
            stepping.add(name)
            each.read = partial(get, owner, path)
            start |= {rate: RATE} if rate else {}
            notes.append(f"{name}: its gradient is read off the step that backward takes.")
        if not each.read:
            unchecked[name] = value.shape, _why_not(each, np.array_equal(value, each.value))
            continue
        if value.size == 1 or np.ptp(value) == 0:  # zeros and ones hide what is multiplied by them
            # A number that is not zero keeps its sign: it may stand under a root or a logarithm.
            near = value * rng.uniform(0.8, 1.2, value.shape)
            value = near if value.any() else 0.1 * rng.standard_normal(value.shape)
        names[name] = v.size + np.arange(value.size).reshape(value.shape)
        v = np.concatenate([v, value.ravel()])
        checked.append((name, each))

    def place(v: Array) -> Array:
        for name, each in checked:
            each.put(owner, v[names[name]])
        return v[:n]

    def gradient(v: Array, dy: Array, blank: float) -> Array:
        _reset(owner, start)
        inputs = problem.gradient(place(v), dy, blank)
        parts = [inputs]
        for name, each in checked:
            said = each.read() if each.read else None
            said = (v[names[name]] - said) / RATE if name in stepping else said
            if said is None:
                raise ValueError(f"the gradient of {name} is gone after another call of backward")
            if _without_ones(np.shape(said)) == _without_ones(names[name].shape):  # (1, 3) for (3,)
                said = np.reshape(said, names[name].shape)
            expect_shape(name, names[name], said)
            parts.append(np.ravel(said if problem.takes_dy else dy * said))
        _reset(owner, start)
        return np.concatenate(parts)

    return problem._replace(v=v, names=names, gradient=gradient, unchecked=unchecked, notes=notes,
                            forward=lambda v: problem.forward(place(v)))


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape without leading ones, which a step does not mind; (3,) for (3, 1) would be broadcast to (3, 3)."""
    return _without_ones(shape[1:]) if shape[:1] == (1,) else shape


def _reader(owner: Any, path: Path, name: str) -> Callable[[], Any]:
    """Reads the array that is called so, within the object or beside the parameter."""
    wanted = {name, ".".join([*(str(step.key) for step in path[:-1]), name])}
    for other, _ in reachable(owner):
        if name_of(other) in wanted:
            return partial(get, owner, other)
    raise ValueError(f"after backward there is no array {name!r}; there are "
                     f"{', '.join(sorted({name_of(other) for other, _ in reachable(owner)}))}")


def _why_not(each: Found, unchanged: bool) -> str:
    if not unchanged:
        return ("not checked: backward changes it, as a step of SGD does; keep its gradient, "
                f"self.d{each.paths[0][-1].label} = …, and step outside of backward")
    return ("not checked: it changes what forward gives, and after backward no gradient goes by its name; "
            f'name it, gradients={{"{each.name}": "…"}}, or say that it is a constant, {{"{each.name}": None}}')
