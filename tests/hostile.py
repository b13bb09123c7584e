"""Files that no reader may believe, byte by byte, and what it costs to read them."""

import io
import os
import pickle
import tracemalloc
import zipfile
from contextlib import contextmanager

import numpy as np

SIZE = 63  # numbers in the sound array that each of DAMAGED was made from


class Bomb:
    """Whoever unpickles it ends."""

    def __reduce__(self):
        return os._exit, (86,)


def put(path, content):
    """Write over the old content: ext4 waits for the disk after a file was cut to nothing."""
    with open(path, "r+b" if path.exists() else "xb") as file:
        file.write(content)
        file.truncate()


def dumped(array, **options):
    """The bytes of an .npy file as NumPy writes it."""
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def npy(header, body=b"", version=(1, 0)):
    """The bytes of an .npy file with any header."""
    header = header.encode("latin1") if isinstance(header, str) else header
    length = len(header).to_bytes(2 if version == (1, 0) else 4, "little")
    return b"\x93NUMPY" + bytes(version) + length + header + body


def header(descr="<f4", shape=(SIZE,), fortran=False):
    return f"{{'descr': {descr!r}, 'fortran_order': {fortran}, 'shape': {shape!r}, }}\n"


def zipped(entries, compression=zipfile.ZIP_STORED):
    """The bytes of a zip of entries, a dict or pairs of name and bytes, with right checksums."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in entries.items() if isinstance(entries, dict) else entries:
            archive.writestr(zipfile.ZipInfo(name), content, compression)
    return file.getvalue()


def names(error, path):
    """An OSError shows the repr of its path, which is another text on Windows."""
    return str(path) in str(error) or getattr(error, "filename", None) == str(path)


@contextmanager
def memory_below(n_bytes):
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < n_bytes


BODY = np.ones(SIZE, np.float32).tobytes()
SOUND = npy(header(), BODY)
DAMAGED = {
    "one number more": npy(header(shape=(SIZE + 1,)), BODY),
    "one number less": npy(header(shape=(SIZE - 1,)), BODY),
    "absurd": npy(header(shape=(2**62,)), BODY),
    "wrapping": npy(header(shape=(2**64 + SIZE,)), BODY),
    "wrapping product": npy(header("<f8", (2**32, 2**32, 2**32))),
    "just not absurd": npy(header("<f8", (268_000_000, 1)), BODY),
    "a terabyte": npy(header("|u1", (10**12,)), BODY),
    "negative": npy(header(shape=(-SIZE,)), BODY),
    "two negatives": npy(header(shape=(-SIZE, -1)), BODY),
    "zero by absurd": npy(header(shape=(0, 2**100))),
    "zero by three absurd": npy(header("<f8", (0, 2**32, 2**32, 2**32))),
    "many dimensions": npy(header(shape=(1,) * 100 + (SIZE,)), BODY),
    "float size": npy(header(shape=(63.0,)), BODY),
    "bool size": npy(header("|u1", (True, 4)), BODY[:4]),
    "text as shape": npy(header(shape="63"), BODY),
    "complex": npy(header("<c8", (SIZE // 2,)), BODY[: SIZE // 2 * 8]),
    "bytes": npy(header("|S4"), BODY),
    "void": npy(header("|V4"), BODY),
    "large void": npy(header("|V2000000000", (1,))),
    "date": npy(header("<M8[s]", (SIZE // 2,)), BODY[: SIZE // 2 * 8]),
    "text": npy(header("<U1"), BODY),
    "nothing": npy(header("<U0", (2**60,))),
    "fields": npy(header([("a", "<f4")]), BODY),
    "absurd text": npy(header("<U999999999999999")),
    "objects": dumped(np.array([Bomb()], object)),
    "objects by header": npy(header("|O", (1,)), pickle.dumps(Bomb())),
    "object fields": npy(header([("a", "|O")], (1,)), bytes(8)),
    "pickle": pickle.dumps(Bomb()),
    "no dtype": npy(header("rubbish"), BODY),
    "code": npy("__import__('os')._exit(86)", BODY),
    "deep": npy("(" * 900, BODY),
    "deeper": npy("(" * 60_000, BODY),
    "deep shape": npy("{'descr': '<f8', 'fortran_order': False, 'shape': " + "(" * 9000 + ", }", BODY),
    "minus": npy("-" * 990 + "1", BODY),
    "more minus": npy("{'descr': " + "-" * 9000 + "1, 'fortran_order': False, 'shape': (1,), }", BODY),
    "long": npy(header().rstrip() + " " * 2000 + "\n", BODY),
    "longer": npy(header().rstrip() + " " * 20_000 + "\n", BODY),
    "very long": npy(header().rstrip() + " " * 60_000 + "\n", BODY),
    "list": npy("[]", BODY),
    "list of numbers": npy("[1, 2, 3]", BODY),
    "no keys": npy("{}", BODY),
    "no shape": npy("{'descr': '<f8', 'fortran_order': False}", BODY),
    "more keys": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (63,), 'pickle': True}", BODY),
    "unhashable": npy("{[]: 1}", BODY),
    "unhashable, too": npy("{{}: 1}", BODY),
    "keys of two kinds": npy("{1: 1, 'a': 2}", BODY),
    "no Latin": npy("{'descr': '\xb2'}", BODY),
    "zero byte": npy("{\0}", BODY),
    "zero bytes": npy("\0\0\0", BODY),
    "no header": b"",
    "no magic": BODY,
    "half a header": SOUND[:40],
    "header length": b"\x93NUMPY\x01\x00\xff\xff" + BODY,
    "version 2": npy(header(), BODY, (2, 0)),
    "version 3": npy(header(), BODY, (3, 0)),
    "version 9": npy(header(), BODY, (9, 9)),
    "4 GB header": b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + BODY,
    "too short": SOUND[:-1],
    "too long": SOUND + b"\0",
    "just a header": npy(header()),
}
