"""Checks of e09: each row by enumeration and quadrature; and the identity (6), with integrals over eps and over z."""

import math

import numpy as np

from tinyvae.diagnose import Cause
from tinyvae.exercises.check import Case
from tinyvae.exercises.checkers import e07_reparameterize, e08_kl
from tinyvae.exercises.oracles import all_binary, grid, log_normal, normal_nodes, standard_normal_kl

FUNCTIONS = ("elbo", "loss_and_bound")
SIZES = [{"M": 7, "D": 5, "J": 3}, {"M": 5, "D": 3, "J": 7}, {"M": 3, "D": 3, "J": 3}]

IDENTITY = "E_q[elbo] + KL(q || p(z|x)), which equals log p(x) by the exact identity (6),"
WRONG_STD = ("variance-as-std", "logvar-as-std", "half-logvar-as-std", "logvar-as-variance", "half-outside",
             "half-twice", "inverse", "no-std")
WRONG_KL = ("log-std", "variance-squared", "std-for-variance", "logvar-as-variance", "half-of-mu^2", "mu-for-mu^2",
            "one-for-all")
STD = "logvar is the logarithm of the variance: sigma^2 = exp(logvar), and sigma is its square root. See e07."
NATS = "(4) and (5) are sums: only so are both parts in nats, and have their right weights in (1)."
ADVICE = {
    "overflow": "exp(1000) is infinite in floating point, and so is log(1 - sigmoid(1000)). np.logaddexp(0, logits) is "
                "log(1 + exp(logits)) for logits of any size.",
    "random": "Nothing may be drawn inside: eps is the noise.",
    "ignores:eps": "The noise of (2) is the eps that is given; what is drawn inside, with any seed, is another.",
    "scale:-1": "A bound is to be large, and a loss small: one is in the place of the other.",
    "half-averaged": "In (7) and (8) the sum over m goes over both parts.",
    "scale:M": "Usual cause: summed over the batch, where (7) and (8) average.",
    "sign:the KL": "The KL is a price: subtracted in a bound, added in a loss.",
    "twice:the KL": "Usual cause: the one half of (5) is lost.",
    "missing:the KL": "log p(x|z) alone is no bound of log p(x): the identity (6) fails.",
    "sign:log p(x|z)": "log p(x|z) is to be large: added in a bound, subtracted in a loss.",
    "missing:the -1 of the KL": "Without it, the KL of the prior from itself is not zero. See e08.",
    "sigmoid-twice": "(4) takes the logits as they are; the sigmoid is in it already.",
    "exchanged": "A large logit makes x[d] = 1 likely.",
    "ones-only": "Zeros count as well: where x[d] = 0, the entry is the logarithm of 1 - sigmoid(logits[d]).",
    **dict.fromkeys(("mean-over-D", "mean-over-J", "mean-over-both"), NATS),
    **dict.fromkeys(("batch-mean", "batch-sum"), "The result is (M,): one bound for each example."),
    **{f"z:{key}": STD for key in WRONG_STD},
    **{f"kl:{key}": "Equation (5) with sigma^2 = exp(logvar), summed over j. See e08." for key in WRONG_KL},
    "kl:reversed": "The KL is that of q(z|x) from the prior: expectations are under q. See e08.",
    "log-std": STD,
    "sampled-kl": "On the average over eps it is the same; but (1) has the KL itself, (5), which has no noise.",
    "transpose": "W is (J, D): (M, J) @ (J, D) is (M, D).",
    "beta-in-bound": "beta is a choice of how to train, and log p(x) does not know it: the bound (8) has no beta.",
    "beta-on-log-p": "beta is the weight of the KL alone.",
    "beta-on-both": "beta is the weight of the KL alone.",
    "unaveraged": "(7) and (8) are one number each: averages over the batch.",
    "other-output": "The loss comes first, then the bound.",
}
HINTS = [
    "Write one line for each of (2) to (5), with its shape beside it; e03, e07 and e08 are these lines.",
    "log(1 + exp(a)) is np.logaddexp(0, a). Sum (4) over axis 1 of (M, D) and (5) over axis 1 of (M, J), and subtract.",
    "z = mu + np.exp(0.5 * logvar) * eps; logits = z @ W + b; log_p_x = (x * logits - np.logaddexp(0, logits)).sum(1); "
    "kl = 0.5 * (mu**2 + np.exp(logvar) - logvar - 1).sum(1); the bound is log_p_x - kl, and the loss has beta * kl.",
]


def cases(rng):
    for sizes, noises in zip(SIZES, (2, 1, 1), strict=True):
        yield from bounds(rng, noises, **sizes)
    yield extreme(rng, **SIZES[0])
    yield identity(rng)
    for M, beta in ((7, rng.uniform(2, 6)), (5, rng.uniform(0.1, 0.7))):
        yield weighed(rng, M, beta)


def bounds(rng, noises, M, D, J):
    x, mu, logvar, W, b = inputs(rng, M, D, J)
    for eps in rng.standard_normal((noises, M, J)):  # two cases that differ in eps only tell whether it is used
        yield rows(x, mu, logvar, eps, W, b)


def extreme(rng, M, D, J):
    """Logits so large that their exponentials are infinite, of either sign."""
    x, mu, logvar, W, b = inputs(rng, M, D, J)
    b += np.where(np.arange(D) % 2, 1000, -1000)
    return rows(x, mu, logvar, rng.standard_normal((M, J)), W, b, label="logits near 1000 and -1000",
                if_not_finite=Cause("overflow", "log p(x|z) overflows where logits are large"))


def inputs(rng, M, D, J):
    mu, logvar = rng.standard_normal((2, M, J))
    logvar[0] = abs(logvar[0])  # a row where logvar itself could be a variance
    logvar[1, 0] = -12  # where one that is clipped shows, and a small constant added to the variance
    W, b = rng.standard_normal((J, D)) / math.sqrt(J), rng.standard_normal(D)
    return (rng.random((M, D)) < 0.5) * 1.0, mu, logvar, W, b


def rows(x, mu, logvar, eps, W, b, **special):
    """One case of `elbo`, with the truth of each row."""
    sizes = {"M": len(x), "D": x.shape[1], "J": mu.shape[1]}
    logits = (mu + np.sqrt(np.exp(logvar)) * eps) @ W + b
    log_p, kl, linear = log_bernoulli(x, logits), standard_normal_kl(mu, logvar).sum(1), (x * logits).sum(1)
    terms = {"log p(x|z)": log_p, "the KL": -kl, "x logits": linear, "log(1 + exp(logits))": log_p - linear}
    terms |= {f"{name} of the KL": -part.sum(1) for name, part in e08_kl.parts(mu, logvar).items()}
    return Case("elbo", {"x": x, "mu": mu, "logvar": logvar, "eps": eps, "W": W, "b": b}, {"elbo": log_p - kl}, sizes,
                terms={"elbo": terms}, variants={"elbo": variants(x, mu, logvar, eps, W, b)}, **special)


def log_bernoulli(x, logits):
    """log p(x) where p(x) is proportional to exp(x logits), normalized by enumeration of all binary x."""
    scores = logits @ all_binary(x.shape[-1]).T  # (..., 2^D)
    top = scores.max(-1)
    return (x * logits).sum(-1) - top - np.log(np.exp(scores - top[..., None]).sum(-1))


@np.errstate(invalid="ignore")  # the root and the logarithm of a negative logvar
def variants(x, mu, logvar, eps, W, b):
    std, nats = np.exp(logvar / 2), standard_normal_kl(mu, logvar)
    D, J, kl = x.shape[1], mu.shape[1], nats.sum(1)
    z = mu + std * eps
    logits = z @ W + b
    log_p = log_bernoulli(x, logits)
    wrong_z = e07_reparameterize.forward_variants(mu, logvar, std, eps) | {
        "no-noise": (mu, "eps is not used: there is mu alone"),
        "no-mu": (std * eps, "mu is missing"),
        "sign": (mu - std * eps, "std eps has the wrong sign"),
    }
    wrong_kl = {key: (array, text) for key, (array, text) in e08_kl.forward_variants(mu, logvar, nats).items()
                if key in (*WRONG_KL, "reversed")}
    sampled = ((z**2 - eps**2 - logvar) / 2).sum(1)  # log q(z|x) - log p(z)
    found = {
        "sigmoid-twice": (log_bernoulli(x, np.tanh(logits / 2) / 2 + 0.5) - kl,
                          "the sigmoid of the logits stands in the place of the logits"),
        "exchanged": (log_bernoulli(1 - x, logits) - kl, "the probabilities of x[d] = 1 and x[d] = 0 are exchanged"),
        "ones-only": (-(x * np.logaddexp(0, -logits)).sum(1) - kl, "log p(x|z) has only the entries where x[d] = 1"),
        "mean-over-D": (log_p / D - kl, "log p(x|z) is averaged over D, not summed"),
        "mean-over-J": (log_p - kl / J, "the KL is averaged over J, not summed"),
        "mean-over-both": (log_p / D - kl / J, "log p(x|z) is averaged over D and the KL over J, not summed"),
        "batch-mean": ((log_p - kl).mean(), "it is averaged over the batch"),
        "batch-sum": ((log_p - kl).sum(), "it is summed over the batch"),
        "no-b": (log_bernoulli(x, z @ W) - kl, "b is missing in the logits"),
        "sampled-kl": (log_p - sampled, "log q(z|x) - log p(z), at the one z, stands in the place of the KL"),
        "log-std": (log_bernoulli(x, wrong_z["variance-as-std"][0] @ W + b) - wrong_kl["log-std"][0],
                    "logvar is taken for log sigma, in z and in the KL"),
    }
    if J == D:  # where a transposed W goes through
        found["transpose"] = log_bernoulli(x, z @ W.T + b) - kl, "W is transposed in the logits"
    found |= {f"z:{key}": (log_bernoulli(x, z @ W + b) - kl, f"in z, {text}") for key, (z, text) in wrong_z.items()}
    return found | {f"kl:{key}": (log_p - kl, f"in the KL, {text}") for key, (kl, text) in wrong_kl.items()}


def identity(rng, J=2, D=3):
    """Bounds of one x, whose noise is the nodes of a quadrature: their weighted sum is the average in (6)."""
    x = np.arange(D) % 2.0
    mu, logvar = rng.uniform(-1, 1, J), rng.uniform(-1, 0.5, J)
    W, b = rng.uniform(-0.7, 0.7, (J, D)), rng.standard_normal(D)

    # Sums over an even grid: for smooth functions that vanish at its ends, they are integrals to rounding.
    step = 0.25
    z = grid(np.arange(-10, 10 + step, step), J)
    joint = log_bernoulli(x, z @ W + b) + log_normal(z, np.eye(J))
    log_p_x = np.log(np.exp(joint).sum() * step**J)
    log_q = log_normal(z - mu, np.diag(np.exp(logvar)))
    gap = (np.exp(log_q) * (log_q - (joint - log_p_x))).sum() * step**J  # KL(q || p(z|x))

    nodes, weights = normal_nodes(14)
    eps, weights = grid(nodes, J), grid(weights, J).prod(1)
    same = np.ones((len(eps), 1))
    return Case("elbo", {"x": same * x, "mu": same * mu, "logvar": same * logvar, "eps": eps, "W": W, "b": b},
                {IDENTITY: log_p_x}, derive=lambda elbo: {IDENTITY: weights @ elbo + gap},
                label=f"with D = {D} and J = {J}")


def weighed(rng, M, beta):
    """One case of `loss_and_bound`."""
    log_p_x, kl = rng.uniform(-9, -1, M), rng.uniform(0.5, 5, M)
    reconstruction, price = math.fsum(log_p_x) / M, math.fsum(kl) / M
    loss, bound = np.array(beta * price - reconstruction), np.array(reconstruction - price)
    return Case(
        "loss_and_bound", {"log_p_x": log_p_x, "kl": kl, "beta": beta}, {"loss": loss, "bound": bound}, {"M": M},
        label=f"M = {M}, beta = {beta:.3f}",
        terms={"loss": {"log p(x|z)": np.array(-reconstruction), "the KL": np.array(beta * price)},
               "bound": {"log p(x|z)": np.array(reconstruction), "the KL": np.array(-price)}},
        variants={
            "loss": {"no-beta": (-bound, "beta is missing"),
                     "beta-on-log-p": (price - beta * reconstruction, "beta multiplies log p(x|z), not the KL"),
                     "beta-on-both": (-beta * bound, "beta multiplies log p(x|z) as well"),
                     "other-output": (bound, "it is what the bound should be"),
                     "half-averaged": (beta * kl - reconstruction, "log p(x|z) is averaged, and the KL is not"),
                     "unaveraged": (beta * kl - log_p_x, "it is the loss of each example, not averaged")},
            "bound": {"beta-in-bound": (-loss, "beta is left in it"),
                      "other-output": (loss, "it is what the loss should be"),
                      "half-averaged": (reconstruction - kl, "log p(x|z) is averaged, and the KL is not"),
                      "unaveraged": (log_p_x - kl, "it is the bound of each example, not averaged")}})
