"""The bundled digits are what NOTICE says they are."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from draw_bundled import draw

from tinyvae.datasets import load, read_idx
from tinyvae.datasets.download import FILES
from tinyvae.datasets.load import BUNDLED

# SHA-256 of the arrays' bytes; the .gz files themselves may differ from one zlib to the next.
CONTENTS = {
    "train-images-idx3-ubyte": "656cb2db1526f2671b1a8fce630a66bfe0feeb4ddd2cfc7a3352c34879400a67",
    "train-labels-idx1-ubyte": "cab2f184dc69b16b29b702169e6b8a6a09e7f5159ee691a0dc602bcb9ab1a791",
    "t10k-images-idx3-ubyte": "04e2ae74b0edc0194ad775c6d2116658b3976c47433eba28b22812c67e7e8355",
    "t10k-labels-idx1-ubyte": "0fbce557702ad1510475ea85060ea0f8826fb1e47850a76440866bfc2216764b",
}


needs_mnist = pytest.mark.skipif(
    not os.environ.get("TINYVAE_DATA"), reason="set TINYVAE_DATA to a folder of MNIST's IDX files"
)


@pytest.fixture(scope="module")
def digits():
    return load("mnist-small")


@pytest.mark.parametrize("file", FILES)
def test_the_contents_are_those_that_were_drawn(file):
    assert hashlib.sha256(read_idx(BUNDLED / f"{file}.gz").tobytes()).hexdigest() == CONTENTS[file]


def test_they_are_the_default():
    assert load().fingerprint == load("mnist-small").fingerprint


def test_there_are_as_many_of_each_class(digits):
    assert digits.train.x.shape == (10_000, 784)
    assert digits.test.x.shape == (1_000, 784)
    assert digits.train.x.dtype == np.uint8
    np.testing.assert_array_equal(np.bincount(digits.train.y), np.full(10, 1000))
    np.testing.assert_array_equal(np.bincount(digits.test.y), np.full(10, 100))


def test_no_digit_is_there_twice_neither_within_nor_across_training_and_test(digits):
    rows = [row.tobytes() for split in (digits.train, digits.test) for row in split.x]
    assert len(set(rows)) == 11_000


def test_the_order_is_random(digits):
    # A batch of 100 in random order holds about ten of each class: not five, not twenty-five.
    for batch in digits.train.y.reshape(100, 100):
        counts = np.bincount(batch, minlength=10)
        assert counts.min() > 0
        assert counts.max() < 30


def test_they_are_small_and_carry_their_licence():
    assert sum(path.stat().st_size for path in BUNDLED.glob("*.gz")) < 2_500_000
    notice = (BUNDLED / "NOTICE").read_text()
    for word in ("LeCun", "Cortes", "Burges", "CC BY-SA 3.0", "Changes:", "Source:"):
        assert word in notice


@pytest.mark.mnist
@needs_mnist
def test_the_script_draws_them_again_from_mnist(tmp_path):
    draw(Path(os.environ["TINYVAE_DATA"]), tmp_path)
    for file in FILES:
        np.testing.assert_array_equal(read_idx(tmp_path / f"{file}.gz"), read_idx(BUNDLED / f"{file}.gz"))


@pytest.mark.mnist
@needs_mnist
def test_each_digit_comes_with_its_label_from_the_file_of_its_part(digits):
    mnist = load("mnist")
    for part in ("train", "test"):
        whole, drawn = getattr(mnist, part), getattr(digits, part)
        pairs = {(x.tobytes(), y) for x, y in zip(whole.x, whole.y.tolist(), strict=True)}
        assert all((x.tobytes(), y) in pairs for x, y in zip(drawn.x, drawn.y.tolist(), strict=True))


@pytest.mark.mnist
@needs_mnist
def test_mnist_is_the_published_one():
    mnist = load("mnist")
    assert mnist.fingerprint == "f230a2cc98ec2b59b61099f6f9ab6ee748ca0e0649b44a2f08248b31aef57b52"
    assert len(mnist.train.x) == 60_000
    assert len(mnist.test.x) == 10_000
    assert mnist.n_classes == 10
    with pytest.raises(ValueError, match="this is mnist, not fashion-mnist"):
        load("fashion-mnist")
