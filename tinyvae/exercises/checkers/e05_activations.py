"""Checks of e05: the truth is the complex step through the forward formula, at inputs away from ReLU's kink."""

import numpy as np

from tinyvae.exercises.check import Case

FUNCTIONS = ("relu_backward", "tanh_backward", "sigmoid_backward")
SIZES = [{"M": 7, "H": 5}, {"M": 3, "H": 11}, {"M": 5, "H": 5}]

IDENTITY = "Write the derivative with x first, then put y in, by the identities (5) and (6)."
ADVICE = {
    "inplace": "Return a new array: operators like *=, an assignment to dy[...] and out= write into the array that was "
               "given. The next layer still needs its y, and the caller may need dy.",
    "output-for-input": "Backward is given the output y, not the input x, and (2) and (3) hold at x. Put y into them "
                        "by the identities (5) and (6); no function has to be applied again.",
    "no-dy": "Equation (4) has two factors: dy, which comes from above, and the derivative of the activation.",
    "all-pass": "A unit whose input was negative has the output 0, and its derivative is 0.",
    "inverted": "The derivative is 1 where the input was positive. What is the output there?",
    "relu-of-dy": "Whether a unit passes its derivative down was decided in forward, by the sign of its input.",
    "no-mask": "ReLU's derivative is 1 or 0; the output only tells where it is which.",
    **dict.fromkeys(("output-for-derivative", "other-formula", "no-square", "plus", "factor"), IDENTITY),
    "brackets": "In Python, * goes before -: put the derivative, a difference, into brackets.",
    "other-square": "Equations (2) and (5): the derivative is one minus a square, not the square of a difference.",
    "matmul": "Equation (4) multiplies entry by entry: * in NumPy; @ is the product of matrices.",
}
HINTS = [
    "Where y is known, so is the derivative: in the example, look at how dx / dy goes with y.",
    "By (5), 1 / cosh(x)^2 is one minus a square; by (6), the derivative (3) is a product of two numbers with sum one.",
    "dx = dy * (y > 0) for ReLU, dy * (1 - y**2) for tanh, dy * y * (1 - y) for the sigmoid.",
]


def cases(rng):
    for sizes in SIZES:
        yield from of_size(rng, **sizes)


def of_size(rng, M, H):
    x = rng.uniform(0.05, 2.0, (M, H)) * rng.choice([-1, 1], (M, H))
    x[0, :3] = 1.0, -1.0, 1e-6  # units that are on, off and hardly on, whatever was drawn
    x[1, :2] = 18, -18  # units whose derivative is small, where an output that is clipped shows
    for name, (forward, mistakes) in ACTIVATIONS.items():
        dy, y = rng.standard_normal((M, H)), forward(x)
        derivative = forward(x + 1e-20j).imag / 1e-20  # of all entries at once: each y depends on its own x alone
        variants = {key: (dy * factor, text) for key, (factor, text) in mistakes(dy, y).items()}
        if name != "relu":
            last, formula = (y * y, "dy - y^2") if name == "tanh" else (y, "dy y - y")
            first = dy if name == "tanh" else dy * y
            variants["brackets"] = first - last, f"it is {formula}: the brackets around the difference are missing"
        variants["no-dy"] = derivative, "it is the derivative of the activation alone: dy is missing"
        if M == H:  # where a product of matrices goes through
            variants["matmul"] = dy @ derivative, "it is dy @ the derivative, a product of matrices"
        yield Case(f"{name}_backward", {"dy": dy, "y": y}, {"dx": dy * derivative}, {"M": M, "H": H},
                   variants={"dx": variants})


# What known mistakes have in the place of the derivative.


def relu_mistakes(dy, y):
    return {
        "all-pass": (1, "it is dy itself, also where y is 0 (y >= 0 is true everywhere: y is never negative)"),
        "inverted": (y <= 0, "it is dy where y is 0, and 0 where y > 0; it must be the other way round"),
        "relu-of-dy": (dy > 0, "it is max(dy, 0): the sign of dy decides, where the sign of the input must"),
        "no-mask": (y, "it is dy y, with the output itself in the place of its derivative"),
    }


def tanh_mistakes(_, y):
    return {
        "output-for-input": (1 - np.tanh(y) ** 2, "it is dy (1 - tanh(y)^2), which is dy / cosh(y)^2: the derivative "
                                                  "at the output y, not at the input x"),
        "other-square": ((1 - y) ** 2, "it is dy (1 - y)^2, where the square belongs to y alone"),
        "no-square": (1 - y, "it is dy (1 - y): the square is missing"),
        "plus": (1 + y * y, "it is dy (1 + y^2): the sign of y^2 is wrong"),
        "factor": (y * y, "it is dy y^2: the derivative is one minus that square"),
        "other-formula": (y * (1 - y), "it is dy y (1 - y), which belongs to the sigmoid"),
        "output-for-derivative": (y, "it is dy y, with the output itself in the place of its derivative"),
    }


def sigmoid_mistakes(_, y):
    s = sigmoid(y)
    return {
        "output-for-input": (s * (1 - s), "it is dy s (1 - s) with s = sigmoid(y): the derivative at the output y, not "
                                          "at the input x"),
        "plus": (y * (1 + y), "it is dy y (1 + y): the second sign is wrong"),
        "factor": (1 - y, "it is dy (1 - y): the factor y is missing"),
        "other-formula": (1 - y * y, "it is dy (1 - y^2), which belongs to tanh"),
        "output-for-derivative": (y, "it is dy y: the factor 1 - y is missing"),
    }


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


ACTIVATIONS = {
    "relu": (lambda x: np.where(x.real > 0, x, 0), relu_mistakes),
    "tanh": (lambda x: np.sinh(x) / np.cosh(x), tanh_mistakes),
    "sigmoid": (sigmoid, sigmoid_mistakes),
}
