"""Where a run stands, in a checkpoint: what `fit` goes on from, to the same bits.

All randomness of a run comes from one Generator, whose state is saved with theta, the optimizer's vectors and the
running sums. Within an epoch two states are kept, the one the order of the examples was drawn from and the present one,
so the order itself need not be saved.
"""

from __future__ import annotations

import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from tinyvae import checkpoint as checkpoints
from tinyvae.foundation import checks
from tinyvae.history import COLUMNS, History
from tinyvae.rows import Rows

Array = np.ndarray


def settings(run: Any) -> dict[str, Any]:
    """What a resumed run must agree with; only the number of epochs may change."""
    return {
        "data": _checksum(run.data), "validation": _checksum(run.held_out),
        "objective": _describe(run.objective), "optimizer": _describe(run.optimizer),
        "batch_size": run.batch_size, "n_samples": run.n_samples, "binarization": run.data.binarization,
        "warmup_epochs": run.warmup_epochs}


def save(run: Any, path: Path) -> None:
    vectors = {name: getattr(run.optimizer, name) for name in run.optimizer.moments}
    if not all(np.isfinite(vector).all() for vector in [run.vae.theta, *vectors.values()]):
        raise run.divergence()
    columns = run.history[0].keys() if run.history else ()
    vectors |= {f"history.{name}": np.array([row[name] for row in run.history], float) for name in columns}
    state = {"settings": run.settings, "epoch": run.epoch, "step": run.step, "t": run.optimizer.t,
             "rng": run.rng.bit_generator.state, "order_rng": run.order_state, "sums": run.sums,
             "seconds": run.seconds}
    if rates := learning_rates(run, run.optimizer.t):
        state["learning_rates"] = rates
    if run.watch.untrained != math.inf:
        state["untrained"] = run.watch.untrained
    checkpoints.save(path, run.vae, state, vectors)


def learning_rates(run: Any, t: int) -> list[float]:
    """What a schedule gave at some steps of t: it has no description to compare it by."""
    lr = getattr(run.optimizer, "lr", None)
    return [float(lr(step)) for step in (0, t // 3, t // 2, max(t - 1, 0))] if callable(lr) else []


def load(run: Any, path: Path) -> None:
    """Stand where the run stood that saved to `path`: all is read before anything is changed."""
    vae, state, vectors = checkpoints.load_state(path)
    if checkpoints.describe(vae) != checkpoints.describe(run.vae):
        raise ValueError(f"{path} holds another model: {checkpoints.describe(vae)}; this one is "
                         f"{checkpoints.describe(run.vae)}")
    agreed = state["settings"] if isinstance(state.get("settings"), dict) else {}
    for name, now in run.settings.items():
        if name in agreed and agreed[name] != now:
            raise ValueError(f"{path} was made with {name} {agreed[name] or 'none'}; this run has "
                             f"{now or 'none'}. Resume with the same settings, or start a new run")
    try:
        if agreed != run.settings:
            raise KeyError("settings")
        epoch, step, t = (checks.whole(state[name], name, at_least=0) for name in ("epoch", "step", "t"))
        loss, reconstruction, kl = (checks.number(total, "sums") for total in state["sums"])
        seconds = checks.number(state["seconds"], "seconds", at_least=0)
        now, before = (_generator(state[name]) for name in ("rng", "order_rng"))
        untrained = state.get("untrained", math.inf)  # absent from the checkpoints of version 0.1
        if untrained not in (None, math.inf):
            checks.number(untrained, "untrained")
        moments = [vectors[name] for name in run.optimizer.moments]
        names = [name for name in COLUMNS if f"history.{name}" in vectors]
        columns = [vectors[f"history.{name}"].tolist() for name in names]
        history = History.of(names, zip(*columns, strict=True))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{path} is not a checkpoint of fit with {type(run.optimizer).__name__} "
                         f"({error}); start a new run") from None
    if not (len(history) == epoch and step < run.steps_per_epoch
            and all(moment.shape == vae.theta.shape for moment in moments)):
        raise ValueError(f"{path} is damaged: its parts do not fit each other; start a new run")
    if (then := state.get("learning_rates", rates := learning_rates(run, t))) != rates:
        raise ValueError(f"{path} was made with another schedule of the learning rate: it gave {then} where this "
                         f"one gives {rates}. Resume with the same settings, or start a new run")
    if before.state["state"]["inc"] != run.rng.bit_generator.state["state"]["inc"]:
        checks.doubt(f"{path} was begun with another seed than the rng given now; the run goes on with its own")
    run.vae.theta = vae.theta
    for name, moment in zip(run.optimizer.moments, moments, strict=True):
        getattr(run.optimizer, name)[:] = moment
    run.optimizer.t = t
    run.rng.bit_generator.state, run.order_state = now.state, before.state
    run.epoch, run.step, run.seconds, run.history = epoch, step, seconds, history
    run.sums, run.watch.untrained = [loss, reconstruction, kl], untrained


def _generator(state) -> np.random.PCG64:
    """A bit generator in that state; an error of some kind if it is none."""
    generator = np.random.PCG64()
    for number in (*state["state"].values(), state["has_uint32"], state["uinteger"]):
        checks.whole(number, "a number of the generator", at_least=0)
    generator.state = state
    return generator


def _checksum(data: Rows | None) -> str:
    """What tells this data from any other, as far as it has labels."""
    arrays = [np.ascontiguousarray(a) for a in (data.x, data.y) if a is not None] if data else []
    return ", ".join(f"{a.dtype} {a.shape} crc32 {zlib.crc32(a.data):08x}" for a in arrays)


def _describe(thing) -> str:
    """An objective or optimizer with its settings, such as Adam(lr=0.001, beta1=0.9 …)."""
    settings = {name: value for name, value in vars(thing).items()
                if name != "t" and isinstance(value, (int, float, tuple))}
    return f"{type(thing).__name__}({', '.join(f'{name}={value}' for name, value in settings.items())})"
