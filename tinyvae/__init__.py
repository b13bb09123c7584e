"""tinyvae: variational autoencoders from scratch in NumPy, every gradient by hand and checked."""

import importlib

from tinyvae.layers import Chain, Dense, ReLU, Sigmoid, Softplus, Tanh
from tinyvae.likelihoods import Bernoulli, Gaussian
from tinyvae.objectives import ELBO, IWAE
from tinyvae.optimizers import SGD, Adagrad, Adam, Cosine, Staged
from tinyvae.vae import VAE

__version__ = "0.1.0"
