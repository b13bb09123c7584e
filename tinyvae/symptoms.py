"""What the numbers of a run mean, in words: a start far from the data, divergence, collapse."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tinyvae import evaluation
from tinyvae.history import History
from tinyvae.likelihoods import DiagonalGaussian, FixedGaussian
from tinyvae.rows import Rows

TOO_LARGE, TOO_SMALL = 5.0, 8.0  # times: so far apart, sigma and data do not belong together
LARGE = 10.0  # deviation of x, or size of a parameter: exp(logvar) of an encoder that sees such numbers may overflow
ROWS, EPOCHS = 100, 3  # fewer do not tell a collapse from a beginning
COLLAPSED = 0.05  # nats of KL, all dimensions together: the code says next to nothing
WORSE = 2.0  # times the untrained model's bound, or nats for each dimension of x, that an epoch may lose on it
STANDARDIZE = "Bring x to unit variance, x = (x - x.mean(0)) / x.std(0)"


class Start(NamedTuple):
    """Where a Gaussian stands before training, in the units of x."""

    sigma: float  # of the decoder
    error: float  # how far E[x|z] at z = mu(x) misses x, root mean square: of a trained model about sigma
    deviation: float  # of x from its mean, root mean square


def start(vae, data: Rows) -> Start | None:
    """Measured on some of the rows, without drawing anything; None for another likelihood."""
    if not isinstance(vae.likelihood, DiagonalGaussian) or data.binarization != "none":
        return None
    x, y = _some(data).draw()
    with np.errstate(over="ignore", invalid="ignore"):
        mean, log_std = vae.likelihood.split(vae._decode(vae._encode(x, y)[0], y))
        error = math.sqrt(np.mean((x - mean.astype(np.float64)) ** 2))
        return Start(float(np.exp(log_std.mean(dtype=np.float64))), error, data.deviation())


def far_from_data(vae, data: Rows, start: Start | None) -> str | None:
    """What is wrong with sigma beside the data, before training; None if nothing is."""
    if start is None or start.deviation == 0:
        return None
    if start.sigma > TOO_LARGE * start.deviation:
        why = "such data look like noise, and z may go unused"
    elif start.sigma < min(start.deviation, start.error) / TOO_SMALL:  # a trained model has a small error
        why = "the first steps are huge"
    else:
        return None
    return f"sigma begins at {start.sigma:.3g}, but {_scale(data)}: {why}. {_cure(vae, start)}"


def untrained_bound(vae, data: Rows, theta0: np.ndarray) -> float:
    """The ELBO, in nats, that the model had of some of these rows before it was trained, with noise of its own."""
    trained = vae.theta.copy()
    vae.theta = theta0
    try:
        return evaluation.elbo(vae, _some(data), rng=0)["elbo"]
    finally:
        vae.theta = trained


def worse_than_untrained(vae, data: Rows, theta0: np.ndarray) -> bool:
    """Whether the model is several times worse than before, measured on the same rows with the same noise.

    An epoch may have cost as much though nothing is wrong: by one draw of z, or since the first batch was a good one.
    """
    before, now = untrained_bound(vae, data, theta0), evaluation.elbo(vae, _some(data), rng=0)["elbo"]
    return not now >= before - WORSE * max(abs(before), vae.data_dim)  # also where it is NaN


def failed_untrained(vae, data: Rows, first: bool) -> str:
    """Why a loss is not finite that the learning rate has no part in: of the first step, or of the untrained model."""
    said = "No step has been taken" if first else "The untrained model fails on these rows as well"
    said += f", so it is not the learning rate: {_scale(data)}"
    largest, began = float(np.abs(vae.theta).max()), start(vae, data)
    low, high = data.x.min() / data.white, data.x.max() / data.white
    if max(data.deviation(), -low, high) > LARGE:
        return said + f". {STANDARDIZE}; or pass grey levels 0..255 as uint8, bits as bool"
    if largest > LARGE:
        return said + f", and the largest parameter is {largest:.3g}. Start from smaller ones"
    if began and began.sigma < began.error / TOO_SMALL:
        return said + f", and sigma is {began.sigma:.3g}. {_cure(vae, began)}"
    return said + ". Look at the objective and the likelihood, if they are yours"


def collapse(vae, data: Rows, history: History, began: Start | None, beta: float, warmup_epochs: float) -> str | None:
    """What is wrong with a run that ended with a KL of next to nothing, and why; began: its `start`.

    None if nothing is, or if a handful of rows or of epochs is too little to tell.
    """
    if not history or len(data) < ROWS or len(history) < EPOCHS or (kl := history[-1]["kl"]) >= COLLAPSED:
        return None
    said = f"the KL is {kl:.2g} nats at the end: z says nothing about x, and every reconstruction is the same. "
    if began and began.sigma > 2 * began.deviation > 0:
        said += f"The likely cause: sigma began at {began.sigma:.3g}, but {_scale(data)}. {_cure(vae, began)}"
    elif beta > 1:
        said += f"The likely cause: beta = {beta:g} weighs the KL so much that a code does not pay"
    else:
        said += "If x has structure, train longer, " + ("or with another learning rate" if warmup_epochs else
                                                        "or let the KL's weight rise slowly: warmup_epochs")
    return said + '. See "Why is my KL zero?", docs/faq.md#why-is-my-kl-zero'


class Watch:
    """The losses of a run beside that of its first step, as each step gives it: `worse_than_untrained` then measures.

    A loss is watched without what beta and free bits add to the bound, which may be as large as one likes.
    """

    untrained: float | None = None  # nats; None before the first step, inf where a checkpoint does not tell
    absurd = False  # whether the latest loss was several times worse

    def __init__(self, data_dim: int):
        self.data_dim = data_dim

    def see(self, loss: float, reconstruction: float, kl: float, beta: float) -> None:
        """The means of a step or of an epoch, in nats; the first ones are the untrained model's."""
        if self.untrained is None:
            self.untrained = max(loss, reconstruction + kl)
        limit = self.untrained + WORSE * max(abs(self.untrained), self.data_dim)
        self.absurd = min(loss, reconstruction + min(beta, 1.0) * kl) > limit


def _some(data: Rows) -> Rows:
    """Five hundred of the rows or a few more, from all over."""
    return data[:: max(1, len(data) // 500)]


def _scale(data: Rows) -> str:
    low, high = data.x.min() / data.white, data.x.max() / data.white
    return f"x has a standard deviation of {data.deviation():.3g} and goes from {low:.3g} to {high:.3g}"


def _cure(vae, start: Start) -> str:
    if start.deviation > LARGE:
        return STANDARDIZE
    if isinstance(vae.likelihood, FixedGaussian):
        return f'Take Gaussian({start.deviation:.2g}), or Gaussian("shared") and vae.start_from(x) before training'
    return "Begin where the data are: vae.start_from(x) before training"
