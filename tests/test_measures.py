"""What `evaluation` reports is what its formulas say of the very rows, labels and noise that the model was given."""

import math

import numpy as np
import pytest
from recording import UNIT, asked, assert_standard_normal, assert_uncorrelated, code, kl, noticing, numbered

import tinyvae as tv
from tinyvae import evaluation

N, C, J = 601, 3, 2  # so many rows come in parts of unequal size


def shuffled(N, n_classes=C):
    """Rows that know their number and their label, the labels in no order."""
    x, y = numbered(N, n_classes)
    x[:, 0] *= 0.01  # numbers so small that q stays near the prior
    return x, y


@pytest.mark.parametrize("n_samples", [1, 3, 300])
def test_the_bound_is_that_of_every_row_with_its_label_and_so_many_samples(n_samples):
    vae, (x, y) = noticing(9, J, C), shuffled(N if n_samples < 300 else 7)
    found = evaluation.elbo(vae, x, y, n_samples=n_samples, rng=3)
    given = asked(vae)
    assert {len(g.eps) for g in given} == {n_samples}
    np.testing.assert_array_equal(np.concatenate([g.x for g in given]), x)
    np.testing.assert_array_equal(np.concatenate([g.y for g in given]), y)
    reconstruction = np.concatenate([-g.log_p_x.mean(0) for g in given]).mean()
    rate = kl(*code(vae, x, y)).sum(1).mean()
    assert found == pytest.approx(
        {"elbo": -(reconstruction + rate), "reconstruction": reconstruction, "kl": rate}, rel=1e-12)
    if n_samples < 300:
        assert len({len(g.x) for g in given}) == 2  # whole parts, and what was left


def test_the_noise_of_the_bound_is_standard_normal_and_fresh_in_each_part():
    vae, x = noticing(9, J), np.zeros((4001, 9))
    vae.theta[: 10 * 2 * J] = 0  # so that z is eps
    evaluation.elbo(vae, x, n_samples=3, rng=3)
    first = asked(vae)
    e = np.concatenate([g.eps for g in first], axis=1)  # (3, 4001, J)
    assert len(first) > 10
    assert_standard_normal(e)
    assert_uncorrelated(e[..., 0], e[..., 1])
    assert_uncorrelated(e[1:], e[:-1])
    assert_uncorrelated(e[:, 1:], e[:, :-1])
    evaluation.elbo(vae, x, n_samples=3, rng=4)
    assert (first[0].eps != asked(vae)[0].eps).all()


def test_the_bound_of_grey_pixels_is_of_draws_with_their_level_as_probability():
    vae = noticing(9, J, support=UNIT)
    levels = np.array([0, 1, 30, 64, 128, 200, 230, 254, 255], np.uint8)
    evaluation.elbo(vae, np.tile(levels, (4001, 1)), rng=3)
    x = np.concatenate([g.x for g in asked(vae)])
    p = levels / 255
    assert set(np.unique(x)) == {0, 1}
    np.testing.assert_array_less(abs(x.mean(0) - p), 6 * np.sqrt(p * (1 - p) / 4001) + 1e-9)
    e = (x[:, 2:7] - p[2:7]) / np.sqrt(p * (1 - p))[2:7]
    assert_uncorrelated(e[1:], e[:-1])
    assert_uncorrelated(e[:, 1:], e[:, :-1])


@pytest.mark.parametrize("bound", [tv.ELBO, tv.IWAE])
def test_reconstruction_and_kl_of_each_row_are_free_of_beta_free_bits_and_noise_in_the_kl(bound):
    vae, (x, y) = noticing(9, J, C), shuffled(11)
    objective = tv.ELBO(vae, beta=3, free_bits=0.7) if bound is tv.ELBO else tv.IWAE(vae)
    objective.forward(x, np.random.default_rng(0).standard_normal((5, 11, J)), y)
    (given,) = asked(vae)
    np.testing.assert_allclose(objective.kl, kl(*code(vae, x, y)).sum(1), rtol=1e-12)
    np.testing.assert_allclose(objective.reconstruction, -given.log_p_x.mean(0), rtol=1e-12)


@pytest.mark.parametrize(("M", "K"), [(1, 1203), (7, 100), (301, 2), (301, 1)])
def test_log_p_x_is_that_of_every_row_with_its_label_and_so_many_samples(M, K):
    vae, (x, y) = noticing(9, J, C), shuffled(M)
    x[:, 0] = np.arange(M)  # the exact number: parts are weighed by threads, in any order
    x[:, 1:] *= 0.1
    vae.parameters()["encoder.0.W"][0] = 0
    estimate = evaluation.importance_sampling(vae, x, K, rng=3, y=y)
    log_w, noise = [[] for _ in range(M)], []
    for g in asked(vae):
        if g.eps.any():  # and not one look ahead at noise of zero
            np.testing.assert_array_equal(g.x, x[g.x[:, 0].astype(int)])
            np.testing.assert_array_equal(g.y, y[g.x[:, 0].astype(int)])
            for i, weights in zip(g.x[:, 0].astype(int), (g.log_p_x + g.log_p_z - g.log_q).T, strict=True):
                log_w[i] += [*weights]
            noise.append(g.eps.ravel())
    log_w = np.array(log_w)  # (M, K): as many for each row
    assert log_w.shape == (M, K)
    top = log_w.max(1, keepdims=True)
    w = np.exp(log_w - top)
    np.testing.assert_allclose(estimate.log_p, np.log(w.mean(1)) + top[:, 0], rtol=1e-11)
    np.testing.assert_allclose(estimate.effective_samples, w.sum(1) ** 2 / (w**2).sum(1), rtol=1e-9)
    assert estimate.n_samples == K
    if K > 1:  # the standard error of a mean, as a share of it
        relative = w.std(1, ddof=1) / math.sqrt(K) / w.mean(1)
        np.testing.assert_allclose(estimate.standard_error, relative, rtol=1e-6, atol=1e-9)
    e = np.concatenate(noise)
    assert len(np.unique(e.round(9))) > 0.99 * M * K * J  # fresh for each row, sample and dimension
    assert abs(e.mean()) < 6 / math.sqrt(e.size)
    assert abs((e**2).mean() - 1) < 6 * math.sqrt(2 / e.size)
    np.testing.assert_array_equal(tv.log_likelihood(vae, x, K, 3, y), estimate.log_p)
    few = estimate.first(M // 2)
    np.testing.assert_array_equal(few.log_p, estimate.log_p[: M // 2])
    np.testing.assert_array_equal(few.effective_samples, estimate.effective_samples[: M // 2])
    assert few.n_samples == K


def test_means_kls_and_active_units_are_those_of_every_row_with_its_label():
    vae, (x, y) = noticing(9, J, C), shuffled(N)
    mu, logvar = code(vae, x, y)
    np.testing.assert_allclose(evaluation.means(vae, x, y), mu, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(evaluation.kl_per_dimension(vae, x, y), kl(mu, logvar).mean(0), rtol=1e-12)
    variance = ((mu - mu.mean(0)) ** 2).mean(0)
    between = variance.mean()  # one of the two dimensions lies above it
    active, found = tv.active_units(vae, x, threshold=between, y=y)
    np.testing.assert_allclose(found, variance, rtol=1e-12)
    assert (type(active), active) == (int, 1)
    # p(z_j|x) spreads as well, but what counts is what the data moves: none here, and both there.
    assert tv.active_units(vae, np.repeat(x[:1], 9, 0), y=0)[0] == 0
    assert tv.active_units(vae, x, threshold=variance.min() * 0.999, y=y)[0] == 2


def test_one_bound_is_the_average_of_many_and_log_p_x_lies_above_it():
    vae, x = noticing(9, J), shuffled(200)[0]
    once = evaluation.elbo(vae, x, n_samples=1, rng=0)
    often = evaluation.elbo(vae, x, n_samples=200, rng=1)
    assert once["kl"] == pytest.approx(often["kl"], rel=1e-12)
    assert once["reconstruction"] == pytest.approx(often["reconstruction"], rel=0.1)
    assert tv.log_likelihood(vae, x, 200, rng=2).mean() > often["elbo"]
