"""e07: answers, right and wrong, on the reparameterization trick."""

RIGHT = {
    "the master": "",
    "loops": """
def reparameterize(mu, logvar, eps):
    z = np.zeros(mu.shape)
    for m in range(mu.shape[0]):
        for j in range(mu.shape[1]):
            z[m, j] = mu[m, j] + np.sqrt(np.exp(logvar[m, j])) * eps[m, j]
    return z

def reparameterize_backward(dz, logvar, eps):
    dlogvar = np.zeros(dz.shape)
    for m in range(dz.shape[0]):
        for j in range(dz.shape[1]):
            dlogvar[m, j] = dz[m, j] * eps[m, j] * np.exp(logvar[m, j]) / (2 * np.sqrt(np.exp(logvar[m, j])))
    return dz.tolist(), dlogvar.tolist()
""",
    "another algebra": """
def reparameterize(mu, logvar, eps):
    return mu + eps * np.exp(logvar) ** 0.5

def reparameterize_backward(dz, logvar, eps):
    z = reparameterize(np.zeros_like(dz), logvar, eps)
    return [dz.copy(), z * dz / 2]
""",
    "einsum": """
def reparameterize(mu, logvar, eps):
    return np.einsum("mj,mj->mj", np.sqrt(np.exp(logvar)), eps) + mu

def reparameterize_backward(dz, logvar, eps):
    return np.ones_like(dz) * dz, np.einsum("mj,mj,mj->mj", dz, eps, np.exp(logvar / 2)) / 2
""",
    "float32": """
def reparameterize(mu, logvar, eps):
    mu, logvar, eps = mu.astype(np.float32), logvar.astype(np.float32), eps.astype(np.float32)
    return mu + np.exp(logvar / 2) * eps

def reparameterize_backward(dz, logvar, eps):
    dz, logvar, eps = dz.astype(np.float32), logvar.astype(np.float32), eps.astype(np.float32)
    return dz, dz * eps * np.exp(logvar / 2) / 2
""",
    "lists of lists": """
def reparameterize(mu, logvar, eps):
    return [[m + np.exp(l / 2) * e for m, l, e in zip(*row)] for row in zip(mu, logvar, eps)]
""",
    "a list of rows, in float32": """
def reparameterize(mu, logvar, eps):
    rows = zip(*(a.astype(np.float32) for a in (mu, logvar, eps)))
    return [m + np.exp(l / 2) * e for m, l, e in rows]
""",
    "a copy changed in place": """
def reparameterize(mu, logvar, eps):
    z = np.exp(logvar / 2)
    z *= eps
    z += mu
    return z
""",
    "numerical differentiation": """
def reparameterize_backward(dz, logvar, eps):
    return dz, dz * (reparameterize(0, logvar + 1e-4, eps) - reparameterize(0, logvar - 1e-4, eps)) / 2e-4
""",
}


def forward(z, before=""):
    return f"def reparameterize(mu, logvar, eps):\n    {before}\n    return {z}\n"


def backward(dlogvar, dmu="dz", before=""):
    return f"def reparameterize_backward(dz, logvar, eps):\n    {before}\n    return {dmu}, {dlogvar}\n"


FRESH = "noise = np.random.default_rng().standard_normal(eps.shape)"
SEEDED = "noise = np.random.default_rng(0).standard_normal(eps.shape)"
LEGACY = "np.random.seed(1); noise = np.random.randn(*eps.shape)"

MISTAKES = {
    "the variance as std": ("variance-as-std", forward("mu + np.exp(logvar) * eps")),
    "the root of the variance, squared": ("variance-as-std", forward("mu + np.exp(0.5 * logvar) ** 2 * eps")),
    "the variance as std, consistently": ("variance-as-std", forward("mu + np.exp(logvar) * eps")
                                          + backward("dz * eps * np.exp(logvar)")),
    "the variance as std, in backward": ("variance-in-derivative", backward("0.5 * dz * eps * np.exp(logvar)")),
    "half the variance as std": ("half-outside", forward("mu + 0.5 * np.exp(logvar) * eps")),
    "logvar as std": ("logvar-as-std", forward("mu + logvar * eps")),
    "logvar as std, consistently": ("logvar-as-std", forward("mu + logvar * eps") + backward("dz * eps")),
    "the derivative by std": ("logvar-as-std", backward("dz * eps")),
    "logvar as std, in backward": ("logvar-in-derivative", backward("dz * eps * logvar / 2")),
    "log std as std": ("half-logvar-as-std", forward("mu + 0.5 * logvar * eps")),
    "logvar as variance": ("logvar-as-variance", forward("mu + np.sqrt(logvar) * eps")),
    "logvar as variance, consistently": ("logvar-as-variance", forward("mu + logvar ** 0.5 * eps")
                                         + backward("dz * eps * 0.5 * logvar ** -0.5")),
    "the root of std": ("half-twice", forward("mu + np.sqrt(np.exp(0.5 * logvar)) * eps")),
    "the fourth root": ("half-twice", forward("mu + np.exp(logvar) ** 0.25 * eps")),
    "the root of std, consistently": ("half-twice", forward("mu + np.exp(0.25 * logvar) * eps")
                                      + backward("0.25 * dz * np.exp(0.25 * logvar) * eps")),
    "the root of std, in backward": ("half-twice-in-derivative", backward("dz * np.exp(logvar / 4) * eps / 2")),
    "divided by std": ("inverse", forward("mu + np.exp(-0.5 * logvar) * eps")),
    "divided by std, consistently": ("inverse", forward("mu + eps / np.exp(0.5 * logvar)")
                                     + backward("-0.5 * dz * eps / np.exp(0.5 * logvar)")),
    "the derivative by the variance": ("by-variance", backward("dz * eps / (2 * np.sqrt(np.exp(logvar)))")),
    "std forgotten": ("no-std", forward("mu + eps")),
    "std forgotten in backward": ("no-std-in-derivative", backward("0.5 * dz * eps")),
    "eps forgotten": ("no-eps", forward("mu + np.exp(0.5 * logvar)")),
    "eps forgotten in backward": ("no-eps", backward("0.5 * np.exp(0.5 * logvar) * dz")),
    "eps not used": ("missing:std eps", forward("mu")),
    "mu not used": ("missing:mu", forward("np.exp(0.5 * logvar) * eps")),
    "mu subtracted": ("sign:mu", forward("np.exp(0.5 * logvar) * eps - mu")),
    "the noise subtracted": ("sign:std eps", forward("mu - np.exp(0.5 * logvar) * eps")),
    "the noise subtracted, consistently": ("sign:std eps", forward("mu - np.exp(0.5 * logvar) * eps")
                                           + backward("-0.5 * dz * np.exp(0.5 * logvar) * eps")),
    "a product of matrices": ("matmul", forward("mu + np.exp(0.5 * logvar) @ eps")),
    "fresh noise in forward": ("random", forward("mu + np.exp(0.5 * logvar) * noise", FRESH)),
    "fresh noise in backward": ("random", backward("0.5 * dz * np.exp(0.5 * logvar) * noise", "dz", FRESH)),
    "fresh noise from a generator outside": ("random", "rng = np.random.default_rng(0)\n" + backward(
        "0.5 * dz * np.exp(0.5 * logvar) * rng.standard_normal(dz.shape)")),
    "fresh noise from the global generator": ("random", backward(
        "0.5 * dz * np.exp(0.5 * logvar) * np.random.randn(*dz.shape)")),
    "noise with a fixed seed in forward": ("ignores:eps", forward("mu + np.exp(0.5 * logvar) * noise", SEEDED)),
    "noise with a fixed seed in backward": ("ignores:eps", backward(
        "0.5 * dz * np.exp(0.5 * logvar) * noise", "dz", SEEDED)),
    "noise with a fixed global seed in backward": ("ignores:eps", backward(
        "0.5 * dz * np.exp(0.5 * logvar) * noise", "dz", LEGACY)),
    "noise path missing": ("noise-path", backward("np.zeros_like(logvar)")),
    "one half lost": ("half-lost", backward("dz * np.exp(0.5 * logvar) * eps")),
    "one half too many": ("scale:1/2", backward("0.25 * dz * np.exp(0.5 * logvar) * eps")),
    "sign of dlogvar": ("sign:std eps", backward("-0.5 * dz * np.exp(0.5 * logvar) * eps")),
    "sign of dmu": ("scale:-1", backward("0.5 * dz * np.exp(0.5 * logvar) * eps", "-dz")),
    "dmu multiplied by std": ("times-std", backward("0.5 * dz * np.exp(0.5 * logvar) * eps",
                                                    "dz * np.exp(0.5 * logvar)")),
    "dmu multiplied by eps": ("times-eps", backward("0.5 * dz * np.exp(0.5 * logvar) * eps", "dz * eps")),
    "dmu forgotten": ("zero", backward("0.5 * dz * np.exp(0.5 * logvar) * eps", "np.zeros_like(dz)")),
    "in the other order": ("other-output", backward("dz", "0.5 * dz * np.exp(0.5 * logvar) * eps")),
    "dlogvar averaged over the batch": ("scale:1/M", backward("0.5 * dz * np.exp(0.5 * logvar) * eps / len(dz)")),
    "eps changed in place": ("inplace", forward("mu + eps", "eps *= np.exp(0.5 * logvar)")),
    "dz changed in place": ("inplace", backward("dz", "dz.copy()", "dz *= 0.5 * np.exp(0.5 * logvar) * eps")),
    "dz forgotten": ("no-dz", backward("0.5 * np.exp(0.5 * logvar) * eps")),
    "dz forgotten, everywhere": ("no-dz", backward("0.5 * np.exp(0.5 * logvar) * eps", "np.ones_like(dz)")),
    "eps times both": ("brackets", forward("(mu + np.exp(0.5 * logvar)) * eps")),
    "std times mu": ("exchanged", forward("mu * np.exp(0.5 * logvar) + eps")),
    "eps inside exp": ("inside-exp", forward("mu + np.exp(0.5 * logvar * eps)")),
}

UNLISTED = {
    "a small constant under the root": """
def reparameterize(mu, logvar, eps):
    return mu + np.sqrt(np.exp(logvar) + 1e-8) * eps
""",
    "a small constant under the root, in backward": """
def reparameterize_backward(dz, logvar, eps):
    return dz, 0.5 * dz * np.sqrt(np.exp(logvar) + 1e-8) * eps
""",
    "the noise squared": forward("mu + np.exp(0.5 * logvar) * eps ** 2"),
    "std plus one": forward("mu + (1 + np.exp(0.5 * logvar)) * eps"),
    "the variance squared": forward("mu + np.exp(2 * logvar) * eps"),
    "all of it multiplied": forward("(mu + eps) * np.exp(0.5 * logvar)"),
    "the logarithm of logvar": forward("mu + np.log(logvar) * eps"),
    "mu for logvar": forward("mu + np.exp(0.5 * mu) * eps"),
    "logvar clipped": forward("mu + np.exp(0.5 * np.clip(logvar, -10, 10)) * eps"),
    "std clipped": forward("mu + np.minimum(np.exp(0.5 * logvar), 1) * eps"),
    "the derivative of a softplus": backward("dz * eps / (1 + np.exp(-logvar))"),
    "the derivative of mu added": backward("dz + 0.5 * dz * np.exp(0.5 * logvar) * eps"),
    "the prior's pull added": backward("0.5 * dz * np.exp(0.5 * logvar) * eps + 0.5 * (np.exp(logvar) - 1)"),
    "summed over the batch": backward("0.5 * (dz * np.exp(0.5 * logvar) * eps).sum(0)"),
}
