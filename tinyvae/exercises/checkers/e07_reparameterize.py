"""Checks of e07: logvar is made of standard deviations; sigma points give the moments, the complex step backward."""

import math

import numpy as np

from tinyvae.exercises.check import Case
from tinyvae.exercises.oracles import complex_step

FUNCTIONS = ("reparameterize", "reparameterize_backward")
SIZES = [{"M": 7, "J": 3}, {"M": 3, "J": 5}, {"M": 5, "J": 5}]

STD = "By (1), the variance is exp(logvar), and std is its square root."
DERIVATIVE = "Write std as one exponential of logvar; the chain rule gives its derivative by logvar. See tutorial 07."
SAME_NOISE = "Use the eps that is given: backward needs the very noise of forward, or it differentiates another z."
ADVICE = {
    "random": f"Nothing may be drawn inside. {SAME_NOISE}",
    "ignores:eps": f"Noise drawn inside is another noise, also with a fixed seed. {SAME_NOISE}",
    "variance-as-std": f"{STD} If forward and backward share this mistake, every gradient check passes: the gradient "
                       "is right, but of another model.",
    **dict.fromkeys(("logvar-as-std", "half-logvar-as-std", "logvar-as-variance", "half-outside", "half-twice",
                     "inverse", "no-std"), STD),
    **dict.fromkeys(("variance-in-derivative", "logvar-in-derivative", "half-twice-in-derivative", "half-lost",
                     "by-variance", "no-std-in-derivative"), DERIVATIVE),
    "noise-path": "In z = mu + std eps, logvar sits in std, and eps multiplies it: differentiate that term by logvar.",
    "no-eps": "In z = mu + std eps, eps is a factor. For the derivative it is a constant, and stays.",
    "sign:std eps": "Equation (2) has a plus. With a minus z has the same distribution, but is not the z of this eps.",
    **dict.fromkeys(("times-std", "times-eps"), "In z = mu + std eps, mu stands alone: nothing multiplies it."),
    "other-output": "dmu comes first, then dlogvar; they are not the same, for (3) and (4) have different derivatives.",
    "no-dz": "By the chain rule, (3) and (4), what comes in from above is a factor: dz multiplies the derivative of z.",
    "exchanged": "In (2) std multiplies eps, the noise, and mu stands alone.",
    "inside-exp": "std is exp(logvar / 2), and eps multiplies it: close the bracket of exp before eps.",
    "brackets": "In (2) eps multiplies std alone: mu is where the noise is added.",
    "matmul": "Equation (2) multiplies entry by entry: * in NumPy; @ is the product of matrices.",
}
HINTS = [
    "How large is the spread of z in the example where the variance is 4? What function of logvar gives that number?",
    "std = sqrt(exp(logvar)) = exp(logvar / 2), and the derivative of that by logvar is std / 2.",
    "z = mu + np.exp(0.5 * logvar) * eps; dmu is dz; and dlogvar = dz * 0.5 * np.exp(0.5 * logvar) * eps.",
]


def cases(rng):
    for sizes, noises, extreme in zip(SIZES, (2, 1, 1), (-6, 6, -6), strict=True):
        yield from of_size(rng, noises, extreme, **sizes)
    yield sigma_points(rng, J=3)


def of_size(rng, noises, extreme, M, J):
    sizes = {"M": M, "J": J}
    mu, dz = rng.standard_normal((2, M, J))
    std = rng.uniform(0.3, 2.0, (M, J))
    std[0, :2] = np.exp(extreme)  # where a logvar that is clipped shows, and a small constant added to the variance
    logvar = np.log(std * std)
    for eps in rng.standard_normal((noises, M, J)):  # two cases that differ in eps only tell whether it is used
        yield Case(
            "reparameterize", {"mu": mu, "logvar": logvar, "eps": eps}, {"z": mu + std * eps}, sizes,
            terms={"z": {"mu": mu, "std eps": std * eps}}, variants={"z": forward_variants(mu, logvar, std, eps)})

        def loss(mu, logvar, eps=eps):
            return (dz * (mu + np.sqrt(np.exp(logvar)) * eps)).sum()

        dmu, dlogvar = complex_step(loss, mu, logvar)
        yield Case(
            "reparameterize_backward", {"dz": dz, "logvar": logvar, "eps": eps}, {"dmu": dmu, "dlogvar": dlogvar},
            sizes, variants={"dmu": {"no-dz": (np.ones_like(dz), "it is the derivative of z, not multiplied by dz"),
                                     "times-std": (dz * std, "it is dz std: std has no place in it"),
                                     "times-eps": (dz * eps, "it is dz eps: eps has no place in it"),
                                     "other-output": (dlogvar, "it is what dlogvar should be")},
                             "dlogvar": backward_variants(dz, logvar, std, eps)})


@np.errstate(invalid="ignore")  # a negative logvar has no root
def forward_variants(mu, logvar, std, eps):
    factors = {
        "variance-as-std": (std**2, "exp(logvar), which is the variance, not std"),
        "logvar-as-std": (logvar, "logvar, not by std"),
        "half-logvar-as-std": (logvar / 2, "logvar / 2, which is the logarithm of std"),
        "logvar-as-variance": (np.sqrt(logvar), "the square root of logvar, as if logvar were the variance"),
        "half-outside": (std**2 / 2, "exp(logvar) / 2, which is half the variance, not std"),
        "half-twice": (np.sqrt(std), "exp(logvar / 4), which is the square root of std"),
        "inverse": (1 / std, "exp(-logvar / 2), which is 1 / std"),
    }
    found = {key: (mu + factor * eps, f"eps is multiplied by {what}") for key, (factor, what) in factors.items()}
    found["brackets"] = (mu + std) * eps, "there is (mu + std) eps: eps multiplies mu as well"
    found["exchanged"] = mu * std + eps, "there is mu std + eps: std multiplies mu, not eps"
    found["inside-exp"] = mu + std**eps, "there is mu + exp(logvar / 2 * eps): eps is inside the exponential"
    found["no-std"] = mu + eps, "std is missing: there is mu + eps"
    found["no-eps"] = mu + std, "eps is missing: there is mu + std"
    if len(mu) == len(mu.T):  # where a product of matrices goes through
        found["matmul"] = mu + std @ eps, "there is mu + std @ eps"
    return found


@np.errstate(invalid="ignore")
def backward_variants(dz, logvar, std, eps):
    factors = {
        "variance-as-std": (std**2, "exp(logvar), as if std were exp(logvar), which is the variance"),
        "variance-in-derivative": (std**2 / 2, "exp(logvar) / 2, with the variance where std belongs"),
        "logvar-in-derivative": (logvar / 2, "logvar / 2, with logvar where std belongs"),
        "logvar-as-variance": (1 / (2 * np.sqrt(logvar)), "1 / (2 sqrt(logvar)), as if logvar were the variance"),
        "half-twice": (np.sqrt(std) / 4, "exp(logvar / 4) / 4, as if std were exp(logvar / 4)"),
        "half-twice-in-derivative": (np.sqrt(std) / 2, "exp(logvar / 4) / 2, with the root of std where std belongs"),
        "half-lost": (std, "std, which is 2 times the derivative of std by logvar: one half is lost"),
        "by-variance": (1 / (2 * std), "1 / (2 std), the derivative of std by the variance, not by its logarithm"),
        "inverse": (-1 / (2 * std), "-exp(-logvar / 2) / 2, as if std were exp(-logvar / 2)"),
        "no-std-in-derivative": (0.5, "1 / 2: std is missing"),
    }
    found = {key: (dz * eps * factor, f"dz eps is multiplied by {what}") for key, (factor, what) in factors.items()}
    return found | {
        "logvar-as-std": (dz * eps, "it is dz eps, the derivative by std, not by logvar"),
        "no-eps": (dz * std / 2, "it is dz std / 2: eps is missing"),
        "no-dz": (eps * std / 2, "it is the derivative of z, not multiplied by dz"),
        "noise-path": (0 * dz, "it is all zeros: the path through the noise is missing"),
        "other-output": (dz, "it is dz, which is what dmu should be"),
        "sign:std eps": (-dz * eps * std / 2, "it has the wrong sign"),
    }


MEAN = "the mean of z, which is mu by (2),"
COVARIANCE = "the covariance of z, which is diag(exp(logvar)) by (1),"


def sigma_points(rng, J):
    """2J rows of eps that have mean 0 and covariance I exactly."""
    mu, variance = rng.standard_normal(J), rng.uniform(0.3, 3.0, J)
    eps = math.sqrt(J) * np.concatenate([np.eye(J), -np.eye(J)])  # (2J, J)
    rows = np.ones((2 * J, 1))
    return Case("reparameterize", {"mu": rows * mu, "logvar": rows * np.log(variance), "eps": eps},
                {MEAN: mu, COVARIANCE: np.diag(variance)}, derive=moments, label="for eps of mean 0 and covariance I")


def moments(z):
    centered = z - z.mean(0)
    return {MEAN: z.mean(0), COVARIANCE: centered.T @ centered / len(z)}
