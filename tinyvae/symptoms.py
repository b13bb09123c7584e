"""What the numbers of a run mean, in words: a start far from the data, divergence, collapse."""

from __future__ import annotations

import numpy as np

from tinyvae.history import History
from tinyvae.likelihoods import DiagonalGaussian, FixedGaussian
from tinyvae.rows import Rows

FAR = 5.0  # times: so far apart, sigma and data do not belong together
LARGE = 10.0  # deviation of x, or size of a parameter: exp(logvar) of an encoder that sees such numbers may overflow
ROWS, EPOCHS = 100, 3  # fewer do not tell a collapse from a beginning
COLLAPSED = 0.05  # nats of KL, all dimensions together: the code says next to nothing
WORSE = 2.0  # times the untrained model's bound, or one nat for each dimension of x, that an epoch may lose on it
STANDARDIZE = "x = (x - x.mean(0)) / x.std(0)"


def sigma_and_error(vae, data: Rows) -> tuple[float, float] | None:
    """sigma of the decoder and how far it misses x (root mean square, z = mu(x)), over some rows; None without sigma.

    Of a trained model the two are alike. Nothing is drawn for it.
    """
    if not isinstance(vae.likelihood, DiagonalGaussian) or data.binarization != "none":
        return None
    x, y = data[:: max(1, len(data) // 500)].draw()
    mean, log_std = vae.likelihood.split(vae._decode(vae._encode(x, y)[0], y))
    error = np.sqrt(np.mean((x - mean.astype(np.float64)) ** 2))
    return float(np.exp(log_std.mean(dtype=np.float64))), float(error)


def start(vae, data: Rows) -> str | None:
    """What is wrong with sigma beside the data, before training; None if nothing is."""
    found = sigma_and_error(vae, data)
    if found is None or 1 / FAR < found[0] / max(found[1], 1e-300) < FAR:
        return None
    sigma, error = found
    apart = (f"sigma is {sigma:.3g}, but the untrained decoder misses x by {error:.3g} (root mean square; "
             f"{_scale(data)}): ")
    if data.deviation() > LARGE:
        return apart + f"bring x to unit variance, {STANDARDIZE}"
    return apart + ("such data look like noise, and z may go unused: " if sigma > error else
                    "the first steps are huge: ") + _cure(vae, error)


def failed_first_step(vae, data: Rows) -> str:
    """Why the very first loss may not be finite: whatever it is, no step was taken."""
    said = f"No step has been taken, so it is not the learning rate: {_scale(data)}"
    largest, found = float(np.abs(vae.theta).max()), sigma_and_error(vae, data)
    if max(data.deviation(), abs(data.mean()).max()) > LARGE:
        return said + f". Bring x to unit variance, {STANDARDIZE}; or pass grey levels 0..255 as uint8, bits as bool"
    if largest > LARGE:
        return said + f", and the largest parameter is {largest:.3g}. Start from smaller ones"
    if found and found[0] < found[1] / FAR:
        return said + f", and sigma is {found[0]:.3g}. Take one that is nearer"
    return said + ". Look at the objective and the likelihood, if they are yours"


def collapse(vae, data: Rows, history: History, began: tuple[float, float] | None, beta: float,
             warmup_epochs: float) -> str | None:
    """What is wrong with a run that ended with a KL of next to nothing, and why; began: `sigma_and_error` before it.

    None if nothing is, or if a handful of rows or of steps is too little to tell.
    """
    if not history or len(data) < ROWS or len(history) < EPOCHS or (kl := history[-1]["kl"]) >= COLLAPSED:
        return None
    said = f"the KL is {kl:.2g} nats at the end: the code z says nothing about x, and every reconstruction is the mean. "
    if began and began[0] > 2 * began[1]:
        said += f"The likely cause: sigma began at {began[0]:.3g}, and x varied by {began[1]:.3g}; {_cure(vae, began[1])}"
    elif beta > 1:
        said += f"The likely cause: beta = {beta:g} makes the code too dear"
    elif not warmup_epochs:
        said += "If x has structure, try warmup_epochs, or more epochs"
    else:
        said += "If x has structure, train longer, or with another learning rate"
    return said + '. See "Why is my KL zero?" in the FAQ (docs/faq.md)'


class Watch:
    """The losses of a run beside that of its first step, when nothing had been learned, and which is always to be had.

    A loss is watched without what beta and free bits add to the bound, which may be as large as one likes.
    """

    untrained: float | None = None  # nats; inf where a checkpoint does not tell
    absurd = False  # whether the latest step was several times worse

    def __init__(self, data_dim: int):
        self.data_dim = data_dim

    def step(self, loss: float, reconstruction: float, kl: float, beta: float) -> None:
        if self.untrained is None:
            self.untrained = max(loss, reconstruction + kl)
        self.absurd = self._loss(loss, reconstruction, kl, beta) > self._limit()

    def epoch(self, loss: float, reconstruction: float, kl: float, beta: float) -> str | None:
        """What is wrong with the means of an epoch, if its last step is no better."""
        mean = self._loss(loss, reconstruction, kl, beta)
        if not self.absurd or mean <= self._limit():
            return None
        return f"the loss of this epoch is {mean:.4g} nats, and that of the untrained model was {self.untrained:.4g}"

    def _loss(self, loss: float, reconstruction: float, kl: float, beta: float) -> float:
        return min(loss, reconstruction + min(beta, 1.0) * kl)

    def _limit(self) -> float:
        assert self.untrained is not None
        return self.untrained + WORSE * max(abs(self.untrained), self.data_dim)


def _scale(data: Rows) -> str:
    low, high = data.x.min() / data.white, data.x.max() / data.white
    return f"x has a standard deviation of {data.deviation():.3g} and goes from {low:.3g} to {high:.3g}"


def _cure(vae, error: float) -> str:
    if isinstance(vae.likelihood, FixedGaussian):
        return f'take Gaussian({error:.2g}), or Gaussian("shared") and vae.start_from(x) before training'
    return "call vae.start_from(x) before training"
