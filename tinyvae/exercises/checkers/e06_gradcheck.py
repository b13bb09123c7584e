"""Checks of e06: f is a `Wave`, whose gradient is known by the complex step, and which keeps the points it is asked at.

The points tell the method as a fact: which entries were moved, both ways or one, and how far. They are read only where
something is wrong, to say why. What `gradients_agree` gets wrong is compared with what known rules would say.
"""

import numpy as np

from tinyvae.diagnose import Cause
from tinyvae.exercises.cases import tolerance
from tinyvae.exercises.check import Case
from tinyvae.exercises.oracles import complex_step
from tinyvae.exercises.wire import Wave

FUNCTIONS = ("numerical_gradient", "gradients_agree")
SIZES = [{"I": 5}, {"I": 2, "O": 3}, {"I": 3, "O": 3}]

U = 2.2e-16  # as in (3)
MEASURED = 1e-8  # the error that a numerical gradient may have: of steps from 1e-7 to 1e-4

RELATIVE = "Divide the error by the size of the gradient, or multiply the tolerance by it, as in (4)."
ENTRIES = "Each entry counts, and so does its sign: (4) takes the absolute value of each difference, then the largest."
ADVICE = {
    "not-restored": "Keep the old value of the entry and assign it again, or move a fresh copy of x. Adding h and "
                    "taking it away again is not enough: (x + h) - h need not be x.",
    "one-sided": "Equation (1) has a point above x and one below. By symmetry, the error of order h cancels.",
    "h-too-small": "f(x + h) and f(x - h) share almost all their digits, and only the others count. The best h is near "
                   "u^(1/3).",
    "h-too-large": "The truncation error grows as h^2. The best h is near u^(1/3).",
    "not-moved": "See that x is moved at all, and by more than the rounding of its entries, about 1e-16.",
    "one-index": "The gradient has an entry for each entry of x: np.ndindex(x.shape) goes through them all.",
    "together": "Move one entry and leave the others: of several moved at once, f shows the sum of the derivatives. "
                "In a matrix, x[i] with a single number i is a whole row; the i of np.ndindex(x.shape) is a pair.",
    "part-of-x": "f takes the whole of x. Pass it a copy of x in which one entry is moved.",
    "never-asked": "The gradient is measured, by equation (1), from values of f.",
    "not-divided": "A difference becomes a derivative when it is divided by the distance of its points, 2 h in (1).",
    "precedence": "In Python, a / 2 * h is (a / 2) * h. Write a / (2 * h).",
    "scale:2": "The points x + h and x - h are 2 h apart: (1) divides by 2 h, not by h.",
    "scale:-1": "In (1), the value above x comes first: f(x + h) - f(x - h).",
    "always-true": "A checker must reject a wrong gradient. Is the result of the comparison what is returned?",
    "always-false": "A right gradient agrees to about 1e-10, never exactly: == and tolerances near 1e-16 reject it. If "
                    "the tolerance is 1e-6, look at numerical_gradient.",
    "inverted": "Is the comparison turned round?",
    "absolute": RELATIVE,
    "atol": "Some constant is added, or compared with the gradient: np.allclose has atol = 1e-8; max(1, ...) is "
            f"another. {RELATIVE}",
    "elementwise": "In (4), each maximum is over all entries: an entry of 0 has no relative error of its own.",
    "too-tolerant": "The numerical gradient is right to about 1e-10, so the tolerance can be as small as 1e-6.",
    "first-entry": "All entries must agree. A return within a loop ends it: `return True` belongs after the loop.",
    "last-entry": "All entries must agree. Does each turn of the loop overwrite what the turn before found?",
    **dict.fromkeys(("too-small-only", "too-large-only", "signs", "norms", "sums", "direction"), ENTRIES),
}
HINTS = [
    "What do you expect of (1) for f(x) = 3 x[0] + 5 x[1]? Try it. Then look at x: is it what it was?",
    "For each i: copy x twice, add h to entry i of one copy, subtract it from entry i of the other, and ask f at both. "
    "h = 1e-5 is near the best.",
    "for i in np.ndindex(x.shape): above, below = x.copy(), x.copy(); above[i] += h; below[i] -= h; "
    "n[i] = (f(above) - f(below)) / (2 * h). And abs(gradient - n).max() <= 1e-6 * abs(n).max().",
]


def cases(rng):
    vector, matrix, square = (problem(rng, tuple(sizes.values())) for sizes in SIZES)
    for f, x, true in (vector, matrix, square):
        yield derivative(f, x, true)

    f, x, true = vector
    for label, gradient in {
        "a right gradient": true,
        "a gradient with the first entry too small": opposite(true, 0),
        "a gradient with the second entry too large": opposite(true, 1),
        "a gradient with the last entry too small": opposite(true, -1),
        "twice the right gradient": 2 * true,
        "the right gradient with the wrong sign": -true,
        "a gradient that is 0.03 % too large": 1.0003 * true,
    }.items():
        yield agreement(f, x, true, gradient, label)
    yield agreement(scaled(f, 1e-10), x, 1e-10 * true, 1e-10 * exchanged(true), "a wrong gradient of size 1e-10")
    yield agreement(scaled(f, 1e10), x, 1e10 * true, 1e10 * true, "a right gradient of size 1e10")
    b = f.b.copy()
    b[:, 2] = 0
    f = Wave(f.a, b)
    true = derivatives(f, x)
    yield agreement(f, x, true, true, "a right gradient with an entry that is zero")

    f, x, true = matrix
    yield agreement(f, x, true, true, "a right gradient")
    yield agreement(f, x, true, opposite(true, 4), "a gradient with one wrong entry")
    f, x, true = square
    yield agreement(f, x, true, exchanged(true), "a gradient with two entries exchanged")


def problem(rng, shape):
    """f, x, and the gradient of f there: entries of size 0.5 to 1.5, the first and last positive, the second negative.

    Mixed derivatives are not zero, so that what is left of one entry's move is felt by the others.
    """
    N = int(np.prod(shape))
    wanted = rng.uniform(0.5, 1.5, N) * rng.choice([-1, 1], N)
    wanted[[0, 1, -1]] = abs(wanted[[0, 1, -1]]) * [1, -1, 1]
    # With these signs the waves cancel: f is small beside its derivatives, and so is its rounding.
    x = rng.uniform(0.45, 0.55, N) * np.sign(wanted) * (-1) ** np.arange(N)
    b = np.diag(rng.uniform(1.5, 1.8, N)) + 0.1 * rng.uniform(-1, 1, (N, N))
    a = np.linalg.solve(b.T, wanted) / np.cos(b @ x)
    f, x = Wave(a, b.reshape(N, *shape)), x.reshape(shape)
    return f, x, derivatives(f, x)


def derivatives(f, x):
    (true,) = complex_step(scaled(f, 1), x)  # another f: this one is to keep a student's points only
    return true


def scaled(f, c):
    return Wave(c * f.a, f.b)


def opposite(true, at):
    wrong = true.copy()
    wrong.flat[at] *= -1
    return wrong


def exchanged(true):
    wrong = true.copy()
    wrong.flat[[0, 1]] = true.flat[[1, 0]]
    return wrong


def derivative(f, x, true):
    """A case of numerical_gradient."""

    def trace(given, *arguments):
        match arguments:
            case [Wave() as used, np.ndarray() as after]:
                moves = Moves(x, used.points)
                return restored(x, after) or moves.places(1e-8) or moves.quotient(given["n"], f, true)

    return Case("numerical_gradient", {"f": f, "x": x}, {"n": true}, allowed=MEASURED, label=f"x of shape {x.shape}",
                trace=trace)


def agreement(f, x, true, gradient, label):
    """A case of gradients_agree."""
    right = close(gradient, true)
    measured = (1 + 1e-10) * true  # about as exact as a numerical gradient

    def trace(given, *arguments):
        match arguments:
            case [Wave() as used, np.ndarray() as after, np.ndarray()]:
                # A wrong gradient may be rejected at its first wrong entry; a right one is accepted after the last.
                accepted = right and bool(given["the answer"].all())
                moves = Moves(x, used.points)
                method = moves.places(1e-6, accepted, alone=False) or moves.length(1e-6) if used.points else None
                return restored(x, after) or method

    return Case("gradients_agree", {"f": f, "x": x, "gradient": gradient}, {"the answer": np.array(right)},
                label=f"{label}, x of shape {x.shape}", trace=trace,
                variants={"the answer": {key: (np.array(float(rule(gradient, measured))), text)
                                         for key, (rule, text) in RULES.items()}})


# ---- what the answers tell --------------------------------------------------------------------------------------


def close(g, n, tolerance=1e-6):
    return abs(g - n).max() <= tolerance * abs(n).max()


def cosine(g, n):
    return (g * n).sum() / np.sqrt((g * g).sum() * (n * n).sum())


RULES = {
    "always-true": (lambda g, n: True, "it is True for every gradient that was tried, right or wrong"),
    "always-false": (lambda g, n: False, "it is False for every gradient that was tried, also for right ones"),
    "inverted": (lambda g, n: not close(g, n), "it is True for wrong gradients and False for right ones"),
    "absolute": (lambda g, n: abs(g - n).max() <= 1e-6,
                 "wrong gradients of size 1e-10 are accepted, and right ones of size 1e10 rejected: the error is not "
                 "relative to the gradient"),
    "atol": (lambda g, n: abs(g - n).max() <= 1e-8 + 1e-6 * abs(n).max(),
             "wrong gradients of size 1e-10 are accepted: the error is not relative to so small a gradient"),
    "elementwise": (lambda g, n: close(g, n) and abs(g).min() > 0,
                    "a right gradient with an entry that is zero is rejected"),
    "too-tolerant": (lambda g, n: close(g, n, 1e-3), "a gradient that is 0.03 % too large is accepted"),
    "too-small-only": (lambda g, n: (g - n).max() <= 1e-6 * abs(n).max(),
                       "a gradient is accepted if its entries are too small, and rejected if one is too large"),
    "too-large-only": (lambda g, n: (n - g).max() <= 1e-6 * abs(n).max(),
                       "a gradient is accepted if its entries are too large, and rejected if one is too small"),
    "first-entry": (lambda g, n: abs(g - n).flat[0] <= 1e-6 * abs(n).max(),
                    "gradients are accepted of which only the first entry is right"),
    "last-entry": (lambda g, n: abs(g - n).flat[-1] <= 1e-6 * abs(n).max(),
                   "gradients are accepted of which only the last entry is right"),
    "signs": (lambda g, n: close(abs(g), abs(n)), "gradients are accepted that have wrong signs"),
    "norms": (lambda g, n: close((g * g).sum(), (n * n).sum()),
              "gradients are accepted that have the right norm, but wrong entries"),
    "sums": (lambda g, n: close(g.sum(), n.sum()), "gradients are accepted that have the right sum, but wrong entries"),
    "direction": (lambda g, n: cosine(g, n) > 1 - 1e-6, "multiples of the right gradient are accepted"),
    "scale:2": (lambda g, n: close(g, 2 * n), "twice the right gradient is accepted, and the right one rejected"),
    "scale:-1": (lambda g, n: close(-g, n), "minus the right gradient is accepted, and the right one rejected"),
}


# ---- what x and the points tell ---------------------------------------------------------------------------------


def restored(x, after):
    if after.shape != x.shape or np.array_equal(x, after):
        return None
    at = np.unravel_index(int(np.argmax(np.nan_to_num(abs(after - x), nan=np.inf))), x.shape)
    return Cause("not-restored", f"x is not put back: x[{', '.join(map(str, at))}] was {x[at].item()!r} before the "
                                 f"call, and after it is {after[at].item()!r}")


def too_small(h, error):
    return Cause("h-too-small", f"h is {h:.2g}, too small: the rounding error (3) is about {error:.1g}")


def too_large(h, error):
    return Cause("h-too-large", f"h is {h:.2g}, too large: the truncation error (2) is about {error:.1g}")


class Moves:
    """Where f was asked, seen from x.

    points    as they are recorded
    step      (points, entries), by how much each differs from x; no rows, unless all are arrays like x
    entries   {entry: its steps, one for each point where it was moved}; empty if points have several entries moved
    h         of each of these, if all go up and down by the same, or off the real axis; else empty
    """

    def __init__(self, x, points):
        self.x, self.points = x, points
        alike = all(isinstance(p, np.ndarray) and p.shape == x.shape and np.isfinite(p).all() for p in points)
        self.step = (np.array(points) - x).reshape(len(points), -1) if points and alike else np.empty((0, x.size))
        # A move that rounding did not quite undo is none.
        self.moved = abs(self.step) > 1e-3 * abs(self.step).max(initial=0)
        single = self.moved.any() and self.moved.sum(1).max() == 1
        self.entries = {int(i): self.step[self.moved[:, i], i] for i in np.flatnonzero(self.moved.any(0)) if single}
        off_axis = np.iscomplexobj(self.step) and not self.step.real.any()
        both = all(off_axis or s.real.min() < 0 < s.real.max() for s in self.entries.values())
        # Rounding makes the shortest steps unequal.
        even = all(abs(s).max() <= 1.01 * abs(s).min() + 4e-16 for s in self.entries.values())
        self.h = np.array([abs(s).mean() for s in self.entries.values() if both and even])

    def places(self, needed, complete=True, alone=True):
        """What is wrong with the points, for an error of `needed`.

        `complete`: every entry must be moved. `alone`: and never two of them at once.
        """
        if not self.points:
            return Cause("never-asked", "f is never called")
        other = [p.shape for p in self.points if isinstance(p, np.ndarray) and p.size != self.x.size]
        if len(other) == len(self.points):
            what = f"an array of shape {other[0]}" if other[0] else "a single number"
            return Cause("part-of-x", f"f is asked at {what}, not at an array like x")
        if not len(self.step):
            return None
        if not self.step.any():
            return Cause("not-moved", "f is asked at x and nowhere else: either x is not moved, or h is so small that "
                                      "x + h is x in floating point")
        if not self.entries:
            return self.left_behind() or (self.together() if alone else None)
        every = np.concatenate(list(self.entries.values()))
        h = abs(every)
        one_side = np.isrealobj(every) and every.min() * every.max() > 0
        one_size = all(abs(s).max() < 1.01 * abs(s).min() for s in self.entries.values())
        exact = h.max() / 2 < needed and 2 * U / h.min() < needed  # as differences on one side are
        if one_side and one_size and not exact:
            side, other_side = "+-" if every[0] > 0 else "-+"
            return Cause("one-sided", f"f is asked at x {side} h, and never at x {other_side} h")
        # By less than this, rounding may leave an entry where it was.
        if complete and len(self.entries) < self.x.size and h.max() > 1e-13 * np.isrealobj(every):
            number = len(self.entries)
            return Cause("one-index", f"of the {self.x.size} entries of x, {number} {'is' if number == 1 else 'are'} "
                                      "moved, and the others never")
        return None

    def left_behind(self):
        """Whether each point differs from x, or from one before, in one entry: moved, and not put back."""
        far = 1e-3 * abs(self.step).max()
        seen = [np.zeros(self.x.size)]
        for point in self.step:
            if min((abs(point - other) > far).sum() for other in seen) > 1:
                return None
            seen.append(point)
        return Cause("not-restored", "when an entry is moved, an entry that was moved before is not yet put back")

    def together(self):
        sizes = [abs(point[moved]) for point, moved in zip(self.step, self.moved, strict=True) if moved.any()]
        if all(len(s) > 1 and s.max() < 1.01 * s.min() for s in sizes):
            return Cause("together", f"f is asked at points where {len(sizes[0])} entries of x are moved at once")
        return None

    def length(self, needed):
        """Whether h is too small or too large for an error of `needed`, by the estimates (3) and (2)."""
        if self.h.size and U / self.h.min() > needed and np.isrealobj(self.step):
            return too_small(self.h.min(), U / self.h.min())
        if self.h.size and self.h.max() ** 2 / 6 > needed:
            return too_large(self.h.max(), self.h.max() ** 2 / 6)
        return None

    def quotient(self, n, f, true):
        """What n is made of, if it is a multiple of the difference quotients at these points."""
        if n.shape != true.shape or len(self.h) < n.size:
            return None
        f = scaled(f, 1)
        quotients = []
        for i, steps in self.entries.items():
            e = np.zeros(self.x.shape)
            e.flat[i] = 1
            if np.iscomplexobj(steps):
                quotients.append((f(self.x + steps[0] * e) / steps[0].imag).imag)
            else:
                up, down = steps.max(), steps.min()
                quotients.append((f(self.x + up * e) - f(self.x + down * e)) / (up - down))
        q, h = np.reshape(quotients, n.shape), self.h.reshape(n.shape)
        allowed = tolerance(n, MEASURED)
        if close(n, q, allowed / 100 + np.isrealobj(self.step) * 1e-15 / h.min()):  # so it is h that is wrong, if any
            error = abs(n - true).max() / abs(true).max()
            if error <= allowed:
                return None
            return too_large(h.max(), error) if h.max() > U ** (1 / 3) else too_small(h.min(), error)
        for key, factor, text in (("not-divided", 2 * h, "2 h times the gradient: not divided by anything"),
                                  ("not-divided", h, "h times the gradient: not divided by h"),
                                  ("precedence", h * h, "h^2 times the gradient: multiplied by h, not divided")):
            if close(n, factor * q, 1e-3):
                return Cause(key, f"it gives {text}")
        return None
