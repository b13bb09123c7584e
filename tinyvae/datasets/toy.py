"""Data whose distribution is known in closed form, for pages and tests."""

from typing import NamedTuple

import numpy as np


def ring(n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw n points (n, 2) on a noisy circle: z / 10 + z / ‖z‖ for z ~ N(0, I) (Doersch 2016, figure 2)."""
    z = rng.standard_normal((n, 2))
    return z / 10 + z / np.linalg.norm(z, axis=1, keepdims=True)  # (n, 2)


class LinearGaussian(NamedTuple):
    """Rows x (n, D) and the parameters they were drawn with: W (J, D), b (D,) and the noise's std."""

    x: np.ndarray
    W: np.ndarray
    b: np.ndarray
    std: float


def linear_gaussian(n: int, rng: np.random.Generator, data_dim: int = 5, latent_dim: int = 2,
                    std: float = 0.5) -> LinearGaussian:
    """Draw x = z W + b + std ε with z, ε ~ N(0, I) (Tipping & Bishop 1999), W and b being drawn first.

    So x ~ N(b, WᵀW + std² I), and whatever a VAE approximates has a closed form. W is (J, D), like the
    W of a Dense decoder.
    """
    W = rng.standard_normal((latent_dim, data_dim))
    b = rng.standard_normal(data_dim)
    z = rng.standard_normal((n, latent_dim))
    x = z @ W + b + std * rng.standard_normal((n, data_dim))  # (n, D)
    return LinearGaussian(x, W, b, std)
