"""Whatever comes in through the public names: the right answer, or one clear line."""

import copy
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinyvae as tv
from tinyvae import functions, gaussian
from tinyvae.foundation import checks
from tinyvae.foundation.checks import Doubt

finite = st.floats(-1e4, 1e4)
few = settings(max_examples=100, deadline=None)


def rows(columns, dtype=np.float64, elements=None):
    elements = finite if elements is None else elements
    return st.integers(1, 9).flatmap(lambda m: hnp.arrays(dtype, (m, columns), elements=elements))


@few
@given(rows(5), st.sampled_from([np.float32, np.float64]))
def test_bernoulli_is_finite_and_right_for_logits_up_to_ten_thousand(a, dtype):
    a = a.astype(dtype)
    x = (a * 7919 % 2 > 1).astype(dtype)
    bernoulli = tv.Bernoulli()
    log_p = bernoulli.log_prob(x, a)
    exact = -np.logaddexp(0, np.where(x == 1, -a, a).astype(np.float64)).sum(1)
    np.testing.assert_allclose(log_p, exact, rtol=1e-5 if dtype == np.float32 else 1e-12, atol=1e-5)
    dout = bernoulli.backward(np.ones(len(a), dtype))
    assert dout.dtype == log_p.dtype == dtype
    assert (abs(dout) <= 1).all()


@few
@given(rows(3, elements=st.floats(-80, 80)), st.sampled_from([np.float32, np.float64]))
def test_kl_and_its_gradient_are_finite_for_log_variances_up_to_eighty(logvar, dtype):
    logvar = logvar.astype(dtype)
    mu = np.flip(logvar, 1)
    kl = gaussian.kl(mu, logvar)
    assert np.isfinite(kl).all()
    assert (kl >= -1e-6).all()
    exact = 0.5 * (mu.astype(float) ** 2 + np.exp(logvar.astype(float)) - logvar.astype(float) - 1)
    np.testing.assert_allclose(kl, exact, rtol=2e-5 if dtype == np.float32 else 1e-12, atol=1e-6)
    for d in gaussian.kl_backward(np.ones_like(kl), mu, logvar):
        assert np.isfinite(d).all()


@few
@given(rows(4), st.integers(0, 1))
def test_logsumexp_and_softmax_never_overflow(a, axis):
    np.testing.assert_allclose(functions.logsumexp(a, axis), np.logaddexp.reduce(a, axis), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(functions.softmax(a, axis).sum(axis), 1, rtol=1e-12)


@few
@given(st.integers(1, 6), st.integers(1, 4), st.lists(st.integers(1, 5), max_size=2), st.integers(0, 3),
       st.integers(1, 5), st.integers(1, 3), st.sampled_from([np.float32, np.float64]), st.integers(0, 3))
def test_every_shape_of_model_runs_forward_and_backward(D, J, hidden, C, M, K, dtype, kind):
    likelihood = [tv.Bernoulli(), tv.Gaussian(0.5), tv.Gaussian("shared"), tv.Gaussian("network")][kind]
    rng = np.random.default_rng(0)
    vae = tv.VAE(D, J, tuple(hidden), likelihood, n_classes=C, dtype=dtype, rng=rng)
    x, eps = rng.random((M, D)), rng.standard_normal((K, M, J))
    y = rng.integers(0, C, M) if C else None
    for objective in (tv.ELBO(vae), tv.IWAE(vae)):
        vae.grad[:] = np.nan
        assert math.isfinite(objective.forward(x, eps, y))
        objective.backward()
        assert np.isfinite(vae.grad).all()
        assert objective.reconstruction.shape == objective.kl.shape == (M,)
    assert objective.log_weights.shape == (K, M)
    mu, logvar = vae.encode(x, y)
    assert mu.shape == logvar.shape == (M, J)
    assert vae.decode(mu, y).shape == vae.reconstruct(x, y).shape == vae.sample(M, rng, y).shape == (M, D)


def example():
    rng = np.random.default_rng(0)
    return tv.VAE(5, 2, (4,), rng=0), rng.random((6, 5)).astype(np.float32), rng.standard_normal((6, 2))


@pytest.mark.parametrize("form", [
    lambda x: x.tolist(), lambda x: x.astype(np.float16), lambda x: x.astype(np.float64),
    lambda x: np.asfortranarray(x), lambda x: np.repeat(x, 2, 0)[::2], lambda x: np.flip(np.flip(x, 1).copy(), 1),
    lambda x: np.lib.stride_tricks.as_strided(x, writeable=False), lambda x: x.astype(">f4")])
def test_any_form_of_the_same_numbers_gives_the_same_answer(form):
    vae, x, eps = example()
    x = x.astype(np.float16).astype(np.float32)  # numbers that every one of the forms can hold
    elbo = tv.ELBO(vae)
    expected, mu = elbo.forward(x, eps), vae.encode(x)[0]
    elbo.backward()
    grad = vae.grad.copy()
    given_x = form(x)
    before = np.array(given_x)
    np.testing.assert_allclose(elbo.forward(given_x, eps.tolist()), expected, rtol=1e-6)
    elbo.backward()
    np.testing.assert_allclose(vae.grad, grad, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(vae.encode(given_x)[0], mu, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(np.array(given_x), before)


def test_integers_are_numbers_bools_are_bits_and_uint8_are_grey_levels():
    vae, _, _ = example()
    bits = np.random.default_rng(1).integers(0, 2, (6, 5))
    expected = vae.encode(bits.astype(np.float32))[0]
    for dtype in (bool, np.int64, np.int8):
        np.testing.assert_array_equal(vae.encode(bits.astype(dtype))[0], expected)
    np.testing.assert_array_equal(vae.encode((255 * bits).astype(np.uint8))[0], expected)
    z = np.array([[2, 1, 0]], np.uint8)[:, : vae.latent_dim]  # a latent code has no grey levels
    np.testing.assert_array_equal(vae.decode(z), vae.decode(z.astype(float)))


def test_one_row_is_a_batch():
    vae, x, eps = example()
    elbo = tv.ELBO(vae)
    assert math.isfinite(elbo.forward(x[:1], eps[:1]))
    elbo.backward()
    assert np.isfinite(vae.grad).all()


WRONG_MODELS = [
    ({"data_dim": 0}, ValueError, "data_dim is 0"), ({"data_dim": 2.5}, TypeError, "data_dim is 2.5"),
    ({"latent_dim": -1}, ValueError, "latent_dim is -1"), ({"latent_dim": True}, TypeError, "latent_dim"),
    ({"hidden": 400}, TypeError, "such as"), ({"hidden": (4, 0)}, ValueError, "hidden size is 0"),
    ({"n_classes": -1}, ValueError, "n_classes"), ({"dtype": np.float16}, TypeError, "float32"),
    ({"dtype": "int"}, TypeError, "float32"), ({"likelihood": "bernoulli"}, TypeError, "likelihood"),
    ({"activation": "relu"}, TypeError, "activation"), ({"likelihood": tv.Bernoulli}, TypeError, "likelihood"),
    ({"activation": tv.ReLU()}, TypeError, "activation"), ({"activation": np.tanh}, TypeError, "activation"),
    ({"activation": int}, TypeError, "activation"),
]


@pytest.mark.parametrize(("arguments", "error", "words"), WRONG_MODELS)
def test_a_model_that_cannot_be_is_refused_in_one_line(arguments, error, words):
    with pytest.raises(error, match=words) as caught:
        tv.VAE(**{"data_dim": 5, "latent_dim": 2} | arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("make", "error"), [
    (lambda: tv.Gaussian(0), ValueError), (lambda: tv.Gaussian(-1.0), ValueError),
    (lambda: tv.Gaussian(math.nan), ValueError), (lambda: tv.Gaussian("netwrk"), ValueError),
    (lambda: tv.Gaussian(None), TypeError), (lambda: tv.Gaussian(True), TypeError),
    (lambda: tv.Gaussian(10**400), ValueError),
    (lambda: tv.ELBO(None), TypeError), (lambda: tv.IWAE(tv.VAE), TypeError),
    (lambda: tv.Adam(None), TypeError),
    (lambda: tv.ELBO(example()[0], beta=-1), ValueError), (lambda: tv.ELBO(example()[0], beta=math.inf), ValueError),
    (lambda: tv.ELBO(example()[0], beta="1"), TypeError), (lambda: tv.ELBO(example()[0], free_bits=-1), ValueError),
    (lambda: example()[0].sample(0), ValueError), (lambda: example()[0].sample(1.5), TypeError),
])
def test_a_setting_that_cannot_be_is_refused_in_one_line(make, error):
    with pytest.raises(error) as caught:
        make()
    assert "\n" not in str(caught.value)


WRONG_INPUT = [
    (lambda x: x[:, :3], ValueError, r"shape \(6, 3\); expected \(M, 5\)"),
    (lambda x: x[0], ValueError, r"x\[None, :\]"),
    (lambda x: x.reshape(6, 5, 1), ValueError, "flatten"), (lambda x: x[:0], ValueError, "no rows"),
    (lambda x: x.astype(complex), TypeError, "complex"), (lambda x: x.astype(str), TypeError, "dtype"),
    (lambda x: [[1.0, 2.0], [1.0]], ValueError, "different lengths"), (lambda x: None, TypeError, "object"),
]


@pytest.mark.parametrize(("change", "error", "words"), WRONG_INPUT)
def test_wrong_x_is_refused_by_every_method_before_anything_changes(change, error, words):
    vae, x, eps = example()
    theta, wrong = vae.theta.copy(), change(x)
    for call in (lambda: vae.encode(wrong), lambda: vae.reconstruct(wrong), lambda: vae.forward(wrong, eps),
                 lambda: tv.ELBO(vae).forward(wrong, eps), lambda: tv.IWAE(vae).forward(wrong, eps[None]),
                 lambda: tv.log_likelihood(vae, wrong, 3), lambda: tv.active_units(vae, wrong),
                 lambda: tv.evaluation.elbo(vae, wrong, binarization="none"),
                 lambda: tv.evaluation.kl_per_dimension(vae, wrong)):
        with pytest.raises(error, match=words):
            call()
    np.testing.assert_array_equal(vae.theta, theta)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_named_with_their_place(bad):
    vae, x, _ = example()
    x[2, 3] = bad
    for call in (lambda: vae.encode(x), lambda: vae.reconstruct(x), lambda: tv.log_likelihood(vae, x, 3),
                 lambda: vae.decode(x[:, 2:4])):
        with pytest.raises(ValueError, match=r"not finite.*\(2, [13]\)"):
            call()


@pytest.mark.parametrize(("y", "error", "words"), [
    (None, ValueError, "conditional"), ([0, 1, 2, 0, 1, 3], ValueError, "0 to 3; expected 0 to 2"),
    ([0, 1, 2, 0, 1, -1], ValueError, "-1"), ([0, 1], ValueError, r"\(2,\)"), ([0.0] * 6, TypeError, "float64"),
    (np.zeros((6, 1), int), ValueError, "one label for each row"),
    (np.eye(3)[[0, 1, 2, 0, 1, 2]], ValueError, r"one-hot, of shape \(6, 3\); pass .* y.argmax\(1\)"),
    (np.eye(3, dtype=bool)[[0, 1, 2, 0, 1, 2]], ValueError, "one-hot"),
    (np.eye(4)[[0, 1, 2, 0, 1, 2]], ValueError, r"one-hot, of shape \(6, 4\)"),
    (np.ma.masked_array([0, 1, 2, 0, 1, 2], [0, 0, 0, 0, 0, 1]), TypeError, "labels y is a masked array"),
    ([1, 2, 3, 1, 2, 3], ValueError, "1 to 3; expected 0 to 2; they begin at 1: pass y - 1")])
def test_wrong_labels_are_refused(y, error, words):
    _, x, eps = example()
    vae = tv.VAE(5, 2, (4,), n_classes=3, rng=0)
    for call in (lambda: vae.encode(x, y), lambda: vae.decode(eps, y), lambda: vae.sample(6, 0, y),
                 lambda: tv.ELBO(vae).forward(x, eps, y)):
        with pytest.raises(error, match=words):
            call()


@pytest.mark.parametrize("shape", [(6, 3), (5, 2), (2,), (0, 6, 2), (2, 2, 6, 2)])
def test_noise_of_the_wrong_shape_is_refused(shape):
    vae, x, _ = example()
    with pytest.raises(ValueError, match="eps has shape"):
        tv.ELBO(vae).forward(x, np.zeros(shape))


def test_two_models_never_share_a_likelihood_or_parameters():
    likelihood = tv.Gaussian("shared")
    a, b = (tv.VAE(5, 2, (4,), likelihood, rng=0) for _ in range(2))
    a.theta[:] = 1
    assert a.likelihood is not b.likelihood
    assert b.theta[-1] == 0
    assert b.parameters()["likelihood.log_std"][0] == 0


def test_parameters_are_named_views_of_theta_in_its_order():
    vae = tv.VAE(5, 2, (4,), tv.Gaussian("shared"), n_classes=3, rng=0)
    shapes = {name: view.shape for name, view in vae.parameters().items()}
    assert shapes == {"encoder.0.W": (8, 4), "encoder.0.b": (4,), "encoder.2.W": (4, 4), "encoder.2.b": (4,),
                      "decoder.0.W": (5, 4), "decoder.0.b": (4,), "decoder.2.W": (4, 5), "decoder.2.b": (5,),
                      "likelihood.log_std": (1,)}
    vae.theta[:] = np.arange(vae.theta.size)
    assert np.concatenate([v.ravel() for v in vae.parameters().values()]).tolist() == list(range(vae.theta.size))


def test_public_names_are_all_there():
    for name in tv.__all__:
        assert getattr(tv, name) is not None
    assert {"VAE", "fit", "plots", "datasets"} <= set(dir(tv))
    with pytest.raises(AttributeError, match="no attribute 'Vae'"):
        tv.Vae  # noqa: B018


def test_numbers_too_large_for_float32_are_refused_without_a_warning():
    vae, x, _ = example()
    x = x.astype(np.float64)
    x[0, 0] = 1e300
    with pytest.raises(ValueError, match="not finite"):  # a warning would be an error here, see setup.cfg
        vae.encode(x)


def test_whole_and_number_take_numpy_scalars():
    assert checks.whole(np.int64(3), "n") == 3
    assert checks.number(np.float32(0.5), "lr") == 0.5


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copied_model_is_a_model_of_its_own_that_learns(copied):
    vae, x, _ = example()
    other = copied(vae)
    np.testing.assert_array_equal(other.encode(x)[0], vae.encode(x)[0])
    tv.fit(other, x, epochs=2, rng=0, progress=False)
    tv.fit(vae, x, epochs=2, rng=0, progress=False)
    np.testing.assert_array_equal(other.theta, vae.theta)
    assert not np.shares_memory(other.theta, vae.theta)
    assert all(np.shares_memory(view, other.theta) for view in other.parameters().values())


def test_assigning_theta_changes_the_model():
    vae, _, _ = example()
    vae.theta = 2 * vae.theta
    np.testing.assert_array_equal(vae.parameters()["encoder.0.W"].ravel(), vae.theta[: 5 * 4])
    with pytest.raises(ValueError, match="theta has shape"):
        vae.theta = vae.theta[:-1]


def test_one_label_stands_for_all_rows():
    vae = tv.VAE(5, 2, (4,), n_classes=3, rng=0)
    x = np.random.default_rng(0).random((6, 5))
    np.testing.assert_array_equal(vae.encode(x, 2)[0], vae.encode(x, np.full(6, 2))[0])
    np.testing.assert_array_equal(vae.sample(4, 0, 1), vae.sample(4, 0, [1] * 4))


@pytest.mark.parametrize(("y", "words"), [
    (np.arange(40) % 2, r"no row of y is of class 2, 4 \(of 0 to 4\)"), (1 + np.arange(40) % 4, "labels y begin at 1")])
def test_classes_without_a_row_are_said_by_fit(y, words):
    y = np.where(y == 1, 3, y) if "2, 4" in words else y
    y[0] = 1
    x = np.random.default_rng(0).random((40, 5))
    with pytest.warns(Doubt, match=words):
        tv.fit(tv.VAE(5, 2, (4,), n_classes=5, rng=0), x, y=y, epochs=1, progress=False)
    tv.fit(tv.VAE(5, 2, (4,), n_classes=5, rng=0), x, y=np.arange(40) % 5, epochs=1, progress=False)


@pytest.mark.parametrize("objective", [tv.ELBO, tv.IWAE])
def test_an_objective_goes_through_the_models_own_forward_and_backward(objective):
    called = []

    class Mine(tv.VAE):
        def forward(self, x, eps, y=None):
            called.append("forward")
            return super().forward(x, 2 * eps, y)

        def backward(self, *args, **kwargs):
            called.append("backward")
            super().backward(*args, **kwargs)

    vae, mine = (kind(5, 2, (4,), rng=0) for kind in (tv.VAE, Mine))
    x, eps = np.random.default_rng(0).random((6, 5)), np.random.default_rng(1).standard_normal((3, 6, 2))
    bound = objective(mine)
    loss = bound.forward(x, eps)
    bound.backward()
    assert called == ["forward", "backward"]
    if objective is tv.ELBO:
        assert loss == tv.ELBO(vae).forward(x, 2 * eps)
