"""fit: determinism, resuming bit for bit, history, divergence, and what it refuses."""

import csv
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from functools import partial

import numpy as np
import pytest

import tinyvae as tv
from tinyvae import checkpoint
from tinyvae.foundation.checks import Doubt


def digits(n=300, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, 12), dtype=np.uint8)


def model(**kwargs):
    return tv.VAE(12, 3, (8,), rng=0, **kwargs)


def train(path=None, epochs=4, **kwargs):
    vae = model()
    history = tv.fit(vae, digits(), epochs=epochs, batch_size=32, rng=1, validation=digits(50, 9), progress=False,
                     checkpoint=path, checkpoint_seconds=0, resume=True, **kwargs)
    return vae, history


def bits(history):
    return [{k: v for k, v in row.items() if k not in ("seconds", "images_per_second")} for row in history]


def test_the_same_seed_gives_the_same_bits():
    (a, first), (b, second) = train(), train()
    assert a.theta.tobytes() == b.theta.tobytes()
    assert bits(first) == bits(second)


def test_another_seed_gives_another_model():
    a, b = model(), model()
    for vae, seed in ((a, 1), (b, 2)):
        tv.fit(vae, digits(), epochs=1, rng=seed, progress=False)
    assert (a.theta != b.theta).any()


class Stop(Exception):
    pass


@pytest.mark.parametrize("make", [tv.Adam, tv.Muon, tv.Adagrad, lambda vae: tv.SGD(vae, 1e-3, 0.9)])
@pytest.mark.parametrize("stop_at", [1, 9, 10, 11, 17, 25, 39])
def test_a_run_stopped_at_any_step_ends_with_the_same_bits(tmp_path, stop_at, make):
    def run(path, step=None):
        vae = model()
        optimizer = make(vae)
        plain = optimizer.step

        def stopping():
            if optimizer.t == step:
                raise Stop  # before the step is taken, as kill -9 would
            plain()

        optimizer.step = stopping
        history = tv.fit(vae, digits(), None, optimizer, 4, 32, 1, progress=False, warmup_epochs=2, n_samples=2,
                         checkpoint=path, checkpoint_seconds=0, resume=True)
        return vae, history

    whole, whole_history = run(tmp_path / "whole.npz")
    with pytest.raises(Stop):
        run(tmp_path / "cut.npz", stop_at)
    resumed, history = run(tmp_path / "cut.npz")
    assert resumed.theta.tobytes() == whole.theta.tobytes()
    assert bits(history) == bits(whole_history)


def test_a_finished_run_is_left_as_it_is(tmp_path):
    path = tmp_path / "run.npz"
    vae, history = train(path)
    again, same = train(path)
    assert again.theta.tobytes() == vae.theta.tobytes()
    assert same == history


def test_a_finished_run_can_be_given_more_epochs(tmp_path):
    path = tmp_path / "run.npz"
    train(path, epochs=2)
    vae, history = train(path, epochs=4)
    whole, _ = train(epochs=4)
    assert len(history) == 4
    assert vae.theta.tobytes() == whole.theta.tobytes()


KILLED = textwrap.dedent("""
    import sys
    import numpy as np
    import tinyvae as tv
    x = np.random.default_rng(0).integers(0, 256, (300, 12), dtype=np.uint8)
    vae = tv.VAE(12, 3, (8,), rng=0)
    print("go", flush=True)
    tv.fit(vae, x, epochs=12, batch_size=32, rng=1, progress=False,
           checkpoint=sys.argv[1], checkpoint_seconds=0, resume=True)
    tv.save(sys.argv[1] + ".done", vae)
""")


def start(path):
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "go\n"
    return process


def test_kill_9_at_random_moments_changes_no_bit(tmp_path):
    with start(tmp_path / "whole.npz") as process:
        assert process.wait() == 0
    rng = np.random.default_rng(0)
    killed = 0
    for _ in range(100):
        with start(tmp_path / "cut.npz") as process:
            time.sleep(rng.uniform(0, 0.15) if killed < 8 else 60)
            process.kill()
            if process.wait() == 0 or (tmp_path / "cut.npz.done").exists():
                break
            killed += 1
            if killed == 8:
                with start(tmp_path / "cut.npz") as last:
                    assert last.wait() == 0
                break
    assert killed >= 3
    whole, cut = (tv.load(tmp_path / f"{name}.npz.done") for name in ("whole", "cut"))
    assert cut.theta.tobytes() == whole.theta.tobytes()


@pytest.mark.skipif(os.name == "nt", reason="SIGINT to oneself is not Ctrl-C on Windows")
def test_ctrl_c_saves_after_the_step_and_the_run_goes_on_to_the_same_bits(tmp_path):
    path = tmp_path / "run.npz"
    vae = model()
    adam = tv.Adam(vae)
    plain = adam.step

    def interrupting():
        if adam.t == 13:
            os.kill(os.getpid(), signal.SIGINT)
        plain()

    adam.step = interrupting
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt, match="1 epochs and 4 steps"):
        tv.fit(vae, digits(), None, adam, 4, 32, 1, progress=False, checkpoint=path, checkpoint_seconds=1e9)
    assert signal.getsignal(signal.SIGINT) is handler
    resumed, whole = model(), model()
    tv.fit(resumed, digits(), epochs=4, batch_size=32, rng=1, progress=False, checkpoint=path, resume=True)
    tv.fit(whole, digits(), epochs=4, batch_size=32, rng=1, progress=False)
    assert resumed.theta.tobytes() == whole.theta.tobytes()


def test_history_holds_the_bound_in_nats_and_is_written_as_csv(tmp_path):
    _, history = train()
    assert [row["epoch"] for row in history] == [1, 2, 3, 4]
    for row in history:
        assert row["elbo"] == pytest.approx(-(row["reconstruction"] + row["kl"]))
        assert row["loss"] == pytest.approx(-row["elbo"], rel=1e-5)
        assert row["validation_elbo"] == pytest.approx(-(row["validation_reconstruction"] + row["validation_kl"]))
    history.save(tmp_path / "history.csv")
    with open(tmp_path / "history.csv", newline="") as file:
        read = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
    assert read == list(history)
    again = tv.History.load(tmp_path / "history.csv")
    assert again == history
    assert [list(map(type, row.values())) for row in again] == [list(map(type, row.values())) for row in history]


@pytest.mark.parametrize("text", ["epoch,loss\n1,2\n2\n", "epoch,loss\n1,two\n", "epoch,loss\n1,2,3\n", "\0"])
def test_a_history_that_is_none_is_named(tmp_path, text):
    (tmp_path / "history.csv").write_text(text)
    with pytest.raises(ValueError, match=r"history\.csv is not the history of a run .*; restore it"):
        tv.History.load(tmp_path / "history.csv")


def test_validation_does_not_touch_training():
    vae = model()
    tv.fit(vae, digits(), epochs=4, batch_size=32, rng=1, progress=False)
    assert vae.theta.tobytes() == train()[0].theta.tobytes()


def test_the_weight_of_the_kl_warms_up_step_by_step():
    vae = model()
    elbo = tv.ELBO(vae, beta=0.8)
    seen = []
    plain = elbo.forward

    def watching(*args):
        seen.append(elbo.beta)
        return plain(*args)

    elbo.forward = watching
    tv.fit(vae, digits(96), elbo, epochs=4, batch_size=32, rng=1, warmup_epochs=2, progress=False)
    np.testing.assert_allclose(seen, 0.8 * np.minimum(np.arange(12) / 6, 1))
    tv.fit(vae, digits(96), elbo, epochs=1, batch_size=32, rng=1, warmup_epochs=10, progress=False)
    assert elbo.beta == 0.8  # the objective is left as it was found


def test_dynamic_binarization_is_drawn_anew_each_epoch():
    class Watching(tv.ELBO):
        def forward(self, x, eps, y=None):
            batches.append(x)
            return super().forward(x, eps, y)

    x = np.full((32, 12), 128, np.uint8)
    for how, distinct in (("dynamic", 2), ("threshold", 1), ("none", 1)):
        batches = []
        vae = model()
        tv.fit(vae, x, Watching(vae), epochs=2, batch_size=32, rng=0, binarization=how, progress=False)
        assert len({b.tobytes() for b in batches}) == distinct
        assert set(np.unique(batches)) == ({0, 1} if how == "dynamic" else {1} if how == "threshold"
                                           else {np.float32(128 / 255)})


def test_each_epoch_sees_every_example_once_in_another_order():
    class Watching(tv.ELBO):
        def forward(self, x, eps, y=None):
            seen.append(x)
            return super().forward(x, eps, y)

    vae, seen = model(), []
    x = digits(100)
    tv.fit(vae, x, Watching(vae), epochs=2, batch_size=32, rng=0, binarization="none", progress=False)
    assert [len(batch) for batch in seen] == [32, 32, 32, 4] * 2
    first, second = np.concatenate(seen[:4]), np.concatenate(seen[4:])
    assert (first != second).any()
    assert (first != x / np.float32(255)).any()
    for epoch in (first, second):
        np.testing.assert_allclose(np.sort(epoch, 0), np.sort(x, 0) / 255, atol=1e-6)


def test_training_raises_the_bound_with_every_likelihood_and_objective():
    rng = np.random.default_rng(0)
    for likelihood in (tv.Bernoulli(), tv.Gaussian(0.5), tv.Gaussian("shared"), tv.Gaussian("network")):
        for objective in (tv.ELBO, tv.IWAE):
            vae = tv.VAE(12, 3, (8,), likelihood, n_classes=2, rng=0)
            y = rng.integers(0, 2, 300)
            history = tv.fit(vae, digits(), objective(vae), epochs=8, batch_size=32, rng=1, y=y, n_samples=2,
                             progress=False, validation=(digits(50, 9), y[:50]))
            assert history[-1]["loss"] < history[0]["loss"]
            assert history[-1]["validation_elbo"] > history[0]["validation_elbo"]


def test_a_diverging_run_names_the_step_and_keeps_the_last_good_checkpoint(tmp_path):
    path = tmp_path / "run.npz"
    vae = model()
    with pytest.raises(FloatingPointError, match=r"diverged at step \d+ \(epoch 1\).*run.npz.*smaller learning rate"):
        tv.fit(vae, digits(), None, tv.SGD(vae, 1e25), 4, 32, 1, progress=False, checkpoint=path, checkpoint_seconds=0)
    assert np.isfinite(tv.load(path).theta).all()


def test_a_step_that_overflows_theta_is_divergence_though_every_loss_was_finite():
    vae = tv.VAE(5, 2, (), tv.Gaussian(0.01), rng=0)
    x = np.random.default_rng(0).standard_normal((8, 5))
    with pytest.raises(FloatingPointError, match="theta is not finite"), pytest.warns(Doubt):
        tv.fit(vae, x, None, tv.SGD(vae, 1e36), 1, 8, 0, progress=False)


def test_bad_input_is_refused_before_anything_changes(tmp_path):
    vae = model()
    theta = vae.theta.copy()
    x = digits() / 255
    with_nan = x.copy()
    with_nan[3, 4] = np.nan
    for args, kwargs, error, words in [
        ((x[:, :5],), {}, ValueError, r"\(M, 12\)"), ((with_nan,), {}, ValueError, r"\(3, 4\)"),
        ((x * 2,), {}, ValueError, "0 to 1"), ((x[:0],), {}, ValueError, "no rows"),
        ((x.astype(complex),), {}, TypeError, "complex"), ((x,), {"epochs": -1}, ValueError, "epochs"),
        ((x,), {"batch_size": 0}, ValueError, "batch_size"), ((x,), {"batch_size": 2.5}, TypeError, "batch_size"),
        ((x,), {"y": np.zeros(300, int)}, ValueError, "without classes"),
        ((x,), {"binarization": "dinamic"}, ValueError, "dinamic"),
        ((x,), {"optimizer": tv.Adam(model())}, ValueError, "built with this vae"),
        ((x,), {"objective": "elbo"}, ValueError, "built with this vae"),
        ((x,), {"checkpoint_seconds": "a"}, TypeError, "checkpoint_seconds"),
        ((x,), {"objective": tv.IWAE(vae), "warmup_epochs": 1}, ValueError, "warmup"),
        ((x,), {"validation": x[:, :3]}, ValueError, "validation"),
    ]:
        with pytest.raises(error, match=words):
            tv.fit(vae, *args, progress=False, checkpoint=tmp_path / "c.npz", **kwargs)
    np.testing.assert_array_equal(vae.theta, theta)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_saved_is_said_before_training_starts(tmp_path):
    vae = model()
    theta = vae.theta.copy()
    with pytest.raises(OSError, match="missing"):
        tv.fit(vae, digits(), checkpoint=tmp_path / "missing" / "run.npz", progress=False)
    rng = np.random.Generator(np.random.MT19937(0))
    with pytest.raises(ValueError, match="PCG64, not of MT19937"):
        tv.fit(vae, digits(), rng=rng, checkpoint=tmp_path / "run.npz", progress=False)
    np.testing.assert_array_equal(vae.theta, theta)


@pytest.mark.parametrize("failing", [{3}, {3, 4, 5}, {40}])
def test_a_save_that_fails_on_the_way_is_said_and_ends_nothing(tmp_path, monkeypatch, capsys, failing):
    """As where a virus scanner holds the file, or the disk is full for a while. Save 1 is the first, 41 the last."""
    path, saves, plain = tmp_path / "run.npz", [], checkpoint.save

    def save(*args):
        saves.append(args)
        if len(saves) in failing:
            raise PermissionError(13, "Access is denied", str(path))
        plain(*args)

    monkeypatch.setattr(checkpoint, "save", save)
    vae, history = train(path)
    assert len(saves) == 41
    said = capsys.readouterr().err
    assert said.count("the checkpoint could not be saved") == said.count("training goes on") == len(failing)
    assert "Access is denied" in said
    whole, whole_history = train()
    assert vae.theta.tobytes() == whole.theta.tobytes()
    assert bits(history) == bits(whole_history)
    assert tv.load(path).theta.tobytes() == whole.theta.tobytes()


def test_a_last_save_that_fails_leaves_the_checkpoint_before_it_and_the_history(tmp_path, monkeypatch, capsys):
    path, plain = tmp_path / "run.npz", checkpoint.save

    def save(path, vae, state, arrays):
        if state["epoch"] == 4:
            raise OSError(28, "No space left on device")
        plain(path, vae, state, arrays)

    monkeypatch.setattr(checkpoint, "save", save)
    _, history = train(path)
    assert len(history) == 4
    said = capsys.readouterr().err
    assert "could not be saved ([Errno 28] No space left on device)" in said
    assert "goes on" not in said
    monkeypatch.undo()
    resumed, _ = train(path)  # goes on before the last step
    assert resumed.theta.tobytes() == train()[0].theta.tobytes()


def test_an_overflow_in_the_optimizer_is_divergence_too(tmp_path):
    class Overflowing(tv.ELBO):
        def backward(self):
            super().backward()
            self.vae.grad *= np.float32(1e25)  # finite, but its square is not

    vae = model()
    with pytest.raises(FloatingPointError, match="diverged"):
        tv.fit(vae, digits(), Overflowing(vae), epochs=1, rng=0, checkpoint=tmp_path / "run.npz",
               checkpoint_seconds=0, progress=False)


def test_resuming_with_other_settings_is_refused(tmp_path):
    path = tmp_path / "run.npz"
    train(path, epochs=1)
    with pytest.raises(FileExistsError, match="resume=True"):
        tv.fit(model(), digits(), checkpoint=path, progress=False)
    vae = model()
    rest = {"batch_size": 32, "checkpoint": path, "resume": True, "progress": False, "validation": digits(50, 9)}
    with pytest.raises(ValueError, match=r"optimizer Adam.*this run has SGD"):
        tv.fit(vae, digits(), None, tv.SGD(vae), **rest)
    with pytest.raises(ValueError, match="batch_size 32; this run has 64"):
        tv.fit(model(), digits(), **rest | {"batch_size": 64})
    with pytest.raises(ValueError, match=r"validation uint8.*this run has none"):
        tv.fit(model(), digits(), **rest | {"validation": None})
    with pytest.raises(ValueError, match="data"):
        tv.fit(model(), digits(seed=5), batch_size=32, checkpoint=path, resume=True, progress=False)
    with pytest.raises(ValueError, match="another model"):
        tv.fit(tv.VAE(12, 2, (8,)), digits(), batch_size=32, checkpoint=path, resume=True, progress=False)
    tv.save(tmp_path / "model.npz", model())
    with pytest.raises(ValueError, match="resume"):
        tv.fit(model(), digits(), batch_size=32, checkpoint=tmp_path / "model.npz", resume=True, progress=False)


def test_resuming_with_other_labels_is_refused(tmp_path):
    x, y = digits(60), np.arange(60) % 3
    for labels in (y, y[::-1]):
        vae = tv.VAE(12, 2, (8,), n_classes=3, rng=0)
        fit = partial(tv.fit, vae, x, y=labels, epochs=1, checkpoint=tmp_path / "c.npz", resume=True, progress=False)
        if labels is y:
            fit()
        else:
            with pytest.raises(ValueError, match="was made with data"):
                fit()


def test_a_long_history_fits_into_the_checkpoint_and_keeps_its_columns(tmp_path):
    path = tmp_path / "c.npz"
    vae, x = tv.VAE(3, 1, (), rng=0), np.random.default_rng(0).random((4, 3))
    history = tv.fit(vae, x, epochs=2000, rng=0, checkpoint=path, progress=False, validation=x)
    _, state, arrays = checkpoint.load_state(path)
    assert len(json.dumps(state)) < 5000
    assert arrays["history.loss"].shape == (2000,)
    again = tv.fit(vae, x, epochs=2000, rng=0, checkpoint=path, resume=True, progress=False, validation=x)
    assert list(again) == list(history)
    assert [list(row) for row in again] == [list(row) for row in history]  # in the same order, too


@pytest.mark.parametrize("change", [
    {"epoch": "x"}, {"epoch": -1}, {"epoch": 1.5}, {"epoch": 7}, {"step": 99}, {"t": None}, {"t": -1}, {"sums": None},
    {"sums": [1.0]}, {"seconds": "1"}, {"rng": None}, {"rng": {}}, {"order_rng": 3}, {"settings": None},
    {"settings": {}},
    {"rng": {"bit_generator": "PCG64", "state": {"state": -1, "inc": 0}, "has_uint32": 0, "uinteger": 0}}])
def test_a_checkpoint_of_nonsense_changes_nothing(tmp_path, change):
    path = tmp_path / "run.npz"
    vae = train(path, epochs=1)[0]
    _, state, arrays = checkpoint.load_state(path)
    path.unlink()
    checkpoint.save(path, vae, state | change, arrays)
    other = model()
    theta = other.theta.copy()
    with pytest.raises(ValueError, match=r"run\.npz") as caught:
        tv.fit(other, digits(), epochs=2, batch_size=32, rng=1, checkpoint=path, resume=True, progress=False,
               validation=digits(50, 9))
    assert "\n" not in str(caught.value)
    np.testing.assert_array_equal(other.theta, theta)


def test_a_batch_larger_than_the_data_is_all_of_it():
    vae = tv.VAE(12, 2, (8,), rng=0)
    tv.fit(vae, digits(10), epochs=1, batch_size=10**400, rng=0, progress=False)


def test_numbers_too_large_for_the_model_are_named_not_called_divergence():
    vae = tv.VAE(3, 1, (4,), tv.Gaussian(), rng=0)
    x = np.ones((5, 3))
    x[2, 1] = 1e300
    with pytest.raises(ValueError, match=r"x is not finite: inf at index \(2, 1\)"):
        tv.fit(vae, x, progress=False)
    x[2, 1] = 3.0
    with pytest.raises(ValueError, match="binarization 'dynamic'"):
        tv.fit(vae, x, binarization="dynamic", progress=False)


@pytest.mark.skipif(os.name == "nt", reason="no SIGINT to oneself on Windows")
def test_ctrl_c_in_the_last_step_is_not_lost():
    vae = tv.VAE(12, 2, (8,), rng=0)

    class Last(tv.ELBO):
        def backward(self):
            super().backward()
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt, match="stopped after 1 epochs"):
        tv.fit(vae, digits(10), Last(vae), epochs=1, batch_size=10, rng=0, progress=False)
