"""e04: a dense layer, forward and backward.

A dense layer maps each row of x (M, I) to a row of y (M, O):

    y = x W + b            W (I, O), b (O,)                                        (1)

Let L be any scalar that depends on y, and let dy (M, O) be its derivative, dy[m, o] = dL / dy[m, o]. The chain rule
says what it is by the layer's input and parameters. Entry (m, o) of y depends on row m of x, on column o of W and on
entry o of b; so for each of them, add up what comes in through all entries of y that it touches:

    dx[m, i] = sum over o of   dy[m, o] W[i, o]                                    (2)
    dW[i, o] = sum over m of    x[m, i] dy[m, o]                                   (3)
    db[o]    = sum over m of   dy[m, o]                                            (4)

A layer that keeps both what went in, x, and what came out, y, hands both to its backward. Which does (3) need?

W and b serve all M examples, so their derivatives are sums over the batch: sums, never averages. If L is an average,
its 1/M is already in dy. That is the third function here: for the loss

    L = 1/M  sum over m of  1/2 ||y[m] - t[m]||^2                                  (5)

with targets t (M, O), the derivative dL/dy has the 1/M in it.

A tiny example, M = 2, I = 1, O = 1:   x = [[1], [2]], W = [[3]], b = [1]  gives  y = [[4], [7]].
With dy = [[10], [1]]:   dx = [[30], [3]],   dW = [[1*10 + 2*1]] = [[12]],   db = [11].

Each function is one to three lines; no loop is needed.
"""

import numpy as np


def dense_forward(x, W, b):
    """y (M, O) from x (M, I), W (I, O) and b (O,): equation (1)."""
    ### BEGIN SOLUTION
    return x @ W + b
    ### END SOLUTION


def dense_backward(dy, x, y, W):
    """dx (M, I), dW (I, O) and db (O,) from dy (M, O), where y (M, O) is what forward gave: equations (2) to (4)."""
    ### BEGIN SOLUTION
    return dy @ W.T, x.T @ dy, dy.sum(axis=0)
    ### END SOLUTION


def squared_error_backward(y, t):
    """dL/dy (M, O) of the average loss (5), for y and t (M, O)."""
    ### BEGIN SOLUTION
    return (y - t) / len(y)
    ### END SOLUTION
