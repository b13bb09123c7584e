"""fit: minibatches, progress, history, checkpoints; interrupted at any moment, resumed bit for bit.

The loop of training is `_Run.steps`; all the rest stands around it. How a run goes on: `resuming`.
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tinyvae import evaluation, resuming, symptoms
from tinyvae.foundation import checks, machine
from tinyvae.foundation.progress import progress_bar
from tinyvae.history import History
from tinyvae.objectives import ELBO, IWAE
from tinyvae.optimizers import Adam, Optimizer
from tinyvae.rows import Rows, dataset
from tinyvae.vae import VAE

Array = np.ndarray


def fit(vae: VAE, x: Array, objective=None, optimizer: Optimizer | None = None, epochs: int = 10,
        batch_size: int = 128, rng=None, *, y: Array | None = None, validation=None,
        binarization: str | None = None, n_samples: int = 1, warmup_epochs: float = 0,
        checkpoint: str | os.PathLike | None = None, checkpoint_seconds: float = 30.0,
        resume: bool = False, progress: bool = True) -> History:
    """Train `vae` on the rows of x (N, D) by minibatches, reshuffled each epoch; return the history.

    x             uint8 grey levels 0..255 (kept so, and converted batch by batch), bool, or numbers
    y             labels (N,) for a conditional model
    objective     ELBO(vae) unless given;   optimizer: Adam(vae) unless given
    rng           numpy.random.Generator, or a seed: order, binarization and noise all come from it
    validation    rows, or (rows, labels), whose bound is computed after each epoch, with the same
                  noise each time
    binarization  "dynamic" (each pixel drawn anew with probability x: the default for Bernoulli),
                  "threshold" or "none" (the default otherwise); for "static" pass bools
    n_samples     samples of z for each example: K for the IWAE
    warmup_epochs the ELBO's beta rises linearly from 0 during so many epochs (Sønderby et al. 2016)
    checkpoint    file to save to every `checkpoint_seconds`, at the end and on Ctrl-C; resume=True goes
                  on from it if it exists, and ends with the same bits as a run without interruption

    Ctrl-C stops after the present step and keeps `vae` as it is then; the history is kept in the checkpoint,
    if there is one. SIGTERM does the same, and raises KeyboardInterrupt, too, unless the program handles it.
    Raises FloatingPointError, naming the step and the term, when the loss is not finite, or theta at the end of an
    epoch, or when the loss of an epoch is several times that of the untrained model. Warns (`checks.Doubt`, a
    UserWarning) where sigma is far from the data, and where the code is unused at the end. A model is trained by one
    thread at a time.
    """
    rng = np.random.default_rng(rng)
    every = checks.number(checkpoint_seconds, "checkpoint_seconds", at_least=0)
    data = dataset(vae, x, y, binarization)
    held_out = None
    if validation is not None:
        x, y = validation if isinstance(validation, tuple) and len(validation) == 2 else (validation, None)
        held_out = dataset(vae, x, y, data.binarization, "validation x")
    run = _Run(
        vae, objective or ELBO(vae), optimizer or Adam(vae), rng, data, held_out,
        epochs=checks.whole(epochs, "epochs", at_least=0), batch_size=checks.whole(batch_size, "batch_size"),
        n_samples=checks.whole(n_samples, "n_samples"),
        warmup_epochs=checks.number(warmup_epochs, "warmup_epochs", at_least=0),
        path=None if checkpoint is None else Path(checkpoint))
    if run.path is not None and run.path.exists():
        if not resume:
            raise FileExistsError(f"{run.path} exists; pass resume=True to go on from it, or another path")
        resuming.load(run, run.path)
    run.doubt()
    try:
        run.train(every, progress)
    finally:
        if warmup_epochs:
            run.objective.beta = run.beta  # as it was found
    if said := symptoms.collapse(vae, data, run.history, run.start, run.beta, warmup_epochs):
        checks.doubt(said)
    return run.history


@dataclass
class _Run:
    """One training run: what it works with, and where it stands."""

    vae: VAE
    objective: ELBO  # or another bound
    optimizer: Optimizer
    rng: np.random.Generator
    data: Rows
    held_out: Rows | None
    epochs: int
    batch_size: int
    n_samples: int
    warmup_epochs: float
    path: Path | None  # of the checkpoint

    epoch: int = 0  # epochs done
    step: int = 0  # steps done in the present one
    sums: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])  # of loss, reconstruction, kl in this epoch
    seconds: float = 0.0  # of this epoch
    history: History = field(default_factory=History)

    def __post_init__(self):
        if any(owner is not self.vae for owner in
               (getattr(self.objective, "vae", None), getattr(self.optimizer, "model", None))):
            raise ValueError("objective and optimizer must be built with this vae, as in tv.ELBO(vae) and tv.Adam(vae)")
        if self.warmup_epochs and not isinstance(self.objective, ELBO):
            raise ValueError("warmup_epochs is for the ELBO, whose KL has a weight; this objective has none")
        if self.path is not None and type(self.rng.bit_generator) is not np.random.PCG64:
            raise ValueError("a checkpoint keeps the state of PCG64, not of "
                             f"{type(self.rng.bit_generator).__name__}; pass rng=np.random.default_rng(seed)")
        self.settings = resuming.settings(self)
        self.batch_size = min(self.batch_size, len(self.data))
        self.steps_per_epoch = math.ceil(len(self.data) / self.batch_size)
        self.beta = getattr(self.objective, "beta", 1.0)
        self.start = symptoms.start(self.vae, self.data)
        self.watch, self.theta0 = symptoms.Watch(self.vae.data_dim), self.vae.theta.copy()
        self.order_state = self.rng.bit_generator.state  # before the present epoch's order was drawn

    def doubt(self) -> None:
        """Say what is probably not meant, before training."""
        if self.data.y is not None:
            checks.classes(self.data.y, self.vae.n_classes)
        if self.held_out is not None and len(self.data) >= 20 and np.array_equal(self.held_out.x, self.data.x):
            checks.doubt("validation is the training rows themselves, and will not show overfitting; hold out others")
        if isinstance(self.objective, IWAE) and self.n_samples == 1:
            checks.doubt("the IWAE of one sample is the ELBO, with a noisier gradient: take n_samples=5, say")
        if self.epoch == self.step == 0 and (said := symptoms.far_from_data(self.vae, self.data, self.start)):
            checks.doubt(said)

    # ---- the loop, and what it is made of --------------------------------------------------------

    def steps(self) -> Iterator[float]:
        """The loop of training: the loss of each step, from where the run stands to its end.

        `train`, which asks for one step after another, counts steps and epochs between them.
        """
        K, J = self.n_samples, self.vae.latent_dim
        while self.epoch < self.epochs:
            for batch in self.batches():
                self.warm_up()
                x, y = self.data[batch].draw(self.rng)  # (M, D), (M,)
                eps = self.rng.standard_normal((K, len(x), J), dtype=x.dtype)  # (K, M, J)
                loss = self.objective.forward(x, eps, y)
                if not math.isfinite(loss):
                    raise self.divergence()
                self.objective.backward()
                self.optimizer.step()
                yield loss

    def batches(self) -> Iterator[Array]:
        """Which rows belong to each batch of this epoch, (M,), in an order drawn anew; without those already done."""
        now = self.rng.bit_generator.state
        if self.step > 0:  # resumed within the epoch: its order is drawn again
            self.rng.bit_generator.state = self.order_state
        self.order_state = self.rng.bit_generator.state
        order = self.rng.permutation(len(self.data))
        if self.step > 0:
            self.rng.bit_generator.state = now
        for start in range(self.step * self.batch_size, len(order), self.batch_size):
            yield order[start : start + self.batch_size]

    def warm_up(self) -> None:
        """Let the weight of the KL rise, step by step."""
        if self.warmup_epochs:
            progress = (self.epoch + self.step / self.steps_per_epoch) / self.warmup_epochs
            self.objective.beta = self.beta * min(progress, 1.0)

    # ---- what stands around a step ---------------------------------------------------------------

    def train(self, every: float, shown: bool) -> None:
        """Take all steps, with a bar, the history, and a checkpoint every so many seconds."""
        machine.keep_freed_memory()
        N = len(self.data)
        done = min(self.epoch, self.epochs) * N + self.step * self.batch_size
        bar = progress_bar(shown, total=self.epochs * N, initial=done, unit="img", unit_scale=True)
        if self.path is not None and not self.path.exists():
            resuming.save(self, self.path)  # what cannot be saved is said now, not after an hour
        saved = time.monotonic()
        with bar, machine.deferred_interrupt() as asked, np.errstate(over="ignore", invalid="ignore"):
            started = time.perf_counter()
            for loss in self.steps():
                self.count(loss, time.perf_counter() - started)
                bar.update(len(self.objective.kl))
                if self.step == self.steps_per_epoch:
                    self.end_epoch()
                    bar.set_postfix_str(_summary(self.history[-1]))
                ends = self.epoch == self.epochs or bool(asked)
                due = time.monotonic() - saved >= every and not self.watch.absurd  # keep what was good
                if self.path is not None and (ends or due):
                    try:
                        resuming.save(self, self.path)
                    except OSError as error:  # a full disk, or a virus scanner that holds the file for a moment
                        again = "" if ends else "; training goes on, and tries it again"
                        bar.write(f"the checkpoint could not be saved ({error}){again}", file=sys.stderr)
                    saved = time.monotonic()
                if asked:
                    raise asked[0](f"stopped after {self.epoch} epochs and {self.step} steps")
                started = time.perf_counter()

    def count(self, loss: float, seconds: float) -> None:
        """A step has been taken."""
        M = len(self.objective.kl)
        terms = loss, self.objective.reconstruction.mean().item(), self.objective.kl.mean().item()
        self.sums = [total + M * term for total, term in zip(self.sums, terms, strict=True)]
        self.watch.see(*terms, getattr(self.objective, "beta", 1.0))
        self.step += 1
        self.seconds += seconds

    def end_epoch(self) -> None:
        """All rows have been seen: a line of the history."""
        if not np.isfinite(self.vae.theta).all():
            raise self.divergence()
        N = len(self.data)
        loss, reconstruction, kl = (total / N for total in self.sums)
        self.watch.see(loss, reconstruction, kl, getattr(self.objective, "beta", 1.0))
        if self.watch.absurd and symptoms.worse_than_untrained(self.vae, self.data, self.theta0):
            raise self.divergence(f"the loss of this epoch is {loss:.4g} nats, several times the "
                                  f"{self.watch.untrained:.4g} of the untrained model")
        self.epoch, self.step = self.epoch + 1, 0
        row = {"epoch": self.epoch, "loss": loss, "elbo": -(reconstruction + kl),
               "reconstruction": reconstruction, "kl": kl}
        if self.held_out is not None:
            bound = evaluation.elbo(self.vae, self.held_out, rng=0)
            row |= {f"validation_{name}": value for name, value in bound.items()}
        row |= {"seconds": round(self.seconds, 3), "images_per_second": round(N / self.seconds)}
        self.history.append(row)
        self.sums, self.seconds = [0.0, 0.0, 0.0], 0.0

    def divergence(self, why: str = "") -> FloatingPointError:
        """The error that names the step and, unless told why, the term which is no number any more."""
        terms = {"theta": self.vae.theta, "the reconstruction term": self.objective.reconstruction,
                 "the KL term": self.objective.kl, "the gradient": self.vae.grad}
        culprit = next((name for name, a in terms.items() if not np.isfinite(a).all()), "the loss or its sum")
        kept = f"the last good checkpoint is {self.path}" if self.path is not None and self.path.exists() else \
            "there is no checkpoint yet"
        first, advice = self.watch.untrained is None, "Try a smaller learning rate"
        if np.isfinite(self.vae.theta).all() and not why and (
                first or not math.isfinite(symptoms.untrained_bound(self.vae, self.data, self.theta0))):
            advice = symptoms.failed_untrained(self.vae, self.data, first)
        return FloatingPointError(
            f"training diverged at step {self.optimizer.t + (not why)} (epoch {self.epoch + 1}): "
            f"{why or f'{culprit} is not finite'}; {kept}. {advice}")


def _summary(row: dict) -> str:
    text = f"ELBO {row['elbo']:.2f}, reconstruction {row['reconstruction']:.2f}, KL {row['kl']:.2f} nats"
    return text + (f", validation ELBO {row['validation_elbo']:.2f}" if "validation_elbo" in row else "")
