"""Checks of e03: the truth is normalized by a sum over all binary x, and exp(log_p) must add up to one over them."""

import numpy as np

from tinyvae.diagnose import Cause
from tinyvae.exercises.check import Case
from tinyvae.exercises.oracles import all_binary
from tinyvae.exercises.sums import SUMS_ADVICE, wrong_sums
from tinyvae.functions import logsumexp, sigmoid, softplus

FUNCTIONS = ("bernoulli_log_prob",)
SIZES = [{"M": 7, "D": 5}, {"M": 13, "D": 3}, {"M": 5, "D": 5}]
LARGE = 1000
BETWEEN = 4, 16  # logits a for which softplus(a) is not yet a
TOTAL = "the sum of exp(log_p) over all x"
LARGER = "log_p at logits of size {} to {}".format(*BETWEEN)
CLIPS = (5, 6, 7, 8, 9, 10, 12, 15, 16, 18, 20, 25, 30, 35, 36, 40, 50, 60, 80, 88, 100, 200, 300, 500, 700, 709)
SMALLEST = [10.0**-n for n in range(3, 17)]  # where probabilities are usually clipped

OVERFLOW = Cause("overflow", "right for moderate logits, but for large ones an exp overflows, or a sigmoid is rounded "
                             "to 0 or 1 and its logarithm is not finite")
SOFTPLUS = "Write (2) with softplus, and compute that as (3) says: then no exp is of anything above zero."
ADVICE = {
    **SUMS_ADVICE,
    "overflow": SOFTPLUS,
    "nonfinite": "The logarithm of 0 is -inf, that of a negative number is NaN, and exp of more than 709 is inf. "
                 f"A logit is not a probability, and may be of any size. {SOFTPLUS}",
    **{f"clipped:{p:.0e}": f"The loss is finite, but wrong, and the gradient of such a pixel is lost. {SOFTPLUS}"
       for p in SMALLEST},
    **{f"cut-off:{a}": "The loss is finite, but wrong, and the gradient of such a pixel is lost. "
                       f"Clip nothing. {SOFTPLUS}" for a in CLIPS},
    "scale:-1": "log p itself is asked for: never above zero. The cost that training minimizes is -log p.",
    "scale:1/D": "Usual cause: averaged over the D pixels. Logarithms of independent probabilities add up, (2); an "
                 "average makes this part of the bound D times too light against the KL.",
    "one-minus-x": "log p belongs to x = 1, log(1 - p) to x = 0, and p grows with the logit.",
    "sigmoid-twice": "The arguments are logits, before any sigmoid; one sigmoid makes probabilities of them.",
    "exchanged": "x comes first, then the logits; and the normalizer, softplus, is a matter of the logits alone.",
    "softplus-of-minus": "log p is -softplus(-a), and log(1 - p) is -softplus(a). Collect what is multiplied by x.",
    "missing:(1 - x) log(1 - p)": "A pixel that is off tells as much as one that is on.",
    "missing:x log p": "A pixel that is on tells as much as one that is off.",
    "sign:(1 - x) log(1 - p)": "Both terms of (2) are added, and neither is ever above zero.",
    "missing:softplus": "x a alone has no bound. softplus makes the probabilities of 0 and 1 add up to one.",
    "sign:softplus": "x a alone has no bound. What is subtracted makes the probabilities of 0 and 1 add up to one.",
    "missing:x a": "softplus makes the probabilities of 0 and 1 add up to one; x a tells them apart.",
    "probability": "Take the logarithm on paper, not of the product: an image's probability would be rounded to 0.",
}
HINTS = [
    "Write down log p and log(1 - p) with softplus, (3), and put them into (2). Collect what is multiplied by x.",
    "Each pixel has x a - softplus(a). Now make softplus safe: what is the larger of the two terms in (3), and what is "
    "left in the logarithm if it is taken out? Or look up np.logaddexp.",
    "log_p = (x * logits - np.logaddexp(0, logits)).sum(axis=1); np.maximum(a, 0) + np.log1p(np.exp(-np.abs(a))) is "
    "the same softplus.",
]


def cases(rng):
    for sizes in SIZES:
        x, signs = images(rng, **sizes)
        logits = signs * rng.uniform(0, 3, x.shape)
        yield of_size(x, logits, enumerated(x, logits), sizes)
    every = all_binary(5)
    yield Case("bernoulli_log_prob", {"x": every, "logits": np.tile(rng.uniform(-3, 3, 5), (32, 1))},
               {TOTAL: np.array(1.0)}, label="D = 5, all 32 binary x",
               derive=lambda log_p: {TOTAL: np.exp(log_p).sum()})
    yield extreme(rng, **SIZES[0])
    x, signs = images(rng, **SIZES[0])
    logits = signs * rng.permutation(np.linspace(*BETWEEN, x.size)).reshape(x.shape)
    yield Case("bernoulli_log_prob", {"x": x, "logits": logits}, {LARGER: enumerated(x, logits)}, label=LARGER,
               if_not_finite=OVERFLOW, derive=lambda log_p: {LARGER: log_p})


def enumerated(x, logits):
    """log p(x), (M,): the score x a of each image, normalized by the sum over all 2^D images."""
    scores = all_binary(x.shape[1]) @ logits.T  # (2^D, M)
    return (x * logits).sum(1) - logsumexp(scores)


def extreme(rng, M, D):
    """Logits of ±1000, but for one column: with all of the same size, any mistake would look like a factor."""
    x, signs = images(rng, M, D)
    logits = LARGE * signs
    logits[:, 0] = rng.uniform(-3, 3, M)
    # Of a pixel with such a logit, log p is as good as 0 if it is what the logit says, and -1000 if it is not.
    surprises = ((logits > 0) != (x > 0))[:, 1:].sum(1)
    log_p = enumerated(x[:, :1], logits[:, :1]) - LARGE * surprises
    return of_size(x, logits, log_p, {"M": M, "D": D}, label=f"logits of ±{LARGE}", if_not_finite=OVERFLOW)


def images(rng, M, D):
    """x (M, D) and signs of logits (M, D), such that pixels of both values meet logits of both signs."""
    kinds = np.resize([[0.0, 1.0], [0.0, -1.0], [1.0, 1.0], [1.0, -1.0]], (M * D, 2))
    return rng.permutation(kinds).T.reshape(2, M, D)


def of_size(x, logits, log_p, sizes, **special):
    on, off = -softplus(-logits), -softplus(logits)  # log p and log(1 - p), (M, D)
    terms = {"x log p": x * on, "(1 - x) log(1 - p)": (1 - x) * off, "x a": x * logits, "softplus": off}
    return Case("bernoulli_log_prob", {"x": x, "logits": logits}, {"log_p": log_p}, sizes,
                terms={"log_p": {name: term.sum(1) for name, term in terms.items()}},
                variants={"log_p": variants(x, logits) | clipped(x, logits) | wrong_sums(x * on + (1 - x) * off) | {
                    "probability": (np.exp(log_p), "it is the probability p(x), not its logarithm")}}, **special)


def variants(x, logits):
    p, score = sigmoid(logits), x * logits
    return {
        "one-minus-x": (((1 - x) * logits - softplus(logits)).sum(1),
                        "it is log p of 1 - x: x and 1 - x are exchanged, or the logits have the wrong sign"),
        **{f"cut-off:{a}": ((x * logits.clip(-a, a) - softplus(logits.clip(-a, a))).sum(1),
                                   "it is cut off for large logits: the logits, or the logarithms of p and 1 - p, are "
                           f"clipped at {a}") for a in CLIPS},
        "sigmoid-twice": ((x * p - softplus(p)).sum(1), "sigmoid is applied twice: probabilities are taken for logits"),
        "exchanged": ((score - softplus(x)).sum(1),
                      "it is x a - softplus(x), not x a - softplus(a): x is where the logits belong"),
        "softplus-of-minus": ((score - softplus(-logits)).sum(1), "it is x a - softplus(-a), not x a - softplus(a)"),
    }


def clipped(x, logits):
    """Probabilities that are kept away from 0 and 1: no difference for moderate logits."""
    found = {}
    for least in SMALLEST:
        p = sigmoid(logits).clip(least, 1 - least)
        found[f"clipped:{least:.0e}"] = (
            (x * np.log(p) + (1 - x) * np.log(1 - p)).sum(1),
            f"it is cut off for large logits: probabilities are clipped at {least:.0e}, or as much is added to them")
    return found
