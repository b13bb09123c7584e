"""What every file in this folder needs: bounded reading, and errors that name the file."""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, Protocol

import numpy as np

from tinyvae.foundation.files import FilePath

MAX_BYTES = 2 << 30  # no reader makes an array larger than this unless it is told to
CHUNK = 1 << 20  # bytes



class Readable(Protocol):
    """A binary stream as open, gzip and zipfile give it."""

    def read(self, n: int = -1, /) -> bytes: ...


@contextmanager
def naming(path: FilePath) -> Iterator[None]:
    """Turn whatever goes wrong inside into a ValueError whose one line begins with the file's name."""
    try:
        yield
    # On damaged bytes gzip, zlib, zipfile, csv, ast and tokenize raise a dozen types without a common base.
    except Exception as error:
        known = isinstance(error, ValueError)
        message = str(error) if known else f"damaged file ({type(error).__name__}: {error})"
        raise ValueError(f"{os.fspath(path)}: {' '.join(message.split())}") from error


def read_array(
    stream: Readable,
    dtype: np.dtype[Any],
    shape: tuple[int, ...],
    max_bytes: int,
    order: Literal["C", "F"] = "C",
) -> np.ndarray:
    """Read the array that must fill the rest of `stream`, in native byte order.

    The promised `shape` is not trusted: it costs no memory until the bytes are there, and of a bomb one
    byte too many is unpacked. Raises ValueError if the promise is absurd or not kept to the byte.
    """
    # Python's integers don't overflow; zeros count as ones so that (0, 2**32, 2**32) is absurd, too.
    promised = math.prod(max(n, 1) for n in shape) * dtype.itemsize
    if promised > max_bytes:
        raise ValueError(f"its header promises {promised} bytes; expected at most max_bytes={max_bytes}")
    n_bytes = math.prod(shape) * dtype.itemsize
    body = bytearray()
    while len(body) <= n_bytes and (chunk := stream.read(min(CHUNK, n_bytes + 1 - len(body)))):
        body += chunk
    if len(body) != n_bytes:
        found = f"only {len(body)} follow" if len(body) < n_bytes else "more follow"
        raise ValueError(f"its header promises {n_bytes} bytes of data, {found}: get the file again")
    array = np.frombuffer(body, dtype).reshape(shape, order=order)
    return array.astype(dtype.newbyteorder("="), copy=False)
