"""Readers of arrays in .npy, .npz and .csv files that trust nothing the file says about itself.

`numpy.load` does for one's own files. These readers run no code that a file brings (no pickles), spend no
memory on what it only promises, and name it in every error.
"""

from array import array
from collections.abc import Iterator
from typing import TextIO

import numpy as np

from tinyvae.datasets.files import MAX_BYTES, FilePath, Readable, naming, read_array

LONGEST_LINE = 1 << 24  # characters
KEYS = ("x", "y", "x_test", "y_test")


def read_npy(path: FilePath, max_bytes: int = MAX_BYTES) -> dict[str, np.ndarray]:
    """Read a .npy file of numbers as {"x": array}; raise ValueError, naming the file, for anything else."""
    with open(path, "rb") as file, naming(path):
        return {"x": _read_npy(file, max_bytes)}


def read_npz(path: FilePath, max_bytes: int = MAX_BYTES) -> dict[str, np.ndarray]:
    """Read a .npz file of arrays x and, optionally, y, x_test, y_test; raise ValueError for anything else."""
    import zipfile

    with open(path, "rb") as file, naming(path), zipfile.ZipFile(file) as archive:
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        if len(members) < len(archive.infolist()):
            raise ValueError("two of its arrays have the same name; write it with np.savez")
        if "x" not in members or not members.keys() <= set(KEYS):
            raise ValueError(f"it holds {', '.join(members) or 'nothing'}; "
                             "expected x and, optionally, y, x_test, y_test")
        # One flipped bit makes a comment of the members that follow; NumPy writes none.
        if any(info.comment for info in members.values()):
            raise ValueError("its directory is damaged: get the file again")
        # zipfile unpacks these two in bounded steps, but a bomb made with bzip2 at once.
        methods = {info.compress_type for info in members.values()}
        if not methods <= {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise ValueError("it is compressed by a method that NumPy doesn't use; write it with np.savez")
        promised = sum(info.file_size for info in members.values())
        if promised > max_bytes:
            raise ValueError(f"it promises {promised} bytes; expected at most max_bytes={max_bytes}")
        arrays = {}
        for key, info in members.items():
            with archive.open(info) as member:
                arrays[key] = _read_npy(member, max_bytes)
        return arrays


def read_csv(path: FilePath, max_bytes: int = MAX_BYTES) -> dict[str, np.ndarray]:
    """Read rows of numbers as {"x": (N, D) float64}, and "y" (N,) if a header names a column y or label.

    The first row is a header if any of its fields is no number. Raises ValueError that says where.
    """
    import csv

    with open(path, newline="", encoding="utf-8-sig") as file, naming(path):
        rows = csv.reader(_lines(file), strict=True)
        first = next(rows, [])
        values = array("d")
        try:
            values.extend(map(float, first))
            names = [str(column) for column in range(1, len(first) + 1)]
        except ValueError:
            values = array("d")
            names = [field.strip() for field in first]
        for row in rows:
            if not row:  # an empty line, as at the end of many files
                continue
            if len(row) != len(names):
                raise ValueError(f"line {rows.line_num} has {len(row)} fields; expected {len(names)}")
            try:
                values.extend(map(float, row))
            except ValueError:
                at = next(i for i, field in enumerate(row) if not _is_number(field))
                where = f"line {rows.line_num}, column {names[at]}"
                raise ValueError(f"{where} is {row[at]!r}; expected a number") from None
            if len(values) * values.itemsize > max_bytes:
                raise ValueError(f"it needs more than max_bytes={max_bytes} bytes of memory")
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


def _read_npy(stream: Readable, max_bytes: int) -> np.ndarray:
    """Read the one array of numbers that must fill the stream."""
    version = np.lib.format.read_magic(stream)
    if version != (1, 0):  # NumPy writes others only for tables whose description exceeds 64 KiB
        raise ValueError(f"it has .npy version {version}; expected (1, 0), a plain array of numbers")
    shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(stream)
    if dtype.kind not in "biuf":  # above all no objects, which would be pickles
        raise ValueError(f"an array of dtype {dtype}; expected numbers")
    return read_array(stream, dtype, shape, max_bytes, "F" if fortran_order else "C")


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True
