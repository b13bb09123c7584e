"""The look of all pictures: colours, type, grey tiles side by side, and paper that fits."""

import functools
import io

import numpy as np

Array = np.ndarray

# Ten colours that colour-blind readers can tell apart (Petroff 2021, arXiv:2107.02270), in an order
# that gives digits which look alike, and so are neighbours in z, colours that do not: 3 5 8, 4 7 9.
COLORS = ["#3f90da", "#ffa90e", "#717581", "#b9ac70", "#a96b59",
          "#832db6", "#e76300", "#92dadd", "#bd1f01", "#94a4a2"]

TITLE = 18  # points


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
