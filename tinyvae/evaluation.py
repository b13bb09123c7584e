"""How good a model is, in nats: the bound, log p(x) by importance sampling, the active units."""

import copy
import math
import threading
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from tinyvae import gaussian
from tinyvae.datasets.binarization import binarize
from tinyvae.foundation import checks, machine
from tinyvae.functions import logsumexp
from tinyvae.likelihoods import Gaussian
from tinyvae.objectives import ELBO, IWAE
from tinyvae.vae import VAE

Array = np.ndarray

ROWS = 250  # examples x samples worked on at once: what a layer of 784 gives still fits the second-level cache
SAMPLES = 500  # of one example at once where there are that many: half as many hand-overs between threads


def default_binarization(vae: VAE) -> str:
    """"dynamic" for a likelihood of x in [0, 1], "none" for one of real x."""
    return "dynamic" if vae.likelihood.support == (0.0, 1.0) else "none"


def data_rows(vae: VAE, x, binarization: str, name: str = "x") -> Array:
    """x (N, D) in the dtype it came in, or in theta's if it is no uint8 or bool, checked once and for all."""
    x = checks.matrix(x, vae.data_dim, name)
    if x.dtype not in (np.uint8, bool):
        with np.errstate(over="ignore"):  # a number too large becomes inf, which `finite` names
            x = checks.finite(x.astype(vae.theta.dtype, copy=False), name)
        checks.inside(x, vae.likelihood.support, type(vae.likelihood).__name__)
        if binarization != "none":
            checks.inside(x, (0.0, 1.0), f"binarization {binarization!r}")
    batch(x[:1], binarization, np.random.default_rng(0), vae.theta.dtype)  # says if there is no such rule
    return x


def batch(x: Array, binarization: str, rng: np.random.Generator, dtype) -> Array:
    """Rows of data as a model takes them: binarized, or grey levels (uint8) divided by 255, (M, D)."""
    if binarization == "none":
        return checks.rows(x, x.shape[1], dtype)
    return binarize(x, binarization, rng, dtype)


def elbo(vae: VAE, x: Array, y: Array | None = None, binarization: str | None = None,
         n_samples: int = 1, rng=0) -> dict[str, float]:
    """{"elbo", "reconstruction", "kl"}: means over the rows of x (M, D), in nats; elbo = -(the other two).

    binarization   as for `fit`; the draws and the noise come from `rng` (a Generator or a seed)
    n_samples      of z for each example
    """
    rng = np.random.default_rng(rng)
    n_samples = checks.whole(n_samples, "n_samples")
    binarization = binarization or default_binarization(vae)
    x = data_rows(vae, x, binarization)
    y = checks.labels(y, len(x), vae.n_classes)
    objective = ELBO(vae)
    sums = np.zeros(2)
    for rows in _chunks(len(x), ROWS // n_samples):
        xb = batch(x[rows], binarization, rng, vae.theta.dtype)
        eps = rng.standard_normal((n_samples, len(xb), vae.latent_dim), dtype=vae.theta.dtype)
        objective.forward(xb, eps, None if y is None else y[rows])
        sums += objective.reconstruction.sum(dtype=np.float64), objective.kl.sum(dtype=np.float64)
    reconstruction, kl = (sums / len(x)).tolist()
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


def importance_sampling(vae: VAE, x: Array, n_samples: int = 5000, rng=None, y: Array | None = None,
                        progress: bool = False) -> Estimate:
    """log p(x) of each row of x (M, D) with q(z|x) as the proposal, as an `Estimate`.

    log 1/K sum_k w_k,   w_k = p(x|z_k) p(z_k) / q(z_k|x),   K = n_samples   (IWAE eq. 8 and section 5.1)

    The mean of the weights is p(x) in expectation; its logarithm is too low by about half the squared standard
    error, and rises to log p(x) with K. Works in chunks on as many threads as BLAS has: some 20 MB each, whatever
    K and M. For a Bernoulli likelihood x must be binary. rng: a numpy.random.Generator, or a seed.
    """
    from tqdm import tqdm

    K = checks.whole(n_samples, "n_samples")
    x = data_rows(vae, x, "none")  # bytes stay bytes
    y = checks.labels(y, len(x), vae.n_classes)
    rng, dtype = np.random.default_rng(rng), vae.theta.dtype
    machine.keep_freed_memory()
    one = np.zeros((1, 1, vae.latent_dim), dtype)
    IWAE(vae).forward(batch(x[:1], "none", rng, dtype), one, None if y is None else y[:1])  # so that copies are small
    own = threading.local()
    log_sum, log_squares = np.full((2, len(x)), -np.inf)  # of w and w^2 over the samples so far

    def tasks():
        for rows in _chunks(len(x), ROWS // K):
            for samples in _chunks(K, SAMPLES):
                shape = samples.stop - samples.start, rows.stop - rows.start, vae.latent_dim
                yield rows, samples, rng.standard_normal(shape, dtype=dtype)

    def weigh(rows, samples, eps):
        if not hasattr(own, "iwae"):
            own.iwae = IWAE(copy.deepcopy(vae))  # for each thread, because a forward is remembered
        own.iwae.forward(batch(x[rows], "none", rng, dtype), eps, None if y is None else y[rows])
        log_w = own.iwae.log_weights.astype(np.float64)
        return rows, samples, logsumexp(log_w), logsumexp(2 * log_w)

    def add(weighed):
        rows, samples, more, more_squares = weighed
        log_sum[rows] = np.logaddexp(log_sum[rows], more)
        log_squares[rows] = np.logaddexp(log_squares[rows], more_squares)
        if samples.stop == K:
            bar.update(rows.stop - rows.start)

    with tqdm(total=len(x), desc="log p(x)", unit="x", delay=2, disable=not progress) as bar:
        machine.in_threads(weigh, tasks(), add)
    return Estimate(log_sum - math.log(K), np.exp(2 * log_sum - log_squares), K)


def log_likelihood(vae: VAE, x: Array, n_samples: int = 5000, rng=None, y: Array | None = None,
                   progress: bool = False) -> Array:
    """log p(x) of each row of x (M, D), in nats, (M,): importance sampling with q(z|x) as the proposal.

    A lower bound in expectation that rises to log p(x) with K = n_samples; for its error bars see
    `evaluation.importance_sampling`. For a Bernoulli likelihood x must be binary:
    tv.datasets.binarize(x, "dynamic", rng). rng: a numpy.random.Generator, or a seed.
    """
    return importance_sampling(vae, x, n_samples, rng, y, progress).log_p


def kl_per_dimension(vae: VAE, x: Array, y: Array | None = None) -> Array:
    """KL(q(z_j|x) || N(0, 1)), the mean over the rows of x (M, D), in nats, (J,): the rate, split up."""
    x = checks.matrix(x, vae.data_dim)
    y = checks.labels(y, len(x), vae.n_classes)
    total = np.zeros(vae.latent_dim)
    for rows in _chunks(len(x), ROWS):
        total += gaussian.kl(*vae.encode(x[rows], None if y is None else y[rows])).sum(0, dtype=np.float64)
    return total / len(x)


def means(vae: VAE, x: Array, y: Array | None = None) -> Array:
    """mu(x) of each row of x (M, D), (M, J), encoded in chunks."""
    x = checks.matrix(x, vae.data_dim)
    y = checks.labels(y, len(x), vae.n_classes)
    return np.concatenate([vae.encode(x[rows], None if y is None else y[rows])[0] for rows in _chunks(len(x), ROWS)])


def active_units(vae: VAE, x: Array, threshold: float = 0.01, y: Array | None = None) -> tuple[int, Array]:
    """How many latent dimensions the data moves, and by how much: Var_x(E_q[z_j|x]), (J,) (IWAE section 5.2).

    A unit is active if that variance, over the rows of x (M, D), is above the threshold.
    """
    variance = means(vae, x, y).astype(np.float64).var(0)
    return int((variance > threshold).sum()), variance


# ---- exact answers, where there are any ---------------------------------------------------------------


def linear_log_likelihood(vae: VAE, x: Array, y: Array | None = None) -> Array:
    """The exact log p(x) of a linear-Gaussian model, (M,) in nats: probabilistic PCA (Tipping & Bishop 1999, eq. 4).

    x = z W + b + sigma noise is Gaussian with mean b and covariance W^T W + sigma^2 I; with labels, each
    class has a mean of its own. ValueError for a model with hidden layers or another likelihood.
    """
    if vae.hidden or not isinstance(vae.likelihood, Gaussian) or vae.likelihood.columns > 1:
        raise ValueError("the exact log p(x) is known for linear-Gaussian models alone: expected VAE(…, hidden=(), "
                         "likelihood=Gaussian(std) or Gaussian('shared'))")
    x, y = vae.check_data(x, y)
    W, mean = vae.decoder.layers[0].W[: vae.latent_dim], vae.decode(np.zeros((len(x), vae.latent_dim)), y)
    _, log_std = vae.likelihood.split(mean)  # (1,)
    covariance = W.T @ W + np.exp(2 * log_std) * np.eye(vae.data_dim)  # (D, D)
    r = np.linalg.solve(np.linalg.cholesky(covariance), (x - mean).T)  # (D, M): white if the model is right
    return -0.5 * ((r * r).sum(0) + np.linalg.slogdet(covariance)[1] + vae.data_dim * gaussian.LOG_2PI)


def probabilistic_pca(x: Array, latent_dim: int) -> VAE:
    """The linear VAE of the largest likelihood for the rows of x (N, D), in closed form, float64.

    With the eigenvalues lambda of the rows' covariance and eigenvectors U: sigma^2 is the mean of the D - J
    smallest, W^T = U_J (Lambda_J - sigma^2 I)^(1/2) (Tipping & Bishop 1999, eq. 7 and 8), and q(z|x) is the
    posterior itself, whose covariance is diagonal in these coordinates: the bound has no gap.
    """
    J, D = latent_dim, np.shape(x)[-1]
    if not 0 < J < D:
        raise ValueError(f"latent_dim is {J}; expected 1 to {D - 1}, less than the columns of x")
    vae = VAE(D, J, (), Gaussian("shared"), dtype=np.float64, rng=0)
    rows = checks.finite(checks.rows(x, D, np.float64), "x")
    mean = rows.mean(0)
    eigenvalues, vectors = np.linalg.eigh(np.cov(rows.T, bias=True))  # ascending
    variance = eigenvalues[:-J].mean()
    if not variance > D * np.finfo(float).eps * eigenvalues[-1]:
        raise ValueError(f"the {len(rows)} rows of x vary in no more than latent_dim = {J} directions, so that their "
                         "likelihood has no maximum: sigma goes to 0; give more rows, or a smaller latent_dim")
    W = (vectors[:, -J:] * np.sqrt(eigenvalues[-J:] - variance)).T  # (J, D)
    encoder, decoder = vae.encoder.layers[0], vae.decoder.layers[0]
    decoder.W[:], decoder.b[:] = W, mean
    vae.parameters()["likelihood.log_std"][:] = 0.5 * np.log(variance)
    # p(z|x) = N(W (x - mean) / lambda, sigma^2 / lambda), dimension by dimension.
    encoder.W[:] = np.hstack([(W / eigenvalues[-J:, None]).T, np.zeros((D, J))])
    encoder.b[:] = np.concatenate([-W @ mean / eigenvalues[-J:], np.log(variance / eigenvalues[-J:])])
    return vae


class Posterior(NamedTuple):
    """p(z|x) of one example on a grid over two latent dimensions."""

    z: Array  # (n,) both coordinates of the grid
    log_density: Array  # (n, n) log p(z|x) in nats; the first index counts z[1], the second z[0]
    log_p: float  # log p(x) in nats, by quadrature over the grid

    def kl_from(self, mu: Array, logvar: Array) -> float:
        """KL(q(z|x) || p(z|x)) in nats, by quadrature: what the bound of this example falls short.

        mu, logvar: (2,) of q. ValueError if q does not lie on the grid.
        """
        step = self.z[1] - self.z[0]
        log_q = gaussian.log_density(_grid(self.z), np.asarray(mu), np.asarray(logvar))  # (n, n)
        q = np.exp(log_q) * step**2
        if abs(q.sum() - 1) > 1e-3:
            raise ValueError(f"on this grid q(z|x) adds up to {q.sum():.4f} instead of 1; give exact_posterior "
                             "a larger span, or more points")
        return float((q * (log_q - self.log_density)).sum())


def exact_posterior(vae: VAE, x: Array, y: Array | None = None, n: int = 401, span: float = 4.0) -> Posterior:
    """p(z|x) = p(x|z) p(z) / p(x) for one row x (1, D) of a model with two latent dimensions.

    On n x n points from -span to span, in units of the prior's standard deviation. ValueError if p(z|x) does not
    lie on them, or between them.
    """
    if vae.latent_dim != 2:
        raise ValueError(f"the model has {vae.latent_dim} latent dimensions; the posterior on a grid is for 2")
    x, y = vae.check_data(x, y)
    if len(x) != 1:
        raise ValueError(f"x has {len(x)} rows; expected one, as x[i : i + 1]")
    axis = np.linspace(-checks.number(span, "span", above=0), span, checks.whole(n, "n", at_least=2))
    z = _grid(axis).reshape(-1, 1, 2).astype(x.dtype)  # (n n, 1, 2): as many samples of the one row
    log_joint = np.empty(n * n)
    for part in _chunks(n * n, ROWS):
        log_p_x = vae.likelihood.log_prob(x, vae._decode(z[part], y))  # (k, 1)
        log_joint[part] = (log_p_x + gaussian.log_standard_density(z[part]))[:, 0]
    total = logsumexp(log_joint)
    share = np.exp(log_joint - total).reshape(n, n)  # of p(z|x), at each point
    if (outside := share.sum() - share[1:-1, 1:-1].sum()) > 1e-3:
        raise ValueError(f"of p(z|x) on this grid {outside:.1%} lie on its border; give exact_posterior a larger span")
    if share.max() > 0.3:  # narrower than the distance of two points, where the sum is no integral any more
        raise ValueError(f"one point of this grid has {share.max():.0%} of p(z|x); give exact_posterior more points")
    log_p = total + 2 * math.log(axis[1] - axis[0])
    return Posterior(axis, log_joint.reshape(n, n) - log_p, float(log_p))


def _grid(axis: Array) -> Array:
    """Points (n, n, 2): z[0] grows along the second index, z[1] along the first."""
    return np.stack(np.meshgrid(axis, axis), axis=-1)


def _chunks(n: int, size: int) -> Iterator[slice]:
    size = max(size, 1)
    return (slice(start, min(start + size, n)) for start in range(0, max(n, 1), size))
