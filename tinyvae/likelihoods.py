"""What the decoder says about x: p(x|z) from the numbers `out` that the decoder gives.

The contract of every likelihood, for D data dimensions:

    likelihood.size, bind(theta, grad), parameters(), init(rng)
                                    as for a layer: a likelihood may have parameters of its own
    likelihood.columns              columns of `out` for each data dimension, 1 or 2: D' = columns * D
    likelihood.log_prob(x, out)     log p(x|z) in nats, summed over D: (M, D), (..., M, D') -> (..., M)
    likelihood.backward(dlog)       dL/dout from dL/dlog_prob (..., M); fills the views of grad
    likelihood.mean(out)            E[x|z], (..., D)
    likelihood.sample(out, rng)     a draw from p(x|z), (..., D)
    likelihood.support              (lowest, highest) value that x can take
    likelihood.start(mean, deviation)
                                    optional, for `VAE.start_from`: the `out` (D',) whose E[x|z] is mean (D,); and
                                    sets a sigma of its own to deviation, a float

Parameters are unconstrained (logits, log-sigmas) and densities carry their full normalizing
constant, so nothing is clipped and log p(x) means what it says.
"""

from __future__ import annotations  # so that np.random, which NumPy imports late, is imported late

import math

import numpy as np

from tinyvae.foundation import checks
from tinyvae.functions import sigmoid
from tinyvae.gaussian import LOG_2PI
from tinyvae.layers import WithoutParameters

Array = np.ndarray


class Bernoulli(WithoutParameters):
    """Pixels that are on or off, independently, with probability sigmoid(out) (AEVB app. C.1).

    log p(x|z) = sum_d x a - softplus(a), with a = out the logits   (AEVB eq. 11)

    It is a likelihood for x in {0, 1}. Grey x in [0, 1] are accepted, as in most public code;
    the value is then a cross-entropy that still works as a loss but is no log-probability.
    """

    columns = 1
    support = (0.0, 1.0)

    def log_prob(self, x: Array, out: Array) -> Array:
        # x a - softplus(a). NumPy's log1p is slow, and backward needs p = sigmoid(a), so softplus is taken from it:
        # softplus(a) = max(a, 0) - log max(p, 1 - p), whose logarithm never sees less than 1/2. x a - max(a, 0) comes
        # first: where x agrees with a large logit it is 0, not the difference of two large sums.
        p = sigmoid(out)  # (..., M, D)
        log_p = x * out
        log_p -= np.maximum(out, 0)
        log_p += np.log(np.maximum(p, 1 - p))
        self.x, self.p = x, p
        return log_p.sum(-1)  # (..., M)

    def backward(self, dlog: Array) -> Array:
        return dlog[..., None] * (self.x - self.p)  # (..., M, D)

    def mean(self, out: Array) -> Array:
        return sigmoid(out)

    def start(self, mean: Array, deviation: float) -> Array:
        p = mean.clip(0.001, 0.999)  # a pixel that was never on may be on elsewhere
        return np.log(p / (1 - p))

    def sample(self, out: Array, rng: np.random.Generator) -> Array:
        return (rng.random(out.shape) < sigmoid(out)).astype(out.dtype)


def Gaussian(std: float | str = 1.0) -> DiagonalGaussian:
    """x = mean + sigma * noise. std: sigma itself, in the units of x; "shared": one learned sigma for all dimensions;
    "network": the decoder's, for each dimension and each z."""
    kinds = {"shared": SharedGaussian, "network": NetworkGaussian}
    if isinstance(std, str) and std not in kinds:
        raise ValueError(f"Gaussian(std={std!r}): expected a positive number, 'shared' or 'network'")
    return kinds[std]() if isinstance(std, str) else FixedGaussian(std)


class DiagonalGaussian(WithoutParameters):
    """What the three Gaussians share: x = mean + sigma * noise, where they differ in what sigma is.

    log p(x|z) = -1/2 sum_d [ ((x - mean) / sigma)^2 + 2 log sigma + log 2 pi ]   (AEVB eq. 12, app. C.2)
    """

    columns = 1
    support = (-math.inf, math.inf)

    def split(self, out: Array) -> tuple[Array, Array]:
        """mean (..., D) and log sigma, (1,) or (..., D)."""
        raise NotImplementedError

    def log_prob(self, x: Array, out: Array) -> Array:
        mean, log_std = self.split(out)
        self.inv_std = np.exp(-log_std)
        self.r = (x - mean) * self.inv_std  # (..., M, D)
        self.squares = np.einsum("...d,...d->...", self.r, self.r)  # (..., M)
        D = x.shape[-1]
        log_volume = log_std.sum(-1) if self.columns == 2 else D * log_std  # sum_d log sigma_d
        return -0.5 * (self.squares + D * LOG_2PI) - log_volume

    def backward(self, dlog: Array) -> Array:
        return dlog[..., None] * (self.r * self.inv_std)  # dmean (..., M, D)

    def mean(self, out: Array) -> Array:
        return self.split(out)[0]

    def start(self, mean: Array, deviation: float) -> Array:
        return mean

    def sample(self, out: Array, rng: np.random.Generator) -> Array:
        mean, log_std = self.split(out)
        noise = rng.standard_normal(mean.shape, dtype=out.dtype)
        return mean + np.exp(log_std) * noise


class FixedGaussian(DiagonalGaussian):
    """One sigma, in the units of x, that is not learned; with sigma = 1, half the squared error and a constant."""

    def __init__(self, std: float = 1.0):
        self.std = checks.number(std, "std", above=0)

    def split(self, out: Array) -> tuple[Array, Array]:
        return out, np.array([math.log(self.std)], out.dtype)


class SharedGaussian(DiagonalGaussian):
    """One learned log sigma, the last entry of theta.

    It starts at 0. Data of a much smaller scale would look like noise, and z go unused: see `VAE.start_from`.
    """

    std = "shared"
    size = 1

    def bind(self, theta: Array, grad: Array) -> None:
        self.log_std, self.dlog_std = theta, grad

    def parameters(self) -> dict[str, Array]:
        return {"log_std": self.log_std}

    def init(self, rng: np.random.Generator) -> None:
        self.log_std[:] = 0

    def start(self, mean: Array, deviation: float) -> Array:
        self.log_std[:] = math.log(deviation)
        return mean

    def split(self, out: Array) -> tuple[Array, Array]:
        return out, self.log_std  # (1,)

    def backward(self, dlog: Array) -> Array:
        D = self.r.shape[-1]
        self.dlog_std[:] = (dlog * (self.squares - D)).sum()
        return super().backward(dlog)


class NetworkGaussian(DiagonalGaussian):
    """Lambda(z) = diag(sigma(z)^2): `out` holds D means, then D log-sigmas."""

    std = "network"
    columns = 2

    def split(self, out: Array) -> tuple[Array, Array]:
        D = out.shape[-1] // 2
        return out[..., :D], out[..., D:]

    def start(self, mean: Array, deviation: float) -> Array:
        return np.concatenate([mean, np.full_like(mean, math.log(deviation))])

    def backward(self, dlog: Array) -> Array:
        dmean = super().backward(dlog)
        dlog_std = dlog[..., None] * (self.r * self.r - 1)
        return np.concatenate([dmean, dlog_std], axis=-1)  # (..., M, 2D)
