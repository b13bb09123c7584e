"""e06: answers, right and wrong, on gradient checkers."""


def loop(body, h="1e-5", before="n = np.zeros(x.shape)", after="return n"):
    """numerical_gradient as a loop over all entries i; gradients_agree has a right one of its own."""
    lines = "\n        ".join(body.split("\n"))
    return f"right = numerical_gradient\ndef numerical_gradient(f, x):\n    h = {h}\n    {before}\n" \
        f"    for i in np.ndindex(x.shape):\n        {lines}\n    {after}\n{OWN}"


OWN = """
def gradients_agree(f, x, gradient):
    n = right(f, x)
    return np.max(np.abs(gradient - n)) <= 1e-6 * np.max(np.abs(n))
"""


def central(quotient, h="1e-5"):
    """The same with copies of x, moved up and down."""
    return loop("above, below = x.copy(), x.copy()\nabove[i] += h; below[i] -= h\n"
                f"up, down = f(above), f(below)\nn[i] = {quotient}", h)


def stepped(quotient, h="1e-5", before="n = np.zeros(x.shape)", after="return n"):
    """The same with a step e that moves one entry."""
    return loop(f"e = np.zeros(x.shape); e[i] = h\nn[i] = {quotient}", h, before, after)


def one_sided(h, sign="+"):
    return loop(f"moved = x.copy()\nmoved[i] {sign}= h\nn[i] = (f(moved) - f(x)) / ({sign}h)", h)


def agree(answer, before="pass"):
    """gradients_agree by n, the gradient that numerical_gradient gives."""
    return f"def gradients_agree(f, x, gradient):\n    n = numerical_gradient(f, x)\n    {before}\n" \
        f"    return {answer}\n"


RIGHT = {
    "the master": "",
    "loops, on copies": """
def numerical_gradient(f, x):
    gradient = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        above, below = x.copy(), x.copy()
        above[i] += 1e-5
        below[i] -= 1e-5
        gradient[i] = (f(above) - f(below)) / 2e-5
    return gradient

def gradients_agree(f, x, gradient):
    n = numerical_gradient(f, x)
    largest = max(abs(v) for v in n.flat)
    for i in np.ndindex(x.shape):
        if abs(n[i] - gradient[i]) > 1e-6 * largest:
            return False
    return True
""",
    "in place, the old value kept": """
def numerical_gradient(f, x):
    gradient = np.empty_like(x)
    flat, out, h = x.reshape(-1), gradient.reshape(-1), 6e-6
    for i in range(flat.size):
        old = flat[i]
        flat[i] = old + h
        above = f(x)
        flat[i] = old - h
        out[i] = (above - f(x)) / (2 * h)
        flat[i] = old
    return gradient

def gradients_agree(f, x, gradient):
    n = numerical_gradient(f, x)
    return np.linalg.norm(gradient - n) / np.linalg.norm(n) < 1e-6
""",
    "in place, on a copy that is not quite put back": """
def numerical_gradient(f, x):
    x, gradient, h = x.copy(), np.empty_like(x), 1e-5
    it = np.nditer(x, flags=["multi_index"], op_flags=["readwrite"])
    while not it.finished:
        i = it.multi_index
        x[i] += h
        above = f(x)
        x[i] -= 2 * h
        below = f(x)
        x[i] += h
        gradient[i] = (above - below) / (2 * h)
        it.iternext()
    return gradient
""",
    "the complex step": """
def numerical_gradient(f, x):
    gradient = np.empty_like(x)
    for i in np.ndindex(x.shape):
        z = x.astype(complex)
        z[i] += 1e-20j
        gradient[i] = f(z).imag / 1e-20
    return gradient

def gradients_agree(f, x, gradient):
    n = numerical_gradient(f, x)
    error = np.linalg.norm(gradient - n)
    return bool(error < 1e-7 * (np.linalg.norm(gradient) + np.linalg.norm(n)))
""",
    "five points": """
def numerical_gradient(f, x):
    h, n = 1e-3, np.zeros(x.size)
    for k in range(x.size):
        e = np.zeros(x.size)
        e[k] = h
        e = e.reshape(x.shape)
        n[k] = (8 * (f(x + e) - f(x - e)) - f(x + 2 * e) + f(x - 2 * e)) / (12 * h)
    return n.reshape(x.shape)
""",
    "a step relative to x": """
def numerical_gradient(f, x):
    n = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        h = np.cbrt(np.finfo(float).eps) * max(1, abs(x[i])) if len(x) % 2 else 1e-5 * abs(x[i])
        above, below = x.copy(), x.copy()
        above[i], below[i] = x[i] + h, x[i] - h
        n[i] = (f(above) - f(below)) / (above[i] - below[i])
    return n
""",
    "h = 1e-4": central("(up - down) / (2 * h)", "1e-4"),
    "h = 1e-7": central("(up - down) / (h + h)", "1e-7"),
    "float32": """
def numerical_gradient(f, x):
    h = 1e-5
    n = [(f(x + h * e.reshape(x.shape)) - f(x - h * e.reshape(x.shape))) / (2 * h) for e in np.eye(x.size)]
    return np.array(n, np.float32).reshape(x.shape)

def gradients_agree(f, x, gradient):
    n = numerical_gradient(f, x)
    return np.abs(gradient.astype(np.float32) - n).max() < np.float32(1e-6) * np.abs(n).max()
""",
    "einsum, and a list": """
def numerical_gradient(f, x):
    h = 2.0 ** -17
    moves = h * np.einsum("ij,i->ij", np.eye(x.size), np.ones(x.size))
    n = np.array([(f(x + m.reshape(x.shape)) - f(x - m.reshape(x.shape))) / (2 * h) for m in moves])
    return n.reshape(x.shape).tolist()

def gradients_agree(f, x, gradient):
    n = np.array(numerical_gradient(f, x))
    return bool(np.allclose(gradient, n, rtol=0, atol=1e-6 * abs(n).max()))
""",
    "relative, entry by entry, with a floor": agree(
        "np.max(np.abs(n - gradient) / np.maximum(1e-8, np.abs(n) + np.abs(gradient))) < 1e-6"),
    "one-sided, where it is exact enough": """
def gradients_agree(f, x, gradient):
    h = 1e-7
    n = np.array([(f(x + h * e.reshape(x.shape)) - f(x)) / h for e in np.eye(x.size)]).reshape(x.shape)
    return abs(gradient - n).max() <= 1e-5 * abs(n).max()
""",
    "random directions": """
def gradients_agree(f, x, gradient):
    rng = np.random.default_rng(0)
    for _ in range(3):
        u = rng.standard_normal(x.shape)
        slope = (f(x + 1e-5 * u) - f(x - 1e-5 * u)) / 2e-5
        if abs(slope - (gradient * u).sum()) > 1e-6 * abs(gradient).max():
            return False
    return True
""",
}

MISTAKES = {
    # where f is asked
    "one-sided": ("one-sided", one_sided("1e-5")),
    "one-sided, with the best h for it": ("one-sided", one_sided("1e-8")),
    "one-sided, downwards": ("one-sided", one_sided("1e-6", "-")),
    "one-sided, divided by 2 h": ("one-sided", stepped("(f(x + e) - f(x)) / (2 * h)")),
    "one-sided, in both": ("one-sided", """
def numerical_gradient(f, x):
    h = 1e-5
    return np.array([(f(x + h * e.reshape(x.shape)) - f(x)) / h for e in np.eye(x.size)]).reshape(x.shape)
"""),
    "h = 1e-9": ("h-too-small", central("(up - down) / (2 * h)", "1e-9")),
    "h = eps": ("h-too-small", central("(up - down) / (2 * h)", "np.finfo(float).eps")),
    "h = 1e-12, in both": ("h-too-small", """
def numerical_gradient(f, x):
    h = 1e-12
    return np.array([(f(x + h * e.reshape(x.shape)) - f(x - h * e.reshape(x.shape))) / (2 * h)
                     for e in np.eye(x.size)]).reshape(x.shape)
"""),
    "h = 1e-20": ("not-moved", central("(up - down) / (2 * h)", "1e-20")),
    "x not moved": ("not-moved", loop("n[i] = (f(x) - f(x)) / (2 * h)")),
    "h = 2e-4": ("h-too-large", central("(up - down) / (2 * h)", "2e-4")),
    "h = 1e-3": ("h-too-large", central("(up - down) / (2 * h)", "1e-3")),
    "h = 0.01, in both": ("h-too-large", """
def numerical_gradient(f, x):
    h = 0.01
    return np.array([(f(x + h * e.reshape(x.shape)) - f(x - h * e.reshape(x.shape))) / (2 * h)
                     for e in np.eye(x.size)]).reshape(x.shape)
"""),
    "the complex step with a large h": ("h-too-large", loop(
        "z = x.astype(complex); z[i] += 1j * h\nn[i] = f(z).imag / h", h="1e-3")),
    "one index": ("one-index", loop(
        "e = np.zeros(x.shape); e.flat[0] = h\nn.flat[0] = (f(x + e) - f(x - e)) / (2 * h)")),
    "one index for all": ("one-index", loop(
        "e = np.zeros(x.shape); e.flat[0] = h\nn[i] = (f(x + e) - f(x - e)) / (2 * h)")),
    "the last entry forgotten": ("one-index", loop("pass", after="""
    for k in range(x.size - 1):
        e = np.zeros(x.shape); e.flat[k] = h
        n.flat[k] = (f(x + e) - f(x - e)) / (2 * h)
    return n""")),
    "one index, in the checker": ("one-index", """
def gradients_agree(f, x, gradient):
    e = np.zeros(x.shape); e.flat[0] = 1e-5
    n = (f(x + e) - f(x - e)) / 2e-5
    return abs(gradient.flat[0] - n) <= 1e-6 * abs(n)
"""),
    "the first row only, in the checker": ("one-index", """
def gradients_agree(f, x, gradient):
    size = len(x) if x.ndim == 1 else x.shape[1]
    for k in range(size):
        e = np.zeros(x.shape); e.flat[k] = 1e-5
        if abs((f(x + e) - f(x - e)) / 2e-5 - gradient.flat[k]) > 1e-6 * abs(gradient).max():
            return False
    return True
"""),
    "all entries at once, without a loop": ("together", loop("pass", after="return (f(x + h) - f(x - h)) / (2 * h)")),
    "rows at once": ("together", """
right = numerical_gradient
def numerical_gradient(f, x):
    n = np.zeros(x.shape)
    for i in range(len(x)):
        e = np.zeros(x.shape); e[i] = 1e-5
        n[i] = (f(x + e) - f(x - e)) / 2e-5
    return n
""" + OWN),
    "entries passed to f": ("part-of-x", loop("n[i] = (f(x[i] + h) - f(x[i] - h)) / (2 * h)")),
    "f not asked": ("never-asked", loop("n[i] = np.cos(x[i])")),
    # x afterwards
    "not restored": ("not-restored", loop(
        "x[i] += h; up = f(x)\nx[i] -= 2 * h; down = f(x)\nn[i] = (up - down) / (2 * h)")),
    "restored but for rounding": ("not-restored", loop(
        "x[i] += h; up = f(x)\nx[i] -= 2 * h; down = f(x)\nx[i] += h\nn[i] = (up - down) / (2 * h)")),
    "a copy not restored": ("not-restored", loop(
        "v[i] += h; up = f(v)\nv[i] -= 2 * h; down = f(v)\nn[i] = (up - down) / (2 * h)",
        before="n, v = np.zeros(x.shape), x.copy()")),
    "one step vector that fills up": ("not-restored", loop(
        "e[i] = h\nn[i] = (f(x + e) - f(x - e)) / (2 * h)", before="n, e = np.zeros(x.shape), np.zeros(x.shape)")),
    "not restored by the checker": ("not-restored", """
def gradients_agree(f, x, gradient):
    n = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        x[i] += 1e-5; up = f(x)
        x[i] -= 2e-5; n[i] = (up - f(x)) / 2e-5
        x[i] += 1e-5
    return abs(gradient - n).max() <= 1e-6 * abs(n).max()
"""),
    "gradient changed in place": ("inplace", agree("abs(gradient).max() <= 1e-6 * abs(n).max()", "gradient -= n")),
    # the quotient
    "the 2 of 2 h forgotten": ("scale:2", central("(up - down) / h")),
    "the 2 of 2 h forgotten, in both": ("scale:2", """
def numerical_gradient(f, x):
    h = 1e-5
    return np.array([(f(x + h * e.reshape(x.shape)) - f(x - h * e.reshape(x.shape))) / h
                     for e in np.eye(x.size)]).reshape(x.shape)
"""),
    "4 h": ("scale:1/2", central("(up - down) / (4 * h)")),
    "the sign": ("scale:-1", central("(down - up) / (2 * h)")),
    "not divided": ("not-divided", central("up - down")),
    "the complex step, not divided": ("not-divided", loop("z = x.astype(complex); z[i] += 1j * h\nn[i] = f(z).imag")),
    "precedence": ("precedence", central("(up - down) / 2 * h")),
    "nothing returned": ("type", loop("pass", after="")),
    # the comparison
    "always True": ("always-true", "def gradients_agree(f, x, gradient): return True"),
    "always False": ("always-false", "def gradients_agree(f, x, gradient): return False"),
    "compared with itself": ("always-true", agree("abs(gradient - n).max() <= 1e-6 * abs(n).max()", "gradient = n")),
    "compared exactly": ("always-false", agree("np.array_equal(n, gradient)")),
    "turned round": ("inverted", agree("abs(gradient - n).max() > 1e-6 * abs(n).max()")),
    "absolute, 1e-6": ("absolute", agree("abs(gradient - n).max() < 1e-6")),
    "absolute, 1e-8": ("absolute", agree("np.all(np.abs(gradient - n) < 1e-8)")),
    "np.allclose": ("atol", agree("np.allclose(n, gradient)")),
    "relative above one": ("atol", agree("abs(gradient - n).max() / max(1, abs(n).max()) < 1e-6")),
    "a quotient entry by entry": ("elementwise", agree("np.max(abs((gradient - n) / n)) < 1e-6")),
    "tolerance 1e-3, by norms": ("too-tolerant", agree("np.linalg.norm(n - gradient) < 1e-3 * np.linalg.norm(n)")),
    "no absolute value": ("too-small-only", agree("(gradient - n).max() <= 1e-6 * abs(n).max()")),
    "no absolute value, the other way": ("too-large-only", agree("np.all(n - gradient <= 1e-6 * abs(n).max())")),
    "absolute values too early": ("signs", agree("abs(abs(gradient) - abs(n)).max() <= 1e-6 * abs(n).max()")),
    "norms compared": ("norms", agree("abs(np.linalg.norm(n) - np.linalg.norm(gradient)) <= 1e-6 * np.linalg.norm(n)")),
    "sums compared": ("sums", agree("abs(n.sum() - gradient.sum()) <= 1e-6 * abs(n.sum())")),
    "the average error": ("sums", agree("abs(np.mean(gradient - n)) <= 1e-6 * abs(n).max()")),
    "returned within the loop": ("first-entry", """
def gradients_agree(f, x, gradient):
    n = numerical_gradient(f, x)
    for i in np.ndindex(x.shape):
        if abs(n[i] - gradient[i]) > 1e-6 * abs(n).max():
            return False
        else:
            return True
"""),
    "overwritten within the loop": ("last-entry", """
def gradients_agree(f, x, gradient):
    n = numerical_gradient(f, x)
    for i in np.ndindex(x.shape):
        ok = abs(n[i] - gradient[i]) <= 1e-6 * abs(n).max()
    return ok
"""),
    "the angle": ("direction", agree(
        "(n * gradient).sum() / np.linalg.norm(n) / np.linalg.norm(gradient) > 1 - 1e-7")),
}

UNLISTED = {
    "the gradient of f squared": central("(up**2 - down**2) / (2 * h)"),
    "a mean": central("(up + down) / (2 * h)"),
    "the second derivative": stepped("(f(x + e) - 2 * f(x) + f(x - e)) / h**2", h="1e-3"),
    "rounded": stepped("round((f(x + e) - f(x - e)) / (2 * h), 7)"),
    "upside down, in float32": stepped("(f(x + e) - f(x - e)) / (2 * h)", after="return n[::-1].astype(np.float32)"),
    "upside down": stepped("(f(x + e) - f(x - e)) / (2 * h)", after="return n[::-1]"),
    "flattened": stepped("(f(x + e) - f(x - e)) / (2 * h)", after="return n.ravel()"),
    "float32 within": loop("v = x.astype(np.float32); w = v.copy(); v[i] += np.float32(h); w[i] -= np.float32(h)\n"
                           "n[i] = (f(v) - f(w)) / (2 * h)"),
    "unequal steps": loop("v, w = x.copy(), x.copy(); v[i] += h; w[i] -= 2 * h\nn[i] = (f(v) - f(w)) / (2 * h)"),
    "absolute values": central("abs(up - down) / (2 * h)"),
    "any for all": agree("np.any(abs(gradient - n) <= 1e-6 * abs(n).max())"),
    "the error itself": agree("abs(gradient - n).max() / abs(n).max()"),
    "entry by entry, returned": agree("abs(gradient - n) <= 1e-6 * abs(n).max()"),
}
