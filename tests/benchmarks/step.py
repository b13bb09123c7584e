"""How long one training step takes, against PyTorch, JAX and the floor: a table of docs/benchmarks.md.

    python tests/benchmarks/step.py [--rounds 30] [--settings A B20 B100] [--peers tinyvae torch …]

A step draws the noise, runs forward and backward, and takes one step of Adam: same model, batch, dtype and number of
threads (2) for all. Random data: the time does not depend on it. Needs the extra `bench`.
"""

import itertools
import math

import numpy as np
from peers import THREADS, Peer, compare, main, options, timed

SETTINGS = {  # D, hidden, J, activation, M
    "A": (784, (400,), 20, "ReLU", 128),
    "B20": (784, (200, 200), 50, "Tanh", 20),
    "B100": (784, (200, 200), 50, "Tanh", 100),
}
STEPS = 20  # in a turn


def batches(D: int, M: int) -> list[np.ndarray]:
    return list((np.random.default_rng(0).random((16, M, D)) < 0.13).astype(np.float32))


def widths(D, hidden, J):
    return [D, *hidden, 2 * J], [J, *hidden[::-1], D]


# ---- the peers: each gives step(x) ------------------------------------------------------------------


def tinyvae(D, hidden, J, activation, M):
    import tinyvae as tv

    vae = tv.VAE(D, J, hidden, activation=getattr(tv, activation), rng=0)
    elbo, adam, rng = tv.ELBO(vae), tv.Adam(vae, 1e-3), np.random.default_rng(0)

    def step(x):
        loss = elbo.forward(x, rng.standard_normal((M, J), dtype=np.float32))
        elbo.backward()
        adam.step()
        return loss

    return step


def torch(D, hidden, J, activation, M, compiled=False):
    import torch
    import torch.nn.functional as F

    torch.set_num_threads(THREADS)
    act = {"ReLU": torch.nn.ReLU, "Tanh": torch.nn.Tanh}[activation]

    def mlp(sizes):
        layers = [layer for pair in itertools.pairwise(sizes) for layer in (torch.nn.Linear(*pair), act())]
        return torch.nn.Sequential(*layers[:-1])

    encoder, decoder = map(mlp, widths(D, hidden, J))
    adam = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], 1e-3, fused=True)

    def loss_of(x):
        mu, logvar = encoder(x).chunk(2, -1)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        reconstruction = F.binary_cross_entropy_with_logits(decoder(z), x, reduction="sum")
        return (reconstruction + 0.5 * torch.sum(mu.pow(2) + logvar.exp() - 1 - logvar)) / M

    if compiled:
        loss_of = torch.compile(loss_of)

    def step(x):
        adam.zero_grad(set_to_none=True)
        loss = loss_of(torch.from_numpy(x))
        loss.backward()
        adam.step()
        return loss.item()

    return step


def torch_compile(*setting):
    return torch(*setting, compiled=True)


def jax(D, hidden, J, activation, M):
    import jax
    import jax.numpy as jnp

    act = {"ReLU": jax.nn.relu, "Tanh": jnp.tanh}[activation]
    rng = np.random.default_rng(0)
    params = [[(jnp.asarray(rng.uniform(-1, 1, (i, o)) / math.sqrt(i), jnp.float32), jnp.zeros(o))
               for i, o in itertools.pairwise(sizes)] for sizes in widths(D, hidden, J)]

    def mlp(layers, x):
        for W, b in layers[:-1]:
            x = act(x @ W + b)
        return x @ layers[-1][0] + layers[-1][1]

    def loss_of(params, x, key):
        mu, logvar = jnp.split(mlp(params[0], x), 2, axis=1)
        a = mlp(params[1], mu + jnp.exp(0.5 * logvar) * jax.random.normal(key, mu.shape))
        reconstruction = jnp.sum(jax.nn.softplus(a) - x * a)
        return (reconstruction + 0.5 * jnp.sum(mu**2 + jnp.exp(logvar) - 1 - logvar)) / M

    def update(state, x):
        params, m, v, t, key = state
        key, now = jax.random.split(key)
        loss, grads = jax.value_and_grad(loss_of)(params, x, now)
        t += 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, grads)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, grads)
        params = jax.tree.map(lambda p, m, v: p - 1e-3 * (m / (1 - 0.9**t)) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8),
                              params, m, v)
        return (params, m, v, t, key), loss

    update = jax.jit(update, donate_argnums=0)
    zeros = [jax.tree.map(jnp.zeros_like, params) for _ in range(2)]
    state = (params, *zeros, jnp.float32(0), jax.random.key(0))

    def step(x):
        nonlocal state
        state, loss = update(state, x)
        return float(loss)

    return step


def floor(D, hidden, J, activation, M):
    """The bare matrix products, and one pass over what an optimizer must touch (theta, grad and two moments)."""
    rng = np.random.default_rng(0)
    pairs = [pair for sizes in widths(D, hidden, J) for pair in itertools.pairwise(sizes)]
    layers = [tuple(rng.standard_normal(shape, dtype=np.float32) for shape in ((M, i), (i, o), (M, o)))
              for i, o in pairs]
    outs = [tuple(np.empty(shape, np.float32) for shape in ((M, o), (i, o), (M, i))) for i, o in pairs]
    theta, grad, m, v = np.zeros((4, sum((i + 1) * o for i, o in pairs)), np.float32)

    def step(x):
        for k, ((a, W, dy), (y, dW, dx)) in enumerate(zip(layers, outs, strict=True)):
            np.matmul(a, W, out=y)
            np.matmul(a.T, dy, out=dW)
            if k > 0:
                np.matmul(dy, W.T, out=dx)
        np.add(theta, grad, out=theta)
        np.add(m, v, out=m)
        return 0.0

    return step


def adam(D, hidden, J, activation, M):
    """tinyvae's Adam alone, on as many parameters."""
    import tinyvae as tv

    vae = tv.VAE(D, J, hidden, rng=0)
    vae.grad[:] = np.random.default_rng(0).standard_normal(vae.grad.size)
    optimizer = tv.Adam(vae, 1e-3)
    return lambda x: optimizer.step()


PEERS = {"tinyvae": tinyvae, "torch": torch, "torch-compile": torch_compile, "jax": jax, "floor": floor, "adam": adam}


def make(peer, setting):
    D, *_, M = SETTINGS[setting]
    return timed(PEERS[peer](*SETTINGS[setting]), batches(D, M), STEPS, warm=5)


def measure(rounds, settings=SETTINGS, peers=PEERS) -> list[dict]:
    return [row for setting in settings
            for row in compare(setting, [Peer(__file__, name, setting) for name in peers], rounds,
                               "microseconds a step: median (quartiles)")]


if __name__ == "__main__":
    parser = options(__doc__, rounds=30)
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=SETTINGS)
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=PEERS)
    main(make, measure, parser)
