"""What all pictures share: the questions they ask of their arguments, and their look."""

import functools
import io
import math

import numpy as np

# Ten colours that colour-blind readers can tell apart (Petroff 2021, arXiv:2107.02270), in an order
# that gives digits which look alike, and so are neighbours in z, colours that do not: 3 5 8, 4 7 9.
COLORS = ["#3f90da", "#ffa90e", "#717581", "#b9ac70", "#a96b59",
          "#832db6", "#e76300", "#92dadd", "#bd1f01", "#94a4a2"]

TITLE = 18  # points


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


def blank(width: float, height: float, title: str, columns: int = 1):
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


def fit(figure):
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


def axis_name(j: int) -> str:
    return f"z[{j}] (prior standard deviations)"


def minus(number: str) -> str:
    """A number as matplotlib writes them on its axes."""
    return number.replace("-", "−")
