"""On the full MNIST: set TINYVAE_DATA to the folder with its four IDX files."""

import os
import subprocess
import sys
import textwrap

import pytest

import tinyvae as tv

pytestmark = [
    pytest.mark.mnist,
    pytest.mark.skipif("TINYVAE_DATA" not in os.environ, reason="TINYVAE_DATA names no folder with MNIST's files"),
]

# The example `vae` of pytorch/examples (784-400-20, ReLU, batch 128, Adam 1e-3, 10 epochs, grey pixels) reaches a
# test loss of about 104 to 106 nats an image, as its own output in public runs shows.
PYTORCH_EXAMPLE = -106.0


def test_ten_epochs_reach_the_test_bound_of_the_pytorch_example():
    data = tv.datasets.load("mnist")
    vae = tv.VAE(784, 20, rng=0)
    history = tv.fit(vae, data.train.x, epochs=10, batch_size=128, rng=0, binarization="none",
                     validation=data.test.x, progress=False)
    assert len(data.train.x) == 60_000
    assert history[-1]["validation_elbo"] > PYTORCH_EXAMPLE


def test_training_on_full_mnist_stays_under_350_megabytes():
    code = textwrap.dedent("""
        import resource
        import tinyvae as tv
        data = tv.datasets.load("mnist")
        vae = tv.VAE(784, 20, rng=0)
        tv.fit(vae, data.train.x, epochs=1, rng=0, validation=data.test.x, progress=False)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    """)
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    kilobytes = int(out) // (1024 if sys.platform == "darwin" else 1)
    assert kilobytes < 350 * 1024
