"""Checks of e01: the truth is drawn in polar coordinates; the inverse map gives z back, the radial moments come out."""

import math

import numpy as np

from tinyvae.exercises.check import Case

FUNCTIONS = ("ring",)
SIZES = [{"M": 7}, {"M": 13}, {"M": 2}]

ADVICE = {
    "missing:z/10": "Every point is on the unit circle then, and the ring has no width. Equation (1) adds both terms.",
    "missing:z/||z||": "A Gaussian cloud ten times smaller is still a cloud. Equation (1) adds both terms.",
    "not-a-tenth": "The unit circle is hardly seen in it: ||x|| is r + 1 where (2) has r/10 + 1.",
    "wrong-axis": "A row of z is a point, and its length adds up the squares along the row: axis 1.",
    "one-length": "Each of the M points has a length of its own: add up along axis 1 only.",
    "ord": "Name the argument: np.linalg.norm(z, axis=1). Then think of the shape you need.",
    "keepdims": "Lengths of shape (M, 1) go with the rows: keepdims=True, or lengths[:, None], makes them so.",
    "first-rows": "In (1), z is one point. In the array z (M, 2) point m is z[m], so that the coordinates of all "
                  "points are the columns z[:, 0] and z[:, 1].",
    "one-norm": "||z|| is the square root of the sum of the squares, the sides of a right triangle.",
    "not-a-direction": "(2) gives the new length. What is to have that length is the direction, z / ||z||, not z.",
    "one-fraction": "In Python, z / (10 + z / r) is one fraction. Equation (1) adds two: z / 10 and z / r.",
    "squared": "||z|| is the square root of the sum of the squares.",
}
HINTS = [
    "Compute the M lengths first. Print their shape, and the shape of z: NumPy lines shapes up from the right.",
    "The sum of squares along axis 1, with keepdims=True, has shape (M, 1). Its root divides z (M, 2) row by row.",
    "lengths = np.sqrt((z * z).sum(axis=1, keepdims=True)), and x = z / 10 + z / lengths.",
]


def cases(rng):
    for sizes in SIZES:
        yield of_size(rng.standard_normal((sizes["M"], 2)), sizes)
    z = rng.standard_normal((17, 2))
    yield Case("ring", {"z": z}, {"z by the inverse of (2)": z}, {"M": 17}, derive=inverse)
    yield moments(rng.uniform(0, 2 * math.pi, len(RADII)))


def of_size(z, sizes):
    """The truth is drawn in polar coordinates: the angle stays, and (2) is the length."""
    r, angle = polar(z)
    direction, tenth = plane(1, angle), z / 10
    variants = {
        "not-a-tenth": (z + direction, "it is z + z/||z||: z is not divided by 10"),
        "squared": (tenth + z / (z * z).sum(1)[:, None], "z is divided by ||z||^2: the square root is missing"),
        "wrong-axis": (tenth + z / np.linalg.norm(z, axis=0),
                       "the squares are summed over the batch, axis 0: that gives two lengths, of the columns of z"),
        "first-rows": (tenth + z / np.sqrt(z[0] ** 2 + z[1] ** 2),
                       "the length is made of z[0] and z[1], which are the first two points, not the coordinates"),
        "one-norm": (tenth + z / abs(z).sum(1)[:, None], "z is divided by |z[0]| + |z[1]|, not by ||z||"),
        "not-a-direction": (z * (r / 10 + 1)[:, None], "it is z times ||x|| of (2): the length of z counts twice"),
        "one-fraction": (z / (10 + direction), "it is z / (10 + z/||z||), a fraction in the denominator of another"),
        "one-length": (tenth + z / np.linalg.norm(z), "all rows are divided by one length, that of the whole array"),
        "ord": (tenth + z / np.linalg.norm(z, 1),
                "all rows are divided by one number, the 1-norm of the matrix z. np.linalg.norm(z, 1) gives it: the "
                "second argument is ord, not axis")}
    if len(z) == 2:  # where lengths of shape (M,) go through
        variants["keepdims"] = (tenth + z / r, "lengths of shape (M,) are lined up with the columns of z (M, 2), not "
                                               "with its rows: wrong if M is 2, an error if it is not")
    return Case("ring", {"z": z}, {"x": plane(r / 10 + 1, angle)}, sizes,
                terms={"x": {"z/10": tenth, "z/||z||": direction}}, variants={"x": variants})


def polar(points):
    """Lengths and angles (M,) of points (M, 2)."""
    first, second = np.asarray(points).T
    return np.hypot(first, second), np.arctan2(second, first)


def plane(length, angle):
    """Points (M, 2) of those lengths and angles."""
    return np.stack([length * np.cos(angle), length * np.sin(angle)], axis=1)


def inverse(x):
    """Equation (2) solved for r takes x back to z."""
    length, angle = polar(x)
    return {"z by the inverse of (2)": plane(10 * (length - 1), angle)}


# E f(||z||) under z ~ N(0, I) in two dimensions is the integral of f(r) r exp(-r^2 / 2); beyond 10 there is nothing.
RADII, WEIGHTS = np.polynomial.legendre.leggauss(41)
RADII, WEIGHTS = 5 * (RADII + 1), 5 * WEIGHTS
WEIGHTS = WEIGHTS * RADII * np.exp(-0.5 * RADII**2)


def moments(angle):
    """E ||x|| and E ||x||^2, from points z whose lengths are the nodes of the quadrature."""
    mean = math.sqrt(math.pi / 2)  # of r; the mean of r^2 is 2, one for each dimension
    return Case("ring", {"z": plane(RADII, angle)},
                {"E ||x||": np.array(1 + mean / 10), "E ||x||^2": np.array(1 + 2 * mean / 10 + 2 / 100)},
                label="z ~ N(0, I), by quadrature", derive=expectations)


def expectations(x):
    length, _ = polar(x)
    return {"E ||x||": WEIGHTS @ length, "E ||x||^2": WEIGHTS @ length**2}
