"""e05: answers, right and wrong, on the activations' derivatives."""


def relu(dx, before=""):
    return f"def relu_backward(dy, y):\n    {before}\n    return {dx}\n"


def tanh(dx, before=""):
    return f"def tanh_backward(dy, y):\n    {before}\n    return {dx}\n"


def sigmoid(dx, before=""):
    return f"def sigmoid_backward(dy, y):\n    {before}\n    return {dx}\n"


RIGHT = {
    "the master": "",
    "loops": """
import math

def relu_backward(dy, y):
    dx = np.zeros(y.shape)
    for m in range(y.shape[0]):
        for h in range(y.shape[1]):
            if y[m, h] > 0:
                dx[m, h] = dy[m, h]
    return dx

def tanh_backward(dy, y):
    return [[d / math.cosh(math.atanh(v)) ** 2 for d, v in zip(*rows)] for rows in zip(dy, y)]

def sigmoid_backward(dy, y):
    dx = []
    for row_dy, row_y in zip(dy, y):
        x = [math.log(v / (1 - v)) for v in row_y]
        dx.append([d * math.exp(-a) / (1 + math.exp(-a)) ** 2 for d, a in zip(row_dy, x)])
    return np.array(dx)
""",
    "another algebra": relu("np.where(y == 0, 0, dy)") + tanh("dy * (1 + y) * (1 - y)") + sigmoid("(y - y**2) * dy"),
    "a sign, and quarters": relu("np.sign(y) * dy") + tanh("dy - dy * y**2") + sigmoid("dy * (0.25 - (y - 0.5)**2)"),
    "einsum": """
def relu_backward(dy, y):
    return np.einsum("mh,mh->mh", dy, np.heaviside(y, 0))

def tanh_backward(dy, y):
    return dy - np.einsum("mh,mh,mh->mh", dy, y, y)

def sigmoid_backward(dy, y):
    return np.einsum("mh,mh,mh->mh", dy, y, 1 - y)
""",
    "float32": """
def relu_backward(dy, y):
    return dy.astype(np.float32) * (y > 0)

def tanh_backward(dy, y):
    return dy.astype(np.float32) * (1 - np.square(y.astype(np.float32)))

def sigmoid_backward(dy, y):
    y = y.astype(np.float32)
    return (dy * y * (1 - y)).astype(np.float32)
""",
    "a copy changed in place": """
def relu_backward(dy, y):
    dx = dy.copy()
    dx[y <= 0] = 0
    return dx

def tanh_backward(dy, y):
    dx = y ** 2
    dx *= -1
    dx += 1
    dx *= dy
    return dx
""",
    "a mask by indices": """
def relu_backward(dy, y):
    dx = np.zeros_like(dy)
    on = np.nonzero(y)
    dx[on] = dy[on]
    return dx
""",
}

MISTAKES = {
    "ReLU by >=": ("all-pass", relu("dy * (y >= 0)")),
    "ReLU, dy as it came": ("all-pass", relu("dy")),
    "ReLU inverted": ("inverted", relu("dy * (y <= 0)")),
    "ReLU inverted, by where": ("inverted", relu("np.where(y > 0, 0, dy)")),
    "ReLU without dy": ("no-dy", relu("y > 0")),
    "ReLU without dy, by where": ("no-dy", relu("np.where(y > 0, 1.0, 0.0)")),
    "ReLU's output for its derivative": ("no-mask", relu("dy * y")),
    "ReLU's output for its derivative, by forward": ("no-mask", relu("dy * np.maximum(y, 0)")),
    "ReLU of dy": ("relu-of-dy", relu("np.maximum(dy, 0)")),
    "ReLU of dy, by a mask": ("relu-of-dy", relu("dy * (dy > 0)")),
    "ReLU, y returned": ("echo:y", relu("np.maximum(y, 0)")),
    "ReLU, sign": ("scale:-1", relu("-dy * (y > 0)")),
    "ReLU, dy set to zero": ("inplace", relu("dy", "dy[y <= 0] = 0")),
    "ReLU, dy multiplied": ("inplace", relu("dy", "dy *= y > 0")),
    "ReLU, out=dy": ("inplace", relu("np.multiply(dy, y > 0, out=dy)")),
    "ReLU, y changed": ("inplace", relu("dy * y", "y[y > 0] = 1")),
    "tanh applied twice": ("output-for-input", tanh("dy * (1 - np.tanh(y)**2)")),
    "tanh by cosh of y": ("output-for-input", tanh("dy / np.cosh(y)**2")),
    "tanh without dy": ("no-dy", tanh("1 - y**2")),
    "tanh without the square": ("no-square", tanh("dy * (1 - y)")),
    "tanh with a plus": ("plus", tanh("dy * (1 + y**2)")),
    "tanh, only the square": ("factor", tanh("dy * y**2")),
    "tanh by the sigmoid's formula": ("other-formula", tanh("dy * y * (1 - y)")),
    "tanh's output for its derivative": ("output-for-derivative", tanh("dy * y")),
    "tanh, sign": ("scale:-1", tanh("dy * (y**2 - 1)")),
    "tanh, y changed": ("inplace", tanh("dy * (1 - y)", "y *= y")),
    "tanh, dy changed": ("inplace", tanh("dy", "dy *= 1 - y**2")),
    "tanh, a product of matrices": ("matmul", tanh("dy @ (1 - y**2)")),
    "sigmoid applied twice": ("output-for-input", sigmoid("dy * s * (1 - s)", "s = 1 / (1 + np.exp(-y))")),
    "sigmoid by exponentials of y": ("output-for-input", sigmoid("dy * np.exp(-y) / (1 + np.exp(-y))**2")),
    "sigmoid by exponentials of y, the other way": ("output-for-input", sigmoid("dy * np.exp(y) / (1 + np.exp(y))**2")),
    "sigmoid without dy": ("no-dy", sigmoid("y * (1 - y)")),
    "sigmoid with a plus": ("plus", sigmoid("dy * y * (1 + y)")),
    "sigmoid, one factor": ("factor", sigmoid("dy * (1 - y)")),
    "sigmoid, the other factor": ("output-for-derivative", sigmoid("dy * y")),
    "sigmoid by tanh's formula": ("other-formula", sigmoid("dy * (1 - y**2)")),
    "sigmoid, sign": ("scale:-1", sigmoid("dy * y * (y - 1)")),
    "sigmoid, y changed": ("inplace", sigmoid("dy * y", "y *= 1 - y")),
    "sigmoid, dy changed": ("inplace", sigmoid("dy", "dy *= y; dy *= 1 - y")),
    "sigmoid, a product of matrices": ("matmul", sigmoid("dy @ (y * (1 - y))")),
    "averaged over the batch": ("scale:1/M", tanh("dy * (1 - y**2) / len(y)")),
    "nothing returned": ("type", tanh("None", "dx = dy * (1 - y**2)")),
    "tanh, no brackets": ("brackets", tanh("dy * 1 - y**2")),
    "sigmoid, no brackets": ("brackets", sigmoid("dy * y * 1 - y")),
    "tanh, the difference squared": ("other-square", tanh("dy * (1 - y)**2")),
}

UNLISTED = {
    "ReLU, one half at zero": relu("dy * np.heaviside(y, 0.5)"),
    "ReLU, leaky": relu("dy * np.where(y > 0, 1, 0.01)"),
    "ReLU, both signs": relu("dy * (y > 0) * (dy > 0)"),
    "ReLU, above a threshold": relu("dy * (y > 1e-3)"),
    "ReLU, above one": relu("dy * (y > 1)"),
    "tanh, an absolute value": tanh("dy * (1 - abs(y))"),
    "tanh again": tanh("dy * np.tanh(y)"),
    "tanh of tanh, without dy": tanh("1 - np.tanh(y)**2"),
    "the second derivative of tanh": tanh("-2 * dy * y * (1 - y**2)"),
    "1 / cosh without the square": tanh("dy / np.cosh(y)"),
    "tanh, the output clipped": tanh("dy * (1 - np.clip(y, -1 + 1e-7, 1 - 1e-7)**2)"),
    "sigmoid, the output clipped":
        sigmoid("dy * np.clip(y, 1e-7, 1 - 1e-7) * (1 - np.clip(y, 1e-7, 1 - 1e-7))"),
    "sigmoid again": sigmoid("dy / (1 + np.exp(-y))"),
    "sigmoid, half applied again": sigmoid("dy * y * (1 - 1 / (1 + np.exp(-y)))"),
    "the second derivative of the sigmoid": sigmoid("dy * y * (1 - y) * (1 - 2 * y)"),
    "dy squared": sigmoid("dy**2 * y * (1 - y)"),
    "dy in the place of y": tanh("dy * (1 - dy**2)"),
    "dy added": sigmoid("dy + y * (1 - y)"),
}
