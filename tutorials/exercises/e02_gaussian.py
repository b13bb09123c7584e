"""e02: how likely is x under a Gaussian?

A decoder says what x may be: a Gaussian around its output. Training asks how likely the true x is under it. In one
dimension, with mean mu and standard deviation sigma, the density is

    p(x) = 1 / (sigma sqrt(2 pi)) exp(-(x - mu)^2 / (2 sigma^2))                   (1)

Its integral over all x is 1; the factor in front of exp sees to that. Here each example has D dimensions, independent
of each other, with means of their own and one sigma for all (AEVB app. C.2), so their densities multiply:

    p(x[m]) = product over d of   p(x[m, d]),     x[m, d] ~ N(mean[m, d], std^2)   (2)

Nobody computes that product. An image has hundreds of factors, and the result may be too small, or too large, for a
floating-point number. Its logarithm is of moderate size, and it is what training needs:

    log p(x[m]) = sum over d of   log p(x[m, d])                                   (3)

Take the logarithm of (1) on paper; it has three terms. Then sum as (3) says, over the D dimensions, and not over the
examples: the result is one number for each, (M,). Nothing is averaged. In the bound that a variational autoencoder
maximizes, this sum stands beside a KL divergence, both in nats; an average would weigh it D times less.

Only one of the three terms depends on x: minus half the squared error, divided by sigma^2. That is why people train
with squared errors. The other two say how large sigma should be.

A tiny example, M = 2, D = 2:   x = [[1, 1], [1, 3]], mean = [[1, 1], [1, 1]], std = 2. At the mean, all that is left is
the factor of (1), once for each dimension: log p = 2 (-log 2 - 1/2 log(2 pi)) = -3.2242. One dimension of the second
example is off by one standard deviation, which costs half a nat:   log p = [-3.2242, -3.7242].

Two or three lines; no loop is needed.
"""

import numpy as np


def gaussian_log_prob(x, mean, std):
    """log p(x) of each example, (M,) in nats, for x and mean (M, D) and std, a positive number: equation (3)."""
    ### BEGIN SOLUTION
    r = (x - mean) / std  # (M, D)
    return -(0.5 * r * r + np.log(std) + 0.5 * np.log(2 * np.pi)).sum(axis=1)
    ### END SOLUTION
