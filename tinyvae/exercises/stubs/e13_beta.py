"""e13: beta, and the KL of each latent dimension.

A beta-VAE (Higgins et al. 2017) weighs one of the two parts of a VAE's loss by a number beta:

    L = 1/M  sum over m of   reconstruction[m] + beta KL[m]                                (1)

Both parts are in nats, one number for each of the M examples: reconstruction[m] = -E_q[log p(x|z)] says how badly z
explains x, and KL[m] = KL(q(z|x) || N(0, I)) how much z can tell of x. With beta = 1, L is the negative of the lower
bound; a larger beta lets z tell less and the reconstruction become worse, a smaller one the reverse.

The encoder's q(z|x) is N(mu, diag(sigma^2)). Its J entries are independent, so their divergences add up: KL[m] is the
sum over j of

    KL[m, j] = 1/2 (mu^2 + sigma^2 - log sigma^2 - 1)       at entry (m, j)                (2)

The encoder gives mu (M, J) and logvar (M, J), where logvar is the logarithm of the *variance* sigma^2.

Which of the J dimensions does the model use? The average of (2) over the batch tells, one number for each dimension:

    kl[j] = 1/M  sum over m of   KL[m, j]                                                  (3)

Where kl[j] is almost zero, q is the prior whatever x is, and z[j] tells nothing: that dimension has collapsed. Whether
(2) is summed over j or averaged over m first makes no difference, so

    sum over j of   kl[j]   =   1/M  sum over m of   KL[m]                                 (4)

A tiny example, M = 2, J = 3, where log 4 = 1.386294:

    mu = [[1, 0, 0], [-1, 0, 0]]   logvar = [[0, 0, 0], [0, log 4, 0]]   reconstruction = [3, 5]

    KL[m, j] is [[0.5, 0, 0], [0.5, 0.806853, 0]],  so   kl = [0.5, 0.403426, 0]:   the last dimension has collapsed.
    With beta = 2:   L = 4 + 2 * 0.903426 = 5.806853.

Each function is one or two lines; no loop is needed, and the second may call the first.
"""

import numpy as np


def kl_per_dimension(mu, logvar):
    """kl (J,), in nats, from mu and logvar (M, J): equation (3)."""
    # YOUR CODE HERE
    raise NotImplementedError()


def beta_loss(reconstruction, mu, logvar, beta):
    """The loss (1), one number in nats, from reconstruction (M,), mu and logvar (M, J), and the number beta."""
    # YOUR CODE HERE
    raise NotImplementedError()
