"""What no gradient check can see: that the functions themselves are the right ones."""

import itertools
import math

import numpy as np
import pytest

import tinyvae as tv
from tinyvae import functions, gaussian


def sigma_points(J):
    """2J noises ±sqrt(J) e_i: mean 0, covariance I, so quadratics have their exact expectation."""
    return math.sqrt(J) * np.concatenate([np.eye(J), -np.eye(J)])[:, None, :]  # (2J, 1, J)


def log_normal(x, mean, covariance):
    """log N(x; mean, covariance) from the textbook: the oracle, which shares no line with the package."""
    r = x - mean
    return -0.5 * (r @ np.linalg.solve(covariance, r) + np.linalg.slogdet(2 * np.pi * covariance)[1])


def kl_normal(m0, S0, m1, S1):
    """KL(N(m0, S0) || N(m1, S1))."""
    inverse = np.linalg.inv(S1)
    r = m1 - m0
    return 0.5 * (np.trace(inverse @ S0) + r @ inverse @ r - len(m0)
                  + np.linalg.slogdet(S1)[1] - np.linalg.slogdet(S0)[1])


def linear_vae(likelihood, D=5, J=3, n_classes=0, seed=0):
    vae = tv.VAE(D, J, (), likelihood, n_classes=n_classes, dtype=np.float64, rng=seed)
    vae.theta[:] = 0.5 * np.random.default_rng(seed).standard_normal(vae.theta.size)
    return vae


def linear_gaussian(vae, y=None):
    """(W (J, D), b (D,), sigma) of the decoder x = z W + b + sigma noise."""
    p = vae.parameters()
    W, b = p["decoder.0.W"], p["decoder.0.b"]
    if y is not None:
        W, b = W[: vae.latent_dim], b + W[vae.latent_dim + y]
    sigma = math.exp(p["likelihood.log_std"][0]) if "likelihood.log_std" in p else vae.likelihood.std
    return W, b, sigma


@pytest.mark.parametrize("y", [None, 1])
@pytest.mark.parametrize("likelihood", [tv.Gaussian(0.7), tv.Gaussian("shared")])
@pytest.mark.parametrize("seed", range(3))
def test_elbo_equals_log_evidence_minus_posterior_kl(likelihood, y, seed):
    vae = linear_vae(likelihood, n_classes=0 if y is None else 2, seed=seed)
    W, b, sigma = linear_gaussian(vae, y)
    D, J = vae.data_dim, vae.latent_dim
    x = np.random.default_rng(seed + 10).standard_normal((1, D))
    label = None if y is None else np.array([y])
    eps = sigma_points(J)
    elbo = tv.ELBO(vae)
    bound = -elbo.forward(x, eps, label)
    assert -(elbo.reconstruction + elbo.kl)[0] == pytest.approx(bound, abs=1e-12)

    mu, logvar = vae.encode(x, label)
    precision = np.eye(J) + W @ W.T / sigma**2
    posterior = np.linalg.solve(precision, W @ (x[0] - b)) / sigma**2, np.linalg.inv(precision)
    log_evidence = log_normal(x[0], b, W.T @ W + sigma**2 * np.eye(D))
    gap = kl_normal(mu[0], np.diag(np.exp(logvar[0])), *posterior)
    assert gap > 0.1
    assert abs(bound - (log_evidence - gap)) < 1e-10


def test_importance_weights_are_the_evidence_when_q_is_the_posterior():
    D, J, sigma = 3, 1, 0.6
    vae = linear_vae(tv.Gaussian(sigma), D, J)
    W, b, _ = linear_gaussian(vae)
    variance = 1 / (1 + (W @ W.T).item() / sigma**2)
    p = vae.parameters()
    p["encoder.0.W"][:] = np.hstack([variance / sigma**2 * W.T, np.zeros((D, 1))])
    p["encoder.0.b"][:] = -variance / sigma**2 * (W @ b).item(), math.log(variance)
    rng = np.random.default_rng(1)
    x = rng.standard_normal((4, D))
    exact = [log_normal(row, b, W.T @ W + sigma**2 * np.eye(D)) for row in x]
    iwae = tv.IWAE(vae)
    iwae.forward(x, rng.standard_normal((5, 4, J)))
    np.testing.assert_allclose(iwae.log_weights, np.tile(exact, (5, 1)), atol=1e-12)
    np.testing.assert_allclose(tv.log_likelihood(vae, x, 7, rng=2), exact, atol=1e-12)


def test_iwae_of_one_sample_equals_the_single_sample_bound():
    rng = np.random.default_rng(0)
    vae = tv.VAE(7, 3, (5,), dtype=np.float64, rng=rng)
    x, eps = (rng.random((4, 7)) > 0.5).astype(float), rng.standard_normal((4, 3))
    mu, logvar, z, out = vae.forward(x, eps)
    single = (vae.likelihood.log_prob(x, out) + gaussian.log_standard_density(z)
              - gaussian.log_density(z, mu, logvar))
    iwae = tv.IWAE(vae)
    assert iwae.forward(x, eps[None]) == pytest.approx(-single.mean(), abs=1e-12)
    np.testing.assert_allclose(iwae.log_weights, single[None], atol=1e-12)
    # Over the sigma points the noise's log-densities average to the KL: the ELBO itself.
    points = np.broadcast_to(sigma_points(3), (6, 4, 3))
    iwae.forward(x, points)
    log_ratio = (gaussian.log_standard_density(mu + gaussian.std(logvar) * points)
                 - gaussian.log_density(mu + gaussian.std(logvar) * points, mu, logvar))
    np.testing.assert_allclose(-log_ratio.mean(0), iwae.kl, atol=1e-12)


def test_iwae_bound_rises_with_the_number_of_samples_on_average():
    rng = np.random.default_rng(0)
    vae = tv.VAE(5, 2, (4,), dtype=np.float64, rng=rng)
    vae.theta *= 4
    x = np.repeat((rng.random((1, 5)) > 0.5).astype(float), 4000, axis=0)
    iwae = tv.IWAE(vae)
    bounds = [-iwae.forward(x, rng.standard_normal((K, 4000, 2))) for K in (1, 4, 32)]
    assert bounds[0] < bounds[1] < bounds[2]


def test_kl_equals_quadrature():
    z = np.linspace(-30, 30, 200_001)
    for mu, logvar in [(0.0, 0.0), (0.7, -1.3), (-2.0, 1.1), (3.0, -4.0)]:
        log_q = -0.5 * ((z - mu) ** 2 / math.exp(logvar) + logvar + math.log(2 * math.pi))
        log_p = -0.5 * (z**2 + math.log(2 * math.pi))
        integral = np.sum(np.exp(log_q) * (log_q - log_p)) * (z[1] - z[0])
        assert gaussian.kl(np.array(mu), np.array(logvar)) == pytest.approx(integral, abs=1e-9)


def test_bernoulli_sums_to_one_over_all_binary_x():
    D = 7
    x = np.array(list(itertools.product([0.0, 1.0], repeat=D)))
    for scale in (1, 30, 1000):
        a = scale * np.random.default_rng(0).standard_normal((1, D))
        assert np.exp(tv.Bernoulli().log_prob(x, np.repeat(a, len(x), 0))).sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(("likelihood", "log_std"), [(tv.Gaussian(0.6), math.log(0.6)),
                                                     (tv.Gaussian("shared"), -0.4), (tv.Gaussian("network"), 0.3)])
def test_gaussian_integrates_to_one_with_the_right_variance(likelihood, log_std):
    likelihood.bind(np.full(likelihood.size, log_std), np.zeros(likelihood.size))
    x = np.linspace(-20, 20, 40_001)[:, None]
    out = np.full((len(x), likelihood.columns), log_std)
    out[:, 0] = 1.5
    p = np.exp(likelihood.log_prob(x, out)) * (x[1] - x[0])
    assert p.sum() == pytest.approx(1, abs=1e-9)
    assert p @ x[:, 0] == pytest.approx(1.5, abs=1e-9)
    assert p @ (x[:, 0] - 1.5) ** 2 == pytest.approx(math.exp(2 * log_std), abs=1e-9)


@pytest.mark.parametrize("likelihood", [tv.Bernoulli(), tv.Gaussian(0.6), tv.Gaussian("shared"),
                                        tv.Gaussian("network")])
def test_samples_have_the_moments_of_the_likelihood(likelihood):
    rng = np.random.default_rng(0)
    likelihood.bind(np.full(likelihood.size, -0.5), np.zeros(likelihood.size))
    out = rng.standard_normal((1, 3 * likelihood.columns)) * 0.7
    n = 200_000
    x = likelihood.sample(np.repeat(out, n, 0), rng)
    mean = likelihood.mean(out)[0]
    if isinstance(likelihood, tv.Bernoulli):
        variance = mean * (1 - mean)
    else:
        variance = np.exp(2 * (out[0, 3:] if likelihood.columns == 2 else
                               np.full(3, -0.5 if likelihood.size else math.log(0.6))))
    # six standard errors: fails by chance once in 10^8
    np.testing.assert_allclose(x.mean(0), mean, atol=6 * np.sqrt(variance.max() / n))
    np.testing.assert_allclose(x.var(0), variance, atol=6 * variance.max() * math.sqrt(2 / n))


def test_latent_samples_have_the_encoders_mean_and_variance():
    mu, logvar = np.array([[0.3, -1.0, 2.0]]), np.array([[0.5, -2.0, 1.0]])
    z = gaussian.reparameterize(mu, logvar, sigma_points(3))  # (6, 1, 3)
    np.testing.assert_allclose(z.mean(0), mu, atol=1e-12)
    np.testing.assert_allclose(((z - mu) ** 2).mean(0), np.exp(logvar), atol=1e-12)


@pytest.mark.parametrize("n_classes", [0, 2])
def test_the_four_mappings_are_those_of_the_paper(n_classes):
    # AEVB appendix C: h = tanh(x W + b), mu and log sigma^2 linear in h; the decoder mirrors it.
    rng = np.random.default_rng(0)
    vae = tv.VAE(5, 2, (4, 3), tv.Gaussian("network"), tv.Tanh, n_classes, np.float64, rng)
    vae.theta[:] = rng.standard_normal(vae.theta.size)
    p = vae.parameters()
    assert np.concatenate([v.ravel() for v in p.values()]).tolist() == vae.theta.tolist()
    x, eps = rng.standard_normal((7, 5)), rng.standard_normal((7, 2))
    y = rng.integers(0, 2, 7) if n_classes else None
    label = np.eye(2)[y] if n_classes else np.zeros((7, 0))

    def network(name, a):
        a = np.hstack([a, label])
        for layer in (0, 2):
            a = np.tanh(a @ p[f"{name}.{layer}.W"] + p[f"{name}.{layer}.b"])
        return a @ p[f"{name}.4.W"] + p[f"{name}.4.b"]

    code = network("encoder", x)
    z_by_hand = code[:, :2] + np.exp(code[:, 2:] / 2) * eps
    mu, logvar, z, out = vae.forward(x, eps, y)
    for ours, by_hand in [(mu, code[:, :2]), (logvar, code[:, 2:]), (z, z_by_hand),
                          (out, network("decoder", z_by_hand))]:
        np.testing.assert_allclose(ours, by_hand, atol=1e-12)
    np.testing.assert_allclose(vae.decode(z, y), out[:, :5], atol=1e-12)
    np.testing.assert_allclose(vae.reconstruct(x, y), network("decoder", code[:, :2])[:, :5], atol=1e-12)
    np.testing.assert_array_equal(vae.encode(x, y)[0], mu)
    np.testing.assert_array_equal(vae.sample(7, 3, y), vae.sample(7, 3, y))


def test_dense_weights_start_uniform_with_the_variance_of_glorot():
    dense = tv.Dense(211, 307)
    dense.bind(*np.full((2, dense.size), np.nan))
    dense.init(np.random.default_rng(0))
    variance = 2 / (211 + 307)
    limit = math.sqrt(3 * variance)
    assert abs(dense.W).max() <= limit
    # The histogram of 64,777 draws: 12 bins of equal probability, six standard errors.
    shares = np.histogram(dense.W, 12, (-limit, limit))[0] / dense.W.size
    np.testing.assert_allclose(shares, 1 / 12, atol=6 * math.sqrt(11 / 144 / dense.W.size))
    assert not dense.b.any()


def test_active_units_are_those_whose_mean_the_data_moves():
    vae = linear_vae(tv.Gaussian(), D=3, J=2)
    W = vae.parameters()["encoder.0.W"]
    W[:, 0], W[:, 1] = [1, 0, 0], [0, 0.01, 0]
    x = np.random.default_rng(0).standard_normal((2500, 3))
    active, variance = tv.active_units(vae, x)
    assert active == 1
    np.testing.assert_allclose(variance, [x[:, 0].var(), 1e-4 * x[:, 1].var()], rtol=1e-9)
    assert tv.active_units(vae, x, threshold=1e-5)[0] == 2


def test_loss_is_summed_over_dimensions_and_averaged_over_examples():
    rng = np.random.default_rng(0)
    vae = tv.VAE(7, 3, (5,), tv.Gaussian(), dtype=np.float64, rng=rng)
    x, eps = rng.standard_normal((4, 7)), rng.standard_normal((4, 3))
    elbo = tv.ELBO(vae, beta=0.5)
    loss = elbo.forward(x, eps)
    mu, logvar, _z, out = vae.forward(x, eps)
    by_hand = sum(0.5 * (x[m, d] - out[m, d]) ** 2 + 0.5 * math.log(2 * math.pi) for m in range(4) for d in range(7))
    by_hand += 0.5 * sum(0.5 * (mu[m, j] ** 2 + math.exp(logvar[m, j]) - 1 - logvar[m, j])
                         for m in range(4) for j in range(3))
    assert loss == pytest.approx(by_hand / 4, abs=1e-12)
    assert loss == pytest.approx((elbo.reconstruction + 0.5 * elbo.kl).mean(), abs=1e-12)
    each = [elbo.forward(x[m : m + 1], eps[m : m + 1]) for m in range(4)]
    assert loss == pytest.approx(np.mean(each), abs=1e-12)


def test_free_bits_charge_each_dimension_at_least_the_free_nats():
    rng = np.random.default_rng(0)
    vae = tv.VAE(7, 3, (5,), dtype=np.float64, rng=rng)
    x, eps = rng.random((4, 7)), rng.standard_normal((4, 3))
    mu, logvar, _, _ = vae.forward(x, eps)
    by_dimension = gaussian.kl(mu, logvar).mean(0)
    floor = float(by_dimension.mean())
    elbo = tv.ELBO(vae, free_bits=floor)
    expected = sum(max(k, floor) for k in by_dimension)
    assert elbo.forward(x, eps) == pytest.approx(elbo.reconstruction.mean() + expected, abs=1e-12)


def test_a_linear_vae_trains_to_probabilistic_pca():
    # Tipping & Bishop 1999: at the optimum sigma^2 is the mean of the discarded eigenvalues.
    rng = np.random.default_rng(0)
    N, D, J = 500, 6, 2
    x = rng.standard_normal((N, J)) @ rng.standard_normal((J, D)) * 1.5 + 0.4 * rng.standard_normal((N, D))
    x -= x.mean(0)
    S = x.T @ x / N
    eigenvalues = np.linalg.eigvalsh(S)[::-1]
    variance = eigenvalues[J:].mean()
    best = -0.5 * (D * math.log(2 * math.pi) + np.log(eigenvalues[:J]).sum() + (D - J) * math.log(variance) + D)
    vae = tv.VAE(D, J, (), tv.Gaussian("shared"), dtype=np.float64, rng=1)
    elbo, adam = tv.ELBO(vae), tv.Adam(vae, lr=tv.Cosine(0.03, 1500))
    eps = np.broadcast_to(sigma_points(J), (2 * J, N, J))  # exact expectations: no noise to average away
    for _ in range(1500):
        loss = elbo.forward(x, eps)
        elbo.backward()
        adam.step()
    W, b, sigma = linear_gaussian(vae)
    C = W.T @ W + sigma**2 * np.eye(D)
    log_p = np.mean([log_normal(row, b, C) for row in x])
    assert abs(log_p - best) < 1e-3 * abs(best)
    assert -loss <= log_p + 1e-9  # a bound, and a tight one: the posterior is Gaussian
    assert abs(-loss - best) < 1e-3 * abs(best)
    assert sigma**2 == pytest.approx(variance, rel=0.01)


def test_functions_are_right_where_the_textbook_formula_overflows():
    a = np.array([-1e4, -100.0, -1.0, 0.0, 1.0, 100.0, 1e4])
    np.testing.assert_allclose(functions.softplus(a), np.logaddexp(0, a), rtol=1e-15)
    np.testing.assert_allclose(functions.sigmoid(a[1:-1]), 1 / (1 + np.exp(-a[1:-1])), rtol=1e-14, atol=1e-16)
    assert functions.sigmoid(a)[[0, -1]].tolist() == [0.0, 1.0]
    big = np.array([[1000.0, -1e4], [1001.0, -1e4], [999.0, -1e4 + 1]])
    np.testing.assert_allclose(functions.logsumexp(big), np.logaddexp.reduce(big), rtol=1e-15)
    np.testing.assert_allclose(functions.logmeanexp(big), np.logaddexp.reduce(big) - math.log(3), rtol=1e-15)
    np.testing.assert_allclose(functions.softmax(big).sum(0), 1, rtol=1e-15)
    x = np.ones((1, 7))
    np.testing.assert_allclose(tv.Bernoulli().log_prob(x, a[None]), [-np.logaddexp(0, -a).sum()], rtol=1e-14)
