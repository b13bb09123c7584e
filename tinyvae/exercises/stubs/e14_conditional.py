"""e14: a conditional VAE, which is told the label on both sides.

A conditional VAE models p(x|y): what x looks like, given its label y, one of the C classes 0, 1, … C - 1 (Sohn et al.
2015; Doersch 2016, section 3). Its bound is the bound of a VAE in which every network is told y:

    log p(x|y)  >=  E_q[log p(x|z, y)]  -  KL(q(z|x, y) || N(0, I))                (1)

The decoder, p(x|z, y), is told y, so that a class can be asked for: draw z from the prior and choose y. The encoder,
q(z|x, y), is told y, so that z need not say again what y says already, and is left with what y does not tell: style.

A label is a name, not a quantity: class 2 is not twice class 1, and no nearer to class 3 than to class 0. So it does
not enter a network as the number y. It enters as a row of C numbers, one for each class, its one-hot label:

    one_hot[m, c] = 1 if y[m] = c, and 0 if not                                    (2)

The columns are C in number and in the order of the classes, whichever labels the batch happens to hold. This row stands
behind what goes into a network, x (M, D) or z (M, J), as C more columns:

    encoder_input[m] = (x[m], one_hot[m])           D + C numbers                  (3)
    decoder_input[m] = (z[m], one_hot[m])           J + C numbers                  (4)

With K samples of each example's latent variable, z is (K, M, J): z[k, m] belongs to example m, and has its label behind
it, whatever k is. Then decoder_input is (K, M, J + C).

Nothing else in the model changes, but that the first W of each network has C more rows. Call its first D rows V (D, H)
and the others U (C, H). Then

    encoder_input[m] W  =  x[m] V + one_hot[m] U  =  x[m] V + U[y[m]]              (5)

The label picks one row of U: with one-hot labels, each class has a bias of its own, and the network learns it.

A tiny example, M = 2, C = 3, D = 1:   y = [2, 0]  gives  one_hot = [[0, 0, 1], [1, 0, 0]],
and with x = [[0.5], [0.7]]:   encoder_input = [[0.5, 0, 0, 1], [0.7, 1, 0, 0]].

Each function is one to three lines; no loop is needed. n_classes is C.
"""

import numpy as np


def one_hot(y, n_classes):
    """The one-hot labels (M, C) of the integers y (M,): equation (2)."""
    # YOUR CODE HERE
    raise NotImplementedError()


def encoder_input(x, y, n_classes):
    """x (M, D) with the one-hot labels of y (M,) behind it, (M, D + C): equation (3)."""
    # YOUR CODE HERE
    raise NotImplementedError()


def decoder_input(z, y, n_classes):
    """z with the one-hot labels of y (M,) behind it: z (M, J) -> (M, J + C), z (K, M, J) -> (K, M, J + C)."""
    # YOUR CODE HERE
    raise NotImplementedError()
