"""The optimizers against their papers' recursions, written out with plain numbers."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

import tinyvae as tv
from tinyvae import optimizers


def model(P, dtype=np.float64):
    rng = np.random.default_rng(0)
    return SimpleNamespace(theta=rng.standard_normal(P).astype(dtype), grad=np.zeros(P, dtype))


def with_matrix(m):
    """The same model, all of whose parameters are one matrix."""
    m.parameters = lambda: {"W": m.theta.reshape(1, -1)}
    return m


def run(optimizer, m, steps=17):  # past the 16th step, which sweeps up what has died away
    rng = np.random.default_rng(1)
    grads = rng.standard_normal((steps, m.theta.size)).astype(m.theta.dtype)
    for g in grads:
        m.grad[:] = g
        optimizer.step()
    return grads


@pytest.mark.parametrize("P", [3, 65_536, 140_001])
def test_adam_follows_algorithm_1(P):
    m = model(P)
    theta, first, second = m.theta.copy(), 0.0, 0.0
    grads = run(tv.Adam(m, lr=0.1, beta1=0.8, beta2=0.95, eps=1e-3), m)
    for t, g in enumerate(grads, 1):
        first = 0.8 * first + 0.2 * g
        second = 0.95 * second + 0.05 * g**2
        theta -= 0.1 * (first / (1 - 0.8**t)) / (np.sqrt(second / (1 - 0.95**t)) + 1e-3)
    np.testing.assert_allclose(m.theta, theta, rtol=1e-12, atol=1e-13)


def test_adagrad_follows_equation_1():
    m = model(5)
    theta, total = m.theta.copy(), 0.0
    for g in run(tv.Adagrad(m, lr=0.1, eps=1e-3), m):
        total += g**2
        theta -= 0.1 * g / (np.sqrt(total) + 1e-3)
    np.testing.assert_allclose(m.theta, theta, rtol=1e-13)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_sgd_follows_the_momentum_recursion(momentum):
    m = model(5)
    theta, u = m.theta.copy(), 0.0
    for g in run(tv.SGD(m, lr=0.1, momentum=momentum), m):
        u = momentum * u + g
        theta -= 0.1 * u
    np.testing.assert_allclose(m.theta, theta, rtol=1e-13)


@pytest.mark.parametrize("shape", [(3, 7), (7, 3), (5, 5), (1, 4)])
def test_orthogonal_moves_the_singular_values_and_leaves_the_vectors(shape):
    u = np.random.default_rng(0).standard_normal(shape)
    U, s, Vt = np.linalg.svd(u, full_matrices=False)
    s = s / (math.sqrt((s**2).sum()) + 1e-7)
    for _ in range(5):
        s = 3.4445 * s - 4.775 * s**3 + 2.0315 * s**5
    found = optimizers.orthogonal(u)
    np.testing.assert_allclose(found, U * s @ Vt, atol=1e-12)


def test_orthogonal_makes_singular_values_about_one_unless_they_are_tiny():
    rng = np.random.default_rng(0)
    U, V = (np.linalg.qr(rng.standard_normal((n, 7)))[0] for n in (11, 7))
    s = np.array([1, 0.3, 0.1, 1e-2, 2e-3, 1e-5, 0])
    found = U.T @ optimizers.orthogonal(U * s @ V.T) @ V
    np.testing.assert_allclose(found, np.diag(np.diag(found)), atol=1e-12)
    assert ((np.diag(found)[:5] > 0.68) & (np.diag(found)[:5] < 1.21)).all()
    assert found[5, 5] == pytest.approx(3.4445**5 * 1e-5 / np.linalg.norm(s), rel=1e-3)
    assert abs(found[6, 6]) < 1e-12
    between = np.geomspace(1 / 600, 1, 100_000)  # the claim for every value, one by one
    for _ in range(5):
        between = 3.4445 * between - 4.775 * between**3 + 2.0315 * between**5
    assert between.min() > 0.68
    assert between.max() < 1.21


def test_the_entries_of_a_step_of_muon_have_the_size_of_adams():
    vae = tv.VAE(31, 5, (17,), dtype=np.float64, rng=0)
    before = {name: view.copy() for name, view in vae.parameters().items()}
    run(tv.Muon(vae, lr=1e-3), vae, 1)
    for name, view in vae.parameters().items():
        size = math.sqrt(((view - before[name]) ** 2).mean()) / 1e-3
        assert 0.13 < size < 0.25 if view.ndim == 2 else size == pytest.approx(1, rel=1e-3)  # Adam's first step


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [0, 1e-30, 1e15])
def test_orthogonal_of_a_matrix_of_any_size_is_finite(scale, dtype):
    u = (scale * np.random.default_rng(0).standard_normal((5, 7))).astype(dtype)
    found = optimizers.orthogonal(u)
    assert found.dtype == dtype
    assert np.isfinite(found).all()
    assert scale or not found.any()


def test_muon_follows_its_recursion_and_is_adam_for_what_is_no_matrix():
    vae, other = (tv.VAE(5, 2, (3,), dtype=np.float64, rng=0) for _ in range(2))
    theta, m = {name: view.copy() for name, view in vae.parameters().items()}, 0.0
    adam = tv.Adam(other, lr=0.1, beta1=0.8, beta2=0.95, eps=1e-3)
    for g in run(tv.Muon(vae, lr=0.1, beta1=0.8, beta2=0.95, eps=1e-3), vae):
        other.grad[:] = g
        adam.step()
        m = 0.8 * m + g
        nesterov = tv.VAE(5, 2, (3,), dtype=np.float64)
        nesterov.theta[:] = g + 0.8 * m
        for name, u in nesterov.parameters().items():
            if u.ndim == 2:
                theta[name] -= 0.1 * 0.2 * math.sqrt(max(u.shape)) * optimizers.orthogonal(u)
    assert {view.ndim for view in theta.values()} == {1, 2}
    for name, view in vae.parameters().items():
        np.testing.assert_allclose(view, theta[name] if view.ndim == 2 else other.parameters()[name], rtol=1e-12)


def test_muon_needs_parameters_in_the_order_of_theta():
    vae = tv.VAE(5, 2, (3,), rng=0)
    (first, W), *rest = vae.parameters().items()
    for parameters, words in [
            (dict(reversed(vae.parameters().items())), "decoder.2.b is not at 0 in theta"),
            ({first: W.T, **dict(rest)}, "encoder.0.W is not at 0 in theta"),
            ({first: W}, f"parameters.. has 15 numbers; expected the {vae.theta.size} of theta")]:
        with pytest.raises(ValueError, match=words):
            tv.Muon(SimpleNamespace(theta=vae.theta, grad=vae.grad, parameters=lambda given=parameters: given))
    with pytest.raises(TypeError, match="parameters"):
        tv.Muon(model(3))


@pytest.mark.parametrize(("optimizer", "m"), [
    *((kind, model(70_000, np.float32)) for kind in (tv.SGD, tv.Adagrad, tv.Adam)),
    (tv.Muon, tv.VAE(31, 5, (17,), dtype=np.float32, rng=0))])
def test_a_step_stays_in_the_models_dtype_and_in_its_vector(optimizer, m):
    theta, before = m.theta, m.theta.copy()
    chosen = optimizer(m)
    run(chosen, m, 1)
    assert m.theta is theta
    assert theta.dtype == np.float32
    assert chosen.t == 1
    assert (theta != before).all()
    for name in chosen.moments:
        assert getattr(chosen, name).dtype == np.float32


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("make", "name", "factor"), [
    (lambda m: tv.Adam(m, beta1=0.5), "m", 0.5), (lambda m: tv.SGD(m, momentum=0.5), "u", 0.5),
    (lambda m: tv.Muon(with_matrix(m), beta1=0.5), "m", 0.5)])
def test_an_average_that_dies_away_never_becomes_a_denormal_number(make, name, factor, dtype):
    m = model(5, dtype)
    optimizer = make(m)
    m.grad[:] = [1, -1, 1e-9, 0, 0]
    optimizer.step()
    first, moment, tiny = getattr(optimizer, name).copy(), getattr(optimizer, name), np.finfo(dtype).tiny
    m.grad[:] = [0, 0, 0, 0, 1]
    for t in range(1, 1200):
        optimizer.step()
        assert ((moment == 0) | (abs(moment) >= tiny)).all()
        large = abs(moment) > 1e9 * tiny
        np.testing.assert_array_equal(moment[:4][large[:4]], (first * factor**t)[:4][large[:4]])  # powers of two
    assert (moment[:4] == 0).all()
    assert moment[4] > 1


def test_half_precision_is_refused():
    with pytest.raises(TypeError, match=r"float16.*expected float32"):
        tv.SGD(model(3, np.float16))


def test_schedules_give_the_rates_they_promise():
    staged = tv.Staged(0.1, (10, 20), 0.5)
    assert [staged(t) for t in (0, 9, 10, 19, 20)] == [0.1, 0.1, 0.05, 0.05, 0.025]
    cosine = tv.Cosine(0.2, 100, final=0.02)
    assert cosine(0) == pytest.approx(0.2)
    assert cosine(50) == pytest.approx(0.11)
    assert cosine(25) == pytest.approx(0.02 + 0.09 * (1 + math.cos(math.pi / 4)))
    assert cosine(100) == cosine(1000) == pytest.approx(0.02)
    m = model(3)
    theta = m.theta.copy()
    sgd = tv.SGD(m, lr=tv.Staged(1.0, (1,), 0.1))
    grads = run(sgd, m, 2)
    np.testing.assert_allclose(m.theta, theta - grads[0] - 0.1 * grads[1])


@pytest.mark.parametrize(("make", "words"), [
    (lambda m: tv.Adam(m, beta1=1.0), "beta1 is 1.0; expected a finite number, at least 0 and below 1"),
    (lambda m: tv.Adam(m, beta2=2), "beta2"), (lambda m: tv.Adam(m, eps=-1), "eps"),
    (lambda m: tv.Adagrad(m, eps=-1), "eps"), (lambda m: tv.SGD(m, momentum=1), "momentum"),
])
def test_settings_that_cannot_work_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make(model(3))


@pytest.mark.parametrize("lr", [0, -1, math.nan, math.inf])
def test_a_learning_rate_must_be_positive_and_finite(lr):
    with pytest.raises(ValueError, match="lr"):
        tv.Adam(model(3), lr=lr)
