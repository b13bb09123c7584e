"""What is drawn stays what it was: recorded results depend on these bits, so a change of the code must not change them.

Each digest was taken from the first edition. Noise, order and binarization are exact on every machine; what passes
through a matrix product or an exponential is not, and so is left out: the models here copy their noise (an encoder of
zeros makes z = eps, a decoder of ones and zeros copies z), and the data are fractions that float32 holds exactly.
"""

import functools
import hashlib

import numpy as np
import pytest
from recording import Noticing

import tinyvae as tv

RNG = np.random.default_rng(20131220)
GREY = RNG.integers(0, 256, (53, 7), dtype=np.uint8)
FRACTIONS = (RNG.integers(0, 65, (53, 7)) / 64).astype(np.float32)
BITS = RNG.random((53, 7)) < 0.3
REAL = (RNG.integers(-64, 65, (53, 7)) / 16).astype(np.float32)
Y = RNG.integers(0, 3, 53)


def digest(arrays) -> str:
    """Of values, shapes and dtypes, in this order; None counts as well."""
    sha = hashlib.sha256()
    for a in arrays:
        a = np.asarray(a, object if a is None else None)
        sha.update(f"{a.dtype.newbyteorder('<').str}{a.shape}".encode())
        sha.update(b"None" if a.dtype == object else np.ascontiguousarray(a).tobytes())
    return sha.hexdigest()[:16]


class Copies(Noticing):
    """A likelihood that notes all x and out it is asked about, and gives them in one list."""

    def asked(self) -> list:
        return [a for pair in self.seen for a in pair]


class Still:
    """An optimizer that does not move."""

    moments, t = (), 0

    def __init__(self, vae):
        self.model = vae

    def step(self):
        self.t += 1


def copying(support, n_classes=0) -> tv.VAE:
    """A model whose z is eps and whose out begins with z; then comes, with labels, the one-hot label."""
    vae = tv.VAE(7, 4, (), Copies(1.0), n_classes=n_classes, rng=0)
    vae.likelihood.support, vae.likelihood.seen = support, []
    vae.theta[:] = 0
    W = vae.parameters()["decoder.0.W"]  # (4 + classes, 7)
    W[np.arange(len(W)), np.arange(len(W))] = 1
    return vae


UNIT, LINE = (0.0, 1.0), (-np.inf, np.inf)
DATA = {"grey": (GREY, UNIT), "fractions": (FRACTIONS, UNIT), "bits": (BITS, UNIT), "real": (REAL, LINE),
        "grey as real": (GREY, LINE)}

FED = {
    ("grey", None, 1, False): "7ae102fa89480646",
    ("grey", None, 5, True): "ce401e56dc8dc425",
    ("grey", "dynamic", 1, False): "7ae102fa89480646",
    ("grey", "threshold", 1, False): "75f7af3a7e5b5078",
    ("grey", "none", 1, False): "893906e32273ea84",
    ("fractions", None, 1, False): "21ed7ac4c6aad1f4",
    ("fractions", None, 5, True): "4af6adff026a274b",
    ("fractions", "dynamic", 1, False): "21ed7ac4c6aad1f4",
    ("fractions", "threshold", 1, False): "f0b1ffec45cd1027",
    ("fractions", "none", 1, False): "4ef944bfff8b9177",
    ("bits", None, 1, False): "9a29b1139d40a022",
    ("bits", None, 5, True): "fac8b0a19ede22b4",
    ("bits", "none", 1, False): "9a29b1139d40a022",
    ("real", None, 1, False): "113dffde4cd063d6",
    ("real", None, 5, True): "6e9cb6c9a43b0687",
    ("grey as real", None, 1, False): "893906e32273ea84",
    ("grey as real", None, 5, True): "35b44f6092353512",
}


@pytest.mark.parametrize(("data", "binarization", "K", "labelled"), FED)
def test_fit_feeds_the_rows_pixels_and_noise_of_the_first_edition(data, binarization, K, labelled):
    x, support = DATA[data]
    vae = copying(support, 3 * labelled)
    y = Y if labelled else None
    objective = tv.IWAE(vae) if K > 1 else tv.ELBO(vae)
    held_out = (x[:11], Y[:11]) if labelled else x[:11]
    rng = np.random.default_rng(5)
    tv.fit(vae, x, objective, Still(vae), epochs=3, batch_size=16, rng=rng, y=y, binarization=binarization,
           n_samples=K, validation=held_out, progress=False)
    assert digest([*vae.likelihood.asked(), rng.random(3)]) == FED[data, binarization, K, labelled]


DRAWN = {
    "dynamic, grey": "113a5db2fdc8d840",
    "threshold, grey": "b83667d1816587cb",
    "none, grey": "b0bc14755cc33040",
    "freeze, grey": "a767ea340b618daa",
    "dynamic, fractions": "ae9ac545a7bafe8f",
    "threshold, fractions": "86bdeac9c3acc8d2",
    "none, fractions": "d988f3d55d79d8ab",
    "freeze, fractions": "9d3688ac16061a62",
    "dynamic, bits": "8aa0209f4594140c",
    "threshold, bits": "8aa0209f4594140c",
    "none, bits": "8aa0209f4594140c",
    "freeze, bits": "3fb6f65953db2339",
    "held out": "b6788f1c1df83297",
    "frozen": "353eaa1f9083a615",
    "fingerprint": "0ecd251080641e36",
    "elbo, grey": "6fb237d7a52ea835",
    "elbo, fractions": "07bb181f7d77ef83",
    "elbo, bits": "a1db26452c88fd7a",
    "elbo, real": "0d286b78fcf60519",
    "elbo, grey as real": "ba7d859d88804e8d",
    "log p(x)": "3d0dcadfa0fd63b9",
    "sample": "d4a87ca7835402e9",
    "weights": "dda30cd20d6e31b9",
}


@pytest.mark.parametrize("what", DRAWN)
def test_what_is_drawn_is_what_the_first_edition_drew(what):
    assert digest(draws()[what]) == DRAWN[what]


@functools.cache
def draws() -> dict[str, list]:
    rng = np.random.default_rng
    binarize, freeze = tv.datasets.binarize, tv.datasets.freeze
    found = {}
    for name, x in {"grey": GREY, "fractions": FRACTIONS, "bits": BITS}.items():
        for rule in ("dynamic", "threshold", "none"):
            found[f"{rule}, {name}"] = [binarize(x, rule, rng(7)), binarize(x, rule, rng(7), np.float64)]
        found[f"freeze, {name}"] = [freeze(x, 11), freeze(x, np.random.SeedSequence(3))]
    data = tv.datasets.load("mnist-small", validation=1000)
    frozen = data.freeze(2)
    found["held out"] = [*data.validation]
    found["frozen"] = [s.x for s in (frozen.train, frozen.validation, frozen.test)]
    found["fingerprint"] = [np.frombuffer(data.fingerprint.encode(), np.uint8)]
    for name, (x, support) in DATA.items():
        vae = copying(support)
        tv.evaluation.elbo(vae, x, n_samples=3, rng=13)
        tv.evaluation.elbo(vae, np.tile(x, (11, 1)), rng=13)  # in several parts
        found[f"elbo, {name}"] = vae.likelihood.asked()
    vae = copying(LINE)
    tv.log_likelihood(vae, REAL[:5], 1201, rng=17)  # several parts of the samples
    tv.log_likelihood(vae, GREY, 100, rng=17)  # and of the rows
    # The parts are weighed by threads, in any order; what each is given is not a matter of order.
    found["log p(x)"] = [np.array(sorted(digest(pair) for pair in vae.likelihood.seen))]
    even = tv.VAE(7, 4, (), rng=0)
    even.theta[:] = 0  # every pixel has probability 1/2
    found["sample"] = [vae.sample(9, 3), even.sample(9, 3), copying(LINE, 3).sample(5, 3, [0, 2, 1, 1, 0])]
    found["weights"] = [tv.VAE(7, 4, (5,), rng=19).theta, tv.VAE(7, 4, (), n_classes=3, rng=19).theta]
    return found
