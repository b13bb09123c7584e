"""Checks of e15: the bound and its weights are computed with 40 digits; the gradient is the complex step."""

import numpy as np

from tinyvae.diagnose import Cause
from tinyvae.exercises.check import Case
from tinyvae.exercises.oracles import complex_step, exact_weights
from tinyvae.functions import logmeanexp, softmax

FUNCTIONS = ("iwae_bound", "iwae_weights", "iwae_gradient")
SIZES = [{"K": 5, "M": 7, "P": 3}, {"K": 7, "M": 3, "P": 2}, {"K": 5, "M": 5, "P": 5}]

OVERFLOW = Cause("overflow", "in floating point exp(1000) is inf and exp(-1000) is 0")
ADVICE = {
    "overflow": "Take each example's own largest log-weight, c = log_w.max(axis=0), out before exp: equation (3).",
    "nonfinite": "In floating point exp(1000) is inf and exp(-1000) is 0: see equation (3).",
    "wrong-axis": "log_w is (K, M): the samples of one example stand below each other, along axis 0.",
    "elbo": "The log of a mean is not the mean of the logs. They agree for K = 1; for more samples, the difference is "
            "what makes (2) tighter. See tutorial 14.",
    "missing:log K": "(2) is the log of a mean, not of a sum: without the 1/K it would grow with K for ever.",
    "twice:log K": "The mean has the 1/K in it already.",
    "sign:log K": "log(1/K) is -log K.",
    "log-M": "The mean is over the K samples of each example; K is log_w.shape[0].",
    "no-log": "(2) is a bound on log p(x), not on p(x).",
    "mean-over-M": "Each example has a bound of its own: the result is (M,).",
    "scale:-1": "The bound and its derivative are asked for; a loss would be minus the bound.",
    "scale:K": "Usual cause: the weights are divided by their mean over the samples, where (4) has the sum.",
    "scale:1/K": "Usual cause: a mean over the samples. The weights w~ sum to one, so (5) is a sum over k.",
    "scale:M": "Usual cause: a sum over the examples where (6) has an average, 1/M.",
    "scale:1/M": "Usual cause: the average over the examples is taken twice.",
    "unnormalized": "Divide by the sum over the samples of each example: equation (4).",
    "sum-over-all": "Each example has weights of its own: the sum in (4) is over its K samples, axis 0, and no more.",
    "inverted": "A large log-weight is a good sample. Is there a sign too many, that of a loss?",
    "uniform": "A sample counts by its share in the sum of the weights: equations (4) and (5). Equal shares belong to "
               "the ELBO, where the logs are averaged.",
    "logs-normalized": "These are logarithms, and may be negative; exp gives the weights: equations (3) and (4).",
    "no-exp": "These are logarithms; exp gives the weights.",
    "through-weights": "The weights of (5) are what differentiating (2) leaves; they are factors, nothing more.",
    "per-example": "What is trained on is the average over the examples: equation (6).",
    "over-K": "log_w is (K, M): len(log_w) is K, log_w.shape[1] is M.",
}
ADVICE |= dict.fromkeys(("wrong-axis, log K", "wrong-axis, sum"), ADVICE["wrong-axis"])
ADVICE |= dict.fromkeys(("unnormalized, less the largest", "unnormalized, less the largest of all"),
                        ADVICE["unnormalized"])
ADVICE |= {"sum-over-all, less the largest": ADVICE["sum-over-all"]}
ADVICE |= dict.fromkeys(("missing:the largest log-weight", "sign:the largest log-weight"),
                        "What is taken out before exp is added again after the log: equation (3).")
HINTS = [
    "Which axis of log_w (K, M) is that of the samples? Try the tiny example by hand, and then with M = 1.",
    "c = log_w.max(axis=0) is (M,), and log_w - c is (K, M): a sum or mean along axis 0 leaves one number an example. "
    "For (6), w~[:, :, None] * dlog_w is (K, M, P).",
    "With e = np.exp(log_w - c): bound = c + np.log(e.mean(axis=0)) and w~ = e / e.sum(axis=0). The gradient sums "
    "w~[:, :, None] * dlog_w over axes 0 and 1, and divides by M.",
]

SUM = "the sum of the weights of each example"


def cases(rng):
    for K, M, P in (sizes.values() for sizes in SIZES):
        yield from of(rng.standard_normal((K, M)), derivatives(rng, K, M, P))

    # Whole numbers, which float32 holds as well. The first example has large log-weights, the second small ones, the
    # third and the fourth a single large one, the others some of both.
    K, M, P = SIZES[0].values()
    sign = rng.choice([-1, 1], (K, M))
    sign[:, :4] = 1, -1, -1, -1
    sign[[0, -1], [2, 3]] = 1
    log_w = 1000.0 * sign + rng.integers(-3, 4, (K, M))
    yield from of(log_w, derivatives(rng, K, M, P), label="log-weights around 1000 and -1000", if_not_finite=OVERFLOW)

    log_w, dlog_w = rng.standard_normal((K, M)), derivatives(rng, 1, M, P)
    yield Case("iwae_weights", {"log_w": log_w}, {SUM: np.ones(M)}, {"K": K, "M": M},
               derive=lambda weights: {SUM: np.sum(weights, axis=0)})
    for function, args, elbo in (("iwae_bound", {"log_w": log_w[:1]}, log_w[0]),
                                 ("iwae_gradient", {"log_w": log_w[:1], "dlog_w": dlog_w}, dlog_w[0].mean(0))):
        name = f"the {function[5:]} with a single sample"
        yield Case(function, args, {name: elbo}, label="K = 1", derive=lambda value, name=name: {name: value})
    for function, true in zip(FUNCTIONS, exact_weights(log_w[:, :1]), strict=False):
        name = f"{function} with a single example"
        yield Case(function, {"log_w": log_w[:, :1]}, {name: true}, label="M = 1",
                   derive=lambda value, name=name: {name: value})


def derivatives(rng, K, M, P):
    """(K, M, P), not around zero: a gradient that is small by cancellation has large errors in float32."""
    return 1 + rng.standard_normal((K, M, P))


def of(log_w, dlog_w, **special):
    """The three functions on these log-weights (K, M) and their derivatives (K, M, P)."""
    K, M, P = dlog_w.shape
    sizes, (bound, weights) = {"K": K, "M": M}, exact_weights(log_w)
    yield Case("iwae_bound", {"log_w": log_w}, {"bound": bound}, sizes, **special,
               terms={"bound": {"log K": np.full(M, -np.log(K)), "the largest log-weight": log_w.max(0)}},
               variants={"bound": misbounded(log_w, bound)})
    wrong = misweighted(log_w)
    yield Case("iwae_weights", {"log_w": log_w}, {"weights": weights}, sizes, **special, variants={"weights": wrong})

    def derivative(f):
        """Of the average of f(log-weights) over the examples, by the P parameters."""
        return complex_step(lambda theta: f(log_w + dlog_w @ theta).mean(), np.zeros(P))[0]

    true = derivative(logmeanexp)
    yield Case(
        "iwae_gradient", {"log_w": log_w, "dlog_w": dlog_w}, {"gradient": true}, sizes | {"P": P}, **special,
        variants={"gradient": {key: (averaged(w, dlog_w), text) for key, (w, text) in wrong.items()} | {
            "through-weights": (derivative(lambda log_w: (softmax(log_w) * log_w).sum(0)),
                                "the weights are differentiated too: it is the derivative of sum_k w~[k] log_w[k]"),
            "per-example": (np.einsum("km,kmp->mp", weights, dlog_w), "it has a row for each example, (M, P)"),
            "over-K": (true * M / K, "the sum over the examples is divided by K, not by M")}})


# What mistakes give may be infinite, or no number at all: exp(1000), and infinities of both signs.
wild = np.errstate(over="ignore", invalid="ignore")


@wild
def averaged(w, dlog_w):
    """(P,): equation (6) with the weights w (K, M)."""
    return (w[:, :, None] * dlog_w).sum(0).mean(0)


@wild
def misbounded(log_w, bound):
    """Bounds that are not that of (2)."""
    (K, M), over_examples = log_w.shape, logmeanexp(log_w, axis=1)
    axis = "the weights are added up over the examples, axis 1, not over the samples, axis 0"
    return {
        "elbo": (log_w.mean(0), "it is the mean of the log-weights, as in the ELBO, where (2) has the log of the mean"),
        "wrong-axis": (over_examples, axis),
        "wrong-axis, log K": (over_examples + np.log(M) - np.log(K), axis),
        "wrong-axis, sum": (over_examples + np.log(M), axis),
        "log-M": (bound + np.log(K) - np.log(M), "log M is subtracted where log K belongs"),
        "no-log": (np.exp(bound), "it is the mean of the weights themselves, without the log"),
        "mean-over-M": (np.asarray(bound.mean()), "it is averaged over the examples"),
    }


@wild
def misweighted(log_w):
    """Weights (K, M) that are not those of (4)."""
    K, M = log_w.shape
    less_own, less_one = np.exp(log_w - log_w.max(0)), np.exp(log_w - log_w.max())
    everything = "the weights are divided by their sum over samples and examples"
    return {
        "wrong-axis": (softmax(log_w, axis=1),
                       "the weights sum to one over the examples, axis 1, not over the samples"),
        "unnormalized": (np.exp(log_w), "the weights are exp(log_w), not divided by their sum over the samples"),
        "unnormalized, less the largest": (less_own, "the weights are divided by the largest of each example, "
                                                     "not by their sum"),
        "unnormalized, less the largest of all": (less_one, "the weights are divided by the largest of all, "
                                                            "not by the sum over each example's samples"),
        "sum-over-all": (less_one / less_one.sum(), everything),
        "sum-over-all, less the largest": (less_own / less_own.sum(), everything),
        "inverted": (softmax(-log_w), "the weights are those of -log_w: the worst sample counts most"),
        "uniform": (np.full((K, M), 1 / K), "every sample has the weight 1/K, as in the ELBO, whatever its log-weight"),
        "logs-normalized": (log_w / log_w.sum(0), "the log-weights are divided by their sum, without an exp"),
        "no-exp": (log_w - logmeanexp(log_w) - np.log(K), "the logarithms of the weights stand for the weights"),
    }
