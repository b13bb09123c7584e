"""Checks of e13: the KL is E_q[log q - log p] by quadrature; in z as a whole, for the sum of its parts."""

import numpy as np

from tinyvae.exercises.check import Case
from tinyvae.exercises.checkers import e08_kl
from tinyvae.exercises.oracles import grid, normal_nodes, standard_normal_kl

FUNCTIONS = ("kl_per_dimension", "beta_loss")
SIZES = [{"M": 7, "J": 3}, {"M": 3, "J": 5}, {"M": 5, "J": 5}]
USED = [1, np.array([[0, 1, 1, 1, 1]]), 1]  # a dimension at the prior, as trained models have them: its KL is zero
BETAS = [(0.0, 0.5, 1.0, 4.0), (0.25,), (3.0,)]  # by size; cases that differ in beta alone show what it multiplies

VARIANCE = "logvar is the logarithm of the variance: log sigma^2 = logvar, and sigma^2 = exp(logvar)."
TERMS = "Go through (2) term by term: the factor 1/2 stands before all four of them."
PRIOR = "Try the prior, mu = logvar = 0: its KL is zero."
AXES = "mu and logvar are (M, J): examples along axis 0, latent dimensions along axis 1."
WHICH = f"{AXES} The batch is averaged over; the latent dimensions stay apart in (3), and add up in (1), see (4)."
ONLY_KL = "In (1), beta multiplies the KL and nothing else. With beta = 0, the reconstruction alone is left."
ADVICE = {
    **dict.fromkeys(("log-std", "variance-squared", "std-for-variance", "logvar-as-variance"), VARIANCE),
    **dict.fromkeys(("missing:mu^2", "missing:sigma^2", "missing:log sigma^2", "sign:log sigma^2", "mu-for-mu^2",
                     "half-lost", "half-twice"), TERMS),
    **dict.fromkeys(("missing:the -1", "sign:the -1"), PRIOR),
    "sign": "A KL is never negative. The paper's appendix B has -KL, a part of the bound; a loss has +KL.",
    **dict.fromkeys(("swapped", "per-example", "not-averaged", "total", "all-mean", "mean-j", "unsummed"), WHICH),
    **dict.fromkeys(("batch-sum", "reconstruction-sum"),
                    "Both parts of the loss are averages over the M examples: see (1) and (3)."),
    "half-of-mu^2": "In Python, 0.5 * a + b is (0.5 * a) + b: put the four terms into brackets.",
    "averaged-first": "The average of the divergences is not the divergence of an average: (2) is not linear.",
    **dict.fromkeys(("beta-on-reconstruction", "beta-on-both", "mixture", "ignores:beta", "missing:the KL",
                     "missing:the reconstruction"), ONLY_KL),
    "scale:M": "Usual cause: summed over the batch where (1) averages.",
    "scale:-1": "Usual cause: the bound, which is to be maximized, in the place of the loss, which is its negative.",
    "sign:the reconstruction": "reconstruction is -E_q[log p(x|z)], with its minus already: small is good.",
}
HINTS = [
    f"{AXES} Which of the two is gone after (3), and which after (1)?",
    "Write (2) for whole arrays, so that it gives (M, J); then (3) is its mean along axis 0. By (4), kl has all that "
    "(1) needs of the KL.",
    "kl = 0.5 * (mu**2 + np.exp(logvar) - logvar - 1).mean(axis=0); loss = reconstruction.mean() + beta * kl.sum().",
]


def cases(rng):
    for sizes, used, betas in zip(SIZES, USED, BETAS, strict=True):
        yield from of_size(rng, used, betas, **sizes)


def of_size(rng, used, betas, M, J):
    sizes = {"M": M, "J": J}
    mu, logvar = used * rng.standard_normal((2, M, J))
    logvar[1, 1] = -12  # where one that is clipped shows, and a small constant added to the variance
    reconstruction = 4 + rng.standard_normal(M)
    kl = standard_normal_kl(mu, logvar)  # (M, J)
    of_averages = standard_normal_kl(mu.mean(0), logvar.mean(0))  # (J,)
    wrong_entries = mistakes(mu, logvar, kl)

    arguments = {"mu": mu, "logvar": logvar}
    yield Case(
        "kl_per_dimension", arguments, {"kl": kl.mean(0)}, sizes,
        variants={"kl": {key: (entries.mean(0), text) for key, (entries, text) in wrong_entries.items()} | {
            "swapped": (kl.mean(1), "it is averaged over the latent dimensions, axis 1, not over the batch, axis 0"),
            "per-example": (kl.sum(1), "it is the KL of each example, summed over the latent dimensions, axis 1"),
            "not-averaged": (kl, "it is the KL of each example and dimension, not averaged over the batch"),
            "total": (kl.mean(0).sum(), "it is summed over the latent dimensions as well"),
            "all-mean": (kl.mean(), "it is averaged over the latent dimensions as well"),
            "batch-sum": (kl.sum(0), f"it is {M} times too large: summed over the batch, not averaged (M = {M})"),
            "averaged-first": (of_averages, "it is the KL of the average mu and logvar, not the average of the KL"),
        }})
    yield Case("kl_per_dimension", arguments, {SUM: joint_kl(mu, logvar).mean()}, sizes,
               derive=lambda kl: {SUM: np.sum(kl)})

    for beta in betas:
        R, K = reconstruction.mean(), kl.sum(1).mean()
        wrong_kl = {key: (R + beta * entries.sum(1).mean(), text) for key, (entries, text) in wrong_entries.items()}
        yield Case(
            "beta_loss", {"reconstruction": reconstruction, **arguments, "beta": beta},
            {"the loss": R + beta * K}, sizes, label=f"{', '.join(f'{k} = {v}' for k, v in sizes.items())}, {beta = }",
            terms={"the loss": {"the reconstruction": R, "the KL": beta * K}},
            variants={"the loss": wrong_kl | {
                "beta-on-reconstruction": (beta * R + K, "beta multiplies the reconstruction, not the KL"),
                "beta-on-both": (beta * (R + K), "beta multiplies the reconstruction as well"),
                "mixture": ((1 - beta) * R + beta * K, "the reconstruction is multiplied by 1 - beta"),
                "ignores:beta": (R + K, "it is reconstruction + KL, whatever beta is"),
                "swapped": (R + beta * kl.sum() / J,
                            "the KL is summed over the batch and averaged over the latent dimensions; it must be the "
                            "other way round"),
                "mean-j": (R + beta * K / J, "the KL is J times too small: averaged over the latent dimensions, not "
                                             "summed, or divided by J"),
                "batch-sum": (R + beta * M * K, "the KL is M times too large: summed over the batch, not averaged"),
                "reconstruction-sum": (M * R + beta * K, "the reconstruction is M times too large: summed over the "
                                                         "batch, not averaged"),
                "averaged-first": (R + beta * of_averages.sum(),
                                   "the KL is that of the average mu and logvar, not the average of the KL"),
                "not-averaged": (reconstruction + beta * kl.sum(1), "it is the loss of each example, not averaged"),
                "unsummed": (R + beta * kl.mean(0), "the KL is not summed over the latent dimensions"),
            }})


SUM = "sum over j of kl"


def joint_kl(mu, logvar):
    """KL(q(z|x) || N(0, I)) of each example, (M,): E_q[log q(z) - log p(z)] on a grid of nodes in all J dimensions."""
    nodes, weights = normal_nodes(2)
    eps, weights = grid(nodes, mu.shape[1]), grid(weights, mu.shape[1]).prod(1)  # (2^J, J) and (2^J,)
    std = np.sqrt(np.exp(logvar))[:, None]
    z = mu[:, None] + std * eps  # (M, 2^J, J)
    return (z**2 / 2 - eps**2 / 2 - np.log(std)).sum(-1) @ weights


def mistakes(mu, logvar, kl):
    """{key: (what (2) would then be, text)}."""
    of_terms = {
        "sign": (-kl, "the sign is wrong"),
        "half-lost": (2 * kl, "the one half of (2) is lost: it is 2 times too large"),
        "half-twice": (kl / 2, "there is one half too many: it is 2 times too small"),
        "missing:mu^2": (kl - mu**2 / 2, "mu^2 is missing"),
        "missing:sigma^2": (kl - np.exp(logvar) / 2, "sigma^2 is missing"),
        "missing:log sigma^2": (kl + logvar / 2, "log sigma^2 is missing"),
        "sign:log sigma^2": (kl + logvar, "log sigma^2 has the wrong sign"),
        "missing:the -1": (kl + 1 / 2, "the -1 is missing"),
        "sign:the -1": (kl + 1, "there is +1, not -1"),
    }
    return {key: (wrong, f"in the KL, {text}") for key, (wrong, text) in
            (e08_kl.wrong_entries(mu, logvar, kl) | of_terms).items()}
