"""Every hand-written derivative against the complex step and central differences."""

import numpy as np
import pytest

import tinyvae as tv
from tinyvae import gradcheck


@pytest.mark.parametrize(("seed", "entries"), [(0, 200), (1, 20), (2, 20), (3, 20)])
def test_every_gradient_of_the_package_agrees_with_both_numerical_derivatives(seed, entries):
    """Twenty entries of each array and a direction through all of them are enough where one seed looks at all."""
    rng = np.random.default_rng(seed)
    titles = set()
    for title, what, inputs in gradcheck.cases(rng):
        report = tv.check_gradients(what, *inputs, rng=rng, entries=entries)
        assert report.ok, f"{title}\n{report}"
        for row in report.rows:
            assert row.complex_error is not None, f"{title}: no complex step"
            assert row.complex_error <= 1e-12
            assert row.central_error <= 1e-7
        titles.add(title)
    assert len(titles) >= 80


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
