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

# What the `vae` of pytorch/examples reaches after its 10 epochs: the mean test loss of seeds 0, 1 and 2
# (105.69, 105.53, 105.79), measured with PyTorch 2.13 by tests/benchmarks/pytorch_example.py.
PYTORCH_EXAMPLE = -105.67


def test_ten_epochs_reach_the_test_bound_of_the_pytorch_example():
    # The same model, data, batches and epochs; a learning rate that falls as a cosine.
    data = tv.datasets.load("mnist")
    assert len(data.train.x) == 60_000
    vae = tv.VAE(784, 20, rng=0)
    adam = tv.Adam(vae, tv.Cosine(2e-3, steps=10 * 469))
    history = tv.fit(vae, data.train.x, None, adam, epochs=10, batch_size=128, rng=0, binarization="none",
                     validation=data.test.x, progress=False)
    assert adam.t == 10 * 469
    assert history[-1]["validation_elbo"] >= PYTORCH_EXAMPLE


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
def test_training_on_full_mnist_stays_under_350_megabytes():
    # Not getrusage: on Linux its peak begins with that of the process which started this one.
    code = textwrap.dedent("""
        import re
        import tinyvae as tv
        data = tv.datasets.load("mnist")
        vae = tv.VAE(784, 20, rng=0)
        tv.fit(vae, data.train.x, epochs=1, rng=0, validation=data.test.x, progress=False)
        print(re.search(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read())[1])
    """)
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert int(out) < 350 * 1024  # kB
