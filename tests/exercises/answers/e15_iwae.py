"""e15: answers, right and wrong, on the importance weighted bound."""

RIGHT = {
    "the master": "",
    "loops": """
import math

def iwae_bound(log_w):
    K, M = log_w.shape
    bound = []
    for m in range(M):
        c = max(log_w[k, m] for k in range(K))
        bound.append(c + math.log(sum(math.exp(log_w[k, m] - c) for k in range(K)) / K))
    return bound

def iwae_weights(log_w):
    K, M = log_w.shape
    weights = np.zeros((K, M))
    for m in range(M):
        for k in range(K):
            # 1 / sum over l of w[l] / w[k]; where that is too large for a number, the weight is 0
            if log_w[:, m].max() - log_w[k, m] < 700:
                weights[k, m] = 1 / sum(math.exp(log_w[l, m] - log_w[k, m]) for l in range(K))
    return weights

def iwae_gradient(log_w, dlog_w):
    K, M, P = dlog_w.shape
    w, gradient = iwae_weights(log_w), np.zeros(P)
    for p in range(P):
        for m in range(M):
            for k in range(K):
                gradient[p] += w[k, m] * dlog_w[k, m, p] / M
    return gradient
""",
    "logaddexp, and weights from the bound": """
def iwae_bound(log_w):
    return np.logaddexp.reduce(log_w, axis=0) - np.log(len(log_w))

def iwae_weights(log_w):
    return np.exp(log_w - iwae_bound(log_w)) / log_w.shape[0]

def iwae_gradient(log_w, dlog_w):
    return np.tensordot(iwae_weights(log_w), dlog_w, 2) / log_w.shape[1]
""",
    "float32": """
def iwae_bound(log_w):
    log_w = log_w.astype(np.float32)
    c = log_w.max(0, keepdims=True)
    return (c + np.log(np.mean(np.exp(log_w - c), 0, keepdims=True)))[0]

def iwae_weights(log_w):
    log_w = log_w.astype(np.float32)
    return np.exp(log_w - iwae_bound(log_w)) / np.float32(len(log_w))

def iwae_gradient(log_w, dlog_w):
    w = iwae_weights(log_w)
    return (w.reshape(-1) @ dlog_w.astype(np.float32).reshape(w.size, -1)) / np.float32(w.shape[1])
""",
    "the library, transposed": """
from tinyvae.functions import logsumexp, softmax

def iwae_bound(log_w):
    return logsumexp(log_w.T, axis=1) - np.log(log_w.shape[0])

def iwae_weights(log_w):
    return softmax(log_w.T, axis=1).T

def iwae_gradient(log_w, dlog_w):
    return (iwae_weights(log_w)[..., None] * dlog_w).sum(axis=0).mean(axis=0)
""",
    "a little more than the largest taken out": """
def iwae_bound(log_w):
    c = log_w.max(axis=0) + 1.5
    return np.log(np.exp(log_w - c).sum(0)) - np.log(len(log_w)) + c
""",
}

# A wrong iwae_weights, which iwae_gradient calls: the cause is told for both.
WEIGHTS = {
    "the wrong axis": ("wrong-axis", """
def iwae_weights(log_w):
    w = np.exp(log_w - log_w.max(axis=1, keepdims=True))
    return w / w.sum(axis=1, keepdims=True)
"""),
    "exp alone": ("unnormalized", "def iwae_weights(log_w): return np.exp(log_w)"),
    "the largest taken out": ("unnormalized, less the largest",
                              "def iwae_weights(log_w): return np.exp(log_w - log_w.max(0))"),
    "the largest of all taken out": ("unnormalized, less the largest of all",
                                     "def iwae_weights(log_w): return np.exp(log_w - np.max(log_w))"),
    "a sum over everything": ("sum-over-all", """
def iwae_weights(log_w):
    w = np.exp(log_w - log_w.max())
    return w / w.sum()
"""),
    "a sum over everything, own maxima": ("sum-over-all, less the largest", """
def iwae_weights(log_w):
    w = np.exp(log_w - log_w.max(axis=0))
    return w / np.sum(w)
"""),
    "weights of losses": ("inverted", """
def iwae_weights(log_w):
    loss = -log_w
    w = np.exp(loss - loss.max(axis=0))
    return w / w.sum(axis=0)
"""),
    "weights of losses, one over": ("inverted", """
def iwae_weights(log_w):
    w = np.exp(log_w.min(axis=0) - log_w)
    return w / w.sum(axis=0)
"""),
    "averaged": ("scale:1/K", """
def iwae_weights(log_w):
    w = np.exp(log_w - log_w.max(axis=0))
    return w / w.sum(axis=0) / len(w)
"""),
    "over the mean": ("scale:K", """
def iwae_weights(log_w):
    w = np.exp(log_w - log_w.max(axis=0))
    return w / w.mean(axis=0)
"""),
    "uniform": ("uniform", "def iwae_weights(log_w): return np.ones_like(log_w) / len(log_w)"),
    "log-weights, normalized": ("no-exp", "def iwae_weights(log_w): return log_w - np.logaddexp.reduce(log_w)"),
    "overflow": ("overflow", "def iwae_weights(log_w): return np.exp(log_w) / np.exp(log_w).sum(axis=0)"),
    "one maximum for all": ("overflow", """
def iwae_weights(log_w):
    w = np.exp(log_w - log_w.max())
    return w / w.sum(axis=0)
"""),
    "the mean taken out": ("overflow", """
def iwae_weights(log_w):
    w = np.exp(log_w - log_w.mean(axis=0))
    return w / w.sum(axis=0)
"""),
}

MISTAKES = WEIGHTS | {
    "less the first": ("overflow", "def iwae_bound(log_w): return log_w[0] + np.log(np.exp(log_w - log_w[0]).mean(0))"),
    "less the last": (
        "overflow", "def iwae_bound(log_w): return log_w[-1] + np.log(np.exp(log_w - log_w[-1]).mean(0))"),
    "the bound along the wrong axis": ("wrong-axis", """
def iwae_bound(log_w):
    c = log_w.max(axis=1)
    return c + np.log(np.mean(np.exp(log_w.T - c), axis=0))
"""),
    "a sum along the wrong axis, less log K": ("wrong-axis, log K", """
def iwae_bound(log_w):
    return np.logaddexp.reduce(log_w, axis=1) - np.log(len(log_w))
"""),
    "a sum along the wrong axis": ("wrong-axis, sum",
                                   "def iwae_bound(log_w): return np.logaddexp.reduce(log_w, axis=1)"),
    "the mean of the logs": ("elbo", "def iwae_bound(log_w): return log_w.mean(axis=0)"),
    "a sum for the mean": ("missing:log K", """
def iwae_bound(log_w):
    c = log_w.max(axis=0)
    return c + np.log(np.exp(log_w - c).sum(axis=0))
"""),
    "log K twice": ("twice:log K", """
def iwae_bound(log_w):
    c = log_w.max(axis=0)
    return c + np.log(np.exp(log_w - c).mean(axis=0)) - np.log(len(log_w))
"""),
    "log K added": ("sign:log K", "def iwae_bound(log_w): return np.logaddexp.reduce(log_w) + np.log(len(log_w))"),
    "log M": ("log-M", "def iwae_bound(log_w): return np.logaddexp.reduce(log_w) - np.log(log_w.shape[1])"),
    "the largest not added again": ("missing:the largest log-weight", """
def iwae_bound(log_w):
    return np.log(np.exp(log_w - log_w.max(axis=0)).mean(axis=0))
"""),
    "the largest subtracted again": ("sign:the largest log-weight", """
def iwae_bound(log_w):
    c = log_w.max(axis=0)
    return np.log(np.exp(log_w - c).mean(axis=0)) - c
"""),
    "no log": ("no-log", "def iwae_bound(log_w): return np.exp(log_w).mean(axis=0)"),
    "the average bound": ("mean-over-M", """
def iwae_bound(log_w):
    c = log_w.max(axis=0)
    return (c + np.log(np.exp(log_w - c).mean(axis=0))).mean()
"""),
    "a loss": ("scale:-1", "def iwae_bound(log_w): return np.log(len(log_w)) - np.logaddexp.reduce(log_w)"),
    "a bound that overflows": ("overflow", "def iwae_bound(log_w): return np.log(np.exp(log_w).mean(axis=0))"),
    "a loop that overflows": ("overflow", """
import math
def iwae_bound(log_w):
    K, M = log_w.shape
    return np.array([math.log(sum(math.exp(log_w[k, m]) for k in range(K)) / K) for m in range(M)])
"""),
    "a bound with one maximum for all": ("overflow", """
def iwae_bound(log_w):
    c = log_w.max()
    return c + np.log(np.exp(log_w - c).mean(axis=0))
"""),
    "a bound with the smallest taken out": ("overflow", """
def iwae_bound(log_w):
    c = log_w.min(axis=0)
    return c + np.log(np.exp(log_w - c).mean(axis=0))
"""),
    "the ELBO's gradient": ("uniform", "def iwae_gradient(log_w, dlog_w): return dlog_w.mean(axis=(0, 1))"),
    "the ELBO's gradient, in a loop": ("uniform", """
def iwae_gradient(log_w, dlog_w):
    K, M, P = dlog_w.shape
    return np.array([sum(dlog_w[k, m, p] for k in range(K) for m in range(M)) / (K * M) for p in range(P)])
"""),
    "not averaged over the examples": ("scale:M", """
def iwae_gradient(log_w, dlog_w):
    return np.einsum("km,kmp->p", iwae_weights(log_w), dlog_w)
"""),
    "averaged over everything": ("scale:1/K", """
def iwae_gradient(log_w, dlog_w):
    return (iwae_weights(log_w)[:, :, None] * dlog_w).mean(axis=(0, 1))
"""),
    "a loss's gradient": ("scale:-1", """
def iwae_gradient(log_w, dlog_w):
    return -np.einsum("km,kmp->p", iwae_weights(log_w), dlog_w) / log_w.shape[1]
"""),
    "K for M": ("over-K", """
def iwae_gradient(log_w, dlog_w):
    return np.einsum("km,kmp->p", iwae_weights(log_w), dlog_w) / len(log_w)
"""),
    "a row for each example": ("per-example", """
def iwae_gradient(log_w, dlog_w):
    return (iwae_weights(log_w)[:, :, None] * dlog_w).sum(axis=0)
"""),
    "through the weights": ("through-weights", """
def iwae_gradient(log_w, dlog_w):
    w = iwae_weights(log_w)[:, :, None]
    dw = w * (dlog_w - (w * dlog_w).sum(axis=0))
    return (w * dlog_w + dw * log_w[:, :, None]).sum(axis=0).mean(axis=0)
"""),
    "through the weights, with their covariance": ("through-weights", """
def iwae_gradient(log_w, dlog_w):
    w = iwae_weights(log_w)
    mean = (w * log_w).sum(axis=0)
    return np.einsum("km,kmp->p", w * (1 + log_w - mean), dlog_w) / log_w.shape[1]
"""),
    "the weights of losses in the gradient": ("inverted", """
def iwae_gradient(log_w, dlog_w):
    return np.einsum("km,kmp->p", iwae_weights(-log_w), dlog_w) / log_w.shape[1]
"""),
    "exp in the gradient": ("unnormalized", """
def iwae_gradient(log_w, dlog_w):
    return (np.exp(log_w)[:, :, None] * dlog_w).sum(axis=(0, 1)) / log_w.shape[1]
"""),
    "a gradient that overflows": ("overflow", """
def iwae_gradient(log_w, dlog_w):
    w = np.exp(log_w)
    return np.einsum("km,kmp->p", w / w.sum(axis=0), dlog_w) / log_w.shape[1]
"""),
    "log-weights changed": ("inplace", """
def iwae_weights(log_w):
    log_w -= log_w.max(axis=0)
    w = np.exp(log_w)
    return w / w.sum(axis=0)

def iwae_gradient(log_w, dlog_w):
    return np.einsum("km,kmp->p", iwae_weights(log_w.copy()), dlog_w) / log_w.shape[1]
"""),
    "the log-weights over their sum": ("logs-normalized", "def iwae_weights(log_w): return log_w / log_w.sum(axis=0)"),
}

UNLISTED = {
    "an axis too few where M is 1": """
def iwae_bound(log_w):
    return np.squeeze(np.logaddexp.reduce(log_w, axis=0) - np.log(len(log_w)))
""",
    "an axis too few where M is 1, in the weights": """
def iwae_weights(log_w):
    w = np.exp(log_w - log_w.max(axis=0))
    return np.squeeze(w / w.sum(axis=0))
""",
    "a small constant in the logarithm": """
def iwae_bound(log_w):
    c = log_w.max(axis=0)
    return c + np.log(np.exp(log_w - c).mean(axis=0) + 1e-8)
""",
    "a small constant under the weights": """
def iwae_weights(log_w):
    w = np.exp(log_w - log_w.max(axis=0))
    return w / (w.sum(axis=0) + 1e-8)
""",
    "the best sample": "def iwae_bound(log_w): return log_w.max(axis=0)",
    "the log-weights, weighted": "def iwae_bound(log_w): return (iwae_weights(log_w) * log_w).sum(axis=0)",
    "something small in the log": "def iwae_bound(log_w): return np.log(np.exp(log_w).mean(axis=0) + 1e-3)",
    "clipped": "def iwae_bound(log_w): return np.log(np.exp(np.clip(log_w, -500, 500)).mean(axis=0))",
    "bits": "def iwae_bound(log_w): return np.logaddexp2.reduce(log_w / np.log(2)) - np.log(len(log_w))",
    "overflow without 1/K": "def iwae_bound(log_w): return np.log(np.exp(log_w).sum(axis=0))",
    "tempered": "def iwae_weights(log_w): w = np.exp((log_w - log_w.max(0)) / 2); return w / w.sum(0)",
    "something small under the weights":
        "def iwae_weights(log_w): w = np.exp(log_w - log_w.max(0)); return w / (w.sum(0) + 1e-2)",
    "the best sample's derivative": """
def iwae_gradient(log_w, dlog_w):
    best = log_w.argmax(axis=0)
    return dlog_w[best, np.arange(len(best))].mean(axis=0)
""",
    "weights squared": """
def iwae_gradient(log_w, dlog_w):
    return np.einsum("km,kmp->p", iwae_weights(log_w) ** 2, dlog_w) / log_w.shape[1]
""",
    "less the mean": """
def iwae_gradient(log_w, dlog_w):
    return np.einsum("km,kmp->p", iwae_weights(log_w) - 1 / len(log_w), dlog_w) / log_w.shape[1]
""",
}
