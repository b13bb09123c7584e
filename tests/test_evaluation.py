"""Estimates of log p(x) against models whose log p(x) is known exactly."""

import json
import math
import tracemalloc
from contextlib import nullcontext, suppress

import numpy as np
import pytest

import tinyvae as tv
from tinyvae import evaluation, gaussian
from tinyvae.cli import evaluate, main


def linear_vae(D=5, J=2, likelihood=None, n_classes=0, seed=0, scale=0.4):
    vae = tv.VAE(D, J, (), likelihood or tv.Gaussian(0.7), n_classes=n_classes, dtype=np.float64, rng=seed)
    vae.theta[:] = scale * np.random.default_rng(seed).standard_normal(vae.theta.size)
    return vae


def rows(M, D=5, seed=1):
    return np.random.default_rng(seed).standard_normal((M, D))


@pytest.mark.parametrize("likelihood", [tv.Gaussian(0.7), tv.Gaussian("shared")])
@pytest.mark.parametrize("n_classes", [0, 3])
def test_linear_log_likelihood_equals_the_integral_over_z(likelihood, n_classes):
    vae = linear_vae(J=1, likelihood=likelihood, n_classes=n_classes)
    x, y = rows(4), np.array([2, 0, 1, 2]) if n_classes else None
    z = np.linspace(-12, 12, 4801)
    elbo = tv.ELBO(vae)
    exact = evaluation.linear_log_likelihood(vae, x, y)
    for i in range(4):
        label = None if y is None else y[i : i + 1]
        mu, logvar = vae.encode(x[i : i + 1], label)
        elbo.forward(x[i : i + 1], ((z - mu) / np.exp(0.5 * logvar)).reshape(-1, 1, 1), label)
        log_joint = elbo.log_p_x[:, 0] - 0.5 * (z**2 + math.log(2 * math.pi))
        assert exact[i] == pytest.approx(math.log(np.exp(log_joint).sum() * (z[1] - z[0])), abs=1e-9)


def test_the_estimate_of_p_x_is_unbiased_and_its_logarithm_rises_to_the_truth_from_below():
    vae, N = linear_vae(), 4000
    x = np.repeat(rows(1), N, axis=0)
    exact = evaluation.linear_log_likelihood(vae, x[:1])[0]
    means = []
    for K in (1, 5, 50):
        log_p = tv.log_likelihood(vae, x, K, rng=K)
        ratio = np.exp(log_p - exact)
        assert abs(ratio.mean() - 1) < 4 * ratio.std() / math.sqrt(N)
        means.append(log_p.mean())
    assert means[0] < means[1] < means[2] < exact
    assert exact - means[2] < 0.1


def test_the_standard_error_is_the_spread_of_repeated_estimates():
    vae = linear_vae()
    estimate = evaluation.importance_sampling(vae, np.repeat(rows(1), 1000, axis=0), 500, rng=0)
    assert estimate.standard_error.mean() == pytest.approx(estimate.log_p.std(), rel=0.15)
    exact = evaluation.linear_log_likelihood(vae, rows(1))[0]
    # Half the variance of the mean weight is what its logarithm is too low by.
    bias = 0.5 * (estimate.standard_error**2).mean()
    assert abs(estimate.log_p.mean() + bias - exact) < 4 * estimate.log_p.std() / math.sqrt(1000)


def test_all_weights_are_equal_when_q_is_the_posterior():
    vae = linear_vae(J=1)
    p = vae.parameters()
    W, b = p["decoder.0.W"], p["decoder.0.b"]
    variance = 1 / (1 + (W @ W.T).item() / 0.7**2)
    p["encoder.0.W"][:] = np.hstack([variance / 0.7**2 * W.T, np.zeros((5, 1))])
    p["encoder.0.b"][:] = -variance / 0.7**2 * (W @ b).item(), math.log(variance)
    estimate = evaluation.importance_sampling(vae, rows(4), 1500, rng=0)
    np.testing.assert_allclose(estimate.log_p, evaluation.linear_log_likelihood(vae, rows(4)), atol=1e-11)
    np.testing.assert_allclose(estimate.effective_samples, 1500, rtol=1e-9)
    np.testing.assert_allclose(estimate.standard_error, 0, atol=1e-7)


@pytest.mark.parametrize(("M", "K"), [(1, 2501), (7, 100), (7, 300), (7, 1)])
def test_chunks_change_nothing(M, K):
    vae, x = linear_vae(), rows(M)
    estimate = evaluation.importance_sampling(vae, x, K, rng=3)
    rng, log_w, R = np.random.default_rng(3), [], evaluation.ROWS
    for xs in np.split(x, range(max(R // K, 1), M, max(R // K, 1))):
        pieces = [rng.standard_normal((min(R, K - start), len(xs), 2)) for start in range(0, K, R)]
        iwae = tv.IWAE(vae)
        iwae.forward(xs, np.concatenate(pieces))
        log_w.append(iwae.log_weights)
    w = np.exp(np.concatenate(log_w, axis=1))
    np.testing.assert_allclose(estimate.log_p, np.log(w.mean(0)), atol=1e-11)
    np.testing.assert_allclose(estimate.effective_samples, w.sum(0) ** 2 / (w * w).sum(0), rtol=1e-9)
    if K > 1:
        relative = w.std(0, ddof=1) / math.sqrt(K) / w.mean(0)
        np.testing.assert_allclose(estimate.standard_error, relative, rtol=1e-6)
    else:
        assert np.isnan(estimate.standard_error).all()


def test_memory_does_not_grow_with_the_number_of_samples():
    vae = tv.VAE(784, 50, (200, 200), rng=0)
    x = (np.random.default_rng(0).random((2, 784)) < 0.2).astype(np.float32)
    tv.log_likelihood(vae, x, 1000, rng=0)
    tracemalloc.start()
    tv.log_likelihood(vae, x, 20_000, rng=0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50e6


def test_memory_does_not_grow_with_the_number_of_rows_beyond_their_answers():
    vae = tv.VAE(784, 2, rng=0)
    x = np.random.default_rng(0).integers(0, 2, (50_000, 784)).astype(bool)  # 39 MB; as float32 157 MB
    tv.log_likelihood(vae, x[:500], 1, rng=0)
    tracemalloc.start()
    tv.log_likelihood(vae, x, 1, rng=0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50e6


@pytest.mark.parametrize("kind", [np.uint8, bool, np.float64, np.float32])
def test_rows_of_any_kind_are_taken_as_encode_takes_them(kind):
    vae = tv.VAE(13, 2, (5,), n_classes=3, rng=0)
    x = (np.random.default_rng(0).integers(0, 2, (7, 13)) * (255 if kind is np.uint8 else 1)).astype(kind)
    found = evaluation.importance_sampling(vae, x, 30, rng=0, y=np.arange(7) % 3)
    expected = evaluation.importance_sampling(vae, (x > 0).astype(np.float32), 30, rng=0, y=np.arange(7) % 3)
    np.testing.assert_array_equal(found.log_p, expected.log_p)


def test_a_grid_that_misses_the_posterior_says_so():
    vae, x = linear_vae(), rows(1)
    vae.parameters()["decoder.0.b"][:] -= 100 * vae.parameters()["decoder.0.W"][0]  # p(z|x) moves by (100, 0)
    with pytest.raises(ValueError, match="on its border; give exact_posterior a larger span"):
        evaluation.exact_posterior(vae, x)
    vae = linear_vae()
    with pytest.raises(ValueError, match="give exact_posterior more points"):
        evaluation.exact_posterior(vae, x, n=11, span=30)


def test_the_exact_posterior_of_a_linear_model_is_the_gaussian_of_the_textbook():
    vae = linear_vae()
    x = rows(3)
    for i in range(3):
        posterior = evaluation.exact_posterior(vae, x[i : i + 1], n=501, span=6)
        assert posterior.log_p == pytest.approx(evaluation.linear_log_likelihood(vae, x)[i], abs=1e-6)
        W, b = vae.parameters()["decoder.0.W"], vae.parameters()["decoder.0.b"]
        precision = np.eye(2) + W @ W.T / 0.49
        mean = np.linalg.solve(precision, W @ (x[i] - b)) / 0.49
        weight = np.exp(posterior.log_density) * (posterior.z[1] - posterior.z[0]) ** 2
        z = np.stack(np.meshgrid(posterior.z, posterior.z), axis=-1)
        np.testing.assert_allclose((weight[..., None] * z).sum((0, 1)), mean, atol=1e-6)
        r = z - mean
        covariance = np.einsum("ij,ija,ijb->ab", weight, r, r)
        np.testing.assert_allclose(covariance, np.linalg.inv(precision), atol=1e-6)


def test_the_bound_plus_the_kl_to_the_exact_posterior_is_log_p_x():
    rng = np.random.default_rng(0)
    vae = tv.VAE(7, 2, (5,), activation=tv.Tanh, n_classes=3, dtype=np.float64, rng=rng)
    vae.theta *= 2
    x, y = (rng.random((1, 7)) < 0.5).astype(float), np.array([1])
    posterior = evaluation.exact_posterior(vae, x, y, n=801, span=9)
    mu, logvar = vae.encode(x, y)
    step = posterior.z[1] - posterior.z[0]
    z = np.stack(np.meshgrid(posterior.z, posterior.z), axis=-1).reshape(-1, 1, 2)
    elbo = tv.ELBO(vae)
    elbo.forward(x, (z - mu) / np.exp(0.5 * logvar), y)
    log_q = gaussian.log_density(z, mu, logvar)
    bound = (np.exp(log_q) * elbo.log_p_x).sum() * step**2 - elbo.kl[0]
    gap = posterior.kl_from(mu[0], logvar[0])
    assert gap > 0.01
    assert bound + gap == pytest.approx(posterior.log_p, abs=1e-6)


def test_the_kls_of_the_dimensions_add_up_to_the_rate():
    vae, x = linear_vae(), rows(2500)
    each = evaluation.kl_per_dimension(vae, x)
    assert each.shape == (2,)
    assert each.sum() == pytest.approx(evaluation.elbo(vae, x)["kl"], abs=1e-12)


def test_probabilistic_pca_is_the_best_linear_model_and_its_bound_has_no_gap():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((300, 5)) @ rng.standard_normal((5, 5)) + rng.standard_normal(5)
    vae = evaluation.probabilistic_pca(x, 2)
    exact = evaluation.linear_log_likelihood(vae, x)
    # Tipping & Bishop's maximum, from the eigenvalues alone.
    eigenvalues = np.linalg.eigvalsh(np.cov(x.T, bias=True))
    s2 = eigenvalues[:3].mean()
    best = -0.5 * (5 * math.log(2 * math.pi) + np.log(eigenvalues[3:]).sum() + 3 * math.log(s2) + 5)
    assert exact.mean() == pytest.approx(best, abs=1e-10)
    estimate = evaluation.importance_sampling(vae, x[:20], 3, rng=0)
    np.testing.assert_allclose(estimate.log_p, exact[:20], atol=1e-10)
    elbo = tv.ELBO(vae)
    points = math.sqrt(2) * np.concatenate([np.eye(2), -np.eye(2)])[:, None]
    assert -elbo.forward(x, np.broadcast_to(points, (4, 300, 2))) == pytest.approx(best, abs=1e-10)
    elbo.forward(x, np.broadcast_to(points, (4, 300, 2)))
    elbo.backward()
    assert np.abs(vae.grad).max() < 1e-8  # nothing is left to learn
    for _ in range(20):  # and no neighbour is better
        other = tv.VAE(5, 2, (), tv.Gaussian("shared"), dtype=np.float64)
        other.theta[:] = vae.theta + 0.01 * rng.standard_normal(vae.theta.size)
        assert evaluation.linear_log_likelihood(other, x).mean() < best


def test_wrong_questions_are_answered_in_one_line():
    vae, x = linear_vae(), rows(2)
    deep, wide = tv.VAE(5, 2, (3,), tv.Gaussian()), linear_vae(J=3)
    for question, words in [
        (lambda: evaluation.importance_sampling(vae, x, 0), "n_samples"),
        (lambda: evaluation.elbo(vae, x, n_samples=0), "n_samples is 0; expected at least 1"),
        (lambda: evaluation.importance_sampling(vae, x[:0]), "x has no rows"),
        (lambda: evaluation.linear_log_likelihood(deep, x), "linear-Gaussian"),
        (lambda: evaluation.linear_log_likelihood(tv.VAE(5, 2, ()), x), "linear-Gaussian"),
        (lambda: evaluation.exact_posterior(wide, x[:1]), "3 latent dimensions"),
        (lambda: evaluation.exact_posterior(vae, x), "2 rows"),
        (lambda: evaluation.exact_posterior(vae, x[:1], span=0), "span"),
        (lambda: evaluation.exact_posterior(vae, x[:1], n=801, span=12).kl_from([0, 0], [-20, -20]), "adds up to"),
        (lambda: evaluation.probabilistic_pca(x, 5), "expected 1 to 4"),
        (lambda: evaluation.probabilistic_pca(x, 2), "no more than latent_dim = 2 directions"),
    ]:
        with pytest.raises(ValueError, match=words):
            question()


def test_one_label_counts_for_all_rows_and_labels_of_other_rows_are_refused():
    vae, x, ones = linear_vae(n_classes=3), rows(300), np.ones(300, int)
    for measure in (tv.active_units, evaluation.means, evaluation.kl_per_dimension, evaluation.elbo):
        np.testing.assert_equal(measure(vae, x, y=1), measure(vae, x, y=ones))
        with pytest.raises(ValueError, match=r"shape \(300,\); expected \(10,\)"):
            measure(vae, x[:10], y=ones)


def test_a_row_has_the_same_pixels_however_many_are_evaluated(tmp_path, capsys):
    folder = tmp_path / "run"
    assert main(["train", "--hidden", "8", "--latent-dim", "2", "--epochs", "0", "--quiet", "--out", str(folder)]) == 0
    answers = []
    for counts in ((20, 90), (90,)):
        for count in counts:
            assert main(["evaluate", str(folder), "--samples", "3", "--rows", str(count), "--quiet"]) == 0
        answers.append(json.loads((folder / "evaluation.json").read_text()))
        (folder / "evaluation-3.npz").unlink()
    assert answers[0] == answers[1]
    capsys.readouterr()


def test_an_interrupted_evaluation_keeps_what_it_had_finished(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "run"
    assert main(["train", "--hidden", "8", "--latent-dim", "2", "--epochs", "1", "--quiet", "--out", str(folder)]) == 0
    command = ["evaluate", str(folder), "--samples", "30", "--rows", "90", "--quiet"]
    assert main(command) == 0
    whole = json.loads((folder / "evaluation.json").read_text())
    for name in ("evaluation.json", "evaluation-30.npz"):
        (folder / name).unlink()

    sample, calls = evaluation.importance_sampling, []

    def interrupted(*args):
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return sample(*args)

    monkeypatch.setattr(evaluate, "SAVE_SECONDS", 0)
    monkeypatch.setattr(evaluation, "importance_sampling", interrupted)
    assert main(command) == 130
    assert not (folder / "evaluation.json").exists()
    assert main(command) == 0
    assert len(calls) == 6  # five blocks, and one of them twice
    assert json.loads((folder / "evaluation.json").read_text()) == whole
    assert main([*command[:3], "31", *command[4:]]) == 0  # another question starts anew
    assert len(calls) == 11
    kept = (folder / "evaluation-30.npz").read_bytes()
    assert main([*command[:-2], "45", "--quiet"]) == 0  # fewer rows cost nothing and take nothing away
    assert len(calls) == 11
    assert (folder / "evaluation-30.npz").read_bytes() == kept
    assert json.loads((folder / "evaluation.json").read_text())["test_rows"] == 45
    capsys.readouterr()


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
@pytest.mark.parametrize("binarization", [None, "none"])
def test_grey_pixels_have_no_log_p_under_a_bernoulli(kind, binarization):
    vae = tv.VAE(13, 2, (5,), rng=0)
    x = np.zeros((1200, 13), kind)
    x[1100, 7] = 90 if kind is np.uint8 else 0.3  # one pixel is enough
    for question in (evaluation.importance_sampling, tv.log_likelihood):
        with pytest.raises(ValueError, match=r'grey pixels, .* zeros and ones alone: pass binarization="dynamic"'):
            question(vae, x, 3, binarization=binarization)
    with pytest.raises(ValueError, match="grey pixels"):
        evaluation.exact_posterior(vae, x[1100:1101])
    gaussian = tv.VAE(13, 2, (5,), tv.Gaussian(), rng=0)
    assert np.isfinite(tv.log_likelihood(gaussian, x[1098:1102], 3)).all()  # a Gaussian takes any number


def test_log_p_of_grey_pixels_is_that_of_bits_drawn_once_for_all_samples():
    seen = set()

    class Watching(tv.Bernoulli):
        def log_prob(self, x, out):
            seen.update(map(bytes, x.astype(bool)))
            return super().log_prob(x, out)

    vae = tv.VAE(40, 2, (5,), Watching(), dtype=np.float64, rng=0)
    grey = np.random.default_rng(0).integers(0, 256, (3, 40), dtype=np.uint8)
    found = tv.log_likelihood(vae, grey, 1100, rng=4, binarization="dynamic")  # in three parts of the samples
    drawn = seen - {bytes(row) for row in (grey > 127)}
    assert 3 <= len(drawn) <= 4  # each row once, and the first row in the look ahead
    bits = tv.datasets.binarize(grey, "threshold", None, bool)
    threshold = tv.log_likelihood(vae, grey, 20, rng=4, binarization="threshold")
    np.testing.assert_array_equal(threshold, tv.log_likelihood(vae, bits, 20, rng=4))
    assert (found != tv.log_likelihood(vae, bits, 1100, rng=4)).all()


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("span", [3, 4, 5, 7])
def test_a_kl_to_the_posterior_is_that_of_the_two_gaussians_or_refused(seed, span):
    rng = np.random.default_rng(seed)
    vae = linear_vae(likelihood=tv.Gaussian(float(rng.uniform(0.4, 3))), seed=seed, scale=rng.uniform(0.1, 0.4))
    x = rng.standard_normal((1, 5))
    mu, logvar = (a[0] for a in vae.encode(x))
    W, b, s2 = vae.parameters()["decoder.0.W"], vae.parameters()["decoder.0.b"], vae.likelihood.std**2
    precision = np.eye(2) + W @ W.T / s2
    mean, deviation = np.linalg.solve(precision, W @ (x[0] - b)) / s2, np.sqrt(np.diag(np.linalg.inv(precision)))
    r = mu - mean
    exact = 0.5 * (np.trace(precision @ np.diag(np.exp(logvar))) + r @ precision @ r - 2 - logvar.sum()
                   - np.linalg.slogdet(precision)[1])
    reach = max((abs(mu) + 5.5 * np.exp(0.5 * logvar)).max(), (abs(mean) + 5.5 * deviation).max())
    with nullcontext() if span > reach else suppress(ValueError):
        found = evaluation.exact_posterior(vae, x, span=span).kl_from(mu, logvar)
        assert found == pytest.approx(exact, rel=1e-3, abs=1e-4)
