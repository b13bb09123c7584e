"""Latent space: where the data lie in it, and what one row can come from."""

from typing import TYPE_CHECKING

import numpy as np

from tinyvae import evaluation
from tinyvae.plots.doors import checked, sides, two_dimensions
from tinyvae.plots.style import COLORS, axis_name, blank, fit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = np.ndarray


def latent_scatter(vae, x: Array, y: Array | None = None, dims=None) -> "Figure":
    """The means mu(x) of x (M, D) in two dimensions of z, with the circles of 1 and 2 σ of the prior.

    y      integer labels (M,) that colour the points; each class is named at its median
    dims   the dimensions to the right and upwards; by default the two with the largest Var[mu]
    """
    from matplotlib.patches import Circle

    two_dimensions(vae, dims)
    mu = evaluation.means(vae, x, y if vae.n_classes else None)  # (M, J)
    if y is not None:
        y = np.asarray(y)  # of any classes: most models are not told them
        if y.shape != (len(mu),):
            raise ValueError(f"labels y have shape {y.shape}; expected ({len(mu)},), one label for each row")
        if y.dtype.kind not in "iu":
            raise TypeError(f"labels y have dtype {y.dtype}; expected integers")
    if dims is None and vae.latent_dim > 2:
        dims = np.argsort(-mu.var(0), kind="stable")[:2]
    right, up = two_dimensions(vae, dims)
    points = mu[:, [right, up]].astype(float)  # (M, 2)
    reach = 1.06 * max(2.1, np.abs(points).max())
    figure, (ax,) = blank(7.5, 7.5, "Latent space")
    subtitle = "means μ(x); circles: 1 and 2 σ of the prior" + ("" if y is None else "; numbers: class medians")
    ax.set_title(subtitle, fontsize=13)
    colors = COLORS[0] if y is None else np.array(COLORS)[y % len(COLORS)]
    size = np.clip(40_000 / len(points), 6, 60)
    ax.scatter(*points.T, s=size, c=colors, alpha=0.7, linewidths=0, rasterized=True)
    for radius in (1, 2):
        ax.add_patch(Circle((0, 0), radius, fill=False, color="0.4", linewidth=1.3, linestyle="--", zorder=2))
    if y is not None:
        classes = np.unique(y)
        medians = np.array([np.median(points[y == label], axis=0) for label in classes])
        for label, (a, b) in zip(classes, _apart(medians, 0.11 * reach), strict=True):
            ax.text(a, b, str(label), fontsize=13, ha="center", va="center_baseline", zorder=3,
                    bbox={"boxstyle": "circle,pad=0.2", "facecolor": ax.get_facecolor(), "linewidth": 2.5,
                          "edgecolor": COLORS[label % len(COLORS)]})
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xlabel=axis_name(right), ylabel=axis_name(up))
    return fit(figure)


def posterior(vae, x: Array, y: Array | None = None, image_shape=None, n: int = 501, span: float = 5.0) -> "Figure":
    """The exact p(z|x) of one row x (1, D) on a grid of n x n points, and the outlines of 1 and 2 σ of q(z|x) in it.

    For a model with two latent dimensions. The view is as wide as the two of them need; span bounds the grid.
    """
    from matplotlib.patches import Ellipse

    shape = sides(vae, image_shape)
    exact = evaluation.exact_posterior(vae, x, y, n, span)
    mu, logvar = (a[0].astype(float) for a in vae.encode(x, y))  # (2,) each
    sigma = np.exp(0.5 * logvar)
    seen = exact.z[np.argwhere(exact.log_density > exact.log_density.max() - 8)[:, ::-1]]  # (points, 2)
    low, high = np.minimum(seen.min(0), mu - 3 * sigma), np.maximum(seen.max(0), mu + 3 * sigma)
    middle, reach = (low + high) / 2, 0.55 * (high - low).max()
    figure, (left, ax) = blank(9.5, 5.6, "The posterior and its approximation", columns=2)
    figure.get_layout_engine().set(wspace=0.06)
    image, _ = checked(vae, x, y)
    left.imshow(image.reshape(shape), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    left.set(xticks=[], yticks=[])
    left.set_title("x", fontsize=13)
    left.spines[:].set_visible(False)
    ax.imshow(np.exp(exact.log_density), cmap="Blues", origin="lower", interpolation="bilinear",
              extent=(-span, span, -span, span))
    for radius in (1, 2):
        ax.add_patch(Ellipse(mu, *(2 * radius * sigma), fill=False, color=COLORS[6], linewidth=2,
                             label="q(z|x), 1 and 2 σ" if radius == 1 else None))
    ax.set(xlim=(middle[0] - reach, middle[0] + reach), ylim=(middle[1] - reach, middle[1] + reach), aspect="equal",
           xlabel=axis_name(0), ylabel=axis_name(1))
    ax.set_title("blue: the density p(z|x)", fontsize=13)
    ax.legend(fontsize=12, frameon=False, loc="upper left")
    return figure


def _apart(points: Array, distance: float) -> Array:
    """Points (n, 2), those closer than `distance` pushed apart."""
    for _ in range(100):
        away = points[:, None] - points  # (n, n, 2)
        r = np.hypot(away[..., 0], away[..., 1])[..., None] + 1e-9  # (n, n, 1)
        points = points + (away / r * np.maximum(distance - r, 0)).sum(1) / 4
    return points
