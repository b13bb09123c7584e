"""Published experiments, each as the settings of one run: `tinyvae recipes`, `tinyvae train --recipe NAME`.

A recipe has variants: the same settings with a few changed, each with the published value to compare it with, where
there is one. Any option of `tinyvae train` changes a setting more, and then nothing is compared.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from typing import Any

from tinyvae.cli.settings import Config


@dataclass(frozen=True)
class Recipe:
    """One experiment: what it shows, its settings, and what was published for that model and data, by variant."""

    what: str
    source: str
    config: Config
    # ((settings that differ, published value in nats, or None), …); the value is what `measure` names
    variants: tuple[tuple[dict[str, Any], float | None], ...] = (({}, None),)
    measure: str = "test_log_likelihood"

    def published(self, config: Config) -> float | None:
        """The published value to compare these settings with; the seed and the place of the data may differ."""
        same: dict[str, Any] = {"seed": config.seed, "data_dir": config.data_dir}
        return next((value for changes, value in self.variants
                     if replace(self.config, **changes, **same) == config), None)


# The results on record began with every bias at zero, but for the fast recipes.
ZEROS = Config(bias_from_data=False)
# Burda et al. 2015: two hidden layers of 200 tanh units, 50 latent dimensions, dynamic binarization, all 60,000 images.
BURDA = replace(ZEROS, data="mnist", validation=0, hidden=(200, 200), activation="Tanh", latent_dim=50)
# The paper's Adam. The code released with it has beta1 = 0.99, second moments that start at one, and gradients summed
# over the batch.
TABLE_1 = replace(BURDA, recipe="iwae-table1", batch_size=20, schedule="staged", adam_eps=1e-4, epochs=3280)
FAST = replace(BURDA, batch_size=1000, optimizer="muon", lr=0.012, schedule="cosine", adam_eps=1e-4,
               bias_from_data=True)
# The same with Adam, as it was tuned before there was Muon, for small batches and for large ones.
ADAM = {"optimizer": "adam", "batch_size": 100, "lr": 2e-3}
LARGE = {"optimizer": "adam", "batch_size": 400, "lr": 6e-3}
K_AND_VALUE = (("elbo", 1, -86.76), ("elbo", 5, -86.47), ("elbo", 50, -86.35),
               ("iwae", 1, -86.76), ("iwae", 5, -85.54), ("iwae", 50, -84.78))

RECIPES = {
    "pytorch-example": Recipe(
        "the VAE that most people run first: ten epochs on grey pixels",
        "pytorch/examples, vae; its value: mean of 3 seeds, tests/benchmarks/pytorch_example.py",
        replace(ZEROS, recipe="pytorch-example", data="mnist", validation=0, binarization="none", epochs=10,
                batch_size=128),
        (({}, -105.67), ({"schedule": "cosine", "lr": 2e-3}, -105.67)), "test_elbo"),
    "aevb": Recipe(
        "the bound by latent dimension after 10^7, 3 10^7 and 10^8 examples; the manifold of figure 4",
        "Kingma & Welling 2013, figure 2 (read from the figure, ±0.5) and figure 4",
        # Without the N(0, I) prior that they put on the weights.
        replace(ZEROS, recipe="aevb", data="mnist", validation=0, binarization="none", hidden=(500,), activation="Tanh",
                init="normal", batch_size=100, optimizer="adagrad", lr=0.02, epochs=167),
        (*(({"latent_dim": J, "epochs": epochs}, value)
           for J, values in {3: (-138.0, -134.8, -133.4), 5: (-124.1, -121.1, -119.2), 10: (-108.5, -105.4, -103.7),
                             20: (-104.7, -101.7, -100.2), 200: (-103.9, -101.5, -100.3)}.items()
           for epochs, value in zip((167, 500, 1667), values, strict=True)), ({"latent_dim": 2}, None)),
        "test_elbo"),
    "doersch": Recipe(
        "a Gaussian decoder: unit variance, so that the loss is squared error and KL; and a learned variance",
        "Doersch 2016, sections 2.1 to 2.4; no value published",
        replace(ZEROS, recipe="doersch", data="mnist", likelihood="gaussian", schedule="cosine", epochs=50),
        (({}, None), ({"likelihood": "gaussian-shared"}, None))),
    "cvae": Recipe(
        "a conditional VAE: encoder and decoder are told the digit",
        "Doersch 2016, sections 3 and 5; no value published",
        replace(ZEROS, recipe="cvae", data="mnist", conditional=True, schedule="cosine", epochs=50)),
    "iwae-table1": Recipe(
        "test log p(x) by bound and number of samples: the full schedule, which takes hours",
        "Burda et al. 2015, table 1, one stochastic layer",
        TABLE_1,
        tuple(({"objective": bound, "samples": K}, value) for bound, K, value in K_AND_VALUE)),
    "iwae-table1-truncated": Recipe(
        "the same with a fortieth of the epochs: a truncated schedule, which falls short of the values",
        "Burda et al. 2015, table 1, for the full schedule",
        replace(TABLE_1, recipe="iwae-table1-truncated", epochs=82),
        tuple(({"objective": bound, "samples": K}, value) for bound, K, value in K_AND_VALUE)),
    "fast-vae": Recipe(
        "the paper's model by a shorter recipe: Muon, large batches, a cosine, the decoder's bias from the data",
        "Burda et al. 2015, table 1, VAE with k = 1",
        replace(FAST, recipe="fast-vae", epochs=400),
        (({}, -86.76), ({"epochs": 1200, **ADAM}, -86.76),
         *(({"epochs": epochs, **LARGE}, -86.76) for epochs in (480, 680, 1400)))),
    "fast-iwae": Recipe(
        "the same for the importance-weighted bound of five samples",
        "Burda et al. 2015, table 1, IWAE with k = 5",
        replace(FAST, recipe="fast-iwae", objective="iwae", samples=5, epochs=320),
        (({}, -85.54), ({"epochs": 540}, -85.54),
         *(({"epochs": epochs, **ADAM}, -85.54) for epochs in (400, 800)))),
    "beta-sweep": Recipe(
        "rate against distortion as the KL weighs less and more",
        "Higgins et al. 2017; Alemi et al. 2018 for rate and distortion; no value published",
        replace(ZEROS, recipe="beta-sweep", schedule="cosine"),
        tuple(({"beta": beta}, None) for beta in (0.1, 0.3, 1.0, 3.0, 10.0))),
    "linear": Recipe(
        "a linear VAE: probabilistic PCA, whose optimum is known in closed form",
        "Tipping & Bishop 1999; Lucas et al. 2019",
        replace(ZEROS, recipe="linear", hidden=(), likelihood="gaussian-shared", latent_dim=10, schedule="cosine",
                lr=3e-3, epochs=200)),
}


def find(name: str) -> Recipe:
    """The recipe of that name; ValueError with the nearest one for a name that is none."""
    if name not in RECIPES:
        nearest = difflib.get_close_matches(name, RECIPES, n=1, cutoff=0)[0]
        raise ValueError(f"unknown recipe {name!r}; did you mean {nearest!r}? See them all with: tinyvae recipes")
    return RECIPES[name]
