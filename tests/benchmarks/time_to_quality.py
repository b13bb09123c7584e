"""Seconds of training until the test ELBO is met that the `vae` of pytorch/examples has after its 10 epochs.

    TINYVAE_DATA=FOLDER python tests/benchmarks/time_to_quality.py [--rounds 3]      (needs the extra `bench`)

The same model on both sides, 784-400-20-400-784 with ReLU and a Bernoulli loss, the same grey pixels of MNIST and two
threads. PyTorch follows its script: batches of 128, Adam 1e-3, 10 epochs (only faster: the images lie in memory as
floats, and Adam is fused). tinyvae runs a shorter schedule to its end: larger batches, a ten times larger learning
rate that rises for a hundred steps and then falls as a cosine, Adam with shorter memories, and at the start the logit
of each pixel's mean as its bias. The recipe was found on 5,000 held-out training rows (--held-out 5000 measures on
them), not on the test set.

So what is compared is a recipe as much as a program: PyTorch would gain from the same recipe as well. How the two
compare step by step, step.py says. Training alone is timed; a round is a seed. The speed counts only if tinyvae's ELBO
is as good as PyTorch's in each round.
"""

import math
import statistics
import sys
import time

import numpy as np
from peers import Peer, main, options, ratio, take_turns

EPOCHS, BATCH_SIZE, LR = 5, 256, 1e-2  # of tinyvae


def torch(train, test):
    import pytorch_example

    train, test = pytorch_example.grey(train), pytorch_example.grey(test)

    def run(seed):
        start = time.perf_counter()
        model = pytorch_example.trained(train, seed, fused=True)
        seconds = time.perf_counter() - start
        return -pytorch_example.test_loss(model, test), seconds

    return run


def tinyvae(train, test):
    import tinyvae as tv
    from tinyvae import evaluation

    def run(seed):
        start = time.perf_counter()
        vae = tv.VAE(784, 20, rng=seed)
        mean = (train.mean(0) / 255).clip(0.001, 0.999)
        vae.parameters()["decoder.2.b"][:] = np.log(mean / (1 - mean))
        cosine = tv.Cosine(LR, EPOCHS * math.ceil(len(train) / BATCH_SIZE))
        adam = tv.Adam(vae, lambda t: min((t + 1) / 100, 1) * cosine(t), beta1=0.8, beta2=0.98)
        tv.fit(vae, train, None, adam, EPOCHS, BATCH_SIZE, seed, binarization="none", progress=False)
        seconds = time.perf_counter() - start
        return evaluation.elbo(vae, test, binarization="none", rng=seed)["elbo"], seconds

    return run


SIDES = {"torch": (torch, 10), "tinyvae": (tinyvae, EPOCHS)}


def make(side, held_out):
    import tinyvae as tv

    data = tv.datasets.load("mnist", validation=int(held_out))
    return SIDES[side][0](data.train.x, (data.validation if int(held_out) else data.test).x)


def measure(rounds, held_out=0) -> list[dict]:
    peers = [Peer(__file__, side, str(held_out)) for side in SIDES]
    take_turns(peers, list(range(rounds)))
    elbos, seconds = zip(*(zip(*peer.answers, strict=True) for peer in peers), strict=True)
    theirs, ours = elbos
    if any(b < a for a, b in zip(theirs, ours, strict=True)):
        sys.exit(f"tinyvae's ELBO fell short of PyTorch's in a round: {ours} and {theirs}; no speed to tell")
    return [{"peer": peer.name, "epochs": SIDES[peer.name][1], "test ELBO": round(statistics.mean(elbo), 2),
             "lowest": round(min(elbo), 2), "seconds: median": round(statistics.median(time), 1),
             "speed, torch = 1": ratio(seconds[0], time)}
            for peer, elbo, time in zip(peers, elbos, seconds, strict=True)]


if __name__ == "__main__":
    parser = options(__doc__, rounds=3)
    parser.add_argument("--held-out", type=int, default=0, help="measure on so many training rows, held out")
    main(make, measure, parser)
