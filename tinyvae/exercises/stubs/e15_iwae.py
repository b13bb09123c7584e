"""e15: the importance weighted bound, its weights and its gradient.

For each example x[m], draw K samples z[k, m] from q(z|x[m]). Each has an importance weight, and the mean of such
weights, over all that could be drawn, is p(x[m]):

    w[k, m] = p(x[m]|z[k, m]) p(z[k, m]) / q(z[k, m]|x[m])                         (1)

The log of the average of K weights is, in expectation, a lower bound on log p(x[m]), in nats, and the more samples, the
tighter it is (Burda et al. 2015):

    bound[m] = log( 1/K  sum over k of  w[k, m] )                                  (2)

With K = 1 it is log w[0, m], the ELBO of a single sample. The average over k of log w[k, m] is the ELBO as well, of K
samples, and it is never above (2): the log of a mean is at least the mean of the logs.

The functions below are given log-weights, log_w[k, m] = log w[k, m], and these may be large: exp(1000) is inf in
floating point, and exp(-1000) is 0, whose log is -inf. But for any number c[m]

    bound[m] = c[m] + log( 1/K  sum over k of  exp(log_w[k, m] - c[m]) )           (3)

If c[m] is the largest log-weight of example m, the largest term of that sum is exp(0) = 1: it can neither overflow nor
vanish. Each example needs a c[m] of its own.

The normalized weights sum to one over the samples of each example:

    w~[k, m] = w[k, m] / sum over l of w[l, m]                                     (4)

Here a factor exp(-c[m]) in all w[k, m] cancels, so that c[m] serves again.

They are what differentiating (2) leads to. As dw = w dlog_w, the derivative of (2) by a parameter theta is

    dbound[m]/dtheta = sum over k of  w~[k, m] dlog_w[k, m]/dtheta                 (5)

This is all of it: the weights have come out of the differentiation, and are not differentiated again. A sample counts
the more the larger its weight is; in the derivative of the ELBO, each counts 1/K.

What is trained on is the average of the bound over the M examples. With the derivatives by P parameters given as
dlog_w (K, M, P), where dlog_w[k, m, p] is that of log_w[k, m] by the parameter p, its gradient is

    gradient[p] = 1/M  sum over m  sum over k of  w~[k, m] dlog_w[k, m, p]         (6)

A tiny example, K = 2, M = 2, P = 1:   log_w = [[0, 5], [log 3, 5]]  has the weights  w = [[1, e^5], [3, e^5]],
so that bound = [log 2, 5]  and  w~ = [[1/4, 1/2], [3/4, 1/2]].
With dlog_w = [[[4], [2]], [[8], [6]]]:   (5) is 7 for the first example and 4 for the second, and gradient = [5.5].

Each function is one or two lines; no loop is needed, and one function may call another.
"""

import numpy as np


def iwae_bound(log_w):
    """The bound (M,) from the log-weights log_w (K, M), of any size: equations (2) and (3)."""
    # YOUR CODE HERE
    raise NotImplementedError()


def iwae_weights(log_w):
    """The normalized weights w~ (K, M) from the log-weights log_w (K, M), of any size: equation (4)."""
    # YOUR CODE HERE
    raise NotImplementedError()


def iwae_gradient(log_w, dlog_w):
    """The gradient (P,) of the average bound, from log_w (K, M) and dlog_w (K, M, P): equation (6)."""
    # YOUR CODE HERE
    raise NotImplementedError()
