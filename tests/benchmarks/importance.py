"""How long log p(x) by importance sampling takes, against PyTorch: a table of docs/benchmarks.md.

    python tests/benchmarks/importance.py [--rounds 15]

Images one after the other, four in a turn, 5000 samples each, the 784-200-200-50 model with tanh, float32, two
threads: a test set costs so many times as much. `torch-N` works on N samples at once; `torch` on 500, as tinyvae does.
"""

import itertools
import math

import numpy as np
from peers import THREADS, Peer, compare, main, options, timed
from step import batches, widths

D, HIDDEN, J, K, IMAGES = 784, (200, 200), 50, 5000, 4


def tinyvae(_):
    import tinyvae as tv

    vae, rng = tv.VAE(D, J, HIDDEN, activation=tv.Tanh, rng=0), np.random.default_rng(0)
    return lambda x: tv.log_likelihood(vae, x, K, rng)


def torch(at_once):
    import torch
    import torch.nn.functional as F

    torch.set_num_threads(THREADS)

    def mlp(sizes):
        linear = [torch.nn.Linear(*pair) for pair in itertools.pairwise(sizes)]
        return torch.nn.Sequential(linear[0], *[part for layer in linear[1:] for part in (torch.nn.Tanh(), layer)])

    encoder, decoder = map(mlp, widths(D, HIDDEN, J))

    @torch.inference_mode()
    def log_p(x):
        mu, logvar = encoder(x).chunk(2, -1)
        log_w = []
        for _ in range(0, K, at_once):
            eps = torch.randn(at_once, J)
            z = mu + torch.exp(0.5 * logvar) * eps
            log_p_x = -F.binary_cross_entropy_with_logits(decoder(z), x.expand(at_once, D), reduction="none").sum(1)
            log_w.append(log_p_x + 0.5 * (eps * eps - z * z + logvar).sum(1))
        return torch.logsumexp(torch.cat(log_w), 0).item() - math.log(K)

    return lambda x: [log_p(row) for row in torch.from_numpy(x).split(1)]


PEERS = {"tinyvae": (tinyvae, 0), "torch": (torch, 500), "torch-100": (torch, 100), "torch-1000": (torch, 1000),
         "torch-5000": (torch, 5000)}


def make(peer):
    build, at_once = PEERS[peer]
    return timed(build(at_once), batches(D, IMAGES), steps=2, warm=1)


def measure(rounds) -> list[dict]:
    return compare(f"K = {K}", [Peer(__file__, name) for name in PEERS], rounds,
                   "microseconds for four images: median (quartiles)")


if __name__ == "__main__":
    main(make, measure, options(__doc__, rounds=15))
