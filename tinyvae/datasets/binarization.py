"""Grey pixels made binary, by hand: what `fit` does by itself for each batch (see `rows`)."""

from __future__ import annotations  # so that np.random, which NumPy imports late, is imported late

from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike

from tinyvae.foundation import checks
from tinyvae.rows import bits, check_rule, pixels


def binarize(x: np.ndarray, how: str, rng: np.random.Generator, dtype: DTypeLike = np.float32) -> np.ndarray:
    """Turn rows x (M, D) of uint8 grey levels, bools, or numbers in [0, 1] into an array (M, D) of `dtype`.

    dynamic    each pixel is 1 with probability x, drawn anew at each call (Burda et al. 2015)
    static     one draw for good, made before training by `freeze` (Larochelle & Murray 2011)
    threshold  x > 1/2
    none       the grey values x themselves: usual, but then the "likelihood" isn't one

    A uint8 level counts as level / 255. A bool array is binary already: every rule leaves it as it is.
    Raises TypeError for what is no number, ValueError for another rule or values outside [0, 1].
    """
    x = _grey(x)
    check_rule(how, x)
    return pixels(x, how, rng, dtype)


def freeze(x: np.ndarray, seed: int | Sequence[int] | np.random.SeedSequence) -> np.ndarray:
    """Draw each pixel once, 1 with probability x, and return the bool array that no rule changes any more.

    The same seed gives the same bits. Two arrays need two seeds, or their noise is the same; `Dataset.freeze`
    sees to that. Raises as `binarize` does.
    """
    x = _grey(x)
    return x.copy() if x.dtype == bool else bits(x, np.random.default_rng(seed))


def _grey(x: np.ndarray) -> np.ndarray:
    """x, if it can be pixels; an array without rows can."""
    checks.plain(x, "x")
    if x.dtype.kind not in "biuf":
        raise TypeError(f"pixels of {x.dtype} given; expected uint8 grey levels, bools, or numbers in [0, 1]")
    # Written so that NaN fails.
    if x.dtype not in (np.uint8, bool) and not (x.min(initial=0) >= 0 and x.max(initial=1) <= 1):
        raise ValueError(f"pixels from {x.min()} to {x.max()} given; expected floats in [0, 1]: scale them, "
                         "or pass grey levels as uint8")
    return checks.grey_levels(x, "x")
