"""The pictures: what a VAE has learned, as matplotlib Figures.

Each function returns a Figure that is yours: show it by naming it at the end of a notebook cell,
keep it with `figure.savefig("manifold.png")`, rename it with `figure.suptitle`. No window is
opened, pyplot is not touched, and the colours of text and paper follow your matplotlib style.

Images are grey from 0, black, to 1, white; uint8 means grey levels 0..255. Decoded images are
means, E[x|z]. z[0], z[1] … on the axes are columns of z and mu, counted as NumPy counts, in
units of the prior's standard deviation. A label y is for models that are conditional on one.
"""

from tinyvae.plots.charts import curves, latent_scatter, posterior, rate_distortion
from tinyvae.plots.common import COLORS
from tinyvae.plots.images import interpolation, manifold, reconstructions, samples, traversal

__all__ = ["COLORS", "curves", "interpolation", "latent_scatter", "manifold", "posterior", "rate_distortion",
           "reconstructions", "samples", "traversal"]
