"""The toys have the distributions their docstrings state."""

import numpy as np

from tinyvae.datasets import linear_gaussian, ring

N = 200_000
# A mean of N draws lies within 5 standard errors of its expectation but once in two million seeds.
SIGMAS = 5


def assert_mean(draws, expected):
    error = draws.std(axis=0) / np.sqrt(len(draws))
    assert np.all(np.abs(draws.mean(axis=0) - expected) < SIGMAS * error)


def test_the_rings_radius_is_one_plus_a_tenth_of_a_rayleigh_variable():
    radius = np.linalg.norm(ring(N, np.random.default_rng(0)), axis=1)
    assert radius.min() > 1
    rayleigh = 10 * (radius - 1)
    assert_mean(rayleigh, np.sqrt(np.pi / 2))
    assert_mean(rayleigh**2, 2)
    # The whole distribution, by Kolmogorov and Smirnov: P(sqrt(N) sup |F_N - F| > 2.5) = 7e-6.
    cdf = 1 - np.exp(-np.sort(rayleigh) ** 2 / 2)
    assert np.sqrt(N) * np.abs(cdf - (np.arange(N) + 0.5) / N).max() < 2.5


def test_the_rings_direction_is_uniform_and_independent_of_its_radius():
    x = ring(N, np.random.default_rng(1))
    radius = np.linalg.norm(x, axis=1)
    turns = np.arctan2(x[:, 1], x[:, 0]) / (2 * np.pi) + 0.5
    assert np.sqrt(N) * np.abs(np.sort(turns) - (np.arange(N) + 0.5) / N).max() < 2.5
    for k in (1, 2, 3):
        wave = np.exp(2j * np.pi * k * turns)
        for part in (wave.real, wave.imag):
            assert_mean(part, 0)
            assert_mean(part * (radius - radius.mean()), 0)


def test_the_ring_moves_each_draw_outwards_by_one():
    z = np.random.default_rng(2).standard_normal((7, 2))
    x = ring(7, np.random.default_rng(2))
    assert x.shape == (7, 2)
    np.testing.assert_allclose(np.linalg.norm(x, axis=1), 1 + np.linalg.norm(z, axis=1) / 10, rtol=1e-12)
    np.testing.assert_allclose(x[:, 0] * z[:, 1], x[:, 1] * z[:, 0], rtol=1e-12)


def test_linear_gaussian_has_mean_b_and_covariance_wtw_plus_noise():
    x, W, b, std = linear_gaussian(N, np.random.default_rng(3), data_dim=5, latent_dim=2, std=0.7)
    assert x.shape == (N, 5)
    assert W.shape == (2, 5)
    assert b.shape == (5,)
    assert std == 0.7
    assert_mean(x, b)
    centred = x - b
    products = centred[:, :, None] * centred[:, None, :]  # (N, D, D)
    assert_mean(products, W.T @ W + 0.7**2 * np.eye(5))


def test_without_noise_linear_gaussian_fills_a_plane_of_latent_dim():
    x, W, b, _ = linear_gaussian(100, np.random.default_rng(4), data_dim=7, latent_dim=3, std=0.0)
    singular = np.linalg.svd(x - b, compute_uv=False)
    assert singular[2] > 1
    assert singular[3] < 1e-12
    z = (x - b) @ np.linalg.pinv(W)
    np.testing.assert_allclose(z @ W + b, x, atol=1e-12)


def test_toys_are_determined_by_the_generator():
    for toy in (lambda rng: ring(5, rng), lambda rng: linear_gaussian(5, rng).x):
        np.testing.assert_array_equal(toy(np.random.default_rng(5)), toy(np.random.default_rng(5)))
        assert not np.array_equal(toy(np.random.default_rng(5)), toy(np.random.default_rng(6)))
