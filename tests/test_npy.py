"""One reader for arrays of any origin: what NumPy writes comes back equal, what is damaged comes back not at all."""

import gzip
import io
import struct
import zipfile

import numpy as np
import pytest
from hostile import DAMAGED, SIZE, SOUND, dumped, header, memory_below, npy, put, zipped
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinyvae as tv
from tinyvae import datasets
from tinyvae.checkpoint import load, load_state
from tinyvae.datasets.tables import read_npy, read_npz
from tinyvae.foundation.npy import CHUNK, archive, limit, naming, promise

NUMBERS = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "g"]
VECTORS = ["f4", "f8", "i4", "i8"]  # what a checkpoint may hold
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def arrays(dtypes, shapes):
    """Arrays of these dtypes in either order of bytes, rows or columns first, whole or every other number."""
    dtype = st.builds(lambda dtype, order: np.dtype(order + dtype), st.sampled_from(dtypes), st.sampled_from("<>"))
    array = dtype.flatmap(lambda dtype: hnp.arrays(dtype, shapes))
    layouts = [lambda a: a, np.asfortranarray, lambda a: a.T, lambda a: a[..., ::2] if a.ndim else a]
    return st.builds(lambda a, layout: layout(a), array, st.sampled_from(layouts))


def assert_same(read, written):
    assert read.dtype == written.dtype.newbyteorder("=")
    assert read.dtype.isnative
    assert read.shape == written.shape
    assert read.flags.writeable
    np.testing.assert_array_equal(read, written)


@quick
@given(array=arrays(NUMBERS, hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=5)))
def test_the_readers_of_data_give_back_what_numpy_wrote_bit_for_bit(tmp_path, array):
    assert_same(promise(io.BytesIO(dumped(array))).read(), array)
    put(tmp_path / "a.npy", dumped(array))
    assert_same(read_npy(tmp_path / "a.npy")["x"], array)
    for save in (np.savez, np.savez_compressed):
        file = io.BytesIO()
        save(file, x=array, y=array[None], x_test=array, y_test=array.T)
        put(tmp_path / "a.npz", file.getvalue())
        found = read_npz(tmp_path / "a.npz")
        assert found.keys() == {"x", "y", "x_test", "y_test"}
        for key, written in [("x", array), ("y", array[None]), ("x_test", array), ("y_test", array.T)]:
            assert_same(found[key], written)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The entries of a checkpoint whose theta has SIZE numbers."""
    path = tmp_path_factory.mktemp("run") / "run.npz"
    vae = tv.VAE(5, 2, hidden=(3,), rng=0)
    assert vae.theta.size == SIZE
    tv.checkpoint.save(path, vae, {}, {"v": np.zeros(3)})
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


@quick
@given(array=arrays(VECTORS, hnp.array_shapes(min_dims=1, max_dims=1, min_side=0, max_side=50)))
def test_the_reader_of_checkpoints_gives_back_what_numpy_wrote_if_it_is_finite_and_little_endian(tmp_path, run, array):
    path = tmp_path / "run.npz"
    put(path, zipped({**run, "arrays/v.npy": dumped(array)}))
    if array.dtype.str[0] == "<" and np.isfinite(array).all():
        assert_same(load_state(path)[2]["v"], array)
    else:
        with pytest.raises(ValueError, match="arrays/v is"):
            load_state(path)


# ---- what is damaged -------------------------------------------------------------------------------


def as_data(content, folder, run):
    put(folder / "a.npy", content)
    return read_npy(folder / "a.npy")["x"]


def as_stored(content, folder, run):
    put(folder / "a.npz", zipped({"x.npy": content}))
    return read_npz(folder / "a.npz")["x"]


def as_deflated(content, folder, run):
    put(folder / "a.npz", zipped({"x.npy": content}, zipfile.ZIP_DEFLATED))
    return read_npz(folder / "a.npz")["x"]


def as_theta(content, folder, run):
    put(folder / "a.npz", zipped({**run, "theta.npy": content}))
    return load(folder / "a.npz").theta


READERS = [as_data, as_stored, as_deflated, as_theta]


@pytest.mark.parametrize("reader", READERS)
def test_sound_bytes_are_read(tmp_path, run, reader):
    np.testing.assert_array_equal(reader(SOUND, tmp_path, run), np.ones(SIZE))


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.filterwarnings("default")  # as users run it: NumPy warns of a header that looks like Python 2's
def test_damaged_bytes_are_refused_in_one_line_that_names_the_file_at_no_cost(tmp_path, run, reader):
    for case, content in DAMAGED.items():
        with memory_below(4e6), pytest.raises(ValueError, match=r"/a\.np[yz]: ") as caught:
            reader(content, tmp_path, run)
        message = str(caught.value)
        assert message.startswith(str(tmp_path)), case
        assert "\n" not in message
        assert "allow_pickle" not in message
        assert len(message) < 600 + len(str(tmp_path))


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("case", ["objects", "objects by header", "object fields"])
def test_pickles_are_called_by_name_everywhere(tmp_path, run, reader, case):
    with pytest.raises(ValueError, match="is a pickle, which could run any code; it is never read"):
        reader(DAMAGED[case], tmp_path, run)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(("content", "message"), [
    (SOUND[:-1], "promises 252 bytes of data, only 251 follow"),
    (SOUND + b"!", "promises 252 bytes of data, more follow"),
    (npy(header(), b"", (2, 0)), r"has .npy version \(2, 0\); expected \(1, 0\)"),
    (b"no array", "is damaged, or no .npy array; get the file again"),
])
def test_what_is_wrong_is_said(tmp_path, run, reader, content, message):
    with pytest.raises(ValueError, match=message):
        reader(content, tmp_path, run)


class Endless:
    """A stream of an .npy file without an end; it counts what was read, and refuses large bites."""

    def __init__(self, start):
        self.start, self.count = io.BytesIO(start), 0

    def read(self, n=-1):
        assert 0 <= n <= CHUNK
        self.count += n
        return self.start.read(n).ljust(n, b"\1")


def test_a_stream_is_read_in_pieces_and_one_byte_further_than_it_promises():
    for n in (0, 5, CHUNK, 3 * CHUNK + 1):
        stream = Endless(npy(header("|u1", (n,))))
        found = promise(stream)
        before = stream.count
        with pytest.raises(ValueError, match="more follow"):
            found.read()
        assert stream.count == before + n + 1


def test_a_promise_above_the_limit_is_refused_before_anything_is_read():
    stream = Endless(npy(header("|u1", (1000,))))
    found = promise(stream)
    before = stream.count
    with pytest.raises(ValueError, match="it promises 1000 bytes; expected at most max_bytes=999"):
        found.read(999)
    assert stream.count == before
    assert promise(io.BytesIO(dumped(np.ones(1000, bool)))).read(1000).all()


def test_a_long_array_costs_little_more_than_itself():
    content = io.BytesIO(dumped(np.zeros(20 << 20, np.uint8)))
    with memory_below(1.5 * (20 << 20)):
        promise(content).read()


# ---- archives ---------------------------------------------------------------------------------------


def test_entries_that_the_directory_hides_are_noticed(tmp_path):
    """One byte makes a comment of the entries that follow: zipfile then finds one of three, and no fault."""
    whole = bytearray(zipped({"x.npy": SOUND, "y.npy": SOUND, "x_test.npy": SOUND}))
    directory = whole.index(b"PK\1\2")
    second = whole.index(b"PK\1\2", directory + 1)
    for field in (30, 32):  # the lengths of what is extra, and of a comment
        hidden = bytearray(whole)
        struct.pack_into("<H", hidden, directory + field, whole.index(b"PK\5\6") - second)
        put(tmp_path / "a.npz", bytes(hidden))
        with pytest.raises(ValueError, match=r"a\.npz: ") as caught:
            read_npz(tmp_path / "a.npz")
        if field == 32:
            with zipfile.ZipFile(tmp_path / "a.npz") as file:
                assert file.namelist() == ["x.npy"]
            assert "table of contents does not fit" in str(caught.value)


@pytest.mark.parametrize("read", [read_npz, load])
def test_an_archives_table_of_contents_is_looked_at_by_both_readers(tmp_path, read):
    path = tmp_path / "a.npz"
    put(path, zipped({f"{i}.npy": b"" for i in range(20_000)}))
    with memory_below(4e6), pytest.raises(ValueError, match=r"a\.npz: its table of contents is absurdly long"):
        read(path)
    with pytest.warns(UserWarning, match="Duplicate name"):
        put(path, zipped([("x.npy", SOUND), ("x.npy", SOUND)]))
    with pytest.raises(ValueError, match=r"a\.npz: it has two entries of the same name"):
        read(path)
    put(path, zipped({"x.npy": SOUND}) + b"!")
    with pytest.raises(ValueError, match=r"a\.npz: "):
        read(path)
    put(path, zipped({"a.npy": SOUND, "b.npy": b""}))
    whole = bytearray(path.read_bytes())
    for match in (whole.index(b"PK\1\2"), whole.index(b"PK\1\2", whole.index(b"PK\1\2") + 1)):
        whole[match + 20 : match + 28] = (300).to_bytes(4, "little") * 2  # each says that it has nearly the whole file
    put(path, bytes(whole))
    with pytest.raises(ValueError, match=r"a\.npz: its table of contents does not fit its contents"):
        read(path)


def test_a_wrong_checksum_is_noticed_by_both_readers(tmp_path, run):
    for entries, read in [({"x.npy": SOUND}, read_npz), (run, load)]:
        whole = bytearray(zipped(entries))
        at = whole.index(b"PK\1\2") - 1  # the last byte of the last entry
        whole[at] ^= 1
        put(tmp_path / "a.npz", bytes(whole))
        with pytest.raises(ValueError, match=r"a\.npz: .*"):
            read(tmp_path / "a.npz")


# ---- the name in errors -------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [KeyError("a\nb"), EOFError(), zipfile.BadZipFile("bad"), RuntimeError("x" * 9999)])
def test_whatever_goes_wrong_becomes_one_line_that_names_the_file(error):
    with pytest.raises(ValueError, match=r"^a/b\.npz: damaged file \(") as caught, naming("a/b.npz"):
        raise error
    assert type(error).__name__ in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 520


def test_a_value_error_keeps_its_words_on_one_line():
    with pytest.raises(ValueError, match=r"^a/b\.npz: two lines$"), naming("a/b.npz"):
        raise ValueError("two\n  lines\n")


@pytest.mark.parametrize("error", [MemoryError(), KeyboardInterrupt()])
def test_what_is_not_the_files_fault_stays_what_it_is(error):
    with pytest.raises(type(error)) as caught, naming("a/b.npz"):
        raise error
    assert caught.value is error


def test_an_archive_that_is_not_there_is_called_by_name(tmp_path):
    with pytest.raises(FileNotFoundError, match="No such file") as caught, archive(tmp_path / "no.npz"):
        pass
    assert caught.value.filename == str(tmp_path / "no.npz") or "no.npz" in str(caught.value)


# ---- small files that are large --------------------------------------------------------------------

def bomb(tmp_path, n_bytes):
    """An IDX file and an .npz file of so many zeros, compressed, with honest headers."""
    idx = struct.pack(">BBBBII", 0, 0, 8, 2, n_bytes // 1000, 1000)
    with gzip.open(tmp_path / "x.gz", "wb", compresslevel=1) as file:
        file.write(idx + bytes(n_bytes))
    np.savez_compressed(tmp_path / "x.npz", x=np.zeros((n_bytes // 1000, 1000), np.uint8))
    return tmp_path / "x.gz", tmp_path / "x.npz"


def test_a_small_file_becomes_no_large_array_unless_it_is_said_to(tmp_path):
    large = 120_000_000
    for path in bomb(tmp_path, large):
        assert path.stat().st_size < large / 180
        with memory_below(20e6), pytest.raises(ValueError, match=r"promises 120000\d* bytes.*give a larger max_bytes"):
            datasets.load(path)
        assert datasets.load(path, max_bytes=large + 1000).train.x.nbytes > 0.8 * large
    for path in bomb(tmp_path, 60_000_000):  # a thousandth of which may be anybody's mask
        assert datasets.load(path).train.x.nbytes > 48e6


def test_how_much_a_file_may_become(tmp_path):
    path = tmp_path / "file"
    for size, compressed, most in ((1000, True, 2**26 + 100_000), (30_000_000, True, 2**31), (1000, False, 2**31)):
        with open(path, "wb") as file:
            file.truncate(size)
        assert limit(path, compressed, None) == most
        assert limit(path, compressed, 7) == 7
