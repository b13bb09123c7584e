"""Functions, activations and networks where their values are known: a wrong one may have its own right derivative."""

import itertools
import math

import numpy as np
import pytest

import tinyvae as tv
from tinyvae import functions

LN2, LN3 = math.log(2), math.log(3)

# activation: {x: (y, dy/dx)}, as fractions
KNOWN = {
    tv.ReLU: {-1e6: (0, 0), -2: (0, 0), 0: (0, 0), 0.25: (0.25, 1), 3: (3, 1), 1e6: (1e6, 1)},
    tv.Tanh: {-LN3: (-4 / 5, 9 / 25), -LN2: (-3 / 5, 16 / 25), 0: (0, 1), LN2: (3 / 5, 16 / 25), LN3: (4 / 5, 9 / 25),
              300: (1, 0), -300: (-1, 0)},
    tv.Sigmoid: {-LN3: (1 / 4, 3 / 16), -LN2: (1 / 3, 2 / 9), 0: (1 / 2, 1 / 4), LN2: (2 / 3, 2 / 9),
                 LN3: (3 / 4, 3 / 16), 800: (1, 0), -800: (0, 0)},
    tv.Softplus: {-LN3: (math.log(4 / 3), 1 / 4), 0: (LN2, 1 / 2), math.log(math.e - 1): (1, 1 - 1 / math.e),
                  LN2: (LN3, 2 / 3), LN3: (2 * LN2, 3 / 4), 800: (800, 1), -800: (0, 0)},
}
TEXTBOOK = {
    tv.ReLU: lambda a: np.where(a > 0, a, 0), tv.Tanh: lambda a: (np.exp(2 * a) - 1) / (np.exp(2 * a) + 1),
    tv.Sigmoid: lambda a: 1 / (1 + np.exp(-a)), tv.Softplus: lambda a: np.log(1 + np.exp(a)),
}


@pytest.mark.parametrize("activation", KNOWN)
def test_activations_have_the_values_and_slopes_of_the_textbook(activation):
    x = np.array([list(KNOWN[activation])], float)
    y, slope = np.array(list(KNOWN[activation].values())).T
    layer = activation()
    np.testing.assert_allclose(layer.forward(x.copy())[0], y, rtol=2e-15, atol=1e-16)
    np.testing.assert_allclose(layer.backward(np.full_like(x, 2.0))[0], 2 * slope, rtol=1e-14, atol=1e-16)


@pytest.mark.parametrize("activation", TEXTBOOK)
def test_activations_follow_the_textbook_between_those_points(activation):
    x = np.linspace(-9, 9, 1001)[None]
    np.testing.assert_allclose(activation().forward(x.copy()), TEXTBOOK[activation](x), rtol=1e-11, atol=1e-15)


def test_functions_have_their_values_at_points_where_they_are_known():
    np.testing.assert_allclose(functions.sigmoid(np.array([-LN3, 0, LN2])), [1 / 4, 1 / 2, 2 / 3], rtol=2e-15)
    np.testing.assert_allclose(functions.softplus(np.array([-LN3, 0, LN3])), np.log([4 / 3, 2, 4]), rtol=2e-15)
    a = np.log([[1.0, 2, 5], [3, 3, 3]])
    np.testing.assert_allclose(functions.logsumexp(a), np.log([4, 5, 8]), rtol=1e-14)
    np.testing.assert_allclose(functions.logsumexp(a, 1), np.log([8, 9]), rtol=1e-14)
    np.testing.assert_allclose(functions.logmeanexp(a), np.log([2, 2.5, 4]), rtol=1e-14)
    np.testing.assert_allclose(functions.logmeanexp(a, 1), np.log([8 / 3, 3]), rtol=1e-14)
    np.testing.assert_allclose(functions.softmax(a), [[1 / 4, 2 / 5, 5 / 8], [3 / 4, 3 / 5, 3 / 8]], rtol=1e-14)
    np.testing.assert_allclose(functions.softmax(a, 1), [[1 / 8, 2 / 8, 5 / 8], [1 / 3] * 3], rtol=1e-14)


@pytest.mark.parametrize("activation", TEXTBOOK)
@pytest.mark.parametrize("hidden", [(), (4,), (4, 6, 3)])
def test_networks_are_dense_layers_with_the_activation_between_them_and_nothing_behind(activation, hidden):
    vae = tv.VAE(5, 2, hidden, tv.Gaussian("network"), activation, dtype=np.float64, rng=0)
    rng = np.random.default_rng(0)
    vae.theta[:] = rng.standard_normal(vae.theta.size)
    p = vae.parameters()

    def network(name, a):
        for layer in range(len(hidden) + 1):
            a = TEXTBOOK[activation](a) if layer else a
            a = a @ p[f"{name}.{2 * layer}.W"] + p[f"{name}.{2 * layer}.b"]
        return a

    x, eps = rng.standard_normal((7, 5)), rng.standard_normal((7, 2))
    mu, logvar, z, out = vae.forward(x, eps)
    np.testing.assert_allclose(np.hstack([mu, logvar]), network("encoder", x), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(out, network("decoder", z), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("likelihood", "columns"), [(tv.Bernoulli(), 1), (tv.Gaussian("network"), 2)])
def test_the_decoder_mirrors_the_encoder(likelihood, columns):
    vae = tv.VAE(23, 2, (11, 7, 5), likelihood, n_classes=3, rng=0)
    shapes = {name: view.shape for name, view in vae.parameters().items()}
    expected = {"encoder": [23 + 3, 11, 7, 5, 2 * 2], "decoder": [2 + 3, 5, 7, 11, columns * 23]}
    for name, sizes in expected.items():
        for i, (n_in, n_out) in enumerate(itertools.pairwise(sizes)):
            assert shapes.pop(f"{name}.{2 * i}.W") == (n_in, n_out)
            assert shapes.pop(f"{name}.{2 * i}.b") == (n_out,)
    assert not shapes


def test_labels_stand_behind_the_data_and_behind_z():
    vae = tv.VAE(3, 2, (), tv.Gaussian(), n_classes=2, dtype=np.float64, rng=0)
    p = vae.parameters()
    vae.theta[:] = 0
    p["encoder.0.W"][3:] = [[1, 2, 3, 4], [5, 6, 7, 8]]
    p["decoder.0.W"][2:] = [[1, 2, 3], [4, 5, 6]]
    y = np.array([1, 0, 1])
    mu, logvar = vae.encode(np.ones((3, 3)), y)
    np.testing.assert_array_equal(np.hstack([mu, logvar]), [[5, 6, 7, 8], [1, 2, 3, 4], [5, 6, 7, 8]])
    np.testing.assert_array_equal(vae.decode(np.ones((3, 2)), y), [[4, 5, 6], [1, 2, 3], [4, 5, 6]])


@pytest.mark.parametrize("logvar", [-40.0, -11.0, 11.0, 40.0])
def test_the_log_variance_is_not_clipped(logvar):
    vae = tv.VAE(3, 1, (), tv.Gaussian(), dtype=np.float64, rng=0)
    vae.theta[:] = 0
    vae.parameters()["encoder.0.b"][:] = 0.5, logvar
    assert vae.encode(np.ones((1, 3)))[1] == logvar
    z = vae.forward(np.ones((1, 3)), np.array([[2.0]]))[2]
    assert z[0, 0] == pytest.approx(0.5 + 2 * math.exp(logvar / 2), rel=1e-14)
    elbo = tv.ELBO(vae)
    elbo.forward(np.ones((1, 3)), np.array([[2.0]]))
    assert elbo.kl[0] == pytest.approx((0.25 + math.exp(logvar) - 1 - logvar) / 2, rel=1e-13)
