"""The pictures: what a VAE has learned, as matplotlib Figures.

Each function returns a Figure that is yours: show it by naming it at the end of a notebook cell,
keep it with `figure.savefig("manifold.png")`, rename it with `figure.suptitle`. No window is
opened, pyplot is not touched, and the colours of text and paper follow your matplotlib style.

Images are grey from 0, black, to 1, white; uint8 means grey levels 0..255. Decoded images are
means, E[x|z]. z[0], z[1] … on the axes are columns of z and mu, counted as NumPy counts, in
units of the prior's standard deviation. A label y is for models that are conditional on one.
"""

import functools
import io
import math
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from tinyvae import evaluation
from tinyvae.foundation import checks
from tinyvae.rows import rows as checked

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = np.ndarray

# Ten colours that colour-blind readers can tell apart (Petroff 2021, arXiv:2107.02270), in an order
# that gives digits which look alike, and so are neighbours in z, colours that do not: 3 5 8, 4 7 9.
COLORS = ["#3f90da", "#ffa90e", "#717581", "#b9ac70", "#a96b59",
          "#832db6", "#e76300", "#92dadd", "#bd1f01", "#94a4a2"]

TITLE = 18  # points


# ---- training ------------------------------------------------------------------------------------


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
    figure, axes = _figure(10, 4.4, "The bound and its two parts, as training goes on", columns=3)
    for ax, (name, title) in zip(axes, panels.items(), strict=True):
        for prefix, kind, color in [("", "training", COLORS[0]), ("validation_", "validation", COLORS[6])]:
            points = [(row["epoch"], row.get(prefix + name)) for row in rows]
            points = [(epoch, value) for epoch, value in points if value is not None and math.isfinite(value)]
            if points:
                last = _minus(f"{points[-1][1]:.1f}")
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


# ---- images --------------------------------------------------------------------------------------


def reconstructions(vae, x: Array, y: Array | None = None, image_shape=None, n: int = 10) -> "Figure":
    """The first n rows of x (M, D) as the model sees them, above E[x|z] at z = mu(x)."""
    shape = _image_shape(vae, image_shape)
    n = checks.whole(n, "n")
    x, y = _same_length(vae, x, y)
    x, y = checked(vae, x[:n], None if y is None else y[:n]).draw()
    images = np.stack([x, vae.reconstruct(x, y)])  # (2, n, D)
    figure, ax = _grid(images, shape, "Reconstructions", "images x, and E[x|z] at z = μ(x)")
    ax.set_yticks([0.5, 1.5], ["x", "E[x|z]"])
    return _fit(figure)


def samples(vae, n: int = 100, rng=None, y=None, image_shape=None) -> "Figure":
    """n images E[x|z] with z ~ N(0, I), row by row: the means of `vae.sample(n, rng)`.

    rng   numpy.random.Generator, or a seed
    y     one label, or (n,) of them; if they go through the classes in turn, each gets a column
    """
    shape = _image_shape(vae, image_shape)
    n = checks.whole(n, "n")
    z = np.random.default_rng(rng).standard_normal((n, vae.latent_dim), dtype=vae.theta.dtype)  # (n, J)
    y = _labels(vae, y, n)
    decoded = vae.decode(z, y)  # (n, D)
    classes = np.unique([] if y is None else y)
    in_turn = len(classes) > 1 and np.array_equal(y, np.resize(classes, n))
    C = len(classes) if in_turn else math.ceil(math.sqrt(n))
    R = math.ceil(n / C)
    images = np.full((R * C, vae.data_dim), np.nan)  # places without an image stay empty
    images[:n] = decoded
    given = "" if y is None else f", y = {classes[0]}" if len(classes) == 1 else ", y"
    figure, ax = _grid(images.reshape(R, C, -1), shape, "Samples", f"E[x|z{given}] with z drawn from N(0, I)")
    if in_turn:
        ax.set_xticks(np.arange(C) + 0.5, [f"{label}" for label in classes])
        ax.set_xlabel("label y")
    return _fit(figure)


def manifold(vae, n: int = 20, y=None, image_shape=None, dims=None) -> "Figure":
    """E[x|z] on an n x n grid over two dimensions of z: all that a 2-D model can say (AEVB fig. 4).

    The grid is regular in probability, z = inverse Gaussian CDF of (i + 1/2) / n: each tile stands
    for the same share of the prior.

    y      one label
    dims   the dimension that grows to the right and the one that grows upwards; for J > 2 you must
           choose them, and all others are 0
    """
    shape = _image_shape(vae, image_shape)
    n = checks.whole(n, "n")
    J = vae.latent_dim
    if dims is None and J > 2:
        raise ValueError(f"a manifold has two dimensions and this model {J}: pass dims=(i, j) to hold the "
                         "others at 0 (latent_scatter finds the two most active), or use traversal")
    right, up = _dims(vae, dims)
    prior = NormalDist()
    points = np.array([prior.inv_cdf((i + 0.5) / n) for i in range(n)])
    z = np.zeros((n, n, J))
    z[..., right] = points
    z[..., up] = points[::-1, None]  # the first row is the top
    images = vae.decode(z.reshape(n * n, J), _labels(vae, y, n * n)).reshape(n, n, -1)
    subtitle = "E[x|z] at equal quantiles of the prior N(0, I)" + (", other dimensions 0" if J > 2 else "")
    figure, ax = _grid(images, shape, "What two latent dimensions decode to", subtitle, gap=0.3)
    at = np.array([n * prior.cdf(value) for value in (-2, -1, 0, 1, 2)])
    ax.set_xticks(at, ["−2", "−1", "0", "1", "2"])
    ax.set_yticks(n - at, ["−2", "−1", "0", "1", "2"])
    ax.set(xlabel=_name(right), ylabel=_name(up))
    return _fit(figure)


def traversal(vae, x: Array | None = None, y=None, image_shape=None, span: float = 3.0, steps: int = 9,
              rows: int = 12) -> "Figure":
    """E[x|z] while one dimension of z, a row each, goes from -span to span and the others stay.

    x      data (M, D): the others stay at mu(x[0]), and the rows are sorted by Var[mu] over x, most
           active first; without x they stay at 0, the prior's mean, and the rows are in order
    y      one label, or (M,) of them, of x
    rows   show no more dimensions than this
    """
    from matplotlib.patches import Rectangle

    shape = _image_shape(vae, image_shape)
    span, steps = checks.number(span, "span", above=0), checks.whole(steps, "steps", at_least=2)
    J = vae.latent_dim
    R = min(checks.whole(rows, "rows"), J)
    mu = np.zeros((1, J))
    if x is not None:
        y = _labels(vae, y, len(x))
        mu = _means(vae, x, y)  # (M, J)
        y = None if y is None else y[0]
    activity = mu.var(0)  # (J,)
    shown = np.argsort(-activity, kind="stable")[:R]
    z = np.tile(mu[0], (R, steps, 1))  # (R, steps, J)
    for row, j in enumerate(shown):
        z[row, :, j] = np.linspace(-span, span, steps)
    images = vae.decode(z.reshape(R * steps, J), _labels(vae, y, R * steps)).reshape(R, steps, -1)
    which = "one dimension a row" if R == J else f"the first {R} of {J} dimensions" if len(mu) == 1 else \
        f"the {R} most active of {J} dimensions"
    subtitle = f"{which}, the others at {'0' if x is None else 'μ(x[0])'}"
    figure, ax = _grid(images, shape, "Traversal of the latent space", subtitle)
    if x is not None:  # a frame where each row is nearest to μ(x[0]) itself
        for row, j in enumerate(shown):
            nearest = np.clip(round((mu[0, j] + span) / (2 * span) * (steps - 1)), 0, steps - 1)
            ax.add_patch(Rectangle((nearest, row), 1, 1, fill=False, color=COLORS[1], linewidth=2, zorder=3))
    ticks = np.linspace(-span, span, 5)
    ax.set_xticks(np.linspace(0.5, steps - 0.5, 5), [_minus(f"{tick:.3g}") for tick in ticks])
    ax.set_yticks(np.arange(R) + 0.5, [f"z[{j}]" for j in shown])
    ax.set_xlabel("z[j] (prior standard deviations)" + ("" if x is None else "; framed: nearest to μ(x[0])"))
    if len(mu) > 1:
        right = ax.secondary_yaxis("right")
        right.set_yticks(np.arange(R) + 0.5, [f"{activity[j]:.2f}" for j in shown])
        right.set_ylabel("variance of μ over x", fontsize=13)
        right.tick_params(length=0, labelsize=12)
        right.spines[:].set_visible(False)
    return _fit(figure)


def interpolation(vae, x_from: Array, x_to: Array, steps: int = 10, y=None, image_shape=None) -> "Figure":
    """E[x|z] along straight lines, z = (1 - t) mu(x_from) + t mu(x_to), between the two originals.

    x_from, x_to   images (D,), or rows (M, D) for M lines
    y              one label, or (M,) of them, for the whole line
    """
    shape = _image_shape(vae, image_shape)
    steps = checks.whole(steps, "steps", at_least=2)
    x_from, x_to = np.atleast_2d(x_from), np.atleast_2d(x_to)
    M = len(x_from)
    if len(x_to) != M:
        raise ValueError(f"x_from has {M} rows and x_to {len(x_to)}; expected as many of each")
    y = _labels(vae, y, M)
    (x_from, _), (x_to, _) = checked(vae, x_from, y).draw(), checked(vae, x_to, y).draw()
    t = np.linspace(0, 1, steps)[:, None]  # (steps, 1)
    z = (1 - t) * _means(vae, x_from, y)[:, None] + t * _means(vae, x_to, y)[:, None]  # (M, steps, J)
    path = vae.decode(z.reshape(M * steps, -1), None if y is None else np.repeat(y, steps))
    images = np.concatenate([x_from[:, None], path.reshape(M, steps, -1), x_to[:, None]], axis=1)
    figure, ax = _grid(images, shape, "Interpolation", "E[x|z] along a straight line in z, between originals")
    ax.vlines([1, steps + 1], 0, M, color=ax.get_facecolor(), linewidth=6)
    ax.set_xticks([0.5, 1.5, steps + 0.5, steps + 1.5], ["from", "t = 0", "t = 1", "to"])
    return _fit(figure)


# ---- latent space --------------------------------------------------------------------------------


def latent_scatter(vae, x: Array, y: Array | None = None, dims=None) -> "Figure":
    """The means mu(x) of x (M, D) in two dimensions of z, with the circles of 1 and 2 σ of the prior.

    y      integer labels (M,) that colour the points; each class is named at its median
    dims   the dimensions to the right and upwards; by default the two with the largest Var[mu]
    """
    from matplotlib.patches import Circle

    _dims(vae, dims)
    mu = _means(vae, x, y if vae.n_classes else None)  # (M, J)
    _, y = _same_length(vae, x, y)
    if y is not None and y.dtype.kind not in "iu":
        raise TypeError(f"labels y have dtype {y.dtype}; expected integers")
    if dims is None and vae.latent_dim > 2:
        dims = np.argsort(-mu.var(0), kind="stable")[:2]
    right, up = _dims(vae, dims)
    points = mu[:, [right, up]].astype(float)  # (M, 2)
    reach = 1.06 * max(2.1, np.abs(points).max())
    figure, (ax,) = _figure(7.5, 7.5, "Latent space")
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
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xlabel=_name(right), ylabel=_name(up))
    return _fit(figure)


def posterior(vae, x: Array, y: Array | None = None, image_shape=None, n: int = 401, span: float = 4.0) -> "Figure":
    """The exact p(z|x) of one row x (1, D) on a grid of n x n points, and the outlines of 1 and 2 σ of q(z|x) in it.

    For a model with two latent dimensions. The view is as wide as the two of them need; span bounds the grid.
    """
    from matplotlib.patches import Ellipse

    shape = _image_shape(vae, image_shape)
    exact = evaluation.exact_posterior(vae, x, y, n, span)
    mu, logvar = (a[0].astype(float) for a in vae.encode(x, y))  # (2,) each
    sigma = np.exp(0.5 * logvar)
    seen = exact.z[np.argwhere(exact.log_density > exact.log_density.max() - 8)[:, ::-1]]  # (points, 2)
    low, high = np.minimum(seen.min(0), mu - 3 * sigma), np.maximum(seen.max(0), mu + 3 * sigma)
    middle, reach = (low + high) / 2, 0.55 * (high - low).max()
    figure, (left, ax) = _figure(9.5, 5.6, "The posterior and its approximation", columns=2)
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
           xlabel=_name(0), ylabel=_name(1))
    ax.set_title("blue: the density p(z|x)", fontsize=13)
    ax.legend(fontsize=12, frameon=False, loc="upper left")
    return figure


def rate_distortion(points) -> "Figure":
    """Rate against distortion, a point for each model: what a code costs, and what is lost by it.

    points   dicts with `kl` (rate) and `reconstruction` (distortion), in nats, and a `label`
    """
    points = list(points)
    if not points or not all(isinstance(p, dict) and {"kl", "reconstruction", "label"} <= set(p) for p in points):
        raise ValueError("points must be dicts with kl, reconstruction and label, and at least one")
    points.sort(key=lambda p: p["kl"])
    figure, (ax,) = _figure(7.5, 6, "Rate and distortion")
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


def _apart(points: Array, distance: float) -> Array:
    """Points (n, 2), those closer than `distance` pushed apart."""
    for _ in range(100):
        away = points[:, None] - points  # (n, n, 2)
        r = np.hypot(away[..., 0], away[..., 1])[..., None] + 1e-9  # (n, n, 1)
        points = points + (away / r * np.maximum(distance - r, 0)).sum(1) / 4
    return points


# ---- drawing -------------------------------------------------------------------------------------


def _figure(width: float, height: float, title: str, columns: int = 1):
    """A Figure in the style of the house, and its axes."""
    from matplotlib.figure import Figure

    figure = Figure((width, height), dpi=150, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.1, wspace=0.03)  # type: ignore[union-attr, call-arg]
    figure.suptitle(title, fontsize=TITLE)
    axes = figure.subplots(1, columns, squeeze=False)[0]
    for ax in axes:
        ax.grid(False)
        ax.spines[["top", "right"]].set_visible(False)
        ax.tick_params(labelsize=12)
        ax.xaxis.label.set_size(13)
        ax.yaxis.label.set_size(13)
    # Jupyter by itself draws a Figure only once pyplot has been imported.
    figure._repr_png_ = functools.partial(_png, figure)  # type: ignore[attr-defined]
    return figure, axes


def _png(figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def _grid(images: Array, shape: tuple[int, int], title: str, subtitle: str, gap: float = 1.0):
    """Images (R, C, D) as R rows of C tiles, each 1 x 1 in the units of the axes; figure and axes."""
    R, C, _ = images.shape
    h, w = shape
    side = min(8 / C, 6 * w / (R * h))  # width of a tile in inches
    figure, (ax,) = _figure(max(side * C, 5) + 1.2, side * R * h / w + 2, title)
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


def _fit(figure):
    """The figure, as high as its axes needs at this width to have its aspect: no empty paper."""
    ax = figure.axes[0]
    aspect = ax.get_aspect()
    ax.set_aspect("auto")
    figure.draw_without_rendering()  # lays it out
    width, height = ax.get_position().size * figure.get_size_inches()
    figure.set_figheight(figure.get_figheight() - height + width * aspect * ax.get_data_ratio())
    # The title stands above the axes, not in the middle of the paper.
    figure.suptitle(figure.get_suptitle(), x=ax.get_position().intervalx.mean(), fontsize=TITLE)
    ax.set_aspect(aspect)
    return figure


def _name(j: int) -> str:
    return f"z[{j}] (prior standard deviations)"


def _minus(number: str) -> str:
    """A number as matplotlib writes them on its axes."""
    return number.replace("-", "−")


# ---- the doors -----------------------------------------------------------------------------------


def _image_shape(vae, image_shape) -> tuple[int, int]:
    """(height, width): as given, or a square."""
    _trained(vae)
    D = vae.data_dim
    if image_shape is None:
        side = math.isqrt(D)
        if side * side != D:
            raise ValueError(f"data_dim is {D}, not a square: pass image_shape=(height, width); for data that "
                             "are not images there is latent_scatter")
        return side, side
    sides = np.asarray(image_shape)
    if sides.shape != (2,) or sides.dtype.kind not in "iu" or sides.prod() != D or sides.min() < 1:
        raise ValueError(f"image_shape is {image_shape!r}; expected (height, width) with height * width = {D}")
    return int(sides[0]), int(sides[1])


def _dims(vae, dims) -> tuple[int, int]:
    """Two dimensions of z: as given, or the first two."""
    _trained(vae)
    J = vae.latent_dim
    if J == 1:
        raise ValueError("this picture has two latent dimensions and the model only one; use traversal")
    pair = np.asarray((0, 1) if dims is None else dims)
    if pair.shape != (2,) or pair.dtype.kind not in "iu" or pair[0] == pair[1] or not {*pair} <= {*range(J)}:
        raise ValueError(f"dims is {dims!r}; expected two different whole numbers from 0 to {J - 1}")
    return int(pair[0]), int(pair[1])


def _trained(vae) -> None:
    if not np.isfinite(vae.theta).all():
        raise ValueError("the model's theta is not finite: its training diverged; load its last good checkpoint")


def _labels(vae, y, n: int):
    """One label as n of them; several as they are, for the model to check."""
    if y is None and vae.n_classes:
        raise ValueError(f"this model is conditional on a label: pass y, from 0 to {vae.n_classes - 1}")
    return np.full(n, y) if y is not None and np.ndim(y) == 0 else y


def _same_length(vae, x, y):
    """x and y as arrays with a row each; what is in them the model checks."""
    if np.ndim(x) != 2:
        checked(vae, x)  # says what is wrong, and what to do
    x, y = np.asarray(x), None if y is None else np.asarray(y)
    if y is not None and y.shape != (len(x),):
        raise ValueError(f"labels y have shape {y.shape}; expected ({len(x)},), one label for each row")
    return x, y


def _means(vae, x, y) -> Array:
    """mu(x), (M, J)."""
    return evaluation.means(vae, *_same_length(vae, x, y))
