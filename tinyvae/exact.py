"""Exact answers, where there are any: linear models in closed form, two latent dimensions on a grid."""

from __future__ import annotations  # so that np.random, which NumPy imports late, is imported late

import math
from typing import NamedTuple

import numpy as np

from tinyvae import gaussian
from tinyvae.foundation import checks
from tinyvae.functions import logsumexp
from tinyvae.likelihoods import FixedGaussian, Gaussian, SharedGaussian
from tinyvae.rows import Rows, dataset, probable, rows
from tinyvae.vae import VAE

Array = np.ndarray

OUTSIDE = 1e-5  # of a density may lie off a grid: what is lost there is worth many times its share in a KL
POINTS = 250  # of the grid worked on at once: what a layer of 784 gives still fits the second-level cache


def is_linear(vae: VAE) -> bool:
    """Whether x is a linear function of z and Gaussian noise."""
    return not vae.hidden and isinstance(vae.likelihood, (FixedGaussian, SharedGaussian))


def linear_log_likelihood(vae: VAE, x: Array | Rows, y: Array | None = None) -> Array:
    """The exact log p(x) of a linear-Gaussian model, (M,) in nats: probabilistic PCA (Tipping & Bishop 1999, eq. 4).

    x = z W + b + sigma noise is Gaussian with mean b and covariance W^T W + sigma^2 I; with labels, each
    class has a mean of its own. ValueError for a model with hidden layers or another likelihood.
    """
    if not is_linear(vae):
        raise ValueError("the exact log p(x) is known for linear-Gaussian models alone: expected VAE(…, hidden=(), "
                         "likelihood=Gaussian(std) or Gaussian('shared'))")
    x, y = rows(vae, x, y).draw()
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
    x, _ = rows(vae, x).draw()
    mean = x.mean(0)
    eigenvalues, vectors = np.linalg.eigh(np.cov(x.T, bias=True))  # ascending
    variance = eigenvalues[:-J].mean()
    if not variance > D * np.finfo(float).eps * eigenvalues[-1]:
        raise ValueError(f"the {len(x)} rows of x vary in no more than latent_dim = {J} directions, so that their "
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
        if not abs(q.sum() - 1) <= OUTSIDE:  # also where it is NaN
            raise ValueError(f"on this grid q(z|x) adds up to {q.sum():.5f} instead of 1; give exact_posterior "
                             "a larger span, or more points")
        return float((q * (log_q - self.log_density)).sum())


def exact_posterior(vae: VAE, x: Array | Rows, y: Array | None = None, n: int = 501, span: float = 5.0) -> Posterior:
    """p(z|x) = p(x|z) p(z) / p(x) for one row x (1, D) of a model with two latent dimensions.

    On n x n points from -span to span, in units of the prior's standard deviation. ValueError if p(z|x) does not
    lie on them, or between them.
    """
    if vae.latent_dim != 2:
        raise ValueError(f"the model has {vae.latent_dim} latent dimensions; the posterior on a grid is for 2")
    x, y = probable(vae, dataset(vae, x, y)).draw()
    if len(x) != 1:
        raise ValueError(f"x has {len(x)} rows; expected one, as x[i : i + 1]")
    axis = np.linspace(-checks.number(span, "span", above=0), span, checks.whole(n, "n", at_least=2))
    z = _grid(axis).reshape(-1, 1, 2).astype(x.dtype)  # (n n, 1, 2): as many samples of the one row
    log_joint = np.empty(n * n)
    for start in range(0, n * n, POINTS):
        part = slice(start, start + POINTS)
        log_p_x = vae.likelihood.log_prob(x, vae._decode(z[part], y))  # (POINTS, 1)
        log_joint[part] = (log_p_x + gaussian.log_standard_density(z[part]))[:, 0]
    total = logsumexp(log_joint)
    share = np.exp(log_joint - total).reshape(n, n)  # of p(z|x), at each point
    if (border := share.sum() - share[1:-1, 1:-1].sum()) > OUTSIDE / 10:  # beyond it lies about ten times as much
        raise ValueError(f"of p(z|x) on this grid {border:.2g} lie on its border; give exact_posterior a larger span")
    if share.max() > 0.3:  # narrower than the distance of two points, where the sum is no integral any more
        raise ValueError(f"one point of this grid has {share.max():.0%} of p(z|x); give exact_posterior more points")
    log_p = total + 2 * math.log(axis[1] - axis[0])
    return Posterior(axis, log_joint.reshape(n, n) - log_p, float(log_p))


def _grid(axis: Array) -> Array:
    """Points (n, n, 2): z[0] grows along the second index, z[1] along the first."""
    return np.stack(np.meshgrid(axis, axis), axis=-1)
