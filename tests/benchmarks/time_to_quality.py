"""Seconds of training until the test ELBO is met that the `vae` of pytorch/examples has after its 10 epochs.

    TINYVAE_DATA=FOLDER python tests/benchmarks/time_to_quality.py [--rounds 3]      (needs the extra `bench`)

The same model on both sides, 784-400-20-400-784 with ReLU and a Bernoulli loss, the same grey pixels of MNIST and two
threads. PyTorch follows its script: batches of 128, Adam 1e-3, 10 epochs (only faster: the images lie in memory as
floats, and Adam is fused). tinyvae runs a shorter schedule to its end: larger batches, a ten times larger learning
rate that rises for a hundred steps and then falls as a cosine, Adam with shorter memories, and at the start the logit
of each pixel's mean as its bias. Its defaults were found on 5,000 held-out training rows (--held-out 5000 measures on
them), not on the test set.

So what is compared is a recipe as much as a program: PyTorch would gain from the same recipe as well. How the two
compare step by step, step.py says. Training alone is timed, each run is a process of its own, and the sides take turns;
the ratio is the median over the rounds, and counts only if tinyvae's ELBO is as good as PyTorch's of the same round.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time

import numpy as np

THREADS = 2


def pytorch(train, test, args) -> tuple[float, float]:
    import torch
    from pytorch_example import VAE

    torch.set_num_threads(THREADS)
    torch.manual_seed(args.seed)
    train, test = (torch.from_numpy(x.astype(np.float32) / 255) for x in (train, test))
    model = VAE()
    adam = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    start = time.perf_counter()
    for _ in range(10):
        for rows in torch.randperm(len(train)).split(128):
            adam.zero_grad()
            model.loss(train[rows]).backward()
            adam.step()
    seconds = time.perf_counter() - start
    with torch.no_grad():
        return -model.loss(test).item() / len(test), seconds


def tinyvae(train, test, args) -> tuple[float, float]:
    import tinyvae as tv
    from tinyvae import evaluation

    start = time.perf_counter()
    vae = tv.VAE(784, 20, rng=args.seed)
    mean = (train.mean(0) / 255).clip(0.001, 0.999)
    vae.parameters()["decoder.2.b"][:] = np.log(mean / (1 - mean))
    steps = args.epochs * math.ceil(len(train) / args.batch_size)
    cosine = tv.Cosine(args.lr, steps)
    adam = tv.Adam(vae, lambda t: min((t + 1) / 100, 1) * cosine(t), beta1=0.8, beta2=0.98)
    tv.fit(vae, train, None, adam, args.epochs, args.batch_size, args.seed, binarization="none", progress=False)
    seconds = time.perf_counter() - start
    return evaluation.elbo(vae, test, binarization="none", rng=args.seed)["elbo"], seconds


SIDES = {"PyTorch": pytorch, "tinyvae": tinyvae}


def work(args) -> None:
    """The other process: one training run, whose ELBO and seconds go out."""
    import tinyvae as tv

    data = tv.datasets.load("mnist", validation=args.held_out)
    print(json.dumps(SIDES[args.side](data.train.x, (data.validation if args.held_out else data.test).x, args)))


def run(side: str, seed: int) -> list[float]:
    env = os.environ | {f"{library}_NUM_THREADS": str(THREADS) for library in ("OPENBLAS", "OMP", "MKL")}
    command = [sys.executable, __file__, *sys.argv[1:], "--side", side, "--seed", str(seed)]
    elbo, seconds = json.loads(subprocess.run(command, env=env, check=True, text=True, stdout=subprocess.PIPE).stdout)
    print(f"round {seed + 1}, {side}: ELBO {elbo:.2f} nats in {seconds:.1f} s", file=sys.stderr)
    return elbo, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--lr", type=float, default=1e-2, help="of tinyvae, at its largest (default 0.01)")
    parser.add_argument("--epochs", type=int, default=5, help="of tinyvae (default 5)")
    parser.add_argument("--batch-size", type=int, default=256, help="of tinyvae (default 256)")
    parser.add_argument("--held-out", type=int, default=0, help="measure on so many training rows, held out")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side:
        return work(args)
    results = {side: [] for side in SIDES}
    for r in range(args.rounds):
        for side in SIDES if r % 2 == 0 else reversed(SIDES):
            results[side].append(run(side, r))
    (theirs, their_seconds), (ours, our_seconds) = (zip(*results[side], strict=True) for side in SIDES)
    ratio = statistics.median(a / b for a, b in zip(their_seconds, our_seconds, strict=True))
    short = sum(a < b for a, b in zip(ours, theirs, strict=True))
    verdict = f"{ratio:.2f}" + (f" (void: the ELBO fell short in {short} of {args.rounds} rounds)" if short else "")
    data = f"ELBO on {args.held_out} held-out rows" if args.held_out else "test ELBO"
    print(f"| side | epochs | {data}: mean (lowest) | seconds: median | times as fast |\n|---|---|---|---|---|")
    for side, epochs, elbos, seconds, fast in (("PyTorch", 10, theirs, their_seconds, 1),
                                               ("tinyvae", args.epochs, ours, our_seconds, verdict)):
        print(f"| {side} | {epochs} | {statistics.mean(elbos):.2f} ({min(elbos):.2f}) "
              f"| {statistics.median(seconds):.1f} | {fast} |")


if __name__ == "__main__":
    main()
