"""The doors of the pictures: what is drawn has the right shape, or one clear line says why not."""

import math

import numpy as np

from tinyvae.foundation import checks
from tinyvae.rows import rows

Array = np.ndarray


def sides(vae, image_shape) -> tuple[int, int]:
    """(height, width): as given, or a square."""
    trained(vae)
    D = vae.data_dim
    if image_shape is None:
        side = math.isqrt(D)
        if side * side != D:
            raise ValueError(f"data_dim is {D}, not a square: pass image_shape=(height, width); for data that "
                             "are not images there is latent_scatter")
        return side, side
    given = np.asarray(image_shape)
    if given.shape != (2,) or given.dtype.kind not in "iu" or given.prod() != D or given.min() < 1:
        raise ValueError(f"image_shape is {image_shape!r}; expected (height, width) with height * width = {D}")
    return int(given[0]), int(given[1])


def two_dimensions(vae, dims) -> tuple[int, int]:
    """Two dimensions of z: as given, or the first two."""
    trained(vae)
    J = vae.latent_dim
    if J == 1:
        raise ValueError("this picture has two latent dimensions and the model only one; use traversal")
    pair = np.asarray((0, 1) if dims is None else dims)
    if pair.shape != (2,) or pair.dtype.kind not in "iu" or pair[0] == pair[1] or not {*pair} <= {*range(J)}:
        raise ValueError(f"dims is {dims!r}; expected two different whole numbers from 0 to {J - 1}")
    return int(pair[0]), int(pair[1])


def trained(vae) -> None:
    if not np.isfinite(vae.theta).all():
        raise ValueError("the model's theta is not finite: its training diverged; load its last good checkpoint")


def labels(vae, y, n: int) -> Array | None:
    """y, one label or n, as n labels; None for a model without classes."""
    if y is None and vae.n_classes:
        raise ValueError(f"this model is conditional on a label: pass y, from 0 to {vae.n_classes - 1}")
    return checks.labels(y, n, vae.n_classes)


def checked(vae, x, y=None, n: int | None = None) -> tuple[Array, Array | None]:
    """The first n rows of x (M, D), or all, and their labels, as the model takes them."""
    return rows(vae, x, y)[:n].draw()
