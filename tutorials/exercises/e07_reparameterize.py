"""e07: the reparameterization trick, forward and backward.

An encoder gives a Gaussian for each of M examples, with J independent entries:

    q(z|x) = N(z; mu, diag(exp(logvar)))           mu, logvar (M, J)                       (1)

So logvar is the natural logarithm of the *variance*; std, the standard deviation, is the square root of the variance.

To train the encoder, z must be drawn from q, and a scalar L that depends on z be differentiated by mu and logvar. But
a number that comes out of a random generator has no derivative. The trick (Kingma & Welling 2013, section 2.4): draw
noise eps ~ N(0, I) outside, and make z of it by a function that can be differentiated:

    z[m, j] = mu[m, j] + std[m, j] eps[m, j]       eps, z (M, J)                           (2)

Seen from mu and logvar, eps is a constant. That is why it is an argument here: nothing is drawn in these functions, and
backward is given the very noise that forward used.

Let dz (M, J) be the derivative of L by z, dz[m, j] = dL / dz[m, j]. Entry (m, j) of mu or of logvar touches entry
(m, j) of z and no other, so the chain rule has one term for each:

    dmu[m, j]     = dz[m, j] * derivative of (2) by mu[m, j]                               (3)
    dlogvar[m, j] = dz[m, j] * derivative of (2) by logvar[m, j]                           (4)

For (4), first write std as a function of logvar, then differentiate it.

A tiny example, M = 1, J = 2: the variances are 1 and 4, so logvar = [[0, log 4]] = [[0, 1.386294]].
With mu = [[1, 0]] and eps = [[2, -1]]:   z = [[1 + 1*2, 0 + 2*(-1)]] = [[3, -2]].
With dz = [[10, 10]]:   dmu = [[10, 10]],   dlogvar = [[10, -10]].

Each function is one or two lines; no loop is needed.
"""

import numpy as np


def reparameterize(mu, logvar, eps):
    """z (M, J) from mu, logvar and eps, each (M, J): equation (2)."""
    ### BEGIN SOLUTION
    return mu + np.exp(0.5 * logvar) * eps
    ### END SOLUTION


def reparameterize_backward(dz, logvar, eps):
    """dmu and dlogvar, each (M, J), from dz, logvar and eps, each (M, J): equations (3) and (4)."""
    ### BEGIN SOLUTION
    return dz, dz * 0.5 * np.exp(0.5 * logvar) * eps
    ### END SOLUTION
