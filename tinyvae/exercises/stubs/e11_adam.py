"""e11: one step of Adam.

A batch of M examples has given M gradients, the rows of grads (M, P), by the P parameters theta (P,). The loss is an
average over the examples, so its gradient is one too, and the batch makes one step:

    g = 1/M  sum over the M rows of grads                            (P,)              (1)

Plain gradient descent would subtract lr * g. Adam (Kingma & Ba 2015, algorithm 1) keeps two running averages, m of the
gradient and v of its square. Both start as zeros, and each step mixes the newest gradient in:

    m_new = beta1 m + (1 - beta1) g                                                    (2)
    v_new = beta2 v + (1 - beta2) g^2              (each entry squared)                (3)

After t steps the weights of all gradients so far add up to 1 - beta1^t in m, and to 1 - beta2^t in v: less than one,
for the zeros of the start have the rest. To be averages, they must be divided by that (the bias correction):

    m_hat = m_new / (1 - beta1^t)            v_hat = v_new / (1 - beta2^t)             (4)

The first step has t = 1. The step is then measured, entry by entry, in units of the gradient's usual size:

    theta_new = theta - lr m_hat / (sqrt(v_hat) + eps)                                 (5)

where eps keeps the division from going wild when a gradient was always near zero. Given back are theta_new, m_new and
v_new: the next step starts from (2) and (3), so the hats serve in (5) alone. They are new arrays; whoever calls finds
its own theta, m and v unchanged.

A tiny example, P = 1, M = 2, with lr = 0.5, beta1 = 0.5, beta2 = 0.75, eps = 0.5:

    t = 1, theta = [1],   m = [0], v = [0], grads = [[1], [3]]    gives theta = [0.6],    m = [1],   v = [1]
    t = 2, theta = [0.6], m = [1], v = [1], grads = [[1], [-1]]   gives theta = [0.4158], m = [0.5], v = [0.75]

In the first step g = 2, m_hat = 2, v_hat = 4. In the second g = 0, and theta moves all the same: m remembers.

The function is about five lines, one for each equation; no loop is needed.
"""

import numpy as np


def adam_step(theta, grads, m, v, t, lr, beta1, beta2, eps):
    """theta, m and v, each (P,), after step t = 1, 2 …, from those before it and grads (M, P): equations (1) to (5)."""
    # YOUR CODE HERE
    raise NotImplementedError()
