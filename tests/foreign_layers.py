"""Layers as people write them: each takes `wrong`, the name of a mistake, or None for the right one.

The mistakes of a layer are what it compares `wrong` with; MISTAKES lists them, with the row that must be WRONG.
"""

import numpy as np

rng = np.random.default_rng(5)
X = rng.standard_normal((7, 5))
LABELS = np.array([0, 2, 1, 1, 0, 2, 2])


class Attributes:
    """weights and dweights."""

    def __init__(self, wrong=None):
        self.wrong, self.weights, self.biases = wrong, rng.standard_normal((5, 3)), np.zeros((1, 3))

    def forward(self, inputs):
        self.inputs = inputs
        return inputs @ self.weights + self.biases

    def backward(self, dvalues):
        self.dweights = self.inputs.T @ dvalues
        self.dbiases = dvalues.sum(0, keepdims=True)
        if self.wrong == "mean":
            self.dweights /= len(dvalues)
        if self.wrong == "sign":
            self.dbiases *= -1
        return dvalues @ self.weights.T


class KeepsAll(Attributes):
    """forward and backward give None, as in a well-known book."""

    def forward(self, inputs):
        self.output = super().forward(inputs)

    def backward(self, dvalues):
        self.dinputs = super().backward(dvalues)
        if self.wrong == "input":
            self.dinputs *= 2


class Dicts:
    """params and grads, made anew in backward."""

    def __init__(self, wrong=None):
        self.wrong = wrong
        self.params, self.grads = {"W": rng.standard_normal((5, 3)), "b": np.zeros(3)}, {}

    def forward(self, x):
        self.x = x
        return x @ self.params["W"] + self.params["b"]

    def backward(self, dy):
        self.grads = {"W": self.x.T @ dy * (2 if self.wrong == "twice" else 1), "b": dy.sum(0)}
        return dy @ self.params["W"].T


class Lists:
    """params and grads, two lists in the same order; the gradients are written in place."""

    def __init__(self, wrong=None):
        self.wrong = wrong
        self.params = [rng.standard_normal((5, 3)), np.zeros(3)]
        self.grads = [np.zeros_like(p) for p in self.params]

    def forward(self, x):
        W, b = self.params
        self.x = x
        return x @ W + b

    def backward(self, dy):
        self.grads[0][...] = self.x.T @ dy
        self.grads[1][...] = (dy.mean(0) if self.wrong == "mean" else dy.sum(0))
        return dy @ self.params[0].T


class Methods:
    """parameters() and gradients()."""

    def __init__(self, wrong=None):
        self.wrong, self._w, self._c = wrong, rng.standard_normal((5, 3)), np.zeros(3)

    def parameters(self):
        return [self._w, self._c]

    def gradients(self):
        return [self._first, self._second]

    def forward(self, x):
        self._x = x
        return x @ self._w + self._c

    def backward(self, dy):
        self._first, self._second = self._x.T @ dy, dy.sum(0) * (-1 if self.wrong == "sign" else 1)
        return dy @ self._w.T


class Pairs(Methods):
    """parameters() gives (parameter, gradient)."""

    def __init__(self, wrong=None):
        super().__init__(wrong)
        self._first, self._second = np.zeros((5, 3)), np.zeros(3)

    def parameters(self):
        return [(self._w, self._first), (self._c, self._second)]

    gradients = None


class Tensor:
    def __init__(self, data):
        self.data, self.grad = data, None


class Tensors:
    """Objects with data and grad."""

    def __init__(self, wrong=None):
        self.wrong, self.W, self.b = wrong, Tensor(rng.standard_normal((5, 3))), Tensor(np.zeros(3))

    def forward(self, x):
        self.x = x
        return x @ self.W.data + self.b.data

    def backward(self, dy):
        self.W.grad, self.b.grad = self.x.T @ dy, dy.sum(0)
        if self.wrong == "missing":
            self.W.grad[0] = 0
        return dy @ self.W.data.T


class Returns(Attributes):
    """backward gives dx and a list of the parameters' gradients."""

    def backward(self, dy):
        dx = super().backward(dy)
        gradients = [self.dweights, self.dbiases]
        del self.dweights, self.dbiases
        return dx, gradients


class TakesAStep(Attributes):
    """backward(gradient, learning_rate) changes the weights and keeps no gradient."""

    def backward(self, output_gradient, learning_rate):
        dx = super().backward(output_gradient)
        self.weights = self.weights - learning_rate * self.dweights
        self.biases -= learning_rate * self.dbiases
        del self.dweights, self.dbiases
        return output_gradient @ self.weights.T if self.wrong == "after the step" else dx


class HasARate(Attributes):
    """The same, with the learning rate in self.lr."""

    def __init__(self, wrong=None):
        super().__init__(wrong)
        self.lr = 0.01

    def backward(self, dy):
        dx = super().backward(dy)
        self.weights -= self.lr * self.dweights
        self.biases -= self.lr * self.dbiases
        del self.dweights, self.dbiases
        return dx


class Network:
    """Layers in a list."""

    def __init__(self, wrong=None):
        self.layers = [Attributes(), ReLU(), Attributes2(wrong)]

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, dy):
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
        return dy


class Attributes2(Attributes):
    def __init__(self, wrong=None):
        super().__init__(wrong)
        self.weights, self.biases = rng.standard_normal((3, 2)), np.zeros((1, 2))


class ReLU:
    def __init__(self, wrong=None):
        self.wrong = wrong

    def forward(self, x):
        self.mask = x > 0
        return x * self.mask

    def backward(self, dy):
        return dy if self.wrong == "no mask" else dy * self.mask


class InPlaceReLU(ReLU):
    def forward(self, x):
        x = x.copy()
        x[x < 0] = 0
        self.mask = x > 0
        return x


class Abs(ReLU):
    def forward(self, x):
        self.sign = np.sign(x)
        return np.abs(x)

    def backward(self, dy):
        return dy * (1 if self.wrong == "sign" else self.sign)


class BatchNorm:
    """With running statistics, which training forward does not use."""

    def __init__(self, wrong=None, n=5):
        self.wrong, self.gamma, self.beta, self.eps = wrong, np.ones(n), np.zeros(n), 1e-5
        self.running_mean, self.running_var, self.momentum = np.zeros(n), np.ones(n), 0.9

    def forward(self, x):
        mu, var = x.mean(0), x.var(0)
        self.running_mean = self.momentum * self.running_mean + (1 - self.momentum) * mu
        self.running_var = self.momentum * self.running_var + (1 - self.momentum) * var
        self.inv_std = 1 / np.sqrt(var + self.eps)
        self.x_hat = (x - mu) * self.inv_std
        return self.gamma * self.x_hat + self.beta

    def backward(self, dout):
        self.dgamma, self.dbeta = (dout * self.x_hat).sum(0), dout.sum(0)
        dx_hat = dout if self.wrong == "gamma" else dout * self.gamma
        variance = 0 if self.wrong == "variance" else self.x_hat * (dx_hat * self.x_hat).mean(0)
        return self.inv_std * (dx_hat - dx_hat.mean(0) - variance)


class BatchNormEval(BatchNorm):
    """With the running statistics: constants."""

    def forward(self, x):
        self.inv_std = 1 / np.sqrt(self.running_var + self.eps)
        self.x_hat = (x - self.running_mean) * self.inv_std
        return self.gamma * self.x_hat + self.beta

    def backward(self, dout):
        self.dgamma, self.dbeta = (dout * self.x_hat).sum(0), dout.sum(0)
        return dout * (1 if self.wrong == "gamma" else self.gamma) * self.inv_std


class DenseThenBatchNorm:
    """The bias before batch normalization has a gradient of zero."""

    def __init__(self, wrong=None):
        self.dense, self.norm = Attributes(wrong), BatchNorm(n=3)

    def forward(self, x):
        return self.norm.forward(self.dense.forward(x))

    def backward(self, dy):
        return self.dense.backward(self.norm.backward(dy))


class LayerNorm:
    def __init__(self, wrong=None):
        self.wrong, self.g, self.b = wrong, np.ones(5), np.zeros(5)

    def forward(self, x):
        centred = x - x.mean(-1, keepdims=True)
        self.s = np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
        self.x_hat = centred / self.s
        return self.g * self.x_hat + self.b

    def backward(self, dy):
        self.grad_g, self.grad_b = (dy * self.x_hat).sum(0), dy.sum(0)
        d = dy * self.g
        mean = 0 if self.wrong == "mean" else d.mean(-1, keepdims=True)
        return (d - mean - self.x_hat * (d * self.x_hat).mean(-1, keepdims=True)) / self.s


class Attention:
    """One head over T = 7 positions; the keys' bias has a gradient of zero."""

    def __init__(self, wrong=None):
        self.wrong = wrong
        self.Wq, self.Wk, self.Wv = rng.standard_normal((3, 5, 3))
        self.bk = rng.standard_normal(3)

    def forward(self, x):
        self.x = x
        self.q, self.k, self.v = x @ self.Wq, x @ self.Wk + self.bk, x @ self.Wv
        scores = self.q @ self.k.T / np.sqrt(3)
        e = np.exp(scores - scores.max(1, keepdims=True).real)
        self.a = e / e.sum(1, keepdims=True)
        return self.a @ self.v

    def backward(self, dy):
        da = dy @ self.v.T
        ds = self.a * (da - (da * self.a).sum(1, keepdims=True))
        if self.wrong == "diagonal":
            ds = self.a * (1 - self.a) * da
        if self.wrong != "scale":
            ds = ds / np.sqrt(3)
        dq, dk, dv = ds @ self.k, ds.T @ self.q, self.a.T @ dy
        self.dWq, self.dWk, self.dWv, self.dbk = self.x.T @ dq, self.x.T @ dk, self.x.T @ dv, dk.sum(0)
        return dq @ self.Wq.T + dk @ self.Wk.T + dv @ self.Wv.T


class Conv2D:
    """By loops, x (N, C, H, W)."""

    def __init__(self, wrong=None):
        self.wrong, self.kernel, self.bias = wrong, rng.standard_normal((2, 3, 3, 3)), np.zeros(2)

    def forward(self, x):
        self.x = x
        N, _, H, W = x.shape
        y = np.zeros((N, 2, H - 2, W - 2), x.dtype)
        for i in range(H - 2):
            for j in range(W - 2):
                y[:, :, i, j] = np.tensordot(x[:, :, i : i + 3, j : j + 3], self.kernel, ([1, 2, 3], [1, 2, 3]))
        return y + self.bias[:, None, None]

    def backward(self, dy):
        dx, self.dkernel = np.zeros_like(self.x), np.zeros_like(self.kernel)
        for i in range(dy.shape[2]):
            for j in range(dy.shape[3]):
                d, window = dy[:, :, i, j], (slice(None), slice(None), slice(i, i + 3), slice(j, j + 3))
                self.dkernel += np.tensordot(d, self.x[window], (0, 0))
                kernel = self.kernel[:, :, ::-1, ::-1] if self.wrong == "flipped" else self.kernel
                dx[window] += np.tensordot(d, kernel, (1, 0))
        self.dbias = dy.sum((0, 2, 3))
        return dx


class MaxPool:
    """Of pairs of columns; the first of two that tie wins."""

    def __init__(self, wrong=None):
        self.wrong = wrong

    def forward(self, x):
        self.x = x.reshape(len(x), -1, 2)
        self.first = self.x[..., 0] >= self.x[..., 1]
        return np.where(self.first, self.x[..., 0], self.x[..., 1])

    def backward(self, dy):
        first = ~self.first if self.wrong == "the other" else self.first
        return np.stack([dy * first, dy * ~first], -1).reshape(len(dy), -1)


class Embedding:
    def __init__(self, wrong=None):
        self.wrong, self.table = wrong, rng.standard_normal((4, 3))

    def forward(self, index):
        self.index = index
        return self.table[index]

    def backward(self, dy):
        self.dtable = np.zeros_like(self.table)
        if self.wrong == "duplicates":
            self.dtable[self.index] += dy
        else:
            np.add.at(self.dtable, self.index, dy)


class Dropout:
    """With a mask that was drawn once."""

    def __init__(self, wrong=None):
        self.wrong, self.mask = wrong, (np.random.default_rng(0).random((7, 5)) < 0.5) / 0.5

    def forward(self, x):
        return x * self.mask

    def backward(self, dy):
        return dy if self.wrong == "no mask" else dy * self.mask


class SoftmaxCrossEntropy:
    """forward(logits, labels) -> a number, backward() -> dlogits."""

    def __init__(self, wrong=None):
        self.wrong = wrong

    def forward(self, logits, labels):
        e = np.exp(logits - logits.max(1, keepdims=True).real)
        self.p, self.labels = e / e.sum(1, keepdims=True), labels
        return -np.log(self.p[np.arange(len(labels)), labels]).mean()

    def backward(self):
        d = self.p.copy()
        d[np.arange(len(d)), self.labels] -= 1
        return d if self.wrong == "sum" else d / len(d)


class Hinge:
    """forward(scores, labels) -> a number, backward(labels) -> dscores."""

    def __init__(self, wrong=None):
        self.wrong = wrong

    def forward(self, scores, labels):
        rows = np.arange(len(labels))
        margins = np.maximum(0, scores - scores[rows, labels][:, None] + 1)
        margins[rows, labels] = 0
        self.over = margins > 0
        return margins.sum() / len(labels)

    def backward(self, labels):
        d = self.over.astype(float)
        if self.wrong != "own class":
            d[np.arange(len(d)), labels] = -d.sum(1)
        return d / len(d)


class SquaredError:
    """forward(p, target) -> a number, backward() -> dp, with a target of real numbers."""

    def __init__(self, wrong=None):
        self.wrong = wrong

    def forward(self, p, target):
        self.p, self.target = p, target
        return ((p - target) ** 2).mean()

    def backward(self):
        return (1 if self.wrong == "half" else 2) * (self.p - self.target) / self.p.size


class Recurrent:
    """h_t = tanh(x_t W + h_(t-1) U + b) over the T = 7 rows of x."""

    def __init__(self, wrong=None):
        self.wrong, self.W, self.U = wrong, rng.standard_normal((5, 3)), rng.standard_normal((3, 3))
        self.b = np.zeros(3)

    def forward(self, x):
        self.x, self.h = x, [np.zeros(3)]
        for row in x:
            self.h.append(np.tanh(row @ self.W + self.h[-1] @ self.U + self.b))
        return np.array(self.h[1:])

    def backward(self, dy):
        dx, dh = np.zeros_like(self.x), np.zeros(3)
        self.dW, self.dU, self.db = np.zeros_like(self.W), np.zeros_like(self.U), np.zeros_like(self.b)
        for t in reversed(range(len(dy))):
            da = (dy[t] + dh) * (1 - self.h[t + 1] ** 2)
            self.dW += np.outer(self.x[t], da)
            self.dU += np.outer(self.h[t], da)
            self.db += da
            dx[t], dh = da @ self.W.T, da @ (self.U if self.wrong == "transposed" else self.U.T)
            if self.wrong == "truncated":
                dh = 0 * dh
        return dx


class Tied:
    """An autoencoder whose decoder is the transpose of its encoder."""

    def __init__(self, wrong=None):
        self.wrong, self.W = wrong, rng.standard_normal((5, 3))
        self.both = [self.W, self.W]

    def forward(self, x):
        self.x = x
        self.h = np.tanh(x @ self.both[0])
        return self.h @ self.W.T

    def backward(self, dy):
        da = dy @ self.W * (1 - self.h**2)
        self.dW = self.x.T @ da + (0 if self.wrong == "one half" else dy.T @ self.h)
        return da @ self.W.T


class Float32:
    def __init__(self, wrong=None):
        self.wrong = wrong

    def forward(self, x):
        self.y = np.tanh(x.astype(np.float32))
        return self.y

    def backward(self, dy):
        return dy * (1 - self.y**2) * (1.01 if self.wrong == "a hundredth" else 1)


class Module(Float32):
    """Keeps a module, as code for two kinds of arrays does."""

    xp = None

    def __init__(self, wrong=None):
        super().__init__(wrong)
        self.xp = np

    def forward(self, x):
        self.y = self.xp.tanh(x)
        return self.y


def affine(wrong=None):
    """forward -> (y, cache), backward(dout, cache)."""
    def affine_forward(x, w, b):
        return x @ w + b, (x, w, b)

    def affine_backward(dout, cache):
        x, w, _ = cache
        return dout @ w.T, (2 if wrong == "twice" else 1) * x.T @ dout, dout.sum(0)

    return affine_forward, affine_backward


def lstm_step(wrong=None):
    """Two outputs and a cache; six gradients."""
    def sigmoid(a):
        return 1 / (1 + np.exp(-a))

    def forward(x, prev_h, prev_c, Wx, Wh, b):
        ai, af, ao, ag = np.split(x @ Wx + prev_h @ Wh + b, 4, 1)
        i, f, o, g = sigmoid(ai), sigmoid(af), sigmoid(ao), np.tanh(ag)
        c = f * prev_c + i * g
        return o * np.tanh(c), c, (x, prev_h, prev_c, Wx, Wh, i, f, o, g, c)

    def backward(dnext_h, dnext_c, cache):
        x, prev_h, prev_c, Wx, Wh, i, f, o, g, c = cache
        dc = (0 if wrong == "cell" else dnext_c) + dnext_h * o * (1 - np.tanh(c) ** 2)
        da = np.hstack([dc * g * i * (1 - i), dc * prev_c * f * (1 - f), dnext_h * np.tanh(c) * o * (1 - o),
                        dc * i * (1 - g**2)])
        return da @ Wx.T, da @ Wh.T, dc * f, x.T @ da, prev_h.T @ da, da.sum(0)

    return forward, backward


LSTM_INPUTS = tuple(rng.standard_normal(shape) for shape in [(7, 5), (7, 2), (7, 2), (5, 8), (2, 8), (8,)])


def as_dict(wrong=None):
    """The gradients in a dict, with the inputs' names."""
    kept = {}

    def forward(x, w, b):
        kept["x"], kept["w"] = x, w
        return x @ w + b

    def backward(dy):
        return {"dw": kept["x"].T @ dy / (7 if wrong == "mean" else 1), "db": dy.sum(0), "dx": dy @ kept["w"].T}

    return forward, backward


AFFINE_INPUTS = X, rng.standard_normal((5, 3)), np.zeros(3)
IMAGES = rng.standard_normal((2, 3, 5, 4))

# {layer: (inputs, {mistake: rows that must be WRONG})}
GALLERY = {
    Attributes: ((X,), {"mean": ["weights"], "sign": ["biases"]}),
    KeepsAll: ((X,), {"mean": ["weights"], "input": ["x"]}),
    Dicts: ((X,), {"twice": ["params.W"]}),
    Lists: ((X,), {"mean": ["params.1"]}),
    Methods: ((X,), {"sign": ["_c"]}),
    Pairs: ((X,), {"sign": ["_c"]}),
    Tensors: ((X,), {"missing": ["W.data"]}),
    Returns: ((X,), {"mean": ["weights"], "sign": ["biases"]}),
    TakesAStep: ((X,), {"mean": ["weights"], "after the step": ["x"]}),
    HasARate: ((X,), {"mean": ["weights"], "sign": ["biases"]}),
    Network: ((X,), {"mean": ["layers.2.weights"], "sign": ["layers.2.biases"]}),
    ReLU: ((X,), {"no mask": ["x"]}),
    InPlaceReLU: ((X,), {"no mask": ["x"]}),
    Abs: ((X,), {"sign": ["x"]}),
    BatchNorm: ((X,), {"gamma": ["x"], "variance": ["x"]}),
    BatchNormEval: ((X,), {"gamma": ["x"]}),
    DenseThenBatchNorm: ((X,), {"mean": ["dense.weights"]}),
    LayerNorm: ((X,), {"mean": ["x"]}),
    Attention: ((X,), {"diagonal": ["x", "Wq", "Wk", "bk"], "scale": ["x", "Wq", "Wk"]}),
    Conv2D: ((IMAGES,), {"flipped": ["x"]}),
    MaxPool: ((X[:, :4],), {"the other": ["x"]}),
    Embedding: ((LABELS,), {"duplicates": ["table"]}),
    Dropout: ((X,), {"no mask": ["x"]}),
    SoftmaxCrossEntropy: ((X[:, :3], LABELS), {"sum": ["logits"]}),
    Hinge: ((X[:, :3], LABELS), {"own class": ["scores"]}),
    SquaredError: ((X, X[::-1]), {"half": ["p"]}),
    Recurrent: ((X,), {"transposed": ["x", "W", "U", "b"], "truncated": ["x", "W", "U", "b"]}),
    Tied: ((X,), {"one half": ["W"]}),
    Float32: ((X,), {"a hundredth": ["x"]}),
    Module: ((X,), {"a hundredth": ["x"]}),
    affine: (AFFINE_INPUTS, {"twice": ["input 1"]}),
    lstm_step: (LSTM_INPUTS, {"cell": [f"input {i}" for i in range(6)]}),
    as_dict: (AFFINE_INPUTS, {"mean": ["input 1"]}),
}
