"""e13: answers, right and wrong, on the beta-VAE's loss and on the KL by dimension."""


def kl(value, before="k = 0.5 * (mu**2 + np.exp(logvar) - logvar - 1)"):
    """kl_per_dimension alone: the loss has a right one of its own."""
    return f"right = kl_per_dimension\ndef kl_per_dimension(mu, logvar):\n    {before}\n    return {value}\n" \
        "def beta_loss(reconstruction, mu, logvar, beta):\n" \
        "    return reconstruction.mean() + beta * right(mu, logvar).sum()\n"


def loss(value, before="pass"):
    """beta_loss alone, with r for the reconstruction and k (M, J) for the right KL."""
    return f"def beta_loss(r, mu, logvar, beta):\n    k = 0.5 * (mu**2 + np.exp(logvar) - logvar - 1)\n    {before}\n" \
        f"    return {value}\n"


def both(value):
    """A wrong KL of each entry, in both functions."""
    return f"def kl_per_dimension(mu, logvar): return ({value}).mean(0)\n" \
        f"def beta_loss(r, mu, logvar, beta): return np.mean(r) + beta * ({value}).sum(1).mean()\n"


RIGHT = {
    "the master": "",
    "loops": """
import math

def kl_per_dimension(mu, logvar):
    M, J = mu.shape
    kl = [0.0] * J
    for j in range(J):
        for m in range(M):
            kl[j] += (mu[m, j] ** 2 + math.exp(logvar[m, j]) - 1 - logvar[m, j]) / 2 / M
    return kl

def beta_loss(reconstruction, mu, logvar, beta):
    total = 0
    for m in range(len(mu)):
        total += reconstruction[m]
        for j in range(mu.shape[1]):
            total += beta * 0.5 * (mu[m, j] ** 2 + math.exp(logvar[m, j]) - 1 - logvar[m, j])
    return float(total / len(mu))
""",
    "the paper's algebra": """
def kl_per_dimension(mu, logvar):
    return -0.5 * np.mean(1 + logvar - mu * mu - np.exp(logvar), axis=0)

def beta_loss(reconstruction, mu, logvar, beta):
    kl = -0.5 * np.sum(1 + logvar - mu * mu - np.exp(logvar), axis=1)
    return np.mean(reconstruction + beta * kl)
""",
    "standard deviations": """
def kl_per_dimension(mu, logvar):
    std = np.exp(logvar / 2)
    return ((mu**2 + std**2) / 2 - np.log(std) - 1 / 2).sum(axis=0) / mu.shape[0]

def beta_loss(reconstruction, mu, logvar, beta):
    return reconstruction.sum() / reconstruction.size + kl_per_dimension(mu, logvar).sum() * beta
""",
    "einsum": """
def kl_per_dimension(mu, logvar):
    M = len(mu)
    return (np.einsum("mj,mj->j", mu, mu) + np.einsum("mj->j", np.exp(logvar) - logvar) - M) / (2 * M)

def beta_loss(reconstruction, mu, logvar, beta):
    M, J = mu.shape
    squares = np.einsum("mj,mj->", mu, mu)
    kl = 0.5 * (squares + np.einsum("mj->", np.exp(logvar) - logvar) - M * J)
    return (np.einsum("m->", reconstruction) + beta * kl) / M
""",
    "float32": """
def kl_per_dimension(mu, logvar):
    mu, logvar = mu.astype(np.float32), logvar.astype(np.float32)
    return np.float32(0.5) * (mu**2 + np.exp(logvar) - logvar - 1).mean(axis=0)

def beta_loss(reconstruction, mu, logvar, beta):
    return reconstruction.astype(np.float32).mean() + np.float32(beta) * kl_per_dimension(mu, logvar).sum()
""",
    "in place, on arrays of its own": """
def kl_per_dimension(mu, logvar):
    kl = np.exp(logvar)
    kl -= logvar
    kl -= 1
    kl += mu**2
    kl *= 0.5
    return kl.mean(0)
""",
    "an array without dimensions": loss("np.array(np.mean(r + beta * k.sum(1)))"),
}

MISTAKES = {
    # the axes
    "axes swapped": ("swapped", kl("k.mean(axis=1)")),
    "axes swapped, in the loss": ("swapped", loss("r.mean() + beta * k.mean(1).sum()")),
    "axes swapped, in both": ("swapped", """
def kl_per_dimension(mu, logvar):
    return 0.5 * (mu**2 + np.exp(logvar) - logvar - 1).mean(1)
"""),
    "the KL of each example": ("per-example", kl("k.sum(axis=1)")),
    "not averaged": ("not-averaged", kl("k")),
    "summed over the batch": ("batch-sum", kl("k.sum(0)")),
    "all summed, the batch averaged": ("total", kl("k.sum(1).mean()")),
    "all averaged": ("all-mean", kl("k.mean()")),
    "averaged first": ("averaged-first", kl(
        "0.5 * (m**2 + np.exp(v) - v - 1)", "m, v = mu.mean(0), logvar.mean(0)")),
    "averaged first, in the loss": ("averaged-first", loss(
        "r.mean() + beta * 0.5 * (m**2 + np.exp(v) - v - 1).sum()", "m, v = mu.mean(0), logvar.mean(0)")),
    "mean over J in the loss": ("mean-j", loss("r.mean() + beta * k.mean()")),
    "mean over J, by example": ("mean-j", loss("np.mean(r + beta * k.mean(1))")),
    "divided by J": ("mean-j", loss("r.mean() + beta / mu.shape[1] * k.sum(1).mean()")),
    "KL not summed over J": ("unsummed", loss("r.mean() + beta * k.mean(0)")),
    "the loss of each example": ("not-averaged", loss("r + beta * k.sum(1)")),
    "loss summed over the batch": ("scale:M", loss("np.sum(r + beta * k.sum(1))")),
    "only the KL summed over the batch": ("batch-sum", loss("r.mean() + beta * k.sum()")),
    "only the reconstruction summed over the batch": ("reconstruction-sum", loss("r.sum() + beta * k.sum(1).mean()")),
    # beta
    "beta on the reconstruction": ("beta-on-reconstruction", loss("beta * r.mean() + k.sum(1).mean()")),
    "beta on the reconstruction, by example": ("beta-on-reconstruction", loss("(beta * r + k.sum(1)).mean()")),
    "beta on both": ("beta-on-both", loss("beta * (r + k.sum(1)).mean()")),
    "beta ignored": ("ignores:beta", loss("(r + k.sum(1)).mean()")),
    "beta ignored, for a constant": ("ignores:beta", loss("(r + 4 * k.sum(1)).mean()")),
    "a mixture": ("mixture", loss("(1 - beta) * r.mean() + beta * k.sum(1).mean()")),
    # signs and terms
    "no KL": ("missing:the KL", loss("r.mean()")),
    "no reconstruction": ("missing:the reconstruction", loss("beta * k.sum(1).mean()")),
    "the KL subtracted": ("sign", loss("r.mean() - beta * k.sum(1).mean()")),
    "the paper's -KL": ("sign", both("0.5 * (1 + logvar - mu**2 - np.exp(logvar))")),
    "the bound": ("scale:-1", loss("-np.mean(r + beta * k.sum(1))")),
    "the reconstruction subtracted": ("sign:the reconstruction", loss("beta * k.sum(1).mean() - r.mean()")),
    "logvar for sigma^2": ("logvar-as-variance", both("0.5 * (mu**2 + logvar - np.log(logvar) - 1)")),
    "the other way round": ("reversed", both("0.5 * ((1 + mu**2) / np.exp(logvar) + logvar - 1)")),
    "log-std": ("log-std", both("0.5 * (mu**2 + np.exp(2 * logvar) - 2 * logvar - 1)")),
    "log-std, by a square": ("log-std", both("0.5 * (mu**2 + np.exp(logvar)**2 - np.log(np.exp(logvar)**2) - 1)")),
    "log-std in the loss alone": ("log-std", loss(
        "r.mean() + beta * (0.5 * mu**2 + 0.5 * std**2 - np.log(std) - 0.5).sum(1).mean()", "std = np.exp(logvar)")),
    "sigma to the fourth": ("variance-squared", both("0.5 * (mu**2 + np.exp(logvar)**2 - logvar - 1)")),
    "sigma for its square": ("std-for-variance", both("0.5 * (mu**2 + np.exp(0.5 * logvar) - logvar - 1)")),
    "mu not squared": ("mu-for-mu^2", both("0.5 * (mu + np.exp(logvar) - logvar - 1)")),
    "one half lost": ("half-lost", both("mu**2 + np.exp(logvar) - logvar - 1")),
    "one half too many": ("half-twice", both("0.25 * (mu**2 + np.exp(logvar) - logvar - 1)")),
    "no -1": ("missing:the -1", both("0.5 * (mu**2 + np.exp(logvar) - logvar)")),
    "+1": ("sign:the -1", both("0.5 * (mu**2 + np.exp(logvar) - logvar + 1)")),
    "no mu^2": ("missing:mu^2", both("0.5 * (np.exp(logvar) - logvar - 1)")),
    "no variance": ("missing:sigma^2", both("0.5 * (mu**2 - logvar - 1)")),
    "no logvar": ("missing:log sigma^2", both("0.5 * (mu**2 + np.exp(logvar) - 1)")),
    "logvar added": ("sign:log sigma^2", both("0.5 * (mu**2 + np.exp(logvar) + logvar - 1)")),
    "mu changed in place": ("inplace", kl("mu.mean(0)", "mu **= 2; mu += np.exp(logvar) - logvar - 1; mu *= 0.5")),
    "the reconstruction changed in place": ("inplace", loss("r.mean()", "r += beta * k.sum(1)")),
    "one half at mu alone": ("half-of-mu^2", both("0.5 * mu**2 + np.exp(logvar) - logvar - 1")),
}

UNLISTED = {
    "a small constant added to the variance": kl(
        "k.mean(0)", "var = np.exp(logvar) + 1e-8; k = 0.5 * (mu**2 + var - np.log(var) - 1)"),
    "logvar clipped": kl("k.mean(0)", "l = logvar.clip(-10, 10); k = 0.5 * (mu**2 + np.exp(l) - l - 1)"),
    "the median": kl("np.median(k, axis=0)"),
    "sorted": kl("np.sort(k.mean(0))[::-1]"),
    "the first example": kl("k[0]"),
    "divided by M - 1": kl("k.sum(0) / (len(mu) - 1)"),
    "an absolute value": kl("(0.5 * (mu**2 + np.exp(logvar) - abs(logvar) - 1)).mean(0)"),
    "the exponential of mu": kl("(0.5 * (mu**2 + np.exp(mu) - logvar - 1)).mean(0)"),
    "clipped at zero": kl("np.maximum(k - 0.1, 0).mean(0)"),
    "a floor": kl("np.maximum(k.mean(0), 0.1)"),
    "beta squared": loss("r.mean() + beta**2 * k.sum(1).mean()"),
    "beta divides": loss("r.mean() + k.sum(1).mean() / (1 + beta)"),
    "beta clipped": loss("r.mean() + min(beta, 1) * k.sum(1).mean()"),
    "beta added": loss("r.mean() + (1 + beta) * k.sum(1).mean()"),
    "one beta too many": loss("r.mean() + k.sum(1).mean() + (beta - 1)"),
    "free bits": loss("r.mean() + beta * np.maximum(k.mean(0), 0.5).sum()"),
    "the largest dimension": loss("r.mean() + beta * k.mean(0).max()"),
}
