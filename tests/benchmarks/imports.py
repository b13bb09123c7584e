"""What `import tinyvae` costs beside `import numpy`: medians of whole processes that take turns.

    python tests/benchmarks/imports.py [--rounds 30]
"""

import argparse
import statistics
import subprocess
import sys
import time


def seconds(statement: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    statements = ("pass", "import numpy", "import tinyvae")
    rounds = [[seconds(statement) for statement in statements] for _ in range(parser.parse_args().rounds)]
    bare, numpy, tinyvae = map(statistics.median, zip(*rounds, strict=True))
    print(f"python alone {1e3 * bare:.0f} ms, with numpy {1e3 * numpy:.0f} ms, with tinyvae {1e3 * tinyvae:.0f} ms")
    print(f"import tinyvae takes {(tinyvae - bare) / (numpy - bare):.2f} times what import numpy takes")


if __name__ == "__main__":
    main()
