"""Checks of e12: log p(x) is a closed form where q is the posterior; elsewhere (3) is worked out in 40 decimal digits.

And where z has but a few values, all draws of K samples can be listed, over which the estimates of p(x) have the right
mean.
"""

import numpy as np

from tinyvae.diagnose import Cause
from tinyvae.exercises.check import Case
from tinyvae.exercises.oracles import exact_weights, grid, log_normal
from tinyvae.functions import logmeanexp

FUNCTIONS = ("log_evidence",)
SIZES = [{"K": 7, "M": 3}, {"K": 2, "M": 11}, {"K": 5, "M": 5}]

ADVICE = {
    "mean-of-log": "The logarithm of an average is not the average of the logarithms: in (3), the logarithm comes "
                   "last. See tutorial 11.",
    "missing:log K": "(3) averages over the K samples: their sum is divided by K, and its logarithm is less by log K.",
    "sign:log K": "Dividing by K inside the logarithm subtracts log K from it.",
    "inverted": "The weight (2) is p(x, z) over q(z|x): subtract log q from log p.",
    "overflow": "Use (4), with the largest log weight of each example as c. See tutorial 11.",
    "ratio-of-logs": "The logarithm of a quotient is a difference: log w = log p(x, z) - log q(z|x).",
    "c-subtracted": "In (4), what is subtracted before exp is added after the logarithm.",
    "start-at-one": "exp(0) is 1. A sum starts from 0, whose logarithm is -inf.",
    "largest": "Take c = log_w.max(axis=0), so that each column has its own.",
    "nonfinite": "exp(1000) is infinite and exp(-1000) is zero in floating point: equation (4) is the way around.",
}
HINTS = [
    "Log weights are a difference, (K, M). What (3) does to them is an average along one axis, of their exp.",
    "In (4), let c be the largest log weight of each column, (M,). An average is a sum divided by K.",
    "log_w = log_p_xz - log_q; c = log_w.max(axis=0); log_evidence = c + np.log(np.exp(log_w - c).mean(axis=0)).",
]


def cases(rng):
    for sizes in SIZES:
        K, M = sizes.values()
        log_p, log_q = rng.standard_normal((2, K, M)) - [[[3.0]], [[1.0]]]
        yield case(log_p, log_q, exact_weights(log_p - log_q)[0])
        log_p, log_q, log_p_x = linear_model(rng, K, M)
        yield case(log_p, log_q, log_p_x, f"q is the posterior, K = {K}, M = {M}")

    log_p, log_q = rng.standard_normal((2, 5, 1))
    yield case(log_p, log_q, exact_weights(log_p - log_q)[0])

    K, M = 7, 3
    log_p, log_q = rng.standard_normal((2, K, M))
    outside = Cause("overflow", "exp of numbers of this size overflows to infinity, or underflows to zero")
    yield case(log_p - 1000, log_q, exact_weights(log_p - 1000 - log_q)[0], "log p near -1000", outside)
    yield case(log_p, log_q - 1000, exact_weights(log_p - log_q + 1000)[0], "log q near -1000", outside)
    # All weights are small for one example, all are large for the next, and the last has both kinds.
    far = 1000 * np.array([np.full(K, -1), np.full(K, 1), np.arange(K) % 3 - 1]).T  # (K, M)
    far_p, far_q = log_p + far * [1, 1, 0], log_q - far * [0, 0, 1]
    yield case(far_p, far_q, exact_weights(far_p - far_q)[0], "log weights from -1000 to 1000", Cause(
        "largest", "what is subtracted before exp, and added again, is not the largest log weight of each example"))

    yield all_draws(rng)


def case(log_p, log_q, true, label="", if_not_finite=None):
    """One call, and what known mistakes give."""
    K, M = log_p.shape
    log_w = log_p - log_q
    with np.errstate(over="ignore"):
        p_x = np.exp(true)
    known = {
        "mean-of-log": (log_w.mean(0), "it is the mean of the log weights, not the logarithm of their mean"),
        "inverted": (logmeanexp(-log_w), "the weights are q / p instead of p / q"),
        "no-q": (logmeanexp(log_p), "q is missing: the weights are p(x, z) alone"),
        "times-q": (logmeanexp(log_p + log_q), "the weights are p(x, z) times q(z|x), not divided by it"),
        "ratio-of-means": (logmeanexp(log_p) - logmeanexp(log_q), "it has the mean of p(x, z) divided by the mean of "
                                                                  "q(z|x); (3) has the mean of the ratios"),
        "no-log": (p_x, "it is the mean weight itself, without the logarithm"),
        "c-lost": (true - log_w.max(0), "c, subtracted before exp in (4), is not added again"),
        "c-subtracted": (true - 2 * log_w.max(0), "c of (4) is subtracted twice, where it must be added again"),
        "ratio-of-logs": (logmeanexp(log_p / log_q), "log p is divided by log q, where (2) divides p by q"),
        "start-at-one": (np.logaddexp(0, true + np.log(K)) - np.log(K),
                         "the sum over k has a term too many, exp(0): it starts from a logarithm of 0"),
        "largest-alone": (log_w.max(0), "it is the largest log weight; the others are missing"),
        "wrong-axis": (logmeanexp(log_w, 1), "the mean is over the M examples, axis 1, not over the K samples, axis 0"),
        "per-sample": (log_w, "it is the log weights of all samples, before any mean"),
        "mean-over-M": (true.mean(), "it is averaged over the M examples; each has an estimate of its own"),
        "sum-over-M": (true.sum(), "it is summed over the M examples; each has an estimate of its own"),
    }
    return Case(
        "log_evidence", {"log_p_xz": log_p, "log_q": log_q}, {"log_evidence": true}, {"K": K, "M": M},
        terms={"log_evidence": {"log K": np.full(M, -np.log(K))}}, variants={"log_evidence": known},
        label=label, if_not_finite=if_not_finite)


def linear_model(rng, K, M, J=2, D=3):
    """log p(x, z) and log q(z|x), (K, M), and log p(x), (M,): z ~ N(0, I), x ~ N(A z, s^2 I), q the true posterior."""
    A, s2 = rng.standard_normal((D, J)), rng.uniform(0.5, 2)
    x, z = 2 * rng.standard_normal((M, D)), rng.standard_normal((K, M, J))
    S = np.linalg.inv(np.eye(J) + A.T @ A / s2)  # the posterior's covariance
    log_p = log_normal(z, np.eye(J)) + log_normal(x - z @ A.T, s2 * np.eye(D))
    return log_p, log_normal(z - x @ A @ S / s2, S), log_normal(x, A @ A.T + s2 * np.eye(D))


def all_draws(rng, K=3, values=3):
    """z has three values, and each draw of K of them is an example: the mean of all estimates of p(x) is p(x)."""
    p, q = rng.uniform(0.2, 1, (2, values))
    q /= q.sum()
    draws = grid(range(values), K).T  # (K, values^K)
    probability = q[draws].prod(0)

    name = "the mean of exp(log_evidence) over all draws of z"
    return Case("log_evidence", {"log_p_xz": np.log(p)[draws], "log_q": np.log(q)[draws]}, {name: p.sum()},
                label=f"K = {K} draws of {values} values", derive=lambda log_p_x: {name: probability @ np.exp(log_p_x)})
