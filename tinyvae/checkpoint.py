"""One file format for models and for runs: an .npz that four lines of NumPy read, without pickle.

    format      "tinyvae 1"
    config      JSON: the arguments of VAE(...), and the version of the package
    theta       all parameters, (P,)
    state       JSON, and
    arrays/…    vectors: what a run needs to go on where it stopped; only in checkpoints

A file is written whole or not at all. It is read with suspicion: nothing in it is executed, and
memory is taken only for what has been checked. docs/file-format.md tells the details.
"""

import errno
import json
import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import numpy as np

import tinyvae
from tinyvae.foundation import checks, npy
from tinyvae.foundation.files import FilePath, write
from tinyvae.layers import ReLU, Sigmoid, Softplus, Tanh
from tinyvae.likelihoods import Bernoulli, DiagonalGaussian, FixedGaussian, Gaussian, NetworkGaussian, SharedGaussian
from tinyvae.vae import VAE, networks

Array = np.ndarray

FORMAT = 1
ACTIVATIONS = {a.__name__: a for a in (ReLU, Tanh, Softplus, Sigmoid)}
VECTORS = ("<f4", "<f8", "<i4", "<i8")  # what a vector may hold; "<": little-endian on every machine
NAME = r"[A-Za-z0-9_.-]{1,100}"  # what it may be called
ENTRY = re.compile(rf"(format|config|theta|state|arrays/{NAME})\.npy")

# Far more than a model needs, yet little enough to be harmless.
LONGEST = {"format": 100, "config": 1 << 14, "state": 1 << 22}  # characters
LARGEST_SIZE = 1 << 31  # of one layer

BY_HAND = "keep np.save(path, vae.theta) and the code that builds the VAE instead"


# ---- writing -------------------------------------------------------------------------------------


def save(path: FilePath, vae: VAE, state: dict | None = None,
         arrays: Mapping[str, Array] | None = None) -> None:
    """Write `vae` to the file `path`; to make it a checkpoint, add the state of its training.

    state   a dict of what JSON can hold; finite floats and ints of any size come back exactly
    arrays  {name: vector (n,)}, each of finite float32, float64, int32 or int64

    TypeError or ValueError for what could not be read again, before anything is written; OSError
    where the file can't be written. Either way an older file stays as it was.
    """
    config, arrays = describe(vae), arrays or {}
    entries = {"format": np.array(f"tinyvae {FORMAT}"), "config": _to_json(config, "config"),
               "theta": _to_vector(vae.theta, "theta")}
    if vae.theta.size != (expected := _size(_arguments(config))):
        raise TypeError(f"theta has {vae.theta.size} parameters, a VAE described by {config} has {expected}; "
                        f"if you changed its parts, {BY_HAND}")
    if state is not None or arrays:
        entries["state"] = _to_json({} if state is None else state, "state")
    for name in sorted(arrays):
        if not re.fullmatch(NAME, name):
            raise ValueError(f"arrays has a name {name!r}; expected up to 100 of A-Z a-z 0-9 _ . -")
        entries[f"arrays/{name}"] = _to_vector(arrays[name], f"arrays/{name}")

    # First in memory: zipfile, interrupted or on a full disk, can turn the error into one of its own.
    buffer = BytesIO()
    archive = zipfile.ZipFile(buffer, "w")
    for name, array in entries.items():
        info = zipfile.ZipInfo(f"{name}.npy")  # its date is always 1980: equal contents are equal bytes
        info.create_system = 3  # Unix, on Windows as well, for the same reason
        info.file_size = array.nbytes  # lets zipfile choose 64-bit sizes where it must
        with archive.open(info, "w") as entry:
            np.lib.format.write_array(entry, array, version=(1, 0), allow_pickle=False)
    archive.close()
    write(path, buffer.getbuffer())


def _to_json(value: dict, name: str) -> Array:
    """A dict as JSON in a 0-d array, if it comes back the same."""
    try:
        text = json.dumps(value, allow_nan=False, sort_keys=True)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name} can't be written as JSON: {error}") from None
    if _from_json(text, name) != value:
        raise TypeError(f"{name} would come back from JSON changed: use str for keys, lists for tuples")
    return np.array(text)


def _to_vector(vector: Any, name: str) -> Array:
    vector = np.asarray(vector, np.asarray(vector).dtype.newbyteorder("<"))
    _check_vector(vector.dtype, vector.shape, name)
    return checks.finite(vector, name)


# ---- reading -------------------------------------------------------------------------------------


def load(path: FilePath) -> VAE:
    """The model in the file `path`, be it a model's or a checkpoint.

    ValueError if the file is damaged, or not one of tinyvae's; OSError if it can't be read.
    """
    return _read(path)[0]


def load_state(path: FilePath) -> tuple[VAE, dict, dict[str, Array]]:
    """(vae, state, arrays) as `save` was given them. Errors as for `load`, and for a file without state."""
    vae, state, arrays = _read(path)
    if state is None:
        raise ValueError(f"{os.fsdecode(path)}: it holds a model without the state of its training, so "
                         "there is nothing to resume; use load")
    return vae, state, arrays


def _read(path: FilePath) -> tuple[VAE, dict | None, dict[str, Array]]:
    """What is in the file; each step may trust the ones before it."""
    path = os.fsdecode(path)
    if os.path.isdir(path):
        raise IsADirectoryError(errno.EISDIR, "This is a folder; expected a file", path)
    if os.path.exists(path) and not os.path.isfile(path):  # a pipe would keep us waiting for ever
        raise ValueError(f"{path}: this is a device or a pipe; expected a file")
    with npy.archive(path) as archive:
        written = _text(archive, "format")
        newer = re.fullmatch(r"tinyvae (\d+)", written)
        if newer and int(newer[1]) > FORMAT:
            raise ValueError(f"it was written by a newer tinyvae ({written!r}); pip install --upgrade tinyvae")
        if written != f"tinyvae {FORMAT}":
            raise ValueError(f"its format is {written!r}; expected 'tinyvae {FORMAT}'")
        names = archive.namelist()
        if unknown := [name for name in names if not ENTRY.fullmatch(name)]:
            raise ValueError(f"it has an unknown entry {unknown[0][:100]!r}; make it again with tinyvae.save")

        arguments = _arguments(_from_json(_text(archive, "config"), "config"))
        theta = _vector(archive, "theta", (arguments["dtype"], (_size(arguments),)))
        state = _from_json(_text(archive, "state"), "state") if "state.npy" in names else None
        arrays = {name[7:-4]: _vector(archive, name[:-4]) for name in names if name.startswith("arrays/")}
        if arrays and state is None:
            raise ValueError("it has arrays but no state; make it again with tinyvae.save")
        vae = VAE(**arguments, rng=0)
        vae.theta[:] = theta
        return vae, state, arrays


def _text(archive: zipfile.ZipFile, name: str) -> str:
    with _entry(archive, name) as entry:
        if entry.dtype.str[:2] != "<U" or entry.shape != () or entry.dtype.itemsize > 4 * LONGEST[name]:
            raise ValueError(f"{name} is {entry.dtype} {entry.shape}; "
                             f"expected a text of at most {LONGEST[name]} characters")
        return entry.read().astype(entry.dtype).tobytes().decode("utf-32-le")


def _vector(archive: zipfile.ZipFile, name: str, expected: tuple | None = None) -> Array:
    """A vector, if `expected` is given of this (dtype, shape)."""
    with _entry(archive, name) as entry:
        _check_vector(entry.dtype, entry.shape, name)
        if expected and (entry.dtype, entry.shape) != expected:
            raise ValueError(f"{name} is {entry.dtype} {entry.shape}; config describes {expected[0]} {expected[1]}")
        return checks.finite(entry.read(), name)


@contextmanager
def _entry(archive: zipfile.ZipFile, name: str) -> Iterator[npy.Promise]:
    """What entry `name` promises. It is not long: what is stored plainly can't unpack to more than the whole file."""
    try:
        info = archive.getinfo(f"{name}.npy")
    except KeyError:
        raise ValueError(f"it has no entry {name!r}: it is not from tinyvae, or not complete") from None
    if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size or info.flag_bits & 1:
        raise ValueError(f"its entry {name!r} is compressed or encrypted; write it with np.savez")
    with archive.open(info) as stream:
        yield npy.promise(stream, f"its entry {name!r}")


def _check_vector(dtype: np.dtype, shape: tuple[int, ...], name: str) -> None:
    if dtype.str not in VECTORS or len(shape) != 1:
        raise ValueError(f"{name} is {dtype} {shape}; expected (n,) float32, float64, int32 or int64")


def _from_json(text: str, name: str) -> dict:
    """The dict in a text of any origin: without NaN, infinity, or a key twice."""
    if len(text) > LONGEST[name]:
        raise ValueError(f"{name} takes {len(text)} characters of JSON; the limit is {LONGEST[name]}: use arrays")
    try:
        value = json.loads(text, parse_float=_number, parse_constant=_number, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name} is not the JSON it should be: {error}") from None
    if not isinstance(value, dict):
        raise ValueError(f"{name} is JSON for a {type(value).__name__}; expected a dict")
    return value


def _number(text: str) -> float:
    return checks.number(float(text), "a number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("it gives one key twice")
    return dict(pairs)


# ---- a model and its description -----------------------------------------------------------------


def describe(vae: VAE) -> dict[str, Any]:
    """The arguments of VAE(...) for a model like `vae`, as JSON. TypeError if a part of it is your own."""
    if type(vae) is not VAE:
        raise TypeError(f"a file can describe a tinyvae.VAE, but not a {type(vae).__name__}; {BY_HAND}")
    likelihood: Any = vae.likelihood
    kind, activation = type(likelihood), vae.activation.__name__
    if kind is Bernoulli:
        likelihood = "bernoulli"
    elif kind in (FixedGaussian, SharedGaussian, NetworkGaussian):
        likelihood = {"gaussian": likelihood.std if isinstance(likelihood.std, str) else float(likelihood.std)}
    else:
        raise TypeError(f"a file can't describe {kind.__name__}, a likelihood of your own; {BY_HAND}")
    if ACTIVATIONS.get(activation) is not vae.activation:
        raise TypeError(f"a file can't describe {activation}, an activation of your own; {BY_HAND}")
    return {"data_dim": vae.data_dim, "latent_dim": vae.latent_dim, "hidden": list(vae.hidden),
            "likelihood": likelihood, "activation": activation, "n_classes": vae.n_classes,
            "dtype": checks.real_dtype(vae.theta.dtype).name, "version": tinyvae.__version__}


def _arguments(config: dict[str, Any]) -> dict[str, Any]:
    """The arguments of VAE(...) in a config of any origin, before any of them takes memory."""
    names = {"data_dim", "latent_dim", "hidden", "likelihood", "activation", "n_classes", "dtype", "version"}
    if config.keys() != names:
        raise ValueError(f"config has the keys {sorted(config)}; expected {sorted(names)}")
    try:
        sizes = {name: config[name] for name in ("data_dim", "latent_dim", "n_classes")}
        sizes |= {f"hidden[{i}]": size for i, size in enumerate(checks.sequence(config["hidden"], "hidden"))}
        for name, size in sizes.items():
            if checks.whole(size, name, at_least=int(name != "n_classes")) > LARGEST_SIZE:
                raise ValueError(f"{name} is absurd; expected at most {LARGEST_SIZE}")
        activation = ACTIVATIONS.get(str(config["activation"]))
        if activation is None:
            raise ValueError(f"activation is {config['activation']!r}; expected one of {list(ACTIVATIONS)}")
        return {**{name: config[name] for name in names - {"version"}}, "activation": activation,
                "likelihood": _likelihood(config["likelihood"]), "dtype": checks.real_dtype(config["dtype"])}
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"config: {error}") from None


def _likelihood(described: Any) -> Bernoulli | DiagonalGaussian:
    if described == "bernoulli":
        return Bernoulli()
    if not isinstance(described, dict) or described.keys() != {"gaussian"}:
        raise ValueError(f"likelihood is {described!r}; expected 'bernoulli' or {{'gaussian': std}}")
    std = described["gaussian"]
    return Gaussian(std if isinstance(std, str) else checks.number(std, "std", above=0))


def _size(arguments: dict[str, Any]) -> int:
    """P, the length of theta; layers that are not bound take no memory yet."""
    chains = networks(**{name: value for name, value in arguments.items() if name != "dtype"})
    return arguments["likelihood"].size + sum(chain.size for chain in chains)
