"""What holds where nothing is said: the numbers of the papers and of the documentation."""

import inspect
import math
from types import SimpleNamespace

import numpy as np
import pytest

import tinyvae as tv
from tinyvae import evaluation, optimizers

DEFAULTS = {
    tv.Adam: {"lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8},  # Kingma & Ba 2015, algorithm 1
    tv.Muon: {"lr": 1e-3, "beta1": 0.95, "beta2": 0.999, "eps": 1e-8},  # Jordan et al. 2024: momentum 0.95
    tv.Adagrad: {"lr": 0.01, "eps": 1e-10},  # as in torch.optim
    tv.SGD: {"lr": 0.01, "momentum": 0.0},
    tv.Staged: {"factor": 0.1}, tv.Cosine: {"final": 0.0},
    tv.ELBO: {"beta": 1.0, "free_bits": 0.0}, tv.Gaussian: {"std": 1.0},
    tv.VAE: {"hidden": (400,), "likelihood": None, "activation": tv.ReLU, "n_classes": 0, "dtype": np.float32,
             "rng": None},
    tv.fit: {"objective": None, "optimizer": None, "epochs": 10, "batch_size": 128, "rng": None, "y": None,
             "validation": None, "binarization": None, "n_samples": 1, "warmup_epochs": 0, "checkpoint": None,
             "checkpoint_seconds": 30.0, "resume": False, "progress": True},
    evaluation.elbo: {"y": None, "binarization": None, "n_samples": 1, "rng": 0},
    tv.log_likelihood: {"n_samples": 5000, "rng": None, "y": None, "progress": False,  # Burda et al. 2015: 5000
                        "binarization": None},
    evaluation.importance_sampling: {"n_samples": 5000, "rng": None, "y": None, "progress": False,
                                     "binarization": None},
    tv.active_units: {"threshold": 0.01, "y": None},  # Burda et al. 2015, section 5.2: 10^-2
    tv.check_gradients: {"rng": 0, "entries": 200, "complex_tolerance": 1e-12, "central_tolerance": 1e-7,
                         "names": None, "gradients": None},
}


@pytest.mark.parametrize("what", DEFAULTS, ids=lambda what: what.__name__)
def test_defaults_are_those_of_the_papers_and_of_the_design(what):
    parameters = inspect.signature(what).parameters.values()
    assert {p.name: p.default for p in parameters if p.default is not p.empty} == DEFAULTS[what]


def model(P=5):
    rng = np.random.default_rng(0)
    return SimpleNamespace(theta=rng.standard_normal(P), grad=np.zeros(P))


def gradients(steps=25, P=5):
    return np.random.default_rng(1).standard_normal((steps, P)) * np.geomspace(1e-8, 1, P)  # eps matters for some


def walk(make, grads):
    m = model()
    optimizer = make(m)
    for g in grads:
        m.grad[:] = g
        optimizer.step()
    return m.theta - model().theta


def test_adam_with_nothing_said_is_algorithm_1_with_the_numbers_of_its_paper():
    theta, m, v = 0.0, 0.0, 0.0
    for t, g in enumerate(gradients(), 1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        theta = theta - 0.001 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    np.testing.assert_allclose(walk(tv.Adam, gradients()), theta, rtol=1e-9)


def test_adagrad_and_sgd_with_nothing_said():
    grads = gradients()
    total = np.cumsum(grads**2, axis=0)
    np.testing.assert_allclose(walk(tv.Adagrad, grads), -0.01 * (grads / (np.sqrt(total) + 1e-10)).sum(0), rtol=1e-9)
    np.testing.assert_allclose(walk(tv.SGD, grads), -0.01 * grads.sum(0), rtol=1e-6)


def test_muon_with_nothing_said_has_a_momentum_of_95_hundredths_and_rate_a_thousandth():
    W, m = model(6), 0.0
    W.parameters = lambda: {"W": W.theta.reshape(2, 3)}
    start, muon = W.theta.copy(), tv.Muon(W)
    for g in gradients(25, 6):
        W.grad[:] = g
        muon.step()
        m = 0.95 * m + g
        start -= 1e-3 * 0.2 * math.sqrt(3) * optimizers.orthogonal((g + 0.95 * m).reshape(2, 3)).ravel()
    np.testing.assert_allclose(W.theta, start, rtol=1e-12)


@pytest.mark.parametrize("scale", [2.0**-60, 2.0**60])
def test_adam_without_eps_takes_the_same_steps_for_a_gradient_of_any_scale(scale):
    grads = gradients(50)
    same = walk(lambda m: tv.Adam(m, eps=0), grads)
    np.testing.assert_allclose(walk(lambda m: tv.Adam(m, eps=0), scale * grads), same, rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("make", "name"), [(lambda m: tv.Adam(m, beta1=0.5), "m"),
                                            (lambda m: tv.SGD(m, momentum=0.5), "u")])
def test_an_average_is_kept_exactly_until_it_is_all_but_the_smallest_number(make, name, dtype):
    m = SimpleNamespace(theta=np.zeros(2, dtype), grad=np.zeros(2, dtype))
    optimizer = make(m)
    m.grad[:] = 1, -1
    optimizer.step()
    first = getattr(optimizer, name).copy()
    m.grad[:] = 0
    for t in range(1, int(-math.log2(np.finfo(dtype).tiny)) - 32):
        optimizer.step()
        np.testing.assert_array_equal(getattr(optimizer, name), np.ldexp(first, -t))


def test_a_vae_with_nothing_said_is_that_of_the_readme():
    vae = tv.VAE(784, 20)
    assert {name: view.shape for name, view in vae.parameters().items()} == {
        "encoder.0.W": (784, 400), "encoder.0.b": (400,), "encoder.2.W": (400, 40), "encoder.2.b": (40,),
        "decoder.0.W": (20, 400), "decoder.0.b": (400,), "decoder.2.W": (400, 784), "decoder.2.b": (784,)}
    assert type(vae.likelihood) is tv.Bernoulli
    assert vae.theta.dtype == np.float32
    assert (tv.VAE(784, 20).theta != vae.theta).any()  # without a seed, weights of its own
    x = np.random.default_rng(0).random((3, 784), dtype=np.float32)
    p = vae.parameters()
    h = np.maximum(x @ p["encoder.0.W"] + p["encoder.0.b"], 0)
    np.testing.assert_allclose(vae.encode(x)[0], (h @ p["encoder.2.W"])[:, :20], atol=1e-4)


def test_a_new_model_starts_with_glorots_weights_and_zeros():
    vae = tv.VAE(61, 7, (53,), tv.Gaussian("shared"), n_classes=2, dtype=np.float64, rng=0)
    for name, view in vae.parameters().items():
        if view.ndim == 2:
            limit = math.sqrt(6 / sum(view.shape))  # of a uniform distribution with variance 2 / (I + O)
            assert 0.9 * limit < abs(view).max() <= limit, name
            # Var[w^2] = 4/45 limit^4 for such a w
            assert abs((view**2).mean() - limit**2 / 3) < 6 * limit**2 * math.sqrt(4 / 45 / view.size), name
        else:
            assert not view.any(), name


def test_fit_with_nothing_said_is_ten_epochs_of_adam_on_the_elbo_by_128_rows_drawn_anew():
    x = np.random.default_rng(0).random((200, 6)).astype(np.float32)
    said, unsaid = (tv.VAE(6, 2, (4,), rng=0) for _ in range(2))
    tv.fit(unsaid, x, rng=1, progress=False)
    history = tv.fit(said, x, tv.ELBO(said, 1.0, 0.0), tv.Adam(said, 1e-3, 0.9, 0.999, 1e-8), 10, 128, 1, y=None,
                     validation=None, binarization="dynamic", n_samples=1, warmup_epochs=0, progress=False)
    np.testing.assert_array_equal(unsaid.theta, said.theta)
    assert len(history) == 10
    real = tv.VAE(6, 2, (4,), tv.Gaussian(), rng=0), tv.VAE(6, 2, (4,), tv.Gaussian(), rng=0)
    for vae, how in zip(real, (None, "none"), strict=True):
        tv.fit(vae, 3 * x, epochs=1, rng=1, binarization=how, progress=False)
    np.testing.assert_array_equal(real[0].theta, real[1].theta)


@pytest.mark.parametrize(("likelihood", "rule"), [(tv.Bernoulli(), "dynamic"), (tv.Gaussian(), "none")])
def test_grey_pixels_are_drawn_for_a_bernoulli_and_kept_for_a_gaussian(likelihood, rule):
    vae, x = tv.VAE(6, 2, (), likelihood, rng=0), np.random.default_rng(0).random((50, 6))
    assert evaluation.elbo(vae, x) == evaluation.elbo(vae, x, None, rule, 1, 0)
    assert evaluation.elbo(vae, x) != evaluation.elbo(vae, x, None, "threshold")
