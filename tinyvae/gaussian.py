"""The diagonal Gaussian q(z|x) = N(z; mu, diag(exp(logvar))): AEVB sections 2.4 and 3, appendix B.

Encoders give the *log-variance*: any real number is one, and the variance can neither be
negative nor, at moderate values, underflow. Each function stands above its backward, which
takes the derivative of L by the function's value first.
"""

import math

import numpy as np

Array = np.ndarray

LOG_2PI = math.log(2 * math.pi)


def std(logvar: Array) -> Array:
    """The standard deviation: the one place where the package writes it."""
    return np.exp(0.5 * logvar)


def reparameterize(mu: Array, logvar: Array, eps: Array) -> Array:
    """z = mu + std * eps, with noise eps ~ N(0, I) from outside (AEVB eq. 4, section 2.4).

    mu, logvar: (M, J). eps and z: (M, J), or (K, M, J) for K samples of each z.
    """
    return mu + std(logvar) * eps


def reparameterize_backward(dz: Array, logvar: Array, eps: Array) -> tuple[Array, Array]:
    """(dmu, dlogvar), each (M, J): dz/dmu = 1, dz/dlogvar = 1/2 std * eps; samples add up."""
    dlogvar = dz * (0.5 * std(logvar)) * eps
    return _sum_samples(dz, logvar.shape), _sum_samples(dlogvar, logvar.shape)


def kl(mu: Array, logvar: Array) -> Array:
    """KL(q(z|x) || N(0, I)) of each latent dimension, in nats, (M, J) (AEVB eq. 10, app. B)."""
    return 0.5 * (mu * mu + np.exp(logvar) - logvar - 1)


def kl_backward(dkl: Array, mu: Array, logvar: Array) -> tuple[Array, Array]:
    """(dmu, dlogvar), each (M, J); both are zero at the prior, mu = logvar = 0."""
    return dkl * mu, dkl * (0.5 * (np.exp(logvar) - 1))


def log_density(z: Array, mu: Array, logvar: Array) -> Array:
    """log N(z; mu, diag(exp(logvar))) in nats, summed over the J dimensions: (..., J) -> (...)."""
    r = (z - mu) / std(logvar)  # (..., J)
    return -0.5 * (r * r + logvar + LOG_2PI).sum(-1)


def log_density_backward(dlog: Array, z: Array, mu: Array, logvar: Array) -> tuple[Array, Array, Array]:
    """(dz, dmu, dlogvar), each (..., J), from dlog (...)."""
    r = (z - mu) / std(logvar)  # (..., J)
    dmu = dlog[..., None] * (r / std(logvar))
    return -dmu, dmu, dlog[..., None] * (0.5 * (r * r - 1))


def log_standard_density(z: Array) -> Array:
    """log N(z; 0, I) in nats, the prior p(z) and the noise's density: (..., J) -> (...)."""
    return -0.5 * (np.einsum("...j,...j->...", z, z) + z.shape[-1] * LOG_2PI)


def log_standard_density_backward(dlog: Array, z: Array) -> Array:
    """dz (..., J) from dlog (...)."""
    return dlog[..., None] * -z


def _sum_samples(d: Array, shape: tuple[int, ...]) -> Array:
    """Sum a derivative over the samples in front of `shape`: (K, M, J) or (M, J) -> (M, J)."""
    return d.reshape(-1, *shape).sum(0)
