"""Rows of data: one door, and what comes out of it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinyvae as tv
from tinyvae.foundation.checks import Doubt
from tinyvae.rows import BINARIZATIONS, Rows, bits, rows

few = settings(max_examples=60, deadline=None)
DTYPES = st.sampled_from([np.uint8, bool, np.int8, np.int64, np.float16, np.float32, np.float64, ">f4"])


def model(likelihood=None, dtype=np.float32, n_classes=0):
    return tv.VAE(3, 2, (), likelihood, dtype=dtype, n_classes=n_classes, rng=0)


@st.composite
def pixels(draw):
    """Rows of three pixels of any dtype, and the same as float64 from 0 to 1."""
    dtype = np.dtype(draw(DTYPES))
    shape = (draw(st.integers(1, 6)), 3)
    if dtype == np.uint8:
        x = draw(hnp.arrays(dtype, shape, elements=st.integers(0, 255)))
        x[0, 0] = 255  # so that these are grey levels
        return x, x / 255
    whole = dtype.kind in "bi"
    elements = st.integers(0, 1) if whole else st.integers(0, 64).map(lambda n: n / 64)
    x = draw(hnp.arrays(np.float64, shape, elements=elements)).astype(dtype)
    return x, x.astype(np.float64)


@few
@given(pixels(), st.sampled_from([np.float32, np.float64]), st.sampled_from(["none", "threshold", "dynamic"]))
def test_a_batch_holds_the_same_numbers_whatever_they_came_in(came, dtype, binarization):
    given_x, x = came
    before = given_x.copy()
    drawn, y = rows(model(dtype=dtype), given_x, binarization=binarization).draw(np.random.default_rng(0))
    assert y is None
    assert drawn.dtype == dtype
    if binarization == "none":
        np.testing.assert_array_equal(drawn, x.astype(dtype))
    elif binarization == "threshold":
        np.testing.assert_array_equal(drawn, x > 0.5)
    else:
        assert set(np.unique(drawn)) <= {0, 1}
        np.testing.assert_array_equal(drawn[(x == 0) | (x == 1)], x[(x == 0) | (x == 1)])
    np.testing.assert_array_equal(given_x, before)


@pytest.mark.parametrize("dtype", [np.uint8, bool])
def test_bytes_stay_bytes_until_a_batch_is_drawn(dtype):
    x = np.full((40, 3), 255, np.uint8).astype(dtype)
    data = rows(model(), x)
    assert data.x is x
    assert data[np.arange(5)].x.dtype == dtype
    np.testing.assert_array_equal(data[:2].draw()[0], np.ones((2, 3)))


def test_rows_keep_their_labels_in_every_order_and_part():
    x, y = np.arange(33.0).reshape(11, 3) / 33, np.arange(11) % 4
    data = rows(model(n_classes=4), x, y)
    order = np.random.default_rng(0).permutation(11)
    for some in (data[order], data[3:7], *data.parts(4)):
        drawn, labels = some.draw()
        np.testing.assert_array_equal(labels, np.round(drawn[:, 0] * 11).astype(int) % 4)
    assert [len(part) for part in data.parts(4)] == [4, 4, 3]
    assert [len(part) for part in data.parts(0)] == [1] * 11  # a part has a row at least


def test_bits_are_drawn_anew_for_each_batch_and_come_from_the_generator():
    data = rows(model(), np.full((50, 3), 0.5), binarization="dynamic")
    rng = np.random.default_rng(1)
    first, second = data.draw(rng)[0], data.draw(rng)[0]
    assert (first != second).any()
    rng = np.random.default_rng(1)
    np.testing.assert_array_equal(first, bits(data.x, rng))


@pytest.mark.parametrize(("likelihood", "usual"), [(tv.Bernoulli(), "dynamic"), (tv.Gaussian(), "none"),
                                                   (tv.Gaussian("network"), "none")])
def test_the_usual_binarization_is_the_likelihoods(likelihood, usual):
    assert rows(model(likelihood), np.zeros((1, 3)), binarization=None).binarization == usual


def test_rows_are_not_checked_twice():
    data = rows(model(), np.zeros((2, 3)))
    data.x[0, 0] = np.nan  # which the door would see
    assert rows(model(), data) is data
    assert isinstance(data, Rows)


def noise(x):
    return np.zeros((len(x) if hasattr(x, "__len__") else 1, 2))


DOORS = {
    "encode": lambda vae, x: vae.encode(x), "reconstruct": lambda vae, x: vae.reconstruct(x),
    "forward": lambda vae, x: vae.forward(x, noise(x)),
    "ELBO": lambda vae, x: tv.ELBO(vae).forward(x, noise(x)),
    "IWAE": lambda vae, x: tv.IWAE(vae).forward(x, np.stack([noise(x)] * 5)),
    "fit": lambda vae, x: tv.fit(vae, x, epochs=1, progress=False),
    "validation": lambda vae, x: tv.fit(vae, np.zeros((4, 3)), epochs=1, validation=x, progress=False),
    "elbo": lambda vae, x: tv.evaluation.elbo(vae, x), "log p(x)": lambda vae, x: tv.log_likelihood(vae, x, 3),
    "means": lambda vae, x: tv.evaluation.means(vae, x), "active units": lambda vae, x: tv.active_units(vae, x),
    "KLs": lambda vae, x: tv.evaluation.kl_per_dimension(vae, x)}
each_door = pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)


@each_door
@pytest.mark.parametrize(("x", "words"), [
    (np.array([[0.2, -1.5, 0.3]]), r"ranges from -1.5 to 0.3; Bernoulli describes values from 0 to 1: rescale"),
    (np.array([[0.2, 7.0, 0.3]]), r"ranges from 0.2 to 7; Bernoulli describes"),
    (np.array([[0.2, np.nan, 0.3]]), r"not finite: nan at index \(0, 1\)"),
    (np.array([[0.2, 1e300, 0.3]]), r"not finite: inf at index \(0, 1\)"),
    (np.array([[0, 1, 1]], np.uint8), r"uint8 with no value above 1, but uint8 means grey levels"),
    (np.zeros((2, 4)), r"expected \(M, 3\)")])
def test_every_door_refuses_the_same_rows(door, x, words):
    vae = model()
    theta = vae.theta.copy()
    with pytest.raises(ValueError, match=words):
        door(vae, x)
    np.testing.assert_array_equal(vae.theta, theta)


@each_door
def test_every_door_takes_a_black_image_of_bytes_and_whole_numbers_of_zero_and_one(door):
    for x in (np.zeros((3, 3), np.uint8), np.array([[0, 1, 0], [1, 1, 0], [0, 0, 1]])):
        door(model(), x)


@pytest.mark.parametrize("binarization", BINARIZATIONS)
def test_bits_are_left_alone_by_every_rule(binarization):
    x = np.random.default_rng(0).random((20, 3)) < 0.5
    np.testing.assert_array_equal(rows(model(), x, binarization=binarization).draw()[0], x)


@pytest.mark.parametrize(("x", "binarization", "words"), [
    (np.full((2, 3), 0.5), "static", r"call freeze\(x, seed\) first"),
    (np.full((2, 3), 0.5), "dynamics", "'dynamics' given; expected one of dynamic, static, threshold, none"),
    (np.full((2, 3), 2.5), "dynamic", r"ranges from 2.5 to 2.5; binarization 'dynamic' describes values from 0 to 1")])
def test_a_rule_that_cannot_be_is_refused(x, binarization, words):
    with pytest.raises(ValueError, match=words):
        rows(model(tv.Gaussian()), x, binarization=binarization)


LARGE_DOORS = {name: DOORS[name] for name in ("fit", "elbo")} | {
    "log p(x)": lambda vae, x: tv.log_likelihood(vae, x, 3, binarization="dynamic"),
    "validation": lambda vae, x: tv.fit(vae, np.zeros((4, 3)), epochs=1, validation=x, progress=False)}


@pytest.mark.parametrize("door", LARGE_DOORS.values(), ids=LARGE_DOORS)
def test_grey_levels_without_a_light_pixel_are_taken_and_said_once(door):
    """As scikit-learn's digits, whose white is 16."""
    x = np.random.default_rng(0).integers(0, 17, (120, 3), dtype=np.uint8)
    with pytest.warns(Doubt, match=r"x is uint8 with no value above 16, .* pass .*x / 16") as said:
        door(model(), x)
    assert len(said) == 1
    assert said[0].filename == __file__  # at the line that called the package
    door(model(), 15 * x)  # nothing is said of light ones


@each_door
@pytest.mark.parametrize(("wrap", "words"), [
    (lambda x: np.ma.masked_array(x, x > 0.5), "masked array, and its mask would be ignored"),
    (lambda x: tv.datasets.load().train, "part of a data set, rows and labels; pass one of them, such as data.train.x"),
    (lambda x: tv.datasets.load(), r"whole data set, <Dataset mnist-small.*; pass the rows .* such as data.train.x")])
def test_what_holds_rows_but_is_none_is_named(door, wrap, words):
    vae, x = model(), wrap(np.random.default_rng(0).random((6, 3)))
    if isinstance(x, tuple) and door is DOORS["validation"]:
        pytest.skip("a pair of rows and labels is what it takes")
    with pytest.raises(TypeError, match=words):
        door(vae, x)


def test_a_split_is_a_pair_of_rows_and_labels_for_validation():
    data = tv.datasets.load(validation=100)
    vae = tv.VAE(784, 2, (8,), n_classes=10, rng=0)
    x, y = data.train.x[:200], data.train.y[:200]
    found = [tv.fit(vae, x, y=y, epochs=1, rng=0, validation=held_out, progress=False, optimizer=tv.SGD(vae, 1e-30))
             for held_out in (data.validation, (data.validation.x, data.validation.y))]
    assert found[0][0]["validation_elbo"] == found[1][0]["validation_elbo"]


@pytest.mark.parametrize("call", [
    lambda vae, x: vae.sample(2, 0), lambda vae, x: tv.evaluation.elbo(vae, x),
    lambda vae, x: tv.log_likelihood(vae, x, 3), lambda vae, x: tv.fit(vae, x, epochs=1, progress=False)])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_model_that_is_none_any_more_is_refused(call, bad):
    vae = model()
    vae.theta[5] = bad
    with pytest.raises(ValueError, match=r"theta is not finite in 1 of \d+ entries: its training diverged"):
        call(vae, np.zeros((4, 3)))


def test_rows_keep_their_own_labels_and_binarization():
    vae = model(n_classes=3)
    data = rows(vae, np.full((9, 3), 0.5), np.arange(9) % 3, "dynamic")
    assert tv.evaluation.elbo(vae, data) == tv.evaluation.elbo(vae, np.full((9, 3), 0.5), np.arange(9) % 3)
    for besides in ({"y": np.zeros(9, int)}, {"binarization": "threshold"}, {"binarization": "nonsense"}):
        with pytest.raises(ValueError, match="labels and a binarization of their own; leave both out"):
            tv.evaluation.elbo(vae, data, **besides)


@pytest.mark.parametrize(("x", "mean"), [
    (np.array([[0, 255, 51], [0, 0, 255]], np.uint8), [0, 0.5, 0.6]),
    (np.array([[False, True, True], [False, False, True]]), [0, 0.5, 1]), (np.array([[0.25, 0.5, 1], [0, 0.5, 0]]), [
        0.125, 0.5, 0.5])])
def test_the_mean_row_is_that_of_the_values(x, mean):
    np.testing.assert_allclose(rows(model(), x).mean(), mean, rtol=1e-6)


def test_noise_that_is_not_finite_is_named():
    eps = np.zeros((2, 4, 2))
    eps[1, 3, 0] = np.nan
    for objective in (tv.ELBO, tv.IWAE):
        with pytest.raises(ValueError, match=r"eps is not finite: nan at index \(1, 3, 0\)"):
            objective(model()).forward(np.zeros((4, 3)), eps)
