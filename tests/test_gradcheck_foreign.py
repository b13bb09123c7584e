"""The gradient checker with anybody's code: no parameter passes unseen, and no right gradient is called wrong."""

import numpy as np
import pytest
from foreign_layers import GALLERY, LABELS, Attributes, Dicts, Float32, Module, ReLU, SquaredError, X

import tinyvae as tv


def verdicts(report):
    return {row.name: row.verdict for row in report.rows}


# ---- the gallery ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("layer", GALLERY, ids=lambda layer: layer.__name__)
def test_a_right_layer_is_ok_however_it_is_written(layer, seed):
    inputs, _ = GALLERY[layer]
    report = tv.check_gradients(layer(), *inputs, rng=seed)
    assert report.ok, report
    assert all(row.checked == np.prod(row.shape) for row in report.rows)


@pytest.mark.parametrize(("layer", "mistake"), [(layer, mistake) for layer, (_, mistakes) in GALLERY.items()
                                                for mistake in mistakes],
                         ids=lambda given: getattr(given, "__name__", given))
def test_a_wrong_layer_is_wrong_in_the_rows_that_are(layer, mistake):
    inputs, mistakes = GALLERY[layer]
    found = verdicts(tv.check_gradients(layer(mistake), *inputs))
    assert {name for name, verdict in found.items() if verdict == "WRONG"} == set(mistakes[mistake])
    assert set(found.values()) <= {"ok", "WRONG"}


def test_every_parameter_of_the_gallery_has_its_row():
    shapes = {row.name: row.shape for row in tv.check_gradients(Attributes(), X).rows}
    assert shapes == {"x": (7, 5), "weights": (5, 3), "biases": (1, 3)}


def test_a_factor_is_named_in_another_persons_layer():
    assert "0.142857 times the true value (M = 7)" in str(tv.check_gradients(Attributes("mean"), X))
    assert "the sign is wrong" in str(tv.check_gradients(Attributes("sign"), X))


# ---- parameters ------------------------------------------------------------------------------------------


class Scaled(ReLU):
    """Has a parameter, and no gradient of it that goes by its name."""

    def __init__(self, slope_of_scale=1.0):
        super().__init__()
        self.scale, self.c = np.array([1.0, 2, 3, 4, 5]), slope_of_scale

    def forward(self, x):
        self.x = x
        return super().forward(x * self.scale)

    def backward(self, dy):
        dy = super().backward(dy)
        self.slope = self.c * (dy * self.x).sum(0)
        return dy * self.scale


def test_a_parameter_without_a_gradient_is_not_ok_and_the_report_says_what_to_do():
    report = tv.check_gradients(Scaled(), X)
    assert verdicts(report) == {"x": "ok", "scale": "not checked"}
    assert not report
    assert 'gradients={"scale": "…"}' in str(report)
    assert report.max_error < 1e-12


def test_the_gradient_of_a_parameter_can_be_named_and_a_constant_be_called_one():
    assert verdicts(tv.check_gradients(Scaled(), X, gradients={"scale": "slope"})) == {"x": "ok", "scale": "ok"}
    assert verdicts(tv.check_gradients(Scaled(1.1), X, gradients={"scale": "slope"}))["scale"] == "WRONG"
    report = tv.check_gradients(Scaled(), X, gradients={"scale": None})
    assert report.ok
    assert "held fixed: scale" in str(report)
    with pytest.raises(ValueError, match="after backward there is no array 'slop'; there are"):
        tv.check_gradients(Scaled(), X, gradients={"scale": "slop"})
    with pytest.raises(ValueError, match="gradients names scales; what changes forward's value is scale"):
        tv.check_gradients(Scaled(), X, gradients={"scales": "slope"})


def test_a_parameter_beside_the_bound_ones_is_found_in_a_layer_and_in_an_objective():
    class Own(tv.Dense):
        def __init__(self, n_in, n_out):
            super().__init__(n_in, n_out)
            self.scale = np.full(n_out, 2.0)

        def forward(self, x):
            return super().forward(x) * self.scale

        def backward(self, dy, need_dx=True):
            return super().backward(dy * self.scale, need_dx)

    assert verdicts(tv.check_gradients(Own(5, 3))) == {"x": "ok", "W": "ok", "b": "ok", "scale": "not checked"}

    class Weighted(tv.ELBO):
        weight = None

        def forward(self, x, eps, y=None):
            return super().forward(x, eps, y) * float(self.weight.real.sum()) if self.weight is not None else 0

    objective = Weighted(tv.VAE(5, 3, (11,), activation=tv.Tanh, rng=0))
    objective.weight = np.array([0.25, 0.75])
    assert verdicts(tv.check_gradients(objective))["weight"] == "not checked"


def test_caches_and_running_statistics_are_no_parameters():
    class Caching(ReLU):
        def __init__(self):
            super().__init__()
            self.x, self.y, self.mean, self.dx = X.copy(), X.copy(), np.zeros(5), np.ones((7, 5))

        def forward(self, x):
            self.x, self.mean = x, 0.9 * self.mean + 0.1 * x.mean(0)
            self.y = super().forward(x)
            return self.y

    assert verdicts(tv.check_gradients(Caching(), X)) == {"x": "ok"}


def test_parameters_of_ones_and_zeros_hide_nothing():
    class Gain(ReLU):
        def __init__(self):
            super().__init__()
            self.gain = np.ones(5)

        def forward(self, x):
            self.x = x
            return x * self.gain

        def backward(self, dy):
            self.dgain = (dy * self.x).sum(0)
            return dy  # without the gain

    assert verdicts(tv.check_gradients(Gain(), X)) == {"x": "WRONG", "gain": "ok"}


def test_parameters_made_by_the_first_forward_and_gradients_that_are_added_up():
    class Lazy:
        def __init__(self):
            self.parameters, self.gradients, self.X = {"W": None}, {"W": None}, []

        def forward(self, x):
            if self.parameters["W"] is None:
                self.parameters["W"] = np.random.default_rng(0).standard_normal((5, 3))
                self.gradients["W"] = np.zeros((5, 3))
            self.X.append(x)
            return np.tanh(x @ self.parameters["W"])

        def backward(self, dLdy):
            x, W = self.X[0], self.parameters["W"]
            d = dLdy * (1 - np.tanh(x @ W) ** 2)
            self.gradients["W"] += x.T @ d
            return d @ W.T

    assert verdicts(tv.check_gradients(Lazy(), X)) == {"x": "ok", "parameters.W": "ok"}


def test_a_pair_of_methods_is_the_object_that_they_belong_to():
    layer = Attributes("mean")
    assert verdicts(tv.check_gradients((layer.forward, layer.backward), X))["weights"] == "WRONG"


def test_the_checked_object_is_left_as_it_was():
    layer = Dicts()
    W = layer.params["W"]
    before = W.copy()
    assert tv.check_gradients(layer, X).ok
    assert layer.params["W"] is W
    np.testing.assert_array_equal(W, before)
    assert vars(layer).keys() == {"wrong", "params", "grads"}
    assert layer.grads == {}


@pytest.mark.parametrize(("parameter", "gradient"), [
    ("W", "dW"), ("W", "grad_W"), ("W", "W_grad"), ("W", "gradW"), ("weights", "dweights"), ("weights", "dW"),
    ("weights", "weights_gradient"), ("kernel", "dkernel"), ("W", "delta_W"), ("gamma", "dgamma"), ("W1", "dW1"),
    ("_W", "_dW"), ("W", "nabla_w"), ("bias", "db"), ("W", "dL_dW")])
def test_the_usual_names_of_gradients_are_known(parameter, gradient):
    class Layer:
        def __init__(self):
            setattr(self, parameter, np.arange(1.0, 6))

        def forward(self, x):
            self.x = x
            return x * getattr(self, parameter)

        def backward(self, dy):
            setattr(self, gradient, (dy * self.x).sum(0))
            return dy * getattr(self, parameter)

    assert verdicts(tv.check_gradients(Layer(), X)) == {"x": "ok", parameter: "ok"}


# ---- what is differentiated --------------------------------------------------------------------------------


def test_integers_are_held_fixed_and_said_to_be():
    def loss(scores, labels):
        assert labels.dtype == LABELS.dtype
        return scores[np.arange(7), labels]

    def backward(dy):
        d = np.zeros((7, 5))
        d[np.arange(7), LABELS] = dy
        return d

    report = tv.check_gradients((loss, backward), X, LABELS, names=["scores", "labels"])
    assert verdicts(report) == {"scores": "ok"}
    assert "held fixed: labels" in str(report)
    with pytest.raises(ValueError, match=r"nothing to differentiate. held fixed: x.* int64"):
        tv.check_gradients((np.tanh, lambda dy: dy), np.arange(5))


def test_inputs_can_be_named():
    pair = (lambda x, W: x @ W, lambda dy: (dy @ np.ones((3, 5)), 2 * X.T @ dy))
    report = tv.check_gradients(pair, X, np.ones((5, 3)), names=["x", "W"])
    assert verdicts(report) == {"x": "ok", "W": "WRONG"}
    with pytest.raises(ValueError, match="1 names for 2 inputs"):
        tv.check_gradients(pair, X, np.ones((5, 3)), names=["x"])


def test_a_gradient_that_backward_does_not_give_is_not_checked():
    class Product:
        def forward(self, a, b):
            self.b = b
            return a * b

        def backward(self, dy):
            return dy * self.b

    assert verdicts(tv.check_gradients(Product(), X, X)) == {"a": "ok", "b": "not checked"}


def test_a_loss_that_ignores_dy_is_called_so():
    loss = (lambda p: ((p - 1) ** 2).mean(), lambda dy: 2 * (X - 1) / X.size)
    report = tv.check_gradients(loss, X)
    assert not report.ok
    assert report.worst.cause == "backward gives the same for every dy"
    assert tv.check_gradients((loss[0], lambda: loss[1](1)), X).ok


def test_what_cannot_be_expressed_is_refused_with_the_lines_that_would_express_it():
    class OnePerRow(SquaredError):
        def forward(self, p, target):
            super().forward(p, target)
            return ((p - target) ** 2).mean(1)

    class Nothing(ReLU):
        def forward(self, x):
            pass

    class Generating(Float32):
        def __init__(self):
            super().__init__()
            self.rows = (i for i in range(3))

    class TwoOutputs(ReLU):
        def forward(self, x):
            return super().forward(x), x

    with pytest.raises(TypeError, match=r"takes no dy, so forward must give one number[\s\S]*dy \* loss.backward\(\)"):
        tv.check_gradients(OnePerRow(), X, X)
    with pytest.raises(TypeError, match="forward gives None"):
        tv.check_gradients(Nothing(), X)
    with pytest.raises(TypeError, match=r"Generating cannot be copied[\s\S]*check_gradients\(\(forward"):
        tv.check_gradients(Generating(), X)
    class OfProbabilities:
        def forward(self, p, y_true):
            return -np.log((p * y_true).sum(1))

        def backward(self, dvalues, y_true):  # by dvalues it means p
            return -y_true / dvalues / len(dvalues)

    class Half(ReLU):
        def forward(self, x):
            return super().forward(x).astype(np.float16)

    with pytest.raises(TypeError, match=r"called with dy, y_true: [\s\S]*check_gradients\(\(layer.forward"):
        tv.check_gradients(OfProbabilities(), abs(X[:4]), np.eye(4, 5))
    with pytest.raises(TypeError, match="float16"):
        tv.check_gradients(Half(), X)
    with pytest.raises(TypeError, match=r"tuple of 2[\s\S]*layer.forward\(x\)\[0\]"):
        tv.check_gradients(TwoOutputs(), X)


@pytest.mark.parametrize(("change", "words"), [
    (lambda layer, dW: setattr(layer, "dW", dW), "backward has not written it"),
    (lambda layer, dW: layer.dW.__iadd__(dW), "backward adds to it; it must overwrite it")])
def test_a_gradient_that_was_not_written_is_called_so(change, words):
    class Layer(tv.Dense):
        def backward(self, dy, need_dx=True):
            self.db[:] = dy.sum(0)
            change(self, self.x.T @ dy)
            return dy @ self.W.T

    report = tv.check_gradients(Layer(5, 3))
    assert verdicts(report) == {"x": "ok", "W": "WRONG", "b": "ok"}
    assert words in str(report)


# ---- kinks -----------------------------------------------------------------------------------------------------


def test_entries_on_a_kink_are_counted_and_not_failed():
    x = X.copy()
    x[:3, 2] = 0
    for layer in (tv.ReLU(), ReLU()):
        report = tv.check_gradients(layer, x)
        assert report.ok
        assert report.rows[0].kinks == 3
        assert "3 entries lie on a kink" in str(report)
    assert tv.check_gradients(tv.ReLU(), X).rows[0].kinks == 0


@pytest.mark.parametrize("spoil", [lambda d: 1.001 * d, lambda d: d + 0.5, lambda d: -d])
def test_a_kink_excuses_no_other_entry(spoil):
    x = X.copy()
    x[:3, 2] = 0

    class Wrong(tv.ReLU):
        def backward(self, dy, need_dx=True):
            return spoil(super().backward(dy))

    assert verdicts(tv.check_gradients(Wrong(), x)) == {"x": "WRONG"}


def test_what_lies_outside_of_both_slopes_is_wrong_on_a_kink():
    x = np.where(np.eye(5) > 0, 0.0, 1.0)
    for slope, ok in {0.0: True, 0.4: True, 1.0: True, 1.2: False, -0.2: False}.items():
        report = tv.check_gradients((lambda x: np.maximum(x, 0),
                                     lambda dy, slope=slope: dy * np.where(x == 0, slope, 1.0)), x)
        assert report.ok == ok


def test_where_everything_lies_on_a_kink_nothing_is_told():
    at_zero = np.zeros((3, 4))
    assert tv.check_gradients(tv.ReLU(), at_zero).ok  # judged a hair beside as well
    report = tv.check_gradients((lambda x: np.maximum(x, 0), lambda dy: 0.5 * dy), at_zero)
    assert not report.ok
    assert verdicts(tv.check_gradients((lambda x: np.maximum(x, 0), lambda dy: 0.4 * dy), at_zero)) == {
        "x": "cannot tell"}

    class Leaks(tv.ReLU):
        def backward(self, dy, need_dx=True):
            return np.multiply(dy, np.where(self.y > 0, 0.9, 0))

    assert verdicts(tv.check_gradients(Leaks(), at_zero)) == {"x": "WRONG"}


@pytest.mark.parametrize("seed", range(5))
def test_a_fresh_model_with_a_blank_row_is_right(seed):
    rng = np.random.default_rng(seed)
    x = (rng.random((7, 5)) < 0.3).astype(float)
    x[0] = 0
    report = tv.check_gradients(tv.ELBO(tv.VAE(5, 3, hidden=(11,), rng=seed)), x, rng.standard_normal((7, 3)))
    assert report.ok, report
    assert sum(row.kinks for row in report.rows) > 0

    class Off(tv.ELBO):
        def backward(self):
            super().backward()
            self.vae.grad[-3:] *= 1.01

    assert not tv.check_gradients(Off(tv.VAE(5, 3, hidden=(11,), rng=seed)), x, rng.standard_normal((7, 3))).ok


# ---- what differences resolve ------------------------------------------------------------------------------------


def real(x):
    return x.real if np.iscomplexobj(x) else x


@pytest.mark.parametrize("offset", [0, 1e2, 1e4, 1e9, 1e12, 1e15])
@pytest.mark.parametrize("factor", [1.0, 1.001, 1.5, 0.0])
@pytest.mark.parametrize("part", [np.asarray, real], ids=["complex", "differences"])
def test_large_values_make_no_wrong_gradient_right_and_no_right_one_wrong(offset, factor, part):
    report = tv.check_gradients((lambda x: part(x) ** 2 + offset, lambda dy: factor * dy * 2 * X), X)
    (verdict,) = verdicts(report).values()
    assert verdict in (("ok", "cannot tell") if factor == 1 else ("WRONG", "cannot tell"))
    if offset <= 1e9:
        assert (report.rows[0].complex_error is None) == (part is real)
        assert verdict == ("ok" if factor == 1 else "WRONG")
    if verdict == "cannot tell":
        assert "cannot tell: rounding leaves the differences uncertain by" in str(report)


@pytest.mark.parametrize("scale", [1e3, 1e5])
def test_the_packages_own_bound_on_data_in_raw_units(scale):
    class Off(tv.ELBO):
        factor = 1.05

        def backward(self):
            super().backward()
            self.vae.grad *= self.factor

    objective = Off(tv.VAE(5, 3, (11,), tv.Gaussian(1.0), tv.Tanh, rng=0))
    inputs = scale * (5 + X), np.random.default_rng(0).standard_normal((7, 3))
    found = verdicts(tv.check_gradients(objective, *inputs))
    saturated = {"encoder.0.W", "encoder.0.b"}  # tanh of such values has no slope: 1.05 times zero is zero
    assert {name for name, verdict in found.items() if verdict != "WRONG"} <= saturated
    Off.factor = 1.0
    assert tv.check_gradients(objective, *inputs).ok


@pytest.mark.parametrize("offset", [0, 100])
def test_differences_alone_see_an_error_of_a_millionth(offset):
    def report(factor):
        return tv.check_gradients((lambda x: np.sin(real(x)) + offset, lambda dy: factor * dy * np.cos(X)), X)

    assert report(1.0).ok
    assert not report(1 + 1e-6).ok


def test_a_small_gradient_beside_a_huge_one_is_still_looked_at():
    forward = lambda a, b: np.concatenate([1e16 * a, np.sin(b)])  # noqa: E731
    right = tv.check_gradients((forward, lambda dy: (1e16 * dy[:7], dy[7:] * np.cos(X))), X, X)
    assert right.ok
    assert verdicts(tv.check_gradients((forward, lambda dy: (1e16 * dy[:7], 0 * dy[7:])), X, X))["input 1"] == "WRONG"


def test_what_is_not_finite_to_one_side_cannot_be_told():
    x = np.zeros(3)
    with np.errstate(all="ignore"):
        report = tv.check_gradients((lambda x: np.sqrt(real(x)) + real(x), lambda dy: dy), x)
    assert verdicts(report) == {"x": "cannot tell"}


def test_near_the_edge_of_where_a_function_is_finite():
    x = abs(X) * 1e-4
    assert tv.check_gradients((lambda x: np.log(real(x)), lambda dy: dy / x), x).ok
    assert tv.check_gradients((np.sqrt, lambda dy: 0.5 * dy / np.sqrt(x)), x).ok
    assert not tv.check_gradients((np.sqrt, lambda dy: 0.6 * dy / np.sqrt(x)), x).ok


# ---- float32 -------------------------------------------------------------------------------------------------------


def test_float32_is_named_and_judged_as_exactly_as_it_is():
    for layer in (Float32, Module):
        assert verdicts(tv.check_gradients(layer("a hundredth"), X)) == {"x": "WRONG"}
    assert "float32" in str(tv.check_gradients(Float32(), X))
    assert "float32" not in str(tv.check_gradients(Module(), X))
    backward = tv.check_gradients((np.sin, lambda dy: (dy * np.cos(X)).astype(np.float32)), X)
    assert backward.ok
    assert "float32" in str(backward)


def test_float32_within_a_function_is_noticed():
    def loss(x):
        return float((np.sin(x.astype(np.float32)) ** 2).sum())

    report = tv.check_gradients((loss, lambda dy: dy * np.sin(2 * X)), X)
    assert report.ok
    assert "float32" in str(report)
    assert not tv.check_gradients((loss, lambda dy: 1.01 * dy * np.sin(2 * X)), X).ok


def test_weights_in_float32_are_checked_in_float64():
    class Layer(Dicts):
        def __init__(self):
            super().__init__()
            self.params = {name: a.astype(np.float32) for name, a in self.params.items()}

    report = tv.check_gradients(Layer(), X)
    assert report.ok
    assert report.max_error < 1e-12
    assert "float32" not in str(report)


# ---- causes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_a_small_number_in_a_logarithm_is_no_factor(seed):
    p = np.random.default_rng(seed).uniform(0.1, 0.9, (7, 5))
    report = tv.check_gradients((lambda p: np.log(p + 1e-7), lambda dy: dy / p), p, rng=seed)
    assert not report.ok
    assert "times" not in str(report)


def test_a_factor_of_the_cotangent_is_no_cause():
    report = tv.check_gradients((lambda x: x.sum() ** 2, lambda dy: dy**2 * 2 * X.sum() * np.ones((7, 5))), X)
    assert not report.ok
    assert "times" not in str(report)


def test_a_report_is_as_true_as_it_is_ok():
    assert tv.check_gradients((np.tanh, lambda dy: dy * (1 - np.tanh(X) ** 2)), X)
    assert not tv.check_gradients((np.tanh, lambda dy: dy), X)


class BehindZeros:
    """tanh(x W1) W2, whose W2 starts at zero: W1 changes nothing until W2 is moved as well."""

    def __init__(self, factor=1.0):
        self.factor, rng = factor, np.random.default_rng(0)
        self.W1, self.W2 = rng.standard_normal((5, 4)), np.zeros((4, 3))

    def forward(self, x):
        self.x, self.h = x, np.tanh(x @ self.W1)
        return self.h @ self.W2

    def backward(self, dy):
        dh = (dy @ self.W2.T) * (1 - self.h**2)
        self.dW2, self.dW1 = self.h.T @ dy, self.factor * self.x.T @ dh
        return dh @ self.W1.T


def test_a_parameter_behind_zeros_is_found():
    assert verdicts(tv.check_gradients(BehindZeros())) == {"x": "ok", "W1": "ok", "W2": "ok"}
    assert verdicts(tv.check_gradients(BehindZeros(2.0)))["W1"] == "WRONG"


@pytest.mark.parametrize("shape", [(3,), (1, 3), (1, 1, 3)])
def test_a_gradient_may_lack_leading_ones(shape):
    class Bias:
        def __init__(self):
            self.b = np.random.default_rng(0).standard_normal(shape)

        def forward(self, x):
            return x + self.b

        def backward(self, dy):
            self.db = dy.sum(-2)
            return dy

    x = np.ones((1, 7, 3)) if len(shape) > 2 else np.ones((7, 3))
    assert tv.check_gradients(Bias(), x).ok


def test_a_gradient_that_a_step_would_broadcast_is_refused():
    class Bias:
        def __init__(self):
            self.b = np.random.default_rng(0).standard_normal((3, 1))

        def forward(self, x):
            return x + self.b

        def backward(self, dy):
            self.db = dy.sum(1)  # (3,), and b - lr db is (3, 3)
            return dy

    with pytest.raises(ValueError, match=r"shape \(3,\) for b, which has shape \(3, 1\)"):
        tv.check_gradients(Bias(), np.ones((3, 7)))


@pytest.mark.parametrize("function", [np.sqrt, np.log])
def test_a_small_number_stays_where_a_root_and_a_logarithm_take_it(function):
    class Scaled:
        def __init__(self):
            self.scale = np.full(1, 1e-3)

        def forward(self, x):
            self.x = x
            return x * function(self.scale)

        def backward(self, dy):
            slope = 0.5 / np.sqrt(self.scale) if function is np.sqrt else 1 / self.scale
            self.dscale = (dy * self.x).sum() * slope
            return dy * function(self.scale)

    assert tv.check_gradients(Scaled(), np.ones((7, 3))).ok


def test_a_report_shows_itself_as_its_table():
    report = tv.check_gradients(tv.Tanh())
    assert repr(report) == str(report)
    assert "verdict" in repr(report)
