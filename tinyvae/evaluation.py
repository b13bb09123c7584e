"""How good a model is, in nats: the bound, log p(x) by importance sampling, the active units.

Where log p(x) is known exactly, `exact` has it; its names are names of this module as well.
"""

import copy
import math
import threading
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from tinyvae import gaussian
from tinyvae.exact import Posterior, exact_posterior, linear_log_likelihood, probabilistic_pca
from tinyvae.foundation import checks, machine
from tinyvae.foundation.progress import progress_bar
from tinyvae.functions import logsumexp
from tinyvae.objectives import ELBO, IWAE
from tinyvae.rows import Rows, dataset, probable
from tinyvae.vae import VAE

__all__ = ["Estimate", "Posterior", "active_units", "elbo", "exact_posterior", "importance_sampling",
           "kl_per_dimension", "linear_log_likelihood", "log_likelihood", "means", "probabilistic_pca"]

Array = np.ndarray

ROWS = 250  # examples x samples worked on at once: what a layer of 784 gives still fits the second-level cache
SAMPLES = 500  # of one example at once where there are that many: half as many hand-overs between threads


def elbo(vae: VAE, x: Array | Rows, y: Array | None = None, binarization: str | None = None,
         n_samples: int = 1, rng=0) -> dict[str, float]:
    """{"elbo", "reconstruction", "kl"}: means over the rows of x (M, D), in nats; elbo = -(the other two).

    binarization   as for `fit`; the draws and the noise come from `rng` (a Generator or a seed)
    n_samples      of z for each example
    """
    rng = np.random.default_rng(rng)
    n_samples = checks.whole(n_samples, "n_samples")
    data = dataset(vae, x, y, binarization)
    objective = ELBO(vae)
    sums = np.zeros(2)
    for part in data.parts(ROWS // n_samples):
        x, y = part.draw(rng)  # (M, D), (M,)
        eps = rng.standard_normal((n_samples, len(x), vae.latent_dim), dtype=data.dtype)
        objective.forward(x, eps, y)
        sums += objective.reconstruction.sum(dtype=np.float64), objective.kl.sum(dtype=np.float64)
    reconstruction, kl = (sums / len(data)).tolist()
    return {"elbo": -(reconstruction + kl), "reconstruction": reconstruction, "kl": kl}


class Estimate(NamedTuple):
    """log p(x) of M examples by importance sampling, and how far to trust it."""

    log_p: Array  # (M,) in nats
    effective_samples: Array  # (M,) (sum_k w_k)^2 / sum_k w_k^2, from 1 (one weight is all) to K (all are equal)
    n_samples: int  # K

    def first(self, n: int) -> "Estimate":
        """The estimates of the first n rows."""
        return Estimate(self.log_p[:n], self.effective_samples[:n], self.n_samples)

    @property
    def standard_error(self) -> Array:
        """Of log_p, (M,) in nats, from the spread of the weights (delta method); NaN for K = 1.

        At most 1, however far off: with an effective sample or two it is no error bar any more.
        """
        K = self.n_samples
        variance = np.maximum(1 / self.effective_samples - 1 / K, 0)
        return np.sqrt(variance * (K / (K - 1) if K > 1 else np.nan))


def importance_sampling(vae: VAE, x: Array | Rows, n_samples: int = 5000, rng=None, y: Array | None = None,
                        progress: bool = False, binarization: str | None = None) -> Estimate:
    """log p(x) of each row of x (M, D) with q(z|x) as the proposal, as an `Estimate`.

    log 1/K sum_k w_k,   w_k = p(x|z_k) p(z_k) / q(z_k|x),   K = n_samples   (IWAE eq. 8 and section 5.1)

    The mean of the weights is p(x) in expectation; its logarithm is too low by about half the squared standard
    error, and rises to log p(x) with K. Works in chunks on as many threads as BLAS has: some 20 MB each, whatever
    K and M. rng: a numpy.random.Generator, or a seed.

    binarization   of grey pixels, each drawn once: "dynamic" or "threshold". Without one they are refused under a
                   Bernoulli, which gives no grey pixel a probability.
    """
    K = checks.whole(n_samples, "n_samples")
    data, rng = dataset(vae, x, y, binarization or "none"), np.random.default_rng(rng)  # bytes stay bytes
    if data is not x:  # rows of a run are what its bound was measured on
        probable(vae, data)
    machine.keep_freed_memory()
    x, y = replace(data[:1], binarization="none").draw()
    # A model remembers its latest forward, which the copies below would copy as well: let it be one of one row.
    IWAE(vae).forward(x, np.zeros((1, 1, vae.latent_dim)), y)
    own = threading.local()
    log_sum, log_squares = np.full((2, len(data)), -np.inf)  # of w and w^2 over the samples so far

    def tasks():
        for some in _chunks(len(data), ROWS // K):
            batch = data[some].draw(rng)  # x (M, D), y (M,): the same bits for all samples
            for samples in _chunks(K, SAMPLES):
                shape = samples.stop - samples.start, some.stop - some.start, vae.latent_dim
                yield some, samples, batch, rng.standard_normal(shape, dtype=data.dtype)

    def weigh(some, samples, batch, eps):
        if not hasattr(own, "iwae"):
            own.iwae = IWAE(copy.deepcopy(vae))  # for each thread, because a forward is remembered
        x, y = batch
        own.iwae.forward(x, eps, y)
        log_w = own.iwae.log_weights.astype(np.float64)
        return some, samples, logsumexp(log_w), logsumexp(2 * log_w)

    def add(weighed):
        some, samples, more, more_squares = weighed
        log_sum[some] = np.logaddexp(log_sum[some], more)
        log_squares[some] = np.logaddexp(log_squares[some], more_squares)
        if samples.stop == K:
            bar.update(some.stop - some.start)

    with progress_bar(progress, total=len(data), desc="log p(x)", unit="x", delay=2) as bar:
        machine.in_threads(weigh, tasks(), add)
    return Estimate(log_sum - math.log(K), np.exp(2 * log_sum - log_squares), K)


def log_likelihood(vae: VAE, x: Array | Rows, n_samples: int = 5000, rng=None, y: Array | None = None,
                   progress: bool = False, binarization: str | None = None) -> Array:
    """log p(x) of each row of x (M, D), in nats, (M,): importance sampling with q(z|x) as the proposal.

    A lower bound in expectation that rises to log p(x) with K = n_samples; for its error bars, and for the
    arguments, see `evaluation.importance_sampling`.
    """
    return importance_sampling(vae, x, n_samples, rng, y, progress, binarization).log_p


def kl_per_dimension(vae: VAE, x: Array | Rows, y: Array | None = None) -> Array:
    """KL(q(z_j|x) || N(0, 1)), the mean over the rows of x (M, D), in nats, (J,): the rate, split up."""
    data, total = dataset(vae, x, y), np.zeros(vae.latent_dim)
    for part in data.parts(ROWS):
        total += gaussian.kl(*vae._encode(*part.draw())).sum(0, dtype=np.float64)
    return total / len(data)


def means(vae: VAE, x: Array | Rows, y: Array | None = None) -> Array:
    """mu(x) of each row of x (M, D), (M, J), encoded in parts."""
    return np.concatenate([vae._encode(*part.draw())[0] for part in dataset(vae, x, y).parts(ROWS)])


def active_units(vae: VAE, x: Array | Rows, threshold: float = 0.01, y: Array | None = None) -> tuple[int, Array]:
    """How many latent dimensions the data moves, and by how much: Var_x(E_q[z_j|x]), (J,) (IWAE section 5.2).

    A unit is active if that variance, over the rows of x (M, D), is above the threshold.
    """
    variance = means(vae, x, y).astype(np.float64).var(0)
    return int((variance > threshold).sum()), variance


def _chunks(n: int, size: int) -> list[slice]:
    size = max(size, 1)
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]
