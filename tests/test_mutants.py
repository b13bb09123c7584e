"""The tests tested: each known mistake is planted into a copy of the source, and the suite must go red.

A mutant names the text it replaces, which must stand in the file exactly once: a refactoring that moves it breaks
the mutant loudly. A mutant that a test file does not catch fails here, by its name.
"""

# ruff: noqa: E501  a mutant is a table row

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "tinyvae"

GRADIENTS, IDENTITIES, OPTIMIZERS, TRAINING, EVALUATION, PIXELS = (
    "test_gradients.py", "test_identities.py", "test_optimizers.py", "test_training.py", "test_evaluation.py",
    "datasets/test_datasets_binarization.py")

# name: (file, [(what stands there, the mistake), …], the test file that must catch it)
MUTANTS = {
    "exp(logvar) as the standard deviation, consistently": ("gaussian.py", [
        ("return np.exp(0.5 * logvar)", "return np.exp(logvar)"),
        ("dz * (0.5 * std(logvar)) * eps", "dz * std(logvar) * eps")], IDENTITIES),
    "KL without its -1": ("gaussian.py", [("- logvar - 1)", "- logvar)")], IDENTITIES),
    "KL with the wrong sign, consistently": ("gaussian.py", [
        ("return 0.5 * (mu * mu + np.exp(logvar) - logvar - 1)", "return -0.5 * (mu * mu + np.exp(logvar) - logvar - 1)"),
        ("return dkl * mu, dkl * (0.5 * (np.exp(logvar) - 1))", "return -dkl * mu, dkl * (0.5 * (1 - np.exp(logvar)))")],
        IDENTITIES),
    "KL of a log-std, consistently": ("gaussian.py", [
        ("np.exp(logvar) - logvar - 1)", "np.exp(2 * logvar) - 2 * logvar - 1)"),
        ("(0.5 * (np.exp(logvar) - 1))", "(np.exp(2 * logvar) - 1)")], IDENTITIES),
    "KL gradient not zero at the prior": ("gaussian.py", [("(0.5 * (np.exp(logvar) - 1))", "(0.5 * np.exp(logvar))")],
                                          GRADIENTS),
    "noise never enters backward": ("gaussian.py", [("dz * (0.5 * std(logvar)) * eps", "0 * dz")], GRADIENTS),
    "one half lost in reparameterize_backward": ("gaussian.py", [("(0.5 * std(logvar))", "std(logvar)")], GRADIENTS),
    "noise a hundred times too small, consistently": ("gaussian.py", [
        ("mu + std(logvar) * eps", "mu + std(logvar) * (0.01 * eps)"),
        ("dz * (0.5 * std(logvar)) * eps", "dz * (0.5 * std(logvar)) * (0.01 * eps)")], IDENTITIES),
    "log-density without 2 pi": ("gaussian.py", [("(r * r + logvar + LOG_2PI)", "(r * r + logvar)")], IDENTITIES),
    "one 2 pi for all dimensions": ("gaussian.py", [("z.shape[-1] * LOG_2PI", "LOG_2PI")], IDENTITIES),
    "log of pi instead of 2 pi": ("gaussian.py", [("math.log(2 * math.pi)", "math.log(math.pi)")], IDENTITIES),
    "pixels sampled with softplus": ("likelihoods.py", [
        ("(rng.random(out.shape) < sigmoid(out))", "(rng.random(out.shape) < np.log1p(np.exp(out)))")], IDENTITIES),
    "reconstruction averaged over pixels, consistently": ("likelihoods.py", [
        ("return log_p.sum(-1)", "return log_p.mean(-1)"),
        ("dlog[..., None] * (self.x - self.p)", "dlog[..., None] * (self.x - self.p) / self.x.shape[-1]")], IDENTITIES),
    "sigmoid twice": ("likelihoods.py", [("p = sigmoid(out)", "p = sigmoid(sigmoid(out))")], IDENTITIES),
    "Gaussian without its constant": ("likelihoods.py", [("(self.squares + D * LOG_2PI)", "self.squares")], IDENTITIES),
    "Gaussian without log sigma": ("likelihoods.py", [
        ("D * LOG_2PI) - log_volume", "D * LOG_2PI)")], IDENTITIES),
    "one learned log sigma counted once": ("likelihoods.py", [(" * (D // log_std.shape[-1])", "")], IDENTITIES),
    "variance taken for the standard deviation": ("likelihoods.py", [("np.exp(-log_std)", "np.exp(-0.5 * log_std)")],
                                                  IDENTITIES),
    "Gaussian sampled with the root of sigma": ("likelihoods.py", [
        ("np.exp(log_std) * noise", "np.exp(0.5 * log_std) * noise")], IDENTITIES),
    "shared sigma never shrinks": ("likelihoods.py", [("(self.squares - D)", "self.squares")], GRADIENTS),
    "log-sigma gradient with the wrong sign": ("likelihoods.py", [("(self.r * self.r - 1)", "(1 - self.r * self.r)")],
                                               GRADIENTS),
    "bias averaged over the batch": ("layers.py", [("np.sum(dy, axis=0, out=self.db)", "np.mean(dy, axis=0, out=self.db)")],
                                     GRADIENTS),
    "gradients added up over steps": ("layers.py", [("np.matmul(self.x.T, dy, out=self.dW)", "self.dW += self.x.T @ dy")],
                                      GRADIENTS),
    "weights start as for one side only": ("layers.py", [("6 / (self.n_in + self.n_out)", "6 / self.n_in")], IDENTITIES),
    "ReLU passes the gradient everywhere": ("layers.py", [("self.y > 0", "self.y >= 0")], GRADIENTS),
    "tanh without its square": ("layers.py", [("1 - self.y * self.y", "1 - self.y")], GRADIENTS),
    "W transposed in backward": ("layers.py", [("dy @ self.W.T if", "dy @ self.W if")], GRADIENTS),
    "layers without activations": ("vae.py", [("for layer in (activation(), dense)]", "for layer in (dense,)]")],
                                   IDENTITIES),
    "fresh noise in backward": ("vae.py", [("self.eps = eps", "self.eps = np.random.default_rng().normal(size=eps.shape)")],
                                GRADIENTS),
    "mu and logvar exchanged": ("vae.py", [
        ("code[:, : self.latent_dim], code[:, self.latent_dim :]", "code[:, self.latent_dim :], code[:, : self.latent_dim]")],
        IDENTITIES),
    "loss averaged, gradient summed": ("objectives.py", [("-1 / self.log_p_x.size", "-1.0")], GRADIENTS),
    "beta forgotten in the gradient": ("objectives.py", [("self.beta / len(self.mu)", "1 / len(self.mu)")], GRADIENTS),
    "KL averaged over the latent dimensions, consistently": ("objectives.py", [
        ("charged.sum()", "charged.mean()"),
        ("self.beta / len(self.mu)", "self.beta / self.mu.size")], IDENTITIES),
    "free bits with a gradient": ("objectives.py", [("kl.mean(0) > self.free_bits", "kl.mean(0) > 0")], GRADIENTS),
    "importance weights from the losses": ("objectives.py", [("softmax(self.log_weights)", "softmax(-self.log_weights)")],
                                           GRADIENTS),
    "weights that make denormal numbers": ("objectives.py", [("w[w < NEGLIGIBLE] = 0", "pass")], GRADIENTS),
    "importance ratio inverted": ("objectives.py", [("log_p_z - log_q", "log_p_z + log_q")], IDENTITIES),
    "no gradient through log q": ("objectives.py", [("0.5 * dlog_w.sum(0)", "0 * dlog_w.sum(0)")], GRADIENTS),
    "logmeanexp without log K": ("functions.py", [("- math.log(a.shape[axis])", "")], IDENTITIES),
    "mean of the log-weights": ("functions.py", [
        ("return logsumexp(a, axis) - math.log(a.shape[axis])", "return a.mean(axis)")], IDENTITIES),
    "log p(x) without log K": ("evaluation.py", [("log_sum - math.log(K)", "log_sum")], IDENTITIES),
    "the mean of log w for the log of the mean": ("evaluation.py", [
        ("logsumexp(log_w), logsumexp(2 * log_w)", "log_w.mean(0), logsumexp(2 * log_w)")], EVALUATION),
    "effective samples from the log-weights": ("evaluation.py", [("logsumexp(2 * log_w)", "logsumexp(log_w)")], EVALUATION),
    "threads that share a model": ("evaluation.py", [("IWAE(copy.deepcopy(vae))", "IWAE(vae)")], "test_machine.py"),
    "standard error of one weight": ("evaluation.py", [("1 / self.effective_samples - 1 / K", "K / self.effective_samples - 1")],
                                     EVALUATION),
    "the posterior's KL the other way round": ("evaluation.py", [
        ("(q * (log_q - self.log_density))", "(q * (self.log_density - log_q))")], EVALUATION),
    "the evidence without the noise's variance": ("evaluation.py", [
        ("W.T @ W + np.exp(2 * log_std) * np.eye(vae.data_dim)", "W.T @ W + np.exp(log_std) * np.eye(vae.data_dim)")], EVALUATION),
    "Adam without bias correction": ("optimizers.py", [("/ (1 - self.beta1**self.t)", "")], OPTIMIZERS),
    "Adam without its first moment": ("optimizers.py", [("np.divide(m, step, out=step)", "np.divide(grad, step, out=step)")],
                                      OPTIMIZERS),
    "averages end as denormal numbers": ("optimizers.py", [("] = 0\n", "] += 0\n")], OPTIMIZERS),
    "eps inside Adam's root": ("optimizers.py", [
        ("np.sqrt(v, out=step)\n        step += self.eps / c2", "np.sqrt(v + self.eps / c2, out=step)")], OPTIMIZERS),
    "Muon without Nesterov's look ahead": ("optimizers.py", [("orthogonal(grad + self.beta1 * m)", "orthogonal(m)")], OPTIMIZERS),
    "Muon's average ends as denormal numbers": ("optimizers.py", [
        ("decay(m, self.beta1, self.t)\n        m += grad\n        theta", "m *= self.beta1\n        m += grad\n        theta")],
        OPTIMIZERS),
    "a Newton-Schulz iteration of the third degree": ("optimizers.py", [("+ c * gram @ gram)", ")")], OPTIMIZERS),
    "one learning rate for ever": ("optimizers.py", [("self.lr(self.t)", "self.lr(0)")], OPTIMIZERS),
    "examples never reshuffled": ("training.py", [("self.rng.permutation(len(self.x))", "np.arange(len(self.x))")],
                                  TRAINING),
    "generator not restored": ("training.py", [("self.rng.bit_generator.state = now.state", "pass")], TRAINING),
    "optimizer's clock not restored": ("training.py", [("self.optimizer.t = t\n", "pass\n")], TRAINING),
    "bias correction by epoch": ("training.py", [("self.optimizer.step()", "self.optimizer.t = self.epoch; self.optimizer.step()")],
                                 TRAINING),
    "every grey pixel taken for white": ("datasets/binarization.py", [("(127 if", "(0 if")], PIXELS),
}


def run(folder: Path, test: str) -> subprocess.CompletedProcess:
    """Run one test file against the copy of the package in `folder`."""
    environment = os.environ | {"PYTHONPATH": str(folder), "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", "-c", str(TESTS.parent / "setup.cfg"),
         "--rootdir", str(TESTS.parent), str(TESTS / test)],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False)


def copy_of_package(folder: Path) -> Path:
    shutil.copytree(PACKAGE, folder / "tinyvae", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def plant(folder: Path, name: str) -> str:
    """Copy the package with the mistake in it; the output of the tests, or why the mutant is out of date."""
    file, edits, test = MUTANTS[name]
    path = copy_of_package(folder) / "tinyvae" / file
    text = path.read_text(encoding="utf-8")
    for old, new in edits:
        if text.count(old) != 1:
            return f"out of date: {old!r} stands {text.count(old)} times in {file}"
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    result = run(folder, test)
    # 1: a test failed. Anything else (0: all passed; 2 and more: nothing was tested) is not being caught.
    return "caught" if result.returncode == 1 else f"{test} returned {result.returncode}: {result.stdout[-500:]}"


@pytest.fixture(scope="module")
def fates(tmp_path_factory):
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        folders = [tmp_path_factory.mktemp("mutant") for _ in MUTANTS]
        return dict(zip(MUTANTS, pool.map(plant, folders, MUTANTS), strict=True))


@pytest.mark.parametrize("test", [GRADIENTS, IDENTITIES, OPTIMIZERS, TRAINING, EVALUATION, PIXELS])
def test_the_source_without_a_mistake_passes(test, tmp_path):
    result = run(copy_of_package(tmp_path), test)
    assert result.returncode == 0, result.stdout[-2000:]


@pytest.mark.parametrize("name", MUTANTS)
def test_the_suite_catches(name, fates):
    assert fates[name] == "caught"


def test_the_readme_counts_the_mutants():
    assert len(MUTANTS) >= 25
    assert f"plants {len(MUTANTS)} well-known mistakes" in (TESTS.parent / "README.md").read_text(encoding="utf-8")
