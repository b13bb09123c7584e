"""Small models and runs, and what a file says of them as something that can be compared."""

import json

import numpy as np

from tinyvae.checkpoint import describe
from tinyvae.vae import VAE


def model(seed=0, **changes):
    """A small model whose parameters are all different and not zero."""
    vae = VAE(**{"data_dim": 5, "latent_dim": 2, "hidden": (3,), **changes})
    vae.theta[:] = np.random.default_rng(seed).standard_normal(vae.theta.size)
    return vae


def run(seed=0):
    """(vae, state, arrays) of a small run."""
    vae = model(seed)
    rng = np.random.default_rng(seed)
    arrays = {"m": rng.standard_normal(vae.theta.size, np.float32), "order": rng.permutation(7).astype("i8")}
    return vae, {"epoch": seed, "rng": rng.bit_generator.state, "loss": 0.1 + seed}, arrays


def bits(vae, state=None, arrays=None):
    """All that a file says, as something that can be compared."""
    vectors = {name: (a.dtype.str, a.tobytes()) for name, a in (arrays or {}).items()}
    return describe(vae), vae.theta.dtype, vae.theta.tobytes(), json.dumps(state, sort_keys=True), vectors
