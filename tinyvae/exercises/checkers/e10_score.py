"""Checks of e10: the truth is the complex step through the log density, where each sample has a mu of its own."""

import numpy as np

from tinyvae.exercises.check import Case
from tinyvae.exercises.oracles import complex_step

FUNCTIONS = ("score", "score_gradient")
SIZES = [{"S": 7, "J": 3}, {"S": 13, "J": 2}, {"S": 5, "J": 5}]

ADVICE = {
    "scale:-1": "Two signs to look at: the inner derivative of z - mu by mu is -1 (by z it would be +1), and (7) has f "
                "minus the baseline. See tutorial 07.",
    "scale:2": "In the score, the 2 of the square and the 1/2 of (2) cancel.",
    "scale:1/S": "Averaging is left to the caller, with the 1/S: (7) has none.",
    "scale:1/2": "In the score, the 2 of the square and the 1/2 of (2) cancel.",
    "brackets": "In Python, / goes before -: put z - mu into brackets.",
    "sum-brackets": "In Python, / goes before -: put f.sum() - f into brackets.",
    "std-once": "Differentiate (2) by the chain rule: 1/std stands inside the square, and the inner derivative brings "
                "another.",
    "no-std": "Differentiate (2) by mu: the std^2 under the square stays.",
    "density": "p d log p/dmu = dp/dmu: the score is the derivative of the logarithm, without the p in front.",
    "by-std": "(1) asks for the derivative by mu; std is a constant.",
    "own-sample": "A baseline that depends on z[s] biases the estimate, here by the factor (S - 1) / S. Leave f[s] out "
                  "of b[s]: equation (6).",
    "missing:the baseline": "Without it the estimate is right on average, but noisier: equation (6). See tutorial 07.",
    "axis": "f and b are (S,), the score is (S, J). To multiply row by row, make them (S, 1): f[:, None].",
    "no-f": "The score is what (7) multiplies with f minus baseline.",
    "shape": "Both functions give one row for each sample, (S, J).",
}
ADVICE |= dict.fromkeys(("averaged", "summed"), "The average over the samples is left to the caller: give all S rows.")
HINTS = [
    "Only one of the terms in (2) has mu in it. Differentiate it by mu[j], and mind the inner derivative.",
    "The S - 1 other values of f add up to the sum of all, less f[s]. To multiply each row of the score by a number of "
    "its own, the numbers must have the shape (S, 1).",
    "score = (z - mu) / std**2; b = (f.sum() - f) / (S - 1); gradient = (f - b)[:, None] * score.",
]


def cases(rng):
    for sizes in SIZES:
        yield from of_size(rng, **sizes)


def of_size(rng, S, J):
    sizes = {"S": S, "J": J}
    mu, std = rng.standard_normal(J), rng.uniform(0.5, 2, J)
    z = mu + std * rng.standard_normal((S, J))
    f = 2 + rng.standard_normal(S)

    def log_density(mu):  # (S, J) -> (S,)
        return -(0.5 * ((z - mu) / std) ** 2 + np.log(std) + 0.5 * np.log(2 * np.pi)).sum(1)

    mus = np.tile(mu, (S, 1))
    (score,) = complex_step(lambda mu: log_density(mu).sum(), mus)
    r = z - mu
    scores = {
        "std-once": (r / std, "one 1/std is missing: (z - mu) / std is not yet the derivative of (2)"),
        "no-std": (r, "std is missing: z - mu alone is not the derivative of (2)"),
        "by-std": (((r / std) ** 2 - 1) / std, "the derivative of (2) by std stands where that by mu belongs"),
        "brackets": (z - mu / std**2, "it is z - mu / std^2: mu alone is divided by std^2"),
        "missing:mu": (z / std**2, "mu is missing: z is not taken relative to it"),
        "density": (np.exp(log_density(mus))[:, None] * score, "the derivative of p(z) stands where that of "
                                                               "log p(z) belongs"),
    }
    yield Case(
        "score", {"z": z, "mu": mu, "std": std}, {"score": score}, sizes, variants={"score": scores | reduced(score)})

    b = np.array([np.mean([f[r] for r in range(S) if r != s]) for s in range(S)])
    (gradient,) = complex_step(lambda mu: ((f - b) * log_density(mu)).sum(), mus)

    def weighted(f, score=score):
        return f[:, None] * score

    variants = {key: (weighted(f - b, wrong), text) for key, (wrong, text) in scores.items()} | reduced(gradient) | {
        "own-sample": (weighted(f - f.mean()), "the baseline is the average over all S samples, so that a sample's own "
                                               "f is in it"),
        "sum": (weighted(f - (S - 1) * b), "the baseline is the sum over the other samples, not their average"),
        "sum/S": (weighted(f - (S - 1) / S * b), "the baseline divides the sum over the others by S; they are S - 1"),
        "sum-brackets": (weighted(f - (f.sum() - f / (S - 1))),
                         "the baseline is the sum of f, less f[s] / (S - 1): the sum is not divided by S - 1"),
        "no-f": (score, "it is the score alone, without f"),
    }
    if S == J:  # elsewhere NumPy refuses
        variants["axis"] = (f - b) * score, "f runs along the J dimensions, not along the samples"
    yield Case(
        "score_gradient", {"f": f, "z": z, "mu": mu, "std": std}, {"gradient": gradient}, sizes,
        terms={"gradient": {"the baseline": weighted(-b)}}, variants={"gradient": variants})


def reduced(a):
    """Rows that were to be kept, averaged or summed."""
    return {
        "averaged": (a.mean(0), "it is averaged over the S samples"),
        "summed": (a.sum(0), "it is summed over the S samples"),
        "summed-J": (a.sum(1), "it is summed over the J dimensions; there is one derivative for each"),
    }
