"""Checks of e02: the density is normalized by a numerical integral, and its own integral over the plane must be one."""

import math

import numpy as np

from tinyvae.diagnose import Cause
from tinyvae.exercises.check import Case
from tinyvae.exercises.oracles import grid
from tinyvae.exercises.sums import SUMS_ADVICE, wrong_sums

FUNCTIONS = ("gaussian_log_prob",)
SIZES = [{"M": 7, "D": 5}, {"M": 13, "D": 3}, {"M": 5, "D": 5}]
LOG_STDS = [-0.5, 0.5, -0.4]  # about; sigma and sigma^2 must differ, so none may be near zero
FAR = 40, 60  # standard deviations; exp(-40^2 / 2) is 0 in floating point, its logarithm is -800

UNDERFLOW = Cause("underflow", "right near the mean, but far from it the density is rounded to 0 before its logarithm "
                               "is taken")
SQUARES, LOG_STD, LOG_2PI = "the squared term", "the log std term", "the log 2 pi term"
EACH = "Each factor of the product (2) has the whole of (1), its log std and its log 2 pi too: D times, not once."
VARIANCE = "std is sigma. The variance is its square, and that is what the squares in (1) are divided by."
FACTOR = "The factor in front of exp in (1) makes the integral one: its logarithm is -log std - 1/2 log(2 pi)."
INTEGRAL = "the integral of exp(log_p)"
ADVICE = {
    **SUMS_ADVICE,
    "scale:-1": "log p itself is asked for. The cost that training minimizes is -log p.",
    "scale:1/D": "Usual cause: averaged over the D dimensions. Logarithms of independent densities add up, (3); an "
                 "average makes this part of the bound D times too light against the KL.",
    "scale:2": "Usual cause: the one half in front of everything is lost.",
    "mean-squares": "In (3) nothing is averaged: the squares add up over d.",
    f"twice:{SQUARES}": "Usual cause: its one half is lost. (1) divides the square by 2 sigma^2.",
    f"twice:{LOG_2PI}": "Usual cause: its one half is lost. The logarithm of sqrt(2 pi) is 1/2 log(2 pi).",
    f"twice:{LOG_STD}": "Usual cause: log std^2 without its one half; 1/2 log std^2 is log std.",
    "half-of-factor": "The logarithm of 1 / sqrt(2 pi std^2) is -1/2 log(2 pi std^2).",
    "half-of-both": "(1) divides the square by 2 sigma^2, and the logarithm of sqrt(2 pi) is 1/2 log(2 pi).",
    **dict.fromkeys((f"missing:{LOG_2PI}", f"missing:{LOG_STD}", f"sign:{LOG_2PI}", f"sign:{LOG_STD}", "no-factor",
                     "log-pi"), FACTOR),
    f"sign:{SQUARES}": "The further x is from the mean, the less likely it is.",
    **dict.fromkeys(("one-2pi", "one-log-std", "one-factor"), EACH),
    **dict.fromkeys(("squares-by-std", "undivided", "std-as-variance"), VARIANCE),
    "times-std^2": "In Python, a / 2 * std**2 is (a / 2) * std**2. Write a / (2 * std**2).",
    "half-log-std": "std is sigma. 1/2 log sigma^2 is log sigma, without a half.",
    "underflow": "Take the logarithm of (1) on paper: then no exp is left that could be rounded to 0.",
    "density": "Take the logarithm on paper, not of the product: an image's density would overflow or be rounded to 0.",
}
HINTS = [
    "The logarithm of a product is a sum, and exp disappears: log p(x) in one dimension is a square, log sigma and a "
    "constant, with their signs.",
    "log p = -(x - mu)^2 / (2 sigma^2) - log sigma - 1/2 log(2 pi) for each entry (m, d). Then sum over d, axis 1.",
    "r = (x - mean) / std, and log_p = -(0.5 * r * r + np.log(std) + 0.5 * np.log(2 * np.pi)).sum(axis=1).",
]


def cases(rng):
    for sizes, log_std in zip(SIZES, LOG_STDS, strict=True):
        std = math.exp(log_std + rng.uniform(-0.1, 0.1))
        mean, r = rng.standard_normal((2, sizes["M"], sizes["D"]))
        yield of_size(mean + std * r, mean, std, sizes)
    r = rng.choice([-1, 1], mean.shape) * rng.uniform(*FAR, mean.shape)
    yield of_size(mean + std * r, mean, std, sizes, label="x {} to {} standard deviations from the mean".format(*FAR),
                  if_not_finite=UNDERFLOW)
    yield plane(rng.standard_normal(2), rng.uniform(0.5, 2))


def of_size(x, mean, std, sizes, **special):
    D = sizes["D"]
    t, h = np.linspace(-12 * std, 12 * std, 481, retstep=True)
    factor = 1 / (h * exponential(t, std).sum())  # what makes the integral one
    each = math.log(factor) - (x - mean) ** 2 / (2 * std**2)  # (M, D)
    squares = ((x - mean) ** 2).sum(1)
    terms = {SQUARES: -squares / (2 * std**2), LOG_STD: -D * math.log(std) + 0 * squares,
             LOG_2PI: -D / 2 * math.log(2 * math.pi) + 0 * squares}
    return Case("gaussian_log_prob", {"x": x, "mean": mean, "std": std}, {"log_p": each.sum(1)}, sizes,
                terms={"log_p": terms},
                variants={"log_p": variants(D, std, *terms.values()) | wrong_sums(each) | {
                    "density": (np.exp(each.sum(1)), "it is the density p(x), not its logarithm")}}, **special)


def exponential(t, std):
    return np.exp(-(t**2) / (2 * std**2))


def variants(D, std, squares, log_std, log_2pi):
    """From the three terms of log p, each (M,)."""
    return {
        "log-pi": (squares + log_std - D / 2 * math.log(math.pi), "it has log pi where log 2 pi belongs"),
        "one-2pi": (squares + log_std + log_2pi / D, "log 2 pi counts once, not once for each of the D dimensions"),
        "one-log-std": (squares + log_std / D + log_2pi, "log std counts once, not once for each of the D dimensions"),
        "one-factor": (squares + (log_std + log_2pi) / D,
                       "log std and log 2 pi count once, not once for each of the D dimensions"),
        "no-factor": (squares, "it is the squared term alone: log std and log 2 pi are missing"),
        "half-of-factor": (squares + 2 * (log_std + log_2pi), "one half is lost, that of log(2 pi std^2)"),
        "half-of-both": (2 * squares + log_std + 2 * log_2pi, "one half is lost, of the squares and of log 2 pi"),
        "squares-by-std": (std * squares + log_std + log_2pi, "the squares are divided by std, not by std^2"),
        "undivided": (std**2 * squares + log_std + log_2pi, "the squares are not divided by std^2"),
        "times-std^2": (std**4 * squares + log_std + log_2pi, "the squares are multiplied by std^2, not divided by it"),
        "half-log-std": (squares + log_std / 2 + log_2pi, "it has half of log std: 1/2 log std, not 1/2 log std^2"),
        "std-as-variance": (std * squares + log_std / 2 + log_2pi, "std is taken for the variance, everywhere"),
        "mean-squares": (squares / D + log_std + log_2pi, "the squares are averaged over the D dimensions, not summed"),
    }


def plane(mean, std):
    """A grid over all of the plane that counts; for a Gaussian, its sum is the integral to rounding."""
    t, h = np.linspace(-8.25 * std, 8.25 * std, 31, retstep=True)
    x = mean + grid(t, 2)
    return Case("gaussian_log_prob", {"x": x, "mean": np.tile(mean, (len(x), 1)), "std": std},
                {INTEGRAL: np.array(1.0)}, label="D = 2, over the plane",
                derive=lambda log_p: {INTEGRAL: h * h * np.exp(log_p).sum()})
