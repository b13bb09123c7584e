"""e04: answers, right and wrong, on the dense layer."""

RIGHT = {
    "the master": "",
    "loops": """
def dense_forward(x, W, b):
    y = np.empty((len(x), len(b)))
    for m in range(len(x)):
        for o in range(len(b)):
            y[m, o] = b[o] + sum(x[m, i] * W[i, o] for i in range(W.shape[0]))
    return y

def dense_backward(dy, x, y, W):
    dx, dW, db = np.zeros(x.shape), np.zeros(W.shape), np.zeros(W.shape[1])
    for m in range(len(x)):
        for o in range(W.shape[1]):
            db[o] += dy[m, o]
            for i in range(W.shape[0]):
                dx[m, i] += dy[m, o] * W[i, o]
                dW[i, o] += dy[m, o] * x[m, i]
    return dx, dW, db

def squared_error_backward(y, t):
    return np.array([[(y[m, o] - t[m, o]) / len(y) for o in range(y.shape[1])] for m in range(len(y))])
""",
    "einsum": """
def dense_forward(x, W, b):
    return np.einsum("mi,io->mo", x, W) + b[None]

def dense_backward(dy, x, y, W):
    return [np.einsum("mo,io->mi", dy, W), np.einsum("mi,mo->io", x, dy), np.einsum("mo->o", dy)]

def squared_error_backward(y, t):
    return y / y.shape[0] - t / y.shape[0]
""",
    "float32, and another algebra": """
def dense_forward(x, W, b):
    return (np.hstack([x, np.ones((len(x), 1))]) @ np.vstack([W, b])).astype(np.float32)

def dense_backward(dy, x, y, W):
    dy, x, W = (a.astype(np.float32) for a in (dy, x, W))
    return (W @ dy.T).T, (dy.T @ x).T, np.ones(len(dy), np.float32) @ dy

def squared_error_backward(y, t):
    M = len(y)
    return (y - t).astype(np.float32) * np.float32(1 / M)
""",
    "a copy changed in place": """
def squared_error_backward(y, t):
    dy = y.copy()
    dy -= t
    dy /= len(dy)
    return dy
""",
}

MISTAKES = {
    "summed where the loss averages": ("scale:M", "def squared_error_backward(y, t): return y - t"),
    "averaged in backward": ("scale:1/M", """
def dense_backward(dy, x, y, W):
    return dy @ W.T, x.T @ dy / len(x), dy.mean(axis=0)
"""),
    "only dW averaged": ("scale:1/M", "def dense_backward(dy, x, y, W): return dy @ W.T, x.T @ dy / len(x), dy.sum(0)"),
    "dW transposed": ("transpose", "def dense_backward(dy, x, y, W): return dy @ W.T, dy.T @ x, dy.sum(0)"),
    "W not transposed": ("transpose", "def dense_backward(dy, x, y, W): return dy @ W, x.T @ dy, dy.sum(0)"),
    "W transposed in forward": ("transpose", "def dense_forward(x, W, b): return x @ W.T + b"),
    "bias not summed": ("unsummed", "def dense_backward(dy, x, y, W): return dy @ W.T, x.T @ dy, dy"),
    "bias summed over the outputs": ("wrong-axis",
                                     "def dense_backward(dy, x, y, W): return dy @ W.T, x.T @ dy, dy.sum(axis=1)"),
    "output for input": ("wrong-input", "def dense_backward(dy, x, y, W): return dy @ W.T, y.T @ dy, dy.sum(0)"),
    "no bias": ("missing:b", "def dense_forward(x, W, b): return x @ W"),
    "bias subtracted": ("sign:b", "def dense_forward(x, W, b): return x @ W - b"),
    "sign of the residual": ("downhill", "def squared_error_backward(y, t): return (t - y) / len(y)"),
    "a factor of two": ("twice", "def squared_error_backward(y, t): return 2 * (y - t) / len(y)"),
    "averaged over all entries": ("per-entry", "def squared_error_backward(y, t): return (y - t) / y.size"),
    "averaged over the outputs": ("per-output", "def squared_error_backward(y, t): return (y - t) / y.shape[1]"),
    "another order": ("other-output", "def dense_backward(dy, x, y, W): return x.T @ dy, dy.sum(0), dy @ W.T"),
}

UNLISTED = {
    "an absolute value": "def dense_backward(dy, x, y, W): return dy @ W.T, np.abs(x).T @ dy, dy.sum(0)",
    "one example forgotten": "def dense_backward(dy, x, y, W): return dy @ W.T, x[1:].T @ dy[1:], dy.sum(0)",
    "the bias twice in one column": "def dense_forward(x, W, b): y = x @ W + b; y[:, 0] += b[0]; return y",
}
