"""load: the right rows in three splits that never meet, or one line that says what is wrong."""

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hostile import put
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinyvae.datasets import Dataset, Split, load, read_idx, write_idx
from tinyvae.datasets.download import FILES
from tinyvae.datasets.load import LABELS
from tinyvae.datasets.tables import read_csv
from tinyvae.foundation.checks import Doubt

ROOT = Path(__file__).parents[2]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(autouse=True)
def without_environment(monkeypatch, tmp_path):
    monkeypatch.delenv("TINYVAE_DATA", raising=False)
    monkeypatch.setenv("TINYVAE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path, rng):
    """A folder with the four IDX files of 30 + 20 images of 4 × 3 pixels."""
    folder = tmp_path / "idx"
    folder.mkdir()
    for file, n in zip(FILES, (30, 30, 20, 20), strict=True):
        shape, top = ((n, 4, 3), 256) if "images" in file else ((n,), 5)
        array = rng.integers(0, top, shape, dtype=np.uint8)
        array.flat[:2] = top - 1
        write_idx(folder / f"{file}.gz", array)
    return folder


def numbered(n, d=3):
    """Rows that all differ: row i begins with i."""
    x = np.full((n, d), 0.5)
    x[:, 0] = np.arange(n)
    return x


def saved(tmp_path, **arrays):
    """The path of a .npz file of these arrays, or of a .npy file of x alone."""
    if arrays.keys() == {"x"}:
        np.save(tmp_path / "data.npy", arrays["x"])
        return tmp_path / "data.npy"
    np.savez_compressed(tmp_path / "data.npz", **arrays)
    return tmp_path / "data.npz"


def refusal(path, **options):
    """What load says about a file it must refuse: one line that begins with the file's name."""
    with pytest.raises(ValueError, match=r".") as error:
        load(path, **options)
    message = str(error.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


# --- names and folders


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_data_dir_comes_before_the_environment_comes_before_the_cache(folder, tmp_path, monkeypatch, name):
    paths = {}
    for i, where in enumerate(("given", "environment", f"cache/{name}")):
        paths[where] = tmp_path / where
        paths[where].mkdir(parents=True)
        for file in FILES:
            array = np.full((3, 2, 2), 10 + i, np.uint8) if "images" in file else np.arange(3, dtype=np.uint8)
            write_idx(paths[where] / file, array)
    assert load(name).train.x[0, 0] == 12
    monkeypatch.setenv("TINYVAE_DATA", str(tmp_path / "environment"))
    assert load(name).train.x[0, 0] == 11
    assert load(name, data_dir=tmp_path / "given").train.x[0, 0] == 10
    assert load(name, str(tmp_path / "given")).name == name


def test_a_subfolder_of_the_name_comes_before_the_folder(folder):
    (folder / "fashion-mnist").mkdir()
    for file in FILES:
        shape = (3, 2, 2) if "images" in file else (3,)
        write_idx(folder / "fashion-mnist" / file, np.full(shape, 7, np.uint8))
    assert load("fashion-mnist", data_dir=folder).image_shape == (2, 2)
    assert load("mnist", data_dir=folder).image_shape == (4, 3)


def test_a_folder_is_loaded_whole(folder):
    data = load(folder)
    assert data.name == str(folder)
    assert data.train.x.shape == (30, 12)
    assert data.train.x.dtype == np.uint8
    assert data.train.y.dtype == np.int64
    assert data.validation.x.shape == (0, 12)
    assert data.validation.y.shape == (0,)
    assert data.test.x.shape == (20, 12)
    assert data.image_shape == (4, 3)
    assert data.n_classes == 5


def test_a_variant_in_a_named_folder_is_loaded_and_its_fingerprint_tells(folder):
    assert load("mnist", data_dir=folder).fingerprint == load(folder).fingerprint
    assert load("mnist", data_dir=folder).fingerprint != load("mnist-small").fingerprint


def test_mnist_is_not_taken_for_fashion_mnist(folder, monkeypatch):
    y = read_idx(folder / "train-labels-idx1-ubyte.gz")
    monkeypatch.setitem(LABELS, hashlib.sha256(y.tobytes()).hexdigest(), "mnist")
    assert load("mnist", data_dir=folder).n_classes == 5
    with pytest.raises(ValueError, match="this is mnist, not fashion-mnist; expected fashion-mnist there"):
        load("fashion-mnist", data_dir=folder)


@pytest.mark.parametrize("by", ["data_dir", "environment", "path"])
def test_missing_files_are_listed_and_not_downloaded(folder, monkeypatch, by):
    for file in FILES[1:3]:
        (folder / f"{file}.gz").unlink()
    monkeypatch.setattr("urllib.request.urlopen", None)
    if by == "environment":
        monkeypatch.setenv("TINYVAE_DATA", str(folder))
    with pytest.raises(FileNotFoundError) as error:
        load(folder if by == "path" else "mnist", data_dir=folder if by == "data_dir" else None)
    assert str(error.value) == (
        f"{folder}: train-labels-idx1-ubyte, t10k-images-idx3-ubyte missing; put them there, plain or as .gz"
    )


def test_a_data_dir_that_is_not_there_lacks_all_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=", ".join(FILES)):
        load("mnist", data_dir=tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["mnist-small", Path("mnist"), "data.npy"])
def test_data_dir_is_refused_where_it_would_be_ignored(folder, name):
    with pytest.raises(ValueError, match="data_dir is for mnist and fashion-mnist only; leave it out"):
        load(name, data_dir=folder)


@pytest.mark.parametrize(
    ("given", "nearest"),
    [
        ("mnits", "mnist"),
        ("MNIST", "mnist"),
        ("fashion_mnist", "fashion-mnist"),
        ("FashionMNIST", "fashion-mnist"),
        ("mnist-smal", "mnist-small"),
        ("mnist_small", "mnist-small"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(given, nearest):
    with pytest.raises(ValueError, match=f"unknown data set '{given}'; did you mean '{nearest}'") as error:
        load(given)
    assert "mnist-small, mnist, fashion-mnist" in str(error.value)


@pytest.mark.parametrize("path", ["data.npy", "some/folder", Path("a.csv"), "./mnist"])
def test_a_missing_path_is_a_file_not_found_error(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        load(path)


@pytest.mark.parametrize("given", [None, 3, np.zeros((3, 3)), ["mnist"], b"mnist"])
def test_what_is_no_name_and_no_path_is_a_type_error(given):
    with pytest.raises(TypeError, match="expected the name of a data set, or a path"):
        load(given)


# --- files


def test_npy_rows(tmp_path):
    data = load(saved(tmp_path, x=numbered(20)))
    assert data.train.x.shape == (18, 3)
    assert data.test.x.shape == (2, 3)
    assert data.train.y is None
    assert data.test.y is None
    assert data.image_shape is None
    assert data.n_classes == 0


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", ">f8", "<f2"])
def test_npy_images_in_any_order_of_bytes_and_axes(tmp_path, rng, order, dtype):
    images = rng.standard_normal((20, 4, 5)).astype(dtype)
    data = load(saved(tmp_path, x=np.asarray(images, order=order)))
    assert data.image_shape == (4, 5)
    assert data.train.x.dtype == np.dtype(dtype).newbyteorder("=")
    assert data.train.x.dtype.isnative
    rows = images.reshape(20, 20)
    both = np.concatenate([data.train.x, data.test.x])
    assert sorted(map(tuple, both.tolist())) == sorted(map(tuple, rows.tolist()))


def test_npy_of_another_version_is_refused(tmp_path):
    with open(tmp_path / "data.npy", "wb") as file:
        np.lib.format.write_array(file, numbered(20), version=(2, 0))
    assert "it has .npy version (2, 0); expected (1, 0)" in refusal(tmp_path / "data.npy")


def test_npz_with_all_four_arrays(tmp_path):
    x, x_test = numbered(9), numbered(4)
    data = load(saved(tmp_path, x=x, y=np.arange(9) % 3, x_test=x_test, y_test=np.arange(4)))
    np.testing.assert_array_equal(data.train.x, x)
    np.testing.assert_array_equal(data.train.y, np.arange(9) % 3)
    np.testing.assert_array_equal(data.test.x, x_test)
    np.testing.assert_array_equal(data.test.y, np.arange(4))
    assert data.n_classes == 4  # the test labels count


def test_an_idx_file_of_images(folder):
    data = load(folder / "train-images-idx3-ubyte.gz")
    assert data.train.x.shape == (27, 12)
    assert data.test.x.shape == (3, 12)
    assert data.image_shape == (4, 3)


@pytest.mark.parametrize(
    ("text", "x", "y"),
    [
        ("1,2\n3,4\n", [[1, 2], [3, 4]], None),
        ("a,b\n1,2\n3,4", [[1, 2], [3, 4]], None),
        ("a,label,b\n1,7,2\n3,0,4\n", [[1, 2], [3, 4]], [7, 0]),
        ("y,a\r\n1,2\r\n\r\n0,-4e-1\r\n", [[2], [-0.4]], [1, 0]),
        ('\ufeff"y","a"\n"1","2"\n"0","3"\n', [[2], [3]], [1, 0]),
        (" a , y \n 1 , 2 \n 3 , 4 \n", [[1], [3]], [2, 4]),
        ("0,y\n1,2\n3,4\n", [[1], [3]], [2, 4]),
    ],
)
def test_csv(tmp_path, text, x, y):
    (tmp_path / "data.csv").write_text(text, encoding="utf-8", newline="")
    data = load(tmp_path / "data.csv")
    rows = np.concatenate([data.train.x, data.test.x])
    order = np.argsort(rows[:, 0]) if x[0][0] < x[1][0] else np.argsort(-rows[:, 0])
    np.testing.assert_array_equal(rows[order], x)
    assert rows.dtype == np.float64
    if y is None:
        assert data.train.y is None
    else:
        np.testing.assert_array_equal(np.concatenate([data.train.y, data.test.y])[order], y)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "x has shape (0, 1); expected at least one row"),
        ("a,b\n", "x has shape (0, 2); expected at least one row"),
        ("y\n1\n0\n", "x has shape (2, 0); expected at least one row and one column"),
        ("1,2\n3\n", "line 2 has 1 fields; expected 2"),
        ("a,b\n1,2\n\n1,2,3\n", "line 4 has 3 fields; expected 2"),
        ("a,b\n1,2\n1,x\n", "line 3, column b is 'x'; expected a number"),
        ("1,2\n3,\n", "line 2, column 2 is ''; expected a number"),
        ("1,2\n3,nan\n", "x is not finite: nan at index (1, 1)"),
        ("1,2\n3,1e999\n", "x is not finite: inf at index (1, 1)"),
        ("y,a,label\n1,2,3\n", "2 columns are named y or label; expected one"),
        ("y,a\n0.5,1\n1,1\n", "y[0] is 0.5; expected whole numbers"),
        ('1,"2\n3,4\n', "damaged file (Error: unexpected end of data)"),
    ],
)
def test_a_wrong_csv_is_refused_with_its_line_and_column(tmp_path, text, message):
    (tmp_path / "data.csv").write_text(text, encoding="utf-8", newline="")
    assert message in refusal(tmp_path / "data.csv")


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(x=hnp.arrays(float, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6)), named=st.booleans(), data=st.data())
def test_any_numbers_come_back_from_a_csv_and_a_wrong_field_is_found(tmp_path, x, named, data):
    rows = [[repr(value) for value in row] for row in x.tolist()]  # the shortest text that is the same number
    columns = [f"c{j}" for j in range(x.shape[1])]
    text = [columns, *rows] if named else rows
    put(tmp_path / "a.csv", "\n".join(map(",".join, text)).encode())
    np.testing.assert_array_equal(read_csv(tmp_path / "a.csv")["x"], x)
    if named or len(rows) > 1:
        i = data.draw(st.integers(0 if named else 1, len(rows) - 1))
        j = data.draw(st.integers(0, len(columns) - 1))
        rows[i][j] = "?"
        put(tmp_path / "a.csv", "\n".join(map(",".join, text)).encode())
        where = f"line {i + 1 + named}, column {columns[j] if named else j + 1} is '?'"
        with pytest.raises(ValueError, match=re.escape(where)):
            read_csv(tmp_path / "a.csv")


def test_a_csv_that_is_not_text_is_refused(tmp_path):
    (tmp_path / "data.csv").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert "can't decode byte 0x89" in refusal(tmp_path / "data.csv")


def test_max_bytes_bounds_every_reader(tmp_path, folder):
    x = numbered(100)
    (tmp_path / "data.csv").write_text("\n".join(",".join(map(str, row)) for row in x.tolist()))
    for path in (
        saved(tmp_path, x=x),
        saved(tmp_path, x=x, y=np.zeros(100)),
        tmp_path / "data.csv",
        folder / "train-images-idx3-ubyte.gz",
    ):
        assert "max_bytes=300" in refusal(path, max_bytes=300)
        load(path, max_bytes=4000)


# --- values


def test_grey_levels_stay_uint8_and_bools_stay_bool(tmp_path, rng):
    grey = rng.integers(0, 256, (10, 3), dtype=np.uint8)
    assert load(saved(tmp_path, x=grey)).train.x.dtype == np.uint8
    assert load(saved(tmp_path, x=grey > 99)).train.x.dtype == bool


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.int64, np.uint16])
def test_other_integers_become_float64_of_the_same_value(tmp_path, dtype):
    x = np.arange(20).reshape(10, 2).astype(dtype)
    data = load(saved(tmp_path, x=x, x_test=x))
    assert data.train.x.dtype == np.float64
    np.testing.assert_array_equal(data.train.x, x)


def test_uint8_without_a_value_above_one_is_ambiguous_and_refused(tmp_path, rng):
    x = rng.integers(0, 2, (10, 3), dtype=np.uint8)
    assert "uint8 means grey levels 0..255; give zeros and ones as bool or float" in refusal(saved(tmp_path, x=x))
    x[0, 0] = 2
    assert load(saved(tmp_path, x=x)).train.x.dtype == np.uint8


def test_grey_levels_without_a_light_pixel_are_taken_and_said(tmp_path, rng):
    x = rng.integers(0, 17, (100, 4), dtype=np.uint8)
    with pytest.warns(Doubt, match="x is uint8 with no value above 16, taken for grey levels 0..255"):
        data = load(saved(tmp_path, x=x))
    assert data.train.x.dtype == np.uint8


@pytest.mark.parametrize("share", [1.0, 0.3])
def test_test_rows_that_are_training_rows_are_said(tmp_path, rng, share):
    x, x_test = rng.random((200, 6)), rng.random((100, 6))
    n = int(100 * share)
    x_test[:n] = x[50 : 50 + n]
    with pytest.warns(Doubt, match=rf"^{share:.0%} of the rows of x_test are the same as rows of x, .* is no test"):
        load(saved(tmp_path, x=x, x_test=x_test))


def test_rows_that_come_twice_by_chance_are_not_said(tmp_path, rng):
    load(saved(tmp_path, x=rng.random((200, 3)) < 0.5, x_test=rng.random((100, 3)) < 0.5))  # eight rows there are
    load(saved(tmp_path, x=rng.random((200, 6)), x_test=rng.random((100, 6))))


@pytest.mark.parametrize(("y", "words"), [
    (1 + np.arange(60) % 10, "labels y begin at 1, so that class 0 of 11 has no row; pass y - 1"),
    (3 * (np.arange(60) % 4), r"no row of y is of class 1, 2, 4, 5, 7 … \(of 0 to 9\)")])
def test_classes_without_a_row_are_said(tmp_path, rng, y, words):
    with pytest.warns(Doubt, match=words):
        load(saved(tmp_path, x=rng.random((60, 2)), y=y))


def test_a_class_whose_only_rows_are_test_rows_is_there(tmp_path):
    load(saved(tmp_path, x=numbered(100), y=np.arange(100)))


def test_one_hot_labels_are_named(tmp_path):
    assert "one-hot labels become numbers by y.argmax(1)" in refusal(saved(tmp_path, x=numbered(10), y=np.eye(10)))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("key", ["x", "x_test"])
def test_what_is_not_finite_is_refused_with_its_place(tmp_path, value, key):
    arrays = {"x": numbered(10), "x_test": numbered(10)}
    arrays[key][7, 1] = value
    assert f"{key} is not finite: {value} at index (7, 1)" in refusal(saved(tmp_path, **arrays))


X = numbered(10)
GREY = np.full((10, 3), 9, np.uint8)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.zeros((0, 3))}, "x has shape (0, 3); expected at least one row and one column"),
        ({"x": np.zeros((3, 0))}, "x has shape (3, 0); expected at least one row and one column"),
        ({"x": X, "x_test": X[:0]}, "x_test has shape (0, 3); expected at least one row"),
        ({"x": X[0]}, "x has shape (3,); expected rows (N, D) or images (N, h, w)"),
        ({"x": np.zeros((2, 3, 4, 5))}, "x has shape (2, 3, 4, 5); expected rows (N, D)"),
        ({"x": np.float64(3)}, "x has shape (); expected rows (N, D)"),
        ({"x": X[:1]}, "x has one row; expected at least two, for one becomes the test set"),
        ({"x": X.astype(complex)}, "dtype complex128; expected numbers"),
        ({"x": X.astype(str)}, "expected numbers"),
        ({"x": X.astype("datetime64[s]")}, "expected numbers"),
        ({"x": np.zeros(3, [("a", "f4"), ("b", "f4")])}, "expected numbers"),
        ({"x": np.array([[1, 2], [3]], object)}, "dtype object; expected numbers"),
        ({"x": X, "x_test": X[:, :2]}, "x has rows of shape (3,), x_test of (2,); expected the same"),
        ({"x": np.zeros((4, 2, 3)), "x_test": np.zeros((4, 6))}, "rows of shape (2, 3), x_test of (6,)"),
        ({"x": X, "x_test": GREY}, "x is float64 but x_test is uint8; expected the same units"),
        ({"x": X > 3, "x_test": X}, "x is bool but x_test is float64; expected the same units"),
        ({"x": X, "y": np.zeros(9)}, "y is float64 of shape (9,); expected 10 numbers, one for each row"),
        ({"x": X, "y": np.zeros((10, 1))}, "y is float64 of shape (10, 1); expected 10 numbers"),
        ({"x": X, "y": np.full(10, -1)}, "y[0] is -1; expected whole numbers from 0 to n - 1"),
        ({"x": X, "y": np.arange(10) * 0.5}, "y[1] is 0.5; expected whole numbers"),
        ({"x": X, "y": np.array([0, np.nan] * 5)}, "y[1] is nan; expected whole numbers"),
        ({"x": X, "y": np.arange(1995, 2005) * 10}, "y[0] is 19950; expected whole numbers"),
        ({"x": X, "y": np.full(10, "a")}, "dtype <U1; expected numbers"),
        ({"x": X, "y": np.zeros(10), "x_test": X}, "only one of y and y_test is there; expected both"),
        ({"x": X, "y_test": np.zeros(10), "x_test": X}, "only one of y and y_test is there"),
        ({"x": X, "y_test": np.zeros(10)}, "y_test is there but x_test isn't"),
        ({"y": X, "x_test": X}, "it holds y, x_test; expected x and, optionally, y, x_test, y_test"),
        ({"x": X, "X_test": X}, "it holds x, X_test; expected x and, optionally, y, x_test, y_test"),
    ],
)
def test_contents_that_cannot_be_right_are_refused(tmp_path, arrays, message):
    assert message in refusal(saved(tmp_path, **arrays))


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float32, bool])
def test_labels_of_any_number_type_become_int64(tmp_path, dtype):
    data = load(saved(tmp_path, x=numbered(10), y=(np.arange(10) % 2).astype(dtype)))
    assert data.train.y.dtype == np.int64
    assert data.n_classes == 2


# --- splits


@pytest.mark.parametrize("n", [2, 9, 10, 19, 20, 105])
def test_a_tenth_but_at_least_one_row_becomes_the_test_set(tmp_path, n):
    data = load(saved(tmp_path, x=numbered(n)))
    assert len(data.test.x) == max(1, n // 10)
    assert len(data.train.x) == n - len(data.test.x)


@pytest.mark.parametrize("validation", [0, 1, 17, 89])
def test_every_row_is_in_exactly_one_split_with_its_own_label(tmp_path, validation):
    data = load(saved(tmp_path, x=numbered(100), y=np.arange(100)), validation=validation)
    assert len(data.validation.x) == validation
    splits = (data.train, data.validation, data.test)
    rows = np.concatenate([split.x[:, 0] for split in splits])
    np.testing.assert_array_equal(np.sort(rows), np.arange(100))
    np.testing.assert_array_equal(np.concatenate([split.y for split in splits]), rows)
    assert all(np.all(np.diff(split.x[:, 0]) > 0) for split in splits)  # in the order of the file


def test_the_splits_are_the_same_each_time(tmp_path):
    path = saved(tmp_path, x=numbered(100))
    first, second = load(path, validation=20), load(path, validation=20)
    for part in ("train", "validation", "test"):
        np.testing.assert_array_equal(getattr(first, part).x, getattr(second, part).x)


def test_held_out_rows_come_from_everywhere(tmp_path):
    data = load(saved(tmp_path, x=numbered(10_000)), validation=1000)
    for split in (data.validation, data.test):
        place = split.x[:, 0] / 10_000
        assert abs(place.mean() - 0.5) < 5 * np.sqrt(1 / 12 / 1000)


def test_the_test_rows_do_not_depend_on_the_validation_rows(tmp_path, folder):
    for path in (saved(tmp_path, x=numbered(100)), folder):
        np.testing.assert_array_equal(load(path, validation=20).test.x, load(path).test.x)


def test_a_given_test_set_stays_whole(folder):
    data = load(folder, validation=10)
    assert (len(data.train.x), len(data.validation.x), len(data.test.x)) == (20, 10, 20)


@pytest.mark.parametrize("validation", [18, 1000])
def test_validation_must_leave_a_training_row(tmp_path, validation):
    message = refusal(saved(tmp_path, x=numbered(20)), validation=validation)
    assert f"validation is {validation}; expected less than the 18 training rows" in message


@pytest.mark.parametrize(("validation", "error"), [(-1, ValueError), (0.1, TypeError), (True, TypeError)])
def test_validation_is_a_number_of_rows(validation, error):
    with pytest.raises(error, match="validation is"):
        load(validation=validation)


# --- the dataset itself


def test_the_fingerprint_changes_with_anything_in_the_data(rng):
    def dataset(**changes):
        parts = {"train": 5, "validation": 4, "test": 3}
        splits = {part: Split(np.full((n, 2), 7, np.uint8), np.zeros(n, int)) for part, n in parts.items()}
        return Dataset("d", image_shape=None, n_classes=1, **(splits | changes)).fingerprint

    changed = []
    for part, n in (("train", 5), ("validation", 4), ("test", 3)):
        x, y = np.full((n, 2), 7, np.uint8), np.zeros(n, int)
        pixel, label = x.copy(), y.copy()
        pixel[-1, -1], label[-1] = 8, 1
        changed += [
            dataset(**{part: Split(pixel, y)}),
            dataset(**{part: Split(x, label)}),
            dataset(**{part: Split(x, None)}),
            dataset(**{part: Split(x.astype(np.float32), y)}),
            dataset(**{part: Split(x.view(bool), y)}),
            dataset(**{part: Split(x.reshape(-1, 1), y)}),
            dataset(**{part: Split(x[:0], y[:0])}),
        ]
    assert len({dataset(), *changed}) == 1 + len(changed)
    assert dataset() == dataset()
    assert len(bytes.fromhex(dataset())) == 32


def test_the_fingerprint_is_of_values_not_of_memory():
    x = np.arange(12.0).reshape(3, 4)
    one, other = (Dataset("d", *[Split(a, None)] * 3, None, 0) for a in (x, np.asfortranarray(x)))
    assert one.fingerprint == other.fingerprint


def test_a_dataset_prints_on_one_line():
    assert repr(load("mnist-small", validation=1000)) == (
        "<Dataset mnist-small: 9000 + 1000 + 1000 rows of 28 × 28 uint8, 10 classes>"
    )


def test_importing_the_datasets_imports_nothing_slow():
    code = (
        "import sys; import tinyvae.datasets;"
        "print(*sys.modules.keys() & {'tqdm', 'urllib.request', 'http.client', 'ssl', 'gzip', 'zipfile',"
        " 'csv', 'difflib', 'argparse', 'matplotlib'})"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
