"""What `import tinyvae` costs beside `import numpy`: medians of whole processes that take turns.

    python tests/benchmarks/imports.py [--rounds 30]
"""

import statistics
import subprocess
import sys
import time

import numpy as np  # noqa: F401  # so that a peer knows what NumPy computes with in the processes that it starts
from peers import Peer, main, options, spread, take_turns

STATEMENTS = {"python alone": "pass", "import numpy": "import numpy", "import tinyvae": "import tinyvae"}


def make(name):
    def milliseconds(_):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", STATEMENTS[name]], check=True)
        return (time.perf_counter() - start) * 1e3

    return milliseconds


def measure(rounds) -> list[dict]:
    peers = [Peer(__file__, name) for name in STATEMENTS]
    take_turns(peers, [None] * rounds)
    bare, numpy, _ = medians = [statistics.median(peer.answers) for peer in peers]
    return [{"process": peer.name, "milliseconds: median (quartiles)": spread(peer.answers),
             "import alone, numpy = 1": round((median - bare) / (numpy - bare), 2)}
            for peer, median in zip(peers, medians, strict=True)]


if __name__ == "__main__":
    main(make, measure, options(__doc__, rounds=30))
