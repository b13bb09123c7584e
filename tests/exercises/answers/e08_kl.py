"""e08: answers, right and wrong, on the KL divergence from the prior."""

RIGHT = {
    "the master": "",
    "loops": """
def kl(mu, logvar):
    result = []
    for m in range(mu.shape[0]):
        total = 0.0
        for j in range(mu.shape[1]):
            sigma = np.sqrt(np.exp(logvar[m, j]))
            total += -np.log(sigma) + (sigma ** 2 + mu[m, j] ** 2) / 2 - 1 / 2
        result.append(total)
    return result

def kl_backward(dkl, mu, logvar):
    dmu, dlogvar = np.zeros(mu.shape), np.zeros(mu.shape)
    for m in range(mu.shape[0]):
        for j in range(mu.shape[1]):
            dmu[m, j] = dkl[m] * mu[m, j]
            dlogvar[m, j] = dkl[m] * (np.exp(logvar[m, j]) / 2 - 1 / 2)
    return dmu, dlogvar
""",
    "the paper's form": """
def kl(mu, logvar):
    return -0.5 * np.sum(1 + logvar - mu ** 2 - np.exp(logvar), axis=-1)

def kl_backward(dkl, mu, logvar):
    return (dkl * mu.T).T, (-0.5 * dkl * (1 - np.exp(logvar)).T).T
""",
    "einsum": """
def kl(mu, logvar):
    J = mu.shape[1]
    return (np.einsum("mj,mj->m", mu, mu) + np.einsum("mj->m", np.exp(logvar) - logvar) - J) / 2

def kl_backward(dkl, mu, logvar):
    return [np.einsum("m,mj->mj", dkl, mu), np.einsum("m,mj->mj", dkl, np.expm1(logvar)) / 2]
""",
    "matrices": """
def kl(mu, logvar):
    nats = np.zeros(len(mu))
    for m, (a, l) in enumerate(zip(mu, logvar)):
        covariance = np.diag(np.exp(l))
        nats[m] = 0.5 * (np.trace(covariance) + a @ a - len(a) - np.linalg.slogdet(covariance)[1])
    return nats

def kl_backward(dkl, mu, logvar):
    return np.diag(dkl) @ mu, np.diag(dkl / 2) @ (np.exp(logvar) - 1)
""",
    "float32": """
def kl(mu, logvar):
    mu, logvar = mu.astype(np.float32), logvar.astype(np.float32)
    return np.float32(0.5) * (mu * mu + np.exp(logvar) - 1 - logvar).sum(1)

def kl_backward(dkl, mu, logvar):
    dkl, mu, logvar = (a.astype(np.float32) for a in (dkl, mu, logvar))
    return mu * dkl[:, None], (np.exp(logvar) - 1) * dkl[:, None] / 2
""",
    "quadrature": """
def kl(mu, logvar):
    e, w = np.polynomial.hermite_e.hermegauss(5)
    s = np.exp(logvar / 2)[:, :, None]
    z = mu[:, :, None] + s * e
    return ((-e ** 2 / 2 - np.log(s) + z ** 2 / 2) @ w).sum(1) / np.sqrt(2 * np.pi)
""",
}


def forward(nats, before="var = np.exp(logvar)"):
    return f"def kl(mu, logvar):\n    {before}\n    return {nats}\n"


def backward(dlogvar="0.5 * dkl * (var - 1)", dmu="dkl * mu", before="dkl = dkl[:, None]"):
    return (f"def kl_backward(dkl, mu, logvar):\n    var, std = np.exp(logvar), np.exp(0.5 * logvar)\n    {before}\n"
            f"    return {dmu}, {dlogvar}\n")


SQUARE = "var = np.exp(2 * logvar)"
STD = "var = np.exp(0.5 * logvar)"

MISTAKES = {
    "the paper's sign": ("scale:-1", forward("0.5 * np.sum(1 + logvar - mu ** 2 - var, axis=1)")),
    "the paper's sign, consistently": ("scale:-1", forward("0.5 * np.sum(1 + logvar - mu ** 2 - var, axis=1)")
                                       + backward("0.5 * dkl * (1 - var)", "-dkl * mu")),
    "mean over J": ("scale:1/J", forward("0.5 * np.mean(mu ** 2 + var - logvar - 1, axis=1)")),
    "mean over J, consistently": ("scale:1/J", forward("0.5 * np.mean(mu ** 2 + var - logvar - 1, axis=1)") + backward(
        "0.5 * dkl * (var - 1) / mu.shape[1]", "dkl * mu / mu.shape[1]")),
    "mean over the batch": ("batch-mean", forward("0.5 * np.sum(mu ** 2 + var - logvar - 1, axis=1).mean()")),
    "sum over the batch": ("batch-sum", forward("-0.5 * np.sum(1 + logvar - mu ** 2 - var)")),
    "mean over all": ("all-mean", forward("-0.5 * np.mean(1 + logvar - mu ** 2 - var)")),
    "averaged over the batch in backward": ("scale:1/M", backward(before="dkl = dkl[:, None] / len(dkl)")),
    "not summed": ("unsummed", forward("0.5 * (mu ** 2 + var - logvar - 1)")),
    "summed over the wrong axis": ("over-batch", forward("0.5 * (mu ** 2 + var - logvar - 1).sum(0)")),
    "log std for log variance": ("log-std", forward("0.5 * np.sum(mu ** 2 + var - 2 * logvar - 1, 1)", SQUARE)),
    "log std for log variance, consistently": (
        "log-std", forward("(0.5 * (mu ** 2 + np.exp(logvar) ** 2 - 1) - logvar).sum(1)") + backward(
            "dkl * (np.exp(2 * logvar) - 1)")),
    "exp(2 logvar) only": ("variance-squared", forward("0.5 * np.sum(mu ** 2 + var - logvar - 1, 1)", SQUARE)),
    "exp(2 logvar) only, consistently": (
        "variance-squared", forward("0.5 * np.sum(mu ** 2 + np.exp(logvar) ** 2 - logvar - 1, 1)") + backward(
            "dkl * (np.exp(2 * logvar) - 0.5)")),
    "exp(2 logvar) in the derivative": ("variance-squared-in-derivative", backward("0.5 * dkl * (var ** 2 - 1)")),
    "std for variance": ("std-for-variance", forward("0.5 * np.sum(mu ** 2 + var - logvar - 1, 1)", STD)),
    "std for variance, consistently": ("std-for-variance", forward(
        "0.5 * np.sum(mu ** 2 + np.sqrt(np.exp(logvar)) - logvar - 1, 1)") + backward("dkl * (0.25 * std - 0.5)")),
    "std for variance in the derivative": ("std-in-derivative", backward("dkl * 0.5 * (std - 1)")),
    "logvar as variance": ("logvar-as-variance", forward("0.5 * np.sum(mu ** 2 + logvar - np.log(logvar) - 1, 1)")),
    "logvar as variance, consistently": (
        "logvar-as-variance", forward("0.5 * np.sum(mu ** 2 + logvar - np.log(logvar) - 1, 1)") + backward(
            "0.5 * dkl * (1 - 1 / logvar)")),
    "the -1 missing": ("missing:the -1", forward("0.5 * np.sum(mu ** 2 + var - logvar, axis=1)")),
    "the -1 missing in the derivative": ("missing:the -1", backward("0.5 * dkl * var")),
    "the -1 missing in both": ("missing:the -1", forward("-0.5 * np.sum(logvar - mu ** 2 - var, axis=1)")
                               + backward("0.5 * dkl * var")),
    "the -1 once for all": ("one-for-all", forward("0.5 * (np.sum(mu ** 2 + var - logvar, axis=1) - 1)")),
    "+1": ("sign:the -1", forward("0.5 * np.sum(mu ** 2 + var - logvar + 1, axis=1)")),
    "+1 in the derivative": ("sign:the -1", backward("0.5 * dkl * (var + 1)")),
    "one half missing": ("scale:2", forward("np.sum(mu ** 2 + var - logvar - 1, axis=1)")),
    "one half missing, consistently": ("scale:2", forward("np.sum(mu ** 2 + var - logvar - 1, axis=1)")
                                       + backward("dkl * (var - 1)", "2 * dkl * mu")),
    "one half missing in dlogvar": ("scale:2", backward("dkl * (var - 1)")),
    "one half missing at mu": ("twice:mu^2", forward("np.sum(mu ** 2 + 0.5 * (var - logvar - 1), axis=1)")),
    "one half too many at mu": ("scale:1/2", backward(dmu="0.5 * dkl * mu")),
    "mu for mu^2": ("mu-for-mu^2", forward("0.5 * np.sum(mu + var - logvar - 1, axis=1)")),
    "mu for mu^2, consistently": ("mu-for-mu^2", forward("0.5 * np.sum(mu + var - logvar - 1, axis=1)")
                                  + backward(dmu="0.5 * dkl * np.ones_like(mu)")),
    "mu missing": ("missing:mu^2", forward("0.5 * np.sum(var - logvar - 1, axis=1)")),
    "sign of mu^2": ("sign:mu^2", forward("0.5 * np.sum(var - mu ** 2 - logvar - 1, axis=1)")),
    "sign of logvar": ("sign:logvar", forward("0.5 * np.sum(mu ** 2 + var + logvar - 1, axis=1)")),
    "logvar twice": ("twice:logvar", forward("0.5 * np.sum(mu ** 2 + var - 1, axis=1) - logvar.sum(1)")),
    "the exponential missing": ("missing:exp(logvar)", forward("0.5 * np.sum(mu ** 2 - logvar - 1, axis=1)")),
    "the other way round": ("reversed", forward("0.5 * np.sum((1 + mu ** 2) / var + logvar - 1, axis=1)")),
    "the other way round, consistently": ("reversed", forward(
        "0.5 * np.sum((1 + mu ** 2) / var + logvar - 1, axis=1)") + backward(
            "0.5 * dkl * (1 - (1 + mu ** 2) / var)", "dkl * mu / var")),
    "the derivative by the variance": ("by-variance", backward("0.5 * dkl * (1 - 1 / var)")),
    "the derivative by std": ("by-std", backward("dkl * (std - 1 / std)")),
    "dkl forgotten": ("no-dkl", backward("0.5 * (var - 1)", "mu")),
    "dkl forgotten in one": ("no-dkl", backward("0.5 * (var - 1)")),
    "dkl along the wrong axis": ("broadcast", backward(before="pass")),
    "dkl as a row": ("broadcast", backward(before="dkl = dkl[None, :]")),
    "in the other order": ("other-output", backward("dkl * mu", "0.5 * dkl * (var - 1)")),
    "mu changed in place": ("inplace", forward("0.5 * np.sum(mu + var - logvar - 1, axis=1)",
                                               "var = np.exp(logvar); mu *= mu")),
    "dlogvar forgotten": ("zero", backward("np.zeros_like(logvar)")),
    "one half at mu alone": ("half-of-mu^2", forward("np.sum(0.5 * mu ** 2 + var - logvar - 1, axis=1)")),
}

UNLISTED = {
    "a small constant in the logarithm": forward("0.5 * np.sum(mu ** 2 + var - np.log(var + 1e-8) - 1, axis=1)"),
    "a small constant added to the variance": forward("0.5 * np.sum(mu ** 2 + var - np.log(var) - 1, axis=1)",
                                                      "var = np.exp(logvar) + 1e-8"),
    "a small constant added to std": forward("0.5 * np.sum(mu ** 2 + var - np.log(var) - 1, axis=1)",
                                             "var = (np.exp(0.5 * logvar) + 1e-8) ** 2"),
    "a little too large": forward("0.5 * np.sum(1.0001 * mu ** 2 + var - logvar - 1, axis=1)"),
    "logvar clipped below": forward("0.5 * np.sum(mu ** 2 + np.exp(l) - l - 1, axis=1)", "l = np.maximum(logvar, -10)"),
    "logvar clipped above": forward("0.5 * np.sum(mu ** 2 + np.exp(l) - l - 1, axis=1)", "l = np.minimum(logvar, 10)"),
    "logvar clipped below, in backward": backward("0.5 * dkl * (np.maximum(var, np.exp(-10)) - 1)"),
    "an absolute value": forward("0.5 * np.sum(abs(mu) + var - logvar - 1, axis=1)"),
    "logvar clipped": forward("0.5 * np.sum(mu ** 2 + var.clip(np.exp(-10), np.exp(10)) - logvar - 1, axis=1)"),
    "the first entry only": forward("0.5 * (mu ** 2 + var - logvar - 1)[:, 0]"),
    "the last entry forgotten": forward("0.5 * (mu ** 2 + var - logvar - 1)[:, :-1].sum(1)"),
    "an absolute value of the sum": forward("np.abs(0.5 * np.sum(mu ** 2 - logvar, axis=1))"),
    "the square outside": forward("0.5 * (mu.sum(1) ** 2 + np.sum(var - logvar - 1, axis=1))"),
    "the roots of a negative": forward("0.5 * np.sum(mu ** 2 + np.sqrt(logvar) - logvar - 1, axis=1)"),
    "mu in place of logvar": forward("0.5 * np.sum(mu ** 2 + np.exp(mu) - mu - 1, axis=1)"),
    "the distance of the means": forward("np.sqrt((mu ** 2).sum(1))"),
    "mu^2, not differentiated": backward(dmu="dkl * mu ** 2"),
    "the whole KL": backward("0.5 * dkl * (var - logvar - 1)"),
    "dkl added up": backward(before="dkl = dkl.sum()"),
    "dkl added": backward("0.5 * (var - 1) + dkl"),
    "the mean removed": backward("0.5 * dkl * (var - var.mean())"),
    "in columns": forward("0.5 * np.sum(mu ** 2 + var - logvar - 1, axis=1, keepdims=True)"),
}
