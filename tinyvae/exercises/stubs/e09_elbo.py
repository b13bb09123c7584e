"""e09: the evidence lower bound.

The evidence lower bound of one example x (D,), from one sample of z, in nats:

    elbo = log p(x|z) - KL(q(z|x) || N(0, I))                                              (1)

Everything in it has been an exercise of its own; here it is put together, for M examples of binary x and a linear
decoder. The encoder has given mu and logvar (M, J); logvar is the natural logarithm of the variance sigma^2, and the
standard deviation std is sigma. With noise eps (M, J):

    z = mu + std eps                               z (M, J)                                (2)

    logits = z W + b                               W (J, D), b (D,), logits (M, D)         (3)

    log p(x|z) = sum over d of   x[d] logits[d] - log(1 + exp(logits[d]))                  (4)

    KL = sum over j of   1/2 (mu[j]^2 + sigma[j]^2 - log sigma[j]^2 - 1)                   (5)

(4) says that x[d] is 1 with probability sigmoid(logits[d]). Logits may be as large as 1000 or as small as -1000: NumPy
has a function that gives log(exp(u) + exp(v)) for any u and v. Nothing is averaged in (1), (4) and (5): the sums over D
and J are what makes both parts of (1) nats, and only then may one be subtracted from the other.

How do you know that it is right, where z is random? Because of an identity that holds for any encoder, good or bad:

    average of elbo over eps ~ N(0, I)   =   log p(x) - KL(q(z|x) || p(z|x))               (6)

A KL is never negative; so (1) is, on the average over eps, a lower bound of log p(x), the evidence, and (6) says by how
much. In few dimensions all of it can be integrated numerically, and that is one of the checks.

The second function takes log p(x|z) and the KL of M examples, two arrays (M,). Many VAEs are trained with a weight
beta on the KL. What the optimizer minimizes is then

    loss  = 1/M  sum over m of   -log p(x|z)[m] + beta KL[m]                               (7)

but what is reported as a bound of the evidence is still the average of (1), which knows no beta:

    bound = 1/M  sum over m of   log p(x|z)[m] - KL[m]                                     (8)

A tiny example, M = 1, D = 2, J = 1:   x = [[1, 0]], mu = [[1]], logvar = [[log 4]] = [[1.386294]], eps = [[0.5]],
W = [[1, -1]], b = [0, 1]   give   z = [[2]], logits = [[2, -1]], log p(x|z) = [-0.440190], KL = [1.306853] and
elbo = [-1.747043].   With log_p_x = [-3, -1], kl = [1, 2] and beta = 4:   loss = 8, bound = -3.5.

The first function is about five lines, the second one or two; no loop is needed.
"""

import numpy as np


def elbo(x, mu, logvar, eps, W, b):
    """The bound (1) of each row, in nats, (M,), from x (M, D), mu, logvar and eps (M, J), W (J, D) and b (D,)."""
    # YOUR CODE HERE
    raise NotImplementedError()


def loss_and_bound(log_p_x, kl, beta):
    """The loss (7) and the bound (8), two numbers, from log p(x|z) and the KL, each (M,), and the number beta."""
    # YOUR CODE HERE
    raise NotImplementedError()
