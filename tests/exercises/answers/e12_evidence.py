"""e12: answers, right and wrong, on importance sampling."""

RIGHT = {
    "the master": "",
    "loops": """
import math

def log_evidence(log_p_xz, log_q):
    K, M = log_p_xz.shape
    out = []
    for m in range(M):
        log_w = [log_p_xz[k, m] - log_q[k, m] for k in range(K)]
        top = max(log_w)
        out.append(top + math.log(sum(math.exp(a - top) for a in log_w)) - math.log(K))
    return out
""",
    "logaddexp": """
def log_evidence(log_p_xz, log_q):
    return np.logaddexp.reduce(log_p_xz - log_q, axis=0) - np.log(len(log_q))
""",
    "one sample after the other": """
def log_evidence(log_p_xz, log_q):
    total = np.full(log_q.shape[1], -np.inf)
    for p, q in zip(log_p_xz, log_q):
        total = np.logaddexp(total, p - q)
    return total - np.log(log_q.shape[0])
""",
    "sorted, with the largest in front": """
def log_evidence(log_p_xz, log_q):
    log_w = np.sort(log_p_xz - log_q, axis=0)[::-1]
    return log_w[0] + np.log1p(np.exp(log_w[1:] - log_w[:1]).sum(axis=0)) - np.log(len(log_w))
""",
    "1/K among the weights": """
def log_evidence(log_p_xz, log_q):
    log_w = log_p_xz - (log_q + np.log(log_q.shape[0]))
    top = np.amax(log_w, axis=0, keepdims=True)
    return (top + np.log(np.einsum("km->m", np.exp(log_w - top))[None]))[0]
""",
    "float32": """
def log_evidence(log_p_xz, log_q):
    log_w = log_p_xz.astype(np.float32) - log_q.astype(np.float32)
    top = log_w.max(0)
    return top + np.log(np.exp(log_w - top).mean(0))
""",
}

MISTAKES = {
    "mean of the logarithms": ("mean-of-log",
                               "def log_evidence(log_p_xz, log_q): return (log_p_xz - log_q).mean(axis=0)"),
    "difference of the means": ("mean-of-log",
                                "def log_evidence(log_p_xz, log_q): return log_p_xz.mean(0) - np.mean(log_q, 0)"),
    "log K missing": ("missing:log K", """
def log_evidence(log_p_xz, log_q):
    log_w = log_p_xz - log_q
    top = log_w.max(axis=0)
    return top + np.log(np.exp(log_w - top).sum(axis=0))
"""),
    "log K missing, with logaddexp": ("missing:log K", """
def log_evidence(log_p_xz, log_q):
    return np.logaddexp.reduce(log_p_xz - log_q, axis=0)
"""),
    "log K added": ("sign:log K", """
def log_evidence(log_p_xz, log_q):
    return np.logaddexp.reduce(log_p_xz - log_q) + np.log(len(log_q))
"""),
    "log K twice": ("twice:log K", """
def log_evidence(log_p_xz, log_q):
    log_w = log_p_xz - log_q
    top = log_w.max(axis=0)
    return top + np.log(np.exp(log_w - top).mean(axis=0)) - np.log(len(log_w))
"""),
    "ratio inverted": ("inverted", """
def log_evidence(log_p_xz, log_q):
    log_w = log_q - log_p_xz
    top = log_w.max(axis=0)
    return top + np.log(np.exp(log_w - top).mean(axis=0))
"""),
    "q forgotten": ("no-q", """
def log_evidence(log_p_xz, log_q):
    top = log_p_xz.max(axis=0)
    return top + np.log(np.exp(log_p_xz - top).mean(axis=0))
"""),
    "q added": ("times-q", """
def log_evidence(log_p_xz, log_q):
    return np.logaddexp.reduce(log_p_xz + log_q) - np.log(len(log_q))
"""),
    "ratio of the means": ("ratio-of-means", """
def log_evidence(log_p_xz, log_q):
    return np.logaddexp.reduce(log_p_xz, axis=0) - np.logaddexp.reduce(log_q, axis=0)
"""),
    "overflow": ("overflow", """
def log_evidence(log_p_xz, log_q):
    return np.log(np.mean(np.exp(log_p_xz - log_q), axis=0))
"""),
    "overflow, as a ratio": ("overflow", """
def log_evidence(log_p_xz, log_q):
    return np.log((np.exp(log_p_xz) / np.exp(log_q)).mean(axis=0))
"""),
    "overflow, less log K": ("overflow", """
def log_evidence(log_p_xz, log_q):
    return np.log(np.exp(log_p_xz - log_q).sum(axis=0)) - np.log(len(log_q))
"""),
    "overflow, with math": ("overflow", """
import math
def log_evidence(log_p_xz, log_q):
    K, M = log_q.shape
    return [math.log(sum(math.exp(log_p_xz[k, m] - log_q[k, m]) for k in range(K)) / K) for m in range(M)]
"""),
    "overflow, with the words of Python 3.14": ("overflow", """
def log_evidence(log_p_xz, log_q):
    w = np.exp(log_p_xz - log_q).mean(axis=0)
    if (w <= 0).any():
        raise ValueError("expected a positive input")
    return np.log(w)
"""),
    "overflow of large weights alone": ("overflow", """
def log_evidence(log_p_xz, log_q):
    log_w = log_p_xz - log_q
    c = np.minimum(log_w.max(axis=0), 0)
    return c + np.log(np.exp(log_w - c).mean(axis=0))
"""),
    "overflow of q alone": ("overflow", """
def log_evidence(log_p_xz, log_q):
    c = log_p_xz.max(axis=0)
    return c + np.log((np.exp(log_p_xz - c) / np.exp(log_q)).mean(axis=0))
"""),
    "a c of its own for p and for q": ("largest", """
def log_evidence(log_p_xz, log_q):
    a, b = log_p_xz.max(axis=0), log_q.max(axis=0)
    return a - b + np.log((np.exp(log_p_xz - a) / np.exp(log_q - b)).mean(axis=0))
"""),
    "one c for all examples": ("largest", """
def log_evidence(log_p_xz, log_q):
    log_w = log_p_xz - log_q
    c = log_w.max()
    return c + np.log(np.exp(log_w - c).mean(axis=0))
"""),
    "the smallest for the largest": ("largest", """
def log_evidence(log_p_xz, log_q):
    log_w = log_p_xz - log_q
    c = log_w.min(axis=0)
    return c + np.log(np.exp(log_w - c).mean(axis=0))
"""),
    "the mean for the largest": ("largest", """
def log_evidence(log_p_xz, log_q):
    log_w = log_p_xz - log_q
    c = log_w.mean(axis=0)
    return c + np.log(np.exp(log_w - c).mean(axis=0))
"""),
    "the logarithm forgotten": ("no-log", "def log_evidence(log_p_xz, log_q): return np.exp(log_p_xz - log_q).mean(0)"),
    "c not added again": ("c-lost", """
def log_evidence(log_p_xz, log_q):
    log_w = log_p_xz - log_q
    return np.log(np.exp(log_w - log_w.max(axis=0)).mean(axis=0))
"""),
    "the largest weight": ("largest-alone", "def log_evidence(log_p_xz, log_q): return (log_p_xz - log_q).max(axis=0)"),
    "over the examples": ("wrong-axis", """
def log_evidence(log_p_xz, log_q):
    log_w = log_p_xz - log_q
    top = log_w.max(axis=1, keepdims=True)
    return top[:, 0] + np.log(np.exp(log_w - top).mean(axis=1))
"""),
    "over the examples, transposed": ("wrong-axis", """
def log_evidence(log_p_xz, log_q):
    log_w = (log_p_xz - log_q).T
    return np.logaddexp.reduce(log_w) - np.log(len(log_w))
"""),
    "no mean": ("per-sample", "def log_evidence(log_p_xz, log_q): return log_p_xz - log_q"),
    "averaged over the examples": ("mean-over-M", """
def log_evidence(log_p_xz, log_q):
    return (np.logaddexp.reduce(log_p_xz - log_q) - np.log(len(log_q))).mean()
"""),
    "summed over the examples": ("sum-over-M", """
def log_evidence(log_p_xz, log_q):
    return sum(np.logaddexp.reduce(log_p_xz - log_q) - np.log(len(log_q)))
"""),
    "a loss": ("scale:-1", """
def log_evidence(log_p_xz, log_q):
    return np.log(len(log_q)) - np.logaddexp.reduce(log_p_xz - log_q)
"""),
    "in place": ("inplace", """
def log_evidence(log_p_xz, log_q):
    log_p_xz -= log_q
    return np.logaddexp.reduce(log_p_xz) - np.log(len(log_q))
"""),
    "c subtracted again": ("c-subtracted", """
def log_evidence(log_p_xz, log_q):
    a = log_p_xz - log_q
    c = a.max(0)
    return np.log(np.exp(a - c).mean(0)) - c
"""),
    "a quotient of logarithms": ("ratio-of-logs", """
def log_evidence(log_p_xz, log_q):
    return np.logaddexp.reduce(log_p_xz / log_q) - np.log(len(log_q))
"""),
    "a sum that starts at one": ("start-at-one", """
def log_evidence(log_p_xz, log_q):
    total = np.zeros(log_q.shape[1])
    for a in log_p_xz - log_q:
        total = np.logaddexp(total, a)
    return total - np.log(len(log_q))
"""),
}

UNLISTED = {
    "an axis too few where M is 1": """
def log_evidence(log_p_xz, log_q):
    return np.squeeze(np.logaddexp.reduce(log_p_xz - log_q, axis=0) - np.log(len(log_q)))
""",
    "a small constant in the logarithm": """
def log_evidence(log_p_xz, log_q):
    log_w = log_p_xz - log_q
    c = log_w.max(axis=0)
    return c + np.log(np.exp(log_w - c).mean(axis=0) + 1e-8)
""",
    "a logarithm kept from zero": """
def log_evidence(log_p_xz, log_q):
    return np.log(np.exp(np.clip(log_p_xz - log_q, -700, 700)).mean(axis=0) + 1e-300)
""",
    "one sample too few": """
def log_evidence(log_p_xz, log_q):
    return np.logaddexp.reduce(log_p_xz[1:] - log_q[1:], axis=0) - np.log(len(log_q) - 1)
""",
    "one sample too many": """
def log_evidence(log_p_xz, log_q):
    return np.logaddexp.reduce(log_p_xz - log_q, axis=0) - np.log(len(log_q) + 1)
""",
    "the median": "def log_evidence(log_p_xz, log_q): return np.median(log_p_xz - log_q, axis=0)",
    "weights normalized": """
def log_evidence(log_p_xz, log_q):
    log_w = log_p_xz - log_q
    w = np.exp(log_w - log_w.max(axis=0))
    return (w / w.sum(axis=0) * log_w).sum(axis=0)
""",
    "log of the number of examples": """
def log_evidence(log_p_xz, log_q):
    return np.logaddexp.reduce(log_p_xz - log_q, axis=0) - np.log(log_q.shape[1])
""",
    "the harmonic mean": """
def log_evidence(log_p_xz, log_q):
    return np.log(len(log_q)) - np.logaddexp.reduce(log_q - log_p_xz, axis=0)
""",
    "base two": """
def log_evidence(log_p_xz, log_q):
    return (np.logaddexp.reduce(log_p_xz - log_q, axis=0) - np.log(len(log_q))) / np.log(2)
""",
}
