"""Binary pixels out of grey ones: the Bernoulli likelihood is a probability of zeros and ones only.

Published results differ by about 2 nats between the rules, so a run has to say which one it used.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike

BINARIZATIONS = ("dynamic", "static", "threshold", "none")


def binarize(x: np.ndarray, how: str, rng: np.random.Generator, dtype: DTypeLike = np.float32) -> np.ndarray:
    """Turn rows x (M, D) of uint8 grey levels, bools, or floats in [0, 1] into an array (M, D) of `dtype`.

    dynamic    each pixel is 1 with probability x, drawn anew at each call (Burda et al. 2015)
    static     one draw for good, made before training by `freeze` (Larochelle & Murray 2011)
    threshold  x > 1/2
    none       the grey values x themselves: usual, but then the "likelihood" isn't one

    A uint8 level counts as level / 255. A bool array is binary already: every rule leaves it as it is.
    Raises TypeError for another dtype, ValueError for another rule or values outside [0, 1].
    """
    if how not in BINARIZATIONS:
        raise ValueError(f"binarization {how!r} given; expected one of {', '.join(BINARIZATIONS)}")
    _check_values(x)
    if x.dtype == bool:
        return x.astype(dtype)
    if how == "dynamic":
        return _draw(x, rng).astype(dtype)
    if how == "threshold":
        return (x > (127 if x.dtype == np.uint8 else 0.5)).astype(dtype)
    if how == "none":
        return np.divide(x, 255, dtype=dtype) if x.dtype == np.uint8 else x.astype(dtype)
    raise ValueError(f"static binarization of {x.dtype} given, but it is drawn once, before training: "
                     "call freeze(x, seed) first")


def freeze(x: np.ndarray, seed: int | Sequence[int] | np.random.SeedSequence) -> np.ndarray:
    """Draw each pixel once, 1 with probability x, and return the bool array that no rule changes any more.

    The same seed gives the same bits. Two arrays need two seeds, or their noise is the same; `Dataset.freeze`
    sees to that. Raises as `binarize` does.
    """
    _check_values(x)
    return x.copy() if x.dtype == bool else _draw(x, np.random.default_rng(seed))


def _draw(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw bools that are true with probability x, or x / 255: never for black, always for white."""
    if x.dtype == np.uint8:
        # u is uniform over 0 … 254, of which exactly x lie below x. Whole bytes are twice as fast to draw as a
        # bounded range; the few that are 255 are then drawn again.
        u = rng.integers(0, 256, x.shape, dtype=np.uint8)
        outside = u == 255
        u[outside] = rng.integers(0, 255, np.count_nonzero(outside), dtype=np.uint8)
        return u < x
    # u is a multiple of 2^-24 in [0, 1): the probability is x to 6e-8.
    return rng.random(x.shape, dtype=np.float32) < x


def _check_values(x: np.ndarray) -> None:
    if x.dtype in (np.uint8, bool):
        return
    if x.dtype.kind != "f":
        raise TypeError(f"pixels of {x.dtype} given; expected uint8 grey levels, bools, or floats in [0, 1]")
    # Written so that NaN fails and an array without rows passes.
    if not (x.min(initial=0) >= 0 and x.max(initial=1) <= 1):
        raise ValueError(f"pixels from {x.min()} to {x.max()} given; expected floats in [0, 1]: scale them, "
                         "or pass grey levels as uint8")
