"""Layers: a function, its derivative, and the parameters of both.

The contract of every layer, of a `Chain` of layers, and of anything you write yourself:

    layer.size                      number of parameters, P
    layer.bind(theta, grad)         take views of theta (P,) and grad (P,): never copies
    layer.parameters()              {name: view of theta}
    layer.init(rng)                 fill theta with where training starts
    layer.forward(x) -> y           (M, I) -> (M, O); keeps what backward reads, leaves x as it is
    layer.backward(dy, need_dx=True) -> dx
                                    dy = dL/dy of the latest forward, (M, O); may be destroyed.
                                    Overwrites (never adds to) the views of grad with dL/dtheta and
                                    returns dL/dx (M, I), or None where nobody needs it.

L is any scalar and `d` at the start of a name means "derivative of L by". Since x and y are
matrices with one example a row, dL/dW of a batch is the *sum* over its examples; an average
comes from the objective, which sends 1/M down in dy.
"""

from __future__ import annotations  # so that np.random, which NumPy imports late, is imported late

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from tinyvae.functions import sigmoid, softplus

Array = np.ndarray


class Dense:
    """y = x W + b, with W (I, O) and b (O,)."""

    def __init__(self, n_in: int, n_out: int):
        self.n_in, self.n_out = n_in, n_out
        self.size = n_in * n_out + n_out

    def bind(self, theta: Array, grad: Array) -> None:
        W, b = slice(0, -self.n_out), slice(-self.n_out, None)
        self.W, self.b = theta[W].reshape(self.n_in, self.n_out), theta[b]
        self.dW, self.db = grad[W].reshape(self.n_in, self.n_out), grad[b]

    def parameters(self) -> dict[str, Array]:
        return {"W": self.W, "b": self.b}

    def init(self, rng: np.random.Generator) -> None:
        """W uniform with variance 2 / (I + O), b zero (Glorot & Bengio 2010, eq. 16)."""
        limit = math.sqrt(6 / (self.n_in + self.n_out))
        self.W[:] = rng.uniform(-limit, limit, self.W.shape)
        self.b[:] = 0

    def forward(self, x: Array) -> Array:
        self.x = x  # (M, I)
        y = x @ self.W  # (M, O)
        y += self.b
        return y

    def backward(self, dy: Array, need_dx: bool = True) -> Array | None:
        np.matmul(self.x.T, dy, out=self.dW)  # (I, O)
        np.sum(dy, axis=0, out=self.db)  # (O,)
        return dy @ self.W.T if need_dx else None  # (M, I)


class WithoutParameters:
    """The first half of the contract for whatever has nothing to learn."""

    size = 0

    def bind(self, theta: Array, grad: Array) -> None:
        pass

    def parameters(self) -> dict[str, Array]:
        return {}

    def init(self, rng: np.random.Generator) -> None:
        pass


# Activations differentiate from their output y, which the next layer keeps anyway.


class ReLU(WithoutParameters):
    """y = max(x, 0)."""

    def forward(self, x: Array) -> Array:
        self.y = np.maximum(x, 0)
        return self.y

    def backward(self, dy: Array, need_dx: bool = True) -> Array:
        return np.multiply(dy, self.y > 0, out=dy)


class Tanh(WithoutParameters):
    """y = tanh(x)."""

    def forward(self, x: Array) -> Array:
        self.y = np.tanh(x)
        return self.y

    def backward(self, dy: Array, need_dx: bool = True) -> Array:
        return np.multiply(dy, 1 - self.y * self.y, out=dy)


class Sigmoid(WithoutParameters):
    """y = 1 / (1 + exp(-x))."""

    def forward(self, x: Array) -> Array:
        self.y = sigmoid(x)
        return self.y

    def backward(self, dy: Array, need_dx: bool = True) -> Array:
        return np.multiply(dy, self.y * (1 - self.y), out=dy)


class Softplus(WithoutParameters):
    """y = log(1 + exp(x)), whose derivative sigmoid(x) is 1 - exp(-y)."""

    def forward(self, x: Array) -> Array:
        self.y = softplus(x)
        return self.y

    def backward(self, dy: Array, need_dx: bool = True) -> Array:
        return np.multiply(dy, -np.expm1(-self.y), out=dy)


class Chain:
    """Layers one after the other: a layer itself."""

    def __init__(self, *layers: Any):
        self.layers = layers
        self.size = sum(layer.size for layer in layers)

    def bind(self, theta: Array, grad: Array) -> None:
        bind_in_turn(self.layers, theta, grad)

    def parameters(self) -> dict[str, Array]:
        return {f"{i}.{name}": view for i, layer in enumerate(self.layers)
                for name, view in layer.parameters().items()}

    def init(self, rng: np.random.Generator) -> None:
        for layer in self.layers:
            layer.init(rng)

    def forward(self, x: Array) -> Array:
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, dy: Array, need_dx: bool = True) -> Any:
        first, *rest = self.layers
        for layer in reversed(rest):
            dy = layer.backward(dy)
        return first.backward(dy, need_dx)


def bind_in_turn(parts: Iterable[Any], theta: Array, grad: Array) -> None:
    """Bind each part to the next `part.size` entries of theta and of grad."""
    start = 0
    for part in parts:
        stop = start + part.size
        part.bind(theta[start:stop], grad[start:stop])
        start = stop
