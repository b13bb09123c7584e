"""The gradient checker checked: right gradients pass and wrong ones do not, also where it has differences alone."""

import numpy as np
import pytest

import tinyvae as tv
from tinyvae import gaussian, layers, likelihoods, objectives
from tinyvae.gradcheck import CENTRAL_STEP, Report, Row, cases

X = np.random.default_rng(0).standard_normal((7, 5))


def real_only(f):
    """f for real numbers: what it says of complex ones is no number."""
    def forward(*inputs):
        if any(map(np.iscomplexobj, inputs)):
            raise TypeError("real numbers only")
        return f(*inputs)

    return forward


BOTH_WAYS = pytest.mark.parametrize("carry", [lambda f: f, real_only], ids=["both derivatives", "differences alone"])


def sine(carry, spoil=lambda dx: dx, x=X, **options):
    """The report on sin, whose derivative is cos, as `spoil` leaves it."""
    return tv.check_gradients((carry(np.sin), lambda dy: spoil(dy * np.cos(x))), x, **options)


def at(place, change):
    """`change` of the one entry at this place."""
    def spoil(dx):
        dx[place] = change(dx[place])
        return dx

    return spoil


# ---- right and wrong -------------------------------------------------------------------------------


@BOTH_WAYS
@pytest.mark.parametrize("seed", range(5))
def test_a_right_gradient_passes(carry, seed):
    report = sine(carry, x=np.random.default_rng(seed).standard_normal((3, 4)), rng=seed)
    (row,) = report.rows
    assert report.ok
    assert row.central_error < 1e-8
    if carry is real_only:
        assert row.complex_error is None
        assert "differences alone" in str(report)
        assert report.max_error == row.central_error
    else:
        assert row.complex_error == report.max_error < 1e-14


@BOTH_WAYS
@pytest.mark.parametrize("spoil", [
    lambda dx: dx * 1.001, lambda dx: dx * (1 + 1e-5), lambda dx: dx + 1e-3, lambda dx: -dx, lambda dx: 0 * dx,
    lambda dx: dx[::-1], lambda dx: dx / 7, at((2, 3), lambda g: g + 1e-3), at((6, 4), lambda g: -g),
    at((0, 0), lambda g: 0.0)], ids=["1e-3 more", "1e-5 more", "shifted", "sign", "zero", "upside down", "mean",
                                     "one entry", "sign of one entry", "one entry missing"])
def test_a_wrong_gradient_does_not(carry, spoil):
    report = sine(carry, spoil)
    assert not report.ok
    assert "WRONG" in str(report)


@BOTH_WAYS
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_wrong_and_shown(carry, value):
    report = sine(carry, at((4, 1), lambda g: value))
    assert not report.ok
    assert report.worst.where == "(4, 1)"
    assert f"x at (4, 1): backward says {value}, numerically it is " in str(report)


def test_a_wrong_gradient_is_named_with_its_place_and_both_values():
    class Wrong(tv.Tanh):
        def backward(self, dy, need_dx=True):
            dx = super().backward(dy)
            dx[2, 3] += 1e-9
            return dx

    report = tv.check_gradients(Wrong())
    assert not report.ok
    assert report.worst.where == "(2, 3)"
    assert "WRONG" in str(report)
    assert report.worst.backward - report.worst.numerical == pytest.approx(1e-9, rel=1e-3)


@BOTH_WAYS
def test_the_numerical_value_in_the_report_is_the_true_one(carry):
    given = []

    def backward(dy):
        given.append(dy.copy())
        return at((2, 3), lambda g: 5.0)(dy * np.cos(X))

    worst = tv.check_gradients((carry(np.sin), backward), X).worst
    (dy,) = given
    assert (worst.where, worst.backward) == ("(2, 3)", 5.0)
    assert worst.numerical == pytest.approx((dy * np.cos(X))[2, 3], rel=1e-6)


@BOTH_WAYS
def test_a_parameter_is_checked_as_the_input_is(carry):
    class Wrong(tv.Dense):
        def forward(self, x):
            return carry(super().forward)(x)

        def backward(self, dy, need_dx=True):
            dx = super().backward(dy, need_dx)
            self.dW[4, 2] += 1e-3
            return dx

    report = tv.check_gradients(Wrong(5, 3))
    assert {row.name: row.ok for row in report.rows} == {"x": True, "W": False, "b": True}
    assert {row.name: row.shape for row in report.rows} == {"x": (7, 5), "W": (5, 3), "b": (3,)}
    assert report.worst.where == "(4, 2)"


def test_the_parameters_of_the_check_hide_no_wrong_input_gradient():
    class Doubled(tv.Dense):
        def backward(self, dy, need_dx=True):
            return 2 * super().backward(dy, need_dx)

    class OfUnitVariance(type(tv.Gaussian("shared"))):
        def backward(self, dlog):
            return super().backward(dlog) / self.inv_std

    likelihood = tv.Gaussian("shared")
    likelihood.__class__ = OfUnitVariance
    for part, name in [(Doubled(5, 3), "x"), (likelihood, "out")]:
        assert [row.name for row in tv.check_gradients(part).rows if not row.ok] == [name]


def test_what_a_caller_allows_passes():
    assert sine(lambda f: f, lambda dx: dx * (1 + 1e-9), complex_tolerance=1e-8).ok
    assert not sine(lambda f: f, lambda dx: dx * (1 + 1e-9)).ok
    assert sine(real_only, lambda dx: dx * 1.001, central_tolerance=1e-2).ok
    assert not sine(lambda f: f, lambda dx: dx * 1.001, complex_tolerance=1e-2).ok  # differences have a say as well
    assert not sine(lambda f: f, lambda dx: dx * 1.001, central_tolerance=1e-2).ok


# ---- to what an error is relative --------------------------------------------------------------------


@BOTH_WAYS
@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_an_error_is_relative_to_the_gradient(carry, size):
    def report(factor):
        return tv.check_gradients((carry(lambda x: size * np.sin(x)), lambda dy: dy * (factor * size) * np.cos(X)), X)

    assert report(1.0).ok
    assert not report(1 + 1e-5).ok
    assert report(1 + 1e-5).max_error == pytest.approx(1e-5, rel=1e-2)


@BOTH_WAYS
def test_a_small_gradient_is_not_hidden_by_a_large_one(carry):
    def report(factor):
        return tv.check_gradients((carry(lambda a, b: 1e3 * np.sin(a) + np.sin(b)),
                                   lambda dy: (1e3 * dy * np.cos(X), factor * dy * np.cos(2 * X))), X, 2 * X)

    assert report(1.0).ok
    assert [row.ok for row in report(1.1).rows] == [True, False]


@BOTH_WAYS
def test_a_gradient_that_is_zero_must_be_zero(carry):
    def report(db):
        return tv.check_gradients((carry(lambda a, b: np.sin(a) + 0 * b), lambda dy: (dy * np.cos(X), db + 0 * dy)),
                                  X, X)

    assert report(0.0).ok
    assert not report(1e-3).ok


@BOTH_WAYS
def test_zeros_are_wrong_however_small_the_true_gradient(carry):
    assert not tv.check_gradients((carry(lambda x: 1e-13 * np.sin(x)), lambda dy: 0 * dy), X).ok


def test_differences_of_large_values_are_allowed_their_rounding_and_no_more():
    def report(factor):
        return tv.check_gradients((real_only(lambda x: np.sin(x) + 1e4), lambda dy: factor * dy * np.cos(X)), X)

    assert report(1.0).ok
    assert report(1.0).max_error < 1e-7  # a longer step loses less
    assert not report(1 + 1e-6).ok


# ---- a kink --------------------------------------------------------------------------------------------


@BOTH_WAYS
@pytest.mark.parametrize(("x", "slope"), [(1e-7, 1.0), (-1e-7, 0.0)])
def test_a_kink_within_the_step_makes_no_right_gradient_wrong_and_no_wrong_one_right(carry, x, slope):
    assert abs(x) < CENTRAL_STEP  # the long step sees a mixture of both slopes

    def report(said):
        there = at((1, 0), lambda _: said)
        return tv.check_gradients((carry(lambda x: np.maximum(x, 0)), lambda dy: dy * there((X > 0) * 1.0)),
                                  at((1, 0), lambda _: x)(X.copy()))

    assert report(slope).ok
    for wrong in (1 - slope, slope + 1e-3, -1.0, 2.0):
        assert not report(wrong).ok
        assert report(wrong).worst.where == "(1, 0)"


def test_a_mixture_of_both_slopes_is_wrong_by_the_complex_step():
    x = at((1, 0), lambda _: 1e-7)(X.copy())
    mixture = 0.5 * (CENTRAL_STEP + 1e-7) / CENTRAL_STEP  # what the long difference says as well
    report = tv.check_gradients((lambda x: np.maximum(x, 0),
                                 lambda dy: dy * at((1, 0), lambda _: mixture)((x > 0) * 1.0)), x)
    assert not report.ok
    assert report.worst.where == "(1, 0)"
    assert report.worst.numerical == pytest.approx(report.worst.backward / mixture, rel=1e-12)


# ---- the cotangent ---------------------------------------------------------------------------------------


@BOTH_WAYS
def test_what_is_right_for_a_cotangent_of_ones_alone_is_wrong(carry):
    assert not tv.check_gradients((carry(lambda x: 1.0 * x), lambda dy: 0 * dy + dy.mean()), X).ok
    assert not tv.check_gradients((carry(lambda x: x * x), lambda dy: 2 * X), X).ok


def test_a_constant_sum_hides_nothing_from_a_random_cotangent():
    def softmax(x):
        e = np.exp(x)
        return e / e.sum(1, keepdims=True)

    p = softmax(X)
    assert not tv.check_gradients((softmax, lambda dy: 0 * dy), X).ok
    assert tv.check_gradients((softmax, lambda dy: p * (dy - (dy * p).sum(1, keepdims=True))), X).ok


# ---- overwriting, not adding -------------------------------------------------------------------------------


def test_gradients_that_are_added_to_instead_of_overwritten_are_wrong():
    class Adding(tv.Dense):
        def backward(self, dy, need_dx=True):
            self.dW += self.x.T @ dy
            self.db += dy.sum(0)
            return dy @ self.W.T

    assert not tv.check_gradients(Adding(5, 3)).ok


@pytest.mark.parametrize("objective", [tv.ELBO, tv.IWAE])
def test_a_likelihood_that_adds_to_its_gradient_is_wrong_by_itself_and_in_an_objective(objective):
    likelihood = tv.Gaussian("shared")

    class Adding(type(likelihood)):
        def backward(self, dlog):
            before = self.dlog_std.copy()
            dout = super().backward(dlog)
            self.dlog_std += before
            return dout

    def failing(likelihood):
        vae = tv.VAE(5, 3, (11,), likelihood, tv.Tanh, rng=0)
        reports = tv.check_gradients(likelihood), tv.check_gradients(objective(vae))
        return [[row.name for row in report.rows if not row.ok] for report in reports]

    assert failing(likelihood) == [[], []]
    likelihood.__class__ = Adding
    assert failing(likelihood) == [["log_std"], ["likelihood.log_std"]]


# ---- how forward takes complex numbers -----------------------------------------------------------------------


def test_a_layer_that_drops_the_imaginary_part_is_checked_by_differences_and_says_so():
    class Cube:
        def forward(self, x):
            self.x = x
            return np.abs(x) ** 3

        def backward(self, dy):
            return dy * 3 * self.x**2 * np.sign(self.x)

    class Refusing(tv.Tanh):
        def forward(self, x):
            return super().forward(np.asarray(x, np.float64)) if x.dtype.kind == "f" else [][0]

    class OneColumn(Cube):
        def forward(self, x):
            return np.hstack([super().forward(x)[:, :1], abs(x[:, 1:].real) ** 2 * x[:, 1:] * np.sign(x[:, 1:].real)])

    for layer in (Cube(), Refusing(), OneColumn()):
        report = tv.check_gradients(layer, np.random.default_rng(1).standard_normal((3, 2)))
        assert report.ok
        assert report.rows[0].complex_error is None
        assert "differences alone" in str(report)


# ---- large arrays ----------------------------------------------------------------------------------------------


def test_a_large_array_is_checked_at_random_entries_and_along_a_direction_through_all():
    report = tv.check_gradients(tv.Dense(53, 31), entries=20)
    assert report.ok
    assert {row.name: row.checked for row in report.rows} == {"x": 20, "W": 20, "b": 20}

    class OneWrong(tv.Dense):
        def backward(self, dy, need_dx=True):
            dx = super().backward(dy, need_dx)
            self.dW[17, 13] += 1e-3
            return dx

    report = tv.check_gradients(OneWrong(53, 31), entries=1)
    assert not report.ok
    assert report.worst.where == "one direction"


@BOTH_WAYS
@pytest.mark.parametrize("seed", range(5))
def test_a_wrong_entry_that_was_not_chosen_shows_along_the_direction(carry, seed):
    x = np.random.default_rng(0).standard_normal((23, 29))
    assert sine(carry, x=x, entries=2, rng=seed).ok
    report = sine(carry, at((11, 17), lambda g: g + 0.1), x, entries=2, rng=seed)
    assert not report.ok
    assert report.worst.where == "one direction"
    assert report.worst.cause == ""  # of so few numbers, nothing can be told
    two = at((11, 17), lambda g: g + 0.1), at((3, 5), lambda g: g - 0.1)  # the sum of all entries is right
    assert not sine(carry, lambda dx: two[0](two[1](dx)), x, entries=2, rng=seed).ok
    assert "2 of 667" in str(report)


def test_the_entries_of_a_large_array_are_drawn_anew_by_each_seed_and_none_twice():
    x, moved = np.random.default_rng(0).standard_normal((23, 29)), []

    def forward(v):
        moved.append(tuple(np.flatnonzero(v != x)))
        return np.sin(v)

    def chosen(seed):
        moved.clear()
        assert tv.check_gradients((real_only(forward), lambda dy: dy * np.cos(x)), x, entries=50, rng=seed).ok
        return {entries for entries in moved if len(entries) == 1}

    assert len(chosen(0)) == len(chosen(1)) == 50
    assert chosen(0) == chosen(0) != chosen(1)


# ---- what is checked ---------------------------------------------------------------------------------------------


def test_every_parameter_of_a_model_has_its_row():
    vae = tv.VAE(5, 3, (11,), tv.Gaussian("shared"), tv.Tanh, n_classes=2, rng=0)
    rows = tv.check_gradients(tv.ELBO(vae)).rows
    assert {row.name: row.shape for row in rows} == {name: view.shape for name, view in vae.parameters().items()}
    assert all(row.checked == np.prod(row.shape) for row in rows)


def test_everything_that_has_a_backward_is_among_the_packages_own_cases():
    checked = set()
    for title, what, _ in cases(np.random.default_rng(0)):
        checked.add(title if isinstance(what, tuple) else type(what))
    functions = {name.removesuffix("_backward") for name in vars(gaussian) if name.endswith("_backward")}
    classes = {thing for module in (layers, likelihoods, objectives) for thing in vars(module).values()
               if hasattr(thing, "backward") and getattr(thing, "__module__", "") == module.__name__}
    assert len(functions) == 4
    assert {tv.Dense, tv.Chain, tv.Bernoulli, tv.ELBO} <= classes
    shared = {base for thing in classes for base in thing.__mro__[1:]}  # what only kinds of it are made of
    assert functions | (classes - shared) <= checked


def test_made_up_inputs_reach_every_path_of_a_model(monkeypatch):
    def without_noise(dz, logvar, eps):
        return dz.sum(0), 0 * logvar

    objective = tv.ELBO(tv.VAE(5, 3, (11,), activation=tv.Tanh, rng=0))
    assert tv.check_gradients(objective).ok
    monkeypatch.setattr(gaussian, "reparameterize_backward", without_noise)
    assert not tv.check_gradients(objective).ok


def test_a_loss_that_is_summed_where_it_should_be_averaged_is_told_so():
    class Summed(tv.ELBO):
        def backward(self):
            super().backward()
            self.vae.grad *= 7

    report = tv.check_gradients(Summed(tv.VAE(5, 3, (11,), activation=tv.Tanh, rng=0)))
    assert {row.cause for row in report.rows} == {"it is 7.000000 times the true value (M = 7)"}


def test_inputs_are_taken_as_float64_and_named():
    report = tv.check_gradients((lambda a, b: a * b, lambda dy: (3 * dy, 2 * dy)), np.float16([2]), np.float32([3]))
    assert report.ok
    assert [row.name for row in report.rows] == ["input 0", "input 1"]


def test_the_checked_model_is_left_as_it_was():
    vae = tv.VAE(7, 3, (5,), rng=0)
    theta, grad = vae.theta.copy(), vae.grad.copy()
    assert tv.check_gradients(tv.ELBO(vae)).ok
    np.testing.assert_array_equal(vae.theta, theta)
    np.testing.assert_array_equal(vae.grad, grad)
    assert vae.parameters()["encoder.0.W"].base is not None
    vae.theta[0] = 5
    assert vae.parameters()["encoder.0.W"][0, 0] == 5


@pytest.mark.parametrize("part", [tv.Dense(5, 3), tv.Gaussian("shared")])
def test_the_checked_part_is_left_as_it_was(part):
    theta, grad = np.random.default_rng(0).standard_normal((2, part.size))
    part.bind(theta, grad)
    before = theta.copy(), grad.copy()
    assert tv.check_gradients(part).ok
    np.testing.assert_array_equal((theta, grad), before)
    theta[:] = 5
    assert all((view == 5).all() for view in part.parameters().values())


def test_a_cotangent_that_backward_destroys_does_no_harm():
    class Destroying(tv.Dense):
        def backward(self, dy, need_dx=True):
            dx = super().backward(dy, need_dx)
            dy[:] = np.nan
            return dx

    assert tv.check_gradients(Destroying(5, 3)).ok


def test_what_cannot_be_checked_is_said_in_one_line():
    rng = np.random.default_rng(0)

    def noisy(x):
        return x + rng.standard_normal(x.shape)

    def changing(x):
        x *= 2
        return x

    class Spoiling(tv.Dense):
        def backward(self, dy, need_dx=True):
            dx = super().backward(dy, need_dx)
            self.x[0] = 0
            return dx

    x = np.ones((3, 2))
    with pytest.raises(TypeError, match="cannot check 3"):
        tv.check_gradients(3)
    with pytest.raises(TypeError, match="through its objective"):
        tv.check_gradients(tv.VAE(5, 2))
    with pytest.raises(ValueError, match="another value at each call"):
        tv.check_gradients((noisy, lambda dy: dy), x)
    with pytest.raises(ValueError, match="changed its inputs"):
        tv.check_gradients((changing, lambda dy: 2 * dy), x)
    with pytest.raises(ValueError, match="Spoiling: forward or backward changed its inputs"):
        tv.check_gradients(Spoiling(5, 3))
    with pytest.raises(ValueError, match=r"shape \(2, 3\) for x"):
        tv.check_gradients((np.tanh, lambda dy: dy.T), x)
    with pytest.raises(ValueError, match=r"1 gradients; forward takes 2 inputs"):
        tv.check_gradients((np.add, lambda dy: dy), x, x)
    with pytest.raises(ValueError, match="needs inputs"):
        tv.check_gradients((np.tanh, lambda dy: dy))
    with pytest.raises(TypeError, match="dtype complex128; expected real numbers"):
        tv.check_gradients((np.tanh, lambda dy: dy), 1j * x)
    for value in (np.nan, np.inf):
        with pytest.raises(ValueError, match="not finite; check it at other inputs"):
            tv.check_gradients((lambda x, value=value: x + value, lambda dy: dy), x)


# ---- the report --------------------------------------------------------------------------------------------------


def test_a_report_is_as_good_as_its_worst_row():
    fine = Row("fine", (2,), 2, 1e-13, 5e-8, "(1,)", 1.0, 1.0, True, "")
    by_differences = fine._replace(name="by differences", complex_error=None)
    wrong = fine._replace(name="wrong", complex_error=1e-11, ok=False, cause="it is the transpose of the true value")
    report = Report("a layer", [by_differences, wrong, fine], "a note.")
    assert not report.ok
    assert report.worst is wrong  # though the error of another one, which may be larger, is larger
    assert report.max_error == 5e-8
    assert Report("a layer", [fine, by_differences], "").ok
    assert Report("a layer", [fine, by_differences], "").worst is by_differences
    assert str(report).splitlines() == [
        "a layer",
        "what            shape  checked  complex step  differences  worst at  verdict",
        "by differences  (2,)   2 of 2   -             5.0e-08      (1,)      ok",
        "wrong           (2,)   2 of 2   1.0e-11       5.0e-08      (1,)      WRONG",
        "fine            (2,)   2 of 2   1.0e-13       5.0e-08      (1,)      ok",
        "wrong at (1,): backward says 1, numerically it is 1; it is the transpose of the true value",
        "a note."]
