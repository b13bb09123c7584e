"""The file format: what is saved comes back bit for bit, and what could not come back is not saved."""

import itertools
import json
import os
import pprint
import re
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_runs import bits, model, run

import tinyvae
from tinyvae import checkpoint
from tinyvae.checkpoint import describe, load, load_state, save
from tinyvae.foundation.npy import CHUNK
from tinyvae.layers import ReLU, Sigmoid, Softplus, Tanh
from tinyvae.likelihoods import Bernoulli, Gaussian, SharedGaussian
from tinyvae.vae import VAE

ROOT = Path(tinyvae.__file__).parents[1]
LIKELIHOODS = [Bernoulli(), Gaussian(), Gaussian(0.1), Gaussian("shared"), Gaussian("network")]
ACTIVATIONS = [ReLU, Tanh, Softplus, Sigmoid]


@pytest.mark.parametrize("n_classes", [0, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=lambda a: type(a).__name__)
def test_a_model_comes_back_bit_for_bit(tmp_path, likelihood, activation, dtype, n_classes):
    for hidden in [(), (3,), (4, 3)]:
        vae = model(hidden=hidden, likelihood=likelihood, activation=activation, n_classes=n_classes,
                    dtype=dtype)
        save(tmp_path / "model.npz", vae)
        back = load(tmp_path / "model.npz")
        assert bits(back) == bits(vae)
        y = None if n_classes == 0 else np.array([2, 0, 1])
        x = np.random.default_rng(1).random((3, 5))
        assert (back.reconstruct(x, y) == vae.reconstruct(x, y)).all()
        assert (back.sample(3, 4, y) == vae.sample(3, 4, y)).all()
        assert back.theta.flags.writeable
        assert not np.shares_memory(back.theta, vae.theta)


@pytest.mark.parametrize("std", [1e-300, 0.1, np.float32(0.1), 2, np.pi])
def test_the_standard_deviation_comes_back_exactly(tmp_path, std):
    save(tmp_path / "m", VAE(3, 1, likelihood=Gaussian(std)))
    assert load(tmp_path / "m").likelihood.std == float(std)


def test_a_likelihood_is_described_by_what_it_is():
    assert describe(model(likelihood=SharedGaussian()))["likelihood"] == {"gaussian": "shared"}


def test_the_size_of_theta_is_known_from_the_config_alone():
    for likelihood, hidden, n_classes in itertools.product(LIKELIHOODS, [(), (3,), (7, 4)], [0, 3]):
        vae = model(likelihood=likelihood, hidden=hidden, n_classes=n_classes)
        assert checkpoint._size(checkpoint._arguments(describe(vae))) == vae.theta.size


def test_a_config_is_json_of_the_arguments_and_the_version():
    vae = model(hidden=(4, 3), likelihood=Gaussian("network"), activation=Tanh, n_classes=3, dtype=np.float64)
    assert json.loads(json.dumps(describe(vae))) == describe(vae) == {
        "data_dim": 5, "latent_dim": 2, "hidden": [4, 3], "likelihood": {"gaussian": "network"}, "activation": "Tanh",
        "n_classes": 3, "dtype": "float64", "version": tinyvae.__version__}


def test_a_checkpoint_comes_back_bit_for_bit_and_is_also_a_model(tmp_path):
    vae, state, arrays = run()
    save(tmp_path / "run.npz", vae, state, arrays)
    assert bits(*load_state(tmp_path / "run.npz")) == bits(vae, state, arrays)
    assert bits(load(tmp_path / "run.npz")) == bits(vae)
    assert all(a.flags.writeable for a in load_state(tmp_path / "run.npz")[2].values())


@pytest.mark.parametrize("dtype", ["<f4", "<f8", "<i4", "<i8", ">f4", ">i8"])
@pytest.mark.parametrize("n", [0, 1, 1000])
def test_vectors_come_back_with_their_dtype_whatever_their_layout_in_memory(tmp_path, dtype, n):
    vector = np.arange(2 * n).astype(dtype)[::2]
    save(tmp_path / "run", model(), {}, {"v": vector})
    back = load_state(tmp_path / "run")[2]["v"]
    assert (back == vector).all()
    assert back.dtype == vector.dtype.newbyteorder("=")


def test_vectors_longer_than_a_piece_come_back(tmp_path):
    vector = np.random.default_rng(0).random(3 * CHUNK // 8 + 1)
    save(tmp_path / "run", model(), {}, {"v": vector})
    assert (load_state(tmp_path / "run")[2]["v"] == vector).all()


@pytest.mark.parametrize("kind", ["PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"])
def test_a_generator_goes_on_with_the_same_stream(tmp_path, kind):
    def plain(a):  # some generators keep their state in arrays; they take lists as well
        if isinstance(a, dict):
            return {name: plain(value) for name, value in a.items()}
        return a.tolist() if isinstance(a, np.ndarray) else a

    rng = np.random.Generator(getattr(np.random, kind)(3))
    rng.random(5, np.float32)  # half a word of PCG64 is left over, and part of its state
    save(tmp_path / "run", model(), {"rng": plain(rng.bit_generator.state)})
    again = np.random.Generator(getattr(np.random, kind)(4))
    again.bit_generator.state = load_state(tmp_path / "run")[1]["rng"]
    assert (again.random(100, np.float32) == rng.random(100, np.float32)).all()
    assert (again.permutation(100) == rng.permutation(100)).all()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(-2**200, 2**200) | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(state=st.dictionaries(st.text(), JSON, max_size=5))
def test_any_state_comes_back_exactly(tmp_path, state):
    save(tmp_path / "run", model(), state)
    back = load_state(tmp_path / "run")[1]
    # == can't tell 1, 1.0 and True apart, nor 0.0 and -0.0; pprint can, and it sorts the keys.
    assert pprint.pformat(back) == pprint.pformat(state)


def test_equal_contents_are_equal_bytes(tmp_path, monkeypatch):
    vae, state, arrays = run()
    save(tmp_path / "a", vae, state, arrays)
    monkeypatch.setattr(time, "time", lambda: 2e9)
    monkeypatch.setattr(sys, "platform", "win32")
    save(tmp_path / "b", vae, dict(reversed(state.items())), dict(reversed(arrays.items())))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    save(tmp_path / "b", *load_state(tmp_path / "a"))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_four_lines_of_numpy_read_a_model_and_four_more_compute_with_it(tmp_path):
    vae = model()
    save(tmp_path / "model.npz", vae)
    with np.load(tmp_path / "model.npz") as d:
        written = str(d["format"])
        cfg = json.loads(str(d["config"]))
        theta = d["theta"]
    D, H = cfg["data_dim"], cfg["hidden"][0]
    W, b = theta[: D * H].reshape(D, H), theta[D * H : D * H + H]
    assert written == "tinyvae 1"
    assert (vae.parameters()["encoder.0.W"] == W).all()
    assert (b == vae.parameters()["encoder.0.b"]).all()


def test_what_numpy_writes_is_read(tmp_path):
    vae, state, arrays = run()
    np.savez(tmp_path / "run.npz", format="tinyvae 1", config=json.dumps(describe(vae)), theta=vae.theta,
             state=json.dumps(state), **{f"arrays/{name}": a for name, a in arrays.items()})
    assert bits(*load_state(tmp_path / "run.npz")) == bits(vae, state, arrays)


def test_any_name_and_any_kind_of_path_will_do(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    vae = model()
    long = "x" * (99 if os.name == "nt" else 250)
    for path in ["plain", "größe 1.npz", b"bytes", Path("a.ckpt"), long, "." + "ü" * 99]:
        save(path, vae)
        assert os.path.exists(path)  # no suffix is added
        assert bits(load(path)) == bits(vae)
    assert not list(tmp_path.glob("*.part"))


def run_the_documentation(folder, monkeypatch, *left_out):
    text = (ROOT / "docs" / "file-format.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 8
    monkeypatch.chdir(folder)
    names = {}
    for block in blocks:
        if not block.startswith(left_out):
            exec(block, names)


def test_the_code_in_the_documentation_runs(tmp_path, monkeypatch):
    run_the_documentation(tmp_path, monkeypatch, "import torch")


def test_the_documented_way_to_torch_is_right(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    run_the_documentation(tmp_path, monkeypatch)


# ---- what can't be saved is refused before anything is written --------------------------------------

class Own(Bernoulli):
    pass


class OwnReLU(ReLU):
    pass


class OwnVAE(VAE):
    pass


AnotherTanh = type("Tanh", (ReLU,), {})


def with_other_parts():
    vae = model()
    vae.bind(np.zeros(99, np.float32), np.zeros(99, np.float32))
    return vae


def with_theta(theta):
    vae = model()
    vae._theta = theta
    return vae


P = model().theta.size


REFUSED = {
    "own likelihood": (TypeError, r"Own, a likelihood of your own; keep np\.save", model(likelihood=Own())),
    "own activation": (TypeError, r"OwnReLU.*of your own; keep np\.save", model(activation=OwnReLU)),
    "another Tanh": (TypeError, "Tanh, an activation of your own", model(activation=AnotherTanh)),
    "own VAE": (TypeError, r"OwnVAE; keep np\.save", OwnVAE(5, 2)),
    "no VAE": (TypeError, "not a dict", {}),
    "theta of other parts": (TypeError, "99 parameters", with_other_parts()),
    "complex theta": (TypeError, "complex128", with_theta(np.zeros(P, complex))),
    "theta in rows": (ValueError, "theta is float32 .*expected", with_theta(np.zeros((1, P), np.float32))),
    "NaN in theta": (ValueError, "theta is not finite: nan", with_theta(np.full(P, np.nan, np.float32))),
    "infinite theta": (ValueError, "theta is not finite: inf", with_theta(np.full(P, np.inf, np.float32))),
    "absurd depth": (ValueError, "at most 16384|limit is 16384", VAE(1, 1, hidden=(1,) * 9000)),
    "NaN in state": (ValueError, "state can't be written", model(), {"loss": float("nan")}),
    "inf in state": (ValueError, "state can't be written", model(), {"loss": [float("inf")]}),
    "array in state": (TypeError, "state can't be written .*ndarray", model(), {"m": np.zeros(3)}),
    "numpy int in state": (TypeError, "state can't be written .*int64", model(), {"t": np.int64(3)}),
    "set in state": (TypeError, "state can't be written", model(), {"t": {1}}),
    "tuple in state": (TypeError, "state would come back .*changed", model(), {"t": (1, 2)}),
    "int key in state": (TypeError, "state would come back .*changed", model(), {1: 2}),
    "mixed keys in state": (TypeError, "state can't be written", model(), {1: 2, "a": 3}),
    "state a list": (ValueError, "state is JSON for a list", model(), [1]),
    "huge state": (ValueError, "state takes .*use arrays", model(), {"x": "a" * checkpoint.LONGEST["state"]}),
    "NaN in an array": (ValueError, "arrays/v is not finite", model(), {}, {"v": np.array([0, np.nan])}),
    "matrix": (ValueError, r"arrays/v is float64 \(2, 2\)", model(), {}, {"v": np.eye(2)}),
    "scalar": (ValueError, r"arrays/v is float64 \(\)", model(), {}, {"v": np.float64(3)}),
    "objects": (ValueError, "arrays/v is object", model(), {}, {"v": np.array([{}, None])}),
    "texts": (ValueError, "arrays/v is <U1", model(), {}, {"v": np.array(["a"])}),
    "half": (ValueError, "arrays/v is float16", model(), {}, {"v": np.zeros(3, np.float16)}),
    "bools": (ValueError, "arrays/v is bool", model(), {}, {"v": np.zeros(3, bool)}),
    "empty name": (ValueError, "arrays has a name ''", model(), {}, {"": np.zeros(3)}),
    "path as name": (ValueError, "arrays has a name '../v'", model(), {}, {"../v": np.zeros(3)}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_could_not_be_read_again_is_refused_before_anything_is_written(tmp_path, case):
    kind, message, *given = REFUSED[case]
    with pytest.raises(kind, match=message) as caught:
        save(tmp_path / "new", *given)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_state_too_deep_to_be_read_again_is_refused(tmp_path):
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises((RecursionError, ValueError)):
        save(tmp_path / "new", model(), {"deep": deep})
    assert not list(tmp_path.iterdir())
    while deep:  # taken apart from outside, for freeing it would recurse as well
        deep = deep[0]


def test_the_parameters_of_ones_own_model_can_be_kept_as_the_message_says(tmp_path):
    vae = model(likelihood=Own())
    np.save(tmp_path / "theta.npy", vae.theta)
    again = VAE(5, 2, (3,), likelihood=Own())
    again.theta[:] = np.load(tmp_path / "theta.npy")
    assert (again.theta == vae.theta).all()
