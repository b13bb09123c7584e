"""e05: activations, backward.

An activation works entry by entry: x (M, H) goes in, y (M, H) comes out, and y[m, h] depends on x[m, h] alone. Three of
them, with the derivatives that calculus gives:

    ReLU       y = max(x, 0)             dy/dx = 1 where x > 0, and 0 where x < 0          (1)
    tanh       y = tanh(x)               dy/dx = 1 / cosh(x)^2                             (2)
    sigmoid    y = 1 / (1 + exp(-x))     dy/dx = exp(-x) / (1 + exp(-x))^2                 (3)

Let L be any scalar that depends on y, and let dy (M, H) be its derivative, dy[m, h] = dL / dy[m, h]. The chain rule has
one term for each entry of x:

    dx[m, h] = dy[m, h] * derivative of y[m, h] by x[m, h]                                 (4)

The next layer keeps y anyway, for y is its input. So backward is given y, and not x: nothing more need be kept, and no
exponential is computed twice. All three derivatives can be written in y. Two identities do it:

    cosh(x)^2 - sinh(x)^2 = 1,  and  tanh = sinh / cosh                                    (5)
    exp(-x) / (1 + exp(-x)) = 1 - 1 / (1 + exp(-x))                                        (6)

For ReLU: which values can y have where x > 0, and which where x < 0? (At x = 0 it has no derivative; take 0.)

The arrays dy and y belong to the caller, who may need them again: leave both as they are, and return a new array.

A tiny example, M = 1, H = 2, with dy = [[10, 10]] in each case:

    ReLU       x = [[2, -1]]       y = [[2, 0]]         dx = [[10, 0]]
    tanh       x = [[0, 0.5493]]   y = [[0, 0.5]]       dx = [[10, 7.5]]
    sigmoid    x = [[0, 1.3863]]   y = [[0.5, 0.8]]     dx = [[2.5, 1.6]]

Each function is one line; no loop is needed.
"""

import numpy as np


def relu_backward(dy, y):
    """dx (M, H) from dy (M, H) and the output y (M, H) of ReLU: equations (1) and (4)."""
    # YOUR CODE HERE
    raise NotImplementedError()


def tanh_backward(dy, y):
    """dx (M, H) from dy (M, H) and the output y (M, H) of tanh: equations (2) and (4)."""
    # YOUR CODE HERE
    raise NotImplementedError()


def sigmoid_backward(dy, y):
    """dx (M, H) from dy (M, H) and the output y (M, H) of the sigmoid: equations (3) and (4)."""
    # YOUR CODE HERE
    raise NotImplementedError()
