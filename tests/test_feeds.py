"""What `fit` hands to the objective and makes of the answers, seen by rows that carry their number and their label."""

import copy
import math

import numpy as np
import pytest
from recording import (
    LINE,
    UNIT,
    Still,
    asked,
    assert_standard_normal,
    assert_uncorrelated,
    code,
    kl,
    noticing,
    numbered,
)

import tinyvae as tv

N, C, J = 53, 3, 2


def fit(vae, x, objective=None, optimizer=None, **settings):
    """fit with a small batch that does not divide the rows, and with nothing learned unless an optimizer is given."""
    settings = {"epochs": 3, "batch_size": 16, "rng": 5, "progress": False} | settings
    return tv.fit(vae, x, objective, optimizer or Still(vae), **settings)


def of_each_epoch(given, batches=4):
    """The rows (N, D) and labels (N,) of one epoch after the other."""
    for start in range(0, len(given), batches):
        epoch = given[start : start + batches]
        assert [len(g.x) for g in epoch] == [16, 16, 16, 5]
        yield np.concatenate([g.x for g in epoch]), np.concatenate([g.y for g in epoch])


def test_every_row_comes_once_an_epoch_with_its_own_label():
    vae, (x, y) = noticing(9, J, C), numbered(N, C)
    fit(vae, x, y=y)
    orders = []
    for rows, labels in of_each_epoch(asked(vae)):
        order = rows[:, 0].astype(int)
        np.testing.assert_array_equal(np.sort(order), np.arange(N))
        np.testing.assert_array_equal(rows, x[order])
        np.testing.assert_array_equal(labels, y[order])
        orders.append(order.tolist())
    assert len({tuple(order) for order in [range(N), *orders]}) == 4


def test_bits_come_with_their_own_labels_too():
    vae, y = noticing(9, J, C, UNIT), np.arange(N) % C
    x = (np.arange(N)[:, None] >> np.arange(9)) % 2 == 1  # a row is its number, in binary
    fit(vae, x, y=y)
    for rows, labels in of_each_epoch(asked(vae)):
        order = (rows @ 2 ** np.arange(9)).astype(int)
        np.testing.assert_array_equal(np.sort(order), np.arange(N))
        np.testing.assert_array_equal(labels, y[order])


def test_every_order_of_the_rows_is_equally_likely():
    vae, x, epochs = noticing(9, J), numbered(4, 1)[0], 720
    fit(vae, x, epochs=epochs, batch_size=3)
    order = np.concatenate([g.x[:, 0] for g in asked(vae)]).reshape(epochs, 4)
    _, counts = np.unique(order, axis=0, return_counts=True)
    assert len(counts) == 24
    assert ((counts - 30) ** 2 / 30).sum() < 91  # chi-squared of 23 degrees: more by chance once in 10^9


@pytest.mark.filterwarnings("ignore:the IWAE of one sample")
@pytest.mark.parametrize("objective", [tv.ELBO, tv.IWAE])
@pytest.mark.parametrize("K", [1, 2, 50])
def test_each_row_gets_as_many_samples_as_were_asked_for(objective, K):
    vae, x = noticing(9, J), numbered(N, C)[0]
    history = fit(vae, x, objective(vae), n_samples=K)
    given = asked(vae)
    assert [g.eps.shape for g in given] == [(K, M, J) for M in (16, 16, 16, 5)] * 3
    for row, epoch in zip(history, np.split(np.arange(12), 3), strict=True):
        log_w = np.hstack([given[i].log_p_x + given[i].log_p_z - given[i].log_q for i in epoch])  # (K, N)
        log_mean = np.logaddexp.reduce(log_w) - math.log(K)  # (N,)
        bound = log_mean.mean() if objective is tv.IWAE else row["elbo"]
        assert row["loss"] == pytest.approx(-bound, abs=1e-10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_noise_of_training_is_standard_normal_and_fresh_at_every_step(dtype):
    J, K = 4, 5
    vae, x = noticing(9, J, dtype=dtype), np.zeros((64, 9))
    vae.theta[: 10 * 2 * J] = 0  # so that z is eps, and no rounding makes equal what was not
    fit(vae, x, n_samples=K, batch_size=16, epochs=12)
    eps = np.stack([g.eps for g in asked(vae)])  # (steps, K, M, J)
    if dtype == np.float64:
        assert_standard_normal(eps)
    else:  # float32 has so few numbers that some come twice
        assert len(np.unique(eps)) > 0.99 * eps.size
        assert len(np.unique(eps[..., 0])) > 0.99 * eps[..., 0].size
    for axis in range(4):  # steps, samples, rows, dimensions
        e = np.moveaxis(eps, axis, 0)
        assert_uncorrelated(e[1:], e[:-1])
        assert_uncorrelated(e[1:] ** 2 - 1, (e[:-1] ** 2 - 1) / 2)


@pytest.mark.parametrize("settings", [{}, {"beta": 0.3}, {"free_bits": 0.4}, {"beta": 2.0, "free_bits": 0.2}])
def test_the_history_is_the_mean_over_all_rows_and_free_of_beta_and_free_bits(settings):
    vae, (x, y) = noticing(9, J, C), numbered(N, C)
    history = fit(vae, x, tv.ELBO(vae, **settings), y=y, n_samples=3)
    mu, logvar = code(vae, x, y)
    each = kl(mu, logvar)  # (N, J)
    given = asked(vae)
    assert len(history) == 3
    for row, epoch in zip(history, (given[:4], given[4:8], given[8:]), strict=True):
        log_p_x = np.hstack([g.log_p_x for g in epoch])  # (K, N)
        charged = [len(g.x) * np.maximum(each[g.x[:, 0].astype(int)].mean(0), settings.get("free_bits", 0)).sum()
                   for g in epoch]
        assert row["kl"] == pytest.approx(each.sum() / N, rel=1e-12)
        assert row["reconstruction"] == pytest.approx(-log_p_x.mean(), rel=1e-12)
        assert row["elbo"] == pytest.approx(log_p_x.mean() - each.sum() / N, rel=1e-12)
        loss = settings.get("beta", 1) * sum(charged) / N - log_p_x.mean()
        assert row["loss"] == pytest.approx(loss, rel=1e-12)


def test_validation_is_of_the_held_out_rows_with_their_labels_and_the_same_noise_each_epoch():
    vae, (x, y), (held_out, theirs) = noticing(9, J, C), numbered(N, C), numbered(11, C, seed=1)
    held_out[:, 0] += 100
    history = fit(vae, x, y=y, validation=(held_out, theirs), n_samples=2)
    given = asked(vae)
    validated = [g for g in given if g.x[0, 0] >= 100]
    assert [i for i, g in enumerate(given) if g.x[0, 0] >= 100] == [4, 9, 14]  # after the four steps of each epoch
    for row, g in zip(history, validated, strict=True):
        np.testing.assert_array_equal(g.x, held_out)
        np.testing.assert_array_equal(g.y, theirs)
        np.testing.assert_array_equal(g.eps, validated[0].eps)
        assert row["validation_kl"] == pytest.approx(kl(*code(vae, held_out, theirs)).sum(1).mean(), rel=1e-12)
        assert row["validation_reconstruction"] == pytest.approx(-g.log_p_x.mean(), rel=1e-12)
        assert row["validation_elbo"] == pytest.approx(g.log_p_x.mean() - g.kl.mean(), rel=1e-12)


def test_validation_measures_the_model_at_the_end_of_the_epoch_on_the_same_pixels_each_time():
    vae, rng = noticing(9, J, support=UNIT), np.random.default_rng(0)
    x, held_out = rng.random((N, 9)), rng.random((11, 9))
    history = fit(vae, x, None, tv.SGD(vae, 0.1), validation=held_out)
    validated = [vae.likelihood.seen[i] for i in (4, 9, 14)]
    for pixels, _ in validated:
        assert pixels.shape == (11, 9)
        np.testing.assert_array_equal(pixels, validated[0][0])
    assert len({row["validation_elbo"] for row in history}) == 3
    vae.likelihood.seen.clear()
    after = tv.evaluation.elbo(vae, held_out, rng=0)
    assert history[-1]["validation_elbo"] == after["elbo"]


@pytest.mark.parametrize("kind", ["uint8", "float"])
def test_pixels_are_drawn_anew_with_their_grey_level_as_probability_independently(kind):
    D, n, epochs = 9, 512, 12
    levels = np.array([0, 1, 30, 64, 128, 200, 230, 254, 255], np.uint8)
    x = np.tile(levels if kind == "uint8" else levels / 255, (n, 1))
    vae = noticing(D, J, support=UNIT)
    fit(vae, x, epochs=epochs, batch_size=n)
    drawn = np.stack([g.x for g in asked(vae)])  # (epochs, n, D)
    assert set(np.unique(drawn)) == {0, 1}
    p = levels / 255
    np.testing.assert_array_less(abs(drawn.mean((0, 1)) - p), 6 * np.sqrt(p * (1 - p) / (n * epochs)) + 1e-9)
    inner = slice(2, 7)
    e = (drawn[..., inner] - p[inner]) / np.sqrt(p * (1 - p))[inner]
    for axis in range(3):  # epochs, rows, pixels
        e = np.moveaxis(e, axis, 0)
        assert_uncorrelated(e[1:], e[:-1])
        e = np.moveaxis(e, 0, axis)


@pytest.mark.parametrize(("binarization", "support", "expected"), [
    ("threshold", UNIT, [0, 0, 1, 1]), ("none", UNIT, [0, 127 / 255, 128 / 255, 1]),
    (None, LINE, [0, 127 / 255, 128 / 255, 1])])
def test_grey_levels_come_as_the_rule_says(binarization, support, expected):
    vae = noticing(4, J, support=support)
    x, held_out = np.array([[0, 127, 128, 255]], np.uint8), np.full((1, 4), 0.5)
    fit(vae, x, binarization=binarization, validation=held_out)
    for i, g in enumerate(asked(vae)):
        if i % 2 == 0:
            np.testing.assert_allclose(g.x, [expected], rtol=1e-15)
        else:
            assert (g.x == (0 if binarization == "threshold" else 0.5)).all()


@pytest.mark.filterwarnings("ignore:the IWAE of one sample")
@pytest.mark.parametrize(("objective", "rule"), [(tv.ELBO, tv.Adam), (tv.IWAE, tv.SGD)])
def test_a_step_is_one_of_the_optimizer_along_the_gradient_of_the_batch(objective, rule):
    class Noting(objective):
        def forward(self, *given):
            batches.append(copy.deepcopy(given))
            return super().forward(*given)

    batches = []
    vae = tv.VAE(9, J, (5,), tv.Gaussian(), n_classes=C, dtype=np.float64, rng=0)
    twin = copy.deepcopy(vae)
    x, y = numbered(N, C)
    optimizer = rule(vae, 1e-5)
    tv.fit(vae, x, Noting(vae), optimizer, 3, 16, 1, y=y, n_samples=2, progress=False)
    bound, other = objective(twin), rule(twin, 1e-5)
    assert len(batches) == 12
    for batch in batches:
        bound.forward(*batch)
        bound.backward()
        other.step()
    assert optimizer.t == other.t == 12
    np.testing.assert_array_equal(vae.theta, twin.theta)
