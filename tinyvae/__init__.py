"""tinyvae: variational autoencoders from scratch in NumPy, every gradient by hand and checked."""

from importlib import import_module

from tinyvae.foundation import interrupted  # noqa: F401  before what takes its time
from tinyvae.layers import Chain, Dense, ReLU, Sigmoid, Softplus, Tanh
from tinyvae.likelihoods import Bernoulli, Gaussian
from tinyvae.objectives import ELBO, IWAE
from tinyvae.optimizers import SGD, Adagrad, Adam, Cosine, Muon, Staged
from tinyvae.vae import VAE

__version__ = "0.1.0"

# What is imported only when somebody asks for it, so that `import tinyvae` costs what NumPy costs.
_LATER = {
    "History": "history", "fit": "training", "load": "checkpoint", "save": "checkpoint",
    "active_units": "evaluation", "log_likelihood": "evaluation", "check_gradients": "gradcheck",
    "checkpoint": "", "datasets": "", "evaluation": "", "plots": "",
}

__all__ = ["ELBO", "IWAE", "SGD", "VAE", "Adagrad", "Adam", "Bernoulli", "Chain", "Cosine", "Dense", "Gaussian",
           "Muon", "ReLU", "Sigmoid", "Softplus", "Staged", "Tanh", *_LATER]


def __getattr__(name: str):
    if name not in _LATER:
        raise AttributeError(f"module 'tinyvae' has no attribute {name!r}")
    module = import_module(f"tinyvae.{_LATER[name] or name}")
    return getattr(module, name) if _LATER[name] else module


def __dir__() -> list[str]:
    return sorted([*globals(), *_LATER])
