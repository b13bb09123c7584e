"""Data to train on: bundled digits, MNIST and Fashion-MNIST, one's own files, and toys with known answers."""

from tinyvae.datasets.binarization import binarize, freeze
from tinyvae.datasets.download import fetch
from tinyvae.datasets.idx import read_idx, write_idx
from tinyvae.datasets.load import Dataset, Split, load
from tinyvae.datasets.toy import LinearGaussian, linear_gaussian, ring
from tinyvae.rows import BINARIZATIONS

__all__ = ["BINARIZATIONS", "Dataset", "LinearGaussian", "Split", "binarize", "fetch", "freeze", "linear_gaussian",
           "load", "read_idx", "ring", "write_idx"]
