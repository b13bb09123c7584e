"""A model that tells what it was asked, and its terms once more, in formulas that share no line with the package."""

import copy
import math
from typing import NamedTuple

import numpy as np

import tinyvae as tv

UNIT, LINE = (0.0, 1.0), (-math.inf, math.inf)


class Noticing(type(tv.Gaussian(1.0))):
    """A likelihood N(x; out, I) that notes the x and out of every log_prob, by whichever copy of it."""

    def __deepcopy__(self, memo):
        twin = copy.copy(self)  # which shares `seen`
        memo[id(self)] = twin
        return twin

    def log_prob(self, x, out):
        self.seen.append((x.copy(), out.copy()))
        return super().log_prob(x, out)


class Given(NamedTuple):
    """One question to a model: what it was given, and the terms of the bound that follow from it."""

    x: np.ndarray  # (M, D)
    y: np.ndarray | None  # (M,)
    eps: np.ndarray  # (K, M, J)
    log_p_x: np.ndarray  # (K, M) log p(x|z)
    log_p_z: np.ndarray  # (K, M)
    log_q: np.ndarray  # (K, M) log q(z|x)
    kl: np.ndarray  # (M,) in closed form


def noticing(D, J, n_classes=0, support=LINE, dtype=np.float64, seed=0) -> tv.VAE:
    """A model with a random linear encoder whose decoder copies: out is z, then the one-hot label, then zeros."""
    vae = tv.VAE(D, J, (), Noticing(1.0), n_classes=n_classes, dtype=dtype, rng=seed)
    vae.likelihood.support, vae.likelihood.seen = support, []
    rng = np.random.default_rng(seed)
    p = vae.parameters()
    p["encoder.0.W"][:] = 0.3 / math.sqrt(D) * rng.standard_normal(p["encoder.0.W"].shape)
    p["encoder.0.b"][:] = 0.5 * rng.standard_normal(2 * J)
    p["decoder.0.W"][:] = np.eye(J + n_classes, D)
    return vae


def code(vae, x, y=None):
    """mu and logvar (M, J) of a model without hidden layers."""
    p = vae.parameters()
    label = np.zeros((len(x), 0)) if y is None else np.eye(vae.n_classes)[y]
    code = np.hstack([x, label]) @ p["encoder.0.W"] + p["encoder.0.b"]
    return code[:, : vae.latent_dim], code[:, vae.latent_dim :]


def kl(mu, logvar):
    """KL(N(mu, exp(logvar)) || N(0, 1)) of each dimension (AEVB appendix B)."""
    return (np.exp(logvar) + mu**2 - 1 - logvar) / 2


def asked(vae) -> list[Given]:
    """What the model was asked since the last call of this function, in order."""
    J, C, given = vae.latent_dim, vae.n_classes, []
    for x, out in vae.likelihood.seen:
        out = out.reshape(-1, *out.shape[-2:])  # (K, M, D)
        z, label = out[..., :J], out[0, :, J : J + C]
        y = label.argmax(1) if C else None
        if C:
            assert (label == np.eye(C)[y]).all()
        mu, logvar = code(vae, x, y)
        given.append(Given(x, y, (z - mu) / np.exp(logvar / 2), log_normal(x, out, 0), log_normal(z, 0, 0),
                           log_normal(z, mu, logvar), kl(mu, logvar).sum(1)))
    vae.likelihood.seen.clear()
    return given


def log_normal(x, mean, logvar):
    """log N(x; mean, diag(exp(logvar))), summed over the last axis (AEVB appendix C.2)."""
    return (-((x - mean) ** 2) / (2 * np.exp(logvar)) - (math.log(2 * math.pi) + logvar) / 2).sum(-1)


class Still:
    """An optimizer that does not move."""

    moments, t = (), 0

    def __init__(self, vae):
        self.model = vae

    def step(self):
        self.t += 1


def numbered(N, n_classes, D=9, seed=0):
    """Rows (N, D) whose first pixel is their number and the second their label (N,); the others are noise."""
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((N, D)), rng.integers(0, n_classes, N)
    x[:, 0], x[:, 1] = np.arange(N), y
    return x, y


def assert_standard_normal(draws):
    """That `draws`, of any shape, are distinct and N(0, 1): fails by chance once in 10^8."""
    e = np.sort(np.ravel(draws))
    n = e.size
    assert len(np.unique(e)) == n
    for power, moment, variance in [(1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96), (6, 15, 10_170)]:  # E[e^p], Var[e^p]
        assert abs((e**power).mean() - moment) < 6 * math.sqrt(variance / n), power
    # The distance of the empirical distribution is below t / sqrt(n), but for 2 exp(-2 t^2) (Massart 1990).
    cdf = np.array([0.5 * math.erfc(-a / math.sqrt(2)) for a in e])
    distance = max((np.arange(1, n + 1) / n - cdf).max(), (cdf - np.arange(n) / n).max())
    assert distance < 3.1 / math.sqrt(n)


def assert_uncorrelated(a, b):
    """That the products of N(0, 1) draws a and b have mean zero."""
    assert abs((a * b).mean()) < 6 / math.sqrt(np.size(a))
