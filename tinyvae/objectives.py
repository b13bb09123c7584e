"""The objectives, each the last layer of a model.

loss = the negative bound in nats: summed over the D data dimensions and the J latent
dimensions, averaged over the M examples. Never averaged over pixels: that would weigh the
reconstruction D times less against the KL.
"""

import numpy as np

from tinyvae import gaussian
from tinyvae.foundation import checks
from tinyvae.functions import logmeanexp, softmax
from tinyvae.vae import VAE

Array = np.ndarray

NEGLIGIBLE = 1e-20  # a weight, beside others that sum to one


class ELBO:
    """The evidence lower bound (AEVB eq. 3 and 7, with the KL in closed form, eq. 10).

    loss = mean over the M examples of   -E_q[log p(x|z)]  +  beta * KL(q(z|x) || N(0, I))

    beta        1 for the bound; other values weigh the KL (Higgins et al. 2017)
    free_bits   nats of KL that each latent dimension has for free, on the average of the
                batch: sum_j max(free_bits, mean_m KL_j) (Kingma et al. 2016, section C.8)

    After `forward`: `reconstruction` (M,) = -E_q[log p(x|z)] and `kl` (M,), both in nats and
    free of beta and free_bits: the bound itself is -(reconstruction + kl).
    """

    def __init__(self, vae: VAE, beta: float = 1.0, free_bits: float = 0.0):
        self.vae = checks.model(vae)
        self.beta = checks.number(beta, "beta", at_least=0)
        self.free_bits = checks.number(free_bits, "free_bits", at_least=0)

    def forward(self, x: Array, eps: Array, y: Array | None = None) -> float:
        """The loss for x (M, D) and noise eps (M, J), or (K, M, J) to average over K samples (AEVB: L)."""
        x, eps, y = self.vae.check(x, eps, y)
        eps = eps.reshape(-1, *eps.shape[-2:])  # (M, J) is one sample
        self.mu, self.logvar, _, out = self.vae.forward(x, eps, y)
        self.log_p_x = self.vae.likelihood.log_prob(x, out)  # (K, M)
        self.reconstruction = -self.log_p_x.mean(0)  # (M,), AEVB eq. (7)
        kl_j = gaussian.kl(self.mu, self.logvar)  # (M, J)
        self.kl = kl_j.sum(1)  # (M,)
        rate_j = kl_j.mean(0)  # (J,)
        self.above = rate_j > self.free_bits  # (J,)
        loss = self.reconstruction.mean() + self.beta * np.maximum(rate_j, self.free_bits).sum()
        return loss.item()

    def backward(self) -> None:
        """Fill `vae.grad` with the derivative of the latest loss."""
        checks.after_forward(self, "log_p_x")
        dlog_p_x = np.full_like(self.log_p_x, -1 / self.log_p_x.size)  # (K, M)
        dkl_j = np.full_like(self.mu, self.beta / len(self.mu)) * self.above  # (M, J)
        dmu, dlogvar = gaussian.kl_backward(dkl_j, self.mu, self.logvar)  # (M, J)
        self.vae.backward(self.vae.likelihood.backward(dlog_p_x), dmu=dmu, dlogvar=dlogvar)


class IWAE:
    """The importance-weighted bound of K samples (Burda et al. 2015, eq. 8).

    loss = mean over the M examples of   -log 1/K sum_k w_k,   w_k = p(x|z_k) p(z_k) / q(z_k|x)

    After `forward`: `log_weights` (K, M), and `reconstruction` (M,) and `kl` (M,) as for the ELBO.
    """

    def __init__(self, vae: VAE):
        self.vae = checks.model(vae)

    def forward(self, x: Array, eps: Array, y: Array | None = None) -> float:
        """The loss for x (M, D) and noise eps (K, M, J)."""
        x, eps, y = self.vae.check(x, eps, y)
        eps = eps.reshape(-1, *eps.shape[-2:])  # (M, J) is one sample
        mu, logvar, self.z, out = self.vae.forward(x, eps, y)  # z: (K, M, J)
        log_p_x = self.vae.likelihood.log_prob(x, out)  # (K, M)
        log_p_z = gaussian.log_standard_density(self.z)  # (K, M)
        # z = mu + std eps, so its density is that of eps divided by the volume prod_j std_j.
        log_q = gaussian.log_standard_density(eps) - 0.5 * logvar.sum(1)  # (K, M)
        self.log_weights = log_p_x + log_p_z - log_q
        self.reconstruction = -log_p_x.mean(0)  # (M,)
        self.kl = gaussian.kl(mu, logvar).sum(1)  # (M,)
        return -logmeanexp(self.log_weights).mean().item()

    def backward(self) -> None:
        """Fill `vae.grad` with the derivative of the latest loss (IWAE eq. 14)."""
        checks.after_forward(self, "log_weights")
        w = softmax(self.log_weights)  # (K, M)
        # Less than rounding, whose products would be denormal numbers: with those, this takes ten times as long.
        w[w < NEGLIGIBLE] = 0
        dlog_w = w * (-1 / w.shape[1])  # (K, M)
        dz = gaussian.log_standard_density_backward(dlog_w, self.z)  # (K, M, J)
        # From -log q = 1/2 sum_j logvar_j + …: each of the J entries gets 1/2 sum_k dlog_w, that is -1/(2M).
        # mu gets nothing directly: at fixed eps, log q does not depend on it.
        dlogvar = 0.5 * dlog_w.sum(0)[:, None]  # (M, 1)
        self.vae.backward(self.vae.likelihood.backward(dlog_w), dz=dz, dlogvar=dlogvar)
