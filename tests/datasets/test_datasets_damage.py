"""Thousands of damaged files: each is refused by name or read as sound data, at no cost in memory."""

import gzip
import io
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from hostile import DAMAGED, dumped, header, memory_below, npy, put, zipped

from tinyvae.datasets import load, read_idx, write_idx

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 5, 4), dtype=np.uint8)
LABELS = np.arange(12) % 3


def npz(save=np.savez_compressed):
    stream = io.BytesIO()
    save(stream, x=IMAGES, y=LABELS, x_test=IMAGES[:5], y_test=LABELS[:5])
    return stream.getvalue()


def idx():
    return struct.pack(">BBBB3I", 0, 0, 8, 3, 12, 5, 4) + IMAGES.tobytes()


def csv():
    return b"label,a,b\n" + b"".join(b"%d,%d.5,-%de-3\n" % (y, y, y) for y in LABELS)


SOUND = {
    "a.npy": dumped(IMAGES),
    "deflated.npz": npz(),
    "stored.npz": npz(np.savez),
    "a.csv": csv(),
    "a.idx": idx(),
    "a.gz": gzip.compress(idx()),
}


def damages(content, rng, n):
    """n damaged versions: cut off, flipped bits, bytes replaced, removed, doubled, or appended."""
    for _ in range(n):
        damaged = bytearray(content)
        at = int(rng.integers(len(content)))
        length = int(rng.integers(1, 9))
        kind = rng.integers(6)
        if kind == 0:
            del damaged[at:]
        elif kind == 1:
            damaged[at] ^= 1 << int(rng.integers(8))
        elif kind == 2:
            damaged[at : at + length] = rng.bytes(length)
        elif kind == 3:
            del damaged[at : at + length]
        elif kind == 4:
            damaged[at:at] = damaged[at : at + length]
        else:
            damaged += rng.bytes(length)
        yield bytes(damaged)


def outcome(path):
    """The data, or None if they are refused by the one right kind of error."""
    try:
        return load(path)
    except ValueError as error:
        message = str(error)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return None


def assert_sound(data):
    for split in (data.train, data.validation, data.test):
        assert split.x.ndim == 2
        assert split.x.dtype.kind in "buf"
        assert np.isfinite(split.x).all()
        if split.y is not None:
            assert len(split.y) == len(split.x)
            assert 0 <= split.y.min(initial=0) <= split.y.max(initial=0) < data.n_classes


@pytest.mark.parametrize("name", SOUND)
@pytest.mark.filterwarnings("default")  # as users run it: NumPy warns of a header that looks like Python 2's
def test_a_damaged_file_is_refused_by_name_or_holds_sound_data(tmp_path, name):
    path, n = tmp_path / name, 800
    path.write_bytes(SOUND[name])
    assert_sound(load(path))
    rng = np.random.default_rng(1)
    refused = 0
    for damaged in damages(SOUND[name], rng, n):
        put(path, damaged)
        data = outcome(path)
        refused += data is None
        if data is not None:
            assert_sound(data)
    assert refused > n / 5  # the damage is real


@pytest.mark.parametrize("name", ["a.gz", "deflated.npz", "stored.npz"])
def test_a_checksummed_file_holds_the_right_data_or_is_refused(tmp_path, name):
    path, content = tmp_path / name, SOUND[name]
    path.write_bytes(content)
    right = load(path).fingerprint
    rng = np.random.default_rng(2)
    for at in range(len(content)):
        damaged = bytearray(content)
        damaged[at] ^= 1 << int(rng.integers(8))
        put(path, damaged)
        data = outcome(path)
        assert data is None or data.fingerprint == right


@pytest.mark.parametrize("name", ["a.npy", "deflated.npz", "a.idx", "a.gz"])
def test_every_truncation_and_every_appendix_is_refused(tmp_path, name):
    path, content = tmp_path / name, SOUND[name]
    for n in range(len(content)):
        put(path, content[:n])
        assert outcome(path) is None, n
    path.write_bytes(content + b"!")
    assert outcome(path) is None


def with_declared_size(content, size):
    """A zip file whose directories both claim that its member has `size` bytes."""
    content = bytearray(content)
    struct.pack_into("<I", content, 22, size)
    struct.pack_into("<I", content, content.index(b"PK\x01\x02") + 24, size)
    return bytes(content)


ZEROS = bytes(20 << 20)
SMALL = dumped(np.full((2, 3), 9, np.uint8))
HOSTILE = {
    **{f"{case}.npy": content for case, content in DAMAGED.items()},
    **{f"{case}.npz": zipped({"x.npy": content}) for case, content in DAMAGED.items()},
    "a pickle.npz": DAMAGED["pickle"],
    "no array.npz": zipped({"x.npy": b"text"}),
    "other name.npz": zipped({"z.npy": SMALL}),
    "path.npz": zipped({"../x.npy": SMALL}),
    "bomb.npz": zipped({"x.npy": SMALL + ZEROS}, zipfile.ZIP_DEFLATED),
    "bzip2 bomb.npz": zipped({"x.npy": SMALL + ZEROS}, zipfile.ZIP_BZIP2),
    "lzma bomb.npz": zipped({"x.npy": SMALL + ZEROS}, zipfile.ZIP_LZMA),
    "claims more.npz": with_declared_size(
        zipped({"x.npy": npy(header("<f8", (268_000_000, 1)))}, zipfile.ZIP_DEFLATED), 2_144_000_128),
    "claims less.npz": with_declared_size(zipped({"x.npy": SMALL + ZEROS}, zipfile.ZIP_DEFLATED), len(SMALL)),
    "claims too much.npz": with_declared_size(zipped({"x.npy": SMALL}), 0xFFFFFFF0),
    "bomb.gz": gzip.compress(struct.pack(">BBBB2I", 0, 0, 8, 2, 2, 3) + b"\x09" * 6 + ZEROS),
    "bomb that promises.gz": gzip.compress(struct.pack(">BBBB2I", 0, 0, 8, 2, 2**31, 3) + ZEROS),
    "promise.idx": struct.pack(">BBBB2I", 0, 0, 8, 2, 2**29, 3) + b"\x09" * 6,
    "promise.gz": gzip.compress(struct.pack(">BBBB2I", 0, 0, 8, 2, 2**29, 3) + b"\x09" * 6),
    "nul.csv": b"1,2\0\n3,4\n",
    "long field.csv": b"1" * 200_000,
    "latin.csv": b"1,\xe4\n",
    "numerals.csv": b"1e400000000000000000000,1\n2,3\n",
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.filterwarnings("default")
def test_a_hostile_file_is_refused_at_no_cost(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(HOSTILE[name])
    outcome(tmp_path / name)  # what is imported on the way is not counted below
    with memory_below(8 << 20):
        assert outcome(path) is None


def test_what_tracemalloc_sees_includes_arrays(tmp_path):
    write_idx(tmp_path / "a", np.zeros(9 << 20, np.uint8))
    tracemalloc.start()
    try:
        read_idx(tmp_path / "a")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 9 << 20 < peak < 18 << 20


def test_loading_a_pickle_runs_nothing(tmp_path):
    class Payload:
        def __reduce__(self):
            return (tmp_path.joinpath("executed").touch, ())

    for name in ("a.npy", "a.npz"):
        content = dumped(np.array([[Payload()]], object))
        (tmp_path / name).write_bytes(content if name == "a.npy" else zipped({"x.npy": content}))
        assert outcome(tmp_path / name) is None
        assert not (tmp_path / "executed").exists()
    np.load(tmp_path / "a.npy", allow_pickle=True)
    assert (tmp_path / "executed").exists()  # so the payload was live


def test_a_csv_without_line_breaks_is_refused_at_no_cost(tmp_path):
    path = tmp_path / "long.csv"
    path.write_text("1," * 20_000_000)
    with memory_below(200e6), pytest.raises(ValueError, match="a line of more than"):
        load(path)


def test_an_npz_with_two_arrays_of_one_name_is_refused(tmp_path):
    path = tmp_path / "two.npz"
    np.savez(path, x=np.zeros((3, 2)))
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("x.npy", archive.read("x.npy"))
    with pytest.raises(ValueError, match="same name"):
        load(path)
