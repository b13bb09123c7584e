"""The package against PyTorch: the same models from torch.distributions, autograd and torch.optim, in float64."""

import itertools
import math
from types import SimpleNamespace

import numpy as np
import pytest

import tinyvae as tv
from tinyvae import evaluation

torch = pytest.importorskip("torch", reason="the oracle is PyTorch: pip install -e '.[bench]'")
F, Normal = torch.nn.functional, torch.distributions.Normal
torch.set_num_threads(1)  # on arrays so small, more of them only cost

M, D, HIDDEN, J, C = 5, 13, (11, 7), 3, 2

ACTIVATIONS = {tv.ReLU: torch.relu, tv.Tanh: torch.tanh, tv.Sigmoid: torch.sigmoid, tv.Softplus: F.softplus}
LIKELIHOODS = {"binary": tv.Bernoulli(), "grey": tv.Bernoulli(), "fixed": tv.Gaussian(0.7),
               "shared": tv.Gaussian("shared"), "network": tv.Gaussian("network")}
OBJECTIVES = {"ELBO": lambda vae, kl: tv.ELBO(vae), "beta": lambda vae, kl: tv.ELBO(vae, 0.3),
              # as much as an average dimension has: some have less, some more
              "free bits": lambda vae, kl: tv.ELBO(vae, 0.3, kl.mean().item()),
              "IWAE": lambda vae, kl: tv.IWAE(vae)}


def make(data, activation=tv.Tanh, n_classes=0, seed=0):
    """(vae, x, y, rng), with parameters far from where training starts."""
    rng = np.random.default_rng(seed)
    vae = tv.VAE(D, J, HIDDEN, LIKELIHOODS[data], activation, n_classes, np.float64)
    vae.theta[:] = 0.3 * rng.standard_normal(vae.theta.size)
    x = rng.random((M, D)) if data in ("binary", "grey") else rng.standard_normal((M, D))
    return vae, np.round(x) if data == "binary" else x, rng.integers(0, C, M) if n_classes else None, rng


def torch_model(vae, theta, x, eps, y=None):
    """log p(x|z), log p(z) and log q(z|x), (M,) or (K, M), and the KL (M, J), of the model that `vae` describes.

    Of the package only the layout of theta is used: encoder, decoder, likelihood; in each layer W (I, O), then b.
    """
    rest, x, eps = theta, torch.tensor(x), torch.tensor(eps)
    label = torch.zeros(len(x), 0) if y is None else F.one_hot(torch.tensor(y), vae.n_classes)

    def take(*shape):
        nonlocal rest
        values, rest = rest[: math.prod(shape)], rest[math.prod(shape) :]
        return values.reshape(shape)

    def network(a, *widths):
        a = torch.cat([a, label.expand(*a.shape[:-1], -1)], -1)
        for i, (n_in, n_out) in enumerate(itertools.pairwise([a.shape[-1], *widths])):
            a = (ACTIVATIONS[vae.activation](a) if i else a) @ take(n_in, n_out) + take(n_out)
        return a

    mu, logvar = network(x, *vae.hidden, 2 * J).chunk(2, -1)
    q, prior = Normal(mu, torch.exp(logvar / 2)), Normal(torch.zeros_like(mu), 1)
    z = q.loc + q.scale * eps
    kind = getattr(vae.likelihood, "std", "Bernoulli")
    out = network(z, *vae.hidden[::-1], 2 * D if kind == "network" else D)
    if kind == "network":
        log_p_x = Normal(out[..., :D], out[..., D:].exp()).log_prob(x)
    elif kind != "Bernoulli":
        log_p_x = Normal(out, take(1).exp() if kind == "shared" else kind).log_prob(x)
    elif ((x == 0) | (x == 1)).all():
        log_p_x = torch.distributions.Bernoulli(logits=out).log_prob(x)
    else:
        log_p_x = -F.binary_cross_entropy_with_logits(out, x.expand_as(out), reduction="none")
    assert len(rest) == 0, "theta has entries that the model does not use"
    return (log_p_x.sum(-1), prior.log_prob(z).sum(-1), q.log_prob(z).sum(-1),
            torch.distributions.kl_divergence(q, prior))


def torch_loss(objective, log_p_x, log_p_z, log_q, kl):
    """The negative bound, averaged over the examples (and, for the ELBO, over the samples)."""
    if isinstance(objective, tv.IWAE):
        log_w = (log_p_x + log_p_z - log_q).reshape(-1, M)  # (K, M)
        return -(torch.logsumexp(log_w, 0) - math.log(len(log_w))).mean()
    return objective.beta * kl.mean(0).clamp(min=objective.free_bits).sum() - log_p_x.mean()


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("n_classes", [0, C])
@pytest.mark.parametrize("data", LIKELIHOODS)
@pytest.mark.parametrize("samples", [(), (17,)])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_losses_and_gradients_are_those_of_torch_and_autograd(name, samples, data, n_classes, activation):
    for seed in range(3):
        vae, x, y, rng = make(data, activation, n_classes, seed)
        eps = rng.standard_normal((*samples, M, J))
        theta = torch.tensor(vae.theta, requires_grad=True)
        terms = torch_model(vae, theta, x, eps, y)
        objective = OBJECTIVES[name](vae, terms[-1])
        loss = torch_loss(objective, *terms)
        loss.backward()
        assert objective.forward(x, eps, y) == pytest.approx(loss.item(), rel=1e-12, abs=0)
        objective.backward()
        gradient = theta.grad.numpy()
        np.testing.assert_allclose(vae.grad, gradient, rtol=0, atol=1e-10 * np.abs(gradient).max())


# Few samples are drawn for all rows at once; many, row by row; more than SAMPLES, in chunks.
@pytest.mark.parametrize(("n_samples", "rows"), [(1, M), (199, M), (691, 1), (2003, 1)])
@pytest.mark.parametrize("n_classes", [0, C])
@pytest.mark.parametrize("data", [data for data in LIKELIHOODS if data != "grey"])
def test_log_likelihoods_are_those_of_torch_on_the_same_noise(data, n_classes, n_samples, rows, monkeypatch):
    monkeypatch.setattr(evaluation, "ROWS", 1000)
    vae, x, y, _ = make(data, n_classes=n_classes)
    rng = np.random.default_rng(7)
    eps = np.hstack([rng.standard_normal((n_samples, rows, J)) for _ in range(0, M, rows)])  # (K, M, J)
    with torch.no_grad():
        log_p_x, log_p_z, log_q, _ = torch_model(vae, torch.tensor(vae.theta), x, eps, y)
    log_w = log_p_x + log_p_z - log_q  # (K, M)
    log_p = torch.logsumexp(log_w, 0) - math.log(n_samples)
    estimate = evaluation.importance_sampling(vae, x, n_samples, rng=7, y=y)
    np.testing.assert_allclose(estimate.log_p, log_p, rtol=1e-10)
    effective_samples = 1 / torch.softmax(log_w, 0).square().sum(0)
    np.testing.assert_allclose(estimate.effective_samples, effective_samples, rtol=1e-10)
    np.testing.assert_array_equal(tv.log_likelihood(vae, x, n_samples, 7, y), estimate.log_p)


STEPS, LR, schedulers = 100, 3e-3, torch.optim.lr_scheduler
RULES = {  # name: (our optimizer of a vae, torch's of a list of tensors, torch's schedule of an optimizer)
    "Adam": (lambda vae: tv.Adam(vae, LR), lambda p: torch.optim.Adam(p, LR), None),
    "Adam, eps=1e-4": (lambda vae: tv.Adam(vae, LR, 0.8, 0.99, 1e-4),
                       lambda p: torch.optim.Adam(p, LR, (0.8, 0.99), 1e-4), None),
    "Adam, Cosine": (lambda vae: tv.Adam(vae, tv.Cosine(LR, STEPS, LR / 10)), lambda p: torch.optim.Adam(p, LR),
                     lambda adam: schedulers.CosineAnnealingLR(adam, STEPS, LR / 10)),
    "Adam, Staged": (lambda vae: tv.Adam(vae, tv.Staged(LR, (31, 73), 0.3)), lambda p: torch.optim.Adam(p, LR),
                     lambda adam: schedulers.MultiStepLR(adam, [31, 73], 0.3)),
    "Adagrad": (lambda vae: tv.Adagrad(vae, LR), lambda p: torch.optim.Adagrad(p, LR), None),
    "Adagrad, eps=1e-4": (lambda vae: tv.Adagrad(vae, LR, 1e-4), lambda p: torch.optim.Adagrad(p, LR, eps=1e-4), None),
    "SGD": (lambda vae: tv.SGD(vae, LR), lambda p: torch.optim.SGD(p, LR), None),
    "SGD, momentum": (lambda vae: tv.SGD(vae, LR, 0.9), lambda p: torch.optim.SGD(p, LR, 0.9), None),
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("seed", range(3))
def test_optimizers_follow_the_trajectory_of_torch_optim(rule, seed):
    """Each side on its own gradients, with the same noise: 100 steps of a whole training run.

    With the same hyperparameters the two define the same steps, defaults included. Adam adds eps after the bias
    correction of v (algorithm 1, not the variant at the end of section 2 of the paper); Adagrad's sum starts at 0 and
    eps stands outside its root; SGD's momentum starts at the first gradient, undamped, and lr multiplies it last.
    """
    ours, theirs, schedule = RULES[rule]
    vae, x, _, rng = make("binary", seed=seed)
    theta = torch.tensor(vae.theta, requires_grad=True)
    elbo, optimizer, oracle = tv.ELBO(vae), ours(vae), theirs([theta])
    scheduler = schedule and schedule(oracle)
    start = vae.theta.copy()
    for _ in range(STEPS):
        eps = rng.standard_normal((M, J))
        elbo.forward(x, eps)
        elbo.backward()
        optimizer.step()
        oracle.zero_grad()
        torch_loss(elbo, *torch_model(vae, theta, x, eps)).backward()
        oracle.step()
        if scheduler:
            scheduler.step()
    expected = theta.detach().numpy()
    assert np.abs(expected - start).max() > 0.01
    np.testing.assert_allclose(vae.theta, expected, rtol=0, atol=1e-8)


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason=f"PyTorch {torch.__version__} has no Muon")
@pytest.mark.parametrize("shape", [(7, 11), (11, 7)])
def test_muon_follows_the_trajectory_of_torch_optim(monkeypatch, shape):
    """A matrix under random gradients. PyTorch orthogonalizes in bfloat16; here it is made to stay in float64."""
    monkeypatch.setattr(torch.Tensor, "bfloat16", lambda tensor: tensor)
    rng = np.random.default_rng(0)
    start = rng.standard_normal(shape)
    theta, grad, W = start.ravel().copy(), np.zeros(start.size), torch.tensor(start, requires_grad=True)
    model = SimpleNamespace(theta=theta, grad=grad, parameters=lambda: {"W": theta.reshape(shape)})
    ours, theirs = tv.Muon(model, LR), torch.optim.Muon([W], LR, weight_decay=0, adjust_lr_fn="match_rms_adamw")
    for _ in range(STEPS):
        grad[:] = rng.standard_normal(grad.size)
        W.grad = torch.tensor(grad.reshape(shape))
        ours.step()
        theirs.step()
    assert np.abs(theta - start.ravel()).max() > 0.01
    np.testing.assert_allclose(theta.reshape(shape), W.detach(), rtol=0, atol=1e-8)
