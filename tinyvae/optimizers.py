"""Optimizers: a few lines on two vectors, `model.theta` and `model.grad`.

The contract of every optimizer:

    optimizer.step()    change model.theta in place by one step against model.grad
    optimizer.t         steps taken
    optimizer.lr        learning rate: a number, or a schedule, called with t = 0, 1, 2 …
    optimizer.moments   names of its vectors, each (P,) like theta: with t all it remembers

theta is walked through in blocks that stay in a core's own cache, so that the lines of an update
after the first read what is already there. (Muon walks parameter by parameter.)
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tinyvae.foundation import checks
from tinyvae.foundation.text import shown

Array = np.ndarray
LearningRate = float | Callable[[int], float]

BLOCK = 131_072  # numbers: 512 kB of float32, so that what a line reads is still in the second-level cache
DYING = 1e8  # times the smallest normal number: 16 steps away from it, with any factor above 1/3


class Staged(NamedTuple):
    """lr for the first steps, times `factor` from each boundary (in steps) on."""

    lr: float
    boundaries: tuple[int, ...]
    factor: float = 0.1

    def __call__(self, t: int) -> float:
        return self.lr * self.factor ** sum(t >= boundary for boundary in self.boundaries)


class Cosine(NamedTuple):
    """From lr down to `final` over `steps` steps along half a cosine (Loshchilov & Hutter 2017, eq. 5)."""

    lr: float
    steps: int
    final: float = 0.0

    def __call__(self, t: int) -> float:
        progress = min(t / max(self.steps, 1), 1.0)
        return self.final + 0.5 * (self.lr - self.final) * (1 + math.cos(math.pi * progress))


class Optimizer:
    """What the optimizers share: the clock, the learning rate and the walk over theta."""

    moments: tuple[str, ...] = ()
    update: Callable[..., None]  # (lr, theta, grad, *moments): step number t, on one piece of each

    def __init__(self, model: Any, lr: LearningRate):
        if not (hasattr(model, "theta") and hasattr(model, "grad")):
            raise TypeError(f"model is {shown(model)}; expected a VAE, or an object with vectors theta and grad")
        checks.real_dtype(model.theta.dtype)
        self.model = model
        self.lr = lr if callable(lr) else checks.number(lr, "lr", above=0)
        self.t = 0
        for name in self.moments:
            setattr(self, name, np.zeros_like(model.theta))
        # What `update` sees one after another: parts of the vectors, and the shape of each.
        self.pieces = [(slice(start, start + BLOCK), (-1,)) for start in range(0, model.theta.size, BLOCK)]

    def step(self) -> None:
        lr = self.lr(self.t) if callable(self.lr) else self.lr
        self.t += 1
        vectors = [self.model.theta, self.model.grad, *(getattr(self, name) for name in self.moments)]
        for piece, shape in self.pieces:
            self.update(lr, *(v[piece].reshape(shape) for v in vectors))


def decay(average: Array, factor: float, t: int) -> None:
    """average *= factor, in place; every 16 steps, what has all but died away becomes zero.

    The average of a gradient that is zero from now on (a unit that died, a pixel that is never on) would end among
    the denormal numbers and stay there, where many processors take a hundred times as long for a product.
    """
    average *= factor
    if t % 16 == 0:
        average[np.abs(average) < DYING * np.finfo(average.dtype).tiny] = 0


class SGD(Optimizer):
    """theta -= lr * u, with u = grad, or with momentum u = momentum * u + grad (Polyak 1964)."""

    moments = ("u",)

    def __init__(self, model: Any, lr: LearningRate = 0.01, momentum: float = 0.0):
        super().__init__(model, lr)
        self.momentum = checks.number(momentum, "momentum", at_least=0, below=1)

    def update(self, lr: float, theta: Array, grad: Array, u: Array) -> None:
        decay(u, self.momentum, self.t)
        u += grad
        theta -= lr * u


class Adagrad(Optimizer):
    """theta -= lr * grad / (sqrt(v) + eps), v the sum of all grad^2 (Duchi et al. 2011, eq. 1; used by AEVB)."""

    moments = ("v",)

    def __init__(self, model: Any, lr: LearningRate = 0.01, eps: float = 1e-10):
        super().__init__(model, lr)
        self.eps = checks.number(eps, "eps", at_least=0)

    def update(self, lr: float, theta: Array, grad: Array, v: Array) -> None:
        v += grad * grad
        theta -= lr * grad / (np.sqrt(v) + self.eps)


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015, algorithm 1): a step along the gradient's average, divided by its root mean square."""

    moments = ("m", "v")

    def __init__(self, model: Any, lr: LearningRate = 1e-3, beta1: float = 0.9, beta2: float = 0.999,
                 eps: float = 1e-8):
        super().__init__(model, lr)
        self.beta1 = checks.number(beta1, "beta1", at_least=0, below=1)
        self.beta2 = checks.number(beta2, "beta2", at_least=0, below=1)
        self.eps = checks.number(eps, "eps", at_least=0)

    def update(self, lr: float, theta: Array, grad: Array, m: Array, v: Array) -> None:
        # Stored are m / (1 - beta1) and v / (1 - beta2), which saves a pass over memory each; the constants move into
        # the step size and eps, as at the end of section 2 of the paper. The paper's own lines are the comments.
        c1 = (1 - self.beta1) / (1 - self.beta1**self.t)
        c2 = math.sqrt((1 - self.beta2) / (1 - self.beta2**self.t))
        # m = beta1 m + (1 - beta1) grad
        decay(m, self.beta1, self.t)
        m += grad
        # v = beta2 v + (1 - beta2) grad^2
        v *= self.beta2
        v += grad * grad
        # m_hat = m / (1 - beta1^t),  v_hat = v / (1 - beta2^t),  theta = theta - lr m_hat / (sqrt(v_hat) + eps)
        theta -= lr * c1 / c2 * (m / (np.sqrt(v) + self.eps / c2))


class Muon(Adam):
    """Muon (Jordan et al. 2024) for every weight matrix (I, O), Adam for the biases and what else is no matrix.

        m = beta1 m + grad            theta -= lr * 0.2 sqrt(max(I, O)) * orthogonal(grad + beta1 m)

    A gradient has a few large singular values, and a step along it moves a layer in a few directions only. This one
    moves it about as far in every direction in which the gradient is not negligible.

    A matrix whose singular values are all 1 has entries of root mean square 1 / sqrt(max(I, O)). The factor makes that
    0.2, about what Adam's steps have in units of lr, so that one lr serves the matrices and the rest (Liu et al. 2025,
    arXiv 2502.16982). Unlike there, no weights decay; and Jordan et al. leave the first and the last matrix to Adam.
    beta1 is Adam's as well, and v stays zero for the matrices. The model needs `parameters()`, which a VAE has.
    """

    def __init__(self, model: Any, lr: LearningRate = 1e-3, beta1: float = 0.95, beta2: float = 0.999,
                 eps: float = 1e-8):
        super().__init__(model, lr, beta1, beta2, eps)
        if not hasattr(model, "parameters"):
            raise TypeError(f"model is {shown(model)}; expected a VAE, or an object that has parameters(), too")
        start, self.pieces = 0, []
        for name, view in model.parameters().items():
            if not view.flags.c_contiguous or view.ctypes.data != model.theta[start:].ctypes.data:
                raise ValueError(f"{name} is not at {start} in theta; expected parameters() in the order of theta")
            self.pieces.append((slice(start, start + view.size), view.shape))
            start += view.size
        if start != model.theta.size:
            raise ValueError(f"parameters() has {start} numbers; expected the {model.theta.size} of theta")

    def update(self, lr: float, theta: Array, grad: Array, m: Array, v: Array) -> None:
        if theta.ndim != 2:
            return super().update(lr, theta, grad, m, v)
        decay(m, self.beta1, self.t)
        m += grad
        theta -= lr * 0.2 * math.sqrt(max(theta.shape)) * orthogonal(grad + self.beta1 * m)


def orthogonal(u: Array) -> Array:
    """U V^T, roughly, of u = U diag(s) V^T: singular values above 1/600 of u's norm come to between 0.68 and 1.21.

    Five times over, each s, at most 1 after a division by the norm, is replaced by a s + b s^3 + c s^5. Products of
    matrices do that, since (u u^T)^k u = U s^(2k+1) V^T (a Newton-Schulz iteration). The coefficients of Jordan et al.
    are chosen for a steep slope at 0, not to converge: s ends near 1, and what is smaller grows by up to a^5 = 485.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    if u.shape[0] > u.shape[1]:
        return orthogonal(u.T).T
    u = u / (np.linalg.norm(u) + 1e-7)  # (I, O), I <= O; all s at most 1
    for _ in range(5):
        gram = u @ u.T  # (I, I)
        u = a * u + (b * gram + c * gram @ gram) @ u
    return u
