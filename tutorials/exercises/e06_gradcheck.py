"""e06: a gradient checker.

A backward pass is easily written wrong, and a model may learn in spite of it, only worse. But derivatives can be
measured. Let f take an array x, of any shape, and give one number. Move one entry of x by a small h, up and down, and
leave the others where they are:

    n[i] = (f(x + h e_i) - f(x - h e_i)) / (2 h)                                           (1)

Here e_i is an array of the shape of x that is 1 at entry i and 0 elsewhere; i is a pair where x is a matrix. These are
central differences, and n, an array like x, is the numerical gradient of f at x. It has two errors:

    truncation   about h^2 / 6    what Taylor's series leaves over, for a third derivative of size 1       (2)
    rounding     about u / h      f is known to u = 2.2e-16 only, for f of size 1, and (1) divides by h    (3)

One grows with h, the other shrinks. Their sum is smallest near h = u^(1/3), where it is about 1e-10; for an answer that
is right to 1e-8 of its largest entry, as is asked here, h must not be far from there. (A one-sided difference,
(f(x + h) - f(x)) / h, has a truncation error of h / 2, and no h makes it as exact.)

x belongs to the caller: after the call it must be what it was, bit by bit. In floating point, (x + h) - h need not be
x. So work on a copy, or keep the old value of an entry, and put it back before the next one is moved.

Now let g, an array like x, be what a backward pass says is the gradient. It agrees with the numerical one if

    max |g - n|  <=  1e-6 max |n|         each maximum over all entries                    (4)

The error is measured relative to the gradient: what is large for a gradient of 1e-10 is nothing for one of 1e10. And it
is relative to the largest entry, not entry by entry: a right gradient may have an entry that is zero.

A tiny example:   f(x) = x[0]**3 + x[0] x[1]   at   x = [1, 2].   The true gradient is [3 x[0]^2 + x[1], x[0]] = [5, 1].
With h = 0.1:   n[0] = (f(1.1, 2) - f(0.9, 2)) / 0.2 = (3.531 - 2.529) / 0.2 = 5.01,  the truncation error being h^2;
                n[1] = (f(1, 2.1) - f(1, 1.9)) / 0.2 = (3.1 - 2.9) / 0.2 = 1.
With a good h, g = [5, 1] agrees with n, and g = [5, 1.001] does not.

The first function is three to six lines, the second is one or two, and may call the first. np.ndindex(x.shape) goes
through all i, whatever the shape of x.
"""

import numpy as np


def numerical_gradient(f, x):
    """n, an array like x: the gradient of f at x by central differences (1), with an h near the best."""
    ### BEGIN SOLUTION
    h = np.finfo(float).eps ** (1 / 3)
    steps = h * np.eye(x.size).reshape(-1, *x.shape)  # each moves one entry
    return np.array([(f(x + step) - f(x - step)) / (2 * h) for step in steps]).reshape(x.shape)
    ### END SOLUTION


def gradients_agree(f, x, gradient):
    """True if `gradient`, an array like x, agrees with the numerical gradient of f at x, (4); else False."""
    ### BEGIN SOLUTION
    n = numerical_gradient(f, x)
    return abs(gradient - n).max() <= 1e-6 * abs(n).max()
    ### END SOLUTION
