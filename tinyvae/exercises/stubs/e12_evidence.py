"""e12: log p(x) by importance sampling.

How probable a model finds x, the evidence p(x), is an integral over z. Written as an expectation over any density
q(z|x) that is nowhere zero, such as the encoder's,

    p(x) = integral of p(x, z) dz = E[p(x, z) / q(z|x)],      z ~ q(z|x)               (1)

it can be estimated from K samples of z for each of M examples x. Sample k of example m has the weight

    w[k, m] = p(x[m], z[k, m]) / q(z[k, m] | x[m])                                     (2)

and the average of its K weights estimates p(x[m]), with the right mean for every K. In nats:

    log_evidence[m] = log( 1/K  sum over k of w[k, m] )                                (3)

If q is the posterior p(z|x), every weight is p(x) itself, since p(x, z) = p(z|x) p(x): one sample is enough. The worse
q is, the more the weights vary, and the larger K must be. Mind the order in (3): average first, logarithm last. The
average of the logarithms of the weights is another number, never larger: an estimate of the lower bound of e09.

One thing is left. For images, log p(x, z) is around -100 or -1000. In floating point exp(-1000) is zero, and exp(1000)
is infinite. So densities are given by their logarithms, and no exp may be taken of these as they are. A remedy: for
every number c,

    log sum over k of exp(a[k]) = c + log sum over k of exp(a[k] - c)                  (4)

Which c makes each exp on the right at most 1, and one of them equal to 1? With that c nothing overflows, and the
logarithm is never that of zero. Each example has a c of its own.

A tiny example, K = 2, M = 1:   p(x, z) = 0.3 and 0.1 for the two samples, q(z|x) = 0.5 for both. The weights are 0.6
and 0.2, their average is 0.4, and log_evidence = [log 0.4] = [-0.9163]. (The average of the logarithms is -1.0601.)
With log p(x, z) lower by 1000 for both samples, log_evidence = [-1000.9163].

The function is two to four lines; no loop is needed.
"""

import numpy as np


def log_evidence(log_p_xz, log_q):
    """Estimates (M,) of log p(x) in nats, from log p(x, z) and log q(z|x), each (K, M): equation (3)."""
    # YOUR CODE HERE
    raise NotImplementedError()
