"""e03: answers, right and wrong, on the Bernoulli log-likelihood."""


def answer(formula):
    """An answer in one line, where a are the logits, p naive probabilities, and S the safe softplus."""
    return f"""
def sigmoid(a):
    return 1 / (1 + np.exp(-a))

def S(a):
    return np.logaddexp(0, a)

def bernoulli_log_prob(x, logits):
    a, p, D, log, exp = logits, sigmoid(logits), x.shape[1], np.log, np.exp
    return {formula}
"""


RIGHT = {
    "the master": "",
    "loops": """
import math

def bernoulli_log_prob(x, logits):
    log_p = []
    for row, numbers in zip(x, logits):
        total = 0.0
        for pixel, a in zip(row, numbers):
            total += pixel * a - max(a, 0) - math.log(1 + math.exp(-abs(a)))
        log_p.append(total)
    return log_p
""",
    "one minus the other": answer("-(x * S(-a) + (1 - x) * S(a)).sum(axis=1)"),
    "by the sign that x has": answer("-np.sum(S((1 - 2 * x) * a), -1)"),
    "chosen by x": answer("-np.where(x == 1, S(-a), S(a)).sum(1)"),
    "the larger term taken out": answer(
        "np.einsum('md,md->m', x, a) - (np.maximum(a, 0) + np.log1p(exp(-abs(a)))).sum(1)"),
    "log for log1p": answer("(x * a - np.maximum(a, 0) - log(1 + exp(-np.abs(a)))).sum(1)"),
    "overflow, not used": answer("(x * a - np.where(a > 30, a, log(1 + exp(a)))).sum(1)"),
    "two cases, and accuracy lost": """
def bernoulli_log_prob(x, logits):
    moderate = np.clip(logits, -30, 30)
    p = 1 / (1 + np.exp(-moderate))
    near = x * np.log(p) + (1 - x) * np.log(1 - p)
    far = np.where((logits > 0) == (x > 0), 0, -np.abs(logits))
    return np.where(np.abs(logits) < 30, near, far).sum(axis=1)
""",
    "from the larger of p and 1 - p": """
def bernoulli_log_prob(x, logits):
    p = 0.5 * np.tanh(0.5 * logits) + 0.5
    return (x * logits - np.maximum(logits, 0) + np.log(np.maximum(p, 1 - p))).sum(axis=1)
""",
    "a sum over all images": """
import itertools

def bernoulli_log_prob(x, logits):
    every = np.array(list(itertools.product((0, 1), repeat=x.shape[1])))
    scores = logits @ every.T
    top = scores.max(axis=1)
    return (x * logits).sum(1) - top - np.log(np.exp(scores - top[:, None]).sum(1))
""",
    "the mean, D times": answer("D * np.mean(x * a - S(a), axis=1)"),
    "the library": """
import tinyvae as tv

def bernoulli_log_prob(x, logits):
    return tv.Bernoulli().log_prob(x, logits)
""",
    "float32": """
def bernoulli_log_prob(x, logits):
    x, a = x.astype(np.float32), logits.astype(np.float32)
    return (x * a - np.maximum(a, 0) - np.log1p(np.exp(-np.abs(a)))).sum(axis=1)
""",
    "float32, one by one": answer("[np.float32(v) for v in (x * a - S(a)).sum(1)]"),
}

LOOP = """
import math

def bernoulli_log_prob(x, logits):
    log_p = np.zeros(len(x))
    for m in range(len(x)):
        for d in range(x.shape[1]):
            p = {}
            log_p[m] += math.log(p) if x[m, d] else math.log(1 - p)
    return log_p
"""

CLIPPED = """
def bernoulli_log_prob(x, logits):
    p = 1 / (1 + np.exp(-logits))
    p = np.clip({})
    x = x.astype(p.dtype)
    return (x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=1)
"""

MISTAKES = {
    "the sigmoid as it stands": ("overflow", answer("(x * log(p) + (1 - x) * log(1 - p)).sum(1)")),
    "the sigmoid, chosen by x": ("overflow", answer("log(np.where(x == 1, p, 1 - p)).sum(1)")),
    "a softplus that overflows": ("overflow", answer("(x * a - log(1 + exp(a))).sum(1)")),
    "a softplus that overflows, log1p": ("overflow", answer("-np.log1p(exp((1 - 2 * x) * a)).sum(1)")),
    "another sigmoid that overflows": ("overflow", answer("log(np.where(x == 1, exp(a), 1) / (1 + exp(a))).sum(1)")),
    "the logarithm of the product": ("overflow", answer("log(np.prod(p**x * (1 - p)**(1 - x), axis=1))")),
    "float32, clipped by less than it resolves": (
        "overflow", CLIPPED.format("p.astype(np.float32), np.float32(1e-9), np.float32(1 - 1e-9)")),
    "a loop whose exp overflows": ("overflow", LOOP.format("1 / (1 + math.exp(-logits[m, d]))")),
    "a loop whose logarithm fails": ("overflow", LOOP.format("1 / (1 + np.exp(-logits[m, d]))")),
    "clipped": ("clipped:1e-07", CLIPPED.format("p, 1e-7, 1 - 1e-7")),
    "clipped by more": ("clipped:1e-03", CLIPPED.format("p, 1e-3, 1 - 1e-3")),
    "clipped from below, the one chosen by x": (
        "clipped:1e-12", answer("log(np.maximum(np.where(x == 1, p, 1 - p), 1e-12)).sum(1)")),
    "a little added": ("clipped:1e-08", answer("(x * log(p + 1e-8) + (1 - x) * log(1 - p + 1e-8)).sum(1)")),
    "very little added": ("clipped:1e-10", answer("(x * log(p + 1e-10) + (1 - x) * log(1 - p + 1e-10)).sum(1)")),
    "the cost": ("scale:-1", answer("(S(a) - x * a).sum(1)")),
    "the cost, by cases": ("scale:-1", answer("(x * S(-a) + (1 - x) * S(a)).sum(1)")),
    "the sign of the logits": ("one-minus-x", answer("-(x * S(a) + (1 - x) * S(-a)).sum(1)")),
    "the sign of all logits": ("one-minus-x", answer("(-x * a - S(-a)).sum(1)")),
    "x and 1 - x exchanged": ("one-minus-x", answer("((1 - x) * a - S(a)).sum(1)")),
    "sigmoid twice": ("sigmoid-twice", answer("(x * log(sigmoid(p)) + (1 - x) * log(1 - sigmoid(p))).sum(1)")),
    "sigmoid, then with logits": ("sigmoid-twice", answer("(x * p - S(p)).sum(1)")),
    "mean over D": ("scale:1/D", answer("np.mean(x * a - S(a), axis=1)")),
    "mean over D, divided": ("scale:1/D", answer("-(x * S(-a) + (1 - x) * S(a)).sum(1) / D")),
    "x and logits exchanged": ("exchanged", answer("(a * x - S(x)).sum(1)")),
    "x and logits exchanged, by the sigmoid": (
        "exchanged", answer("(a * log(sigmoid(x)) + (1 - a) * log(1 - sigmoid(x))).sum(1)")),
    "softplus of minus the logits": ("softplus-of-minus", answer("(x * a - S(-a)).sum(1)")),
    "only the pixels that are on": ("missing:(1 - x) log(1 - p)", answer("-(x * S(-a)).sum(1)")),
    "only the pixels that are off": ("missing:x log p", answer("-((1 - x) * S(a)).sum(1)")),
    "the two subtracted": ("sign:(1 - x) log(1 - p)", answer("((1 - x) * S(a) - x * S(-a)).sum(1)")),
    "no softplus": ("missing:softplus", answer("(x * a).sum(1)")),
    "softplus added": ("sign:softplus", answer("(x * a + S(a)).sum(1)")),
    "softplus alone": ("missing:x a", answer("-S(a).sum(1)")),
    "the probability": ("probability", answer("np.prod(np.where(x == 1, p, 1 - p), axis=1)")),
    "the probability, with powers": ("probability", answer("np.prod(p**x * (1 - p)**(1 - x), axis=1)")),
    "not summed": ("unsummed", answer("x * a - S(a)")),
    "summed over all": ("batch-sum", answer("np.sum(x * a - S(a))")),
    "summed over the batch": ("over-batch", answer("(x * a - S(a)).sum(axis=0)")),
    "averaged over the batch": ("batch-mean", answer("(x * a - S(a)).sum(axis=1).mean()")),
    "averaged over all": ("all-mean", answer("(x * a - S(a)).mean()")),
    "a column": ("column", answer("(x * a - S(a)).sum(axis=1, keepdims=True)")),
    "in place": ("inplace", """
def bernoulli_log_prob(x, logits):
    normalizer = np.logaddexp(0, logits)
    logits *= x
    return (logits - normalizer).sum(axis=1)
"""),
    "logits clipped": ("cut-off:30", answer("(x * np.clip(a, -30, 30) - S(np.clip(a, -30, 30))).sum(1)")),
    "logits clipped far out": ("cut-off:500", answer("(x * np.clip(a, -500, 500) - S(np.clip(a, -500, 500))).sum(1)")),
    "logarithms clipped": ("cut-off:100", answer("(x * np.maximum(log(p), -100) "
                                                 "+ (1 - x) * np.maximum(log(1 - p), -100)).sum(1)")),
}

UNLISTED = {
    "a softplus that is linear too early": answer("(x * a - np.where(a > 5, a, S(a))).sum(1)"),
    "a softplus that is linear a little too early": answer("(x * a - np.where(a > 10, a, S(a))).sum(1)"),
    "a softplus that is zero too early": answer("(x * a - np.where(a < -8, 0, S(a))).sum(1)"),
    "no sigmoid": answer("(x * log(a) + (1 - x) * log(1 - a)).sum(1)"),
    "a softmax": answer("(x * (a - log(exp(a - a.max(1, keepdims=True)).sum(1, keepdims=True)) "
                        "- a.max(1, keepdims=True))).sum(1)"),
    "a Gaussian": answer("-0.5 * ((x - p) ** 2).sum(1)"),
    "base two": answer("(x * a - S(a)).sum(1) / log(2)"),
    "(1 - x) forgotten": answer("-(x * S(-a) + S(a)).sum(1)"),
    "log p in both": answer("-(x * S(-a) + (1 - x) * S(-a)).sum(1)"),
    "1 for log(1 + …)": answer("(x * a - np.maximum(a, 0)).sum(1)"),
    "infinities put to zero": answer("np.nan_to_num(x * log(p) + (1 - x) * log(1 - p), neginf=0).sum(1)"),
    "infinities made large numbers": answer("np.nan_to_num((x * log(p) + (1 - x) * log(1 - p)).sum(1))"),
    "much added": answer("(x * log(p + 0.01) + (1 - x) * log(1 - p + 0.01)).sum(1)"),
    "clipped on one side": answer("(x * log(np.maximum(p, 1e-7)) + (1 - x) * -S(a)).sum(1)"),
    "a softplus that gives a below -20": answer("(x * a - np.where(abs(a) > 20, a, S(a))).sum(1)"),
    "overflow and the mean": answer("np.mean(x * log(p) + (1 - x) * log(1 - p), axis=1)"),
    "overflow and the cost": answer("-(x * log(p) + (1 - x) * log(1 - p)).sum(1)"),
    "the first pixel forgotten": answer("(x * a - S(a))[:, 1:].sum(1)"),
    "x rounded to the logits": answer("((a > 0) * a - S(a)).sum(1)"),
    "nothing": answer("np.zeros(len(x))"),
    "NaN": answer("np.full(len(x), np.nan)"),
}
