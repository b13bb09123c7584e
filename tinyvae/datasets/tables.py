"""Readers of data in .npy, .npz and .csv files that trust nothing the file says about itself."""

from array import array
from collections.abc import Iterator
from typing import IO, TextIO

import numpy as np

from tinyvae.foundation import npy
from tinyvae.foundation.files import FilePath
from tinyvae.foundation.npy import limit

LONGEST_LINE = 1 << 24  # characters
KEYS = ("x", "y", "x_test", "y_test")


def read_npy(path: FilePath, max_bytes: int | None = None) -> dict[str, np.ndarray]:
    """Read a .npy file of numbers as {"x": array}; raise ValueError, naming the file, for anything else."""
    with open(path, "rb") as file, npy.naming(path):
        return {"x": _numbers(file, "it", limit(path, False, max_bytes))}


def read_npz(path: FilePath, max_bytes: int | None = None) -> dict[str, np.ndarray]:
    """Read a .npz file of arrays x and, optionally, y, x_test, y_test; raise ValueError for anything else."""
    with npy.archive(path) as archive:
        infos = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        if len(infos) < len(archive.infolist()):
            raise ValueError("two of its arrays have the same name; write it with np.savez")
        if "x" not in infos or not infos.keys() <= set(KEYS):
            raise ValueError(f"it holds {', '.join(infos) or 'nothing'}; "
                             "expected x and, optionally, y, x_test, y_test")
        # zipfile unpacks these two, stored and deflated, in bounded steps, but a bomb made with bzip2 at once.
        if any(info.compress_type not in (0, 8) for info in infos.values()):
            raise ValueError("it is compressed by a method that NumPy doesn't use; write it with np.savez")
        max_bytes = limit(path, any(info.compress_type for info in infos.values()), max_bytes)
        promised = sum(info.file_size for info in infos.values())
        if promised > max_bytes:
            raise ValueError(f"it promises {promised} bytes; expected at most max_bytes={max_bytes}; if that "
                             "is right, give a larger max_bytes")
        arrays = {}
        for key, info in infos.items():
            with archive.open(info) as stream:
                arrays[key] = _numbers(stream, f"its array {key}", max_bytes)
        return arrays


def _numbers(stream: IO[bytes], name: str, max_bytes: int) -> np.ndarray:
    """The one array of numbers that must fill the stream, an .npy file."""
    promise = npy.promise(stream, name)
    if promise.dtype.kind not in "biuf":
        raise ValueError(f"{name} has dtype {promise.dtype}; expected numbers")
    return promise.read(max_bytes)


def read_csv(path: FilePath, max_bytes: int | None = None) -> dict[str, np.ndarray]:
    """Read rows of numbers as {"x": (N, D) float64}, and "y" (N,) if a header names a column y or label.

    The first row is a header if any of its fields is no number. Raises ValueError that says where.
    """
    import csv

    most = limit(path, False, max_bytes)
    with open(path, newline="", encoding="utf-8-sig") as file, npy.naming(path):
        rows = csv.reader(_lines(file), strict=True)
        first = next(rows, [])
        values = array("d")
        try:
            values.extend(map(float, first))
            names = [str(column) for column in range(1, len(first) + 1)]
        except ValueError:
            del values[:]
            names = [field.strip() for field in first]
        for row in rows:
            if not row:  # an empty line, as at the end of many files
                continue
            if len(row) != len(names):
                raise ValueError(f"line {rows.line_num} has {len(row)} fields; expected {len(names)}")
            try:
                values.extend(map(float, row))
            except ValueError:
                at = len(values) % len(names)  # the fields before it are there
                where = f"line {rows.line_num}, column {names[at]}"
                raise ValueError(f"{where} is {row[at]!r}; expected a number") from None
            if len(values) * values.itemsize > most:
                raise ValueError(f"it needs more than max_bytes={most} bytes of memory")
        x = np.frombuffer(values).reshape(-1, max(len(names), 1))
        labels = [i for i, name in enumerate(names) if name in ("y", "label")]
        if len(labels) > 1:
            raise ValueError(f"{len(labels)} columns are named y or label; expected one")
        if not labels:
            return {"x": x}
        return {"x": np.delete(x, labels, axis=1), "y": x[:, labels[0]]}


def _lines(file: TextIO) -> Iterator[str]:
    """The lines of a file, if none is so long that it would fill the memory."""
    while line := file.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE:
            raise ValueError(f"it has a line of more than {LONGEST_LINE} characters; expected a row of numbers a line")
        yield line
