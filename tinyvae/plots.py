"""The pictures: what a VAE has learned, as matplotlib Figures.

Each function returns a Figure that is yours: show it by naming it at the end of a notebook cell,
keep it with `figure.savefig("manifold.png")`, rename it with `figure.suptitle`. No window is
opened, pyplot is not touched, and colours of text and paper follow your matplotlib style.

Images are grey, 0 black and 1 white, on the same scale everywhere; uint8 means grey levels 0..255.
Images decoded by a model are means, E[x|z]. z[0], z[1] … on the axes are the columns of z and mu
in NumPy's count, in units of the prior's standard deviation, which is 1.
"""

import functools
import io
import math
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from tinyvae import checks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = np.ndarray

ROWS = 1000  # rows of data encoded at once: a few MB

# Ten colours that stay apart for colour-blind readers too (Petroff 2021, arXiv:2107.02270, table 1).
COLORS = ["#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6",
          "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"]


# ---- training ------------------------------------------------------------------------------------


def curves(history) -> "Figure":
    """ELBO, reconstruction and KL in nats against the epoch, in training and, where given, validation.

    history   what `fit` returns, or a list of dicts with epoch, elbo, reconstruction, kl and, where
              there are any, the same three with `validation_` in front
    """
    panels = {"elbo": "ELBO", "reconstruction": "Reconstruction", "kl": "KL to the prior"}
    rows = list(history)
    if not rows:
        raise ValueError("history is empty; expected one dict for each epoch, as `fit` returns them")
    for name in ["epoch", *panels]:
        if not all(name in row for row in rows):
            raise ValueError(f"history has an epoch without {name!r}; expected {', '.join(['epoch', *panels])}")
    figure, axes = _figure(11, 3.9, "The bound and its two parts", columns=3)
    for ax, (name, title) in zip(axes, panels.items(), strict=True):
        for prefix, label, color in [("", "training", COLORS[0]), ("validation_", "validation", COLORS[6])]:
            values = [row.get(prefix + name) for row in rows]
            points = [(row["epoch"], value) for row, value in zip(rows, values, strict=True)
                      if value is not None and math.isfinite(value)]
            if points:
                ax.plot(*zip(*points, strict=True), color=color, linewidth=2.2,
                        marker="o" if len(points) <= 12 else "", label=f"{label}, last {points[-1][1]:.1f}")
        ax.set_title(title, fontsize=14)
        ax.set_xlabel("epoch")
        ax.set_ylabel("nats per example")
        ax.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        if ax.lines:
            ax.legend(fontsize=12, frameon=False)
    return figure


# ---- images --------------------------------------------------------------------------------------


def reconstructions(vae, x: Array, y: Array | None = None, image_shape=None, n: int = 10) -> "Figure":
    """The first n rows of x (M, D) as the model sees them, above E[x|z] at z = mu(x)."""
    shape = _image_shape(vae, image_shape)
    n = checks.whole(n, "n")
    x, y = vae.check_data(x[:n], None if y is None else y[:n])
    images = np.stack([x, vae.reconstruct(x, y)])  # (2, n, D)
    figure, ax = _grid(images, shape, "Reconstructions", "below each image: the decoder's mean at z = μ(x)")
    ax.set_yticks([0.5, 1.5], ["x", "E[x|z]"])
    return figure


def samples(vae, rng=None, n: int = 100, image_shape=None, y=None) -> "Figure":
    """n images E[x|z] with z ~ N(0, I), row by row.

    rng   numpy.random.Generator, or a seed
    y     for a conditional model: labels (n,), or one label for all
    """
    shape = _image_shape(vae, image_shape)
    n = checks.whole(n, "n")
    z = np.random.default_rng(rng).standard_normal((n, vae.latent_dim), dtype=vae.theta.dtype)  # (n, J)
    columns = math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    images = np.full((rows * columns, vae.data_dim), np.nan)
    images[:n] = vae.decode(z, _labels(y, n))
    return _grid(images.reshape(rows, columns, -1), shape, "Samples", "E[x|z] with z drawn from N(0, I)")[0]


def manifold(vae, n: int = 20, image_shape=None, y=None, dims=None) -> "Figure":
    """E[x|z] on an n x n grid over two latent dimensions (AEVB fig. 4): all that a 2-D model can say.

    The grid is regular in probability: the points (i + 1/2) / n go through the inverse of the
    Gaussian CDF, so that every tile stands for the same share of the prior.

    y      for a conditional model: one label for all tiles
    dims   the dimension that grows to the right and the one that grows upwards; must be given
           for J > 2, and all others are then 0
    """
    shape = _image_shape(vae, image_shape)
    n = checks.whole(n, "n")
    right, up = _dims(vae, dims, "manifold")
    if right is None:
        raise ValueError(f"manifold shows two dimensions and this model has {vae.latent_dim}: pass dims=(i, j) to "
                         "hold the others at 0 (latent_scatter names the most active), or use traversal")
    points = [NormalDist().inv_cdf((i + 0.5) / n) for i in range(n)]
    z = np.zeros((n, n, vae.latent_dim))
    z[..., right] = points
    z[..., up] = np.array(points)[::-1, None]  # the first row of an image is its top
    images = vae.decode(z.reshape(n * n, -1), _labels(y, n * n)).reshape(n, n, -1)
    others = "" if vae.latent_dim == 2 else ", all other dimensions 0"
    figure, ax = _grid(images, shape, "The manifold", f"E[x|z], equal steps in probability{others}", gap=0)
    ticks = sorted({round(k * (n - 1) / 4) for k in range(5)})
    ax.set_xticks([i + 0.5 for i in ticks], [f"{points[i]:.1f}" for i in ticks])
    ax.set_yticks([n - i - 0.5 for i in ticks], [f"{points[i]:.1f}" for i in ticks])
    ax.set_xlabel(_name(right))
    ax.set_ylabel(_name(up))
    return figure


def traversal(vae, x: Array | None = None, y=None, image_shape=None, span: float = 3.0, steps: int = 9,
              rows: int = 12) -> "Figure":
    """E[x|z] while one dimension of z, a row each, goes from -span to span and the others stay.

    x      data (M, D): the others stay at mu(x[0]), and the rows are sorted by Var[mu] over x, most
           active first; without x they stay at 0, the prior's mean, and the rows are in order
    y      for a conditional model: labels (M,) of x, or one label for all
    rows   at most so many dimensions are shown
    """
    shape = _image_shape(vae, image_shape)
    span, steps = checks.number(span, "span", above=0), checks.whole(steps, "steps", at_least=2)
    J = vae.latent_dim
    R = min(checks.whole(rows, "rows"), J)
    start, order, activity = np.zeros(J), np.arange(J), None
    if x is not None:
        y = _labels(y, len(x))
        mu = _means(vae, x, y)  # (M, J)
        start = mu[0]
        if len(mu) > 1:
            activity = mu.var(0)
            order = np.argsort(-activity, kind="stable")
    values = np.linspace(-span, span, steps)
    z = np.tile(start, (R, steps, 1))  # (R, steps, J)
    for row, j in enumerate(order[:R]):
        z[row, :, j] = values
    label = y if y is None or np.ndim(y) == 0 else y[0]
    images = vae.decode(z.reshape(R * steps, J), _labels(label, R * steps)).reshape(R, steps, -1)
    which = f"{R} of {J} dimensions" if R < J else f"{J} dimension{'s' * (J > 1)}"
    figure, ax = _grid(images, shape, "Traversal of the latent space",
                       f"{which}, the others at {'0' if x is None else 'μ(x[0])'}")
    ax.set_xticks(np.arange(steps) + 0.5, [f"{value:.2g}" for value in values])
    ax.set_yticks(np.arange(R) + 0.5, [f"z[{j}]" for j in order[:R]])
    ax.set_xlabel("value of the row's dimension (prior standard deviations)")
    if activity is not None:
        right = ax.secondary_yaxis("right")
        right.set_yticks(np.arange(R) + 0.5, [f"{activity[j]:.2f}" for j in order[:R]])
        right.set_ylabel("variance of μ over the data", fontsize=13)
        right.tick_params(length=0, labelsize=12)
        right.spines[:].set_visible(False)
    return figure


def interpolation(vae, x_from: Array, x_to: Array, steps: int = 10, y=None, image_shape=None) -> "Figure":
    """From one image to another along a straight line in z: (1 - t) mu(x_from) + t mu(x_to), t from 0 to 1.

    x_from, x_to   images (D,), or rows (M, D) for M lines; they flank what the model makes of them
    y              for a conditional model: one label for all, or one for each line, at both ends
    """
    shape = _image_shape(vae, image_shape)
    steps = checks.whole(steps, "steps", at_least=2)
    x_from, x_to = np.atleast_2d(x_from), np.atleast_2d(x_to)
    if len(x_from) != len(x_to):
        raise ValueError(f"x_from has {len(x_from)} rows and x_to {len(x_to)}; expected as many of each")
    M = len(x_from)
    y = _labels(y, M)
    (x_from, _), (x_to, _) = vae.check_data(x_from, y), vae.check_data(x_to, y)
    t = np.linspace(0, 1, steps)[:, None]  # (steps, 1)
    z = (1 - t) * _means(vae, x_from, y)[:, None] + t * _means(vae, x_to, y)[:, None]  # (M, steps, J)
    path = vae.decode(z.reshape(M * steps, -1), None if y is None else np.repeat(y, steps))
    images = np.concatenate([x_from[:, None], path.reshape(M, steps, -1), x_to[:, None]], axis=1)
    figure, ax = _grid(images, shape, "Interpolation", "E[x|z] along a straight line in z, between the originals")
    ax.axvline(1, color=ax.get_facecolor(), linewidth=7)
    ax.axvline(steps + 1, color=ax.get_facecolor(), linewidth=7)
    ax.set_xticks([0.5, 1.5, steps + 0.5, steps + 1.5], ["from", "t = 0", "t = 1", "to"])
    return figure


# ---- latent space --------------------------------------------------------------------------------


def latent_scatter(vae, x: Array, y: Array | None = None, dims=None) -> "Figure":
    """The means mu(x) of x (M, D) in two latent dimensions, over the circles of 1 and 2 sigma of the prior.

    y      integer labels (M,): they colour the points (and condition a conditional model)
    dims   the dimensions to the right and upwards; for J > 2 the two with the largest Var[mu] unless given
    """
    from matplotlib.patches import Circle

    right, up = _dims(vae, dims, "latent_scatter")
    if y is not None:
        y = np.asarray(y)
        if y.dtype.kind not in "iu" or y.shape != (len(x),):
            raise ValueError(f"y has dtype {y.dtype} and shape {y.shape}; expected integer labels ({len(x)},)")
    mu = _means(vae, x, y if vae.n_classes else None)  # (M, J)
    if right is None:
        right, up = np.argsort(-mu.var(0), kind="stable")[:2].tolist()
    points = mu[:, [right, up]]  # (M, 2)
    figure, (ax,) = _figure(7, 6.9, "Latent space")
    ax.set_title("μ(x), and 1 and 2 σ of the prior", fontsize=13)
    for radius in (1, 2):
        ax.add_patch(Circle((0, 0), radius, fill=False, color="0.5", linewidth=1.2, linestyle="--"))
    colors = COLORS[0] if y is None else np.array(COLORS)[y % len(COLORS)]
    size = float(np.clip(20_000 / len(points), 4, 60))
    ax.scatter(*points.T, s=size, c=colors, alpha=0.7, linewidths=0, rasterized=True)
    for label in [] if y is None else np.unique(y):
        ax.text(*np.median(points[y == label], axis=0), str(label), fontsize=14, ha="center", va="center",
                bbox={"boxstyle": "circle", "facecolor": ax.get_facecolor(),
                      "edgecolor": COLORS[label % len(COLORS)], "linewidth": 2.5})
    reach = 1.06 * max(2.1, np.abs(points).max())
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xlabel=_name(right), ylabel=_name(up))
    return figure


# ---- drawing -------------------------------------------------------------------------------------


def _figure(width: float, height: float, title: str, columns: int = 1):
    """A Figure in the style of the house, and its axes."""
    from matplotlib.figure import Figure

    figure = Figure((width, height), dpi=150, layout="constrained")
    figure.suptitle(title, fontsize=18)
    axes = figure.subplots(1, columns, squeeze=False)[0]
    for ax in axes:
        ax.grid(False)
        ax.spines[["top", "right"]].set_visible(False)
        ax.tick_params(labelsize=12)
        ax.xaxis.label.set_size(13)
        ax.yaxis.label.set_size(13)
    # Jupyter draws a Figure by itself only once pyplot has been imported.
    figure._repr_png_ = functools.partial(_png, figure)
    return figure, axes


def _png(figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def _grid(images: Array, shape: tuple[int, int], title: str, subtitle: str, gap: float = 1.5):
    """Images (R, C, D) as R rows of C tiles, 1 x 1 in the units of the axes; a figure and its axes."""
    R, C, _ = images.shape
    h, w = shape
    side = min(8 / C, 6 * w / (R * h), 1.6)  # width of a tile in inches
    figure, (ax,) = _figure(max(side * C, 5.5) + 1, side * R * h / w + 1.5, title)
    picture = images.reshape(R, C, h, w).swapaxes(1, 2).reshape(R * h, C * w)
    ax.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest", extent=(0, C, R, 0), aspect=h / w)
    if gap:
        ax.hlines(range(R + 1), 0, C, color=ax.get_facecolor(), linewidth=gap)
        ax.vlines(range(C + 1), 0, R, color=ax.get_facecolor(), linewidth=gap)
    ax.set_title(subtitle, fontsize=13)
    ax.set(xticks=[], yticks=[])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return figure, ax


def _name(j: int) -> str:
    return f"z[{j}] (prior standard deviations)"


# ---- the doors -----------------------------------------------------------------------------------


def _image_shape(vae, image_shape) -> tuple[int, int]:
    """(height, width): as given, or a square."""
    D = vae.data_dim
    if image_shape is None:
        side = math.isqrt(D)
        if side * side != D:
            raise ValueError(f"data_dim is {D}, which is no square: pass image_shape=(height, width); for data that "
                             "are no images there are latent_scatter and curves")
        return side, side
    if len(image_shape) != 2 or image_shape[0] * image_shape[1] != D:
        raise ValueError(f"image_shape is {image_shape}; expected (height, width) with height * width = {D}")
    return tuple(image_shape)


def _dims(vae, dims, who: str):
    """Two latent dimensions as given; (0, 1) for J = 2; (None, None) where somebody has to choose."""
    J = vae.latent_dim
    if J < 2:
        raise ValueError(f"{who} shows two latent dimensions and this model has one; use traversal")
    if dims is None:
        return (0, 1) if J == 2 else (None, None)
    if len(dims) != 2 or dims[0] == dims[1] or not all(j in range(J) for j in dims):
        raise ValueError(f"dims is {dims}; expected two different whole numbers from 0 to {J - 1}")
    return dims


def _labels(y, n: int):
    """One label as n of them; anything else as it is, for the model to check."""
    return np.full(n, y) if y is not None and np.ndim(y) == 0 else y


def _means(vae, x: Array, y: Array | None) -> Array:
    """mu(x), (M, J), encoded in chunks."""
    if y is not None and len(y) != len(x):
        raise ValueError(f"y has {len(y)} labels and x {len(x)} rows; expected one label for each row")
    chunks = [slice(start, start + ROWS) for start in range(0, max(len(x), 1), ROWS)]
    return np.concatenate([vae.encode(x[rows], None if y is None else y[rows])[0] for rows in chunks])
