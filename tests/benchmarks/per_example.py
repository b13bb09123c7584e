"""What a minibatch is worth: the cost of an image when gradients are taken one example at a time, beside tinyvae.

    python tests/benchmarks/per_example.py [--rounds 7] [--batches 5]

Who looks for a VAE in pure NumPy finds public code that goes through each batch of 64 in a Python loop: vector-matrix
products, outer products for dW, and a whole Adam step over all parameters after every example, in float64. Here this
scheme is written anew from that description, none of it copied, for 784-400-20-400-784 with ReLU on the bundled digits
(grey pixels), beside tinyvae with the same sizes, start, images, noise and learning rate: 64 examples are one product
and one Adam step, in float32. Both are NumPy with the same threads.

Both work: before the clock starts their losses and gradients are compared, and both bounds are measured at the end. An
image is not the same work for both, for the loop takes 64 times as many steps and so learns more from each image.
Hence the last column, where tinyvae goes on (on the same few digits, again and again) until it too has had the seconds
that the loop has had.
"""

import time

import numpy as np
from peers import Peer, main, options, ratio, spread, take_turns

import tinyvae as tv
from tinyvae import evaluation
from tinyvae.functions import sigmoid, softplus

M, D, H, J, LR = 64, 784, 400, 20, 1e-3
BATCHES = 5  # in a turn


class Loop:
    """One example at a time: loss, gradient and Adam on a list of arrays."""

    def __init__(self, vae: tv.VAE):
        self.parameters = [p.astype(np.float64) for p in vae.parameters().values()]
        self.m, self.v = ([np.zeros_like(p) for p in self.parameters] for _ in range(2))
        self.t = 0

    def gradient(self, x, eps):
        W1, b1, W2, b2, W3, b3, W4, b4 = self.parameters
        h = np.maximum(x @ W1 + b1, 0)
        code = h @ W2 + b2
        mu, logvar = code[:J], code[J:]
        std = np.exp(0.5 * logvar)
        z = mu + std * eps
        g = np.maximum(z @ W3 + b3, 0)
        a = g @ W4 + b4
        loss = np.sum(softplus(a) - x * a) + 0.5 * np.sum(mu**2 + std**2 - logvar - 1)
        da = sigmoid(a) - x
        dg = (W4 @ da) * (g > 0)
        dz = W3 @ dg
        dcode = np.concatenate([dz + mu, 0.5 * (dz * std * eps + std**2 - 1)])
        dh = (W2 @ dcode) * (h > 0)
        inputs_and_derivatives = (x, dh), (h, dcode), (z, dg), (g, da)
        return loss, [d for a, dy in inputs_and_derivatives for d in (np.outer(a, dy), dy)]

    def adam(self, gradient) -> None:
        self.t += 1
        for p, d, m, v in zip(self.parameters, gradient, self.m, self.v, strict=True):
            m += 0.1 * (d - m)
            v += 0.001 * (d * d - v)
            p -= LR * (m / (1 - 0.9**self.t)) / (np.sqrt(v / (1 - 0.999**self.t)) + 1e-8)

    def step(self, x, eps) -> None:
        for one, noise in zip(x, eps, strict=True):
            _, gradient = self.gradient(one, noise)
            self.adam(gradient)

    def theta(self):
        return np.concatenate([p.ravel() for p in self.parameters])


class Batch:
    """The minibatch as one product: tinyvae."""

    def __init__(self, vae: tv.VAE):
        self.elbo, self.optimizer = tv.ELBO(vae), tv.Adam(vae, LR)

    def step(self, x, eps) -> None:
        self.elbo.forward(x, eps)
        self.elbo.backward()
        self.optimizer.step()

    def theta(self):
        return self.elbo.vae.theta


def same_model(x, eps) -> None:
    """Loss and gradient of the loop, averaged over a batch, are those of tinyvae in float64."""
    vae = tv.VAE(D, J, (H,), dtype=np.float64, rng=0)
    elbo, loop = tv.ELBO(vae), Loop(vae)
    losses, gradients = zip(*map(loop.gradient, x.astype(np.float64), eps.astype(np.float64)), strict=True)
    np.testing.assert_allclose(elbo.forward(x, eps), np.mean(losses), rtol=1e-12)
    elbo.backward()
    mean = np.concatenate([np.mean(ds, axis=0).ravel() for ds in zip(*gradients, strict=True)])
    np.testing.assert_allclose(vae.grad, mean, rtol=0, atol=1e-10)


SIDES = {"one example at a time": Loop, "tinyvae": Batch}


def make(name):
    data, rng = tv.datasets.load("mnist-small"), np.random.default_rng(0)
    side = SIDES[name](tv.VAE(D, J, (H,), rng=0))

    def batch():
        x = data.train.x[rng.integers(0, len(data.train.x), M)]
        return (x / 255).astype(np.float32), rng.standard_normal((M, J), dtype=np.float32)

    def bound():
        judge = tv.VAE(D, J, (H,))
        judge.theta[:] = side.theta()
        return evaluation.elbo(judge, data.test.x, binarization="none", n_samples=10)["elbo"]

    def microseconds():
        batches = [batch() for _ in range(BATCHES)]
        start = time.perf_counter()
        for x, eps in batches:
            side.step(x, eps)
        return (time.perf_counter() - start) / (BATCHES * M) * 1e6

    same_model(*batch())
    return lambda task: bound() if task == "bound" else microseconds()


def measure(rounds) -> list[dict]:
    loop, ours = peers = [Peer(__file__, name) for name in SIDES]
    take_turns(peers, ["turn"] * rounds)
    equal_images, times = [round(peer.ask("bound")) for peer in peers], [[*peer.answers] for peer in peers]
    while sum(ours.answers) < sum(loop.answers):
        ours.answers.append(ours.ask("turn"))
    seconds = sum(loop.answers) * BATCHES * M / 1e6
    return [{"peer": peer.name, "microseconds an image: median (quartiles)": spread(cost),
             "speed, the loop = 1": ratio(times[0], cost), f"test ELBO after {rounds * BATCHES * M} images": elbo,
             f"after {seconds:.0f} s": round(peer.ask("bound"))}
            for peer, cost, elbo in zip(peers, times, equal_images, strict=True)]


if __name__ == "__main__":
    main(make, measure, options(__doc__, rounds=7))
