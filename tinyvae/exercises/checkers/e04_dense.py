"""Checks of e04: the truth of backward is the complex step through the forward formula, entry by entry."""

import numpy as np

from tinyvae.exercises.check import Case
from tinyvae.exercises.oracles import complex_step

FUNCTIONS = ("dense_forward", "dense_backward", "squared_error_backward")
SIZES = [{"M": 7, "I": 5, "O": 11}, {"M": 13, "I": 3, "O": 2}, {"M": 5, "I": 5, "O": 5}]

ADVICE = {
    "scale:M": "Usual cause: summed over the batch where the loss averages. In a dense layer the sum over m is right; "
               "the 1/M belongs to the loss (5). See tutorial 05, \"the gradient of an average\".",
    "scale:1/M": "Usual cause: averaged over the batch. The parameters serve all examples, so (3) and (4) are sums; an "
                 "average's 1/M is already in dy. See tutorial 05, \"the gradient of an average\".",
    "twice": "The derivative of 1/2 r^2 is r: the 2 of the square and the 1/2 cancel.",
    "downhill": "The derivative of 1/2 (y - t)^2 by y is y - t: uphill, away from the target.",
    "per-entry": "(5) averages over the M examples, and sums over the O entries of each.",
    "per-output": "(5) averages over the M examples, y.shape[0]; y.shape[1] is O.",
    "transpose": "Write the shapes beside the product: dW is (I, O) = (I, M) @ (M, O), dx is (M, I) = (M, O) @ (O, I).",
    "unsummed": "One b serves all M examples: equation (4) sums over the batch, axis 0.",
    "wrong-input": "Equation (3) has the layer's input x, not its output.",
}
HINTS = [
    "Write the shape of every array beside its name. There are few ways to multiply them so that the shapes fit.",
    "dW (I, O) sums over m: a product of a (I, M) with a (M, O) matrix does that. dx (M, I) sums over o.",
    "dx = dy @ W.T, dW = x.T @ dy, db = dy.sum(axis=0); and the loss sends (y - t) / M.",
]


def cases(rng):
    for sizes in SIZES:
        yield from of_size(rng, **sizes)


def of_size(rng, M, I, O):
    sizes = {"M": M, "I": I, "O": O}
    x, W, b = rng.standard_normal((M, I)), rng.standard_normal((I, O)), rng.standard_normal(O)
    dy, t = rng.standard_normal((2, M, O))
    square = I == O  # where a transposed W goes through

    def forward(x, W, b):
        return np.einsum("mi,io->mo", x, W) + b

    y = forward(x, W, b)
    yield Case(
        "dense_forward", {"x": x, "W": W, "b": b}, {"y": y}, sizes,
        terms={"y": {"b": np.broadcast_to(b, y.shape)}},
        variants={"y": {"transpose": (x @ W.T + b, "W is transposed; equation (1) has x W")} if square else {}})

    dx, dW, db = complex_step(lambda *v: (dy * forward(*v)).sum(), x, W, b)
    yield Case(
        "dense_backward", {"dy": dy, "x": x, "y": y, "W": W}, {"dx": dx, "dW": dW, "db": db}, sizes,
        variants={
            "dx": {"transpose": (dy @ W, "W is not transposed")} if square else {},
            "dW": {"wrong-input": (y.T @ dy, "it is made of the output y where the input x belongs")},
            "db": {"unsummed": (dy, "it is dy itself, not summed over the batch"),
                   "wrong-axis": (dy.sum(1), "dy is summed over the outputs, axis 1, not over the batch, axis 0")}})

    (true,) = complex_step(lambda y: 0.5 * ((y - t) ** 2).sum() / M, y)
    yield Case("squared_error_backward", {"y": y, "t": t}, {"dy": true}, sizes, variants={"dy": {
        "twice": (2 * true, "it is twice the true value"),
        "downhill": (-true, "it is (t - y) / M: the sign is wrong"),
        "per-entry": ((y - t) / (M * O), "y - t is divided by M O, the number of all entries, not by M"),
        "per-output": ((y - t) / O, "y - t is divided by O, not by M")}})
