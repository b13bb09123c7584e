"""Every hand-written derivative against the complex step and central differences, and the checker itself."""

import numpy as np
import pytest

import tinyvae as tv
from tinyvae import gradcheck


@pytest.mark.parametrize("seed", range(4))
def test_every_gradient_of_the_package_agrees_with_both_numerical_derivatives(seed):
    rng = np.random.default_rng(seed)
    titles = set()
    for title, what, inputs in gradcheck.cases(rng):
        report = tv.check_gradients(what, *inputs, rng=rng)
        assert report.ok, f"{title}\n{report}"
        for row in report.rows:
            assert row.complex_error is not None, f"{title}: no complex step"
            assert row.complex_error <= 1e-12
            assert row.central_error <= 1e-7
        titles.add(title)
    assert len(titles) >= 80


def test_a_wrong_gradient_is_named_with_its_place_and_both_values():
    class Wrong(tv.Tanh):
        def backward(self, dy, need_dx=True):
            dx = super().backward(dy)
            dx[2, 3] += 1e-9
            return dx

    report = tv.check_gradients(Wrong())
    assert not report.ok
    assert report.worst.where == "(2, 3)"
    assert "WRONG" in str(report)
    assert report.worst.backward - report.worst.numerical == pytest.approx(1e-9, rel=1e-3)


def test_gradients_that_are_added_to_instead_of_overwritten_are_wrong():
    class Adding(tv.Dense):
        def backward(self, dy, need_dx=True):
            self.dW += self.x.T @ dy
            self.db += dy.sum(0)
            return dy @ self.W.T

    assert not tv.check_gradients(Adding(5, 3)).ok


def test_a_constant_sum_hides_nothing_from_a_random_cotangent():
    def softmax(x):
        e = np.exp(x)
        return e / e.sum(1, keepdims=True)

    x = np.random.default_rng(0).standard_normal((7, 5))
    p = softmax(x)
    assert not tv.check_gradients((softmax, lambda dy: 0 * dy), x).ok
    assert tv.check_gradients((softmax, lambda dy: p * (dy - (dy * p).sum(1, keepdims=True))), x).ok


def test_a_layer_that_drops_the_imaginary_part_is_checked_by_differences_and_says_so():
    class Cube:
        def forward(self, x):
            self.x = x
            return np.abs(x) ** 3

        def backward(self, dy):
            return dy * 3 * self.x**2 * np.sign(self.x)

    class Refusing(tv.Tanh):
        def forward(self, x):
            return super().forward(np.asarray(x, np.float64)) if x.dtype.kind == "f" else [][0]

    for layer in (Cube(), Refusing()):
        report = tv.check_gradients(layer, np.random.default_rng(1).standard_normal((3, 2)))
        assert report.ok
        assert report.rows[0].complex_error is None
        assert "differences alone" in str(report)


def test_a_large_array_is_checked_at_random_entries_and_along_a_direction_through_all():
    report = tv.check_gradients(tv.Dense(53, 31), entries=20)
    assert report.ok
    assert {row.name: row.checked for row in report.rows} == {"x": 20, "W": 20, "b": 20}

    class OneWrong(tv.Dense):
        def backward(self, dy, need_dx=True):
            dx = super().backward(dy, need_dx)
            self.dW[17, 13] += 1e-3
            return dx

    report = tv.check_gradients(OneWrong(53, 31), entries=1)
    assert not report.ok
    assert report.worst.where == "one direction"


def test_the_checked_model_is_left_as_it_was():
    vae = tv.VAE(7, 3, (5,), rng=0)
    theta, grad = vae.theta.copy(), vae.grad.copy()
    assert tv.check_gradients(tv.ELBO(vae)).ok
    np.testing.assert_array_equal(vae.theta, theta)
    np.testing.assert_array_equal(vae.grad, grad)
    assert vae.parameters()["encoder.0.W"].base is not None
    vae.theta[0] = 5
    assert vae.parameters()["encoder.0.W"][0, 0] == 5


def test_what_cannot_be_checked_is_said_in_one_line():
    rng = np.random.default_rng(0)

    def noisy(x):
        return x + rng.standard_normal(x.shape)

    def changing(x):
        x *= 2
        return x

    x = np.ones((3, 2))
    with pytest.raises(TypeError, match="cannot check 3"):
        tv.check_gradients(3)
    with pytest.raises(TypeError, match="through its objective"):
        tv.check_gradients(tv.VAE(5, 2))
    with pytest.raises(ValueError, match="another value at each call"):
        tv.check_gradients((noisy, lambda dy: dy), x)
    with pytest.raises(ValueError, match="changed its inputs"):
        tv.check_gradients((changing, lambda dy: 2 * dy), x)
    with pytest.raises(ValueError, match=r"shape \(2, 3\) for x"):
        tv.check_gradients((np.tanh, lambda dy: dy.T), x)
    with pytest.raises(ValueError, match="needs inputs"):
        tv.check_gradients((np.tanh, lambda dy: dy))


@pytest.mark.parametrize("likelihood", [tv.Bernoulli(), tv.Gaussian(0.5), tv.Gaussian("shared"),
                                        tv.Gaussian("network")])
@pytest.mark.parametrize("objective", [tv.ELBO, tv.IWAE])
def test_a_float32_model_stays_float32_from_batch_to_gradient(likelihood, objective):
    rng = np.random.default_rng(0)
    vae = tv.VAE(7, 3, (5,), likelihood, tv.Tanh, n_classes=2, rng=rng)
    bound = objective(vae)
    x, y = rng.random((4, 7)).astype(np.float32), rng.integers(0, 2, 4)
    eps = rng.standard_normal((2, 4, 3), dtype=np.float32)
    assert type(bound.forward(x, eps, y)) is float
    bound.backward()
    held = {f"{type(holder).__name__}.{name}": value.dtype
            for holder in (bound, vae, vae.likelihood, *vae.encoder.layers, *vae.decoder.layers)
            for name, value in vars(holder).items() if isinstance(value, np.ndarray) and value.dtype.kind == "f"}
    assert held
    assert set(held.values()) == {np.dtype(np.float32)}, held
    assert {out.dtype for out in vae.forward(x, eps, y)} == {np.dtype(np.float32)}
    for out in (vae.decode(x[:, :3], y), vae.sample(2, rng, [0, 1]), vae.reconstruct(x, y)):
        assert out.dtype == np.float32


def test_skipping_dx_changes_no_gradient():
    rng = np.random.default_rng(0)
    dense = tv.Dense(5, 3)
    theta, grad = rng.standard_normal((2, dense.size))
    dense.bind(theta, grad)
    x, dy = rng.standard_normal((7, 5)), rng.standard_normal((7, 3))
    dense.forward(x)
    dense.backward(dy.copy())
    full = grad.copy()
    grad[:] = np.nan
    assert dense.backward(dy.copy(), need_dx=False) is None
    np.testing.assert_array_equal(grad, full)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weights_that_round_to_nothing_make_no_denormal_numbers(dtype, monkeypatch):
    vae = tv.VAE(11, 1, (5,), dtype=dtype, rng=0)
    iwae, eps = tv.IWAE(vae), np.linspace(0, 40, 200, dtype=dtype).reshape(-1, 1, 1)
    iwae.forward(np.ones((1, 11), dtype), eps)
    w = np.exp(iwae.log_weights - iwae.log_weights.max())
    assert ((w > 0) & (w < 1e-25)).any()  # there are such weights
    sent, backward = [], vae.likelihood.backward
    monkeypatch.setattr(vae.likelihood, "backward", lambda dlog: (sent.append(dlog), backward(dlog))[1])
    iwae.backward()
    (dlog,) = sent
    assert ((dlog == 0) | (abs(dlog) > 1e-22)).all()
    np.testing.assert_allclose(dlog, -w / w.sum(), rtol=0, atol=1e-20)
