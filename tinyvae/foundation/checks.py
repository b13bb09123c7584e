"""What the doors of the package ask: input becomes an array of the right shape and dtype, or one clear line."""

import math
import sys
import warnings
from typing import Any

import numpy as np

from tinyvae.foundation.text import shown

Array = np.ndarray

DARK = 64  # grey levels: many pixels of uint8 with none as light were probably meant otherwise


class Doubt(UserWarning):
    """What is taken, but is probably not what was meant."""


def doubt(text: str) -> None:
    """Warn of it, at the line that called the package."""
    level = 1
    while sys._getframe(level).f_globals.get("__name__", "").split(".")[0] == "tinyvae":
        level += 1
    warnings.warn(text, Doubt, stacklevel=level + 1)


def matrix(x, columns: int, name: str = "x") -> Array:
    """x as an (M, columns) array of the dtype it came in, M >= 1."""
    a = _numbers(x, name)
    if a.ndim != 2 or a.shape[1] != columns:
        hint = f"; one example is a row: {name}[None, :]" if a.shape == (columns,) else ""
        hint = hint or (f"; flatten images with {name}.reshape(len({name}), -1)" if a.ndim > 2 else "")
        raise ValueError(f"{name} has shape {a.shape}; expected (M, {columns}){hint}")
    if len(a) == 0:
        raise ValueError(f"{name} has no rows; expected at least one")
    return a


def noise(eps, n_rows: int, columns: int, dtype) -> Array:
    """eps as an (M, J) or (K, M, J) array of `dtype`."""
    a = _numbers(eps, "eps")
    if a.ndim not in (2, 3) or a.shape[-2:] != (n_rows, columns) or a.size == 0:
        raise ValueError(f"eps has shape {a.shape}; expected (M, J) = ({n_rows}, {columns}) "
                         f"or (K, {n_rows}, {columns}) for K samples of each example")
    return finite(np.asarray(a, dtype), "eps")


def labels(y, n_rows: int, n_classes: int) -> Array | None:
    """y, labels (M,) or one for all rows, as (M,) integers with 0 <= y < n_classes; None for a model without labels."""
    if n_classes == 0:
        if y is not None:
            raise ValueError("labels y were given to a model without classes; build it with VAE(n_classes=…), or "
                             "leave them out")
        return None
    if y is None:
        raise ValueError(f"this model is conditional on a label: pass y, {n_rows} integers "
                         f"from 0 to {n_classes - 1}")
    plain(y, "labels y")
    a = np.asarray(y)
    if a.ndim == 2 and len(a) == n_rows and a.shape[1] > 1 and ((a == 0) | (a == 1)).all() and (a.sum(1) == 1).all():
        raise ValueError(f"labels y are one-hot, of shape {a.shape}; pass the number of each row's class, y.argmax(1)")
    if a.dtype.kind not in "iu":
        raise TypeError(f"labels y have dtype {a.dtype}; expected integers from 0 to {n_classes - 1}")
    if a.ndim == 0:
        a = np.full(n_rows, a)
    if a.shape != (n_rows,):
        raise ValueError(f"labels y have shape {a.shape}; expected ({n_rows},), one label for each row")
    if a.min() < 0 or a.max() >= n_classes:
        hint = "; they begin at 1: pass y - 1" if a.min() == 1 and a.max() == n_classes else ""
        raise ValueError(f"labels y range from {a.min()} to {a.max()}; expected 0 to {n_classes - 1}{hint}")
    return a


def classes(y: Array, n_classes: int) -> None:
    """Say which classes no label names, unless there are fewer rows than classes."""
    if len(y) < n_classes:
        return
    missing = np.flatnonzero(np.bincount(y, minlength=n_classes) == 0).tolist()
    if missing == [0]:
        doubt(f"labels y begin at 1, so that class 0 of {n_classes} has no row; pass y - 1 if that is not meant")
    elif missing:
        some = ", ".join(map(str, missing[:5])) + " …" * (len(missing) > 5)
        doubt(f"no row of y is of class {some} (of 0 to {n_classes - 1}), and nothing can be learned about it; number "
              "the classes without gaps")


def cast(a: Array, dtype) -> Array:
    """a as `dtype`; a number too large for it becomes inf, without a warning, and is then named by `finite`."""
    with np.errstate(over="ignore"):
        return a.astype(dtype, copy=False)


def finite(a: Array, name: str) -> Array:
    """a, if it holds no NaN and no infinity: those are its own minimum or maximum, and no mask of its size is made."""
    if a.size and not (np.isfinite(a.min()) and np.isfinite(a.max())):
        at = tuple(int(i) for i in np.argwhere(~np.isfinite(a))[0])
        raise ValueError(f"{name} is not finite: {a[at]} at index {at}, {np.sum(~np.isfinite(a))} in all; "
                         f"remove or replace these values first")
    return a


def inside(a: Array, support: tuple[float, float], what: str, name: str) -> Array:
    """a, if every value is finite and lies where `what` describes values."""
    lowest, highest = support
    low, high = a.min(), a.max()  # the only two passes: this is asked of each batch
    if not (np.isfinite(low) and np.isfinite(high)):
        return finite(a, name)
    if low < lowest or high > highest:
        raise ValueError(f"{name} ranges from {low:g} to {high:g}; {what} describes values from "
                         f"{lowest:g} to {highest:g}: rescale {name} (grey levels 0..255 are uint8), or use Gaussian()")
    return a


def grey_levels(a: Array, name: str) -> Array:
    """a, unless it is uint8 of zeros and ones: uint8 means grey levels, and those would be black and nearly black."""
    if a.dtype == np.uint8 and a.max(initial=0) == 1 and (len(a) > 1 or a.mean() > 0.01):  # one row may be so dark
        raise ValueError(f"{name} is uint8 with no value above 1, but uint8 means grey levels 0..255; "
                         f"give zeros and ones as bool or float: {name}.astype(bool)")
    return a


def dark(a: Array, name: str) -> None:
    """Say that uint8 without light pixels is still taken for grey levels."""
    if a.dtype == np.uint8 and a.size > 255 and 1 < (top := a.max(initial=0)) < DARK:
        doubt(f"{name} is uint8 with no value above {top}, taken for grey levels 0..255, which makes it nearly black; "
              f"if {top} is white, pass {name} / {top}")


def parameters(theta: Array) -> None:
    """ValueError if theta is no model any more."""
    if not np.isfinite(theta).all():
        raise ValueError(f"the model's theta is not finite in {np.sum(~np.isfinite(theta))} of {theta.size} entries: "
                         "its training diverged, or it was changed; load its last good file, or train it anew")


def after_forward(state: Any, name: str) -> None:
    """RuntimeError if `state` has no `name` yet, which its forward leaves for backward."""
    if not hasattr(state, name):
        raise RuntimeError(f"{type(state).__name__}.backward was called before forward; call forward first, whose "
                           "derivative it is")


def whole(value, name: str, at_least: int = 1) -> int:
    """value as an int, if it is a whole number of the right size."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} is {shown(value)}; expected a whole number, at least {at_least}")
    if value < at_least:
        raise ValueError(f"{name} is {value}; expected at least {at_least}")
    return int(value)


def number(value, name: str, above: float = -math.inf, at_least: float = -math.inf,
           below: float = math.inf) -> float:
    """value as a float, if it is finite and of the right size."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name} is {shown(value)}; expected a number")
    bound = f" above {above:g}" if above > -math.inf else f", at least {at_least:g}" if at_least > -math.inf else ""
    bound += f" and below {below:g}" if below < math.inf else ""
    try:
        x = float(value)
    except OverflowError:  # a Python int has no largest value
        x = math.inf
    if not math.isfinite(x) or x <= above or x < at_least or x >= below:
        raise ValueError(f"{name} is {str(value)[:20]}; expected a finite number{bound}")
    return x


def sequence(value, name: str) -> tuple:
    """value as a tuple, if it is a list or tuple."""
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"{name} is {shown(value)}; expected a tuple such as (400,)")
    return tuple(value)


def model(value: Any) -> Any:
    """value, if it looks like a VAE."""
    if isinstance(value, type) or not hasattr(value, "theta") or not hasattr(value, "likelihood"):
        raise TypeError(f"vae is {shown(value)}; expected a model such as tv.VAE(784, 20)")
    return value


def likelihood(value: Any) -> Any:
    """value, if it looks like a likelihood."""
    if isinstance(value, type) or not hasattr(value, "log_prob"):
        raise TypeError(f"likelihood is {shown(value)}; expected an object such as tv.Bernoulli() or tv.Gaussian()")
    return value


def activation(value: Any) -> Any:
    """value, if calling it makes a layer."""
    try:
        made = value()
    except Exception:  # whatever it is, it is no class of layers
        made = None
    if not (hasattr(made, "forward") and hasattr(made, "backward")):
        raise TypeError(f"activation is {shown(value)}; expected a class such as tv.ReLU")
    return value


def real_dtype(dtype) -> np.dtype:
    """dtype as float32 or float64."""
    if dtype not in (np.float32, np.float64, "float32", "float64"):
        raise TypeError(f"dtype is {shown(dtype)}; expected float32 (to train) or float64 (to check)")
    return np.dtype(dtype)


def plain(x, name: str) -> None:
    """TypeError for what holds rows, but is none: a data set, a part of one, a masked array."""
    if hasattr(x, "train") and hasattr(x, "test"):
        raise TypeError(f"{name} is a whole data set, {x!r}; pass the rows of one part, such as data.train.x")
    if isinstance(x, tuple) and hasattr(x, "x"):
        raise TypeError(f"{name} is a part of a data set, rows and labels; pass one of them, such as data.train.x")
    if hasattr(x, "mask") and hasattr(x, "filled"):  # numpy.ma, without importing it
        raise TypeError(f"{name} is a masked array, and its mask would be ignored; leave those rows out, or fill in "
                        f"what is missing: {name}.filled(…)")


def _numbers(x, name: str) -> Array:
    plain(x, name)
    try:
        a = np.asarray(x)
    except ValueError:
        raise ValueError(f"{name} has rows of different lengths; expected a matrix") from None
    if a.dtype.kind not in "biuf":
        raise TypeError(f"{name} has dtype {a.dtype}; expected real numbers")
    return a
