"""A run's clock and its checkpoints: how often, with what in them, and what the history says of the time."""

import os
import signal
import types

import numpy as np
import pytest

import tinyvae as tv
from tinyvae import checkpoint, training

X = np.random.default_rng(0).integers(0, 256, (100, 12), dtype=np.uint8)  # four batches of 32, the last of 4


def model():
    return tv.VAE(12, 3, (8,), rng=0)


class Clock:
    """Time that passes only where a step is taken: a second each."""

    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr(training, "time", types.SimpleNamespace(monotonic=self.read, perf_counter=self.read))

    def read(self):
        return self.now

    def adam(self, vae):
        adam = tv.Adam(vae)
        plain = adam.step

        def step():
            self.now += 1
            plain()

        adam.step = step
        return adam


def test_seconds_count_the_steps_of_each_epoch_also_across_an_interruption(tmp_path, monkeypatch):
    clock, path = Clock(monkeypatch), tmp_path / "run.npz"

    def validation(*args, **kwargs):  # takes a hundred seconds, which do not count
        clock.now += 100
        return {"elbo": -1.0, "reconstruction": 1.0, "kl": 0.0}

    monkeypatch.setattr(tv.evaluation, "elbo", validation)
    vae = model()
    history = tv.fit(vae, X, None, clock.adam(vae), 3, 32, 1, validation=X[:5], progress=False)
    assert [row["seconds"] for row in history] == [4, 4, 4]
    assert [row["images_per_second"] for row in history] == [25, 25, 25]

    class Stop(Exception):
        pass

    vae = model()
    adam = clock.adam(vae)
    plain = adam.step

    def stopping():
        if adam.t == 6:
            raise Stop
        plain()

    adam.step = stopping
    options = {"validation": X[:5], "progress": False, "checkpoint": path, "checkpoint_seconds": 0, "resume": True}
    with pytest.raises(Stop):
        tv.fit(vae, X, None, adam, 3, 32, 1, **options)
    vae = model()
    history = tv.fit(vae, X, None, clock.adam(vae), 3, 32, 1, **options)
    assert [row["seconds"] for row in history] == [4, 4, 4]


@pytest.mark.parametrize(("every", "steps"), [(0, [0, *range(1, 13)]), (5, [0, 5, 10, 12]), (1e9, [0, 12])])
def test_a_checkpoint_is_written_first_last_and_as_often_as_was_asked(tmp_path, monkeypatch, every, steps):
    clock, saved, plain = Clock(monkeypatch), [], checkpoint.save
    monkeypatch.setattr(checkpoint, "save", lambda path, vae, state, arrays: (
        saved.append(state["t"]), plain(path, vae, state, arrays)))
    vae = model()
    tv.fit(vae, X, None, clock.adam(vae), 3, 32, 1, progress=False, checkpoint=tmp_path / "run.npz",
           checkpoint_seconds=every)
    assert saved == steps


@pytest.mark.skipif(os.name == "nt", reason="SIGINT to oneself is not Ctrl-C on Windows")
def test_ctrl_c_leaves_all_steps_in_the_checkpoint(tmp_path):
    vae, path = model(), tmp_path / "run.npz"
    adam = tv.Adam(vae)
    plain = adam.step

    def interrupting():
        plain()
        if adam.t == 7:
            os.kill(os.getpid(), signal.SIGINT)

    adam.step = interrupting
    with pytest.raises(KeyboardInterrupt, match="1 epochs and 3 steps"):
        tv.fit(vae, X, None, adam, 4, 32, 1, progress=False, checkpoint=path, checkpoint_seconds=1e9)
    kept, state, _ = checkpoint.load_state(path)
    assert (state["t"], state["epoch"], state["step"]) == (7, 1, 3)
    np.testing.assert_array_equal(kept.theta, vae.theta)


def test_divergence_names_the_step_that_failed_from_one_on():
    class Breaking(tv.ELBO):
        def forward(self, x, eps, y=None):
            loss = super().forward(x, eps, y)
            return loss if adam.t < 6 else float("nan")

    vae = model()
    adam = tv.Adam(vae)
    with pytest.raises(FloatingPointError, match=r"step 7 \(epoch 2\)"):
        tv.fit(vae, X, Breaking(vae), adam, 3, 32, 1, progress=False)
    assert adam.t == 6


@pytest.mark.parametrize("change", [{"warmup_epochs": 2}, {"n_samples": 3}, {"binarization": "threshold"}])
def test_a_run_is_not_resumed_with_other_settings(tmp_path, change):
    options = {"epochs": 1, "batch_size": 32, "rng": 1, "progress": False, "checkpoint": tmp_path / "run.npz"}
    tv.fit(model(), X, **options)
    (name,) = change
    with pytest.raises(ValueError, match=f"was made with {name} "):
        tv.fit(model(), X, resume=True, **options | change)


def test_a_checkpoint_of_another_seed_is_said_and_goes_on_with_its_own(tmp_path):
    path, whole = tmp_path / "run.npz", model()
    tv.fit(whole, X, epochs=4, batch_size=32, rng=1, progress=False)
    options = {"batch_size": 32, "progress": False, "checkpoint": path, "resume": True}
    tv.fit(model(), X, epochs=2, rng=1, **options)
    resumed = model()
    with pytest.warns(UserWarning, match=r"run\.npz was begun with another seed than the rng given now"):
        tv.fit(resumed, X, epochs=4, rng=2, **options)
    np.testing.assert_array_equal(resumed.theta, whole.theta)
