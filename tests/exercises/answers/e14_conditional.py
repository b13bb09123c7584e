"""e14: answers, right and wrong, on the conditional VAE's inputs."""

RIGHT = {
    "the master": "",
    "loops": """
def one_hot(y, n_classes):
    labels = []
    for m in range(len(y)):
        row = [0] * n_classes
        row[y[m]] = 1
        labels.append(row)
    return labels

def encoder_input(x, y, n_classes):
    M, D = x.shape
    joined = np.zeros((M, D + n_classes))
    for m in range(M):
        joined[m, :D] = x[m]
        joined[m, D + y[m]] = 1
    return joined

def decoder_input(z, y, n_classes):
    if z.ndim == 3:
        return np.array([decoder_input(one_sample, y, n_classes) for one_sample in z])
    return encoder_input(z, y, n_classes)
""",
    "comparison, stacks and tiles": """
def one_hot(y, n_classes):
    return y[:, None] == np.arange(n_classes)

def encoder_input(x, y, n_classes):
    return np.hstack([x, one_hot(y, n_classes)])

def decoder_input(z, y, n_classes):
    label = one_hot(y, n_classes)
    if z.ndim == 3:
        label = np.tile(label, (len(z), 1, 1))
    return np.dstack([z, label]) if z.ndim == 3 else np.c_[z, label]
""",
    "scattered into flat memory, samples as rows": """
def one_hot(y, n_classes):
    labels = np.zeros(len(y) * n_classes)
    labels[np.arange(len(y)) * n_classes + y] = 1
    return labels.reshape(-1, n_classes)

def encoder_input(x, y, n_classes):
    return np.concatenate((x.T, one_hot(y, n_classes).T)).T

def decoder_input(z, y, n_classes):
    rows = z.reshape(-1, z.shape[-1])
    labels = one_hot(np.tile(y, len(rows) // len(y)), n_classes)
    return np.append(rows, labels, axis=1).reshape(*z.shape[:-1], -1)
""",
    "float32, and padding": """
def one_hot(y, n_classes):
    labels = np.zeros((len(y), n_classes), np.float32)
    labels[range(len(y)), y] = 1
    return labels

def encoder_input(x, y, n_classes):
    joined = np.pad(x.astype(np.float32), ((0, 0), (0, n_classes)))
    joined[np.arange(len(y)), x.shape[1] + y] += 1
    return joined

def decoder_input(z, y, n_classes):
    joined = np.empty((*z.shape[:-1], z.shape[-1] + n_classes), np.float32)
    joined[..., : z.shape[-1]] = z
    joined[..., z.shape[-1] :] = one_hot(y, n_classes)
    return joined
""",
    "a copy changed in place": """
def one_hot(y, n_classes):
    y = y.copy()
    y += n_classes * np.arange(len(y))
    labels = np.zeros((len(y), n_classes))
    labels.flat[y] = 1
    return labels
""",
}

# A wrong one_hot, which the other two call: the cause is told for each of the three.
LABELS = {
    "the value is forgotten": ("zero-label", "def one_hot(y, n_classes): return np.zeros((len(y), n_classes))"),
    "ones everywhere": ("ones", "def one_hot(y, n_classes): return np.ones((len(y), n_classes))"),
    "a colon for the rows": ("all-rows", """
def one_hot(y, n_classes):
    labels = np.zeros((len(y), n_classes))
    labels[:, y] = 1
    return labels
"""),
    "the rows forgotten": ("whole-rows", """
def one_hot(y, n_classes):
    labels = np.zeros((len(y), n_classes))
    labels[y] = 1
    return labels
"""),
    "classes from one, an index": ("shift:-1", "def one_hot(y, n_classes): return np.eye(n_classes)[y - 1]"),
    "classes from one, written": ("shift:-1", """
def one_hot(y, n_classes):
    labels = np.zeros((len(y), n_classes))
    labels[np.arange(len(y)), y - 1] = 1
    return labels
"""),
    "classes from one, compared": ("lost:-1", """
def one_hot(y, n_classes):
    return (y[:, None] == np.arange(1, n_classes + 1)).astype(float)
"""),
    "a diagonal too low": ("lost:-1", "def one_hot(y, n_classes): return np.eye(n_classes, k=-1)[y]"),
    "one too many, around": ("shift:+1", "def one_hot(y, n_classes): return np.eye(n_classes)[(y + 1) % n_classes]"),
    "one too many": ("lost:+1", "def one_hot(y, n_classes): return np.eye(n_classes, k=1)[y]"),
    "one too many, compared": ("lost:+1", """
def one_hot(y, n_classes):
    return np.array([[float(label == c - 1) for c in range(n_classes)] for label in y])
"""),
    "as many columns as the largest label asks for": ("columns:largest",
                                                      "def one_hot(y, n_classes): return np.eye(y.max() + 1)[y]"),
    "the same with a scatter": ("columns:largest", """
def one_hot(y, n_classes):
    labels = np.zeros((y.size, max(y) + 1))
    labels[np.arange(y.size), y] = 1.0
    return labels
"""),
    "the classes of the batch": ("columns:distinct",
                                 "def one_hot(y, n_classes): return (y[:, None] == np.unique(y)) * 1.0"),
    "the classes of the batch, counted": ("columns:distinct", """
def one_hot(y, n_classes):
    classes, at = np.unique(y, return_inverse=True)
    return np.eye(len(classes))[at]
"""),
    "ten classes": ("columns:10", "def one_hot(y, n_classes): return np.eye(10)[y]"),
    "a column of y": ("number:y", "def one_hot(y, n_classes): return y[:, None]"),
    "a column of y, reshaped": ("number:y", "def one_hot(y, n_classes): return y.reshape(-1, 1).astype(float)"),
    "y over C": ("number:y / C", "def one_hot(y, n_classes): return (y / n_classes)[:, None]"),
    "y over C - 1": ("number:y / (C - 1)", "def one_hot(y, n_classes): return y[:, np.newaxis] / (n_classes - 1)"),
    "transposed": ("transpose", "def one_hot(y, n_classes): return np.eye(n_classes)[y].T"),
    "transposed, compared": ("transpose",
                             "def one_hot(y, n_classes): return 1.0 * (np.arange(n_classes)[:, None] == y)"),
    "y changed": ("inplace", """
def one_hot(y, n_classes):
    y += n_classes * np.arange(len(y))
    labels = np.zeros((len(y), n_classes))
    labels.flat[y] = 1
    return labels
"""),
}

CALLERS = """
def decoder_input(z, y, n_classes):
    label = one_hot(y, n_classes)
    if z.ndim == 3:
        label = np.stack([label] * len(z))
    return np.concatenate([z, label], axis=-1)
"""

MISTAKES = {name: (key, source + CALLERS) for name, (key, source) in LABELS.items()} | {
    "the encoder is not told": ("no-label", "def encoder_input(x, y, n_classes): return x"),
    "the encoder is not told, in a copy": ("no-label", "def encoder_input(x, y, n_classes): return np.hstack([x])"),
    "the decoder is not told": ("no-label", "def decoder_input(z, y, n_classes): return z"),
    "room for the encoder's label": ("zero-label", """
def encoder_input(x, y, n_classes):
    joined = np.zeros((len(x), x.shape[1] + n_classes))
    joined[:, : x.shape[1]] = x
    return joined
"""),
    "room for the decoder's label": ("zero-label", """
def decoder_input(z, y, n_classes):
    return np.concatenate([z, np.zeros((*z.shape[:-1], n_classes))], axis=-1)
"""),
    "y behind x": ("number:y", "def encoder_input(x, y, n_classes): return np.column_stack([x, y])"),
    "y behind z": ("number:y", """
def decoder_input(z, y, n_classes):
    return np.concatenate([z, np.broadcast_to(y[:, None], (*z.shape[:-1], 1))], axis=-1)
"""),
    "y in every label column": ("numbers:y", """
def encoder_input(x, y, n_classes):
    joined = np.zeros((len(x), x.shape[1] + n_classes))
    joined[:, : x.shape[1]] = x
    joined[:, x.shape[1] :] = y[:, None]
    return joined
"""),
    "y over C behind x": ("number:y / C", "def encoder_input(x, y, n_classes): return np.c_[x, y / n_classes]"),
    "label before x": ("label-first",
                       "def encoder_input(x, y, n_classes): return np.hstack([one_hot(y, n_classes), x])"),
    "label before z": ("label-first", """
def decoder_input(z, y, n_classes):
    label = np.zeros((*z.shape[:-1], n_classes)) + one_hot(y, n_classes)
    return np.concatenate([label, z], axis=-1)
"""),
    "one row for all": ("all-rows", """
def encoder_input(x, y, n_classes):
    joined = np.zeros((len(x), x.shape[1] + n_classes))
    joined[:, : x.shape[1]] = x
    joined[:, x.shape[1] + y] = 1
    return joined
"""),
    "no axis": ("axis-0", "def encoder_input(x, y, n_classes): return np.concatenate([x, one_hot(y, n_classes)])"),
    "a stack of rows": ("axis-0", "def encoder_input(x, y, n_classes): return np.vstack((x, one_hot(y, n_classes)))"),
    "no axis for z": ("axis-0",
                      "def decoder_input(z, y, n_classes): return np.concatenate([z, one_hot(y, n_classes)])"),
    "no axis for the samples": ("axis-0", """
def decoder_input(z, y, n_classes):
    return np.concatenate([z, np.broadcast_to(one_hot(y, n_classes), (*z.shape[:-1], n_classes))])
"""),
    "the second axis of three": ("axis-1", """
def decoder_input(z, y, n_classes):
    return np.hstack([z, np.broadcast_to(one_hot(y, n_classes), (*z.shape[:-1], n_classes))])
"""),
    "repeated where tiled": ("wrong-example", """
def decoder_input(z, y, n_classes):
    rows = z.reshape(-1, z.shape[-1])
    label = np.repeat(one_hot(y, n_classes), len(rows) // len(y), axis=0)
    return np.hstack([rows, label]).reshape(*z.shape[:-1], -1)
"""),
    "the label of sample k": ("wrong-example", """
def decoder_input(z, y, n_classes):
    label = one_hot(y, n_classes)
    if z.ndim == 3:
        label = np.broadcast_to(label[:, None], (*z.shape[:-1], n_classes))
    return np.concatenate([z, label], axis=-1)
"""),
    "samples left in the rows": ("folded", """
def decoder_input(z, y, n_classes):
    rows = z.reshape(-1, z.shape[-1])
    return np.hstack([rows, np.tile(one_hot(y, n_classes), (len(rows) // len(y), 1))])
"""),
    "one half": ("scale:1/2", "def one_hot(y, n_classes): return 0.5 * np.eye(n_classes)[y]\n"
                 "def encoder_input(x, y, n_classes): return np.hstack([x, np.eye(n_classes)[y]])\n"
                 "def decoder_input(z, y, n_classes): return encoder_input(z, y, n_classes) if z.ndim == 2 else "
                 "np.array([encoder_input(s, y, n_classes) for s in z])"),
    "x changed": ("inplace", """
def encoder_input(x, y, n_classes):
    joined = np.hstack([x, one_hot(y, n_classes)])
    x -= x.mean()
    return joined
"""),
}

UNLISTED = {
    "the first columns of ten": "def one_hot(y, n_classes): return np.eye(10)[y][:, :n_classes]",
    "the number of the row": "def one_hot(y, n_classes): return np.eye(len(y), n_classes)",
    "y in the place of one": """
def one_hot(y, n_classes):
    labels = np.zeros((len(y), n_classes))
    labels[np.arange(len(y)), y] = y
    return labels
""",
    "plus and minus one": "def one_hot(y, n_classes): return 2 * np.eye(n_classes)[y] - 1",
    "smoothed": "def one_hot(y, n_classes): return 0.9 * np.eye(n_classes)[y] + 0.1 / n_classes",
    "one column too many": "def one_hot(y, n_classes): return np.eye(n_classes + 1)[y]",
    "sorted": "def one_hot(y, n_classes): return np.eye(n_classes)[np.sort(y)]",
    "an index too far": """
def one_hot(y, n_classes):
    labels = np.zeros((len(y), n_classes))
    labels[np.arange(len(y)), y + 1] = 1
    return labels
""",
    "up to the label": "def one_hot(y, n_classes): return np.tri(n_classes)[y]",
    "flat": "def encoder_input(x, y, n_classes): return np.append(x, one_hot(y, n_classes))",
    "x cut to whole numbers": """
def encoder_input(x, y, n_classes):
    joined = np.zeros((len(x), x.shape[1] + n_classes), y.dtype)
    joined[:, : x.shape[1]] = x
    joined[:, x.shape[1] :] = one_hot(y, n_classes)
    return joined
""",
    "only two axes": "def decoder_input(z, y, n_classes): return np.hstack([z, one_hot(y, n_classes)])",
    "only the first sample is told": """
def decoder_input(z, y, n_classes):
    joined = np.concatenate([z, np.zeros((*z.shape[:-1], n_classes))], axis=-1)
    joined[(0,) * (z.ndim - 2)][:, z.shape[-1] :] = one_hot(y, n_classes)
    return joined
""",
}
