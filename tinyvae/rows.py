"""Rows of data: checked once, kept as they came, and handed out in batches as the model takes them.

uint8 means grey levels 0..255, bool means bits, and every other number is taken as it is. Bytes stay bytes (47 MB
for MNIST instead of 188) until a batch of them is drawn. Grey pixels are then binarized, by one of these rules:

    dynamic    each pixel is 1 with probability x, drawn anew for each batch (Burda et al. 2015)
    static     one draw for good, made before training by `datasets.freeze` (Larochelle & Murray 2011)
    threshold  x > 1/2
    none       the grey values x themselves: usual, but then the Bernoulli "likelihood" is none
"""

from __future__ import annotations  # so that np.random, which NumPy imports late, is imported late

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from tinyvae.foundation import checks
from tinyvae.likelihoods import Bernoulli

Array = np.ndarray

BINARIZATIONS = ("dynamic", "static", "threshold", "none")


@dataclass(frozen=True, eq=False)
class Rows:
    """x (N, D) as uint8, bool or `dtype`; labels y (N,) or None; and what `draw` makes of them. Made by `rows`."""

    x: Array
    y: Array | None
    binarization: str
    dtype: np.dtype

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: slice | Array) -> Rows:
        return replace(self, x=self.x[index], y=None if self.y is None else self.y[index])

    def mean(self) -> Array:
        """The mean of the grey values, (D,), in float64."""
        return self.x.mean(0, dtype=np.float64) / self.white

    def deviation(self) -> float:
        """How far the grey values lie from that mean: one root mean square over all rows and columns."""
        mean = self.mean()
        squares = sum(((part.x / self.white - mean) ** 2).sum() for part in self.parts(1000))
        return math.sqrt(squares / self.x.size)

    @property
    def white(self) -> int:
        """What x holds where its value is 1."""
        return 255 if self.x.dtype == np.uint8 else 1

    def parts(self, size: int) -> Iterator[Rows]:
        """The rows in their order, `size` at a time, at least one."""
        size = max(size, 1)
        return (self[start : start + size] for start in range(0, len(self), size))

    def draw(self, rng: np.random.Generator | None = None) -> tuple[Array, Array | None]:
        """x (M, D) as numbers of `dtype`, binarized, and y (M,)."""
        return pixels(self.x, self.binarization, rng, self.dtype), self.y


def rows(vae, x, y=None, binarization: str | None = "none", name: str = "x") -> Rows:
    """x (N, D) and y (N,), if `vae` can take them; else one line that says why not. What is `Rows` is so already.

    binarization   of grey pixels; None for the usual one: see `default_binarization`
    """
    if isinstance(x, Rows):
        if y is not None or binarization not in (None, "none", x.binarization):
            raise ValueError(f"{name} is Rows, which have labels and a binarization of their own; leave both out")
        return x
    binarization = default_binarization(vae) if binarization is None else binarization
    x, dtype = checks.matrix(x, vae.data_dim, name), vae.theta.real.dtype  # also while theta is complex for a check
    check_rule(binarization, x)
    checks.grey_levels(x, name)
    if x.dtype not in (np.uint8, bool):
        x = checks.cast(x, dtype)
        checks.inside(x, vae.likelihood.support, type(vae.likelihood).__name__, name)
        if binarization != "none":
            checks.inside(x, (0.0, 1.0), f"binarization {binarization!r}", name)
    return Rows(x, checks.labels(y, len(x), vae.n_classes), binarization, dtype)


def dataset(vae, x, y=None, binarization: str | None = "none", name: str = "x") -> Rows:
    """`rows`, for the doors that take a whole data set: of it, and of the model, is asked what no batch is asked.

    ValueError if the model's theta is not finite. What can be right, but seldom is, is said.
    """
    checks.parameters(checks.model(vae).theta)
    data = rows(vae, x, y, binarization, name)
    if data is not x:
        checks.dark(data.x, name)
    return data


def probable(vae, data: Rows) -> Rows:
    """data, if it has a log p(x): a Bernoulli gives one to bits alone."""
    if not isinstance(vae.likelihood, Bernoulli) or data.binarization != "none":
        return data
    if any(((part.x != 0) & (part.x != data.white)).any() for part in data.parts(1000)):
        raise ValueError("x has grey pixels, and a Bernoulli gives a probability to zeros and ones alone: pass "
                         'binarization="dynamic" (or "threshold"), or binarized rows')
    return data


def default_binarization(vae) -> str:
    """"dynamic" for a likelihood of x in [0, 1], "none" for one of real x."""
    return "dynamic" if vae.likelihood.support == (0.0, 1.0) else "none"


def check_rule(binarization: str, x: Array) -> None:
    """ValueError if there is no such binarization, or if it has nothing to draw in a batch of x."""
    if binarization not in BINARIZATIONS:
        raise ValueError(f"binarization {binarization!r} given; expected one of {', '.join(BINARIZATIONS)}")
    if binarization == "static" and x.dtype != bool:
        raise ValueError(f"static binarization of {x.dtype} given, but it is drawn once, before training: "
                         "call freeze(x, seed) first")


def pixels(x: Array, binarization: str, rng: np.random.Generator | None, dtype) -> Array:
    """x by one of the rules above, as numbers of `dtype`. Bools are binary already, and no rule changes them."""
    if x.dtype == bool:
        return x.astype(dtype)
    if binarization == "dynamic":
        return bits(x, rng).astype(dtype)
    if binarization == "threshold":
        return (x > (127 if x.dtype == np.uint8 else 0.5)).astype(dtype)
    return np.divide(x, 255, dtype=dtype) if x.dtype == np.uint8 else x.astype(dtype, copy=False)


def bits(x: Array, rng) -> Array:
    """Bools that are true with probability x, or x / 255: never for black, always for white."""
    if x.dtype == np.uint8:
        # u is uniform over 0 … 254, of which exactly x lie below x. Whole bytes are twice as fast to draw as a
        # bounded range; the few that are 255 are then drawn again.
        u = rng.integers(0, 256, x.shape, dtype=np.uint8)
        outside = u == 255
        u[outside] = rng.integers(0, 255, np.count_nonzero(outside), dtype=np.uint8)
        return u < x
    # u is a multiple of 2^-24 in [0, 1): the probability is x to 6e-8.
    return rng.random(x.shape, dtype=np.float32) < x
