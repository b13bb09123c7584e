"""`VAE.sample` draws from p(x) = ∫ p(x|z) p(z) dz: joint moments, where they are known, and joint probabilities."""

import itertools
import math

import numpy as np
import pytest
from recording import assert_standard_normal, assert_uncorrelated

import tinyvae as tv

N, D, J = 40_000, 4, 2
SIGMAS = np.array([0.3, 0.6, 1.0, 0.4])


def linear(likelihood, n_classes=0, seed=0):
    """(vae, W (J, D), b (C or 1, D), sigma (D,)) of x = z W + b + sigma noise: b has a row for each class."""
    vae = tv.VAE(D, J, (), likelihood, n_classes=n_classes, dtype=np.float64, rng=seed)
    rng, p = np.random.default_rng(seed), vae.parameters()
    vae.theta[:] = rng.standard_normal(vae.theta.size)
    W, b = p["decoder.0.W"], p["decoder.0.b"]
    if likelihood.columns == 2:
        W[:, D:], b[D:] = 0, np.log(SIGMAS)
        sigma = SIGMAS
    elif likelihood.size:
        p["likelihood.log_std"][:] = math.log(0.6)
        sigma = np.full(D, 0.6)
    else:
        sigma = np.full(D, likelihood.std)
    return vae, W[:J, :D], (b + W[J:])[:, :D] if n_classes else b[None, :D], sigma


LIKELIHOODS = {"fixed": tv.Gaussian(0.7), "shared": tv.Gaussian("shared"), "network": tv.Gaussian("network")}
each_likelihood = pytest.mark.parametrize("likelihood", LIKELIHOODS.values(), ids=LIKELIHOODS)


def assert_moments(x, mean, covariance):
    """Of all pairs of columns, within six standard errors of a normal distribution's."""
    n, variance = len(x), np.diag(covariance)
    assert (abs(x.mean(0) - mean) < 6 * np.sqrt(variance / n)).all()
    found = (x - mean).T @ (x - mean) / n
    assert (abs(found - covariance) < 6 * np.sqrt((np.outer(variance, variance) + covariance**2) / n)).all()


@each_likelihood
def test_samples_of_a_linear_model_have_mean_b_and_covariance_wtw_plus_noise(likelihood):
    vae, W, b, sigma = linear(likelihood)
    assert_moments(vae.sample(N, 1), b[0], W.T @ W + np.diag(sigma**2))


@each_likelihood
def test_a_label_moves_the_mean_of_its_own_rows_as_the_decoder_says(likelihood):
    vae, W, b, sigma = linear(likelihood, n_classes=3)
    y = np.random.default_rng(0).integers(0, 3, N)
    x = vae.sample(N, 1, y)
    for c in range(3):
        assert_moments(x[y == c], b[c], W.T @ W + np.diag(sigma**2))
    assert_moments(vae.sample(N // 3, 2, y=2), b[2], W.T @ W + np.diag(sigma**2))
    assert abs(b[0] - b[1]).min() > 0.1


@each_likelihood
def test_samples_are_normal_and_each_row_is_a_draw_of_its_own(likelihood):
    vae, W, b, sigma = linear(likelihood)
    L = np.linalg.cholesky(W.T @ W + np.diag(sigma**2))
    white = np.linalg.solve(L, (vae.sample(N, 1) - b).T).T  # (N, D), N(0, I)
    assert_standard_normal(white)
    for lag in (1, 2, N // 2):
        for i, j in itertools.product(range(D), repeat=2):
            assert_uncorrelated(white[lag:, i], white[:-lag, j])


def test_without_noise_samples_are_the_means_of_normal_z():
    vae, W, b, _ = linear(tv.Gaussian(1e-9))
    z = np.linalg.lstsq(W.T, (vae.sample(N, 1) - b).T, rcond=None)[0].T  # (N, J)
    np.testing.assert_allclose(vae.decode(z), vae.sample(N, 1), atol=1e-7)
    assert_standard_normal(z)
    assert_uncorrelated(z[:, 0], z[:, 1])


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


@pytest.mark.parametrize("y", [None, 0, 1])
def test_binary_samples_have_the_joint_probabilities_of_the_integral_over_z(y):
    vae = tv.VAE(3, 1, (), n_classes=0 if y is None else 2, dtype=np.float64, rng=0)
    W, b = vae.parameters()["decoder.0.W"], vae.parameters()["decoder.0.b"]
    W[0], b[:] = [2, -1.5, 0.5], [0.3, -0.2, 1]
    W[1:] = np.array([[1, 0, -1], [-2, 1, 1]])[: len(W) - 1]
    z = np.linspace(-10, 10, 2001)[:, None]
    weight = np.exp(-(z[:, 0] ** 2) / 2) / math.sqrt(2 * math.pi) * 0.01
    p = sigmoid(z * W[0] + b + (0 if y is None else W[1 + y]))  # (2001, 3)
    x = vae.sample(N, 1, y)
    assert set(np.unique(x)) == {0, 1}
    for pattern in itertools.product([0, 1], repeat=3):
        exact = weight @ np.where(pattern, p, 1 - p).prod(1)
        found = (x == pattern).all(1).mean()
        assert abs(found - exact) < 6 * math.sqrt(exact * (1 - exact) / N), pattern


def test_pixels_are_independent_given_z():
    vae = tv.VAE(5, 1, (), dtype=np.float64, rng=0)
    vae.theta[:] = 0
    p = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
    vae.parameters()["decoder.0.b"][:] = np.log(p / (1 - p))
    e = (vae.sample(N, 1) - p) / np.sqrt(p * (1 - p))
    for i, j in itertools.combinations(range(5), 2):
        assert_uncorrelated(e[:, i], e[:, j])
    assert_uncorrelated(e[1:], e[:-1])


def test_a_decoded_z_is_the_mean_of_x_and_a_reconstruction_is_that_of_mu():
    vae = tv.VAE(5, 2, (4,), activation=tv.Tanh, n_classes=2, dtype=np.float64, rng=0)
    vae.theta[:] = np.random.default_rng(0).standard_normal(vae.theta.size)
    p = vae.parameters()
    x, y, z = np.eye(3, 5), np.array([0, 1, 1]), np.array([[0.3, -1], [2, 0], [0, 0]])

    def decoded(z):
        h = np.tanh(np.hstack([z, np.eye(2)[y]]) @ p["decoder.0.W"] + p["decoder.0.b"])
        return sigmoid(h @ p["decoder.2.W"] + p["decoder.2.b"])

    h = np.tanh(np.hstack([x, np.eye(2)[y]]) @ p["encoder.0.W"] + p["encoder.0.b"])
    mu = (h @ p["encoder.2.W"] + p["encoder.2.b"])[:, :2]
    np.testing.assert_allclose(vae.decode(z, y), decoded(z), rtol=1e-13)
    np.testing.assert_allclose(vae.reconstruct(x, y), decoded(mu), rtol=1e-13)
