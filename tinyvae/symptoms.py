"""What the numbers of a run mean, in words: a start far from the data, divergence, collapse."""

from __future__ import annotations

import numpy as np

from tinyvae.likelihoods import DiagonalGaussian, FixedGaussian
from tinyvae.rows import Rows

FAR = 5.0  # times: so far apart, sigma and data do not belong together
LARGE = 100.0  # of x, or of a parameter: exp(logvar) of an encoder that sees such numbers may overflow at once
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
    if error > LARGE:
        return apart + f"bring x to unit variance, {STANDARDIZE}"
    return apart + ("such data look like noise, and z may go unused: " if sigma > error else
                    "the first steps are huge: ") + _cure(vae, error)


def failed_first_step(vae, data: Rows) -> str:
    """Why the very first loss may not be finite: whatever it is, no step was taken."""
    largest = float(np.abs(vae.theta).max())
    found = sigma_and_error(vae, data)
    said = f"No step has been taken, so it is not the learning rate: {_scale(data)}, "
    said += f"sigma is {found[0]:.3g}, " if found else ""
    said += f"the largest parameter {largest:.3g}. "
    if largest > LARGE:
        return said + "Start from smaller parameters"
    if found and found[1] < LARGE:
        return said + "Take a sigma nearer to the deviation of x"
    return said + f"Bring x to unit variance, {STANDARDIZE}; grey levels 0..255 are uint8, and bits bool"


def collapse(vae, kl: float, began: tuple[float, float] | None, beta: float, warmup_epochs: float) -> str | None:
    """What a run that ended with so small a KL has come to, and why; began: `sigma_and_error` before it."""
    if kl >= COLLAPSED:
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


def is_absurd(cost: float, untrained: float, data_dim: int) -> bool:
    """Whether a loss in nats is several times worse than the untrained model's, which every model can have."""
    return cost > untrained + WORSE * max(abs(untrained), data_dim)


def _scale(data: Rows) -> str:
    low, high = data.x.min() / data.white, data.x.max() / data.white
    return f"x has a standard deviation of {data.deviation():.3g} and goes from {low:.3g} to {high:.3g}"


def _cure(vae, error: float) -> str:
    if isinstance(vae.likelihood, FixedGaussian):
        return f'take Gaussian({error:.2g}), or Gaussian("shared") and vae.start_from(x) before training'
    return "call vae.start_from(x) before training"
