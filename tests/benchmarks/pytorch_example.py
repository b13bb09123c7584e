"""The test loss that the `vae` of pytorch/examples reaches: the figure that tests/test_mnist.py asks us to meet.

    TINYVAE_DATA=FOLDER python tests/benchmarks/pytorch_example.py [--seeds 3]      (needs the extra `bench`)

784-400-20-400-784 with ReLU, grey pixels under a Bernoulli loss, batches of 128, Adam 1e-3, 10 epochs, PyTorch's
default initialization; the test loss in nats an image after each epoch, and the mean over the seeds of the last.
"""

import argparse

import numpy as np
import torch
import torch.nn.functional as F

import tinyvae as tv


class VAE(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.code = torch.nn.Linear(784, 400), torch.nn.Linear(400, 40)
        self.decoder = torch.nn.Sequential(torch.nn.Linear(20, 400), torch.nn.ReLU(), torch.nn.Linear(400, 784))

    def loss(self, x):
        mu, logvar = self.code(F.relu(self.hidden(x))).chunk(2, dim=1)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        reconstruction = F.binary_cross_entropy_with_logits(self.decoder(z), x, reduction="sum")
        return reconstruction + 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum()


def run(seed: int, train: torch.Tensor, test: torch.Tensor, epochs: int = 10) -> float:
    torch.manual_seed(seed)
    model = VAE()
    adam = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(1, epochs + 1):
        for rows in torch.randperm(len(train)).split(128):
            adam.zero_grad()
            model.loss(train[rows]).backward()
            adam.step()
        with torch.no_grad():
            loss = model.loss(test).item() / len(test)
        print(f"seed {seed}, epoch {epoch}: test loss {loss:.3f} nats an image", flush=True)
    return loss


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    data = tv.datasets.load("mnist")
    train, test = (torch.from_numpy(split.x.astype(np.float32) / 255) for split in (data.train, data.test))
    last = [run(seed, train, test) for seed in range(args.seeds)]
    print(f"mean after 10 epochs over {args.seeds} seeds: {np.mean(last):.3f}")


if __name__ == "__main__":
    main()
