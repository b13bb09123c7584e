"""The test loss that the `vae` of pytorch/examples reaches: the figure that tests/test_mnist.py asks us to meet.

    TINYVAE_DATA=FOLDER python tests/benchmarks/pytorch_example.py [--rounds 3]      (needs the extra `bench`)

784-400-20-400-784 with ReLU, grey pixels under a Bernoulli loss, batches of 128, Adam 1e-3, 10 epochs, PyTorch's
default initialization; the test loss in nats an image after the last of them. A round is a seed.
"""

import statistics

import torch
import torch.nn.functional as F
from peers import THREADS, Peer, main, options, take_turns

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


def trained(train, seed: int, fused: bool = False) -> VAE:
    torch.set_num_threads(THREADS)
    torch.manual_seed(seed)
    model = VAE()
    adam = torch.optim.Adam(model.parameters(), lr=1e-3, fused=fused)
    for _ in range(10):
        for rows in torch.randperm(len(train)).split(128):
            adam.zero_grad()
            model.loss(train[rows]).backward()
            adam.step()
    return model


def grey(rows):
    return torch.from_numpy(rows).float() / 255


@torch.no_grad()
def test_loss(model: VAE, test) -> float:
    return model.loss(test).item() / len(test)


def make(_):
    data = tv.datasets.load("mnist")
    train, test = grey(data.train.x), grey(data.test.x)
    return lambda seed: test_loss(trained(train, seed), test)


def measure(rounds) -> list[dict]:
    peer = Peer(__file__, "torch")
    take_turns([peer], list(range(rounds)))
    losses = dict(enumerate(peer.answers)) | {"mean": statistics.mean(peer.answers)}
    return [{"seed": seed, "test loss after ten epochs": round(loss, 2)} for seed, loss in losses.items()]


if __name__ == "__main__":
    main(make, measure, options(__doc__, rounds=3))
