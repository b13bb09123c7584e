"""Pure functions that stay right where the textbook formula overflows.

Each works on arrays of any float dtype and returns that dtype, and on complex arrays
as well, so that the complex step can differentiate through it (see `gradcheck`).
"""

import math

import numpy as np

Array = np.ndarray


def sigmoid(a: Array) -> Array:
    """1 / (1 + exp(-a)), written with tanh: no overflow, no branch; right to one rounding of 1."""
    return 0.5 * np.tanh(0.5 * a) + 0.5


def softplus(a: Array) -> Array:
    """log(1 + exp(a)), the integral of the sigmoid, for a of any size."""
    # |a| as max(a, -a): np.abs of a complex number is its modulus and loses the derivative.
    return np.maximum(a, 0) + np.log1p(np.exp(-np.maximum(a, -a)))


def logsumexp(a: Array, axis: int = 0) -> Array:
    """log sum exp(a) along `axis`; the largest term is taken out, so nothing overflows."""
    top = a.real.max(axis, keepdims=True)
    return np.log(np.exp(a - top).sum(axis)) + top.squeeze(axis)


def logmeanexp(a: Array, axis: int = 0) -> Array:
    """log of the mean of exp(a) along `axis`."""
    return logsumexp(a, axis) - math.log(a.shape[axis])


def softmax(a: Array, axis: int = 0) -> Array:
    """exp(a) / sum exp(a) along `axis`: the gradient of logsumexp."""
    e = np.exp(a - a.real.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)
