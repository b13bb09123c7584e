"""What is checked, made one function of one vector v: its inputs, then its parameters.

A layer, a likelihood, an objective and a pair of functions each become a `Problem`; the check knows nothing else.
"""

import copy
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tinyvae.vae import VAE

Array = np.ndarray


class Problem(NamedTuple):
    """A function of v and its derivative, to be checked at v."""

    title: str
    v: Array
    names: dict[str, Array]  # where in v each array lies, in the array's shape
    forward: Callable[[Array], Array]  # of v, or of a complex v
    backward: Callable[[Array], Array]  # dy -> dL/dv of the latest forward
    sizes: dict[str, int]  # by which a gradient may be too large or too small


def problem_of(what, inputs: tuple, rng: np.random.Generator) -> Problem:
    """`what` at these inputs, or at made-up ones."""
    if isinstance(what, tuple) and len(what) == 2 and all(map(callable, what)):
        return _functions(*what, inputs)
    if isinstance(what, VAE):
        raise TypeError("a VAE is differentiated through its objective: check_gradients(tv.ELBO(vae))")
    if isinstance(getattr(what, "vae", None), VAE):
        return _objective(copy.deepcopy(what), *(inputs or model_inputs(what.vae, rng)))
    if hasattr(what, "log_prob") and hasattr(what, "backward"):
        return _likelihood(rng, copy.deepcopy(what), *(inputs or likelihood_inputs(what, rng)))
    if hasattr(what, "forward") and hasattr(what, "backward"):
        return _layer(rng, copy.deepcopy(what), *(inputs or [rng.standard_normal((7, _width(what)))]))
    raise TypeError(f"cannot check {what!r}; expected a layer, a likelihood, an objective over a VAE, "
                    "or a pair of functions (forward, backward)")


def _functions(forward, backward, inputs: tuple) -> Problem:
    if not inputs:
        raise ValueError("a pair (forward, backward) needs inputs: check_gradients((forward, backward), x)")
    names = ["x"] if len(inputs) == 1 else [f"input {i}" for i in range(len(inputs))]
    arrays = dict(zip(names, map(_float64, inputs), strict=True))
    stops = np.cumsum([a.size for a in arrays.values()])[:-1]

    def split(v: Array) -> list[Array]:
        """v as arrays of the inputs' shapes: views, so that a change in place shows in v."""
        return [piece.reshape(a.shape) for piece, a in zip(np.split(v, stops), arrays.values(), strict=True)]

    def gradient(dy: Array) -> Array:
        given = backward(dy)
        return _joined(arrays, given if isinstance(given, tuple) else (given,))

    title = f"({getattr(forward, '__name__', 'forward')}, {getattr(backward, '__name__', 'backward')})"
    v = np.concatenate([a.ravel() for a in arrays.values()])
    where = dict(zip(arrays, split(np.arange(v.size)), strict=True))
    return Problem(title, v, where, lambda v: forward(*split(v)), gradient, {})


def _layer(rng: np.random.Generator, layer, x) -> Problem:
    return _part(rng, layer, "x", _float64(x), layer.forward)


def _likelihood(rng: np.random.Generator, likelihood, x, out) -> Problem:
    x = _float64(x)
    return _part(rng, likelihood, "out", _float64(out), lambda out: likelihood.log_prob(x, out))


def _part(rng: np.random.Generator, part, name: str, x: Array, forward) -> Problem:
    """A layer or likelihood as a function of its input x, and of its parameters if it has any."""
    size = getattr(part, "size", 0)
    theta = rng.standard_normal(size)
    grad = np.full(size, np.nan)  # backward must overwrite it: NaN survives being added to

    def value(v: Array) -> Array:
        if size:
            part.bind(v[x.size :], grad)
        return forward(v[: x.size].reshape(x.shape))

    def gradient(dy: Array) -> Array:
        dx = part.backward(dy)
        return np.concatenate([_joined({name: x}, (dx,)), grad])

    names = {name: np.arange(x.size).reshape(x.shape)}
    if size:
        names |= {parameter: x.size + index for parameter, index in _parameters(part, size).items()}
    rows, *_ = x.shape
    return Problem(type(part).__name__, np.concatenate([x.ravel(), theta]), names, value, gradient, {"M": rows})


def _objective(objective, x, eps, y=None) -> Problem:
    vae = objective.vae
    theta = vae.theta.astype(np.float64)
    grad = np.full(theta.size, np.nan)

    def value(theta: Array) -> Array:
        vae.bind(theta, grad)
        return np.asarray(objective.forward(x, eps, y))

    def gradient(dy: Array) -> Array:
        objective.backward()
        return dy * grad

    names = _parameters(vae, theta.size)
    title = (f"{type(objective).__name__}, {type(vae.likelihood).__name__}, {vae.activation.__name__}"
             f"{', conditional' if vae.n_classes else ''}")
    sizes = {"M": len(x), "D": vae.data_dim, "J": vae.latent_dim}
    return Problem(title, theta, names, value, gradient, sizes)


def _parameters(part, size: int) -> dict[str, Array]:
    """Where in theta each parameter lies: bind a vector that holds its own indices."""
    index = np.arange(float(size))
    part.bind(index, index)
    return {name: view.astype(int) for name, view in part.parameters().items()}


def _joined(arrays: dict[str, Array], gradients: tuple) -> Array:
    """The gradients as one vector, if each has the shape of what it is the gradient of."""
    if len(gradients) != len(arrays):
        raise ValueError(f"backward gave {len(gradients)} gradients; forward takes {len(arrays)} inputs")
    for (name, a), g in zip(arrays.items(), gradients, strict=True):
        if np.shape(g) != a.shape:
            raise ValueError(f"backward gave a gradient of shape {np.shape(g)} for {name}, "
                             f"which has shape {a.shape}")
    return np.concatenate([np.ravel(g) for g in gradients])


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


def _float64(a) -> Array:
    a = np.array(a)
    if a.dtype.kind not in "biuf":
        raise TypeError(f"an input has dtype {a.dtype}; expected real numbers")
    return a.astype(np.float64)
