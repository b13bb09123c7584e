"""Binary pixels are drawn with exactly the probabilities the grey ones state."""

import numpy as np
import pytest

from tinyvae.datasets import BINARIZATIONS, Dataset, Split, binarize, freeze, load

LEVELS = np.arange(256, dtype=np.uint8)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


class Enumerating:
    """A generator that runs through all pairs of a byte and of what is drawn where the byte is 255."""

    rows = 256 * 255

    def integers(self, low, high, shape, dtype):
        assert (low, dtype) == (0, np.uint8)
        if high == 256:
            assert shape == (self.rows, 256)
            return np.repeat(np.arange(256, dtype=np.uint8), 255)[:, None].repeat(256, axis=1)
        assert (high, shape) == (255, 255 * 256)
        return np.repeat(np.arange(255, dtype=np.uint8), 256)


def test_a_grey_level_is_one_for_exactly_its_share_of_all_draws():
    x = np.broadcast_to(LEVELS, (Enumerating.rows, 256))
    ones = binarize(x, "dynamic", Enumerating(), np.uint8).sum(axis=0, dtype=int)
    np.testing.assert_array_equal(ones, LEVELS.astype(int) * 256)  # of 255 * 256 draws: the probability is x / 255


@pytest.mark.parametrize("levels", [255, 256])
def test_the_draws_enumerated_above_are_uniform(rng, levels):
    counts = np.bincount(rng.integers(0, levels, levels * 10_000, dtype=np.uint8), minlength=levels)
    assert len(counts) == levels
    assert np.all(np.abs(counts - 10_000) < 5 * np.sqrt(10_000))


def test_floats_are_one_with_their_probability(rng):
    p = np.linspace(0, 1, 11)
    n = 200_000
    draws = binarize(np.tile(p, (n, 1)), "dynamic", rng, np.float64)
    np.testing.assert_array_less(np.abs(draws.mean(axis=0) - p), 5 * np.sqrt(p * (1 - p) / n) + 1e-12)
    # independently of each other
    covariance = np.cov(draws[:, 1:-1], rowvar=False)
    assert np.abs(covariance - np.diag(np.diag(covariance))).max() < 5 * 0.25 / np.sqrt(n)


def test_a_black_float_is_zero_even_where_the_draw_is_zero():
    class Lowest:
        def random(self, shape, dtype):
            return np.zeros(shape, dtype)

    np.testing.assert_array_equal(binarize(np.array([[0.0, 1e-30, 1.0]]), "dynamic", Lowest()), [[0, 1, 1]])


@pytest.mark.parametrize("how", BINARIZATIONS)
@pytest.mark.parametrize("dtype", [np.uint8, bool, np.float16, np.float32, np.float64])
def test_white_is_always_one_and_black_always_zero(how, dtype, rng):
    white = 255 if dtype == np.uint8 else 1
    x = np.zeros((2, 50_000), dtype)
    x[1] = white
    if how == "static":
        x = freeze(x, 0)
    y = binarize(x, how, rng)
    np.testing.assert_array_equal(y, np.array([[0.0], [1.0]]) * np.ones((2, 50_000)))


@pytest.mark.parametrize("how", BINARIZATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(3, 5), (0, 5)])
def test_shape_stays_and_dtype_is_what_was_asked_for(how, dtype, shape, rng):
    for x in (np.full(shape, 100, np.uint8), np.full(shape, 0.4), np.full(shape, True)):
        rows = freeze(x, 0) if how == "static" else x
        y = binarize(rows, how, rng, dtype)
        assert y.dtype == dtype
        assert y.shape == shape
        if how != "none":
            assert set(np.unique(y)) <= {0, 1}


def test_float32_is_the_default(rng):
    assert binarize(LEVELS[None], "dynamic", rng).dtype == np.float32


def test_threshold_splits_at_one_half(rng):
    np.testing.assert_array_equal(binarize(LEVELS, "threshold", rng), LEVELS / 255 > 0.5)
    x = np.array([0.0, 0.5, np.nextafter(0.5, 1), 1.0])
    np.testing.assert_array_equal(binarize(x, "threshold", rng), [0, 0, 1, 1])


def test_none_gives_the_grey_values(rng):
    np.testing.assert_array_equal(binarize(LEVELS, "none", rng, np.float64), LEVELS / 255)
    np.testing.assert_array_equal(binarize(LEVELS, "none", rng), LEVELS.astype(np.float32) / np.float32(255))
    x = np.array([[0.0, 0.3, 1.0]])
    np.testing.assert_array_equal(binarize(x, "none", rng, np.float64), x)


def test_dynamic_draws_anew_at_each_call_and_the_same_for_the_same_seed():
    x = np.full((10, 10), 128, np.uint8)
    one, other = np.random.default_rng(1), np.random.default_rng(1)
    first, second = binarize(x, "dynamic", one), binarize(x, "dynamic", one)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(binarize(x, "dynamic", other), first)
    np.testing.assert_array_equal(binarize(x, "dynamic", other), second)


@pytest.mark.parametrize("row", [LEVELS, LEVELS / 255], ids=["uint8", "float"])
def test_freezing_is_one_draw_determined_by_its_seed(row):
    x = np.tile(row, (40, 1))
    frozen = freeze(x, 1)
    assert frozen.dtype == bool
    np.testing.assert_array_equal(frozen, freeze(x, 1))
    assert not np.array_equal(frozen, freeze(x, 2))
    assert np.abs(frozen.mean(axis=0) - LEVELS / 255).max() < 5 * 0.5 / np.sqrt(40)


@pytest.mark.parametrize("how", BINARIZATIONS)
def test_frozen_pixels_are_a_fixed_point_of_every_rule(how, rng):
    frozen = freeze(LEVELS[None], 0)
    state = rng.bit_generator.state
    np.testing.assert_array_equal(binarize(frozen, how, rng), frozen)
    assert rng.bit_generator.state == state
    np.testing.assert_array_equal(freeze(frozen, 1), frozen)


def test_freezing_a_frozen_array_gives_a_copy():
    frozen = freeze(LEVELS[None], 0)
    assert not np.shares_memory(freeze(frozen, 0), frozen)


def dataset(n_train, n_test):
    grey = [Split(np.full((n, 4000), 128, np.uint8), None) for n in (n_train, 3, n_test)]
    return Dataset("grey", *grey, image_shape=None, n_classes=0)


def test_a_frozen_datasets_splits_are_drawn_independently():
    frozen = dataset(3, 3).freeze(0)
    splits = (frozen.train.x, frozen.validation.x, frozen.test.x)
    for i, a in enumerate(splits):
        assert a.dtype == bool
        for b in splits[:i]:
            # 12,000 pairs of fair coins agree in half the cases, give or take 5 standard errors
            assert abs((a == b).mean() - 0.5) < 5 * 0.5 / np.sqrt(a.size)


def test_the_static_test_set_does_not_depend_on_the_size_of_the_training_set():
    few, many = dataset(3, 5).freeze(0), dataset(30, 5).freeze(0)
    np.testing.assert_array_equal(few.test.x, many.test.x)
    np.testing.assert_array_equal(few.validation.x, many.validation.x)


def test_static_needs_frozen_pixels(rng):
    with pytest.raises(ValueError, match=r"drawn once, before training: call freeze\(x, seed\) first"):
        binarize(LEVELS[None], "static", rng)


def test_an_unknown_rule_is_refused(rng):
    with pytest.raises(ValueError, match=r"'dynamics' given; expected .* dynamic, static, threshold, none"):
        binarize(LEVELS[None], "dynamics", rng)


@pytest.mark.parametrize("dtype", [np.complex128, object])
def test_other_dtypes_are_refused(dtype, rng):
    for call in (lambda x: binarize(x, "none", rng), lambda x: freeze(x, 0)):
        with pytest.raises(TypeError, match=f"pixels of {np.dtype(dtype)} given; expected uint8 grey levels"):
            call(np.ones((2, 3), dtype))


@pytest.mark.parametrize("value", [-0.01, 1.01, 255.0, np.nan, np.inf])
@pytest.mark.parametrize("how", BINARIZATIONS)
def test_floats_outside_of_zero_to_one_are_refused(value, how, rng):
    x = np.full((2, 3), 0.5)
    x[1, 1] = value
    for call in (lambda: binarize(x, how, rng), lambda: freeze(x, 0)):
        with pytest.raises(ValueError, match=r"expected floats in \[0, 1\]"):
            call()


@pytest.mark.parametrize("dtype", [np.int64, np.uint16])
@pytest.mark.parametrize("how", ["dynamic", "threshold", "none"])
def test_whole_numbers_of_zero_and_one_are_numbers(dtype, how, rng):
    x = np.array([[0, 1, 1, 0]])
    np.testing.assert_array_equal(binarize(x.astype(dtype), how, rng), x)
    np.testing.assert_array_equal(freeze(x.astype(dtype), 0), x)


def test_bytes_of_zero_and_one_are_no_grey_levels(rng):
    x = np.array([[0, 1, 1, 0]], np.uint8)
    for call in (lambda: binarize(x, "dynamic", rng), lambda: freeze(x, 0)):
        with pytest.raises(ValueError, match="no value above 1, but uint8 means grey levels"):
            call()


@pytest.mark.parametrize(("x", "words"), [
    (np.ma.masked_array(np.zeros((2, 3)), True), "masked array"),
    (load().train, "pass one of them, such as data.train.x")])
def test_what_holds_rows_but_is_none_is_named(x, words):
    for call in (lambda: binarize(x, "threshold", None), lambda: freeze(x, 0)):
        with pytest.raises(TypeError, match=words):
            call()
