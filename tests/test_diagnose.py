"""The diagnosis names a cause where the numbers leave no other, and keeps silent where they do."""

import numpy as np
import pytest

import tinyvae as tv
from tinyvae.diagnose import Evidence, explain

SIZES = {"M": 7, "D": 5, "H": 11, "J": 3}


def explained(*evidence):
    return explain([Evidence(*evidence)])


def matrix(seed, shape=(5, 11)):
    return np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.parametrize("seed", range(20))
def test_a_factor_is_named_by_what_it_is(seed):
    true = matrix(seed)
    for key, c in {"M": 7, "1/M": 1 / 7, "D": 5, "1/J": 1 / 3, "2": 2, "1/2": 0.5, "-1": -1}.items():
        assert explained(c * true, true, SIZES).key == f"scale:{key}"
    cause = explained(1.7 * true, true, SIZES)  # a factor that nobody knows is still a factor
    assert cause.key == "scale"
    assert "1.700000 times" in cause.text


@pytest.mark.parametrize("seed", range(20))
def test_a_transpose_is_told_from_everything_else(seed):
    true = matrix(seed, (5, 5))
    assert explained(true.T, true, SIZES).key == "transpose"
    assert explained(true + true.T, true, SIZES) is None
    assert explained(true.T, true.T, SIZES) is None  # right
    symmetric = true + true.T
    assert explained(2 * symmetric.T, symmetric, SIZES).key == "scale:2"


@pytest.mark.parametrize("seed", range(20))
def test_a_term_is_missing_doubled_or_of_the_wrong_sign(seed):
    a, b = matrix(seed), matrix(seed + 100)
    terms = {"the noise path": a, "the KL's part": b, "nothing": 0 * a}
    assert explained(b, a + b, SIZES, terms).key == "missing:the noise path"
    assert explained(a + 2 * b, a + b, SIZES, terms).key == "twice:the KL's part"
    assert explained(b - a, a + b, SIZES, terms).key == "sign:the noise path"
    assert explained(a + 1.5 * b, a + b, SIZES, terms) is None


def test_a_known_mistake_goes_before_a_factor_and_two_of_them_leave_the_bare_fact():
    true = matrix(0)
    one = {"half": (true / 2, "one half lost")}
    assert explained(true / 2, true, SIZES, {}, one).key == "half"
    two = one | {"other": (true / 2 + 1e-9, "another mistake with the same result")}
    assert explained(true / 2, true, SIZES, {}, two).key == "scale"


def test_an_unknown_factor_between_two_numbers_is_no_fact_worth_telling():
    one, other = (Evidence(np.array(c), np.array(1.0), SIZES) for c in (1.7, 0.3))
    assert explain([one]) is explain([one, other]) is None
    assert explained(np.array(7.0), np.array(1.0), SIZES).key == "scale:M"


def test_a_cause_must_account_for_every_piece_of_evidence():
    a, b = matrix(0), matrix(1, (3, 2))
    seven = Evidence(7 * a, a, {"M": 7})
    assert explain([seven, Evidence(13 * b, b, {"M": 13})]).key == "scale:M"
    assert explain([seven, Evidence(7 * b, b, {"M": 13})]).key == "scale"  # seven it is, but not because of M
    assert explain([seven, Evidence(b, b, {"M": 13})]).key == "scale"
    assert explain([seven, Evidence(b + 1, b, {"M": 13})]) is None
    assert explain([Evidence(a, a), Evidence(b, b)]) is None


def test_sizes_that_coincide_are_not_told_apart():
    true = matrix(0)
    cause = explained(4 * true, true, {"M": 4, "D": 4})
    assert cause.key == "scale"
    assert "M" not in cause.text


@pytest.mark.parametrize("seed", range(20))
def test_what_is_not_recognized_is_not_guessed(seed):
    true, other = matrix(seed), matrix(seed + 100)
    almost = 7 * true
    almost[0, 0] *= 1.001
    for given in (other, true + 0.01 * other, almost, true + 1, true * np.nan, true * np.inf):
        assert explained(given, true, SIZES) is None
    assert explained(0 * true, true, SIZES).key == "zero"
    assert explained(other, 0 * true, SIZES) is None


def test_the_largest_numbers_are_no_trouble():
    true = matrix(0)
    assert explained(np.full_like(true, np.finfo(float).max), true) is None
    assert explained(np.finfo(float).max * np.sign(true), true) is None


def test_a_readers_wrong_layer_is_told_why():
    class Averaging(tv.Dense):
        def backward(self, dy, need_dx=True):
            dx = super().backward(dy, need_dx)
            self.dW /= len(dy)
            return dx

    report = tv.check_gradients(Averaging(5, 3), np.random.default_rng(0).standard_normal((7, 5)))
    by_name = {row.name: row for row in report.rows}
    assert not by_name["W"].ok
    assert by_name["b"].ok
    assert "0.142857 times the true value (M = 7)" in by_name["W"].cause
    assert by_name["W"].cause in str(report)

    class Transposed(tv.Dense):
        def backward(self, dy, need_dx=True):
            super().backward(dy)
            self.dW[:] = self.dW.T.copy()
            return dy @ self.W.T

    report = tv.check_gradients(Transposed(4, 4), np.random.default_rng(0).standard_normal((7, 4)))
    assert "transpose" in {row.name: row for row in report.rows}["W"].cause
