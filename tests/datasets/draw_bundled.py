"""Draw the bundled digits from MNIST: python tests/datasets/draw_bundled.py --data-dir FOLDER

1,000 digits of each class from the training file and 100 from the test file, without replacement,
in random order.
"""

import argparse
from pathlib import Path

import numpy as np

from tinyvae.datasets.download import FILES, find
from tinyvae.datasets.idx import read_idx, write_idx
from tinyvae.datasets.load import BUNDLED

SEED = 20131220  # the day "Auto-Encoding Variational Bayes" appeared
PER_CLASS = {"train": 1000, "t10k": 100}


def draw(source: Path, target: Path) -> None:
    """Write the four files of the subset of the MNIST in folder `source` into folder `target`."""
    rng = np.random.default_rng(SEED)
    for part, n in PER_CLASS.items():
        names = [file for file in FILES if file.startswith(part)]
        images, labels = (read_idx(find(source, file) or source / file) for file in names)
        drawn = [rng.choice(np.flatnonzero(labels == digit), n, replace=False) for digit in range(10)]
        order = rng.permutation(np.concatenate(drawn))
        for file, array in zip(names, (images, labels), strict=True):
            write_idx(target / f"{file}.gz", array[order])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data-dir", type=Path, required=True, help="the folder of MNIST's four IDX files")
    draw(parser.parse_args().data_dir, BUNDLED)
