"""docs/benchmarks.md says what its files say, and no benchmark measures a peer that is slowed from outside."""

import json
import os
import re
import signal
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import tinyvae as tv

ROOT = Path(__file__).parent.parent
BENCHMARKS = ROOT / "tests" / "benchmarks"
FILES = sorted((ROOT / "docs" / "benchmarks").glob("*.json"))
ZEN3, ZEN4 = {"sse", "avx", "avx2", "fma"}, {"sse", "avx", "avx2", "fma", "avx512f", "avx512vl"}
PEER = f"""
import sys
sys.path.insert(0, {str(BENCHMARKS)!r})
import numpy
from peers import main, options
main(lambda name: lambda task: name * task, None, options("", 1))
"""

stoppable = pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="peers are stopped by a signal")


@pytest.fixture
def peers(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return import_module("peers")


def test_the_page_is_what_the_files_say(peers):
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert page == import_module("all").written(page)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_page_has_every_time_of_a_file(path):
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    found = json.loads(path.read_text(encoding="utf-8"))
    assert {"name", "date", "processor", "kernels", "versions", "rounds", "tables"} == set(found)
    part = re.split(r"^### ", page.split("## Machines")[1], flags=re.MULTILINE)
    mine, = (text for text in part if text.startswith(found["name"]))
    assert found["date"] in mine
    for rows in found["tables"].values():
        for row in rows:
            low, median, high = next((value for value in row.values() if isinstance(value, list)), (None,) * 3)
            line = re.escape(row["peer" if "peer" in row else "process"])
            times = rf"{median} \({low} to {high}\)" if median else re.escape(f"{row['seconds: median']}")
            assert re.search(rf"^\|.* {line} \|.* {times} \|", mine, re.MULTILINE), row


def test_rows_as_markdown(peers):
    assert peers.table([{"peer": "torch", "µs": [1, 2, 5], "speed": 1.0}, {"peer": "jax", "µs": [1, 1, 1], "speed": ""}
                        ]) == "| peer | µs | speed |\n| --- | --- | --- |\n| torch | 2 (1 to 5) | 1.00 |\n" \
                              "| jax | 1 (1 to 1) |  |\n"


@pytest.mark.parametrize(("kernels", "flags", "variables", "reason"), [
    (["SkylakeX"], ZEN4, [], None),
    (["Haswell"], ZEN4, [], "kernel Haswell uses AVX2, though this processor has AVX-512"),
    (["SkylakeX", "Prescott"], ZEN4, [], "kernel Prescott uses SSE, though this processor has AVX-512"),
    (["Nehalem"], ZEN3, [], "kernel Nehalem uses SSE, though this processor has AVX2"),
    (["AVX2"], ZEN4, [], "kernel AVX2 uses AVX2, though this processor has AVX-512"),  # PyTorch's
    (["SkylakeX"], ZEN4, ["OPENBLAS_L2_SIZE"], "OPENBLAS_L2_SIZE set"),
    (["Zen"], ZEN3, [], None),
    (["Haswell"], ZEN3, [], None),
    (["Haswell"], ZEN3 | {"avx512f"}, [], None),  # Xeon Phi: its AVX-512 is not the one that the kernels need
    (["Haswell"], set(), [], None),  # flags that nobody tells
    (["neoversen1"], {"asimd", "fphp"}, [], None),
    (["ARMV8"], set(), [], None),
    ([""], ZEN4, [], None),
    ([], ZEN4, [], None),  # MKL, Accelerate, XLA
])
def test_who_is_handicapped(peers, kernels, flags, variables, reason):
    assert peers.handicap(kernels, flags, variables) == reason


@stoppable
def test_a_peer_starts_without_what_slows_it(peers, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Prescott")
    monkeypatch.setenv("OPENBLAS_L2_SIZE", "1")
    (tmp_path / "peer.py").write_text(PEER)
    peer = peers.Peer(str(tmp_path / "peer.py"), "ab")
    try:
        assert peer.ask(2) == "abab"
        assert "Prescott" not in peers.Peer.seen["ab"]["kernel"]
        assert capsys.readouterr().err == f"ab on {peers.processor()[0]}: {peers.Peer.seen['ab']['kernel']}\n"
    finally:
        peer.close()


@stoppable
def test_a_handicapped_peer_ends_the_benchmark(peers, tmp_path, monkeypatch):
    (tmp_path / "peer.py").write_text(PEER)
    started = []
    monkeypatch.setattr(peers, "environment", lambda: {**os.environ, "OPENBLAS_L2_SIZE": "524288"})
    monkeypatch.setattr(peers.atexit, "register", lambda kill: started.append(kill.__self__))
    with pytest.raises(SystemExit, match="slow would run handicapped: OPENBLAS_L2_SIZE set; nothing was measured"):
        peers.Peer(str(tmp_path / "peer.py"), "slow")
    for process in started:
        process.kill()
        process.communicate()


def test_peers_take_turns_and_a_speed_is_a_median_of_ratios_within_rounds(peers):
    order = []

    class Told:
        left_out = None

        def __init__(self, name, times):
            self.name, self.times, self.answers = name, iter(times), []

        def ask(self, task):
            order.append(self.name)
            return next(self.times)

        def close(self):
            order.append(f"{self.name} closed")

    # The machine slows down tenfold after the first round: medians of times would say 3/4, and 2 is true.
    ours, torch = Told("tinyvae", [1, 20, 30]), Told("torch", [2, 40, 15])
    rows = peers.compare("A", [ours, torch], 3, "µs")
    assert order == ["tinyvae", "torch", "torch", "tinyvae", "tinyvae", "torch", "tinyvae closed", "torch closed"]
    assert [row["speed, torch = 1"] for row in rows] == [2.0, 1.0]
    assert [row["µs"][1] for row in rows] == [20, 15]


@pytest.mark.parametrize("benchmark", ["step", "importance", "per_example", "time_to_quality"])
def test_tinyvae_still_does_what_the_benchmarks_ask(peers, benchmark, monkeypatch):
    module = import_module(benchmark)
    if benchmark == "step":
        assert module.make("tinyvae", "B20")(None) > 0
        assert module.make("adam", "B20")(None) > 0
    elif benchmark == "importance":
        monkeypatch.setattr(module, "K", 20)
        assert module.make("tinyvae")(None) > 0
    elif benchmark == "per_example":  # before it starts, its loop and tinyvae must have the same loss and gradients
        assert module.make("tinyvae")("turn") > 0
    else:
        data = tv.datasets.load("mnist-small")
        elbo, seconds = module.tinyvae(data.train.x[:512], data.test.x[:50])(0)
        assert np.isfinite(elbo)
        assert seconds > 0
