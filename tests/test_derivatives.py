"""Each backward by itself against the complex step, Im f(v + ih) / h: nothing is subtracted (Squire & Trapp 1998)."""

import numpy as np
import pytest

import tinyvae as tv
from tinyvae import gaussian

M, D, J, K, C = 5, 7, 3, 2, 2
RNG = np.random.default_rng(0)
MU, LOGVAR, Z, DKL = RNG.standard_normal((4, M, J))
EPS, DZ = RNG.standard_normal((2, K, M, J))
DLOG = RNG.standard_normal((K, M))
X, Y = RNG.standard_normal((M, D)), np.array([0, 1, 1, 0, 1])


def slope(f, v):
    """df/dv of f(v), a number, by each entry of v."""
    found = np.empty(v.shape)
    for i in np.ndindex(v.shape):
        w = v.astype(complex)
        w[i] += 1e-30j
        found[i] = f(w).imag / 1e-30
    return found


def assert_same(given, f, v):
    found = slope(f, v)
    assert given.shape == v.shape
    assert abs(found).max() > 1e-3
    np.testing.assert_allclose(given, found, rtol=1e-12, atol=1e-14 * abs(found).max())


@pytest.mark.parametrize(("eps", "dz"), [(EPS, DZ), (EPS[0], DZ[0])])
def test_the_derivative_of_a_reparameterized_z(eps, dz):
    dmu, dlogvar = gaussian.reparameterize_backward(dz, LOGVAR, eps)
    assert_same(dmu, lambda mu: (dz * gaussian.reparameterize(mu, LOGVAR, eps)).sum(), MU)
    assert_same(dlogvar, lambda logvar: (dz * gaussian.reparameterize(MU, logvar, eps)).sum(), LOGVAR)


def test_the_derivative_of_the_kl_is_zero_at_the_prior():
    dmu, dlogvar = gaussian.kl_backward(DKL, MU, LOGVAR)
    assert_same(dmu, lambda mu: (DKL * gaussian.kl(mu, LOGVAR)).sum(), MU)
    assert_same(dlogvar, lambda logvar: (DKL * gaussian.kl(MU, logvar)).sum(), LOGVAR)
    at_prior = gaussian.kl_backward(DKL, 0 * MU, 0 * LOGVAR)  # the least there is
    assert not np.array(at_prior).any()


def test_the_derivative_of_a_log_density():
    dz, dmu, dlogvar = gaussian.log_density_backward(DKL[:, 0], Z, MU, LOGVAR)
    assert_same(dz, lambda z: DKL[:, 0] @ gaussian.log_density(z, MU, LOGVAR), Z)
    assert_same(dmu, lambda mu: DKL[:, 0] @ gaussian.log_density(Z, mu, LOGVAR), MU)
    assert_same(dlogvar, lambda logvar: DKL[:, 0] @ gaussian.log_density(Z, MU, logvar), LOGVAR)


def test_the_derivative_of_a_standard_log_density():
    given = gaussian.log_standard_density_backward(DLOG, EPS)
    assert_same(given, lambda z: (DLOG * gaussian.log_standard_density(z)).sum(), EPS)


LAYERS = {"Dense": lambda: tv.Dense(D, J), "square Dense": lambda: tv.Dense(D, D), "ReLU": tv.ReLU, "Tanh": tv.Tanh,
          "Sigmoid": tv.Sigmoid, "Softplus": tv.Softplus,
          "Chain": lambda: tv.Chain(tv.Dense(D, 4), tv.Tanh(), tv.Dense(4, J))}


@pytest.mark.parametrize("name", LAYERS)
def test_the_derivatives_of_every_layer(name):
    rng, layer = np.random.default_rng(1), LAYERS[name]()
    theta, grad = rng.standard_normal(layer.size), np.full(layer.size, np.nan)

    def value(theta, x):
        layer.bind(theta, grad)
        return (dy * layer.forward(x)).sum()

    layer.bind(theta, grad)
    dy = rng.standard_normal(layer.forward(X).shape)
    assert_same(layer.backward(dy.copy()), lambda x: value(theta, x), X)
    if layer.size:
        assert_same(grad, lambda theta: value(theta, X), theta)


LIKELIHOODS = {"Bernoulli": tv.Bernoulli(), "fixed": tv.Gaussian(0.7), "shared": tv.Gaussian("shared"),
               "network": tv.Gaussian("network")}


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_the_derivatives_of_every_likelihood(name):
    likelihood, x = LIKELIHOODS[name], RNG.random((M, D))
    theta, grad = np.full(likelihood.size, 0.3), np.full(likelihood.size, np.nan)
    out = RNG.standard_normal((K, M, D * likelihood.columns))

    def value(theta, out):
        likelihood.bind(theta, grad)
        return (DLOG * likelihood.log_prob(x, out)).sum()

    value(theta, out)
    assert_same(likelihood.backward(DLOG), lambda out: value(theta, out), out)
    if likelihood.size:
        assert_same(grad, lambda theta: value(theta, out), theta)


OBJECTIVES = {"ELBO": tv.ELBO, "beta": lambda vae: tv.ELBO(vae, 0.3), "free bits": lambda vae: tv.ELBO(vae, 0.8, 0.2),
              "IWAE": tv.IWAE}


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_the_derivatives_of_every_objective(likelihood, name):
    vae = tv.VAE(D, J, (4,), LIKELIHOODS[likelihood], tv.Tanh, C, np.float64)
    theta, grad = 0.3 * np.random.default_rng(2).standard_normal(vae.theta.size), np.full(vae.theta.size, np.nan)
    objective, x = OBJECTIVES[name](vae), abs(X) % 1

    def loss(theta):
        vae.bind(theta, grad)
        return np.asarray(objective.forward(x, EPS, Y))

    loss(theta)
    if name == "free bits":  # some dimensions are charged, and some are free
        assert 0 < (gaussian.kl(*vae.encode(x, Y)).mean(0) > 0.2).sum() < J
    objective.forward(x, EPS, Y)
    objective.backward()
    assert_same(grad.copy(), loss, theta)
