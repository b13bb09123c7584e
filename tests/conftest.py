"""What several tests need: a folder to work in, commands to run, data and a finished run to look at."""

import os

# Tests run in several processes at a time: one thread of BLAS for each, and for those that they start. NumPy reads it
# when it is loaded, so this stands above what loads NumPy.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import signal
import subprocess
import sys

import numpy as np
import pytest

# A shell lets its background jobs ignore Ctrl-C, and tinyvae leaves it at that; the tests of Ctrl-C do not.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(capsys):
    """run(*argv): the command `tinyvae ARGV` in this process; its status, its output and its errors."""
    from tinyvae.cli import main

    def call(*argv):
        try:
            status = main([str(word) for word in argv])
        except SystemExit as stop:  # of argparse
            status = stop.code
        return status, *capsys.readouterr()

    return call


@pytest.fixture(scope="session")
def python():
    """python(code): what it prints, run by an interpreter of its own."""
    def call(code, **options):
        return subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True,
                              **options).stdout

    return call


@pytest.fixture(scope="session")
def rows(tmp_path_factory):
    """A file of 200 rows of 12 grey values with labels 0 to 9: a run on it takes no second, for they are no images."""
    return _grey(tmp_path_factory.mktemp("data") / "rows.npz", (12,))


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    """The same as images of 4 × 3 pixels."""
    return _grey(tmp_path_factory.mktemp("data") / "images.npz", (4, 3))


def _grey(path, shape):
    y = np.arange(200) % 10
    x = np.random.default_rng(0).random((200, *shape)) * 0.5 + 0.5 * (y % 2).reshape(-1, *(1 for _ in shape))
    np.savez(path, x=x, y=y)
    return path


@pytest.fixture(scope="session")
def digits(tmp_path_factory):
    """The folder of a finished run on the bundled digits, for all tests: look at it, and change nothing."""
    from tinyvae.cli import main

    folder = tmp_path_factory.mktemp("runs") / "digits"
    assert main(["train", "--hidden", "16", "--latent-dim", "2", "--epochs", "2", "--quiet", "--out", str(folder)]) == 0
    return folder
