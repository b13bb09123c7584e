"""e01: the ring, or any distribution from a Gaussian.

A latent variable model draws simple noise, z ~ N(0, I), and sends it through a function. If the function is rich
enough, anything can come out. An example by hand (Doersch 2016, figure 2): each point z of the plane becomes

    x = z / 10 + z / ||z||            ||z|| = sqrt(z[0]^2 + z[1]^2)                (1)

The second term has length one: it puts every point on the unit circle. The first keeps a tenth of the old distance,
so that the circle gets a width. Both point where z does. In polar coordinates, therefore, the function is plain: the
direction stays as it is, and the distance from the origin, r = ||z||, becomes

    ||x|| = r / 10 + 1                                                             (2)

A cloud that is densest at the origin goes in; a ring with a hole in the middle comes out. Nothing is lost on the way:
from x, (2) gives r back, and so z.

The points come as one array with a row for each: z (M, 2). Equation (1) holds for each row by itself, with the length
of that row: M points have M lengths. What shape must they have, so that NumPy divides row m of z (M, 2) by length m?

A tiny example, M = 2:   z = [[3, 4], [0, -10]]   has the lengths 5 and 10, and gives   x = [[0.9, 1.2], [0, -2]].
Check (2) on it: the lengths of x are 1.5 and 2.

One or two lines; no loop is needed.
"""

import numpy as np


def ring(z):
    """x (M, 2) from z (M, 2), which has no row of zeros and stays as it is: equation (1), row by row."""
    # YOUR CODE HERE
    raise NotImplementedError()
