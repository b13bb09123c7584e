"""Where the checkers know the truth from: numerical derivatives and integrals, exact to rounding."""

import functools
import math
from decimal import Context, Decimal, localcontext

import numpy as np

Array = np.ndarray


def complex_step(f, *arrays: Array) -> tuple[Array, ...]:
    """The derivative of the scalar f(*arrays) by each entry of each array (see `gradcheck`), shaped like them."""
    gradients = []
    for k, a in enumerate(arrays):
        gradient = np.empty(a.shape)
        for at in np.ndindex(a.shape):
            moved = a.astype(complex)
            moved[at] += 1e-20j
            gradient[at] = f(*arrays[:k], moved, *arrays[k + 1 :]).imag / 1e-20
        gradients.append(gradient)
    return tuple(gradients)


@functools.cache
def normal_nodes(n: int) -> tuple[Array, Array]:
    """Nodes and weights (n,) with sum_i w_i f(eps_i) = E[f(eps)], eps ~ N(0, 1), exact for polynomials below degree 2n.

    Gauss-Hermite quadrature.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(n)
    return nodes, weights / math.sqrt(2 * math.pi)


def standard_normal_kl(mu: Array, logvar: Array) -> Array:
    """KL(N(mu, exp(logvar)) || N(0, 1)) of each entry, in nats: E_q[log q(z) - log p(z)] by quadrature, exactly."""
    eps, weights = normal_nodes(3)
    mu, std = mu[..., None], np.sqrt(np.exp(logvar))[..., None]
    z = mu + std * eps
    return (z**2 / 2 - ((z - mu) / std) ** 2 / 2 - np.log(std)) @ weights


def log_normal(r: Array, covariance: Array) -> Array:
    """log N(r; 0, covariance) of the last axis."""
    squares = np.einsum("...i,ij,...j->...", r, np.linalg.inv(covariance), r)
    return -0.5 * (squares + np.linalg.slogdet(2 * np.pi * covariance)[1])


def grid(values, n: int) -> Array:
    """All n-tuples of the values, as rows."""
    return np.stack(np.meshgrid(*[values] * n, indexing="ij"), -1).reshape(-1, n)


@functools.cache
def all_binary(D: int) -> Array:
    """All 2^D rows of zeros and ones, (2^D, D)."""
    return grid([0.0, 1.0], D)


def exact_weights(log_w: Array) -> tuple[Array, Array]:
    """log (1/K sum_k w[k]), (M,), and w[k] / sum_k w[k], (K, M), from log w (K, M).

    In 40 decimal digits, whose numbers reach as far as exp(1000) and exp(-1000): no trick is needed.
    """
    with localcontext(Context(prec=40)):
        w = [[Decimal(number).exp() for number in row] for row in log_w.tolist()]
        sums = [sum(column, Decimal()) for column in zip(*w, strict=True)]
        bound = [float((total / len(w)).ln()) for total in sums]
        return np.array(bound), np.array([[float(a / b) for a, b in zip(row, sums, strict=True)] for row in w])
