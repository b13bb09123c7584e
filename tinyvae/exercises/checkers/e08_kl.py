"""Checks of e08: the KL is the expectation (1) by quadrature, and its gradient the complex step through that."""

import numpy as np

from tinyvae.exercises.check import Case
from tinyvae.exercises.oracles import complex_step, standard_normal_kl

FUNCTIONS = ("kl", "kl_backward")
SIZES = [{"M": 5, "J": 3}, {"M": 3, "J": 7}, {"M": 3, "J": 3}]
# A logvar of each size, where one that is clipped shows, and a constant added to the variance. Beside exp(12), errors
# elsewhere would hardly show: each is in a case of its own.
EXTREMES = [-12, 12, 0.5]

VARIANCE = "logvar is the logarithm of the variance: sigma^2 = exp(logvar)."
CHAIN = f"{VARIANCE} Put that in first, then differentiate by logvar."
PRIOR = "Try the prior, mu = logvar = 0: the KL and both derivatives must be zero there."
ROWS = "The result is (M,): add up over the J entries of a row, axis 1, and leave the examples apart."
ADVICE = {
    "scale:-1": "The KL is never negative. The paper's appendix B has -KL, a part of the bound; here it is the KL. "
                "It grows with mu where mu is above 0, and with logvar where logvar is above 0.",
    "scale:1/J": "Usual cause: averaged over the J entries of z. Independent entries add up, (3); an average makes the "
                 "KL J times too light against log p(x|z).",
    "scale:1/M": "There is no average over the batch here. Where a loss has one, its 1/M is in dkl already.",
    "scale:2": "Usual cause: the one half of (2) is lost, or log sigma, which is half of logvar, is differentiated by.",
    "scale:1/2": "Usual cause: one half too many; the derivative of mu^2 / 2 is mu.",
    **dict.fromkeys(("missing:the -1", "sign:the -1"), PRIOR),
    **dict.fromkeys(("twice:mu^2", "twice:exp(logvar)", "twice:logvar", "twice:the -1"),
                    "The one half of (2) multiplies each of its terms."),
    "one-for-all": f"Each entry of z has a 1 of its own in (2): it belongs inside the sum. {PRIOR}",
    **dict.fromkeys(("log-std", "variance-squared", "std-for-variance", "logvar-as-variance"), VARIANCE),
    **dict.fromkeys(("variance-squared-in-derivative", "std-in-derivative", "by-variance", "by-std"), CHAIN),
    "mu-for-mu^2": "The square in (2) makes the KL grow on both sides of the prior's mean.",
    "reversed": "Both expectations of (1) are under q, the first argument.",
    **dict.fromkeys(("unsummed", "over-batch", "batch-mean", "batch-sum", "all-mean"), ROWS),
    "half-of-mu^2": "In Python, 0.5 * a + b is (0.5 * a) + b: put the four terms into brackets.",
    "no-dkl": "By the chain rule, what comes in from above is a factor: dkl[m] multiplies row m.",
    "broadcast": "Row m belongs to dkl[m]: dkl[:, None] has shape (M, 1), and lines up with (M, J) row by row.",
    "other-output": "dmu comes first, then dlogvar.",
}
HINTS = [
    "Subtract the two lines of (2) on paper: log 2 pi cancels, and a sum of four terms is left.",
    "Each entry has 1/2 (mu^2 + exp(logvar) - logvar - 1). Differentiate that by mu, then by logvar.",
    "kl = 0.5 * (mu**2 + np.exp(logvar) - logvar - 1).sum(axis=1); dkl = dkl[:, None] lines up with (M, J); "
    "dmu = dkl * mu, dlogvar = dkl * 0.5 * (np.exp(logvar) - 1).",
]


def cases(rng):
    for sizes, extreme in zip(SIZES, EXTREMES, strict=True):
        dkl, (mu, logvar) = rng.standard_normal(sizes["M"]), rng.standard_normal((2, sizes["M"], sizes["J"]))
        logvar[0] = abs(logvar[0])  # a row where logvar itself could be a variance
        logvar[1, 0] = extreme
        _, dmu, dlogvar = complex_step(loss, dkl, mu, logvar)
        yield from of_rows(dkl, mu, logvar, standard_normal_kl(mu, logvar), dmu, dlogvar, sizes)
    zero = np.zeros((5, 3))
    yield from of_rows(rng.standard_normal(5), zero, zero, zero, zero, zero, SIZES[0], "at the prior, mu = logvar = 0")


def loss(dkl, mu, logvar):
    return dkl @ standard_normal_kl(mu, logvar).sum(1)


def of_rows(dkl, mu, logvar, entries, dmu, dlogvar, sizes, label=""):
    """A case for each function; `entries` (M, J) is the KL of each entry of z."""
    yield Case("kl", {"mu": mu, "logvar": logvar}, {"kl": entries.sum(1)}, sizes, label=label,
               terms={"kl": {name: part.sum(1) for name, part in parts(mu, logvar).items()}},
               variants={"kl": forward_variants(mu, logvar, entries)})
    d = dkl[:, None]
    yield Case("kl_backward", {"dkl": dkl, "mu": mu, "logvar": logvar}, {"dmu": dmu, "dlogvar": dlogvar}, sizes,
               label=label, terms={"dlogvar": {"exp(logvar)": d * np.exp(logvar) / 2, "the -1": -d / 2 + 0 * mu}},
               variants=backward_variants(dkl, mu, logvar, dmu, dlogvar))


def parts(mu, logvar):
    """The four terms of each entry's KL."""
    return {"mu^2": mu**2 / 2, "exp(logvar)": np.exp(logvar) / 2, "logvar": -logvar / 2, "the -1": 0 * mu - 0.5}


SQUARED = "exp(2 logvar), which is sigma^4"
ROOT = "exp(logvar / 2), which is sigma"


@np.errstate(invalid="ignore", divide="ignore")  # log(logvar)
def wrong_entries(mu, logvar, entries):
    """{key: (what the KL of each entry would be, text)}."""
    def by(square, variance, log):
        return 0.5 * (square + variance - log - 1)

    square, variance = mu**2, np.exp(logvar)
    return {
        "log-std": (by(square, variance**2, 2 * logvar),
                    "there are exp(2 logvar) and 2 logvar, as if logvar were log sigma"),
        "variance-squared": (by(square, variance**2, logvar), f"{SQUARED}, stands in the place of sigma^2"),
        "std-for-variance": (by(square, np.sqrt(variance), logvar), f"{ROOT}, stands in the place of sigma^2"),
        "logvar-as-variance": (by(square, logvar, np.log(logvar)),
                               "there are logvar and log(logvar), as if logvar were sigma^2"),
        "half-of-mu^2": (2 * entries - square / 2, "the one half multiplies mu^2 alone, not all four terms"),
        "mu-for-mu^2": (by(mu, variance, logvar), "mu stands in the place of mu^2"),
        "reversed": (by((square + 1) / variance, logvar, 0), "KL(p || q) stands in the place of KL(q || p)"),
    }


def forward_variants(mu, logvar, entries):
    return {key: (wrong.sum(1), text) for key, (wrong, text) in wrong_entries(mu, logvar, entries).items()} | {
        "one-for-all": (entries.sum(1) + (mu.shape[1] - 1) / 2,
                        "the -1 counts once, not once for each of the J entries"),
        "unsummed": (entries, "it is the KL of each entry, not summed over J"),
        "over-batch": (entries.sum(0), "it is summed over the batch, axis 0, not over J, axis 1"),
        "batch-sum": (entries.sum(), "it is summed over the batch as well"),
        "batch-mean": (entries.sum(1).mean(), "it is averaged over the batch as well"),
        "all-mean": (entries.mean(), "it is averaged over the batch and over J"),
    }


@np.errstate(divide="ignore")  # 1 / logvar
def backward_variants(dkl, mu, logvar, dmu, dlogvar):
    d, variance, std = dkl[:, None], np.exp(logvar), np.exp(logvar / 2)
    of_mu = {
        "mu-for-mu^2": (d / 2 + 0 * mu, "it is dkl / 2, the derivative of mu / 2, not of mu^2 / 2"),
        "reversed": (d * mu / variance, "it is the derivative of KL(p || q), not of KL(q || p)"),
        "no-dkl": (mu, "it is the derivative of kl, not multiplied by dkl"),
        "other-output": (dlogvar, "it is what dlogvar should be"),
    }
    of_logvar = {
        "log-std": (d * (variance**2 - 1), "it is dkl (exp(2 logvar) - 1), as if logvar were log sigma"),
        "variance-squared": (d * (variance**2 - 0.5), f"it is the derivative where {SQUARED}, stands for sigma^2"),
        "variance-squared-in-derivative": (d * (variance**2 - 1) / 2, f"{SQUARED}, stands in the place of sigma^2"),
        "std-for-variance": (d * (std / 2 - 1) / 2, f"it is the derivative where {ROOT}, stands for sigma^2"),
        "std-in-derivative": (d * (std - 1) / 2, f"{ROOT}, stands in the place of sigma^2"),
        "logvar-as-variance": (d * (1 - 1 / logvar) / 2, "it has 1 / logvar, as if logvar were sigma^2"),
        "by-variance": (d * (1 - 1 / variance) / 2, "it is the derivative by sigma^2, not by logvar"),
        "by-std": (d * (std - 1 / std), "it is the derivative by sigma, not by logvar"),
        "reversed": (d * (1 - (1 + mu**2) / variance) / 2, "it is the derivative of KL(p || q), not of KL(q || p)"),
        "no-dkl": ((variance - 1) / 2, "it is the derivative of kl, not multiplied by dkl"),
        "other-output": (dmu, "it is what dmu should be"),
    }
    if len(mu) == len(mu.T):  # where dkl goes through along the wrong axis
        columns = "dkl multiplies the columns, not the rows"
        of_mu["broadcast"] = dkl * mu, columns
        of_logvar["broadcast"] = dkl * (variance - 1) / 2, columns
    return {"dmu": of_mu, "dlogvar": of_logvar}
