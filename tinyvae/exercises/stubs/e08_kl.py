"""e08: the KL divergence from the prior, and its gradient.

The Kullback-Leibler divergence says, in nats, how far a density q is from a density p:

    KL(q || p) = E_q[log q(z)] - E_q[log p(z)]                                             (1)

In a VAE, q(z|x) = N(z; mu, diag(sigma^2)) comes from the encoder, which gives logvar = log sigma^2, the natural
logarithm of the variance, and p(z) = N(0, I) is the prior. For one entry of z, both expectations are closed forms:

    E_q[log q] = -1/2 (log 2 pi + log sigma^2 + 1)
    E_q[log p] = -1/2 (log 2 pi + mu^2 + sigma^2)                                          (2)

The J entries are independent under q and under p, so their log-densities add up, and so do their divergences:

    kl[m] = sum over j of   E_q[log q] - E_q[log p]   of entry (m, j)                      (3)

This is a sum over j, never an average, and there is one number for each of the M examples. Put (2) into (3), see what
cancels, and write what is left with mu and logvar. (Kingma & Welling 2013, appendix B, give the result with a minus.)

Let dkl (M,) be the derivative of a scalar L by kl, dkl[m] = dL / dkl[m]. By the chain rule:

    dmu[m, j]     = dkl[m] * derivative of kl[m] by mu[m, j]                               (4)
    dlogvar[m, j] = dkl[m] * derivative of kl[m] by logvar[m, j]                           (5)

dkl has one number for each row. NumPy lines shapes up from the right, and (M,) does not line up with (M, J).

Two facts to try your answer on: KL is zero where q is the prior, mu = logvar = 0, and positive elsewhere; so this is
its minimum, and both derivatives are zero there.

A tiny example, M = 1, J = 2: the variances are 1 and 4, so logvar = [[0, log 4]] = [[0, 1.386294]].
With mu = [[1, 0]], the two entries have 0.5 and 0.806853 nats:   kl = [1.306853].
With dkl = [2]:   dmu = [[2, 0]],   dlogvar = [[0, 3]].

Each function is one or two lines; no loop is needed.
"""

import numpy as np


def kl(mu, logvar):
    """KL(q(z|x) || N(0, I)) of each row, in nats, (M,), from mu and logvar (M, J): equation (3)."""
    # YOUR CODE HERE
    raise NotImplementedError()


def kl_backward(dkl, mu, logvar):
    """dmu and dlogvar, each (M, J), from dkl (M,), mu and logvar (M, J): equations (4) and (5)."""
    # YOUR CODE HERE
    raise NotImplementedError()
