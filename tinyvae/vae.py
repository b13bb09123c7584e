"""The variational autoencoder: encoder, reparameterization and decoder over one theta."""

import copy
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinyvae import gaussian
from tinyvae.foundation import checks
from tinyvae.layers import Chain, Dense, ReLU, bind_in_turn
from tinyvae.likelihoods import Bernoulli
from tinyvae.rows import rows

Array = np.ndarray


class VAE:
    """q(z|x) = N(z; mu(x), diag(exp(logvar(x)))), p(z) = N(0, I), p(x|z) the likelihood (AEVB section 3).

    A VAE is a stochastic layer: with the noise eps given, `forward` and `backward` are a
    deterministic function and its derivative; an objective stands behind it as the last layer.

    data_dim    D, columns of x
    latent_dim  J, dimensions of z
    hidden      sizes of the encoder's hidden layers; the decoder mirrors them; () makes both linear
    likelihood  Bernoulli(), Gaussian(std), or yours (see `likelihoods`)
    activation  class of the layer between dense layers: ReLU, Tanh, Softplus, Sigmoid, or yours
    n_classes   C; if not 0, p(x|z, y) and q(z|x, y): the one-hot label is appended to x and to z
    dtype       float32 to train, float64 to check
    rng         numpy.random.Generator, or a seed, for the initial weights

    All parameters lie in the vector `theta` (P,): the encoder's, which AEVB calls phi, before the decoder's and the
    likelihood's, its theta; each layer's W (row-major) before its b. In the same order `grad` (P,) holds dL/dtheta.
    """

    def __init__(self, data_dim: int, latent_dim: int, hidden: Sequence[int] = (400,), likelihood: Any = None,
                 activation: Any = ReLU, n_classes: int = 0, dtype: DTypeLike = np.float32, rng: Any = None):
        self.data_dim = checks.whole(data_dim, "data_dim")
        self.latent_dim = checks.whole(latent_dim, "latent_dim")
        self.hidden = tuple(checks.whole(h, "a hidden size") for h in checks.sequence(hidden, "hidden"))
        self.n_classes = checks.whole(n_classes, "n_classes", at_least=0)
        self.activation = checks.activation(activation)
        # A copy, because a likelihood remembers its latest forward.
        self.likelihood: Any = Bernoulli() if likelihood is None else copy.copy(checks.likelihood(likelihood))

        self.encoder, self.decoder = networks(self.data_dim, self.latent_dim, self.hidden, self.likelihood,
                                              activation, self.n_classes)
        self.parts = [self.encoder, self.decoder, self.likelihood]
        size = sum(part.size for part in self.parts)
        dtype = checks.real_dtype(dtype)
        self.bind(np.zeros(size, dtype), np.zeros(size, dtype))
        rng = np.random.default_rng(rng)
        for part in self.parts:
            part.init(rng)

    def bind(self, theta: Array, grad: Array) -> None:
        """Use these two vectors (P,) from now on; every layer holds views of them."""
        self._theta, self.grad = theta, grad
        bind_in_turn(self.parts, theta, grad)

    @property
    def theta(self) -> Array:
        """All parameters, (P,): AEVB's phi, then its theta."""
        return self._theta

    @theta.setter
    def theta(self, values: Array) -> None:
        if np.shape(values) != self._theta.shape:
            raise ValueError(f"theta has shape {self._theta.shape}; an array of shape {np.shape(values)} was given")
        self._theta[:] = values  # into the one vector: the layers' views see it

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.bind(self._theta, self.grad)  # a copy's layers hold views again: copy and pickle had parted them

    def parameters(self) -> dict[str, Array]:
        """{name: view of theta}, such as "encoder.0.W" (D, H)."""
        names = ["encoder", "decoder", "likelihood"]
        return {f"{part_name}.{name}": view for part_name, part in zip(names, self.parts, strict=True)
                for name, view in part.parameters().items()}

    def __repr__(self) -> str:
        return (f"<VAE {self.data_dim} – {' – '.join(map(str, (*self.hidden, self.latent_dim)))}, "
                f"{type(self.likelihood).__name__}, {self.activation.__name__}"
                f"{f', {self.n_classes} classes' if self.n_classes else ''}: {self.theta.size:,} parameters "
                f"{self.theta.dtype}>")

    def start_from(self, x: Array) -> None:
        """Before training: let E[x|z] begin near the mean of the rows x (N, D), and sigma, if it is learned, at their
        deviation from it. Only the decoder's last bias and sigma change.

        A Gaussian whose sigma is far larger than what x varies by takes x for noise and may never use z.
        """
        if not hasattr(self.likelihood, "start"):
            raise TypeError(f"{type(self.likelihood).__name__} has no method start(mean, deviation), which would say "
                            "how; see the contract in tinyvae.likelihoods")
        data = rows(self, x, 0 if self.n_classes else None)
        self.decoder.layers[-1].b[:] = self.likelihood.start(data.mean(), data.deviation() or 1.0)

    # ---- the stochastic layer ------------------------------------------------------------

    def forward(self, x: Array, eps: Array, y: Array | None = None) -> tuple[Array, Array, Array, Array]:
        """(mu, logvar, z, out) for x (M, D) and noise eps (M, J), or (K, M, J) for K samples each.

        mu, logvar: (M, J). z: like eps. out, for the likelihood: (M, D') or (K, M, D'), where
        D' = likelihood.columns * D.
        """
        x, self.eps, y = self.check(x, eps, y)
        self.mu, self.logvar = self._encode(x, y)  # (M, J) each
        z = gaussian.reparameterize(self.mu, self.logvar, self.eps)  # (K, M, J)
        return self.mu, self.logvar, z, self._decode(z, y)

    def backward(self, dout: Array, dz: Any = 0.0, dmu: Any = 0.0, dlogvar: Any = 0.0) -> None:
        """Fill `grad` from what the objective sends to out and, directly, to z, mu and logvar.

        Shapes as in `forward`, or broadcasting to them. May destroy dout. It is the backward of the latest
        `forward`: `encode`, `decode`, `sample` and `reconstruct` overwrite what it reads.
        """
        checks.after_forward(self, "eps")
        J, shape = self.latent_dim, self.eps.shape
        dz_decoder = self.decoder.backward(dout.reshape(-1, dout.shape[-1]))  # (K M, J + C)
        dz = dz_decoder[:, :J].reshape(shape) + dz  # (K, M, J)
        dmu_path, dlogvar_path = gaussian.reparameterize_backward(dz, self.logvar, self.eps)  # (M, J)
        dcode = np.hstack([dmu_path + dmu, dlogvar_path + dlogvar])  # (M, 2J)
        self.encoder.backward(dcode, need_dx=False)

    def _encode(self, x: Array, y: Array | None) -> tuple[Array, Array]:
        code = self.encoder.forward(self._append(x, y))  # (M, 2J)
        return code[:, : self.latent_dim], code[:, self.latent_dim :]

    def _decode(self, z: Array, y: Array | None) -> Array:
        # Samples are folded into the rows, so that each layer is one matrix product.
        z = self._append(z, y)
        out = self.decoder.forward(z.reshape(-1, z.shape[-1]))  # (K M, D')
        return out.reshape(*z.shape[:-1], -1)

    def _append(self, a: Array, y: Array | None) -> Array:
        """(..., M, I) -> (..., M, I + C): the one-hot label behind every row."""
        if y is None:
            return a
        label = np.zeros((len(y), self.n_classes), a.dtype)  # (M, C), one-hot
        label[np.arange(len(y)), y] = 1
        return np.concatenate([a, np.broadcast_to(label, (*a.shape[:-1], self.n_classes))], axis=-1)

    # ---- for the user ----------------------------------------------------------------------

    def encode(self, x: Array, y: Array | None = None) -> tuple[Array, Array]:
        """mu and logvar of q(z|x), (M, J) each, for x (M, D)."""
        return self._encode(*rows(self, x, y).draw())

    def decode(self, z: Array, y: Array | None = None) -> Array:
        """E[x|z], (M, D), for z (M, J)."""
        z = checks.finite(checks.cast(checks.matrix(z, self.latent_dim, "z"), self.theta.real.dtype), "z")
        return self.likelihood.mean(self._decode(z, checks.labels(y, len(z), self.n_classes)))

    def sample(self, n: int, rng: Any = None, y: Array | None = None) -> Array:
        """n draws of x ~ p(x|z), z ~ N(0, I), as (n, D). For the cleaner E[x|z], decode such z.

        rng: a numpy.random.Generator, or a seed. y: labels (n,), or one label for all.
        """
        checks.parameters(self.theta)
        rng = np.random.default_rng(rng)
        z = rng.standard_normal((checks.whole(n, "n"), self.latent_dim), dtype=self.theta.dtype)
        return self.likelihood.sample(self._decode(z, checks.labels(y, n, self.n_classes)), rng)

    def reconstruct(self, x: Array, y: Array | None = None) -> Array:
        """E[x|z] at z = mu(x), (M, D), for x (M, D)."""
        x, y = rows(self, x, y).draw()
        return self.likelihood.mean(self._decode(self._encode(x, y)[0], y))

    def check(self, x: Array, eps: Array, y: Array | None = None) -> tuple[Array, Array, Array | None]:
        """x (M, D), eps (M, J) or (K, M, J) and y (M,) as arrays to compute with: the door of `forward` and objectives.

        ValueError or TypeError, which say what is wrong: shapes, numbers that are not finite, x that is impossible
        under the likelihood, labels.
        """
        x, y = rows(self, x, y).draw()
        return x, checks.noise(eps, len(x), self.latent_dim, x.dtype), y


def networks(data_dim: int, latent_dim: int, hidden: Sequence[int], likelihood: Any, activation: Any,
             n_classes: int) -> tuple[Chain, Chain]:
    """The encoder, x (and label) -> mu and logvar, and its mirror image, the decoder, z (and label) -> out."""
    D, J, C = data_dim, latent_dim, n_classes
    return (mlp([D + C, *hidden, 2 * J], activation),
            mlp([J + C, *hidden[::-1], likelihood.columns * D], activation))


def mlp(sizes: list[int], activation: Any) -> Chain:
    """Dense layers from size to size with `activation()` between them."""
    first, *rest = [Dense(n_in, n_out) for n_in, n_out in itertools.pairwise(sizes)]
    return Chain(first, *[layer for dense in rest for layer in (activation(), dense)])
