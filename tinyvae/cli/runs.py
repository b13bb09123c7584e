"""A run folder: what `tinyvae train` makes, and the other commands read.

    run.lock          there while a process trains here; one that a killed process left behind locks nothing
    config.json       all settings, and what they met: the data's fingerprint, versions, hardware
    checkpoint.npz    to go on from
    history.csv       one line an epoch
    results.json      the bound on the test set, with all that the number depends on
    *.png             pictures
    evaluation.json   what tinyvae evaluate found; evaluation-K.npz: log p(x) of each test row by K samples
    model.npz         written last: a folder that holds it is finished
"""

import dataclasses
import difflib
import itertools
import json
import math
import platform
import shlex
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

import tinyvae
from tinyvae import datasets, evaluation, plots
from tinyvae.checkpoint import ACTIVATIONS, describe, load, load_state, save
from tinyvae.cli.settings import LIKELIHOODS, OBJECTIVES, OPTIMIZERS, SCHEDULES, Config
from tinyvae.foundation import machine
from tinyvae.foundation.files import clear, replacing, write_json
from tinyvae.foundation.locks import only_one
from tinyvae.history import History
from tinyvae.optimizers import Optimizer
from tinyvae.rows import default_binarization, rows
from tinyvae.training import fit
from tinyvae.vae import VAE

RUNS = Path("runs")  # where runs go that were given no folder
LOCK = "run.lock"  # there while a process trains in that folder


class Run:
    """One run: its settings, its folder, and the data and the model that they stand for, made when first needed."""

    folder: Path

    def __init__(self, config: Config, fingerprint: str | None = None):
        self.config, self.fingerprint = config, fingerprint  # None for data that nobody has seen yet

    @classmethod
    def new(cls, config: Config, folder: Path | None) -> "Run":
        """A run to be trained in `folder` (None: the next free one), which is not made for what cannot be trained."""
        run = cls(config)
        run._optimizer()
        for split in (run.data.train, run.data.validation, run.data.test):
            if len(split.x):
                rows(run.vae, *run.labelled(split), run.rule)
        run.folder = _new_folder(folder, config.recipe or Path(config.data).stem)
        return run

    @classmethod
    def open(cls, folder: Path, finished: bool = True) -> "Run":
        """The run in `folder`; unless finished=False, one that is trained to the end."""
        path = folder / "config.json"
        if not path.is_file():
            others = [str(found.parent) for found in folder.parent.glob("*/config.json")]
            near = difflib.get_close_matches(str(folder), others, n=1)
            hint = f"did you mean {near[0]}? Or " if near else ""
            raise FileNotFoundError(f"{folder} is no run folder: it has no config.json; {hint}make one with tinyvae "
                                    f"train --out {folder}")
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            settings, fingerprint = record["settings"], record["data"]["fingerprint"]
            if not isinstance(settings, dict) or not isinstance(fingerprint, str):
                raise TypeError("settings or data are missing")
            run = cls(Config(**settings | {"hidden": tuple(settings["hidden"])}), fingerprint)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise ValueError(f"{path} is not the config of a run ({error}); restore it or start a new run") from None
        run.folder = folder
        if finished and not run.finished:
            raise FileNotFoundError(f"{folder} is not finished: it has no model.npz; go on with tinyvae train --resume "
                                    f"--out {folder}")
        return run

    @property
    def finished(self) -> bool:
        return self.fingerprint is not None and (self.folder / "model.npz").is_file()

    @cached_property
    def _grey(self) -> datasets.Dataset:
        """The same before static binarization."""
        data = datasets.load(self.config.data, data_dir=self.config.data_dir)
        return data.hold_out(min(self.config.validation, len(data.train.x) // 10))  # a small one keeps most of its rows

    @cached_property
    def data(self) -> datasets.Dataset:
        """The rows to train on, to validate and to test with; of bits if binarization is static."""
        data = self._grey.freeze(self.config.seed) if self.config.binarization == "static" else self._grey
        if self.fingerprint not in (None, data.fingerprint):
            raise ValueError(f"{data.name} is not the data that the run in {self.folder} was made with: its contents "
                             "have changed since; restore them, or start a new run")
        return data

    @cached_property
    def vae(self) -> VAE:
        """The model: as it was trained in a finished run, else as it starts."""
        config, data, rng = self.config, self._grey, self.generators()[0]
        if config.conditional and not data.n_classes:
            raise ValueError(f"--conditional needs labels, and {data.name} has none; leave the option out")
        fresh = VAE(data.train.x.shape[1], config.latent_dim, config.hidden, LIKELIHOODS[config.likelihood](),
                    ACTIVATIONS[config.activation], data.n_classes if config.conditional else 0, rng=rng)
        if config.init == "normal":
            fresh.theta[:] = 0.01 * rng.standard_normal(fresh.theta.size)
        if not self.finished:
            if config.bias_from_data:
                fresh.start_from(data.train.x)
            return fresh
        path = self.folder / "model.npz"
        trained = load(path)
        if describe(trained) != describe(fresh):
            raise ValueError(f"{path} holds another model than the config.json beside it says: {trained}; restore the "
                             "one of this run")
        return trained

    def _optimizer(self) -> Optimizer:
        config = self.config
        steps = config.epochs * math.ceil(len(self.data.train.x) / config.batch_size)
        return OPTIMIZERS[config.optimizer](self.vae, SCHEDULES[config.schedule](config.lr, steps), config)

    @property
    def binarization(self) -> str:
        return self.config.binarization or default_binarization(self.vae)

    @property
    def rule(self) -> str:
        """The binarization that is still to be done to `data`."""
        return "none" if self.binarization == "static" else self.binarization

    def labelled(self, split: datasets.Split) -> tuple[np.ndarray, np.ndarray | None]:
        """x and y of `split`; None for y where the model is not told it."""
        return split.x, split.y if self.config.conditional else None

    def generators(self) -> tuple[np.random.Generator, np.random.Generator]:
        """Two independent ones, of the run's seed."""
        one, other = np.random.SeedSequence(self.config.seed).spawn(2)
        return np.random.default_rng(one), np.random.default_rng(other)

    def train(self, quiet: bool = False) -> dict:
        """Train from the start, or from where it stopped, to the end; what results.json then says.

        BlockingIOError if another process trains in that folder; FileExistsError if one has taken it meanwhile.
        """
        with only_one(self.folder / LOCK, f"another process is training in {self.folder}; wait for it, or give --out "
                                          "another folder"):
            if self.fingerprint is None:
                _refuse_what_holds_something(self.folder)
            clear(self.folder)
            return self._train(quiet)

    def _train(self, quiet: bool) -> dict:
        config, data, vae = self.config, self.data, self.vae
        about = {"name": data.name, "fingerprint": data.fingerprint, "train": len(data.train.x),
                 "validation": len(data.validation.x), "test": len(data.test.x)}
        versions = {"tinyvae": tinyvae.__version__, "numpy": np.__version__, "python": platform.python_version(),
                    "blas": machine.blas()}
        write_json(self.folder / "config.json", {
            "settings": dataclasses.asdict(config), "binarization": self.binarization, "data": about,
            "versions": versions, "hardware": machine.hardware()})
        if not quiet:
            print(f"Training on {data.name}, {len(data.train.x)} rows, {config.epochs} "
                  f"epoch{'s' * (config.epochs != 1)}. The run is kept in {self.folder}", flush=True)
        x, y = self.labelled(data.train)
        rng, path = self.generators()[1], self.folder / "checkpoint.npz"
        if path.exists():
            self._refuse_another_seed(path, rng)
        try:
            history = fit(
                vae, x, OBJECTIVES[config.objective](vae, config), self._optimizer(), config.epochs, config.batch_size,
                rng, y=y, n_samples=config.samples, warmup_epochs=config.warmup,
                validation=self.labelled(data.validation) if len(data.validation.x) else None,
                binarization=self.rule, checkpoint=path, resume=True, progress=not quiet)
        except KeyboardInterrupt as error:
            raise type(error)(f"{str(error) or 'interrupted'}; go on with: tinyvae train --resume --out "
                                    f"{shlex.quote(str(self.folder))}") from None
        history.save(self.folder / "history.csv")
        x, y = self.labelled(data.test)
        test = evaluation.elbo(vae, x, y, self.rule, rng=config.seed)
        found = {f"test_{name}": value for name, value in test.items()} | {
            "unit": "nats, mean over the test set", "binarization": self.binarization, "seed": config.seed,
            "latent_samples": 1, **about, **versions}
        write_json(self.folder / "results.json", found)
        try:
            for _ in self.draw():
                pass
        except Exception as error:  # Matplotlib has many; and the model is worth more than a picture of it
            print(f"tinyvae: a picture could not be drawn ({error}); once it is trained, try it again with: "
                  f"tinyvae plot {shlex.quote(str(self.folder))}", file=sys.stderr)
        save(self.folder / "model.npz", vae)
        return found

    def _refuse_another_seed(self, path: Path, rng: np.random.Generator) -> None:
        """A checkpoint put in the place of this run's: of a seed is left, all through a run, the increment of PCG64."""
        now: Any = rng.bit_generator.state
        with suppress(KeyError, TypeError):  # a damaged one is for `fit` to name
            if load_state(path)[1]["rng"]["state"]["inc"] != now["state"]["inc"]:
                raise ValueError(f"{path} was made with another seed than the {self.config.seed} of this run; restore "
                                 "its own, or start a new run")

    def draw(self) -> Iterator[Path]:
        """Draw the pictures into the folder, and name each."""
        vae, shape, (x, y) = self.vae, self.data.image_shape, self.labelled(self.data.test)
        if history := History.load(self.folder / "history.csv"):
            yield save_picture(plots.curves(history), self.folder / "curves.png")
        if vae.latent_dim > 1:
            yield save_picture(plots.latent_scatter(vae, x, self.data.test.y), self.folder / "latent.png")
        if shape is None:
            return
        yield save_picture(plots.reconstructions(vae, x, y, shape), self.folder / "reconstructions.png")
        yield save_picture(plots.traversal(vae, x, y, shape), self.folder / "traversal.png")
        first, last = _pairs(y, len(x))
        lines = plots.interpolation(vae, x[first], x[last], y=None if y is None else y[first], image_shape=shape)
        yield save_picture(lines, self.folder / "interpolation.png")
        every = None if y is None else np.arange(100) % vae.n_classes
        yield save_picture(plots.samples(vae, 100, self.config.seed, every, shape), self.folder / "samples.png")
        if vae.latent_dim == 2 and not vae.n_classes:
            yield save_picture(plots.manifold(vae, image_shape=shape), self.folder / "manifold.png")


def save_picture(figure, path: Path) -> Path:
    with replacing(path) as file:
        figure.savefig(file, format="png", dpi=120)
    return path


def _pairs(y, n: int, lines: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Rows from which to which to interpolate; of one class each where the model is conditional on it."""
    if y is None:
        lines = min(lines, (n + 1) // 2)
        return np.arange(lines), np.arange(n - lines, n)
    of_class = [np.flatnonzero(y == label) for label in np.unique(y)[:lines]]
    return np.array([found[0] for found in of_class]), np.array([found[-1] for found in of_class])


def _new_folder(folder: Path | None, name: str) -> Path:
    """A folder for a new run, which holds nothing yet; of two runs that are given the same, `Run.train` lets one in."""
    numbers = itertools.count(1)
    while folder is None:
        RUNS.mkdir(exist_ok=True)
        with suppress(FileExistsError):
            (free := RUNS / f"{name}-{next(numbers)}").mkdir()
            folder = free
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder} is a file; give --out a folder that does not exist yet")
    folder.mkdir(parents=True, exist_ok=True)
    _refuse_what_holds_something(folder)
    return folder


def _refuse_what_holds_something(folder: Path) -> None:
    """FileExistsError unless the folder is empty, but for what a run that was killed at once has left there."""
    if kept := sorted(path.name for path in folder.iterdir() if path.name != LOCK and path.suffix != ".part"):
        hint = f"go on with it by --resume --out {folder}, or " if "config.json" in kept else ""
        raise FileExistsError(f"{folder} is not empty (it holds {kept[0]}); {hint}give --out another folder")
