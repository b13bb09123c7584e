"""Images: what a model makes of data, of noise, and of points in latent space."""

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from tinyvae import evaluation
from tinyvae.foundation import checks
from tinyvae.plots.common import COLORS, axis_name, blank, fit, minus, sides, two_dimensions
from tinyvae.rows import rows as checked

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = np.ndarray


def reconstructions(vae, x: Array, y: Array | None = None, image_shape=None, n: int = 10) -> "Figure":
    """The first n rows of x (M, D) as the model sees them, above E[x|z] at z = mu(x).

    y   one label, or (M,) of them
    """
    shape = sides(vae, image_shape)
    x, y = checked(vae, x, y)[: checks.whole(n, "n")].draw()
    images = np.stack([x, vae.reconstruct(x, y)])  # (2, n, D)
    figure, ax = tiles(images, shape, "Reconstructions", "images x, and E[x|z] at z = μ(x)")
    ax.set_yticks([0.5, 1.5], ["x", "E[x|z]"])
    return fit(figure)


def samples(vae, n: int = 100, rng=None, y=None, image_shape=None) -> "Figure":
    """n images E[x|z] with z ~ N(0, I), row by row: the means of `vae.sample(n, rng)`.

    rng   numpy.random.Generator, or a seed
    y     one label, or (n,) of them; if they go through the classes in turn, each gets a column
    """
    shape = sides(vae, image_shape)
    n = checks.whole(n, "n")
    z = np.random.default_rng(rng).standard_normal((n, vae.latent_dim), dtype=vae.theta.dtype)  # (n, J)
    y = labels(vae, y, n)
    classes = np.unique([] if y is None else y)
    in_turn = len(classes) > 1 and np.array_equal(y, np.resize(classes, n))
    C = len(classes) if in_turn else math.ceil(math.sqrt(n))
    R = math.ceil(n / C)
    images = np.full((R * C, vae.data_dim), np.nan)  # places without an image stay empty
    images[:n] = vae.decode(z, y)
    given = "" if y is None else f", y = {classes[0]}" if len(classes) == 1 else ", y"
    figure, ax = tiles(images.reshape(R, C, -1), shape, "Samples", f"E[x|z{given}] with z drawn from N(0, I)")
    if in_turn:
        ax.set_xticks(np.arange(C) + 0.5, [f"{label}" for label in classes])
        ax.set_xlabel("label y")
    return fit(figure)


def manifold(vae, n: int = 20, y=None, image_shape=None, dims=None) -> "Figure":
    """E[x|z] on an n x n grid over two dimensions of z: all that a 2-D model can say (AEVB fig. 4).

    The grid is regular in probability, z = inverse Gaussian CDF of (i + 1/2) / n: each tile stands
    for the same share of the prior.

    y      one label
    dims   the dimension that grows to the right and the one that grows upwards; for J > 2 you must
           choose them, and all others are 0
    """
    shape = sides(vae, image_shape)
    n = checks.whole(n, "n")
    J = vae.latent_dim
    if dims is None and J > 2:
        raise ValueError(f"a manifold has two dimensions and this model {J}: pass dims=(i, j) to hold the "
                         "others at 0 (latent_scatter finds the two most active), or use traversal")
    right, up = two_dimensions(vae, dims)
    prior = NormalDist()
    points = np.array([prior.inv_cdf((i + 0.5) / n) for i in range(n)])
    z = np.zeros((n, n, J))
    z[..., right] = points
    z[..., up] = points[::-1, None]  # the first row is the top
    images = vae.decode(z.reshape(n * n, J), labels(vae, y, n * n)).reshape(n, n, -1)
    subtitle = "E[x|z] at equal quantiles of the prior N(0, I)" + (", other dimensions 0" if J > 2 else "")
    figure, ax = tiles(images, shape, "What two latent dimensions decode to", subtitle, gap=0.3)
    at = np.array([n * prior.cdf(value) for value in (-2, -1, 0, 1, 2)])
    ax.set_xticks(at, ["−2", "−1", "0", "1", "2"])
    ax.set_yticks(n - at, ["−2", "−1", "0", "1", "2"])
    ax.set(xlabel=axis_name(right), ylabel=axis_name(up))
    return fit(figure)


def traversal(vae, x: Array | None = None, y=None, image_shape=None, span: float = 3.0, steps: int = 9,
              rows: int = 12) -> "Figure":
    """E[x|z] while one dimension of z, a row each, goes from -span to span and the others stay.

    x      data (M, D): the others stay at mu(x[0]), and the rows are sorted by Var[mu] over x, most
           active first; without x they stay at 0, the prior's mean, and the rows are in order
    y      one label, or (M,) of them, of x
    rows   show no more dimensions than this
    """
    from matplotlib.patches import Rectangle

    shape = sides(vae, image_shape)
    span, steps = checks.number(span, "span", above=0), checks.whole(steps, "steps", at_least=2)
    J = vae.latent_dim
    R = min(checks.whole(rows, "rows"), J)
    mu = np.zeros((1, J))
    if x is not None:
        mu = evaluation.means(vae, x, y)  # (M, J)
        y = None if y is None else np.ravel(y)[0]
    activity = mu.var(0)  # (J,)
    shown = np.argsort(-activity, kind="stable")[:R]
    z = np.tile(mu[0], (R, steps, 1))  # (R, steps, J)
    for row, j in enumerate(shown):
        z[row, :, j] = np.linspace(-span, span, steps)
    images = vae.decode(z.reshape(R * steps, J), labels(vae, y, R * steps)).reshape(R, steps, -1)
    which = "one dimension a row" if R == J else f"the first {R} of {J} dimensions" if len(mu) == 1 else \
        f"the {R} most active of {J} dimensions"
    subtitle = f"{which}, the others at {'0' if x is None else 'μ(x[0])'}"
    figure, ax = tiles(images, shape, "Traversal of the latent space", subtitle)
    if x is not None:  # a frame where each row is nearest to μ(x[0]) itself
        for row, j in enumerate(shown):
            nearest = np.clip(round((mu[0, j] + span) / (2 * span) * (steps - 1)), 0, steps - 1)
            ax.add_patch(Rectangle((nearest, row), 1, 1, fill=False, color=COLORS[1], linewidth=2, zorder=3))
    ticks = np.linspace(-span, span, 5)
    ax.set_xticks(np.linspace(0.5, steps - 0.5, 5), [minus(f"{tick:.3g}") for tick in ticks])
    ax.set_yticks(np.arange(R) + 0.5, [f"z[{j}]" for j in shown])
    ax.set_xlabel("z[j] (prior standard deviations)" + ("" if x is None else "; framed: nearest to μ(x[0])"))
    if len(mu) > 1:
        right = ax.secondary_yaxis("right")
        right.set_yticks(np.arange(R) + 0.5, [f"{activity[j]:.2f}" for j in shown])
        right.set_ylabel("variance of μ over x", fontsize=13)
        right.tick_params(length=0, labelsize=12)
        right.spines[:].set_visible(False)
    return fit(figure)


def interpolation(vae, x_from: Array, x_to: Array, steps: int = 10, y=None, image_shape=None) -> "Figure":
    """E[x|z] along straight lines, z = (1 - t) mu(x_from) + t mu(x_to), between the two originals.

    x_from, x_to   images (D,), or rows (M, D) for M lines
    y              one label, or (M,) of them, for the whole line
    """
    shape = sides(vae, image_shape)
    steps = checks.whole(steps, "steps", at_least=2)
    x_from, x_to = np.atleast_2d(x_from), np.atleast_2d(x_to)
    M = len(x_from)
    if len(x_to) != M:
        raise ValueError(f"x_from has {M} rows and x_to {len(x_to)}; expected as many of each")
    y = labels(vae, y, M)
    (x_from, _), (x_to, _) = checked(vae, x_from, y).draw(), checked(vae, x_to, y).draw()
    t = np.linspace(0, 1, steps)[:, None]  # (steps, 1)
    z = (1 - t) * evaluation.means(vae, x_from, y)[:, None] + t * evaluation.means(vae, x_to, y)[:, None]
    path = vae.decode(z.reshape(M * steps, -1), None if y is None else np.repeat(y, steps))  # z is (M, steps, J)
    images = np.concatenate([x_from[:, None], path.reshape(M, steps, -1), x_to[:, None]], axis=1)
    figure, ax = tiles(images, shape, "Interpolation", "E[x|z] along a straight line in z, between originals")
    ax.vlines([1, steps + 1], 0, M, color=ax.get_facecolor(), linewidth=6)
    ax.set_xticks([0.5, 1.5, steps + 0.5, steps + 1.5], ["from", "t = 0", "t = 1", "to"])
    return fit(figure)


def tiles(images: Array, shape: tuple[int, int], title: str, subtitle: str, gap: float = 1.0):
    """Images (R, C, D) as R rows of C tiles, each 1 x 1 in the units of the axes; figure and axes."""
    R, C, _ = images.shape
    h, w = shape
    side = min(8 / C, 6 * w / (R * h))  # width of a tile in inches
    figure, (ax,) = blank(max(side * C, 5) + 1.2, side * R * h / w + 2, title)
    picture = images.reshape(R, C, h, w).swapaxes(1, 2).reshape(R * h, C * w)
    ax.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest", extent=(0, C, R, 0),
              aspect=h / w)
    ax.hlines(range(1, R), 0, C, color="0.5", linewidth=gap)  # grey parts black images, and white ones
    ax.vlines(range(1, C), 0, R, color="0.5", linewidth=gap)
    ax.set(xlim=(0, C), ylim=(R, 0), xticks=[], yticks=[])
    ax.set_title(subtitle, fontsize=13)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return figure, ax


def labels(vae, y, n: int) -> Array | None:
    """y, one label or n, as n labels; None for a model without classes."""
    if y is None and vae.n_classes:
        raise ValueError(f"this model is conditional on a label: pass y, from 0 to {vae.n_classes - 1}")
    return checks.labels(y, n, vae.n_classes)
