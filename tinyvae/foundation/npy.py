"""Arrays from files of any origin: nothing in them is executed, and what they only promise takes no memory.

`numpy.load` does for one's own files. This is what reads checkpoints and data.
"""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, FileIO
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.lib import format as npy

from tinyvae.foundation.files import FilePath
from tinyvae.foundation.text import short

if TYPE_CHECKING:
    from zipfile import ZipFile

MAX_BYTES = 2 << 30  # no reader of data makes an array larger than this unless it is told to
SMALL, RATIO = 64 << 20, 100  # a compressed file may unpack to so many bytes, and so many times its size in addition
CHUNK = 1 << 20  # bytes read at once
LONGEST_HEADER = 1000  # characters; NumPy writes 118 for most arrays


class Promise(NamedTuple):
    """An array as a header describes it; whoever likes the description may `read` what follows it in the stream."""

    stream: Any  # binary, as open, gzip and zipfile give it
    name: str  # of the array in errors
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    order: Literal["C", "F"] = "C"

    def read(self, max_bytes: float = math.inf) -> np.ndarray:
        """The array, in native byte order; ValueError if the promise is absurd or not kept to the byte.

        The shape costs no memory until the bytes are there, and of a bomb one byte too many is unpacked.
        """
        # Python's integers don't overflow; zeros count as ones so that (0, 2**32, 2**32) is absurd, too.
        promised = math.prod(max(n, 1) for n in self.shape) * self.dtype.itemsize
        if promised > max_bytes:
            raise ValueError(f"{self.name} promises {promised} bytes; expected at most max_bytes={max_bytes}; if that "
                             "is right, give a larger max_bytes")
        n_bytes = math.prod(self.shape) * self.dtype.itemsize
        body = bytearray()
        while len(body) <= n_bytes and (chunk := self.stream.read(min(CHUNK, n_bytes + 1 - len(body)))):
            body += chunk
        if len(body) != n_bytes:
            found = f"only {len(body)} follow" if len(body) < n_bytes else "more follow"
            raise ValueError(f"{self.name} promises {n_bytes} bytes of data, {found}: get the file again")
        array = np.frombuffer(body, self.dtype).reshape(self.shape, order=self.order)
        return array.astype(self.dtype.newbyteorder("="), copy=False)


def promise(stream: Any, name: str = "it") -> Promise:
    """What the .npy file promises that begins here. ValueError if it is none, or holds objects: those are pickles."""
    try:
        version = npy.read_magic(stream)
        if version == (1, 0):  # NumPy writes others only for tables whose description exceeds 64 KiB
            shape, fortran_order, dtype = npy.read_array_header_1_0(stream, max_header_size=LONGEST_HEADER)
    except Exception:  # whatever a hostile header makes the parsers raise
        raise ValueError(f"{name} is damaged, or no .npy array; get the file again") from None
    if version != (1, 0):
        raise ValueError(f"{name} has .npy version {version}; expected (1, 0), a plain array of numbers")
    if dtype.hasobject:
        raise ValueError(f"{name} is a pickle, which could run any code; it is never read (dtype {dtype}; "
                         "expected numbers)")
    return Promise(stream, name, dtype, shape, "F" if fortran_order else "C")


def limit(path: FilePath, compressed: bool, max_bytes: int | None) -> int:
    """How many bytes a file of data may unpack to: `max_bytes`, or for None what is sensible for one of its size."""
    if max_bytes is not None:
        return max_bytes
    return min(MAX_BYTES, SMALL + RATIO * os.path.getsize(path)) if compressed else MAX_BYTES


class _InPieces(BufferedReader):
    """A file read in pieces: zipfile would read a table of contents of any length at once."""

    def read(self, size: int | None = -1) -> bytes:
        if size is not None and size > CHUNK:
            raise ValueError("its table of contents is absurdly long")
        return super().read(size)


@contextmanager
def archive(path: FilePath) -> Iterator["ZipFile"]:
    """An .npz file to read in a `with`, if its table of contents can be right; errors name it, as `naming` does."""
    import zipfile  # late, as it imports much

    with _InPieces(FileIO(path)) as file, naming(path), zipfile.ZipFile(file) as archive:
        # One wrong byte can make zipfile overlook entries; the end of the file counts them.
        file.seek(-12, os.SEEK_END)
        count = int.from_bytes(file.read(2), "little")
        infos, length = archive.infolist(), file.seek(0, os.SEEK_END)
        if len(infos) != count or sum(info.compress_size for info in infos) > length:
            raise ValueError("its table of contents does not fit its contents; get it again")
        if len(set(archive.namelist())) < len(infos):
            raise ValueError("it has two entries of the same name; write it again")
        yield archive


@contextmanager
def naming(path: FilePath) -> Iterator[None]:
    """Turn whatever goes wrong inside into a ValueError whose one line begins with the file's name."""
    try:
        yield
    except MemoryError:  # is not the file's fault
        raise
    # On damaged bytes gzip, zlib, zipfile, csv, ast and tokenize raise a dozen types without a common base.
    except Exception as error:
        known = isinstance(error, ValueError)
        message = str(error) if known else f"damaged file ({type(error).__name__}: {error}); get it again"
        raise ValueError(f"{os.fspath(path)}: {short(' '.join(message.split()))}") from error
