"""Lines: how training went, and what each of several models trades for what."""

import math
from typing import TYPE_CHECKING

from tinyvae.plots.style import COLORS, blank, minus

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
