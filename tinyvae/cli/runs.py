"""A run folder: what `tinyvae train` makes, and the other commands read.

    config.json       all settings, and what they met: versions, the data's fingerprint
    checkpoint.npz    to go on from
    history.csv       one line an epoch
    results.json      the bound on the test set, with all that the number depends on
    *.png             pictures
    evaluation.json   what tinyvae evaluate found; evaluation-K.npz: log p(x) of each test row by K samples
    model.npz         written last: a folder that holds it is finished
"""

import dataclasses
import difflib
import json
import math
import platform
import shlex
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import tinyvae
from tinyvae import datasets, evaluation
from tinyvae.checkpoint import ACTIVATIONS, describe, load, load_state, save
from tinyvae.exact import is_linear
from tinyvae.foundation import checks, machine
from tinyvae.foundation.files import replacing
from tinyvae.likelihoods import Bernoulli, DiagonalGaussian, Gaussian
from tinyvae.objectives import ELBO, IWAE
from tinyvae.optimizers import SGD, Adagrad, Adam, Cosine, Muon, Optimizer, Staged
from tinyvae.rows import default_binarization, pixels
from tinyvae.rows import rows as checked
from tinyvae.training import History, fit
from tinyvae.vae import VAE


@dataclass(frozen=True)
class Config:
    """The settings of a run; their names are the options of `tinyvae train`."""

    recipe: str | None = None  # where the settings come from; see `recipes`
    data: str = "mnist-small"
    data_dir: str | None = None
    validation: int = 1000
    binarization: str | None = None  # None: dynamic for Bernoulli, none for Gaussian
    latent_dim: int = 20
    hidden: tuple[int, ...] = (400,)
    activation: str = "ReLU"
    likelihood: str = "bernoulli"
    conditional: bool = False
    objective: str = "elbo"
    samples: int = 1
    beta: float = 1.0
    free_bits: float = 0.0
    warmup: float = 0.0
    epochs: int = 40
    batch_size: int = 128
    optimizer: str = "adam"
    lr: float = 1e-3
    schedule: str = "constant"
    adam_eps: float = 1e-8
    init: str = "glorot"  # or "normal": all parameters from N(0, 0.01^2), AEVB's "N(0, 0.01)" read as a deviation
    bias_from_data: bool = False  # the decoder's last bias starts at the logits of the mean image
    seed: int = 0

    def __post_init__(self):
        choices_of: dict[str, Collection] = {
            "activation": ACTIVATIONS, "likelihood": LIKELIHOODS, "objective": OBJECTIVES, "optimizer": OPTIMIZERS,
            "schedule": SCHEDULES, "init": INITS, "binarization": [None, *datasets.BINARIZATIONS]}
        for name, choices in choices_of.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} is {getattr(self, name)!r}; expected one of {', '.join(map(str, choices))}")
        for name, at_least in {"validation": 0, "latent_dim": 1, "samples": 1, "epochs": 0, "batch_size": 1,
                               "seed": 0}.items():
            checks.whole(getattr(self, name), name, at_least)
        for name in ("beta", "free_bits", "warmup"):
            checks.number(getattr(self, name), name, at_least=0)
        for name in ("lr", "adam_eps"):
            checks.number(getattr(self, name), name, above=0)
        for size in checks.sequence(self.hidden, "hidden"):
            checks.whole(size, "a hidden size")


OBJECTIVES = ("elbo", "iwae")
INITS = ("glorot", "normal")
LIKELIHOODS: dict[str, Callable[[], Bernoulli | DiagonalGaussian]] = {"bernoulli": Bernoulli, "gaussian": Gaussian,
               "gaussian-shared": lambda: Gaussian("shared"), "gaussian-network": lambda: Gaussian("network")}
SCHEDULES: dict[str, Callable[[float, int], Any]] = {
    "constant": lambda lr, steps: lr, "cosine": Cosine,
    # IWAE section 5: lr 10^(-i/7) for 3^i epochs, i = 0 … 7, which are (3^8 - 1) / 2 = 3280; here for any number.
    "staged": lambda lr, steps: Staged(lr, tuple(round(steps * (3**i - 1) / (3**8 - 1)) for i in range(1, 8)),
                                       factor=10 ** (-1 / 7))}
OPTIMIZERS: dict[str, Callable[[VAE, Any, Config], Optimizer]] = {
    "adam": lambda vae, lr, config: Adam(vae, lr, eps=config.adam_eps),
    "muon": lambda vae, lr, config: Muon(vae, lr, eps=config.adam_eps),
    "adagrad": lambda vae, lr, config: Adagrad(vae, lr), "sgd": lambda vae, lr, config: SGD(vae, lr, momentum=0.9)}
PLACES = Path("runs")  # where runs go that were given no folder
BOUND_SAMPLES = 10  # of z for each test row, for the bound
BLOCK = 20  # test rows that draw their noise from one seed
SAVE_SECONDS = 30.0


def read(folder: Path) -> Config:
    """The settings of the run in `folder`."""
    kept = _record(folder)["settings"]
    try:
        return Config(**kept | {"hidden": tuple(kept["hidden"])})
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{folder / 'config.json'} is not the config of a run ({error}); restore it or start a new "
                         "run") from None


def _record(folder: Path) -> dict:
    """What config.json says: settings, data, versions."""
    path = folder / "config.json"
    if not path.is_file():
        others = [str(found.parent) for found in folder.parent.glob("*/config.json")]
        near = difflib.get_close_matches(str(folder), others, n=1)
        hint = f"did you mean {near[0]}? Or " if near else ""
        raise FileNotFoundError(f"{folder} is no run folder: it has no config.json; {hint}make one with tinyvae train "
                                f"--out {folder}")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(record["settings"], dict) or not isinstance(record["data"]["fingerprint"], str):
            raise TypeError("settings or data are missing")
        return record
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"{path} is not the config of a run ({error}); restore it or start a new run") from None


def finished(folder: Path) -> bool:
    return (folder / "model.npz").is_file()


def train(config: Config, folder: Path | None, resume: bool = False, quiet: bool = False) -> tuple[Path, dict]:
    """Make the run in `folder` (None: the next free one), or with resume=True go on with it; folder and results."""
    data = _load_data(config)
    init, noise = map(np.random.default_rng, np.random.SeedSequence(config.seed).spawn(2))
    vae = _model(config, data, init)
    objective = _objective(config, vae)
    how = _binarization(config, vae)
    if how == "static":
        data, how = data.freeze(config.seed), "none"
    steps = config.epochs * math.ceil(len(data.train.x) / config.batch_size)
    optimizer = OPTIMIZERS[config.optimizer](vae, SCHEDULES[config.schedule](config.lr, steps), config)
    for split in (data.train, data.validation, data.test):
        if len(split.x):
            checked(vae, split.x, _labels(config, split), how)

    if resume and folder is not None and (folder / "config.json").exists():
        _same_data(folder, data)
    else:
        folder = _claim(folder, config)
    record: dict[str, Any] = {"settings": dataclasses.asdict(config), "binarization": _binarization(config, vae),
              "data": {"name": data.name, "fingerprint": data.fingerprint, "train": len(data.train.x),
                       "validation": len(data.validation.x), "test": len(data.test.x)},
              "versions": {"tinyvae": tinyvae.__version__, "numpy": np.__version__,
                           "python": platform.python_version(), "blas": machine.blas()}}
    _write_json(folder / "config.json", record)
    if not quiet:
        print(f"Training on {data.name}, {len(data.train.x)} rows, {config.epochs} "
              f"epoch{'s' * (config.epochs != 1)}. The run is kept in {folder}", flush=True)
    try:
        history = fit(
            vae, data.train.x, objective, optimizer, config.epochs, config.batch_size, noise,
            y=_labels(config, data.train), n_samples=config.samples, warmup_epochs=config.warmup,
            validation=(data.validation.x, _labels(config, data.validation)) if len(data.validation.x) else None,
            binarization=how, checkpoint=folder / "checkpoint.npz", resume=resume, progress=not quiet)
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(f"{str(error) or 'interrupted'}; go on with: tinyvae train --resume --out "
                                f"{shlex.quote(str(folder))}") from None
    history.save(folder / "history.csv")
    test = evaluation.elbo(vae, data.test.x, _labels(config, data.test), how, rng=config.seed)
    _write_json(folder / "results.json", {f"test_{name}": value for name, value in test.items()} | {
        "unit": "nats, mean over the test set", "binarization": record["binarization"], "seed": config.seed,
        "latent_samples": 1, **record["data"], **record["versions"]})
    for _ in draw(folder, config, vae, data, history):
        pass
    save(folder / "model.npz", vae)
    return folder, results(folder)


def results(folder: Path) -> dict:
    return json.loads((folder / "results.json").read_text(encoding="utf-8"))


def open_run(folder: Path) -> tuple[Config, VAE, datasets.Dataset]:
    """Settings, model and data of a finished run."""
    config = read(folder)
    if not finished(folder):
        raise FileNotFoundError(f"{folder} is not finished: it has no model.npz; go on with tinyvae train --resume "
                                f"--out {folder}")
    vae, data = load(folder / "model.npz"), _load_data(config)
    if _binarization(config, vae) == "static":
        data = data.freeze(config.seed)
    _same_data(folder, data)
    if describe(vae) != describe(_model(config, data, np.random.default_rng(0))):
        raise ValueError(f"{folder / 'model.npz'} holds another model than the config.json beside it says: {vae}; "
                         "restore the one of this run")
    return config, vae, data


def _same_data(folder: Path, data: datasets.Dataset) -> None:
    if data.fingerprint != _record(folder)["data"]["fingerprint"]:
        raise ValueError(f"{data.name} is not the data that the run in {folder} was made with: its contents have "
                         "changed since; restore them, or start a new run")


def evaluate(folder: Path, samples: int, rows: int, quiet: bool = False) -> dict:
    """Bound, log p(x), KLs and active units on the first `rows` test rows; also written to evaluation.json."""
    config, vae, data = open_run(folder)
    how = _binarization(config, vae)
    rows = min(checks.whole(rows, "--rows"), len(data.test.x))
    for_x, for_bound = map(np.random.default_rng, np.random.SeedSequence(config.seed).spawn(2))
    x = data.test.x
    if how == "dynamic":  # of all rows, so that the pixels of one do not depend on how many were asked for
        x = datasets.binarize(x, how, for_x, bool)
    blocks = pixels(x[: math.ceil(rows / BLOCK) * BLOCK], how, for_x, vae.theta.dtype)
    labels = _labels(config, data.test)
    x, y = blocks[:rows], None if labels is None else labels[:rows]
    bound = evaluation.elbo(vae, x, y, "none", BOUND_SAMPLES, for_bound)
    depends_on = {"importance_samples": checks.whole(samples, "--samples"), "seed": config.seed,
                  "binarization": how, "fingerprint": data.fingerprint}
    path = folder / f"evaluation-{samples}.npz"
    estimate = _log_likelihoods(path, vae, blocks, labels, depends_on, quiet).first(rows)
    active, variance = evaluation.active_units(vae, x, y=y)
    M, log_p = len(x), float(estimate.log_p.mean())
    answer = {f"test_{name}": value for name, value in bound.items()} | {
        "latent_samples": BOUND_SAMPLES,
        "test_log_likelihood": log_p,
        "standard_error": float(estimate.log_p.std(ddof=1) / M**0.5) if M > 1 else None,  # over the images
        "sampling_error": float((estimate.standard_error**2).sum() ** 0.5 / M) if samples > 1 else None,
        "median_effective_samples": float(np.median(estimate.effective_samples)),
        "gap": log_p - bound["elbo"],
        "active_units": active, "unit_variance": variance.tolist(),
        "kl_per_dimension": evaluation.kl_per_dimension(vae, x, y).tolist(),
        "unit": "nats", "test_rows": M, "of_each_row": path.name, "data": data.name,
        "version": tinyvae.__version__, **depends_on}
    if is_linear(vae):
        answer["exact_log_likelihood"] = float(evaluation.linear_log_likelihood(vae, x, y).mean())
    if vae.latent_dim == 2:
        answer["first_row"] = _posterior(folder, vae, x[:1], None if y is None else y[:1], data.image_shape)
    _write_json(folder / "evaluation.json", answer)
    return answer


def _posterior(folder: Path, vae: VAE, x, y, image_shape) -> dict:
    """log p(x) of one row and KL(q(z|x) || p(z|x)), by quadrature over the two latent dimensions; and its picture."""
    mu, logvar = (a[0].astype(float) for a in vae.encode(x, y))  # (2,) each
    span = max(4.0, (abs(mu) + 6 * np.exp(0.5 * logvar)).max().item())
    try:
        exact = evaluation.exact_posterior(vae, x, y, span=span)
        found: dict[str, Any] = {"log_p": exact.log_p, "kl_to_posterior": exact.kl_from(mu, logvar)}
    except ValueError as error:  # a posterior too far away or too narrow for the grid: the rest is as good without it
        return {"log_p": None, "kl_to_posterior": None, "why": str(error)}
    if image_shape is not None:
        from tinyvae import plots

        _write_figure(plots.posterior(vae, x, y, image_shape, span=span), folder / "posterior.png")
        found["picture"] = "posterior.png"
    return found


def _log_likelihoods(path: Path, vae: VAE, x, y, depends_on: dict, quiet: bool) -> evaluation.Estimate:
    """log p(x) of each row, kept in `path` block by block: an interrupted evaluation loses nothing it had finished."""
    from tqdm import tqdm

    K, known, saved = depends_on["importance_samples"], _kept(path, vae, depends_on), time.monotonic()
    done = kept = min(known.shape[1], len(x))
    try:
        with tqdm(total=len(x), initial=done, desc="log p(x)", unit="x", delay=2, disable=quiet) as bar:
            for start in range(done, len(x), BLOCK):
                rows = slice(start, start + BLOCK)
                part = evaluation.importance_sampling(vae, x[rows], K, [depends_on["seed"], start],
                                                      None if y is None else y[rows])
                known = np.hstack([known, part[:2]])
                bar.update(len(part.log_p))
                if time.monotonic() - saved >= SAVE_SECONDS:
                    save(path, vae, depends_on, {"log_p": known[0], "effective_samples": known[1]})
                    saved, kept = time.monotonic(), known.shape[1]
    finally:  # also on Ctrl-C
        if known.shape[1] > kept:
            save(path, vae, depends_on, {"log_p": known[0], "effective_samples": known[1]})
    return evaluation.Estimate(known[0], known[1], K)


def _kept(path: Path, vae: VAE, depends_on: dict) -> np.ndarray:
    """log_p and effective_samples of the rows that `path` holds, (2, rows): whole blocks of the same evaluation."""
    if path.exists():
        kept_vae, state, arrays = load_state(path)
        if arrays.keys() != {"log_p", "effective_samples"} or len({a.size for a in arrays.values()}) != 1:
            raise ValueError(f"{path} is not what tinyvae evaluate writes; delete it")
        if state == depends_on and np.array_equal(kept_vae.theta, vae.theta):
            return np.stack([arrays["log_p"], arrays["effective_samples"]])
    return np.empty((2, 0))


def draw(folder: Path, config: Config, vae: VAE, data: datasets.Dataset, history: list) -> Iterator[Path]:
    """Draw the pictures of a run into its folder, and name each."""
    from tinyvae import plots

    shape, y = data.image_shape, _labels(config, data.test)
    x = pixels(data.test.x, "none", None, vae.theta.dtype)
    if history:
        yield _write_figure(plots.curves(history), folder / "curves.png")
    if vae.latent_dim > 1:
        yield _write_figure(plots.latent_scatter(vae, x, data.test.y), folder / "latent.png")
    if shape is None:
        return
    yield _write_figure(plots.reconstructions(vae, x, y, shape), folder / "reconstructions.png")
    yield _write_figure(plots.traversal(vae, x, y, shape), folder / "traversal.png")
    first, last = _pairs(y, len(x))
    lines = plots.interpolation(vae, x[first], x[last], y=None if y is None else y[first], image_shape=shape)
    yield _write_figure(lines, folder / "interpolation.png")
    every = None if y is None else np.arange(100) % vae.n_classes
    yield _write_figure(plots.samples(vae, 100, config.seed, every, shape), folder / "samples.png")
    if vae.latent_dim == 2 and not vae.n_classes:
        yield _write_figure(plots.manifold(vae, image_shape=shape), folder / "manifold.png")


def _pairs(y, n: int, lines: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Rows from which to which to interpolate; of one class each where the model is conditional on it."""
    if y is None:
        lines = min(lines, (n + 1) // 2)
        return np.arange(lines), np.arange(n - lines, n)
    rows = [np.flatnonzero(y == label) for label in np.unique(y)[:lines]]
    return np.array([row[0] for row in rows]), np.array([row[-1] for row in rows])


def read_history(folder: Path) -> History:
    """The history of a run, from its CSV."""
    import csv

    path = folder / "history.csv"
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return History({name: float(value) for name, value in row.items()} for row in csv.DictReader(file))
    except (ValueError, TypeError, csv.Error) as error:
        raise ValueError(f"{path} is not the history of a run ({error}); restore it") from None


# ---- parts -----------------------------------------------------------------------------------------


def _load_data(config: Config) -> datasets.Dataset:
    data = datasets.load(config.data, data_dir=config.data_dir)
    return data.hold_out(min(config.validation, len(data.train.x) // 10))  # a small data set keeps most of its rows


def _model(config: Config, data: datasets.Dataset, rng: np.random.Generator) -> VAE:
    if config.conditional and not data.n_classes:
        raise ValueError(f"--conditional needs labels, and {data.name} has none; leave the option out")
    vae = VAE(data.train.x.shape[1], config.latent_dim, config.hidden, LIKELIHOODS[config.likelihood](),
              ACTIVATIONS[config.activation], data.n_classes if config.conditional else 0, rng=rng)
    if config.init == "normal":
        vae.theta[:] = 0.01 * rng.standard_normal(vae.theta.size)
    if config.bias_from_data:
        if not isinstance(vae.likelihood, Bernoulli):
            raise ValueError("--bias-from-data sets logits and needs --likelihood bernoulli; leave it out")
        mean = data.train.x.mean(0, dtype=np.float64) / (255 if data.train.x.dtype == np.uint8 else 1)  # (D,)
        mean = mean.clip(0.001, 0.999)
        vae.decoder.layers[-1].b[:] = np.log(mean / (1 - mean))
    return vae


def _objective(config: Config, vae: VAE):
    if config.objective == "iwae":
        if config.beta != 1 or config.free_bits or config.warmup:
            raise ValueError("beta, free bits and warmup are for the KL of the ELBO, which IWAE has not; leave them "
                             "out, or take the objective elbo")
        return IWAE(vae)
    return ELBO(vae, config.beta, config.free_bits)


def _binarization(config: Config, vae: VAE) -> str:
    return config.binarization or default_binarization(vae)


def _labels(config: Config, split: datasets.Split):
    return split.y if config.conditional else None


def _claim(folder: Path | None, config: Config) -> Path:
    """A folder for a new run, which no other run can take as well: whoever makes it has it."""
    if folder is None:
        name, number = config.recipe or Path(config.data).stem, 1
        while True:
            folder = PLACES / f"{name}-{number}"
            try:
                folder.mkdir(parents=True)
                return folder
            except FileExistsError:
                number += 1
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder} is a file; give --out a folder that does not exist yet")
    if not folder.exists():
        folder.mkdir(parents=True)
    elif kept := sorted(p.name for p in folder.iterdir() if p.suffix != ".part"):
        hint = f"go on with it by --resume --out {folder}, or " if "config.json" in kept else ""
        raise FileExistsError(f"{folder} is not empty (it holds {kept[0]}); {hint}give --out another folder")
    return folder


def _write_json(path: Path, value: dict) -> None:
    with replacing(path) as file:
        file.write((json.dumps(value, indent=2, allow_nan=False) + "\n").encode())


def _write_figure(figure, path: Path) -> Path:
    with replacing(path) as file:
        figure.savefig(file, format="png", dpi=120)
    return path
