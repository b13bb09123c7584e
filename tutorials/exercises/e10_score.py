"""e10: the score-function estimator, with a baseline.

Wanted is the derivative of an expectation by the mean of the Gaussian over which it is taken:

    d/dmu E[f(z)],      z ~ N(mu, diag(std^2)),   mu and std (J,)                      (1)

Only values of f are at hand: f may have jumps, or sit in a program that cannot be differentiated. The density can be:

    log p(z) = -sum over j of  [ 1/2 ((z[j] - mu[j]) / std[j])^2 + log std[j] + 1/2 log 2 pi ]  (2)

and its derivative by mu is called the score:

    score[j] = d log p(z) / d mu[j]                                                    (3)

Since dp/dmu = p d log p/dmu, the derivative of the integral E[f] = integral of f(z) p(z) dz is again an expectation:

    d/dmu E[f(z)] = E[f(z) score(z)]                                                   (4)

So the average of f(z) score(z) over S samples z is an unbiased estimate of (1), but a noisy one: where f is around
1000, so are the terms, of either sign. Put f = 1 into (4) to see that E[score] = 0. Hence a number b, the baseline, may
be subtracted from f,

    d/dmu E[f(z)] = E[(f(z) - b) score(z)]                                             (5)

as long as it does not depend on z. A b near the usual value of f keeps the terms small; the other samples know one:

    b[s]           = the average of f[r] over the S - 1 samples r other than s         (6)
    gradient[s, j] = (f[s] - b[s]) score[s, j]                                         (7)

The average over all S samples would depend on z[s] too; it makes the estimate too small, by the factor (S - 1) / S.
The estimate of (1) is the average of (7) over s. It is left to the caller: both functions give a row for each sample.

A tiny example, S = 3, J = 1:   z = [[3], [2], [-1]], mu = [1], std = [2]  gives  score = [[0.5], [0.25], [-0.5]].
With f = [6, 1, 2]:   b = [1.5, 4, 3.5]  and  gradient = [[4.5 * 0.5], [-3 * 0.25], [-1.5 * -0.5]], that is
[[2.25], [-0.75], [0.75]].

Each function is one to three lines; no loop is needed. (The estimator is REINFORCE of Williams 1992.)
"""

import numpy as np


def score(z, mu, std):
    """The score (S, J) of each of S samples z (S, J), for mu and std (J,): equation (3)."""
    ### BEGIN SOLUTION
    return (z - mu) / std**2
    ### END SOLUTION


def score_gradient(f, z, mu, std):
    """The terms (S, J) whose average estimates (1), from f (S,), the values at z (S, J): equations (6) and (7)."""
    ### BEGIN SOLUTION
    b = (f.sum() - f) / (len(f) - 1)  # (S,)
    return (f - b)[:, None] * score(z, mu, std)
    ### END SOLUTION
