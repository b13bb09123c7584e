"""The settings of a run, a line each: name, default, help, and the values it may take.

A setting is a key of config.json and an option of `tinyvae train`. The option, the check, the help and the way a
setting is written as an option all follow from its line.
"""

import argparse
import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any

from tinyvae.checkpoint import ACTIVATIONS
from tinyvae.datasets import BINARIZATIONS
from tinyvae.foundation import checks
from tinyvae.likelihoods import Bernoulli, DiagonalGaussian, Gaussian
from tinyvae.objectives import ELBO, IWAE
from tinyvae.optimizers import SGD, Adagrad, Adam, Cosine, Muon, Optimizer, Staged
from tinyvae.vae import VAE

# What the words mean.
LIKELIHOODS: dict[str, Callable[[], Bernoulli | DiagonalGaussian]] = {
    "bernoulli": Bernoulli, "gaussian": Gaussian,
    "gaussian-shared": lambda: Gaussian("shared"), "gaussian-network": lambda: Gaussian("network")}
OBJECTIVES: dict[str, Callable[[VAE, "Config"], ELBO | IWAE]] = {
    "elbo": lambda vae, config: ELBO(vae, config.beta, config.free_bits), "iwae": lambda vae, config: IWAE(vae)}
OPTIMIZERS: dict[str, Callable[[VAE, Any, "Config"], Optimizer]] = {
    "adam": lambda vae, lr, config: Adam(vae, lr, eps=config.adam_eps),
    "muon": lambda vae, lr, config: Muon(vae, lr, eps=config.adam_eps),
    "adagrad": lambda vae, lr, config: Adagrad(vae, lr), "sgd": lambda vae, lr, config: SGD(vae, lr, momentum=0.9)}
SCHEDULES: dict[str, Callable[[float, int], Any]] = {
    "constant": lambda lr, steps: lr, "cosine": Cosine,
    # IWAE section 5: lr 10^(-i/7) for 3^i epochs, i = 0 … 7, which are (3^8 - 1) / 2 = 3280; here for any number.
    "staged": lambda lr, steps: Staged(lr, tuple(round(steps * (3**i - 1) / (3**8 - 1)) for i in range(1, 8)),
                                       factor=10 ** (-1 / 7))}


def setting(default, what: str, choices: Collection[str] = (), **bounds: float) -> Any:
    """A field of `Config`; bounds are those of `checks.number` and `checks.whole`."""
    return field(default=default, metadata={"what": what, "choices": choices, "bounds": bounds})


@dataclass(frozen=True)
class Config:
    """The settings of a run; their names are the options of `tinyvae train`."""

    recipe: str | None = setting(None, "settings of a published experiment, which the other options change; see "
                                 "tinyvae recipes")
    data: str = setting("mnist-small", "mnist-small (bundled), mnist, fashion-mnist, or a file of your own: .npy "
                        "(rows), .npz (x and, for labels, y), .csv (labels in a column y or label), IDX")
    data_dir: str | None = setting(None, "folder of the IDX files of mnist or fashion-mnist")
    validation: int = setting(1000, "training examples held out; at most a tenth", at_least=0)
    binarization: str | None = setting(None, "of grey pixels (dynamic for bernoulli, else none)", BINARIZATIONS)
    latent_dim: int = setting(20, "dimensions of z", at_least=1)
    hidden: tuple[int, ...] = setting((400,), "hidden units, such as 400 or 200,200; 0 for a linear model", at_least=1)
    activation: str = setting("ReLU", "of the hidden layers", ACTIVATIONS)
    likelihood: str = setting("bernoulli", "p(x|z); gaussian: sigma 1, -shared: one learned sigma, -network: sigma "
                              "from the decoder", LIKELIHOODS)
    conditional: bool = setting(False, "condition encoder and decoder on the label")
    objective: str = setting("elbo", "bound to maximize", OBJECTIVES)
    samples: int = setting(1, "latent samples for each example", at_least=1)
    beta: float = setting(1.0, "weight of the KL", at_least=0)
    free_bits: float = setting(0.0, "nats of KL that each latent dimension has for free", at_least=0)
    warmup: float = setting(0.0, "epochs during which beta rises from 0", at_least=0)
    epochs: int = setting(40, "passes over the data", at_least=0)
    batch_size: int = setting(128, "examples in a minibatch", at_least=1)
    optimizer: str = setting("adam", "muon: orthogonal steps for weight matrices; sgd has a momentum of 0.9",
                             OPTIMIZERS)
    lr: float = setting(1e-3, "learning rate", above=0)
    schedule: str = setting("constant", "of the learning rate: constant, down to 0 along a cosine, or the eight stages "
                            "of IWAE", SCHEDULES)
    adam_eps: float = setting(1e-8, "Adam's eps", above=0)
    init: str = setting("glorot", "of the weights; normal: N(0, 0.01^2), AEVB", ("glorot", "normal"))
    bias_from_data: bool = setting(True, "start where the data are: the decoder's last bias at the mean of x, and "
                                   "a learned sigma at its deviation")
    seed: int = setting(0, "of all randomness", at_least=0)

    def __post_init__(self):
        for f in fields(self):
            value, choices, bounds = getattr(self, f.name), f.metadata["choices"], f.metadata["bounds"]
            if choices and value not in (f.default, *choices):
                raise ValueError(f"{f.name} is {value!r}; expected one of {', '.join(choices)}")
            if f.name == "hidden":
                for size in checks.sequence(value, f.name):
                    checks.whole(size, "a hidden size", **bounds)
            elif bounds:
                (checks.number if isinstance(f.default, float) else checks.whole)(value, f.name, **bounds)
        if self.objective == "iwae" and (self.beta != 1 or self.free_bits or self.warmup):
            raise ValueError("beta, free bits and warmup are for the KL of the ELBO, which IWAE has not; leave them "
                             "out, or take the objective elbo")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give `parser` an option for each setting. One that is not given is not in the result: so --resume can tell."""
    for f in fields(Config):
        kind: dict[str, Any] = {"choices": f.metadata["choices"] or None}
        if f.default is False:
            kind = {"action": "store_true"}
        elif f.default is True:
            kind = {"action": argparse.BooleanOptionalAction}
        elif isinstance(f.default, (int, float)):
            kind = {"type": number(type(f.default), **f.metadata["bounds"])}
        elif isinstance(f.default, tuple):
            kind = {"type": partial(_sizes, number(int, **f.metadata["bounds"]))}
        default = f" ({written(f.default)})" if written(f.default) else ""
        parser.add_argument(options({f.name: None}), default=argparse.SUPPRESS, help=f.metadata["what"] + default,
                            **kind)


def options(changes: dict[str, Any]) -> str:
    """Settings as options of the command line."""
    return " ".join(f"--{'no-' * (value is False)}{name.replace('_', '-')} {written(value)}".rstrip()
                    for name, value in changes.items())


def written(value: Any) -> str:
    """A setting as the command line takes it: 200,200 for hidden sizes, 0 for none; a switch has no value."""
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "0"
    return "" if value is None or isinstance(value, bool) else str(value)


def _sizes(size: Callable[[str], int], text: str) -> tuple[int, ...]:
    return () if text == "0" else tuple(map(size, text.split(",")))


def number(kind: type, at_least: float = -math.inf, above: float = -math.inf) -> Callable[[str], Any]:
    """What reads an int or a float of the right size from an option."""
    def read(text: str):
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not (above < value < math.inf and value >= at_least):
            bound = f"above {above:g}" if above > -math.inf else f"at least {at_least:g}"
            expected = f"a whole number, {bound}" if kind is int else f"a number {bound}"
            raise argparse.ArgumentTypeError(f"{text!r} was given; expected {expected}")
        return value

    return read


whole = partial(number, int)
