"""e10: answers, right and wrong, on the score-function estimator."""

RIGHT = {
    "the master": "",
    "loops": """
def score(z, mu, std):
    out = np.zeros(z.shape)
    for s in range(len(z)):
        for j in range(len(mu)):
            out[s, j] = (z[s, j] - mu[j]) / std[j] / std[j]
    return out

def score_gradient(f, z, mu, std):
    S, rows = len(f), []
    for s in range(S):
        others = [f[r] for r in range(S) if r != s]
        rows.append([(f[s] - sum(others) / len(others)) * (z[s, j] - mu[j]) / std[j] ** 2 for j in range(len(mu))])
    return rows
""",
    "through eps, and all S in the average": """
def score(z, mu, std):
    eps = (z - mu) / std
    return eps / std

def score_gradient(f, z, mu, std):
    S = len(f)
    return np.einsum("s,sj->sj", (f - f.mean()) * S / (S - 1), score(z, mu, std))
""",
    "matrices": """
def score(z, mu, std):
    return (z - mu) @ np.diag(std ** -2.0)

def score_gradient(f, z, mu, std):
    S = len(f)
    others = (np.ones((S, S)) - np.eye(S)) / (S - 1)
    return np.diag(f - others @ f) @ score(z, mu, std)
""",
    "float32": """
def score(z, mu, std):
    z, mu, std = (a.astype(np.float32) for a in (z, mu, std))
    return (z - mu) / (std * std)

def score_gradient(f, z, mu, std):
    f = f.astype(np.float32)
    b = np.array([np.delete(f, s).mean() for s in range(len(f))])
    return (f - b).reshape(-1, 1) * score(z, mu, std)
""",
}

MISTAKES = {
    "sign of the score": ("scale:-1", "def score(z, mu, std): return (mu - z) / std**2"),
    "baseline minus f": ("scale:-1", """
def score_gradient(f, z, mu, std):
    b = (f.sum() - f) / (len(f) - 1)
    return (b - f)[:, None] * (z - mu) / std**2
"""),
    "eps for the score": ("std-once", "def score(z, mu, std): return (z - mu) / std"),
    "std taken for the variance": ("std-once", """
def score_gradient(f, z, mu, std):
    variance = std
    b = (f.sum() - f) / (len(f) - 1)
    return (f - b).reshape(-1, 1) * ((z - mu) / variance)
"""),
    "no std": ("no-std", "def score(z, mu, std): return z - mu"),
    "the half not cancelled": ("scale:1/2", "def score(z, mu, std): return 0.5 * (z - mu) / std**2"),
    "the half forgotten": ("scale:2", "def score(z, mu, std): return 2 * (z - mu) / std**2"),
    "mu forgotten": ("missing:mu", "def score(z, mu, std): return z / std**2"),
    "by std": ("by-std", "def score(z, mu, std): return (z - mu) ** 2 / std**3 - 1 / std"),
    "the density's derivative": ("density", """
def score(z, mu, std):
    p = np.prod(np.exp(-0.5 * ((z - mu) / std) ** 2) / (std * np.sqrt(2 * np.pi)), axis=1, keepdims=True)
    return p * (z - mu) / std**2
"""),
    "score averaged": ("averaged", """
def score(z, mu, std):
    return ((z - mu) / std**2).mean(axis=0)
def score_gradient(f, z, mu, std):
    b = (f.sum() - f) / (len(f) - 1)
    return ((f - b)[:, None] * (z - mu) / std**2).mean(axis=0)
"""),
    "score summed over J": ("summed-J", """
def score(z, mu, std):
    return np.sum((z - mu) / std**2, axis=-1)
def score_gradient(f, z, mu, std):
    b = (f.sum() - f) / (len(f) - 1)
    return (f - b) * score(z, mu, std)
"""),
    "no baseline": ("missing:the baseline",
                    "def score_gradient(f, z, mu, std): return f[:, None] * score(z, mu, std)"),
    "baseline added": ("sign:the baseline", """
def score_gradient(f, z, mu, std):
    b = (f.sum() - f) / (len(f) - 1)
    return (f + b)[:, None] * score(z, mu, std)
"""),
    "baseline from its own sample": ("own-sample", """
def score_gradient(f, z, mu, std):
    return (f - np.mean(f))[:, None] * score(z, mu, std)
"""),
    "baseline from its own sample, in a loop": ("own-sample", """
def score_gradient(f, z, mu, std):
    b, terms = sum(f) / len(f), np.empty(z.shape)
    for s in range(len(f)):
        terms[s] = (f[s] - b) * (z[s] - mu) / std**2
    return terms
"""),
    "baseline from its own sample, as a list": ("own-sample", """
def score_gradient(f, z, mu, std):
    b = [np.average(f) for _ in f]
    return ((f - b) * score(z, mu, std).T).T
"""),
    "baseline a sum": ("sum", """
def score_gradient(f, z, mu, std):
    return (f - (f.sum() - f))[:, None] * score(z, mu, std)
"""),
    "others divided by S": ("sum/S", """
def score_gradient(f, z, mu, std):
    return (f - (f.sum() - f) / len(f))[:, None] * score(z, mu, std)
"""),
    "f forgotten": ("no-f", "def score_gradient(f, z, mu, std): return score(z, mu, std)"),
    "averaged": ("averaged", """
def score_gradient(f, z, mu, std):
    b = (f.sum() - f) / (len(f) - 1)
    return ((f - b)[:, None] * score(z, mu, std)).mean(axis=0)
"""),
    "summed": ("summed", """
def score_gradient(f, z, mu, std):
    b = (f.sum() - f) / (len(f) - 1)
    return (f - b) @ score(z, mu, std)
"""),
    "divided by S": ("scale:1/S", """
def score_gradient(f, z, mu, std):
    b = (f.sum() - f) / (len(f) - 1)
    return (f - b)[:, None] * score(z, mu, std) / len(f)
"""),
    "along the wrong axis": ("axis", """
def score_gradient(f, z, mu, std):
    b = (f.sum() - f) / (len(f) - 1)
    return (f - b) * score(z, mu, std)
"""),
    "f changed in place": ("inplace", """
def score_gradient(f, z, mu, std):
    f -= (f.sum() - f) / (len(f) - 1)
    return f[:, None] * score(z, mu, std)
"""),
    "samples of its own": ("random", """
def score(z, mu, std):
    return (mu + std * np.random.default_rng().standard_normal(z.shape) - mu) / std**2
"""),
    "no brackets": ("brackets", "def score(z, mu, std): return z - mu / std**2"),
    "no brackets in the baseline": ("sum-brackets", """
def score_gradient(f, z, mu, std):
    b = f.sum() - f / (len(f) - 1)
    return (f - b)[:, None] * (z - mu) / std**2
"""),
}

UNLISTED = {
    "a small constant added to the variance": "def score(z, mu, std): return (z - mu) / (std**2 + 1e-8)",
    "the next sample's f as baseline": """
def score_gradient(f, z, mu, std):
    return (f - np.roll(f, -1))[:, None] * score(z, mu, std)
""",
    "the median as baseline": """
def score_gradient(f, z, mu, std):
    b = np.array([np.median(np.delete(f, s)) for s in range(len(f))])
    return (f - b)[:, None] * score(z, mu, std)
""",
    "the samples so far as baseline": """
def score_gradient(f, z, mu, std):
    b = np.array([f[:s].mean() if s else 0.0 for s in range(len(f))])
    return (f - b)[:, None] * score(z, mu, std)
""",
    "f brought to unit variance": """
def score_gradient(f, z, mu, std):
    return ((f - f.mean()) / f.std())[:, None] * score(z, mu, std)
""",
    "one std too many": "def score(z, mu, std): return (z - mu) / std**3",
    "z's own mean for mu": "def score(z, mu, std): return (z - z.mean(axis=0)) / std**2",
    "one std for all dimensions": "def score(z, mu, std): return (z - mu) / std.mean() ** 2",
}
