"""How good a model is, in nats: the bound, log p(x) by importance sampling, the active units."""

import numpy as np

from tinyvae import checks
from tinyvae.datasets.binarization import binarize
from tinyvae.functions import logsumexp
from tinyvae.objectives import ELBO, IWAE
from tinyvae.vae import VAE

Array = np.ndarray

ROWS = 1000  # examples x samples that are worked on at once: a few MB


def default_binarization(vae: VAE) -> str:
    """"dynamic" for a likelihood of x in [0, 1], "none" for one of real x."""
    return "dynamic" if vae.likelihood.support == (0.0, 1.0) else "none"


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
    binarization = binarization or default_binarization(vae)
    objective = ELBO(vae)
    sums = np.zeros(2)
    for rows in _chunks(len(x), ROWS // n_samples):
        xb = batch(x[rows], binarization, rng, vae.theta.dtype)
        eps = rng.standard_normal((n_samples, len(xb), vae.latent_dim), dtype=vae.theta.dtype)
        objective.forward(xb, eps, None if y is None else y[rows])
        sums += objective.reconstruction.sum(dtype=np.float64), objective.kl.sum(dtype=np.float64)
    reconstruction, kl = (sums / len(x)).tolist()
    return {"elbo": -(reconstruction + kl), "reconstruction": reconstruction, "kl": kl}


def log_likelihood(vae: VAE, x: Array, n_samples: int = 5000, rng=None, y: Array | None = None,
                   progress: bool = False) -> Array:
    """log p(x) of each row of x (M, D), in nats, (M,): importance sampling with q(z|x) as the proposal.

    log 1/K sum_k p(x|z_k) p(z_k) / q(z_k|x) with K = n_samples (AEVB app. D, IWAE section 5): a lower
    bound in expectation that rises to log p(x) with K. For a Bernoulli likelihood x must be binary.
    """
    from tqdm import tqdm

    n_samples = checks.whole(n_samples, "n_samples")
    x, y = vae.check_data(x, y)
    rng = np.random.default_rng(rng)
    objective = IWAE(vae)
    result = np.empty(len(x))
    for i in tqdm(range(len(x)), "log p(x)", unit="x", delay=2, disable=not progress):
        row, label = x[i : i + 1], None if y is None else y[i : i + 1]
        log_w = []
        for samples in _chunks(n_samples, ROWS):
            eps = rng.standard_normal((len(range(n_samples)[samples]), 1, vae.latent_dim), dtype=x.dtype)
            objective.forward(row, eps, label)
            log_w.append(objective.log_weights[:, 0].astype(np.float64))
        result[i] = logsumexp(np.concatenate(log_w)) - np.log(n_samples)
    return result


def active_units(vae: VAE, x: Array, threshold: float = 0.01, y: Array | None = None) -> tuple[int, Array]:
    """How many latent dimensions the data moves, and by how much: Var_x(E_q[z_j|x]), (J,) (IWAE section 5.1).

    A unit is active if that variance, over the rows of x (M, D), is above the threshold.
    """
    means = [vae.encode(x[rows], None if y is None else y[rows])[0] for rows in _chunks(len(x), ROWS)]
    variance = np.concatenate(means).astype(np.float64).var(0)
    return int((variance > threshold).sum()), variance


def _chunks(n: int, size: int) -> list[slice]:
    size = max(size, 1)
    return [slice(start, min(start + size, n)) for start in range(0, max(n, 1), size)]
