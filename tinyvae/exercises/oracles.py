"""Where the checkers know the truth from: numerical derivatives and integrals, exact to rounding."""

import functools
import itertools
import math

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


@functools.cache
def all_binary(D: int) -> Array:
    """All 2^D rows of zeros and ones, (2^D, D)."""
    return np.array(list(itertools.product((0.0, 1.0), repeat=D)))
