"""Everything that the package differentiates, for `tinyvae gradcheck` and the tests."""

import itertools
from collections.abc import Iterator

import numpy as np

from tinyvae import functions, gaussian, layers
from tinyvae.gradcheck.problems import likelihood_inputs, model_inputs
from tinyvae.likelihoods import Bernoulli, Gaussian
from tinyvae.objectives import ELBO, IWAE
from tinyvae.vae import VAE


def cases(rng: np.random.Generator) -> Iterator[tuple[str, object, tuple]]:
    """(title, what, inputs) of every function, layer, likelihood and objective of the package."""
    mu, logvar, z = rng.standard_normal((3, 7, 3))
    eps = rng.standard_normal((2, 7, 3))
    a = 10 * rng.standard_normal((7, 5))
    yield "sigmoid", (functions.sigmoid, lambda dy: dy * functions.sigmoid(a) * functions.sigmoid(-a)), (a,)
    yield "softplus", (functions.softplus, lambda dy: dy * functions.sigmoid(a)), (a,)
    yield "logsumexp", (functions.logsumexp, lambda dy: dy * functions.softmax(a)), (a,)
    yield "logmeanexp", (functions.logmeanexp, lambda dy: dy * functions.softmax(a)), (a,)
    yield "reparameterize", (
        lambda mu, logvar: gaussian.reparameterize(mu, logvar, eps),
        lambda dz: gaussian.reparameterize_backward(dz, logvar, eps)), (mu, logvar)
    yield "kl", (gaussian.kl, lambda dkl: gaussian.kl_backward(dkl, mu, logvar)), (mu, logvar)
    yield "log_density", (
        gaussian.log_density, lambda dy: gaussian.log_density_backward(dy, z, mu, logvar)), (z, mu, logvar)
    yield "log_standard_density", (
        gaussian.log_standard_density, lambda dy: gaussian.log_standard_density_backward(dy, z)), (z,)

    for n_in, n_out in [(5, 3), (4, 4)]:
        yield f"Dense({n_in}, {n_out})", layers.Dense(n_in, n_out), (rng.standard_normal((n_in + 2, n_in)),)
    activations = [layers.ReLU, layers.Tanh, layers.Softplus, layers.Sigmoid]
    for activation in activations:
        yield activation.__name__, activation(), (rng.standard_normal((7, 5)),)
    chain = layers.Chain(layers.Dense(5, 11), layers.Tanh(), layers.Dense(11, 3))
    yield "Chain", chain, (rng.standard_normal((7, 5)),)

    likelihoods = {"Bernoulli": Bernoulli(), "Gaussian(0.7)": Gaussian(0.7),
                   "Gaussian(shared)": Gaussian("shared"), "Gaussian(network)": Gaussian("network")}
    for name, likelihood in likelihoods.items():
        yield name, likelihood, likelihood_inputs(likelihood, rng)

    # Sizes that are distinct primes (M = 7 rows; 13 and 5 columns with a label), so that a wrong shape
    # fails; and square ones, 4 rows and columns all over, where a transposed matrix goes unnoticed.
    sizes = {"": [(5, 11, 3, 0, 7), (4, 4, 4, 0, 4)], ", conditional": [(11, 17, 3, 2, 7), (2, 4, 2, 2, 4)]}
    for objective, name, activation, kind in itertools.product([ELBO, IWAE], likelihoods, activations, sizes):
        for D, H, J, n_classes, M in sizes[kind]:
            vae = VAE(D, J, (H,), likelihoods[name], activation, n_classes, np.float64, rng)
            vae.theta += 0.1 * rng.standard_normal(vae.theta.size)  # zero biases put ReLU on its kink
            title = f"{objective.__name__}, {name}, {activation.__name__}{kind}{', square' if H == 4 else ''}"
            yield title, objective(vae), model_inputs(vae, rng, M)
    vae = VAE(5, 3, (11, 7), dtype=np.float64, rng=rng)
    vae.theta += 0.1 * rng.standard_normal(vae.theta.size)
    yield "ELBO(beta=0.3), two hidden layers", ELBO(vae, beta=0.3), ()
    inputs = model_inputs(vae, rng)
    between = gaussian.kl(*vae.forward(*inputs)[:2]).mean().item()  # some dimensions lie above it and some below
    yield f"ELBO(free_bits={between:.2f})", ELBO(vae, free_bits=between), inputs
