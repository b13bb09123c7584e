"""What the check takes: a function of one vector v, and what backward says of its derivative."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray

# A learning rate for a backward that takes a step itself: in W - RATE dW no digit of dW is lost.
RATE = 2.0**20


class Problem(NamedTuple):
    """A function of v and its derivative, to be checked at v."""

    title: str
    v: Array
    names: Mapping[str, Array]  # where in v each array lies, in the array's shape
    forward: Callable[[Array], Array]  # of v, or of a complex v
    gradient: Callable[[Array, Array, float], Array]  # v, dy, blank -> dL/dv, and `blank` where nothing was written
    sizes: Mapping[str, int]  # by which a gradient may be too large or too small
    unchecked: Mapping[str, tuple[tuple[int, ...], str]]  # {name: (shape, why it is not checked)}
    notes: Sequence[str] = ()
    in_float32: Callable[[], bool] = bool  # whether forward or backward gave float32
    returned: Callable[[], Any] = tuple  # what else the latest backward gave
    takes_dy: bool = True  # else backward is that of a number, for dy = 1
    steps: bool = False  # backward took RATE as a learning rate


def float64(a) -> Array:
    a = np.array(a)
    if a.dtype.kind not in "biuf":
        raise TypeError(f"an input has dtype {a.dtype}; expected real numbers")
    return a.astype(np.float64)


def expect_shape(name: str, a: Array, gradient) -> None:
    if np.shape(gradient) != a.shape:
        raise ValueError(f"backward gave a gradient of shape {np.shape(gradient)} for {name}, "
                         f"which has shape {a.shape}")
