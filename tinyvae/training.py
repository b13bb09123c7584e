"""fit: minibatches, progress, history, checkpoints; interrupted at any moment, resumed bit for bit.

What makes that possible: all randomness comes from one Generator, whose state is saved with theta,
the optimizer's vectors and the running sums. Within an epoch two states are kept, the one the order
of the examples was drawn from and the present one, so the order itself need not be saved.
"""

import contextlib
import csv
import io
import math
import os
import signal
import threading
import time
import zlib
from pathlib import Path

import numpy as np

from tinyvae import checkpoint as checkpoints
from tinyvae import evaluation
from tinyvae.foundation import checks, machine
from tinyvae.foundation.files import replacing
from tinyvae.objectives import ELBO
from tinyvae.optimizers import Adam, Optimizer
from tinyvae.vae import VAE

Array = np.ndarray


COLUMNS = ["epoch", "loss", "elbo", "reconstruction", "kl", "validation_elbo", "validation_reconstruction",
           "validation_kl", "seconds", "images_per_second"]


class History(list):
    """One dict for each epoch, means over the examples in nats.

    epoch, loss; elbo = -(reconstruction + kl), as the epoch went by; the same with `validation_` in
    front, at the epoch's end; seconds (training alone) and images_per_second. `elbo` is the ELBO also
    where the objective is another bound.
    """

    def save(self, path: str | os.PathLike) -> None:
        """Write it as CSV, whole or not at all."""
        text = io.StringIO()
        writer = csv.DictWriter(text, list(self[0]) if self else ["epoch"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(self)
        with replacing(path) as file:
            file.write(text.getvalue().encode())

    @classmethod
    def load(cls, path: str | os.PathLike) -> "History":
        """What `save` wrote; all numbers are floats. ValueError if the file is something else."""
        try:
            with open(path, encoding="utf-8", newline="") as file:
                return cls({name: float(value) for name, value in row.items()} for row in csv.DictReader(file))
        except (ValueError, TypeError, csv.Error) as error:
            raise ValueError(f"{os.fspath(path)} is not the history of a run ({error}); restore it") from None


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
    if there is one. Raises FloatingPointError, naming the step and the term, when the loss is not finite, or
    theta at the end of an epoch.
    """
    objective = objective or ELBO(vae)
    optimizer = optimizer or Adam(vae)
    rng = np.random.default_rng(rng)
    how = binarization or evaluation.default_binarization(vae)
    x = evaluation.data_rows(vae, x, how)
    every = checks.number(checkpoint_seconds, "checkpoint_seconds", at_least=0)
    if checkpoint is not None and type(rng.bit_generator) is not np.random.PCG64:
        raise ValueError(f"a checkpoint keeps the state of PCG64, not of {type(rng.bit_generator).__name__}; pass "
                         "rng=np.random.default_rng(seed)")
    run = _Run(
        vae, objective, optimizer, rng, how,
        x=x, y=checks.labels(y, len(x), vae.n_classes),
        validation=_pair(vae, validation, how),
        epochs=checks.whole(epochs, "epochs", at_least=0), batch_size=checks.whole(batch_size, "batch_size"),
        n_samples=checks.whole(n_samples, "n_samples"),
        warmup_epochs=checks.number(warmup_epochs, "warmup_epochs", at_least=0))
    path = None if checkpoint is None else Path(checkpoint)
    if path is not None and path.exists():
        if not resume:
            raise FileExistsError(f"{path} exists; pass resume=True to go on from it, or another path")
        run.load(path)
    try:
        run.train(path, every, progress)
    finally:
        if warmup_epochs:
            objective.beta = run.beta  # as it was found
    return run.history


class _Run:
    """The state of one training run, and its loop."""

    def __init__(self, vae, objective, optimizer, rng, how, *, x, y, validation, epochs, batch_size, n_samples,
                 warmup_epochs):
        if any(owner is not vae for owner in (getattr(objective, "vae", None), getattr(optimizer, "model", None))):
            raise ValueError("objective and optimizer must be built with this vae, as in tv.ELBO(vae) and tv.Adam(vae)")
        self.vae, self.objective, self.optimizer, self.rng = vae, objective, optimizer, rng
        self.x, self.y, self.how, self.validation = x, y, how, validation
        self.epochs, self.batch_size, self.n_samples = epochs, min(batch_size, len(x)), n_samples
        self.warmup_epochs = warmup_epochs
        self.batches = math.ceil(len(x) / self.batch_size)
        self.beta = getattr(objective, "beta", 1.0)
        if warmup_epochs and not isinstance(objective, ELBO):
            raise ValueError("warmup_epochs is for the ELBO, whose KL has a weight; this objective has none")
        # What a resumed run must agree with; only the number of epochs may change.
        self.settings = {
            "data": _checksum(x, y), "validation": _checksum(*(validation or (None, None))),
            "objective": _describe(objective), "optimizer": _describe(optimizer), "batch_size": batch_size,
            "n_samples": n_samples, "binarization": how, "warmup_epochs": warmup_epochs}
        self.epoch, self.step = 0, 0  # epochs done, and batches of the present one
        self.order_state = rng.bit_generator.state  # of rng, before the present epoch's order was drawn
        self.sums, self.seconds = [0.0, 0.0, 0.0], 0.0  # loss, reconstruction, kl; of this epoch
        self.history = History()

    # ---- the loop ----------------------------------------------------------------------------

    def train(self, path: Path | None, every: float, progress: bool) -> None:
        """Go on from where the run stands to its end, saving to `path` every so many seconds."""
        from tqdm import tqdm

        machine.keep_freed_memory()
        N, B = len(self.x), self.batch_size
        done = min(self.epoch, self.epochs) * N + self.step * B
        bar = tqdm(total=self.epochs * N, initial=done, unit="img", unit_scale=True, disable=not progress)
        if path is not None and not path.exists():
            self._save(path)  # what cannot be saved is said now, not after an hour
        saved, order = time.monotonic(), None
        with bar, _deferred_interrupt() as pressed, np.errstate(over="ignore", invalid="ignore"):
            while self.epoch < self.epochs:
                if order is None:
                    order = self._order()
                rows = order[self.step * B : (self.step + 1) * B]
                self._train_on(rows, path)
                bar.update(len(rows))
                if self.step == self.batches:
                    self._end_epoch(path)
                    bar.set_postfix_str(_summary(self.history[-1]))
                    order = None
                finished = self.epoch == self.epochs
                if path is not None and (finished or pressed or time.monotonic() - saved >= every):
                    self._save(path)
                    saved = time.monotonic()
                if pressed:
                    raise KeyboardInterrupt(f"stopped after {self.epoch} epochs and {self.step} steps")

    def _order(self) -> Array:
        """The order of this epoch's examples; rng is left where the epoch goes on."""
        now = self.rng.bit_generator.state
        if self.step > 0:  # resumed within the epoch: draw its order again
            self.rng.bit_generator.state = self.order_state
        self.order_state = self.rng.bit_generator.state
        order = self.rng.permutation(len(self.x))
        if self.step > 0:
            self.rng.bit_generator.state = now
        return order

    def _train_on(self, rows: Array, path: Path | None) -> None:
        started = time.perf_counter()
        dtype = self.vae.theta.dtype
        x = evaluation.batch(self.x[rows], self.how, self.rng, dtype)  # (M, D)
        y = None if self.y is None else self.y[rows]  # (M,)
        eps = self.rng.standard_normal((self.n_samples, len(x), self.vae.latent_dim), dtype=dtype)
        if self.warmup_epochs:
            progress = (self.epoch + self.step / self.batches) / self.warmup_epochs
            self.objective.beta = self.beta * min(progress, 1.0)
        loss = self.objective.forward(x, eps, y)
        if not math.isfinite(loss):
            self._diverged(path)
        self.objective.backward()
        self.optimizer.step()
        terms = loss, self.objective.reconstruction.mean().item(), self.objective.kl.mean().item()
        self.sums = [total + term * len(x) for total, term in zip(self.sums, terms, strict=True)]
        self.step += 1
        self.seconds += time.perf_counter() - started

    def _end_epoch(self, path: Path | None) -> None:
        if not np.isfinite(self.vae.theta).all():
            self._diverged(path)
        N = len(self.x)
        self.epoch, self.step = self.epoch + 1, 0
        loss, reconstruction, kl = (total / N for total in self.sums)
        row = {"epoch": self.epoch, "loss": loss, "elbo": -(reconstruction + kl),
               "reconstruction": reconstruction, "kl": kl}
        if self.validation is not None:
            x, y = self.validation
            bound = evaluation.elbo(self.vae, x, y, self.how, rng=0)
            row |= {f"validation_{name}": value for name, value in bound.items()}
        row |= {"seconds": round(self.seconds, 3), "images_per_second": round(N / self.seconds)}
        self.history.append(row)
        self.sums, self.seconds = [0.0, 0.0, 0.0], 0.0

    def _diverged(self, path: Path | None) -> None:
        terms = {"theta": self.vae.theta, "the reconstruction term": self.objective.reconstruction,
                 "the KL term": self.objective.kl, "the gradient": self.vae.grad}
        culprit = next((name for name, a in terms.items() if not np.isfinite(a).all()), "the loss or its sum")
        kept = f"the last good checkpoint is {path}" if path is not None and path.exists() else \
            "there is no checkpoint yet"
        raise FloatingPointError(
            f"training diverged at step {self.optimizer.t + 1} (epoch {self.epoch + 1}): {culprit} is not "
            f"finite; {kept}. Try a smaller learning rate")

    # ---- the checkpoint ------------------------------------------------------------------------

    def _save(self, path: Path) -> None:
        vectors = {name: getattr(self.optimizer, name) for name in self.optimizer.moments}
        if not all(np.isfinite(vector).all() for vector in [self.vae.theta, *vectors.values()]):
            self._diverged(path)
        columns = self.history[0].keys() if self.history else ()
        vectors |= {f"history.{name}": np.array([row[name] for row in self.history], float) for name in columns}
        state = {"settings": self.settings, "epoch": self.epoch, "step": self.step, "t": self.optimizer.t,
                 "rng": self.rng.bit_generator.state, "order_rng": self.order_state, "sums": self.sums,
                 "seconds": self.seconds}
        checkpoints.save(path, self.vae, state, vectors)

    def load(self, path: Path) -> None:
        """Stand where the run stood that saved to `path`: all is read before anything is changed."""
        vae, state, vectors = checkpoints.load_state(path)
        if checkpoints.describe(vae) != checkpoints.describe(self.vae):
            raise ValueError(f"{path} holds another model: {checkpoints.describe(vae)}; this one is "
                             f"{checkpoints.describe(self.vae)}")
        try:
            settings = state["settings"]
            for name, now in self.settings.items():
                if settings[name] != now:
                    raise _OtherRun(f"{path} was made with {name} {settings[name] or 'none'}; this run has "
                                    f"{now or 'none'}. Resume with the same settings, or start a new run")
            epoch, step, t = (checks.whole(state[name], name, at_least=0) for name in ("epoch", "step", "t"))
            loss, reconstruction, kl = (checks.number(total, "sums") for total in state["sums"])
            seconds = checks.number(state["seconds"], "seconds", at_least=0)
            now, before = (_generator(state[name]) for name in ("rng", "order_rng"))
            moments = [vectors[name] for name in self.optimizer.moments]
            history = _history({name: vectors[f"history.{name}"] for name in COLUMNS if f"history.{name}" in vectors})
            fits = len(history) == epoch and step < self.batches and all(m.shape == vae.theta.shape for m in moments)
        except _OtherRun:
            raise
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"{path} is not a checkpoint of fit with {type(self.optimizer).__name__} "
                             f"({error}); start a new run") from None
        if not fits:
            raise ValueError(f"{path} is damaged: its parts do not fit each other; start a new run")
        self.vae.theta = vae.theta
        for name, moment in zip(self.optimizer.moments, moments, strict=True):
            getattr(self.optimizer, name)[:] = moment
        self.optimizer.t = t
        self.rng.bit_generator.state = now.state
        self.order_state = before.state
        self.epoch, self.step, self.seconds, self.history = epoch, step, seconds, history
        self.sums = [loss, reconstruction, kl]


class _OtherRun(ValueError):
    """A checkpoint that is right, but not this run's."""


def _generator(state) -> np.random.PCG64:
    """A bit generator in that state; an error of some kind if it is none."""
    generator = np.random.PCG64()
    for number in (*state["state"].values(), state["has_uint32"], state["uinteger"]):
        checks.whole(number, "a number of the generator", at_least=0)
    generator.state = state
    return generator


def _history(columns: dict[str, Array]) -> History:
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    history = History(dict(zip(columns, row, strict=True)) for row in rows)
    for row in history:
        row |= {name: int(row[name]) for name in ("epoch", "images_per_second")}
    return history


def _summary(row: dict) -> str:
    text = f"ELBO {row['elbo']:.2f}, reconstruction {row['reconstruction']:.2f}, KL {row['kl']:.2f} nats"
    return text + (f", validation ELBO {row['validation_elbo']:.2f}" if "validation_elbo" in row else "")


@contextlib.contextmanager
def _deferred_interrupt():
    """A list that is empty until Ctrl-C: a step is then finished before the run stops.

    KeyboardInterrupt in the middle of an optimizer's step would leave half of theta updated. A
    second Ctrl-C interrupts at once.
    """
    pressed: list[int] = []

    def note(signum, frame):
        if pressed:
            raise KeyboardInterrupt
        pressed.append(signum)

    # Only the main thread receives signals, and a shell lets its background jobs ignore Ctrl-C.
    if threading.current_thread() is not threading.main_thread() or \
            signal.getsignal(signal.SIGINT) in (signal.SIG_IGN, None):
        yield pressed
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)


# ---- the doors -----------------------------------------------------------------------------------


def _pair(vae: VAE, validation, how: str):
    """Validation rows, or (rows, labels), as (x, y)."""
    if validation is None:
        return None
    x, y = validation if isinstance(validation, tuple) and len(validation) == 2 else (validation, None)
    x = evaluation.data_rows(vae, x, how, "validation x")
    return x, checks.labels(y, len(x), vae.n_classes)


def _checksum(x, y) -> str:
    """What tells this data from any other, as far as it has labels."""
    arrays = [np.ascontiguousarray(a) for a in (x, y) if a is not None]
    return ", ".join(f"{a.dtype} {a.shape} crc32 {zlib.crc32(a.data):08x}" for a in arrays)


def _describe(thing) -> str:
    """An objective or optimizer with its settings, such as Adam(lr=0.001, beta1=0.9 …)."""
    settings = {name: value for name, value in vars(thing).items()
                if name != "t" and isinstance(value, (int, float, tuple))}
    return f"{type(thing).__name__}({', '.join(f'{name}={value}' for name, value in settings.items())})"
