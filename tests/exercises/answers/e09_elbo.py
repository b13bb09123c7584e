"""e09: answers, right and wrong, on the evidence lower bound."""


def elbo(*, std="np.exp(0.5 * logvar)", z="mu + std * eps", logits="z @ W + b",
         log_p="(x * a - np.logaddexp(0, a)).sum(1)", var="np.exp(logvar)",
         kl="0.5 * (mu ** 2 + var - logvar - 1).sum(1)", result="log_p - kl"):
    """The function, with something of it written in another way."""
    return (f"def elbo(x, mu, logvar, eps, W, b):\n    std = {std}\n    z = {z}\n    a = {logits}\n"
            f"    log_p = {log_p}\n    var = {var}\n    kl = {kl}\n    return {result}\n")


def both(loss="(-log_p_x + beta * kl).mean()", bound="(log_p_x - kl).mean()"):
    return f"def loss_and_bound(log_p_x, kl, beta):\n    return {loss}, {bound}\n"


SIGMOID = "def sigmoid(a): return 1 / (1 + np.exp(-a))\n"

RIGHT = {
    "the master": "",
    "loops": """
import math

def elbo(x, mu, logvar, eps, W, b):
    bounds = []
    for m in range(len(x)):
        z = [mu[m, j] + math.sqrt(math.exp(logvar[m, j])) * eps[m, j] for j in range(mu.shape[1])]
        total = 0.0
        for d in range(x.shape[1]):
            a = b[d] + sum(z[j] * W[j, d] for j in range(len(z)))
            total += x[m, d] * a - (max(a, 0) + math.log1p(math.exp(-abs(a))))
        for j in range(len(z)):
            total += 0.5 * (1 + logvar[m, j] - mu[m, j] ** 2 - math.exp(logvar[m, j]))
        bounds.append(total)
    return bounds

def loss_and_bound(log_p_x, kl, beta):
    loss = bound = 0.0
    for l, k in zip(log_p_x, kl):
        loss += (beta * k - l) / len(kl)
        bound += (l - k) / len(kl)
    return loss, bound
""",
    "another algebra": elbo(
        std="np.sqrt(np.exp(logvar))", log_p="-np.logaddexp(0, (1 - 2 * x) * a).sum(axis=-1)",
        kl="-0.5 * np.sum(1 + logvar - mu ** 2 - var, axis=-1)") + both("-log_p_x.mean() + beta * kl.mean()",
                                                                       "log_p_x.mean() - kl.mean()"),
    "einsum": elbo(logits="np.einsum('mj,jd->md', z, W) + b[None]",
                   log_p="np.einsum('md,md->m', x, a) - np.maximum(a, 0).sum(1) - np.log1p(np.exp(-abs(a))).sum(1)",
                   kl="np.einsum('mj->m', mu * mu + var - logvar - 1) / 2") + both(
                       "np.sum(beta * kl - log_p_x) / len(kl)", "np.sum(log_p_x - kl) / kl.size"),
    "float32": """
def elbo(x, mu, logvar, eps, W, b):
    x, mu, logvar, eps, W, b = (a.astype(np.float32) for a in (x, mu, logvar, eps, W, b))
    a = (mu + np.exp(logvar / 2) * eps) @ W + b
    log_p = (x * a - np.maximum(a, 0) - np.log1p(np.exp(-np.abs(a)))).sum(1)
    return log_p - (mu * mu + np.exp(logvar) - logvar - 1).sum(1) / 2

def loss_and_bound(log_p_x, kl, beta):
    log_p_x, kl = log_p_x.astype(np.float32), kl.astype(np.float32)
    return (np.float32(beta) * kl - log_p_x).mean(), (log_p_x - kl).mean()
""",
    "the logarithms of two sigmoids": SIGMOID + elbo(
        log_p="np.where(x == 1, -np.logaddexp(0, -a), -np.logaddexp(0, a)).sum(1)"),
}

MISTAKES = {
    # of e03
    "cross-entropy as log-likelihood": ("sign:log p(x|z)", elbo(log_p="(np.logaddexp(0, a) - x * a).sum(1)")),
    "sigmoid twice": ("sigmoid-twice", SIGMOID + elbo(
        log_p="(x * np.log(sigmoid(sigmoid(a))) + (1 - x) * np.log(1 - sigmoid(sigmoid(a)))).sum(1)")),
    "probabilities as logits": ("sigmoid-twice", SIGMOID + elbo(logits="sigmoid(z @ W + b)")),
    "mean over D": ("mean-over-D", elbo(log_p="(x * a - np.logaddexp(0, a)).mean(1)")),
    "overflow of the exponential": ("overflow", elbo(log_p="(x * a - np.log(1 + np.exp(a))).sum(1)")),
    "overflow of the logarithm": ("overflow", SIGMOID + elbo(
        log_p="(x * np.log(sigmoid(a)) + (1 - x) * np.log(1 - sigmoid(a))).sum(1)")),
    "overflow in math": ("overflow", "import math\n" + elbo(
        log_p="np.array([[t * s - math.log1p(math.exp(s)) for t, s in zip(*r)] for r in zip(x, a)]).sum(1)")),
    "overflow of the product": ("overflow", SIGMOID + elbo(
        log_p="np.log(np.prod(np.where(x == 1, sigmoid(a), 1 - sigmoid(a)), axis=1))")),
    "ones and zeros exchanged": ("exchanged", elbo(log_p="((1 - x) * a - np.logaddexp(0, a)).sum(1)")),
    "sign of the logits": ("exchanged", elbo(log_p="(-x * a - np.logaddexp(0, -a)).sum(1)")),
    "ones only": ("ones-only", elbo(log_p="-(x * np.logaddexp(0, -a)).sum(1)")),
    "the normalizer forgotten": ("missing:log(1 + exp(logits))", elbo(log_p="(x * a).sum(1)")),
    "the normalizer added": ("sign:log(1 + exp(logits))", elbo(log_p="(x * a + np.logaddexp(0, a)).sum(1)")),
    # of e07
    "the variance as std": ("z:variance-as-std", elbo(std="np.exp(logvar)")),
    "logvar as std": ("z:logvar-as-std", elbo(std="logvar")),
    "logvar as variance in z": ("z:logvar-as-variance", elbo(std="np.sqrt(logvar)")),
    "the root of std": ("z:half-twice", elbo(std="np.sqrt(np.exp(0.5 * logvar))")),
    "half outside": ("z:half-outside", elbo(std="0.5 * np.exp(logvar)")),
    "std inverted": ("z:inverse", elbo(std="np.exp(-0.5 * logvar)")),
    "std forgotten": ("z:no-std", elbo(z="mu + eps")),
    "eps not used": ("z:no-noise", elbo(z="mu")),
    "eps not used, std is": ("z:no-eps", elbo(z="mu + std")),
    "mu not used in z": ("z:no-mu", elbo(z="std * eps")),
    "the noise subtracted": ("z:sign", elbo(z="mu - std * eps")),
    "half of logvar as std": ("z:half-logvar-as-std", elbo(std="0.5 * logvar")),
    "eps inside exp": ("z:inside-exp", elbo(z="mu + np.exp(0.5 * logvar * eps)")),
    "eps times both": ("z:brackets", elbo(z="(mu + std) * eps")),
    "std times mu": ("z:exchanged", elbo(z="mu * std + eps")),
    "a product of matrices": ("z:matmul", elbo(z="mu + std @ eps")),
    "fresh noise": ("random", elbo(z="mu + std * np.random.default_rng().standard_normal(mu.shape)")),
    "noise with a fixed seed": ("ignores:eps", elbo(z="mu + std * np.random.default_rng(0).standard_normal(mu.shape)")),
    # of e08
    "the KL added": ("sign:the KL", elbo(result="log_p + kl")),
    "the paper's -KL subtracted": ("sign:the KL", elbo(kl="0.5 * (1 + logvar - mu ** 2 - var).sum(1)")),
    "the KL forgotten": ("missing:the KL", elbo(result="log_p")),
    "mean over J": ("mean-over-J", elbo(kl="0.5 * (mu ** 2 + var - logvar - 1).mean(1)")),
    "mean over both": ("mean-over-both", elbo(log_p="(x * a - np.logaddexp(0, a)).mean(1)",
                                              kl="0.5 * (mu ** 2 + var - logvar - 1).mean(1)")),
    "log std in the KL": ("kl:log-std", elbo(kl="0.5 * (mu ** 2 + var ** 2 - 2 * logvar - 1).sum(1)")),
    "exp(2 logvar) in the KL": ("kl:variance-squared", elbo(var="np.exp(2 * logvar)")),
    "std for variance in the KL": ("kl:std-for-variance", elbo(var="std")),
    "logvar as variance in the KL": ("kl:logvar-as-variance", elbo(
        kl="0.5 * (mu ** 2 + logvar - np.log(logvar) - 1).sum(1)")),
    "log std everywhere": ("log-std", elbo(std="np.exp(logvar)", var="std ** 2",
                                           kl="(0.5 * (mu ** 2 + var - 1) - logvar).sum(1)")),
    "the -1 missing": ("missing:the -1 of the KL", elbo(kl="0.5 * (mu ** 2 + var - logvar).sum(1)")),
    "the -1 once": ("kl:one-for-all", elbo(kl="0.5 * ((mu ** 2 + var - logvar).sum(1) - 1)")),
    "one half missing": ("twice:the KL", elbo(kl="(mu ** 2 + var - logvar - 1).sum(1)")),
    "mu for mu^2": ("kl:mu-for-mu^2", elbo(kl="0.5 * (mu + var - logvar - 1).sum(1)")),
    "the other KL": ("kl:reversed", elbo(kl="0.5 * ((mu ** 2 + 1) / var + logvar - 1).sum(1)")),
    "the KL at one z": ("sampled-kl", elbo(kl="(0.5 * z ** 2 - 0.5 * eps ** 2 - 0.5 * logvar).sum(1)")),
    "the KL of densities": ("sampled-kl", elbo(
        kl="(-0.5 * ((z - mu) / std) ** 2 - np.log(std) + 0.5 * z ** 2).sum(1)")),
    # of its own
    "the loss": ("scale:-1", elbo(result="kl - log_p")),
    "bias forgotten": ("no-b", elbo(logits="z @ W")),
    "W transposed": ("transpose", elbo(logits="z @ W.T + b")),
    "averaged over the batch": ("batch-mean", elbo(result="(log_p - kl).mean()")),
    "summed over the batch": ("batch-sum", elbo(result="np.sum(log_p - kl)")),
    "beta left in the bound": ("beta-in-bound", both(bound="(log_p_x - beta * kl).mean()")),
    "the bound is minus the loss": ("beta-in-bound", """
def loss_and_bound(log_p_x, kl, beta):
    loss = np.mean(beta * kl - log_p_x)
    return loss, -loss
"""),
    "beta forgotten": ("no-beta", both("(kl - log_p_x).mean()")),
    "beta on the reconstruction": ("beta-on-log-p", both("(kl - beta * log_p_x).mean()")),
    "beta on both": ("beta-on-both", both("beta * (kl - log_p_x).mean()")),
    "sign of the loss": ("scale:-1", both("(log_p_x - beta * kl).mean()")),
    "sign of the bound": ("scale:-1", both(bound="(kl - log_p_x).mean()")),
    "sign of the KL in the loss": ("sign:the KL", both("(-log_p_x - beta * kl).mean()")),
    "sign of the KL in the bound": ("sign:the KL", both(bound="(log_p_x + kl).mean()")),
    "sign of log p in the loss": ("sign:log p(x|z)", both("(log_p_x + beta * kl).mean()")),
    "the KL forgotten in the bound": ("missing:the KL", both(bound="log_p_x.mean()")),
    "summed in both": ("scale:M", both("(beta * kl - log_p_x).sum()", "(log_p_x - kl).sum()")),
    "not averaged": ("unaveraged", both("beta * kl - log_p_x", "log_p_x - kl")),
    "in the other order": ("other-output", both("(log_p_x - kl).mean()", "(beta * kl - log_p_x).mean()")),
    "one half at mu alone": ("kl:half-of-mu^2", elbo(kl="(0.5 * mu ** 2 + var - logvar - 1).sum(1)")),
    "one mean, for log p alone": ("half-averaged", both("np.mean(-log_p_x) + beta * kl", "np.mean(log_p_x) - kl")),
}

UNLISTED = {
    "a small constant in the logarithm": elbo(kl="0.5 * (mu ** 2 + var - np.log(var + 1e-8) - 1).sum(1)"),
    "a small constant added to std": elbo(std="np.exp(0.5 * logvar) + 1e-8"),
    "a small constant under the root": elbo(std="np.sqrt(np.exp(logvar) + 1e-8)"),
    "logvar clipped": elbo(
        std="np.exp(0.5 * np.maximum(logvar, -10))", var="np.exp(np.maximum(logvar, -10))",
        kl="0.5 * (mu ** 2 + var - np.maximum(logvar, -10) - 1).sum(1)"),
    "a small number added to probabilities": SIGMOID + elbo(
        log_p="(x * np.log(sigmoid(a) + 1e-8) + (1 - x) * np.log(1 - sigmoid(a) + 1e-8)).sum(1)"),
    "probabilities clipped": SIGMOID + elbo(logits="np.clip(sigmoid(z @ W + b), 1e-7, 1 - 1e-7)",
                                            log_p="(x * np.log(a) + (1 - x) * np.log(1 - a)).sum(1)"),
    "logits clipped": elbo(logits="np.clip(z @ W + b, -30, 30)"),
    "squared error": SIGMOID + elbo(log_p="-0.5 * ((x - sigmoid(a)) ** 2).sum(1)"),
    "hyperbolic tangent": elbo(logits="np.tanh(z @ W + b)"),
    "logarithm of a negative": elbo(log_p="(x * np.log(a) + (1 - x) * np.log(1 - a)).sum(1)"),
    "half the KL": elbo(result="log_p - 0.5 * kl"),
    "the variance as std, and the KL added": elbo(std="np.exp(logvar)", result="log_p + kl"),
    "the first pixel only": elbo(log_p="(x * a - np.logaddexp(0, a))[:, 0]"),
    "the prior's density in place of the KL": elbo(kl="0.5 * (z ** 2).sum(1)"),
    "a mean over the batch in the KL": elbo(kl="0.5 * (mu ** 2 + var - logvar - 1).sum(1).mean()"),
    "of another shape": elbo(log_p="(x * a - np.logaddexp(0, a)).sum(1, keepdims=True)"),
    "the root of beta": both("(np.sqrt(beta) * kl - log_p_x).mean()"),
    "beta squared in the bound": both(bound="(log_p_x - beta ** 2 * kl).mean()"),
    "the median": both(bound="np.median(log_p_x - kl)"),
    "the best": both(bound="np.max(log_p_x - kl)"),
}
