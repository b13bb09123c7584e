"""One door for all data: names and files become rows for training, validation and test, checked once."""

import hashlib
import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tinyvae.datasets.binarization import freeze
from tinyvae.datasets.download import FILES, SOURCES, fetch, find
from tinyvae.datasets.idx import read_idx
from tinyvae.datasets.tables import KEYS, read_csv, read_npy, read_npz
from tinyvae.foundation import checks
from tinyvae.foundation.files import FilePath
from tinyvae.foundation.npy import naming

NAMES = ("mnist-small", *SOURCES)
BUNDLED = Path(__file__).parent / "bundled"

TEST_SHARE = 10  # one row in ten becomes a test row where the source has none of its own
TEST_SEED, VALIDATION_SEED = 1, 2
MAX_CLASSES = 10_000  # labels are one-hot encoded: years or serial numbers are no labels

# The data set by the SHA-256 of its training labels: the files of the two have the same names.
LABELS = {"1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13": "mnist",
          "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7": "fashion-mnist"}


class Split(NamedTuple):
    """Rows x (N, D) and their labels y (N,) int64, or None."""

    x: np.ndarray
    y: np.ndarray | None


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Three splits that share no row of their source; validation may have no rows at all.

    x is uint8 (grey levels 0..255), bool, or float. `image_shape` is (h, w), or None if rows are no images;
    `n_classes` is 0 without labels.
    """

    name: str
    train: Split
    validation: Split
    test: Split
    image_shape: tuple[int, int] | None
    n_classes: int

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over all contents, as hex digits: what a run's record says about its data."""
        digest = hashlib.sha256()
        for array in (*self.train, *self.validation, *self.test):
            if array is not None:
                digest.update(f"{array.dtype.str}{array.shape}".encode())
                digest.update(array.ravel().data)
        return digest.hexdigest()

    def freeze(self, seed: int) -> "Dataset":
        """Return the data statically binarized: each pixel drawn once, each split from its own stream."""
        splits = (self.train, self.validation, self.test)
        streams = np.random.SeedSequence(seed).spawn(3)
        train, validation, test = (Split(freeze(x, stream), y) for (x, y), stream in zip(splits, streams, strict=True))
        return replace(self, train=train, validation=validation, test=test)

    def hold_out(self, n: int) -> "Dataset":
        """Return the data with n of the training rows, drawn by a fixed seed, for validation."""
        if n >= len(self.train.x):
            raise ValueError(f"validation is {n}; expected less than the {len(self.train.x)} training rows")
        train, validation = _hold_out(self.train, n, VALIDATION_SEED)
        return replace(self, train=train, validation=validation)

    def __repr__(self) -> str:
        sizes = f"{len(self.train.x)} + {len(self.validation.x)} + {len(self.test.x)}"
        shape = " × ".join(map(str, self.image_shape or self.train.x.shape[1:]))
        kind = f"{shape} {self.train.x.dtype}"
        return f"<Dataset {self.name}: {sizes} rows of {kind}, {self.n_classes} classes>"


def load(name_or_path: FilePath = "mnist-small", data_dir: FilePath | None = None, validation: int = 0,
         max_bytes: int | None = None) -> Dataset:
    """Load a data set by name or from a file, check it, and split it the same way each time.

    "mnist-small"             10,000 + 1,000 digits of MNIST, bundled with the package
    "mnist", "fashion-mnist"  60,000 + 10,000 images: four IDX files in the folder `data_dir`, else in
                              $TINYVAE_DATA (or a subfolder of that name), else downloaded once
    a path                    .npy (rows), .npz (x and, optionally, y, x_test, y_test), .csv (the column y
                              or label holds labels), an IDX file of images, a folder of four IDX files

    Rows are (N, D), or images (N, h, w), which are flattened. uint8 means grey levels 0..255; bools and
    floats are taken as they are, other integers become float64. Where a source has no test rows, a tenth
    of the rows is held out for them; then `validation` training rows are. Both are drawn by fixed seeds.
    A folder may hold a variant of MNIST: it is loaded as it is, and its fingerprint tells.

    Raises ValueError for unknown names and for contents that can't be right, FileNotFoundError if a file
    isn't there, OSError if a download fails; `max_bytes` bounds what a file may unpack to (2 GiB, and of a
    compressed one 64 MB and a hundred times its size).
    """
    if not isinstance(name_or_path, (str, os.PathLike)):
        raise TypeError(f"{type(name_or_path).__name__} given; expected the name of a data set, or a path")
    name = os.fspath(name_or_path)
    validation = checks.whole(validation, "validation", at_least=0)
    published = name_or_path in SOURCES  # a Path is never a name
    if data_dir is not None and not published:
        raise ValueError(f"data_dir is for {' and '.join(SOURCES)} only; leave it out for {name!r}")
    if published:
        named = data_dir or os.environ.get("TINYVAE_DATA")
        path = Path(named) if named else fetch(name)
        if named and (path / name).is_dir():
            path /= name
    elif name_or_path == "mnist-small":
        path = BUNDLED
    else:
        path = Path(name)
        if not path.exists():
            raise _not_found(name_or_path)
        if not path.is_file() and not path.is_dir():  # a pipe would keep us waiting for ever
            raise ValueError(f"{path}: neither a file nor a folder; expected data as .npy, .npz, .csv or IDX")
    arrays = _read_folder(path, max_bytes) if published or path.is_dir() else _read_file(path, max_bytes)
    with naming(path):
        if published:  # $TINYVAE_DATA may be meant for the other one
            found = LABELS.get(hashlib.sha256(arrays["y"].tobytes()).hexdigest(), name)
            if found != name:
                raise ValueError(f"this is {found}, not {name}; expected {name} there or in a subfolder {name}")
        data = _split(name, arrays)
        held_out = data.hold_out(validation)
    _doubt(data, given="x_test" in arrays)
    return held_out


def _read_folder(folder: Path, max_bytes: int | None) -> dict[str, np.ndarray]:
    found = {file: find(folder, file) for file in FILES}
    if missing := [file for file, path in found.items() if path is None]:
        raise FileNotFoundError(f"{folder}: {', '.join(missing)} missing; put them there, plain or as .gz")
    return {key: read_idx(path, max_bytes) for key, path in zip(KEYS, found.values(), strict=True) if path}


def _read_file(path: Path, max_bytes: int | None) -> dict[str, np.ndarray]:
    reader = {".npy": read_npy, ".npz": read_npz, ".csv": read_csv}.get(path.suffix.lower())
    return reader(path, max_bytes) if reader else {"x": read_idx(path, max_bytes)}


def _not_found(name_or_path: FilePath) -> Exception:
    """The error for what neither is a name nor exists: about names if it looks like one."""
    from difflib import get_close_matches

    path = Path(name_or_path)
    if name_or_path != path.name or path.suffix:
        return FileNotFoundError(f"{path}: no such file or folder; expected data as .npy, .npz, .csv or IDX")
    nearest = get_close_matches(path.name.lower(), NAMES, n=1, cutoff=0.0)[0]
    return ValueError(f"unknown data set {path.name!r}; did you mean {nearest!r}? "
                      f"Expected {', '.join(NAMES)}, or an existing file or folder")


def _split(name: str, arrays: dict[str, np.ndarray]) -> Dataset:
    """Check the arrays x, y, x_test, y_test, as far as they are given; no row is held out for validation yet."""
    shape = arrays["x"].shape[1:]
    train = Split(_rows(arrays["x"], "x"), _labels(arrays, "y", "x"))
    if "x_test" in arrays:
        test = Split(_rows(arrays["x_test"], "x_test"), _labels(arrays, "y_test", "x_test"))
        if (test_shape := arrays["x_test"].shape[1:]) != shape:
            raise ValueError(f"x has rows of shape {shape}, x_test of {test_shape}; expected the same")
        if test.x.dtype.kind != train.x.dtype.kind:
            raise ValueError(f"x is {train.x.dtype} but x_test is {test.x.dtype}; expected the same units")
        if (train.y is None) != (test.y is None):
            raise ValueError("only one of y and y_test is there; expected both or none")
    elif "y_test" in arrays:
        raise ValueError("y_test is there but x_test isn't; expected both or none")
    else:
        if len(train.x) == 1:
            raise ValueError("x has one row; expected at least two, for one becomes the test set")
        train, test = _hold_out(train, max(1, len(train.x) // TEST_SHARE), TEST_SEED)
    n_classes = 0 if train.y is None or test.y is None else 1 + int(max(train.y.max(), test.y.max()))
    none = Split(train.x[:0], None if train.y is None else train.y[:0])
    image_shape = (shape[0], shape[1]) if len(shape) == 2 else None
    return Dataset(name, train, none, test, image_shape, n_classes)


def _rows(x: np.ndarray, key: str) -> np.ndarray:
    """Numbers (N, D) or (N, h, w) as rows (N, D) of uint8, bool or finite floats."""
    if x.ndim not in (2, 3):
        raise ValueError(f"{key} has shape {x.shape}; expected rows (N, D) or images (N, h, w)")
    if x.size == 0:
        raise ValueError(f"{key} has shape {x.shape}; expected at least one row and one column")
    x = x.reshape(len(x), -1)
    if x.dtype in (np.uint8, bool):
        return checks.grey_levels(x, key)
    return checks.finite(x if x.dtype.kind == "f" else x.astype(np.float64), key)


def _doubt(data: Dataset, given: bool) -> None:
    """Say what can be right, but seldom is; given: whether the test rows are the source's own."""
    train, test = data.train, data.test
    checks.dark(train.x, "x")
    if train.y is not None and test.y is not None:
        checks.classes(np.concatenate([train.y, test.y]), data.n_classes)
    if given and len(test.x) >= 20:  # fewer are a toy
        known = {hash(row.tobytes()) for row in train.x}
        repeated = 1 - len(known) / len(train.x)  # short rows and few grey levels come twice by chance
        shared = sum(hash(row.tobytes()) in known for row in test.x) / len(test.x)
        if shared > max(0.1, 2 * repeated):
            checks.doubt(f"{shared:.0%} of the rows of x_test are the same as rows of x, and what is measured on them "
                         "is no test; give other rows, or leave x_test out")


def _labels(arrays: dict[str, np.ndarray], key: str, x_key: str) -> np.ndarray | None:
    """Labels as int64 (N,), one for each row; None without any."""
    if key not in arrays:
        return None
    y, n_rows = arrays[key], len(arrays[x_key])
    if y.shape != (n_rows,):
        hint = f"; one-hot labels become numbers by {key}.argmax(1)" if y.ndim == 2 and len(y) == n_rows else ""
        raise ValueError(f"{key} is {y.dtype} of shape {y.shape}; expected {n_rows} numbers, "
                         f"one for each row of {x_key}{hint}")
    wrong = ~((y >= 0) & (y < MAX_CLASSES) & (y == np.floor(y)))  # so NaN is wrong, too
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(f"{key}[{row}] is {y[row]}; expected whole numbers from 0 to n - 1 for n classes, "
                         f"n <= {MAX_CLASSES}: number the classes")
    return y.astype(np.int64)


def _hold_out(split: Split, n: int, seed: int) -> tuple[Split, Split]:
    """Take n rows out of a split, drawn by a seed; both parts keep the order of the rows."""
    held = np.zeros(len(split.x), bool)
    held[np.random.default_rng(seed).permutation(len(held))[:n]] = True
    rest, taken = (Split(split.x[part], None if split.y is None else split.y[part]) for part in (~held, held))
    return rest, taken
