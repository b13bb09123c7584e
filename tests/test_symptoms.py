"""What goes wrong in a run without an error of its own is said, with its cause; of what is well, nothing is said."""

import copy
import math
from functools import partial

import numpy as np
import pytest

import tinyvae as tv
from tinyvae import checkpoint, evaluation, symptoms
from tinyvae.foundation.checks import Doubt

quietly = partial(tv.fit, progress=False, rng=0)


def curves(n=400, std=0.1, offset=0.0, D=20):
    """Smooth rows of two degrees of freedom, with a little noise."""
    rng = np.random.default_rng(0)
    t, z = np.linspace(0, 3, D), rng.standard_normal((n, 2))
    x = z[:, :1] * np.sin(t) + z[:, 1:] * np.cos(t) + 0.1 * rng.standard_normal((n, D))
    x -= x.mean(0)
    return std * x / x.std() + offset


def gaussian(std="shared", D=20, **kwargs):
    return tv.VAE(D, 4, (30,), tv.Gaussian(std), rng=0, **kwargs)


# ---- a start where the data are -----------------------------------------------------------------------


@pytest.mark.parametrize(("std", "sigma"), [("shared", 0.25), ("network", 0.25), (0.7, 0.7)])
@pytest.mark.parametrize("n_classes", [0, 3])
def test_a_gaussian_starts_at_the_mean_of_x_and_a_learned_sigma_at_its_deviation(std, sigma, n_classes):
    x = curves(std=0.25, offset=3.0)
    x[:, 0] += 5
    vae = gaussian(std, dtype=np.float64, n_classes=n_classes)
    before = copy.deepcopy(vae)
    vae.start_from(x)
    vae.parameters()["decoder.2.W"][:] = 0  # what is left is the bias
    mean, log_std = vae.likelihood.split(vae._decode(np.zeros((1, 4)), np.zeros(1, int) if n_classes else None))
    np.testing.assert_allclose(mean[0], x.mean(0), rtol=1e-12)
    np.testing.assert_allclose(np.exp(log_std), sigma, rtol=1e-12)
    for name in set(vae.parameters()) - {"decoder.2.W", "decoder.2.b", "likelihood.log_std"}:
        np.testing.assert_array_equal(vae.parameters()[name], before.parameters()[name])


@pytest.mark.parametrize("kind", [np.uint8, np.float32, bool])
def test_a_bernoulli_starts_at_the_logits_of_the_mean_image(kind):
    grey = np.random.default_rng(0).integers(0, 256, (1500, 7), dtype=np.uint8)
    grey[:, 0], grey[:, 1] = 0, 255
    x = grey > 100 if kind is bool else grey if kind is np.uint8 else (grey / 255).astype(kind)
    vae = tv.VAE(7, 2, (), rng=0)
    vae.start_from(x)
    vae.parameters()["decoder.0.W"][:] = 0
    expected = (x / 255 if kind is np.uint8 else x).mean(0).clip(0.001, 0.999)
    np.testing.assert_allclose(vae.decode(np.zeros((1, 2)))[0], expected, rtol=1e-4)


def test_the_deviation_is_that_from_the_mean_row_in_the_units_of_a_pixel():
    from tinyvae.rows import rows

    grey = np.random.default_rng(0).integers(0, 256, (2503, 5), dtype=np.uint8)  # in several parts
    expected = math.sqrt(((grey / 255 - (grey / 255).mean(0)) ** 2).mean())
    model = tv.VAE(5, 2, (), tv.Gaussian())
    for x in (grey, grey / 255):
        assert rows(model, x).deviation() == pytest.approx(expected, rel=1e-6)


def test_a_start_from_the_data_keeps_the_code_in_use_and_is_worth_many_nats():
    x = curves()
    found = []
    for from_data in (False, True):
        vae = gaussian()
        if from_data:
            vae.start_from(x)
            quietly(vae, x, epochs=25)
        else:
            with pytest.warns(Doubt) as said:
                quietly(vae, x, epochs=25)
            before, after = (str(warning.message) for warning in said)
            assert "sigma begins at 1, but x has a standard deviation of 0.1 " in before
            assert "vae.start_from(x) before training" in before
            assert "nats at the end: z says nothing about x" in after
            assert "sigma began at 1" in after
            assert "Why is my KL zero?" in after
        found.append((evaluation.elbo(vae, x)["elbo"], tv.active_units(vae, x)[0]))
    (collapsed, unused), (bound, used) = found
    assert unused == 0
    assert used >= 1
    assert bound > collapsed + 10


def test_a_likelihood_without_a_start_of_its_own_says_how_to_have_one():
    class Laplace(type(tv.Gaussian())):
        start = property()  # none

    with pytest.raises(TypeError, match=r"Laplace has no method start\(mean, deviation\)"):
        tv.VAE(5, 2, (), Laplace()).start_from(np.zeros((3, 5)))


def test_rows_that_are_all_the_same_have_no_deviation_to_start_from():
    vae = gaussian()
    vae.start_from(np.full((30, 20), 2.0))
    assert np.isfinite(vae.theta).all()


@pytest.mark.parametrize(("std", "scale", "words"), [
    (1.0, 0.1, r"sigma begins at 1, .* Take Gaussian\(0.1\)"), ("network", 0.05, "look like noise"),
    (0.05, 1.0, "the first steps are huge"), ("shared", 20.0, r"Bring x to unit variance, x = \(x - x.mean\(0\)\)")])
def test_a_sigma_far_from_the_data_is_said_before_training(std, scale, words):
    with pytest.warns(Doubt, match=words):
        quietly(gaussian(std), curves(std=scale), epochs=0)


@pytest.mark.parametrize(("std", "scale"), [(1.0, 1.0), ("shared", 0.4), ("network", 3.0), (0.3, 1.0)])
def test_nothing_is_said_of_a_sigma_near_the_data(std, scale):
    quietly(gaussian(std), curves(std=scale), epochs=0)  # a warning would be an error, see setup.cfg


def test_nothing_is_said_of_a_trained_model_whose_sigma_is_small_because_it_is_good():
    x = curves()
    vae = evaluation.probabilistic_pca(x, 2)
    vae.parameters()["likelihood.log_std"][:] -= np.log(2)
    assert np.exp(vae.parameters()["likelihood.log_std"][0]) < x.std() / 8
    quietly(vae, x, epochs=1)


# ---- collapse ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("settings", "beta", "words"), [
    ({}, 60.0, "beta = 60 weighs the KL so much that a code does not pay"),
    ({"warmup_epochs": 1}, 1.0, "with another learning rate"),
    ({}, 1.0, "warmup_epochs")])
def test_a_collapse_is_said_with_its_likely_cause(settings, beta, words):
    vae = gaussian(1.0)
    vae.parameters()["encoder.2.W"][:] = 0  # q(z|x) is the prior, and there is no way back
    vae.parameters()["decoder.0.W"][:] = 0
    with pytest.warns(Doubt, match=f"^the KL is .* nats at the end.*{words}"):
        quietly(vae, curves(std=1.0), tv.ELBO(vae, beta=beta), tv.SGD(vae, 1e-9), epochs=3, **settings)


def test_a_beginning_is_no_collapse():
    for x, epochs in ((curves(std=1.0), 2), (curves(std=1.0)[:60], 5)):
        vae = gaussian(1.0)
        vae.parameters()["encoder.2.W"][:] = 0
        quietly(vae, x, tv.ELBO(vae), tv.SGD(vae, 1e-9), epochs=epochs)


# ---- divergence ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("lr", [1e-3, 1e-12])
@pytest.mark.parametrize("std", [1.0, "shared", "network"])
@pytest.mark.filterwarnings("ignore:sigma begins at")
def test_divergence_at_the_first_step_is_laid_to_the_scale_of_x_and_never_to_the_learning_rate(std, lr):
    x = 300 * np.abs(curves(std=1.0))
    vae = gaussian(std)
    with pytest.raises(FloatingPointError, match="diverged at step 1 ") as caught:
        quietly(vae, x, optimizer=tv.Adam(vae, lr))
    said = str(caught.value)
    assert "smaller learning rate" not in said
    deviation = math.sqrt(((x - x.mean(0)) ** 2).mean())
    assert f"x has a standard deviation of {deviation:.3g} " in said
    assert f"goes from {x.min():.3g} to {x.max():.3g}" in said
    assert "Bring x to unit variance" in said
    assert "\n" not in said


@pytest.mark.parametrize(("change", "words"), [
    (lambda vae: vae.theta.__imul__(1e4), "the largest parameter is"),
    (lambda vae: setattr(vae.likelihood, "std", 1e-30), "sigma is 1e-30. Take Gaussian"),
    (lambda vae: setattr(vae.likelihood, "log_prob", lambda x, _: np.full((1, len(x)), np.nan)), "if they are yours")])
@pytest.mark.filterwarnings("ignore:sigma begins at")
def test_divergence_at_the_first_step_has_other_causes_too(change, words):
    vae = gaussian(1.0)
    change(vae)
    with pytest.raises(FloatingPointError, match=rf"diverged at step 1 .* not the learning rate.*{words}"):
        quietly(vae, curves(std=1.0))


def images(n=400):
    z = np.random.default_rng(0).standard_normal((n, 2))
    return z @ np.random.default_rng(1).standard_normal((2, 30)) > 0


@pytest.mark.parametrize(("rule", "lr"), [(tv.Adam, 0.5), (tv.Adam, 1.5), (tv.SGD, 0.3)])
def test_an_epoch_that_is_several_times_worse_than_the_untrained_model_is_a_divergence(tmp_path, rule, lr):
    path, x = tmp_path / "run.npz", images()
    vae = tv.VAE(30, 4, (20,), activation=tv.Tanh, rng=0)
    untrained = -evaluation.elbo(vae, x)["elbo"]
    with pytest.raises(FloatingPointError, match=r"the loss of this epoch is .* several times .*smaller learning rate"):
        quietly(vae, x, None, rule(vae, lr), 20, 20, checkpoint=path, checkpoint_seconds=0)
    assert np.isfinite(vae.theta).all()
    kept = -evaluation.elbo(tv.load(path), x)["elbo"]  # one step after a loss that was not absurd, and no later
    assert kept < -evaluation.elbo(vae, x)["elbo"]
    assert checkpoint.load_state(path)[1]["step"] < 20
    assert untrained < 30


def test_the_step_epoch_and_losses_of_an_absurd_epoch_are_named():
    class Worse(tv.ELBO):
        def forward(self, x, eps, y=None):
            if len(seen) == 20:  # the third epoch of ten steps begins
                self.vae.parameters()["decoder.2.W"][:] *= 1000
            seen.append(super().forward(x, eps, y))
            return seen[-1]

    seen, vae = [], tv.VAE(30, 4, (20,), rng=0)
    with pytest.raises(FloatingPointError) as caught:
        quietly(vae, images(200), Worse(vae), epochs=5, batch_size=20)
    epoch = np.mean(seen[20:])
    assert f"diverged at step 30 (epoch 3): the loss of this epoch is {epoch:.4g} nats, several times the" in \
        str(caught.value)
    assert f"several times the {seen[0]:.4g} of the untrained model" in str(caught.value)


def test_a_resumed_run_is_judged_by_its_own_first_step(tmp_path):
    path, x = tmp_path / "run.npz", images()
    vae = tv.VAE(30, 4, (20,), rng=0)
    quietly(vae, x, epochs=2, checkpoint=path)
    _, state, arrays = checkpoint.load_state(path)
    first, theta = state["untrained"], vae.theta.copy()
    assert first == pytest.approx(30 * math.log(2), abs=8)

    class Spoiling(tv.ELBO):  # described like the ELBO
        def backward(self):
            super().backward()
            self.vae.theta *= 1.5

    Spoiling.__name__ = "ELBO"
    resume = partial(quietly, vae, x, Spoiling(vae), epochs=3, checkpoint=path, resume=True)
    with pytest.raises(FloatingPointError, match=f"several times the {first:.4g} of the untrained model"):
        resume()
    vae.theta = theta
    del state["untrained"]  # as in a checkpoint of version 0.1, which does not tell
    checkpoint.save(path, vae, state, arrays)
    assert len(resume()) == 3
    assert "untrained" not in checkpoint.load_state(path)[1]


@pytest.mark.parametrize(("terms", "absurd"), [
    ((-40.0, -45.0, 5.0, 1.0), False), ((250.0, 240.0, 10.0, 1.0), True), ((130.0, 120.0, 10.0, 1.0), False),
    ((900.0, 60.0, 30.0, 28.0), False),  # a large beta
    ((60.0, 60.0, 900.0, 0.0), False),  # no weight on the KL, as when a warm-up begins
    ((300.0, 60.0, 5.0, 1.0), False),  # free bits
    ((70.0, 300.0, 40.0, 1.0), False)])  # an IWAE, whose bound is tighter than its terms
def test_a_loss_is_judged_without_what_beta_and_free_bits_add_to_it(terms, absurd):
    watch = symptoms.Watch(50)
    watch.see(60.0, 55.0, 5.0, 1.0)
    assert not watch.absurd
    watch.see(*terms)
    assert watch.absurd == absurd


def test_rows_that_lie_far_out_and_not_in_the_first_batch_are_no_divergence():
    x = curves(std=1.0)
    x[7] *= 150
    vae = gaussian("shared")
    vae.parameters()["encoder.0.W"][:] = 0  # or exp(logvar) overflows there
    quietly(vae, x, None, tv.SGD(vae, 1e-9), epochs=2, batch_size=20)


# ---- settings that say one thing and do another --------------------------------------------------------


@pytest.mark.parametrize("make", [tv.Adam, tv.Muon, partial(tv.SGD, lr=1e-12)])
def test_a_first_batch_that_was_a_good_one_is_no_measure_of_the_rest(make):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 2)) @ rng.standard_normal((2, 10)) + 0.1 * rng.standard_normal((200, 10))
    vae = tv.VAE(10, 2, (8,), tv.Gaussian("shared"), rng=0)
    history = quietly(vae, x / x.std(), None, make(vae), epochs=4, batch_size=50)
    assert len(history) == 4


def test_a_spike_of_one_draw_is_no_divergence():
    class Spiking(tv.ELBO):
        def forward(self, x, eps, y=None):
            self.calls = getattr(self, "calls", 0) + 1
            return super().forward(x, eps * (300 if self.calls == 7 else 1), y)

    vae = gaussian("shared")
    vae.start_from(curves(std=1.0))
    assert len(quietly(vae, curves(std=1.0), Spiking(vae), epochs=6)) == 6


@pytest.mark.filterwarnings("ignore:sigma begins at")
def test_an_untrained_model_that_fails_is_not_laid_to_the_learning_rate_at_a_later_step_either():
    x = curves(std=1.0)
    x[-1] *= 1e4  # a row that another batch will have
    for seed in range(3):
        vae = gaussian("network")
        with pytest.raises(FloatingPointError, match="so it is not the learning rate"):
            tv.fit(vae, x, None, tv.Adam(vae, 1e-12), 1, 16, seed, progress=False)


def test_an_iwae_of_one_sample_is_said():
    vae = gaussian(1.0)
    with pytest.warns(Doubt, match="IWAE of one sample is the ELBO"):
        quietly(vae, curves(std=1.0), tv.IWAE(vae), epochs=0)
    quietly(vae, curves(std=1.0), tv.IWAE(vae), epochs=0, n_samples=2)


def test_validation_on_the_training_rows_is_said():
    x = curves(std=1.0)
    with pytest.warns(Doubt, match="validation is the training rows themselves"):
        quietly(gaussian(1.0), x, epochs=0, validation=x.copy())
    quietly(gaussian(1.0), x[100:], epochs=0, validation=x[:100])


def test_a_schedule_that_changed_is_refused_on_resume(tmp_path):
    x = curves(std=1.0)

    def resume(lr, epochs):
        vae = gaussian(1.0)
        return quietly(vae, x, None, tv.Adam(vae, lr), epochs, checkpoint=tmp_path / "run.npz", resume=True)

    resume(lambda t: 1e-3 * 0.99**t, 2)
    for other in (lambda t: 1e-1, lambda t: 1e-3 * 0.98**t):
        with pytest.raises(ValueError, match="another schedule of the learning rate: it gave"):
            resume(other, 3)
    assert len(resume(lambda t: 1e-3 * 0.99**t, 3)) == 3


@pytest.mark.parametrize("objective", [tv.ELBO, tv.IWAE])
def test_backward_before_forward_is_said(objective):
    vae = gaussian()
    with pytest.raises(RuntimeError, match=f"{objective.__name__}.backward was called before forward"):
        objective(vae).backward()
    with pytest.raises(RuntimeError, match=r"VAE.backward was called before forward"):
        vae.backward(np.zeros((3, 20)))
