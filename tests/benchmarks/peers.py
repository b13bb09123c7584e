"""What every benchmark here stands on: peers in processes of their own, which take turns, with libraries as they come.

A benchmark says what its peers do (`make`), what is asked of them and what becomes of their answers (`measure`). A peer
that is not running is stopped with SIGSTOP, because idle threads of OpenBLAS go on spinning for 100 ms after a product
and would slow the next peer (Linux and macOS only). The order of the turns alternates, and the speed of a peer is the
median over the rounds of its ratio to another within a round, so that a noisy machine slows both. A peer that cannot be
imported is left out; one that would run slower than it can ends the benchmark.
"""

import argparse
import atexit
import itertools
import json
import os
import platform
import re
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

from threadpoolctl import threadpool_info

THREADS = 2
# Set from outside, each of these lets OpenBLAS, PyTorch, MKL or NumPy run slower code than it would choose by itself.
SLOWING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "ATEN_CPU_CAPABILITY", "MKL_ENABLE_INSTRUCTIONS",
           "NPY_DISABLE_CPU_FEATURES")
# Which kernels of OpenBLAS use which instructions, and what PyTorch calls its own.
INSTRUCTIONS = {
    "SSE": ("prescott", "core2", "penryn", "dunnington", "nehalem", "atom", "nano", "bobcat", "barcelona", "default"),
    "AVX": ("sandybridge", "bulldozer", "piledriver", "steamroller"),
    "AVX2": ("haswell", "zen", "excavator", "avx2"),
    "AVX-512": ("skylakex", "cooperlake", "sapphirerapids", "avx512"),
}
FLAGS = {"avx": "AVX", "avx2": "AVX2", "avx512vl": "AVX-512"}  # vl: without it OpenBLAS and PyTorch keep to AVX2


def environment() -> dict[str, str]:
    """This process's, with as many threads for everybody, and without what slows a library down."""
    kept = {name: value for name, value in os.environ.items() if name not in SLOWING}
    return kept | {f"{library}_NUM_THREADS": str(THREADS) for library in ("OPENBLAS", "OMP", "MKL")}


def processor() -> tuple[str, set[str]]:
    """The processor's name and its flags, as Linux knows them; elsewhere no flags."""
    path = Path("/proc/cpuinfo")
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    said = dict(re.findall(r"^(.*?)\s*: (.*)$", text.split("\n\n")[0], re.MULTILINE))
    name = said.get("model name", platform.processor() or platform.machine())
    if "cpu family" in said:
        name += f", family {said['cpu family']}, model {said['model']}"
    return f"{os.cpu_count()} cores of {name}", set(said.get("flags", "").split())


def handicap(kernels: list[str], flags: set[str], variables: list[str]) -> str | None:
    """Why a process with these kernels and these of the variables above would be slower than it need be, or None.

    A kernel is an old one if it uses fewer instructions than the processor's flags show: Haswell (AVX2) where there is
    AVX-512. OpenBLAS takes such a kernel if it was told to, or if it is older than the processor. A kernel that is not
    in the table (of an ARM processor, or of another library), or a processor whose flags nobody tells, is no reason.
    """
    if variables:
        return f"{' and '.join(variables)} set"
    order = list(INSTRUCTIONS)
    best = max((name for flag, name in FLAGS.items() if flag in flags), key=order.index, default=None)
    for kernel in kernels:
        uses = next((name for name, known in INSTRUCTIONS.items() if kernel.lower() in known), None)
        if best and uses and order.index(uses) < order.index(best):
            return f"kernel {kernel} uses {uses}, though this processor has {best}"
    return None


def about() -> dict:
    """What this process computes with: versions, kernel, and whether it is handicapped."""
    kernel, kernels = "chosen by XLA", []
    if torch := sys.modules.get("torch"):
        kernels = [torch.backends.cpu.get_cpu_capability()]
        kernel = f"{kernels[0]}, threads: {torch.get_num_threads()}"
    elif "jax" not in sys.modules:
        blas = [found for found in threadpool_info() if found["user_api"] == "blas"]
        kernels = [found.get("architecture", "") for found in blas if found["internal_api"] == "openblas"]
        kernel = "; ".join(f"{found['internal_api']} {found['version']} {found.get('architecture', '')}, "
                           f"threads: {found['num_threads']}" for found in blas) or "unknown to threadpoolctl"
    versions = {name: sys.modules[name].__version__ for name in ("tinyvae", "numpy", "torch", "jax")
                if name in sys.modules}
    return {"kernel": kernel, "versions": {"python": platform.python_version()} | versions,
            "handicap": handicap(kernels, processor()[1], [name for name in SLOWING if name in os.environ])}


class Peer:
    """A process of `script` that works when it is its turn, and is stopped when it is not."""

    seen: dict[str, dict] = {}  # noqa: RUF012  # what each ran on, by its name

    def __init__(self, script: str, name: str, *arguments: str):
        self.name, self.answers = name, []
        self.process = subprocess.Popen([sys.executable, script, "--work", name, *arguments], env=environment(),
                                        text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        atexit.register(self.process.kill)  # a stopped process would not see that this one has ended
        found = self.hear()
        if found.get("handicap"):
            sys.exit(f"{name} would run handicapped: {found['handicap']}; nothing was measured")
        self.left_out = found.get("left out")
        if self.left_out is None and name not in self.seen:
            self.seen[name] = {key: found[key] for key in ("kernel", "versions")}
            print(f"{name} on {processor()[0]}: {found['kernel']}", file=sys.stderr)
        self.process.send_signal(signal.SIGSTOP)

    def hear(self):
        return json.loads(self.process.stdout.readline() or sys.exit(f"{self.name} has failed; see above"))

    def ask(self, task):
        """One turn: the answer of the function that `make` gave, in the other process."""
        self.process.send_signal(signal.SIGCONT)
        print(json.dumps(task), file=self.process.stdin, flush=True)
        answer = self.hear()
        self.process.send_signal(signal.SIGSTOP)
        return answer

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


def take_turns(peers: list[Peer], tasks: list) -> None:
    """Every peer gets every task, and keeps its answers."""
    for r, task in enumerate(tasks):
        for peer in peers if r % 2 == 0 else peers[::-1]:
            peer.answers.append(peer.ask(task))


def ratio(over: list[float], under: list[float]) -> float:
    return round(statistics.median(a / b for a, b in zip(over, under, strict=True)), 2)


def spread(times: list[float]) -> list[int]:
    """Lower quartile, median, upper quartile."""
    return [round(t) for t in statistics.quantiles(times, n=4, method="inclusive")]


def timed(step, data, steps: int, warm: int):
    """The work of a peer whose answer is microseconds a step."""
    data = itertools.cycle(data)
    for _ in range(6 * warm):
        step(next(data))

    def turn(_):
        for _ in range(warm):  # wake caches and threads, untimed
            step(next(data))
        start = time.perf_counter()
        for _ in range(steps):
            step(next(data))
        return (time.perf_counter() - start) / steps * 1e6

    return turn


def compare(setting: str, peers: list[Peer], rounds: int, unit: str) -> list[dict]:
    """A row for each peer: its times, and its speed beside the one called torch, or the first."""
    present = [peer for peer in peers if peer.left_out is None]
    take_turns(present, [None] * rounds)
    base = next((peer for peer in present if peer.name == "torch"), present[0])
    for peer in peers:
        if peer.left_out is not None:
            print(f"{peer.name} is left out: {peer.left_out}", file=sys.stderr)
        peer.close()
    return [{"setting": setting, "peer": peer.name, unit: spread(peer.answers),
             f"speed, {base.name} = 1": ratio(base.answers, peer.answers)} for peer in present]


def table(rows: list[dict]) -> str:
    """Rows as Markdown: the keys are the headings, three numbers are quartiles."""
    def cell(heading: str, value) -> str:
        if isinstance(value, list):
            return "{1} ({0} to {2})".format(*value)
        if isinstance(value, float):
            return f"{value:.1f}" if heading.startswith("seconds") else f"{value:.2f}"
        return str(value)

    lines = [[*rows[0]], ["---"] * len(rows[0]), *([cell(*item) for item in row.items()] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def options(text: str, rounds: int) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=rounds)
    return parser


def main(make, measure, parser: argparse.ArgumentParser) -> None:
    """A benchmark as a command; with --work, one of its peers."""
    if sys.argv[1:2] != ["--work"]:
        print(table(measure(**vars(parser.parse_args()))), end="")
        return
    try:
        work = make(*sys.argv[2:])
    except ImportError as error:
        return print(json.dumps({"left out": str(error)}), flush=True)
    print(json.dumps(about()), flush=True)
    for line in sys.stdin:
        print(json.dumps(work(json.loads(line))), flush=True)
