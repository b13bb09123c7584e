"""The IDX format of MNIST's files: 00 00, a type, the number of dimensions, the dimensions, the numbers.

Source: http://yann.lecun.com/exdb/mnist/ ("The IDX file format"). All integers and floats are big endian.
"""

import os
import struct
from contextlib import nullcontext
from typing import Any

import numpy as np

from tinyvae.foundation.files import FilePath, replacing
from tinyvae.foundation.npy import MAX_BYTES, Promise, naming

DTYPES: dict[int, np.dtype[Any]] = {
    0x08: np.dtype(">u1"),
    0x09: np.dtype(">i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
MAX_DIMENSIONS = 32  # NumPy 1.x's; the format allows 255


def read_idx(path: FilePath, max_bytes: int = MAX_BYTES) -> np.ndarray:
    """Read an IDX file, plain or gzip, as an array in native byte order.

    Raises ValueError, naming the file, if it is no IDX file, is damaged, or would need more than `max_bytes`.
    """
    from gzip import GzipFile

    with open(path, "rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"  # the content decides, for names lie
        file.seek(0)
        with naming(path), GzipFile(fileobj=file) if zipped else nullcontext(file) as stream:
            magic = stream.read(4)
            if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in DTYPES:
                found = magic.hex(" ") or "nothing"
                raise ValueError(f"not an IDX file: it begins with {found}; expected 00 00 08, say")
            ndim = magic[3]
            if not 1 <= ndim <= MAX_DIMENSIONS:
                raise ValueError(f"its header promises {ndim} dimensions; expected 1 to {MAX_DIMENSIONS}")
            sizes = stream.read(4 * ndim)
            if len(sizes) < 4 * ndim:
                raise ValueError("it ends within its header: get the file again")
            shape = struct.unpack(f">{ndim}I", sizes)
            return Promise(stream, "its header", DTYPES[magic[2]], shape).read(max_bytes)


def write_idx(path: FilePath, array: np.ndarray) -> None:
    """Write an array as an IDX file, atomically; gzip if the name ends in .gz, the same bytes each time.

    Raises TypeError for a dtype and ValueError for a shape that the format doesn't have.
    """
    from gzip import GzipFile

    codes = {dtype: code for code, dtype in DTYPES.items()}
    dtype = array.dtype.newbyteorder(">")
    if dtype not in codes:
        names = ", ".join(known.newbyteorder("=").name for known in codes)
        raise TypeError(f"an array of {array.dtype} given; an IDX file holds {names}: convert it")
    if not 1 <= array.ndim <= MAX_DIMENSIONS:
        raise ValueError(f"an array of shape {array.shape} given; expected 1 to {MAX_DIMENSIONS} dimensions")
    zipped = os.fspath(path).endswith(".gz")
    # Without name and time in its header, gzip is a function of the content.
    with replacing(path) as file, GzipFile("", "wb", 9, file, mtime=0) if zipped else nullcontext(file) as stream:
        stream.write(struct.pack(f">BBBB{array.ndim}I", 0, 0, codes[dtype], array.ndim, *array.shape))
        stream.write(array.astype(dtype).tobytes())
