"""e01: answers, right and wrong, on the ring."""

RIGHT = {
    "the master": "",
    "loops": """
def ring(z):
    x = []
    for a, b in z:
        r = (a ** 2 + b ** 2) ** 0.5
        x.append([a / 10 + a / r, b / 10 + b / r])
    return x
""",
    "norm and a new axis": """
def ring(z):
    return 0.1 * z + z / np.linalg.norm(z, axis=1)[:, None]
""",
    "one factor": """
def ring(z):
    return z * (0.1 + 1 / np.sqrt(np.einsum("md,md->m", z, z)).reshape(-1, 1))
""",
    "by columns": """
def ring(z):
    a, b = z.T
    r = np.hypot(a, b)
    return np.array([a / 10 + a / r, b / 10 + b / r]).T
""",
    "polar coordinates": """
def ring(z):
    r, t = np.hypot(z[:, 0], z[:, 1]), np.arctan2(z[:, 1], z[:, 0])
    return np.stack([(r / 10 + 1) * np.cos(t), (r / 10 + 1) * np.sin(t)], axis=1)
""",
    "complex numbers": """
def ring(z):
    w = z[:, 0] + 1j * z[:, 1]
    x = w / 10 + w / np.abs(w)
    return np.column_stack([x.real, x.imag])
""",
    "transposed and back": """
def ring(z):
    return (z.T / 10 + z.T / np.linalg.norm(z, axis=1)).T
""",
    "float32": """
def ring(z):
    z = z.astype(np.float32)
    return z / np.float32(10) + z / np.linalg.norm(z, axis=1, keepdims=True)
""",
    "float32, entry by entry": """
def ring(z):
    return [[np.float32(v) / np.float32(10) + np.float32(v) / np.float32(np.hypot(*row)) for v in row] for row in z]
""",
    "a copy changed in place": """
def ring(z):
    x = z.copy()
    x /= np.linalg.norm(z, axis=1, keepdims=True)
    x += z / 10
    return x
""",
}

MISTAKES = {
    "z/10 missing": ("missing:z/10", "def ring(z): return z / np.linalg.norm(z, axis=1, keepdims=True)"),
    "z/||z|| missing": ("missing:z/||z||", "def ring(z): return z / 10"),
    "subtracted": ("sign:z/10", "def ring(z): return z / np.linalg.norm(z, axis=1, keepdims=True) - z / 10"),
    "z not divided by ten": ("not-a-tenth", "def ring(z): return z + z / np.linalg.norm(z, axis=1, keepdims=True)"),
    "norm along axis 0": ("wrong-axis", "def ring(z): return z / 10 + z / np.linalg.norm(z, axis=0)"),
    "norm along axis 0, keepdims": ("wrong-axis",
                                    "def ring(z): return z / 10 + z / np.sqrt((z ** 2).sum(axis=0, keepdims=True))"),
    "norm of the whole array": ("one-length", "def ring(z): return z / 10 + z / np.linalg.norm(z)"),
    "norm of the whole array, by hand": ("one-length", "def ring(z): return z / 10 + z / np.sqrt(np.sum(z ** 2))"),
    "ord for axis": ("ord", "def ring(z): return z / 10 + z / np.linalg.norm(z, 1)"),
    "ord for axis, keepdims": ("ord", "def ring(z): return z / 10 + z / np.linalg.norm(z, 1, keepdims=True)"),
    "no keepdims": ("keepdims", "def ring(z): return z / 10 + z / np.linalg.norm(z, axis=1)"),
    "no keepdims, by hand": ("keepdims", "def ring(z): r = np.sqrt((z ** 2).sum(1)); return z * (1 / r) + z / 10"),
    "square for the norm": ("squared", "def ring(z): return z / 10 + z / (z ** 2).sum(axis=1, keepdims=True)"),
    "square for the norm, norm squared": (
        "squared", "def ring(z): return z / 10 + z / np.linalg.norm(z, axis=1)[:, None] ** 2"),
    "transposed": ("transpose", "def ring(z): return (z / 10 + z / np.linalg.norm(z, axis=1, keepdims=True)).T"),
    "the argument as it came": ("echo:z", "def ring(z): return z"),
    "z changed in place": ("inplace", """
def ring(z):
    direction = z / np.linalg.norm(z, axis=1, keepdims=True)
    z /= 10
    z += direction
    return z
"""),
    "its own noise": ("random", """
def ring(z):
    z = np.random.default_rng().standard_normal(z.shape)
    return z / 10 + z / np.linalg.norm(z, axis=1, keepdims=True)
"""),
    "the first two points for coordinates": ("first-rows", "def ring(z): return z/10 + z/np.sqrt(z[0]**2 + z[1]**2)"),
    "the sum of absolute values": ("one-norm", "def ring(z): return z / 10 + z / np.abs(z).sum(axis=1, keepdims=True)"),
    "z for its direction": ("not-a-direction",
                            "def ring(z): return z * (np.linalg.norm(z, axis=1, keepdims=True) / 10 + 1)"),
    "one fraction": ("one-fraction", "def ring(z): return z / (10 + z / np.linalg.norm(z, axis=1, keepdims=True))"),
}

UNLISTED = {
    "the mean of the squares": "def ring(z): return z / 10 + z / np.sqrt((z ** 2).mean(axis=1, keepdims=True))",
    "both divided by ten": "def ring(z): return (z + z / np.linalg.norm(z, axis=1, keepdims=True)) / 10",
    "multiplied where added": "def ring(z): return z / 10 * (z / np.linalg.norm(z, axis=1, keepdims=True))",
    "lengths only": "def ring(z): return np.linalg.norm(z, axis=1) / 10 + 1",
    "square and no keepdims": "def ring(z): return z / 10 + z / (z ** 2).sum(axis=1)",
    "1 added, not the direction": "def ring(z): return z / 10 + 1",
    "the largest entry for the norm": "def ring(z): return z / 10 + z / np.abs(z).max(axis=1, keepdims=True)",
    "the spectral norm": "def ring(z): return z / 10 + z / np.linalg.norm(z, 2)",
    "the first point's length": "def ring(z): return z / 10 + z / np.linalg.norm(z[0])",
    "nothing": "def ring(z): return np.zeros(z.shape)",
    "a tenth of the length": "def ring(z): return z / 10 + z / (np.linalg.norm(z, axis=1, keepdims=True) / 10)",
}
