"""Trust, but differentiate: a hand-written backward against two numerical derivatives.

For L(v) = <dy, forward(v)> with a random cotangent dy, and every entry v_i of the inputs and the
parameters, `check_gradients` compares what backward says with

    central differences   (L(v + h e_i) - L(v - h e_i)) / 2h     right to about 1e-9
    the complex step      Im L(v + i h e_i) / h, h = 1e-20       right to about 1e-16
                          (Squire & Trapp 1998: nothing is subtracted, so nothing cancels)

The cotangent is random because ones are blind: the entries of a softmax sum to one, whatever its
backward says. What no gradient check can see is a wrong function with a right derivative: for
that there are the exact identities of the tests.
"""

import copy
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tinyvae import functions, gaussian, layers
from tinyvae.diagnose import Evidence, explain
from tinyvae.likelihoods import Bernoulli, Gaussian
from tinyvae.objectives import ELBO, IWAE
from tinyvae.vae import VAE

Array = np.ndarray

COMPLEX_STEP = 1e-20
CENTRAL_STEP = float(np.finfo(np.float64).eps) ** (1 / 3)  # balances truncation, h^2, and rounding, eps / h


class Row(NamedTuple):
    """The check of one array; errors are relative to the largest entry of its gradient."""

    name: str
    shape: tuple[int, ...]
    checked: int  # entries compared one by one
    complex_error: float | None  # None: forward does not take complex numbers
    central_error: float
    where: str  # the worst entry, what backward says there, and what is true
    backward: float
    numerical: float
    ok: bool
    cause: str  # what the wrong values have in common, if they tell

    @property
    def error(self) -> float:
        """By the complex step where there is one, else by differences."""
        return self.central_error if self.complex_error is None else self.complex_error


@dataclass(frozen=True)
class Report:
    """The result of `check_gradients`: `ok`, `max_error`, `rows`; a table when printed."""

    title: str
    rows: list[Row]
    note: str

    @property
    def ok(self) -> bool:
        return all(row.ok for row in self.rows)

    @property
    def worst(self) -> Row:
        """A row that fails, or else the one that comes nearest to it."""
        return max(self.rows, key=lambda row: (not row.ok, row.error))

    @property
    def max_error(self) -> float:
        """The largest error of all arrays, relative to the largest entry of the array's gradient."""
        return max(row.error for row in self.rows)

    def __str__(self) -> str:
        head = ["what", "shape", "checked", "complex step", "differences", "worst at", "verdict"]
        body = [[row.name, str(row.shape), f"{row.checked} of {math.prod(row.shape)}", *cells(row)]
                for row in self.rows]
        wrong = [f"{row.name} at {row.where}: backward says {row.backward:.9g}, numerically it is "
                 f"{row.numerical:.9g}{row.cause and '; ' + row.cause}" for row in self.rows if not row.ok]
        return "\n".join([self.title, table([head, *body]), *wrong, *([self.note] if self.note else [])])


def cells(row: Row) -> list[str]:
    """The errors, place and verdict of a row, for a table."""
    by_complex = "-" if row.complex_error is None else f"{row.complex_error:.1e}"
    return [by_complex, f"{row.central_error:.1e}", row.where, "ok" if row.ok else "WRONG"]


def table(rows: list[list[str]]) -> str:
    """Rows of equal length as lines with aligned columns."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


# ---- the check ---------------------------------------------------------------------------------


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
    problem = _problem(what, inputs, rng)
    v = problem.v
    value = np.array(problem.forward(v.copy()))
    if not np.isfinite(value).all():
        raise ValueError(f"{problem.title}: forward gives values that are not finite; check it at other inputs")
    if not np.array_equal(value, problem.forward(v.copy())):
        raise ValueError(f"{problem.title}: forward gives another value at each call; take the noise as an "
                         "argument, so that it can be held fixed")
    dy = rng.standard_normal(value.shape)
    kept = v.copy()
    problem.forward(kept)
    gradient = problem.backward(dy.copy())
    if not np.array_equal(kept, v):
        raise ValueError(f"{problem.title}: forward or backward changed its inputs in place; work on a copy")

    def L(v: Array):
        return (dy * problem.forward(v)).sum()

    # A difference of two values of L, divided by a step of 1, knows nothing below this.
    rounding = 4 * float(np.finfo(np.float64).eps) * abs(dy * value).sum()
    complex_works = _complex_works(L, v, rng.standard_normal(v.size))
    rows = []
    for name, index in problem.names.items():
        flat = index.ravel()
        everything = flat.size <= entries
        chosen = np.arange(flat.size) if everything else rng.choice(flat.size, entries, replace=False)
        directions = [(flat[[i]], np.ones(1)) for i in chosen]
        places = [str(tuple(int(i) for i in np.unravel_index(i, index.shape))) for i in chosen]
        if not everything:
            directions.append((flat, rng.standard_normal(flat.size) / math.sqrt(flat.size)))
            places.append("one direction")
        said = np.array([gradient[at] @ u for at, u in directions])
        central = np.array([_central_difference(L, v, at, u, CENTRAL_STEP) for at, u in directions])
        scale = max(abs(said).max(), abs(central).max()) or 1.0  # all zero: nothing to be relative to
        allowed = np.full(len(said), central_tolerance + rounding / CENTRAL_STEP / scale)
        for i in np.flatnonzero(abs(said - central) > allowed * scale):
            # Perhaps a kink (of a ReLU) lies within the step: a much shorter one misses it.
            h = 1e-3 * CENTRAL_STEP
            central[i] = _central_difference(L, v, *directions[i], h)
            allowed[i] = central_tolerance + rounding / h / scale
        central_errors = abs(said - central) / scale
        ok = (central_errors <= allowed).all()
        if complex_works:
            best = np.array([_complex_step(L, v, at, u) for at, u in directions])
            errors = abs(said - best) / scale
            complex_error = float(errors.max())
            ok = ok and complex_error <= complex_tolerance
        else:
            best, errors, complex_error = central, central_errors, None
        worst = int(np.argmax(errors))  # argmax takes a NaN for the largest
        cause = explain([Evidence(said.reshape(index.shape), best.reshape(index.shape), problem.sizes)]) \
            if everything and not ok else None
        rows.append(Row(name, index.shape, len(chosen), complex_error, float(central_errors.max()),
                        places[worst], float(said[worst]), float(best[worst]), bool(ok), cause.text if cause else ""))
    note = "" if complex_works else "forward does not carry complex numbers: checked by differences alone."
    return Report(problem.title, rows, note)


def _central_difference(L, v: Array, at: Array, u: Array, h: float) -> float:
    """The derivative of L(v + h u) by h at 0, where u moves the entries `at`."""
    plus, minus = v.copy(), v.copy()
    plus[at] += h * u
    minus[at] -= h * u
    return (L(plus) - L(minus)) / (2 * h)


def _complex_step(L, v: Array, at: Array, u: Array) -> float:
    """The same from one evaluation, an invisible step off the real axis."""
    w = v.astype(complex)
    w[at] += 1j * COMPLEX_STEP * u
    return L(w).imag / COMPLEX_STEP


def _complex_works(L, v: Array, u: Array) -> bool:
    """Whether forward carries an imaginary part to its end: np.abs, for one, drops it silently."""
    everywhere = np.arange(v.size)
    try:
        step = _complex_step(L, v, everywhere, u)
    except Exception:  # a reader's forward may refuse complex numbers in any way it likes
        return False
    return math.isclose(step, _central_difference(L, v, everywhere, u, h=1e-9), rel_tol=1e-2)


# ---- what is checked, as one function of one vector --------------------------------------------


class _Problem(NamedTuple):
    title: str
    v: Array  # all that is differentiated by: inputs, then parameters
    names: dict[str, Array]  # where in v each array lies
    forward: Callable[[Array], Array]  # of v, or of a complex v
    backward: Callable[[Array], Array]  # dy -> dL/dv of the latest forward
    sizes: dict[str, int]  # by which a gradient may be too large or too small


def _problem(what, inputs: tuple, rng: np.random.Generator) -> _Problem:
    if isinstance(what, tuple) and len(what) == 2 and all(map(callable, what)):
        return _functions(*what, inputs)
    if isinstance(what, VAE):
        raise TypeError("a VAE is differentiated through its objective: check_gradients(tv.ELBO(vae))")
    if isinstance(getattr(what, "vae", None), VAE):
        return _objective(copy.deepcopy(what), *(inputs or _model_inputs(what.vae, rng)))
    if hasattr(what, "log_prob") and hasattr(what, "backward"):
        return _likelihood(rng, copy.deepcopy(what), *(inputs or _likelihood_inputs(what, rng)))
    if hasattr(what, "forward") and hasattr(what, "backward"):
        return _layer(rng, copy.deepcopy(what), *(inputs or [rng.standard_normal((7, _width(what)))]))
    raise TypeError(f"cannot check {what!r}; expected a layer, a likelihood, an objective over a VAE, "
                    "or a pair of functions (forward, backward)")


def _functions(forward, backward, inputs: tuple) -> _Problem:
    if not inputs:
        raise ValueError("a pair (forward, backward) needs inputs: check_gradients((forward, backward), x)")
    names = ["x"] if len(inputs) == 1 else [f"input {i}" for i in range(len(inputs))]
    arrays = dict(zip(names, map(_float64, inputs), strict=True))

    def gradient(dy: Array) -> Array:
        given = backward(dy)
        return _join(arrays, given if isinstance(given, tuple) else (given,))

    title = f"({getattr(forward, '__name__', 'forward')}, {getattr(backward, '__name__', 'backward')})"
    return _Problem(title, _flat(arrays), _where(arrays), lambda v: forward(*_split(v, arrays)), gradient, {})


def _layer(rng: np.random.Generator, layer, x) -> _Problem:
    return _bound(rng, layer, {"x": _float64(x)}, layer.forward, layer.backward)


def _likelihood(rng: np.random.Generator, likelihood, x, out) -> _Problem:
    x = _float64(x)
    return _bound(rng, likelihood, {"out": _float64(out)}, lambda out: likelihood.log_prob(x, out),
                  likelihood.backward)


def _bound(rng: np.random.Generator, part, arrays: dict[str, Array], forward, backward) -> _Problem:
    """A layer or likelihood as a function of its input and of its parameters."""
    size = getattr(part, "size", 0)
    theta = rng.standard_normal(size)
    grad = np.full(size, np.nan)  # backward must overwrite it: NaN survives being added to
    arrays = arrays | {"theta": theta}
    n_inputs = sum(a.size for a in arrays.values()) - size

    def value(v: Array) -> Array:
        *inputs, theta = _split(v, arrays)
        if size:
            part.bind(theta, grad)
        return forward(*inputs)

    names = _where(arrays)
    del names["theta"]
    if size:
        names |= {name: n_inputs + index for name, index in _parameters(part, size).items()}
    rows, *_ = next(iter(arrays.values())).shape
    return _Problem(type(part).__name__, _flat(arrays), names, value,
                    lambda dy: _join(arrays, (backward(dy), grad)), {"M": rows})


def _objective(objective, x, eps, y=None) -> _Problem:
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
    return _Problem(title, theta, names, value, gradient, sizes)


def _parameters(part, size: int) -> dict[str, Array]:
    """Where in theta each parameter lies: bind a vector that holds its own indices."""
    index = np.arange(float(size))
    part.bind(index, index)
    return {name: view.astype(int) for name, view in part.parameters().items()}


def _width(layer) -> int:
    """Columns that a layer takes: those of its first part that says so, else any."""
    parts = getattr(layer, "layers", [layer])
    return next((part.n_in for part in parts if hasattr(part, "n_in")), 5)


def _likelihood_inputs(likelihood, rng: np.random.Generator) -> tuple[Array, Array]:
    return _data(likelihood, (7, 5), rng), rng.standard_normal((7, likelihood.columns * 5))


def _model_inputs(vae: VAE, rng: np.random.Generator, M: int = 7) -> tuple:
    y = rng.integers(0, vae.n_classes, M) if vae.n_classes else None
    return _data(vae.likelihood, (M, vae.data_dim), rng), rng.standard_normal((2, M, vae.latent_dim)), y


def _data(likelihood, shape: tuple[int, int], rng: np.random.Generator) -> Array:
    return rng.random(shape) if math.isfinite(likelihood.support[1]) else rng.standard_normal(shape)


def _float64(a) -> Array:
    a = np.array(a)
    if a.dtype.kind not in "biuf":
        raise TypeError(f"an input has dtype {a.dtype}; expected real numbers")
    return a.astype(np.float64)


def _flat(arrays: dict[str, Array]) -> Array:
    return np.concatenate([a.ravel() for a in arrays.values()])


def _split(v: Array, arrays: dict[str, Array]) -> list[Array]:
    """The arrays, as views of v."""
    pieces = np.split(v, np.cumsum([a.size for a in arrays.values()])[:-1])
    return [piece.reshape(a.shape) for piece, a in zip(pieces, arrays.values(), strict=True)]


def _where(arrays: dict[str, Array]) -> dict[str, Array]:
    stops = np.cumsum([a.size for a in arrays.values()])
    return {name: np.arange(stop - a.size, stop).reshape(a.shape)
            for (name, a), stop in zip(arrays.items(), stops, strict=True)}


def _join(arrays: dict[str, Array], gradients: tuple) -> Array:
    """The gradients as one vector, if each has the shape of what it is the gradient of."""
    if len(gradients) != len(arrays):
        raise ValueError(f"backward gave {len(gradients)} gradients; forward takes {len(arrays)} inputs")
    for (name, a), g in zip(arrays.items(), gradients, strict=True):
        if np.shape(g) != a.shape:
            raise ValueError(f"backward gave a gradient of shape {np.shape(g)} for {name}, "
                             f"which has shape {a.shape}")
    return np.concatenate([np.ravel(g) for g in gradients])


# ---- everything the package differentiates -----------------------------------------------------


def cases(rng: np.random.Generator) -> Iterator[tuple[str, object, tuple]]:
    """(title, what, inputs) of every function, layer, likelihood and objective of the package."""
    mu, logvar, z = rng.standard_normal((3, 7, 3))
    eps = rng.standard_normal((2, 7, 3))
    a = 10 * rng.standard_normal((7, 5))
    yield "sigmoid", (functions.sigmoid, lambda dy: dy * functions.sigmoid(a) * functions.sigmoid(-a)), (a,)
    yield "softplus", (functions.softplus, lambda dy: dy * functions.sigmoid(a)), (a,)
    yield "logsumexp", (functions.logsumexp, lambda dy: dy * functions.softmax(a)), (a,)
    yield "logmeanexp", (functions.logmeanexp, lambda dy: dy * functions.softmax(a)), (a,)
    yield "reparameterize", (
        lambda mu, logvar: gaussian.reparameterize(mu, logvar, eps),
        lambda dz: gaussian.reparameterize_backward(dz, logvar, eps)), (mu, logvar)
    yield "kl", (gaussian.kl, lambda dkl: gaussian.kl_backward(dkl, mu, logvar)), (mu, logvar)
    yield "log_density", (
        gaussian.log_density, lambda dy: gaussian.log_density_backward(dy, z, mu, logvar)), (z, mu, logvar)
    yield "log_standard_density", (
        gaussian.log_standard_density, lambda dy: gaussian.log_standard_density_backward(dy, z)), (z,)

    for n_in, n_out in [(5, 3), (4, 4)]:
        yield f"Dense({n_in}, {n_out})", layers.Dense(n_in, n_out), (rng.standard_normal((n_in + 2, n_in)),)
    activations = [layers.ReLU, layers.Tanh, layers.Softplus, layers.Sigmoid]
    for activation in activations:
        yield activation.__name__, activation(), (rng.standard_normal((7, 5)),)
    chain = layers.Chain(layers.Dense(5, 11), layers.Tanh(), layers.Dense(11, 3))
    yield "Chain", chain, (rng.standard_normal((7, 5)),)

    likelihoods = {"Bernoulli": Bernoulli(), "Gaussian(0.7)": Gaussian(0.7),
                   "Gaussian(shared)": Gaussian("shared"), "Gaussian(network)": Gaussian("network")}
    for name, likelihood in likelihoods.items():
        yield name, likelihood, _likelihood_inputs(likelihood, rng)

    # Sizes that are distinct primes (M = 7 rows; 13 and 5 columns with a label), so that a wrong shape
    # fails; and square ones, 4 rows and columns all over, where a transposed matrix goes unnoticed.
    sizes = {"": [(5, 11, 3, 0, 7), (4, 4, 4, 0, 4)], ", conditional": [(11, 17, 3, 2, 7), (2, 4, 2, 2, 4)]}
    for objective, name, activation, kind in itertools.product([ELBO, IWAE], likelihoods, activations, sizes):
        for D, H, J, n_classes, M in sizes[kind]:
            vae = VAE(D, J, (H,), likelihoods[name], activation, n_classes, np.float64, rng)
            vae.theta += 0.1 * rng.standard_normal(vae.theta.size)  # zero biases put ReLU on its kink
            title = f"{objective.__name__}, {name}, {activation.__name__}{kind}{', square' if H == 4 else ''}"
            yield title, objective(vae), _model_inputs(vae, rng, M)
    vae = VAE(5, 3, (11, 7), dtype=np.float64, rng=rng)
    vae.theta += 0.1 * rng.standard_normal(vae.theta.size)
    yield "ELBO(beta=0.3), two hidden layers", ELBO(vae, beta=0.3), ()
    inputs = _model_inputs(vae, rng)
    between = gaussian.kl(*vae.forward(*inputs)[:2]).mean().item()  # some dimensions lie above it and some below
    yield f"ELBO(free_bits={between:.2f})", ELBO(vae, free_bits=between), inputs
