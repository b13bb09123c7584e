"""The IDX format: what is written is what is read, and damage is always named."""

import gzip
import os
import struct

import numpy as np
import pytest

from tinyvae.datasets import read_idx, write_idx

DTYPES = ("uint8", "int8", "int16", "int32", "float32", "float64")


@pytest.fixture
def array(rng):
    return rng.integers(0, 256, (5, 3, 2), dtype=np.uint8)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(7,), (5, 3), (2, 3, 5), (0, 28, 28), (1, 1, 1, 1)])
def test_an_array_is_read_as_it_was_written(tmp_path, rng, dtype, shape, suffix):
    array = (rng.standard_normal(shape) * 50).astype(dtype)
    write_idx(tmp_path / f"a{suffix}", array)
    read = read_idx(tmp_path / f"a{suffix}")
    assert read.dtype == array.dtype
    assert read.dtype.isnative
    assert read.shape == shape
    np.testing.assert_array_equal(read, array)


def test_the_bytes_are_those_of_the_format(tmp_path):
    write_idx(tmp_path / "a", np.array([[1, -2, 3]], np.int16))
    assert (tmp_path / "a").read_bytes() == bytes.fromhex("00000b02 00000001 00000003 0001 fffe 0003")


@pytest.mark.parametrize(("dtype", "code", "kind"), [
    ("uint8", 0x08, "B"), ("int8", 0x09, "b"), ("int16", 0x0B, "h"), ("int32", 0x0C, "i"),
    ("float32", 0x0D, "f"), ("float64", 0x0E, "d")])
def test_every_type_has_the_bytes_that_struct_makes_of_its_numbers(tmp_path, rng, dtype, code, kind):
    numbers = (rng.random(12) * 100).astype(dtype)
    content = struct.pack(f">BBBB3I12{kind}", 0, 0, code, 3, 2, 3, 2, *numbers.tolist())
    (tmp_path / "by hand").write_bytes(content)
    np.testing.assert_array_equal(read_idx(tmp_path / "by hand"), numbers.reshape(2, 3, 2))
    write_idx(tmp_path / "a", numbers.reshape(2, 3, 2))
    assert (tmp_path / "a").read_bytes() == content


def test_a_big_endian_array_is_written_as_its_values(tmp_path):
    array = np.arange(5, dtype=">i4")
    write_idx(tmp_path / "a", array)
    np.testing.assert_array_equal(read_idx(tmp_path / "a"), array)


def test_a_transposed_array_is_written_as_its_values(tmp_path, array):
    write_idx(tmp_path / "a", array.T)
    np.testing.assert_array_equal(read_idx(tmp_path / "a"), array.T)


def test_gzip_is_recognized_by_its_bytes_not_by_its_name(tmp_path, array):
    write_idx(tmp_path / "zipped.gz", array)
    write_idx(tmp_path / "plain", array)
    (tmp_path / "zipped.gz").rename(tmp_path / "zipped")
    (tmp_path / "plain").rename(tmp_path / "plain.gz")
    np.testing.assert_array_equal(read_idx(tmp_path / "zipped"), array)
    np.testing.assert_array_equal(read_idx(tmp_path / "plain.gz"), array)


def test_a_gz_file_is_a_function_of_its_content(tmp_path, array, monkeypatch):
    write_idx(tmp_path / "a.gz", array)
    monkeypatch.setattr("time.time", lambda: 2e9)
    write_idx(tmp_path / "b.gz", array)
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()


@pytest.mark.parametrize("dtype", [bool, np.int64, np.uint16, np.complex64, object])
def test_an_unknown_dtype_is_refused_before_anything_is_written(tmp_path, dtype):
    with pytest.raises(TypeError, match="an IDX file holds uint8, int8, int16, int32, float32, float64"):
        write_idx(tmp_path / "a", np.zeros(3, dtype))
    assert not list(tmp_path.iterdir())


def test_a_scalar_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"shape \(\) given; expected 1 to 32 dimensions"):
        write_idx(tmp_path / "a", np.array(3.0))


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path, array, monkeypatch, error):
    write_idx(tmp_path / "a.gz", array)

    def fail(descriptor):
        raise error

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(type(error)):
        write_idx(tmp_path / "a.gz", array + 1)
    assert [path.name for path in tmp_path.iterdir()] == ["a.gz"]
    np.testing.assert_array_equal(read_idx(tmp_path / "a.gz"), array)


def test_a_new_file_can_be_read_by_those_whom_the_umask_lets(tmp_path, array):
    (tmp_path / "plain").touch()
    write_idx(tmp_path / "a", array)
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_missing_file_is_a_file_not_found_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no\.idx"):
        read_idx(tmp_path / "no.idx")


def header(*dims, code=8, magic=b"\0\0"):
    return magic + struct.pack(f">BB{len(dims)}I", code, len(dims), *dims)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "begins with nothing"),
        (b"\0\0\x08", "begins with 00 00 08"),
        (b"PK\x03\x04 a zip file", "not an IDX file: it begins with 50 4b 03 04"),
        (header(3, code=7) + b"abc", "not an IDX file"),
        (header(3, magic=b"\0\1") + b"abc", "not an IDX file: it begins with 00 01 08 01"),
        (header(3, magic=b"\1\0") + b"abc", "not an IDX file: it begins with 01 00 08 01"),
        (header(), "0 dimensions; expected 1 to 32"),
        (header(*[1] * 33) + b"a", "33 dimensions; expected 1 to 32"),
        (header(2, 3)[:-1], "ends within its header"),
        (header(2, 3) + b"12345", "promises 6 bytes of data, only 5 follow"),
        (header(2, 3) + b"1234567", "promises 6 bytes of data, more follow"),
        (header(0, 3) + b"1", "promises 0 bytes of data, more follow"),
        (header(2**32 - 1, 2**32 - 1, 2**32 - 1), r"expected at most max_bytes=(2147483648|671\d{5});"),
        (header(0, 2**32 - 1, 2**32 - 1), r"expected at most max_bytes=(2147483648|671\d{5});"),
        (header(2**31, code=0x0E), "promises 17179869184 bytes; expected at most"),
    ],
)
def test_damage_is_a_value_error_that_names_the_file(tmp_path, content, message, pack):
    (tmp_path / "damaged.idx").write_bytes(pack(content))
    with pytest.raises(ValueError, match=message) as error:
        read_idx(tmp_path / "damaged.idx")
    assert str(error.value).startswith(str(tmp_path / "damaged.idx") + ": ")


def test_max_bytes_is_the_largest_size_allowed(tmp_path, array):
    write_idx(tmp_path / "a", array)
    np.testing.assert_array_equal(read_idx(tmp_path / "a", max_bytes=array.nbytes), array)
    with pytest.raises(ValueError, match="promises 30 bytes; expected at most max_bytes=29"):
        read_idx(tmp_path / "a", max_bytes=array.nbytes - 1)


def test_a_wrong_checksum_within_gzip_is_noticed(tmp_path, array):
    packed = bytearray(gzip.compress(header(*array.shape) + array.tobytes()))
    packed[-8] ^= 1  # the first byte of the CRC
    (tmp_path / "a.gz").write_bytes(packed)
    with pytest.raises(ValueError, match=r"a\.gz: damaged file \(BadGzipFile: CRC check failed"):
        read_idx(tmp_path / "a.gz")
