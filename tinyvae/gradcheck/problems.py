"""What is checked, made one function of one vector v: its inputs, then its parameters.

A layer, a likelihood, an objective and a pair of functions each become a `Problem`; the check knows nothing else.
"""

import inspect
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinyvae.gradcheck.foreign import calls_of
from tinyvae.gradcheck.parameters import copied, state_of, with_found
from tinyvae.gradcheck.problem import Problem, float64
from tinyvae.vae import VAE

Array = np.ndarray


def problem_of(what, inputs: tuple, rng: np.random.Generator, names: Sequence[str] | None,
               gradients: Mapping[str, str | None]) -> Problem:
    """`what` at these inputs, or at made-up ones."""
    owner, start = None, {}
    if isinstance(what, tuple) and len(what) == 2 and all(map(callable, what)):
        if not inputs:
            raise ValueError("a pair (forward, backward) needs inputs: check_gradients((forward, backward), x)")
        forward, backward = what
        title = f"({getattr(forward, '__name__', 'forward')}, {getattr(backward, '__name__', 'backward')})"
        if all(map(inspect.ismethod, what)) and forward.__self__ is backward.__self__:  # of an object with parameters
            owner = copied(forward.__self__)
            start = state_of(owner)
            forward, backward = (getattr(owner, method.__name__) for method in what)
        problem = calls_of(title, forward, backward, inputs, names, owner)
    elif isinstance(what, VAE):
        raise TypeError("a VAE is differentiated through its objective: check_gradients(tv.ELBO(vae))")
    elif isinstance(getattr(what, "vae", None), VAE):
        owner = copied(what)
        start = state_of(owner)
        problem = _objective(owner, *(inputs or model_inputs(what.vae, rng)))
    elif hasattr(what, "log_prob") and hasattr(what, "backward"):
        owner = copied(what)
        start = state_of(owner)
        x, out = inputs or likelihood_inputs(what, rng)
        problem = _bound(owner, lambda out: owner.log_prob(float64(x), out), [float64(out)], names or ["out"], rng)
    elif hasattr(what, "forward") and hasattr(what, "backward"):
        owner = copied(what)
        start = state_of(owner)
        problem = _bound(owner, owner.forward, inputs or [rng.standard_normal((7, _width(what)))], names, rng)
    else:
        raise TypeError(f"cannot check {what!r}; expected a layer, a likelihood, an objective over a VAE, "
                        "or a pair of functions (forward, backward)")
    if owner is not None:
        problem = with_found(problem, owner, start, gradients, np.random.default_rng(0))  # x and dy stay what they are
    if not (problem.names or problem.unchecked):
        raise ValueError(f"{problem.title}: nothing to differentiate. {' '.join(problem.notes)} Give floats")
    return problem


def _bound(part: Any, forward, inputs: Sequence[Any], names: Sequence[str] | None, rng: np.random.Generator) -> Problem:
    """A layer or likelihood as a function of its inputs, and of the parameters that it takes views of, if any."""
    size = part.size if hasattr(part, "bind") else 0
    theta = rng.standard_normal(size)
    if size:
        part.bind(theta, np.full(size, np.nan))
    problem = calls_of(type(part).__name__, forward, part.backward, inputs, names, part)
    if not size:
        return problem
    n = problem.v.size

    def value(v: Array) -> Array:
        part.bind(v[n:], np.full(size, np.nan))
        return problem.forward(v[:n])

    def gradient(v: Array, dy: Array, blank: float) -> Array:
        grad = np.full(size, blank)  # backward must overwrite it: NaN survives being added to
        part.bind(v[n:], grad)
        return np.concatenate([problem.gradient(v[:n], dy, blank), grad])

    parameters = {name: n + index for name, index in _parameters(part, size).items()}
    return problem._replace(v=np.concatenate([problem.v, theta]), names={**problem.names, **parameters},
                            forward=value, gradient=gradient)


def _objective(objective, x, eps, y=None) -> Problem:
    vae = objective.vae
    theta = vae.theta.astype(np.float64)

    def value(theta: Array) -> Array:
        objective.vae.bind(theta, np.full(theta.size, np.nan))
        return np.asarray(objective.forward(x, eps, y))

    def gradient(theta: Array, dy: Array, blank: float) -> Array:
        grad = np.full(theta.size, blank)
        objective.vae.bind(theta, grad)
        objective.forward(x, eps, y)
        objective.backward()
        return dy * grad

    title = (f"{type(objective).__name__}, {type(vae.likelihood).__name__}, {vae.activation.__name__}"
             f"{', conditional' if vae.n_classes else ''}")
    sizes = {"M": len(x), "D": vae.data_dim, "J": vae.latent_dim}
    return Problem(title, theta, _parameters(vae, theta.size), value, gradient, sizes, {})


def _parameters(part, size: int) -> dict[str, Array]:
    """Where in theta each parameter lies: bind a vector that holds its own indices."""
    index = np.arange(float(size))
    part.bind(index, index)
    return {name: view.astype(int) for name, view in part.parameters().items()}


# ---- made-up inputs --------------------------------------------------------------------------------


def _width(layer) -> int:
    """Columns that a layer takes: those of its first part that says so, else any."""
    parts = getattr(layer, "layers", [layer])
    return next((part.n_in for part in parts if hasattr(part, "n_in")), 5)


def likelihood_inputs(likelihood, rng: np.random.Generator) -> tuple[Array, Array]:
    """x and out for 7 rows of 5 columns."""
    return _data(likelihood, (7, 5), rng), rng.standard_normal((7, likelihood.columns * 5))


def model_inputs(vae: VAE, rng: np.random.Generator, M: int = 7) -> tuple:
    """x, eps for K = 2 samples, and labels y if the model takes them."""
    y = rng.integers(0, vae.n_classes, M) if vae.n_classes else None
    return _data(vae.likelihood, (M, vae.data_dim), rng), rng.standard_normal((2, M, vae.latent_dim)), y


def _data(likelihood, shape: tuple[int, int], rng: np.random.Generator) -> Array:
    return rng.random(shape) if math.isfinite(likelihood.support[1]) else rng.standard_normal(shape)
