"""e03: how likely is a black and white image?

A decoder for images of black and white pixels, x[m, d] = 0 or 1, gives a number a for each pixel, its logit. The
pixel is on with probability

    p = sigmoid(a) = 1 / (1 + exp(-a))                                             (1)

and off with probability 1 - p = sigmoid(-a). Given the logits, pixels are independent of each other, so the
log-likelihood of an image is a sum over its D pixels (AEVB eq. 11, app. C.1). With x, p for x[m, d], p[m, d],

    log p(x[m]) = sum over d of   x log p + (1 - x) log(1 - p)                     (2)

Since x is 0 or 1, each pixel has just one of the two terms: log p if it is on, log(1 - p) if it is off. The sum is no
average, and each example has its own: the result is (M,).

A computer that follows (2) to the letter fails. A well trained decoder is sure of many pixels, and its logits are
large. For a = 1000 it says p = 1 and 1 - p = 0, whose logarithm is -inf; for a = -1000, exp(-a) is more than a
floating-point number can hold. Yet log(1 - sigmoid(1000)) is -1000, a modest number. People clip p, or add a little to
it; then the result is finite and wrong, and so is its gradient. Instead, put (1) into (2) on paper. Both logarithms
can be written with one function,

    softplus(a) = log(1 + exp(a)) = log(exp(0) + exp(a))                           (3)

as log p = -softplus(-a) and log(1 - p) = -softplus(a). Because softplus(a) - softplus(-a) = a, one of them is enough
for (2). What is left is to compute (3) for a of any size. The larger of two terms can be taken out of a logarithm:
log(exp(u) + exp(v)) = u + log(1 + exp(v - u)), and if u is the larger, no exp of anything above zero remains. NumPy
also has a function of its own for the logarithm of a sum of two exponentials.

A tiny example, M = 2, D = 2:   x = [[1, 1], [0, 0]], logits = [[0, log 3], [0, log 3]]. The probabilities are 1/2 and
3/4, and log p = [log(1/2 3/4), log(1/2 1/4)] = [-0.9808, -2.0794]. With all logits 1000, log p = [0, -2000].

One to three lines; no loop is needed.
"""

import numpy as np


def bernoulli_log_prob(x, logits):
    """log p(x) of each example, (M,) in nats, for x (M, D) of zeros and ones and logits (M, D) of any size: (2)."""
    # YOUR CODE HERE
    raise NotImplementedError()
