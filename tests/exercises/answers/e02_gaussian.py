"""e02: answers, right and wrong, on the Gaussian log-likelihood."""

RIGHT = {
    "the master": "",
    "loops": """
import math

def gaussian_log_prob(x, mean, std):
    log_p = []
    for row, center in zip(x, mean):
        total = 0.0
        for a, m in zip(row, center):
            total += -(a - m) ** 2 / (2 * std ** 2) - 0.5 * math.log(2 * math.pi * std ** 2)
        log_p.append(total)
    return log_p
""",
    "einsum, the constants apart": """
def gaussian_log_prob(x, mean, std):
    D = x.shape[1]
    r = mean - x
    return -np.einsum("md,md->m", r, r) / (2 * std * std) - D * np.log(std) - D / 2 * np.log(2 * np.pi)
""",
    "squares multiplied out": """
def gaussian_log_prob(x, mean, std):
    squares = (x ** 2).sum(-1) - 2 * (x * mean).sum(-1) + (mean ** 2).sum(-1)
    return -0.5 * (squares / std ** 2 + x.shape[1] * np.log(2 * np.pi * std ** 2))
""",
    "a covariance matrix": """
def gaussian_log_prob(x, mean, std):
    S = std ** 2 * np.eye(x.shape[1])
    r = x - mean
    return -0.5 * (np.sum(r @ np.linalg.inv(S) * r, axis=1) + np.linalg.slogdet(2 * np.pi * S)[1])
""",
    "the mean, D times": """
def gaussian_log_prob(x, mean, std):
    return x.shape[1] * np.mean(-0.5 * ((x - mean) / std) ** 2 - np.log(std * np.sqrt(2 * np.pi)), axis=1)
""",
    "the library": """
import tinyvae as tv

def gaussian_log_prob(x, mean, std):
    return tv.Gaussian(std).log_prob(x, mean)
""",
    "float32": """
def gaussian_log_prob(x, mean, std):
    x, mean, std = x.astype(np.float32), mean.astype(np.float32), np.float32(std)
    r = (x - mean) / std
    each = np.float32(-0.5) * r * r - np.log(std) - np.float32(0.5 * np.log(2 * np.pi))
    return each.sum(axis=1)
""",
}


def answer(formula):
    """An answer in one line, where q are the squares of x - mean, (M, D)."""
    return f"""
def gaussian_log_prob(x, mean, std):
    D, q, pi, log, sum, mean_ = x.shape[1], (x - mean) ** 2, np.pi, np.log, np.sum, np.mean
    return {formula}
"""


MISTAKES = {name: (key, answer(formula)) for name, (key, formula) in {
    "2 pi missing": ("missing:the log 2 pi term", "sum(-0.5 * q / std**2 - log(std), axis=1)"),
    "2 pi missing, from the variance": ("missing:the log 2 pi term", "-0.5 * sum(q / std**2 + log(std**2), 1)"),
    "log pi": ("log-pi", "-0.5 * sum(q / std**2 + log(pi * std**2), 1)"),
    "one 2 pi": ("one-2pi", "-0.5 * sum(q, 1) / std**2 - D * log(std) - 0.5 * log(2 * pi)"),
    "half of the squares lost": ("twice:the squared term", "sum(-q / std**2 - log(std) - 0.5 * log(2 * pi), 1)"),
    "half of 2 pi lost": ("twice:the log 2 pi term", "sum(-0.5 * q / std**2 - log(std) - log(2 * pi), 1)"),
    "half of log variance lost": ("twice:the log std term",
                                  "-0.5 * sum(q, 1) / std**2 - D * log(std**2) - 0.5 * D * log(2 * pi)"),
    "half of the factor lost": ("half-of-factor", "sum(-0.5 * q / std**2 - log(2 * pi * std**2), 1)"),
    "half of both lost": ("half-of-both", "-sum(q / std**2 + log(std) + log(2 * pi), 1)"),
    "every half lost": ("scale:2", "-sum(q / std**2 + log(2 * pi * std**2), 1)"),
    "squares by std": ("squares-by-std", "sum(-q / (2 * std) - log(std) - 0.5 * log(2 * pi), 1)"),
    "squares by std, the factor from sigma": ("squares-by-std", "sum(-0.5 * q / std - log(std * np.sqrt(2 * pi)), 1)"),
    "squares as they are": ("undivided", "sum(-0.5 * q - log(std) - 0.5 * log(2 * pi), 1)"),
    "half of log std": ("half-log-std", "-0.5 * sum(q / std**2 + log(2 * pi * std), 1)"),
    "half of log std, from a root": ("half-log-std", "sum(-q / (2 * std**2) - log(np.sqrt(2 * pi * std)), 1)"),
    "std as the variance": ("std-as-variance", "-0.5 * sum(q / std + log(2 * pi * std), 1)"),
    "no log std": ("missing:the log std term", "-0.5 * sum(q / std**2 + log(2 * pi), 1)"),
    "one log std": ("one-log-std", "-0.5 * sum(q, 1) / std**2 - log(std) - 0.5 * D * log(2 * pi)"),
    "one factor": ("one-factor", "-0.5 * sum(q, 1) / std**2 - 0.5 * log(2 * pi * std**2)"),
    "one factor, from the root": ("one-factor", "-sum(q / (2 * std**2), 1) - log(np.sqrt(2 * pi) * std)"),
    "the squares alone": ("no-factor", "-0.5 * sum(q, 1) / std**2"),
    "sign of log std": ("sign:the log std term", "sum(-0.5 * q / std**2 + log(std) - 0.5 * log(2 * pi), 1)"),
    "sign of 2 pi": ("sign:the log 2 pi term", "sum(-0.5 * q / std**2 - log(std) + 0.5 * log(2 * pi), 1)"),
    "sign of the squares": ("sign:the squared term", "sum(0.5 * q / std**2 - log(std) - 0.5 * log(2 * pi), 1)"),
    "mean over D": ("scale:1/D", "-0.5 * mean_(q / std**2 + log(2 * pi * std**2), axis=1)"),
    "mean over D, the constants added": ("scale:1/D", "-0.5 * mean_(q, 1) / std**2 - log(std) - 0.5 * log(2 * pi)"),
    "mean of the squares": ("mean-squares", "-0.5 * mean_(q, 1) / std**2 - D * log(std) - 0.5 * D * log(2 * pi)"),
    "the cost": ("scale:-1", "0.5 * sum(q / std**2 + log(2 * pi * std**2), axis=1)"),
    "the density": ("density", "np.prod(np.exp(-q / (2 * std**2)) / np.sqrt(2 * pi * std**2), axis=1)"),
    "not summed": ("unsummed", "-0.5 * (q / std**2 + log(2 * pi * std**2))"),
    "summed over all": ("batch-sum", "-0.5 * sum(q / std**2 + log(2 * pi * std**2))"),
    "summed over all, the constants apart": ("batch-sum", "-0.5 * sum(q) / std**2 - 0.5 * q.size * log(2*pi*std**2)"),
    "summed over the batch": ("over-batch", "-0.5 * sum(q / std**2 + log(2 * pi * std**2), axis=0)"),
    "averaged over the batch": ("batch-mean", "-0.5 * mean_(sum(q / std**2 + log(2 * pi * std**2), axis=1))"),
    "averaged over all": ("all-mean", "-0.5 * mean_(q / std**2 + log(2 * pi * std**2))"),
    "a column": ("column", "-0.5 * sum(q / std**2 + log(2 * pi * std**2), axis=1, keepdims=True)"),
    "precedence": ("times-std^2", "sum(-q / 2 * std**2 - log(std) - 0.5 * log(2 * pi), axis=1)"),
}.items()}
MISTAKES["the logarithm of the product"] = ("underflow", """
def gaussian_log_prob(x, mean, std):
    p = np.exp(-((x - mean) / std) ** 2 / 2) / (np.sqrt(2 * np.pi) * std)
    return np.log(np.prod(p, axis=1))
""")
MISTAKES["the logarithms of the factors"] = ("underflow", """
import math

def gaussian_log_prob(x, mean, std):
    def log_p(r):
        return math.log(math.exp(-r ** 2 / 2) / math.sqrt(2 * math.pi * std ** 2))
    return [sum(log_p((a - m) / std) for a, m in zip(*rows)) for rows in zip(x, mean)]
""")
MISTAKES["in place"] = ("inplace", """
def gaussian_log_prob(x, mean, std):
    x -= mean
    return -0.5 * ((x / std) ** 2 + np.log(2 * np.pi * std ** 2)).sum(1)
""")

UNLISTED = {name: answer(formula) for name, formula in {
    "no square": "-0.5 * sum(np.abs(x - mean) / std + log(2 * pi * std**2), 1)",
    "squared after the sum": "-0.5 * sum(x - mean, 1)**2 / std**2 - 0.5 * D * log(2 * pi * std**2)",
    "the mean added": "-0.5 * sum((x + mean)**2 / std**2 + log(2 * pi * std**2), 1)",
    "std^4": "-0.5 * sum(q / std**4 + log(2 * pi * std**2), 1)",
    "std as a logarithm": "-0.5 * sum(q / np.exp(2 * std) + log(2 * pi) + 2 * std, 1)",
    "log 2 for log 2 pi": "-0.5 * sum(q / std**2 + log(2 * std**2), 1)",
    "one factor without its half": "-0.5 * sum(q, 1) / std**2 - log(2 * pi * std**2)",
    "base ten": "-0.5 * sum(q / std**2 + np.log10(2 * pi * std**2), 1)",
    "all in base two": "-0.5 * sum(q / std**2 + log(2 * pi * std**2), 1) / log(2)",
    "one dimension forgotten": "-0.5 * sum((q / std**2 + log(2 * pi * std**2))[:, 1:], 1)",
    "one dimension too many": "-0.5 * sum(q, 1) / std**2 - 0.5 * (D + 1) * log(2 * pi * std**2)",
    "M for D": "-0.5 * sum(q, 1) / std**2 - 0.5 * len(x) * log(2 * pi * std**2)",
    "the first example": "(-0.5 * sum(q / std**2 + log(2 * pi * std**2), 1))[0]",
    "half precision": "(-0.5 * sum(q / std**2 + log(2 * pi * std**2), 1)).astype(np.float16)",
    "nothing": "0 * x[:, 0]",
    "a number": "1.0",
}.items()}
