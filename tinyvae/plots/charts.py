"""Charts: how training went, what models trade for what, where data lie in latent space, what a row can come from."""

import math
from typing import TYPE_CHECKING

import numpy as np

from tinyvae import evaluation
from tinyvae.plots.common import COLORS, axis_name, blank, fit, minus, sides, two_dimensions
from tinyvae.rows import rows as checked

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = np.ndarray


def curves(history) -> "Figure":
    """ELBO, reconstruction and KL in nats, epoch by epoch.

    history   what `fit` returns: a list of dicts with epoch, elbo, reconstruction, kl and, where there
              is validation, the last three with `validation_` in front
    """
    panels = {"elbo": "ELBO", "reconstruction": "Reconstruction", "kl": "KL to the prior"}
    rows = list(history) if isinstance(history, (list, tuple)) else [history]
    if not rows or not all(isinstance(row, dict) and {"epoch", *panels} <= set(row) for row in rows):
        raise ValueError(f"history is {history!r:.60}; expected what `fit` returns: for each epoch, and at least "
                         f"one, a dict with epoch, {', '.join(panels)}")
    figure, axes = blank(10, 4.4, "The bound and its two parts, as training goes on", columns=3)
    for ax, (name, title) in zip(axes, panels.items(), strict=True):
        for prefix, kind, color in [("", "training", COLORS[0]), ("validation_", "validation", COLORS[6])]:
            points = [(row["epoch"], row.get(prefix + name)) for row in rows]
            points = [(epoch, value) for epoch, value in points if value is not None and math.isfinite(value)]
            if points:
                last = minus(f"{points[-1][1]:.1f}")
                ax.plot(*zip(*points, strict=True), color=color, linewidth=2.2, label=f"{kind}, last {last}",
                        marker="o" if len(points) <= 12 else "")
        # The steep first tenth would flatten all that follows; it may leave the picture.
        late = [value for line in ax.lines for value in line.get_ydata()[len(rows) // 10 :]]
        if len(rows) >= 10 and late:
            room = 0.08 * (max(late) - min(late)) + 1e-3
            ax.set_ylim(min(late) - room, max(late) + room)
        ax.set_title(title, fontsize=14, pad=10 + 18 * len(ax.lines))
        ax.set(xlabel="epoch", ylabel="nats per example")
        ax.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        if ax.lines:  # the legend stands between the title and the axes, out of the curves' way
            ax.legend(fontsize=12, frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1), borderpad=0)
    return figure


def rate_distortion(points) -> "Figure":
    """Rate against distortion, a point for each model: what a code costs, and what is lost by it.

    points   dicts with `kl` (rate) and `reconstruction` (distortion), in nats, and a `label`
    """
    points = list(points)
    if not points or not all(isinstance(p, dict) and {"kl", "reconstruction", "label"} <= set(p) for p in points):
        raise ValueError("points must be dicts with kl, reconstruction and label, and at least one")
    points.sort(key=lambda p: p["kl"])
    figure, (ax,) = blank(7.5, 6, "Rate and distortion")
    rates, distortions = ([p[name] for p in points] for name in ("kl", "reconstruction"))
    best = min(rate + distortion for rate, distortion in zip(rates, distortions, strict=True))
    ax.plot([0, best], [best, 0], color="0.6", linewidth=1.3, linestyle="--",
            label=f"equal bound: rate + distortion = {best:.1f}")
    ax.plot(rates, distortions, color=COLORS[0], linewidth=2.2, marker="o")
    for p in points:
        ax.annotate(p["label"], (p["kl"], p["reconstruction"]), (8, 6), textcoords="offset points", fontsize=12)
    room_x, room_y = 0.12 * max(rates) + 1, 0.12 * (max(distortions) - min(distortions)) + 1
    ax.set(xlim=(max(0, min(rates) - room_x), max(rates) + room_x),
           ylim=(max(0, min(distortions) - room_y), max(distortions) + room_y),
           xlabel="rate: KL(q(z|x) ‖ p(z)) in nats", ylabel="distortion: −E[log p(x|z)] in nats")
    ax.legend(fontsize=12, frameon=False)
    return figure


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
    image, _ = checked(vae, x, y).draw()
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
