"""Checks of e14: the truth compares each label with each class, and goes row by row."""

import numpy as np

from tinyvae.exercises.check import Case

FUNCTIONS = ("one_hot", "encoder_input", "decoder_input")
# Some batches lack a class, so that the number of columns cannot be read off the labels.
SIZES = [{"M": 11, "C": 7, "D": 5, "J": 3, "K": 2}, {"M": 13, "C": 11, "D": 3, "J": 2, "K": 7, "absent": 2},
         {"M": 5, "C": 5, "D": 5, "J": 5, "K": 5, "absent": 4}]

ADVICE = {
    "no-label": "Both networks of (1) are told y: q(z|x, y) and p(x|z, y). See (3) and (4), and tutorial 13.",
    "zero-label": "A label of zeros picks no row of U in (5): the network cannot tell one class from another.",
    "ones": "Row m has a single one, in column y[m]: equation (2). See (5) for what it picks.",
    "all-rows": "Row m has a single one, in column y[m]. An index labels[:, y] means those columns in all rows: name "
                "the row of each label as well, 0, 1, … M - 1.",
    "whole-rows": "Row m has a single one, in column y[m]. An index labels[y] means whole rows: name the row of each "
                  "label, 0, 1, … M - 1, and y as its column.",
    "columns:largest": "A batch need not hold every class, and the network's W has C rows for the label all the same.",
    "columns:distinct": "A batch need not hold every class; column c belongs to class c in every batch.",
    "columns:10": "The number of classes is the argument n_classes.",
    "label-first": "Any order would do, if it is kept; here the label stands behind, as in (3) and (4).",
    "transpose": "One row for each example, one column for each class: (M, C).",
    "wrong-example": "z[k, m] belongs to example m for every k: its label is that of y[m].",
    "folded": "Keep the shape: z (K, M, J) gives (K, M, J + C).",
}
ADVICE |= dict.fromkeys((f"{word}:{what}" for word in ("number", "numbers") for what in ("y", "y / C", "y / (C - 1)")),
                        "A label is a name, not a quantity: each class has a column of its own, equation (2).")
ADVICE |= dict.fromkeys(("shift:-1", "shift:+1", "lost:-1", "lost:+1"),
                        "Classes count from 0, columns as well: column c is that of class c.")
ADVICE |= dict.fromkeys(("axis-0", "axis-1"), "More columns are more entries along the last axis: axis=-1.")
HINTS = [
    "Write the shapes first: the label is (M, C). What has to be true of a row and a column for a one to stand there?",
    "The rows of np.eye(C) are the C one-hot labels. np.concatenate joins along the axis you name; it wants the same "
    "number of axes in both arrays, and np.broadcast_to repeats the labels K times without copying.",
    "label = np.eye(n_classes)[y]; behind z: np.broadcast_to(label, (*z.shape[:-1], n_classes)), joined along axis -1.",
]


def cases(rng):
    for sizes in SIZES:
        yield from of_size(rng, **sizes)


def of_size(rng, M, C, D, J, K, absent=None):
    present = [c for c in range(C) if c != absent]
    y = rng.permutation([*present, *rng.choice(present, M - len(present))])
    label = np.array([[float(m_label == c) for c in range(C)] for m_label in y])  # (M, C)
    wrong = mislabelled(y, label)
    yield Case("one_hot", {"y": y, "n_classes": C}, {"one_hot": label}, {"M": M, "C": C}, variants={"one_hot": wrong})

    x, z, zs = (rng.standard_normal(shape) for shape in ((M, D), (M, J), (K, M, J)))
    for function, name, a, sizes in (("encoder_input", "x", x, {"M": M, "D": D, "C": C}),
                                     ("decoder_input", "z", z, {"M": M, "J": J, "C": C}),
                                     ("decoder_input", "z", zs, {"K": K, "M": M, "J": J, "C": C})):
        args, rows = {name: a, "y": y, "n_classes": C}, a.shape[:-1]
        true = np.reshape([[*a[at], *label[at[-1]]] for at in np.ndindex(rows)], (*rows, -1))  # row by row
        known = {key: (behind(a, rows_of), text) for key, (rows_of, text) in wrong.items() if len(rows_of) == M}
        yield Case(function, args, {function: true}, sizes, variants={function: known | misplaced(name, a, label)})


def behind(a, label):
    """(..., M, I) and (M, C) -> (..., M, I + C), whatever the label is."""
    return np.concatenate([a, np.broadcast_to(label, (*a.shape[:-1], label.shape[1]))], axis=-1)


def mislabelled(y, label):
    """Labels (M, C) that are not one-hot, or of the wrong class."""
    M, C = label.shape
    one, back, on = "the label's one stands in column", np.roll(label, -1, axis=1), np.roll(label, 1, axis=1)
    wrong = {
        "zero-label": (0 * label, "the labels are all zeros"),
        "ones": (1 + 0 * label, "the label has a one in every column"),
        "all-rows": (np.tile(label.max(0), (M, 1)),
                     "each row has a one for every label of the batch, not only for its own"),
        "whole-rows": (np.array([[float(m in y)] * C for m in range(M)]),
                       "the ones fill row y[m] where they belong into column y[m] of row m"),
        "shift:-1": (back, f"{one} y - 1, and for y = 0 in the last, where it belongs in column y"),
        "shift:+1": (on, f"{one} y + 1, and for y = C - 1 in the first, where it belongs in column y"),
        "lost:-1": (back * (np.arange(C) < C - 1), f"{one} y - 1 where it belongs in column y, and y = 0 has none"),
        "lost:+1": (on * (np.arange(C) > 0), f"{one} y + 1 where it belongs in column y, and y = C - 1 has none"),
        "transpose": (label.T, "the label is transposed, (C, M)"),
        "columns:largest": (label[:, : y.max() + 1],
                            "the label has only as many columns as the batch's largest y asks for"),
        "columns:distinct": (label[:, label.any(0)], "the label has only columns for the classes that the batch holds"),
        "columns:10": (np.pad(label, ((0, 0), (0, 10)))[:, :10], "the label has 10 columns, whatever n_classes is"),
    }
    for name, number in (("y", y[:, None]), ("y / C", y[:, None] / C), ("y / (C - 1)", y[:, None] / (C - 1))):
        wrong[f"number:{name}"] = (number, f"the label is the number {name}, in one column")
        wrong[f"numbers:{name}"] = (np.tile(number, C), f"the label is the number {name}, in each of the C columns")
    return wrong


def misplaced(name, a, label):
    """No label behind a, or the right label in the wrong place."""
    right, (M, C), I = behind(a, label), label.shape, a.shape[-1]
    rows = a.reshape(-1, I)
    repeated = np.hstack([rows, np.repeat(label, len(rows) // M, axis=0)])
    wrong = {
        "no-label": (a, f"it is {name} alone, without the label y"),
        "label-first": (np.roll(right, C, axis=-1), f"the label stands in front of {name}, not behind it"),
        "wrong-example": (repeated.reshape(right.shape), "z[k, m] has the label of another example than m behind it"),
        "folded": (right.reshape(-1, I + C), "the samples are folded into the rows, (K M, J + C)"),
    }
    for axis in (0, 1):
        if axis == a.ndim - 1 or I == C:
            wrong[f"axis-{axis}"] = (np.concatenate([a, right[..., I:]], axis),
                                     f"{name} and the label are joined along axis {axis}, not along the last axis")
    return wrong
