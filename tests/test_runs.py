"""What a run folder says is what the library finds when it is asked the same by hand."""

import json
import math

import numpy as np
import pytest

import tinyvae as tv
from tinyvae import plots

TINY = ["--hidden", "8", "--latent-dim", "1", "--epochs", "1", "--quiet"]


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A file of 450 rows of which 45 become test rows: more than two blocks of those that share a seed."""
    y = np.arange(450) % 3
    x = np.random.default_rng(0).random((450, 12)) ** (1 + 2 * y[:, None])
    path = tmp_path_factory.mktemp("data") / "many.npz"
    np.savez(path, x=x, y=y)
    return path


@pytest.mark.parametrize("conditional", [False, True])
def test_evaluation_json_is_what_the_library_measures(run, many, here, conditional):
    options = ["--conditional"] if conditional else []
    assert run("train", "--data", many, *TINY, *options, "--seed", 5, "--out", "r")[0] == 0
    assert run("evaluate", "r", "--samples", 7, "--rows", 33, "--quiet")[0] == 0
    found = json.loads((here / "r/evaluation.json").read_text())
    vae, test = tv.load("r/model.npz"), tv.datasets.load(many).test
    for_x, for_bound = map(np.random.default_rng, np.random.SeedSequence(5).spawn(2))
    x, y = tv.datasets.binarize(test.x, "dynamic", for_x, bool), test.y if conditional else None
    of_33 = None if y is None else y[:33]
    bound = tv.evaluation.elbo(vae, x[:33], of_33, "none", 10, for_bound)
    blocks = [tv.evaluation.importance_sampling(vae, x[start:stop], 7, [5, start], None if y is None else y[start:stop])
              for start, stop in ((0, 20), (20, 40))]
    log_p, effective, errors = (np.concatenate([getattr(block, name) for block in blocks])[:33]
                                for name in ("log_p", "effective_samples", "standard_error"))
    active, variance = tv.active_units(vae, x[:33], y=of_33)
    expected = {f"test_{name}": value for name, value in bound.items()} | {
        "test_log_likelihood": log_p.mean(), "standard_error": log_p.std(ddof=1) / math.sqrt(33),
        "sampling_error": math.sqrt((errors**2).sum()) / 33, "median_effective_samples": np.median(effective),
        "gap": log_p.mean() - bound["elbo"], "active_units": active, "unit_variance": variance.tolist(),
        "kl_per_dimension": tv.evaluation.kl_per_dimension(vae, x[:33], of_33).tolist(), "test_rows": 33,
        "latent_samples": 10, "importance_samples": 7, "seed": 5}
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-12), name


def test_the_closed_form_of_a_linear_model_is_that_of_the_rows_asked_for(run, here):
    np.savez("r.npz", x=np.random.default_rng(0).standard_normal((300, 5)))
    options = ["--hidden", 0, "--latent-dim", 2, "--epochs", 1, "--likelihood", "gaussian-shared", "--quiet"]
    assert run("train", "--data", "r.npz", *options, "--out", "r")[0] == 0
    assert run("evaluate", "r", "--samples", 3, "--rows", 23, "--quiet")[0] == 0
    found = json.loads((here / "r/evaluation.json").read_text())
    vae, x = tv.load("r/model.npz"), tv.datasets.load("r.npz").test.x[:23]
    assert found["exact_log_likelihood"] == pytest.approx(tv.evaluation.linear_log_likelihood(vae, x).mean(), rel=1e-12)


def test_estimates_that_were_kept_belong_to_their_model(run, many, here):
    for out, seed in (("r", 1), ("other", 2)):
        assert run("train", "--data", many, *TINY, "--seed", seed, "--out", out)[0] == 0
    ask = ("evaluate", "r", "--samples", 3, "--rows", 20, "--quiet")
    assert run(*ask)[0] == 0
    first = json.loads((here / "r/evaluation.json").read_text())["test_log_likelihood"]
    (here / "r/model.npz").write_bytes((here / "other/model.npz").read_bytes())
    assert run(*ask)[0] == 0
    again = json.loads((here / "r/evaluation.json").read_text())["test_log_likelihood"]
    (here / "r/evaluation-3.npz").unlink()
    assert run(*ask)[0] == 0
    assert again == json.loads((here / "r/evaluation.json").read_text())["test_log_likelihood"] != first


def test_the_bias_from_the_data_is_the_logit_of_the_mean_row(run, many, here):
    options = ["--hidden", "8", "--latent-dim", "1", "--epochs", "0", "--quiet", "--bias-from-data"]
    assert run("train", "--data", many, *options, "--out", "r")[0] == 0
    mean = tv.datasets.load(many).hold_out(40).train.x.mean(0)
    bias = tv.load("r/model.npz").parameters()["decoder.2.b"]
    np.testing.assert_allclose(1 / (1 + np.exp(-bias.astype(float))), mean, rtol=1e-5)


def test_the_cosine_ends_with_the_last_step_also_where_the_last_batch_is_small(run, many, here):
    assert run("train", "--data", many, *TINY, "--schedule", "cosine", "--batch-size", 100, "--out", "r")[0] == 0
    for_weights, for_training = map(np.random.default_rng, np.random.SeedSequence(0).spawn(2))
    data = tv.datasets.load(many).hold_out(40)  # 405 - 40 rows: three batches of 100 and one of 65
    vae = tv.VAE(12, 1, (8,), rng=for_weights)
    vae.start_from(data.train.x)
    tv.fit(vae, data.train.x, None, tv.Adam(vae, tv.Cosine(1e-3, 4)), 1, 100, for_training, progress=False)
    np.testing.assert_array_equal(tv.load("r/model.npz").theta, vae.theta)


@pytest.mark.parametrize("key", ["x", "x_test"])
def test_rows_that_cannot_be_measured_later_are_refused_before_the_run_begins(run, here, key):
    arrays = {"x": np.random.default_rng(0).random((60, 5)), "x_test": np.full((9, 5), 0.5)}
    arrays[key][3, 2] = 7
    np.savez("bad.npz", **arrays)
    status, _, err = run("train", "--data", "bad.npz", *TINY, "--out", "r")
    assert status == 2
    assert "to 7; Bernoulli describes values from 0 to 1" in err
    assert not (here / "r").exists()


def test_the_lines_between_images_stay_within_a_class_if_the_model_is_told_it(run, images, here, monkeypatch):
    drawn, plain = [], plots.interpolation

    def watching(vae, x_from, x_to, **options):
        drawn.append((x_from, x_to, options["y"]))
        return plain(vae, x_from, x_to, **options)

    monkeypatch.setattr(plots, "interpolation", watching)
    assert run("train", "--data", images, *TINY, "--conditional", "--out", "r")[0] == 0
    ((x_from, x_to, y),) = drawn
    test = tv.datasets.load(images).test
    label = {row.tobytes(): label for row, label in zip(test.x, test.y, strict=True)}
    assert len(y) == 6
    for a, b, of in zip(x_from, x_to, y, strict=True):
        assert label[a.tobytes()] == label[b.tobytes()] == of
