"""The file format: what is saved comes back bit for bit, and no file, however bad, does harm."""

import errno
import gc
import io
import itertools
import json
import os
import pickle
import pprint
import random
import re
import signal
import subprocess
import sys
import textwrap
import time
import tracemalloc
import zipfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tinyvae
from tinyvae import checkpoint
from tinyvae.checkpoint import build, describe, load, load_state, replacing, save
from tinyvae.foundation import files
from tinyvae.layers import ReLU, Sigmoid, Softplus, Tanh
from tinyvae.likelihoods import Bernoulli, Gaussian, SharedGaussian
from tinyvae.vae import VAE

ROOT = Path(tinyvae.__file__).parents[1]
LIKELIHOODS = [Bernoulli(), Gaussian(), Gaussian(0.1), Gaussian("shared"), Gaussian("network")]
ACTIVATIONS = [ReLU, Tanh, Softplus, Sigmoid]
RNG_STATE = np.random.default_rng(7).bit_generator.state


def model(seed=0, **changes):
    """A small model whose parameters are all different and not zero."""
    vae = VAE(**{"data_dim": 5, "latent_dim": 2, "hidden": (3,), **changes})
    vae.theta[:] = np.random.default_rng(seed).standard_normal(vae.theta.size)
    return vae


def run(seed=0):
    """(vae, state, arrays) of a small run."""
    vae = model(seed)
    rng = np.random.default_rng(seed)
    arrays = {"m": rng.standard_normal(vae.theta.size, np.float32), "order": rng.permutation(7).astype("i8")}
    return vae, {"epoch": seed, "rng": rng.bit_generator.state, "loss": 0.1 + seed}, arrays


def bits(vae, state=None, arrays=None):
    """All that a file says, as something that can be compared."""
    vectors = {name: (a.dtype.str, a.tobytes()) for name, a in (arrays or {}).items()}
    return describe(vae), vae.theta.dtype, vae.theta.tobytes(), json.dumps(state, sort_keys=True), vectors


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch):
    """What fsync is for can't be tested without cutting the power; the order of the calls is, below."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


# ---- there and back ------------------------------------------------------------------------------


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


def test_build_makes_what_describe_described():
    vae = model(hidden=(4, 3), likelihood=Gaussian("network"), activation=Tanh, n_classes=3, dtype=np.float64)
    config = describe(vae)
    assert json.loads(json.dumps(config)) == config
    assert config["version"] == tinyvae.__version__
    assert config == describe(build(config))
    assert build(config).parameters().keys() == vae.parameters().keys()


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
    vector = np.random.default_rng(0).random(3 * checkpoint.CHUNK // 8 + 1)
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


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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


def test_a_checkpoint_of_mnists_size_is_saved_in_tens_of_milliseconds(tmp_path):
    vae = VAE(784, 20)
    arrays = {name: np.random.default_rng(0).random(vae.theta.size, np.float32) for name in "mv"}

    def seconds(function, *args):
        started = time.perf_counter()
        function(*args)
        return time.perf_counter() - started

    assert min(seconds(save, tmp_path / "run", vae, {}, arrays) for _ in range(5)) < 0.25  # 0.01 here
    assert min(seconds(load_state, tmp_path / "run") for _ in range(5)) < 0.25


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
    "huge state": (ValueError, "state takes .*use arrays", model(), {"x": "a" * checkpoint.STATE_LENGTH}),
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


# ---- bad files ---------------------------------------------------------------------------------------


def names(error, path):
    """An OSError shows the repr of its path, which is another text on Windows."""
    return str(path) in str(error) or getattr(error, "filename", None) == str(path)


def refused(path, message=".", kind=ValueError):
    """Both readers refuse the file with one line that names it."""
    for read in (load, load_state):
        with pytest.raises(kind, match=message) as caught:
            read(path)
        assert names(caught.value, path)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 700 + len(str(path))


def put(path, content):
    """Write over the old content: ext4 waits for the disk after a file was cut to nothing."""
    with open(path, "r+b" if path.exists() else "xb") as file:
        file.write(content)
        file.truncate()


def entries_of(path):
    with zipfile.ZipFile(path) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def write_zip(path, entries, compression=zipfile.ZIP_STORED):
    """Entries, a dict or pairs of name and bytes, as a zip with right checksums."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in entries.items() if isinstance(entries, dict) else entries:
            archive.writestr(zipfile.ZipInfo(name), content, compression)
    put(path, file.getvalue())


def npy(header, body=b"", version=(1, 0)):
    """The bytes of an .npy file with any header."""
    header = header.encode("latin1") if isinstance(header, str) else header
    length = len(header).to_bytes(2 if version == (1, 0) else 4, "little")
    return b"\x93NUMPY" + bytes(version) + length + header + body


def dumped(array, **options):
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def header(descr="<f4", shape=(P,), fortran=False):
    return f"{{'descr': {descr!r}, 'fortran_order': {fortran}, 'shape': {shape!r}, }}\n"


@pytest.fixture
def good(tmp_path):
    """A good checkpoint: its path, its content, its entries."""
    path = tmp_path / "run.npz"
    save(path, *run())
    return path, bits(*load_state(path)), entries_of(path)


def attempt(path):
    """What load_state gives, or None, and its message."""
    try:
        return load_state(path), ""
    except ValueError as error:
        return None, str(error)


def harmless(path, content):
    """The file is refused, or says exactly what the good one said."""
    found, message = attempt(path)
    assert str(path) in message if found is None else bits(*found) == content
    return found is not None


def test_a_file_cut_off_anywhere_is_refused(good):
    path, content, _ = good
    whole = path.read_bytes()
    for length in range(len(whole)):
        put(path, whole[:length])
        assert not harmless(path, content), length


def test_a_changed_byte_is_noticed_or_does_not_matter(good):
    path, content, _ = good
    whole = path.read_bytes()
    rng = random.Random(0)
    read = 0
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= rng.choice([1 << rng.randrange(8), 0xFF, rng.randrange(1, 256)])
        put(path, damaged)
        read += harmless(path, content)
    assert read < len(whole) // 10  # dates, permissions and the like


def test_holes_repetitions_and_exchanged_parts_are_noticed_or_do_not_matter(good):
    path, content, _ = good
    whole = path.read_bytes()
    rng = random.Random(1)
    for _ in range(1000):
        a, b, c = sorted(rng.randrange(len(whole) + 1) for _ in range(3))
        damaged = rng.choice([
            whole[:a] + whole[b:], whole[:b] + whole[a:], whole[:a] + whole[b:c] + whole[a:b] + whole[c:],
            whole[:a] + bytes(b - a) + whole[b:], whole[:a] + rng.randbytes(b - a) + whole[b:],
            whole + whole[a:b], whole[a:b] + whole])
        put(path, damaged)
        harmless(path, content)


def mutated(text, rng):
    """Bytes with a few characters or pieces of it changed."""
    pieces = [bytes([c]) for c in b"'\"()[]{},:-90O\\<>U \n\0\xff"]
    pieces += [b"f4", b"True", b"None", b"lambda", b"NaN", b"1e999", b"9" * 20]
    text = bytearray(text)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(text))
        text[at : at + rng.choice([0, 1, 1, 3])] = rng.choice(pieces)
    return bytes(text)


def test_changed_headers_with_right_checksums_are_refused_or_do_not_matter(good):
    path, content, entries = good
    rng = random.Random(2)
    for i in range(1500):
        name = rng.choice(list(entries))
        head, body = entries[name][10:128], entries[name][128:]
        new = mutated(head.rstrip(), rng)
        if i % 3:
            new = new.ljust(117)[:117] + b"\n"
        write_zip(path, {**entries, name: npy(new, body)})
        harmless(path, content)


def test_changed_json_with_right_checksums_gives_a_model_or_is_refused(good):
    path, _, entries = good
    rng = random.Random(3)
    for _ in range(1500):
        name = rng.choice(["config.npy", "state.npy", "format.npy"])
        text = str(np.load(io.BytesIO(entries[name]))).encode()
        write_zip(path, {**entries, name: dumped(np.array(mutated(text, rng).decode("latin1")))})
        found, message = attempt(path)
        if found is None:
            assert str(path) in message
        else:
            assert found[0].theta.size == P
            json.dumps(found[1], allow_nan=False)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
def test_any_bytes_are_refused(tmp_path, content):
    for bytes_ in (content, b"PK\x03\x04" + content + b"PK\x05\x06" + bytes(18)):
        put(tmp_path / "any", bytes_)
        refused(tmp_path / "any")


class Bomb:
    def __reduce__(self):
        return os._exit, (86,)


def test_files_of_other_kinds_are_refused(tmp_path):
    path = tmp_path / "file"
    others = {
        "text": b"not an archive, a text\n" * 10, "nothing": b"", "npy": dumped(np.zeros(3)),
        "pickle": pickle.dumps(Bomb()), "empty zip": b"PK\x05\x06" + bytes(18)}
    for content in others.values():
        put(path, content)
        refused(path)
    np.savez(path.with_suffix(".npz"), weights=np.zeros(3))
    refused(path.with_suffix(".npz"), "no entry 'format': it is not from tinyvae")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Bomb()))  # as torch.save writes them
    refused(path, "no entry 'format'")


def test_a_missing_file_a_folder_and_a_device_are_called_by_name(tmp_path):
    refused(tmp_path / "missing.npz", "No such file", FileNotFoundError)
    refused(tmp_path, "This is a folder", IsADirectoryError)
    with pytest.raises(TypeError):
        load(3)  # a file descriptor would be read, too


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", "device or a pipe")
    refused("/dev/zero", "device or a pipe")


def test_entries_must_be_there_once_and_be_known(good):
    path, _, entries = good
    for name in ["format.npy", "config.npy", "theta.npy"]:
        write_zip(path, {k: v for k, v in entries.items() if k != name})
        refused(path, f"no entry '{name[:-4]}'")
    write_zip(path, {k: v for k, v in entries.items() if k != "state.npy"})
    refused(path, "arrays but no state")
    for name in ["extra.npy", "theta", "arrays/../x.npy", "arrays/.npy", "arrays/a b.npy", "/etc/passwd"]:
        write_zip(path, {**entries, name: entries["theta.npy"]})
        refused(path, "unknown entry")
    for name in entries:
        with pytest.warns(UserWarning, match="Duplicate name"):
            write_zip(path, [*entries.items(), (name, entries[name])])
        refused(path, "two entries of the same name")


def test_exchanged_entries_are_refused(good):
    """All but vectors of one dtype and length, such as theta and m: only their names tell them apart."""
    path, _, entries = good
    for a, b in itertools.combinations(entries, 2):
        if not {a, b} <= {"theta.npy", "arrays/m.npy", "arrays/order.npy"}:
            write_zip(path, {**entries, a: entries[b], b: entries[a]})
            refused(path)


def test_a_model_without_state_is_nothing_to_resume(tmp_path):
    save(tmp_path / "model.npz", model())
    with pytest.raises(ValueError, match=r"model\.npz: it holds a model without .*nothing to resume"):
        load_state(tmp_path / "model.npz")


@pytest.mark.parametrize(("written", "message"), [
    *((text, "newer tinyvae .*upgrade") for text in ["tinyvae 2", "tinyvae 999999"]),
    *((text, "expected 'tinyvae 1'") for text in [
        "", "tinyvae", "tinyvae 0", "tinyvae 1 ", "tinyvae 1.5", "othervae 1", "tinyvae \u0661"]),
    ("t" * 101, "at most 100")])
def test_formats_of_another_time_are_told_apart(good, written, message):
    path, _, entries = good
    write_zip(path, {**entries, "format.npy": dumped(np.array(written)), "novelty.npy": b""})
    refused(path, message)


CONFIG = describe(model())
BAD_CONFIGS = {
    "size zero": ({"data_dim": 0}, "data_dim is 0"),
    "negative": ({"latent_dim": -2}, "latent_dim is -2"),
    "float": ({"data_dim": 5.0}, "data_dim is 5.0"),
    "bool": ({"latent_dim": True}, "latent_dim is True"),
    "text": ({"data_dim": "5"}, "data_dim is '5'"),
    "null": ({"n_classes": None}, "n_classes is None"),
    "other size": ({"data_dim": 6}, rf"theta is float32 \({P},\); config describes float32 \({P + 7},\)"),
    "2 to the 31": ({"data_dim": 2**31}, "config describes"),
    "absurd": ({"data_dim": 2**63}, "data_dim is absurd"),
    "more absurd": ({"latent_dim": 10**4000}, "latent_dim is absurd"),
    "negative absurd": ({"n_classes": -(10**4000)}, "n_classes"),
    "wrapping around": ({"data_dim": 2**31, "hidden": [2**31], "latent_dim": 2**31}, "config describes"),
    "hidden absurd": ({"hidden": [3, 2**40]}, r"hidden\[1\] is absurd"),
    "hidden zero": ({"hidden": [0]}, r"hidden\[0\] is 0"),
    "hidden number": ({"hidden": 3}, "hidden is 3"),
    "hidden nested": ({"hidden": [[3]]}, r"hidden\[0\] is \[3\]"),
    "hidden object": ({"hidden": {"0": 3}}, "hidden is {"),
    "hidden text": ({"hidden": "3"}, "hidden is '3'"),
    "many layers": ({"hidden": [1] * 5000}, "config describes"),
    "too many layers": ({"hidden": [1] * 9000}, "at most 16384"),
    "likelihood": ({"likelihood": "poisson"}, "likelihood is 'poisson'"),
    "no likelihood": ({"likelihood": None}, "likelihood is"),
    "likelihood list": ({"likelihood": ["bernoulli"]}, "likelihood is"),
    "empty": ({"likelihood": {}}, "likelihood is"),
    "two": ({"likelihood": {"gaussian": 1.0, "bernoulli": 1}}, "likelihood is"),
    "std": ({"likelihood": {"gaussian": 0.0}}, "std is 0.0"),
    "std true": ({"likelihood": {"gaussian": True}}, "std is True"),
    "std text": ({"likelihood": {"gaussian": "wide"}}, "'wide'"),
    "std list": ({"likelihood": {"gaussian": [1]}}, r"std is \[1\]"),
    "std huge": ({"likelihood": {"gaussian": 10**400}}, "config: "),
    "std null": ({"likelihood": {"gaussian": None}}, "std is None"),
    "activation": ({"activation": "Exec"}, "activation is 'Exec'"),
    "builtin": ({"activation": "__class__"}, "activation is"),
    "activation list": ({"activation": ["ReLU"]}, "activation is"),
    "other dtype": ({"dtype": "float64"}, "config describes float64"),
    "float16": ({"dtype": "float16"}, "dtype is 'float16'"),
    "object": ({"dtype": "O"}, "dtype is 'O'"),
    "dtype list": ({"dtype": ["float32"]}, "dtype is"),
    "dtype number": ({"dtype": 4}, "dtype is 4"),
    "extra": ({"dropout": 0.5}, "config has the keys"),
    "another": ({"__class__": "os.system"}, "config has the keys"),
}


@pytest.mark.parametrize("case", BAD_CONFIGS)
def test_a_config_of_no_model_is_refused_in_words(good, case):
    changes, message = BAD_CONFIGS[case]
    path, _, entries = good
    write_zip(path, {**entries, "config.npy": dumped(np.array(json.dumps(CONFIG | changes)))})
    refused(path, message)


def test_a_config_needs_every_key(good):
    path, _, entries = good
    for name in CONFIG:
        config = {key: value for key, value in CONFIG.items() if key != name}
        write_zip(path, {**entries, "config.npy": dumped(np.array(json.dumps(config)))})
        refused(path, "config has the keys")


@pytest.mark.parametrize("text", [
    "", "{", "null", "3", "[]", '"text"', "{}{}", "{} x", "\ufeff{}", "{}\u2028;", "{'data_dim': 5}",
    '{"a": NaN}', '{"a": Infinity}', '{"a": -Infinity}', '{"a": 1e999}', '{"a": 01}', '{"a": "\\ud8"}',
    '{"a": 1, "a": 2}', '{"a": {"b": 1, "b": 1}}',
    "[" * 100_000, '{"a":' * 100_000, '{"a": ' + "9" * 1_000_000 + "}"])
def test_json_that_is_none_or_ambiguous_is_refused(good, text):
    path, _, entries = good
    if "9" * 5000 in text and not hasattr(sys, "get_int_max_str_digits"):
        pytest.skip("this Python turns a million digits into an int, in its time")
    for name in ["config.npy", "state.npy"]:
        write_zip(path, {**entries, name: dumped(np.array(text))})
        refused(path, name[:-4])


BODY = np.ones(P, np.float32).tobytes()
BAD_HEADERS = {
    "other size": npy(header(shape=(P + 1,)), BODY),
    "absurd": npy(header(shape=(2**62,)), BODY),
    "wrapping": npy(header(shape=(2**64 + P,)), BODY),
    "negative": npy(header(shape=(-P,)), BODY),
    "two negatives": npy(header(shape=(-P, -1)), BODY),
    "zero by absurd": npy(header(shape=(0, 2**100))),
    "scalar": npy(header(shape=()), BODY[:4]),
    "row": npy(header(shape=(1, P)), BODY),
    "many dimensions": npy(header(shape=(1,) * 100 + (P,)), BODY),
    "float size": npy(header(shape=(55.0,)), BODY),
    "text as shape": npy(header(shape="55"), BODY),
    "float64": npy(header("<f8", (P // 2,)), BODY[: P // 2 * 8]),
    "int32": npy(header("<i4"), BODY),
    "big-endian": npy(header(">f4"), BODY),
    "half": npy(header("<f2", (2 * P,)), BODY),
    "complex": npy(header("<c8", (P // 2,)), BODY[: P // 2 * 8]),
    "bytes": npy(header("|S4"), BODY),
    "void": npy(header("|V4"), BODY),
    "date": npy(header("<M8[s]", (P // 2,)), BODY[: P // 2 * 8]),
    "text": npy(header("<U1"), BODY),
    "nothing": npy(header("<U0", (2**60,))),
    "fields": npy(header([("a", "<f4")]), BODY),
    "sub-array": npy(header(("<f4", (P,)), ()), BODY),
    "absurd text": npy(header("<U999999999999999")),
    "objects": dumped(np.array([Bomb()], object)),
    "objects by header": npy(header("|O", (1,)), pickle.dumps(Bomb())),
    "object fields": npy(header([("a", "|O")], (1,)), bytes(8)),
    "no dtype": npy(header("rubbish"), BODY),
    "code": npy("__import__('os')._exit(86)", BODY),
    "deep": npy("(" * 900, BODY),
    "deeper": npy("(" * 60_000, BODY),
    "minus": npy("-" * 990 + "1", BODY),
    "long": npy(header().rstrip() + " " * 2000 + "\n", BODY),
    "very long": npy(header().rstrip() + " " * 60_000 + "\n", BODY),
    "list": npy("[]", BODY),
    "no keys": npy("{}", BODY),
    "more keys": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (55,), 'pickle': True}", BODY),
    "unhashable": npy("{[]: 1}", BODY),
    "keys of two kinds": npy("{1: 1, 'a': 2}", BODY),
    "no Latin": npy("{'descr': '\xb2'}", BODY),
    "zero byte": npy("{\0}", BODY),
    "no header": b"",
    "no magic": BODY,
    "half a header": npy(header(), BODY)[:40],
    "header length": b"\x93NUMPY\x01\x00\xff\xff" + BODY,
    "version 2": npy(header(), BODY, (2, 0)),
    "version 3": npy(header(), BODY, (3, 0)),
    "version 9": npy(header(), BODY, (9, 9)),
    "4 GB header": b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + BODY,
    "too short": npy(header(), BODY[:-1]),
    "too long": npy(header(), BODY + b"\0"),
    "just a header": npy(header()),
    "NaN": npy(header(), BODY[:-4] + np.float32("nan").tobytes()),
    "infinity": npy(header(), np.float32("-inf").tobytes() + BODY[4:]),
}


@pytest.mark.parametrize("case", BAD_HEADERS)
def test_an_array_that_is_not_what_config_promised_is_refused(good, case):
    path, _, entries = good
    write_zip(path, {**entries, "theta.npy": BAD_HEADERS[case]})
    refused(path, "theta")
    for name in ["config.npy", "state.npy", "format.npy"]:
        write_zip(path, {**entries, name: BAD_HEADERS[case]})
        refused(path, name[:-4])
    if case not in ("other size", "float64", "int32"):
        write_zip(path, {**entries, "arrays/m.npy": BAD_HEADERS[case]})
        with pytest.raises(ValueError, match="arrays/m"):
            load_state(path)


def test_text_that_is_no_unicode_is_refused(good):
    path, _, entries = good
    for body in (b"\xff\xff\xff\xff", b"\x00\xd8\x00\x00"):
        write_zip(path, {**entries, "config.npy": npy(header("<U1", ()), body)})
        refused(path)


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressed_entries_are_refused_with_the_remedy(good, compression):
    path, _, entries = good
    write_zip(path, entries, compression)
    refused(path, r"'format' is compressed or encrypted; write it with np\.savez")


@pytest.mark.parametrize(("field", "value"), [("flags", 1), ("method", 8), ("length", 0xFF)])
def test_entries_that_only_claim_to_be_compressed_or_encrypted_are_refused(good, field, value):
    path = good[0]
    whole = bytearray(path.read_bytes())
    offsets = {"flags": (6, 8), "method": (8, 10), "length": (22, 24)}[field]  # in both kinds of header
    for signature, offset in zip([b"PK\x03\x04", b"PK\x01\x02"], offsets, strict=True):
        for match in re.finditer(signature, bytes(whole)):
            whole[match.start() + offset] |= value
    put(path, whole)
    refused(path, r"compressed or encrypted; write it with np\.savez")


def test_pickles_are_called_by_name(good):
    path, _, entries = good
    for case in ["objects", "objects by header", "object fields"]:
        write_zip(path, {**entries, "theta.npy": BAD_HEADERS[case]})
        refused(path, "'theta' is a pickle, which could run any code")


def test_a_lack_of_memory_is_not_blamed_on_the_file(good, monkeypatch):
    def fail(entry):
        raise MemoryError

    monkeypatch.setattr(checkpoint, "_content", fail)
    with pytest.raises(MemoryError):
        load(good[0])


# ---- bounded memory ------------------------------------------------------------------------------------


@contextmanager
def memory_below(n_bytes):
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < n_bytes


def test_bombs_take_little_memory(good):
    path, _, entries = good
    deflated = zipfile.ZIP_DEFLATED
    zeros = npy(header(shape=(2**24,)), bytes(2**26))
    for name in ["theta.npy", "config.npy", "arrays/m.npy"]:
        with zipfile.ZipFile(path, "w") as archive:
            for key, content in entries.items():
                bomb = key == name
                archive.writestr(zipfile.ZipInfo(key), zeros if bomb else content, deflated if bomb else None)
        with memory_below(2e6):
            refused(path, "compressed")


def test_absurd_promises_take_little_memory(good):
    path, _, entries = good
    configs = [dumped(np.array(json.dumps(CONFIG | changes))) for changes, _ in BAD_CONFIGS.values()]
    thetas = BAD_HEADERS.values()
    for case in [*({"theta.npy": theta} for theta in thetas), *({"config.npy": c} for c in configs)]:
        write_zip(path, {**entries, **case})
        with memory_below(4e6):
            refused(path)


def test_json_bombs_take_little_memory(good):
    """JSON may cost some multiple of its length, which has a limit."""
    path, _, entries = good
    n = 300_000
    bombs = ['{"a": [' + "{}," * n + "1", '{"a": [' + "[]," * n + "1]}", '{"a": "' + "\\u0000" * n + '"}']
    for text in bombs:
        write_zip(path, {**entries, "state.npy": dumped(np.array(text))})
        with memory_below(40 * len(text)):
            found, message = attempt(path)
            assert found or str(path) in message
        write_zip(path, {**entries, "config.npy": dumped(np.array(text))})
        with memory_below(2e6):
            refused(path, "at most 16384")
    write_zip(path, {**entries, "state.npy": npy(header(f"<U{2**28}", ()))})
    with memory_below(2e6):
        refused(path)


def test_a_long_table_of_contents_takes_little_memory(tmp_path):
    path = tmp_path / "many"
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(40_000):
            archive.writestr(zipfile.ZipInfo(f"arrays/{i}.npy"), b"")
    with memory_below(4e6):
        refused(path, "table of contents is absurdly long")


def test_entries_that_overlap_are_refused(tmp_path):
    """The quine-like zip bomb without compression: every entry contains the next ones."""
    path = tmp_path / "overlap"
    write_zip(path, {"format.npy": dumped(np.zeros(1000)), "config.npy": b"", "theta.npy": b""})
    whole = bytearray(path.read_bytes())
    end = whole.index(b"PK\x05\x06")
    start = int.from_bytes(whole[end + 16 : end + 20], "little")
    for match in list(re.finditer(rb"PK\x01\x02", whole[start:end])):
        at = start + match.start()
        whole[at + 20 : at + 28] = (start - 200).to_bytes(4, "little") * 2
    put(path, whole)
    refused(path, "table of contents does not fit")


def test_loading_takes_a_few_times_the_memory_of_the_model(tmp_path):
    vae = VAE(784, 20)
    save(tmp_path / "model", vae)
    with memory_below(8 * vae.theta.nbytes):
        load(tmp_path / "model")


def test_nothing_in_a_file_is_executed(good):
    path, _, entries = good
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import tinyvae as tv; tv.load({str(path)!r})"
    for case in ["objects", "objects by header", "code"]:
        write_zip(path, {**entries, "theta.npy": BAD_HEADERS[case]})
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert done.returncode == 1  # neither 0 nor the bomb's 86
        assert "ValueError" in done.stderr


# ---- written whole or not at all -----------------------------------------------------------------------


def only(folder, *names):
    assert sorted(p.name for p in folder.iterdir()) == sorted(names)


class Failing(io.FileIO):
    """A file on a disk that fails after so many bytes."""

    left, error = 0, OSError()

    def write(self, data):
        if self.left == 0:
            raise self.error
        written = super().write(data[: self.left])
        self.left -= written
        return written


FAILURES = [
    OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
    OSError(errno.EIO, os.strerror(errno.EIO)),
    KeyboardInterrupt(),
    MemoryError(),
]


def broken(monkeypatch, error, after):
    def fake(path, mode):
        raw = Failing(path, mode.replace("b", ""))
        raw.left, raw.error = after, error
        return io.BufferedWriter(raw, 100)

    monkeypatch.setattr(files, "open", fake, raising=False)


@pytest.mark.parametrize("error", FAILURES, ids=repr)
def test_a_write_that_fails_anywhere_leaves_the_old_file(tmp_path, monkeypatch, error):
    path = tmp_path / "run.npz"
    save(path, *run(1))
    old = path.read_bytes()
    for after in range(0, len(old), 97):
        broken(monkeypatch, error, after)
        with pytest.raises(type(error)) as caught:
            save(path, *run(2))
        monkeypatch.undo()
        if isinstance(error, OSError):
            assert caught.value.errno == error.errno
            assert re.search(rf"{error.strerror}; nothing was written.*run\.npz", str(caught.value))
            assert "\n" not in str(caught.value)
        assert path.read_bytes() == old
        only(tmp_path, "run.npz")


@pytest.mark.parametrize("error", FAILURES, ids=repr)
@pytest.mark.parametrize("stage", ["fsync", "replace"])
@pytest.mark.parametrize("exists", [True, False])
def test_a_failure_after_the_write_leaves_the_old_file(tmp_path, monkeypatch, error, stage, exists):
    def fail(*args):
        raise error

    if exists:
        save(tmp_path / "run.npz", *run(1))
    with monkeypatch.context() as patch:
        patch.setattr(os, stage, fail)
        with pytest.raises(type(error)):
            save(tmp_path / "run.npz", *run(2))
    if exists:
        assert bits(*load_state(tmp_path / "run.npz")) == bits(*run(1))
    only(tmp_path, *(["run.npz"] if exists else []))


def test_a_folder_that_cannot_be_synced_is_no_failure(tmp_path, monkeypatch):
    def fail(*args):
        raise PermissionError(errno.EACCES, "as on Windows")

    monkeypatch.setattr(os, "open", fail)
    save(tmp_path / "run.npz", *run())
    assert bits(*load_state(tmp_path / "run.npz")) == bits(*run())


def test_the_file_reaches_the_disk_before_it_takes_the_name_and_the_folder_after(tmp_path, monkeypatch):
    calls = []
    for name in ["fsync", "replace"]:
        true = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *args, true=true, name=name: (calls.append(name), true(*args)))
    save(tmp_path / "run.npz", model())
    assert calls == (["fsync", "replace"] if os.name == "nt" else ["fsync", "replace", "fsync"])


def test_a_folder_that_is_none_gives_one_clear_line_and_changes_nothing(tmp_path):
    file = tmp_path / "file"
    file.write_text("old")
    for path, kind in [
        (tmp_path / "missing" / "m.npz", FileNotFoundError),
        (file / "m.npz", OSError),
        (tmp_path, FileExistsError),
    ]:
        with pytest.raises(kind) as caught:
            save(path, model())
        assert names(caught.value, path)
        assert "\n" not in str(caught.value)
        assert ".part" not in str(caught.value)
    assert file.read_text() == "old"
    only(tmp_path, "file")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions do not bind this user")
def test_a_read_only_folder_gives_one_clear_line_and_keeps_the_old_file(tmp_path):
    save(tmp_path / "run.npz", *run(1))
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError, match=r"nothing was written.*run\.npz"):
            save(tmp_path / "run.npz", *run(2))
        assert bits(*load_state(tmp_path / "run.npz")) == bits(*run(1))
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="this system has no /dev/null")
def test_a_device_is_not_replaced():
    with pytest.raises(FileExistsError, match="device"):
        save("/dev/null", model())
    assert not os.path.isfile("/dev/null")


def test_a_full_disk_leaves_the_old_file(tmp_path):
    """For real, by the limit that the system puts on the size of files."""
    resource = pytest.importorskip("resource")
    save(tmp_path / "run.npz", *run(1))
    size = (tmp_path / "run.npz").stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for limit in (0, size // 2, size - 1):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        try:
            with pytest.raises(OSError, match=r"nothing was written.*run\.npz"):
                save(tmp_path / "run.npz", *run(2))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert bits(*load_state(tmp_path / "run.npz")) == bits(*run(1))
        only(tmp_path, "run.npz")


def test_a_file_system_without_room_leaves_the_old_file(tmp_path):
    """For real, on a file system of 64 kB."""
    mounted = (
        sys.platform == "linux"
        and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", tmp_path], capture_output=True, check=False
        ).returncode
        == 0
    )
    if not mounted:
        pytest.skip("mounting a file system needs Linux and root")
    try:
        save(tmp_path / "run.npz", *run(1))
        with pytest.raises(OSError, match=r"No space left on device; nothing was written.*run\.npz"):
            save(tmp_path / "run.npz", model(), {}, {"v": np.zeros(20_000)})
        assert bits(*load_state(tmp_path / "run.npz")) == bits(*run(1))
        only(tmp_path, "run.npz")
    finally:
        subprocess.run(["umount", tmp_path], check=True)


KILLED = textwrap.dedent("""
    import os, random, signal, sys, time
    sys.path.insert(0, sys.argv[1])
    os.chdir(sys.argv[2])
    import numpy as np
    from tinyvae.checkpoint import load_state, save
    from tinyvae.vae import VAE

    vae = VAE(784, 20, hidden=(100,))  # 164,000 parameters, 2 MB with the moments
    def write(version):
        vae.theta[:] = version
        vector = np.full(vae.theta.size, version, np.float32)
        save("run.npz", vae, {"version": version}, {"m": vector, "v": vector})

    write(0)
    random.seed(0)
    seen = set()
    for i in range(80):
        child = os.fork()
        if child == 0:
            for version in range(10**9):
                write(version % 7)
        time.sleep(random.uniform(0.001, 0.04))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        back, state, arrays = load_state("run.npz")
        version = state["version"]
        assert (back.theta == version).all() and all((a == version).all() for a in arrays.values())
        seen.add(version)
    print(sorted(seen))
""")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_kill_9_at_any_moment_leaves_one_whole_version(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(ROOT), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    leftovers = [p.name for p in tmp_path.iterdir() if p.name != "run.npz"]
    assert all(re.fullmatch(r"run\.npz\.[0-9a-f]{16}\.part", name) for name in leftovers)  # as documented
    print(done.stdout, len(leftovers))


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no interval timer")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_an_interrupt_at_any_moment_leaves_one_whole_version_and_nothing_else(tmp_path, monkeypatch):
    """Ctrl-C by the clock: whatever bytecode it hits, what is there is whole.

    Between `open` and `with`, only the garbage collector can close a file; it may complain.
    """
    monkeypatch.setattr(sys, "unraisablehook", lambda complaint: None)

    class Tick(BaseException):
        pass

    def interrupt(signum, frame):
        raise Tick

    runs = {seed: bits(*run(seed)) for seed in (1, 2)}
    path = tmp_path / "run.npz"
    save(path, *run(1))
    before = signal.signal(signal.SIGALRM, interrupt)
    rng = random.Random(0)
    try:
        for _ in range(400):
            given = run(rng.choice([1, 2]))
            try:
                signal.setitimer(signal.ITIMER_REAL, rng.uniform(1e-4, 2e-3))
                save(path, *given)
                signal.setitimer(signal.ITIMER_REAL, 0)
            except Tick:
                pass
            assert bits(*load_state(path)) in runs.values()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    gc.collect()
    only(tmp_path, "run.npz")


# ---- replacing, for other files ---------------------------------------------------------------------


def test_replacing_writes_any_file_whole(tmp_path):
    path = tmp_path / "history.csv"
    for text in ["epoch,loss\n", "epoch,loss\n1,2\n"]:
        with replacing(path) as file:
            file.write(text.encode())
        assert path.read_bytes() == text.encode()
    only(tmp_path, "history.csv")


def test_an_error_inside_replacing_keeps_the_old_file_and_is_not_renamed(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text("old")
    other = FileNotFoundError(errno.ENOENT, "No such file", "other.csv")
    for error in [ZeroDivisionError(), KeyboardInterrupt(), OSError("without a number"), other]:
        with pytest.raises(type(error)) as caught, replacing(path) as file:  # noqa: PT012
            file.write(b"new")
            raise error
        assert caught.value is error
        assert path.read_text() == "old"
    only(tmp_path, "history.csv")


def test_two_writers_at_once_do_not_mix(tmp_path):
    with replacing(tmp_path / "a") as one, replacing(tmp_path / "a") as two:
        one.write(b"1" * 10_000)
        two.write(b"2" * 10_000)
        one.write(b"1" * 10_000)
    assert (tmp_path / "a").read_bytes() == b"1" * 20_000
    only(tmp_path, "a")


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need a privilege on Windows, modes do not exist")
def test_replacing_writes_through_a_link_and_with_the_users_mode(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "far" / "model.npz")
    save(tmp_path / "link", model())
    assert (tmp_path / "link").is_symlink()
    assert bits(load(tmp_path / "far" / "model.npz")) == bits(model())
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    assert (tmp_path / "far" / "model.npz").stat().st_mode == plain.stat().st_mode
