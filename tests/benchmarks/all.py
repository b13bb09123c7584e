"""The tables of docs/benchmarks.md: measured here, kept in docs/benchmarks/, written into the page.

    TINYVAE_DATA=FOLDER python tests/benchmarks/all.py "AMD EPYC, Zen 4"     measure this machine, and call it so
    python tests/benchmarks/all.py                                           write the page anew from the files

Measuring takes some ten minutes, needs the full MNIST files and the extra `bench`, and wants a machine on
which nothing else runs. A test compares the page with the files.
"""

import json
import re
import sys
from datetime import date
from importlib import import_module
from pathlib import Path

from peers import Peer, processor, table

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
FILES = PAGE.parent / "benchmarks"
ROUNDS = {"step": 60, "importance": 25, "time_to_quality": 5, "per_example": 7, "imports": 30}
TITLES = {"step": "A training step", "importance": "log p(x) by importance sampling",
          "time_to_quality": "Training to a given quality", "per_example": "One example at a time",
          "imports": "The import"}
SUMMARY = {  # what the first table compares: the row's name, the benchmark, its setting
    "a training step, A": ("step", "A"),
    "a training step, B20": ("step", "B20"),
    "a training step, B100": ("step", "B100"),
    "log p(x) by 5000 samples": ("importance", "K = 5000"),
    "training to the same quality": ("time_to_quality", None),
}


def measure(name: str) -> None:
    tables = {benchmark: import_module(benchmark).measure(rounds) for benchmark, rounds in ROUNDS.items()}
    versions: dict[str, str] = {}
    for peer in Peer.seen.values():
        versions |= peer["versions"]
    kernels = {peer: Peer.seen[peer]["kernel"] for peer in ("tinyvae", "torch", "jax") if peer in Peer.seen}
    found = {"name": name, "date": date.today().isoformat(), "processor": processor()[0], "kernels": kernels,
             "versions": versions, "rounds": ROUNDS, "tables": tables}
    path = FILES / (re.sub(r"\W+", "-", name.lower()) + ".json")
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def results() -> dict[str, dict]:
    """What the files say, by their names; the latest first."""
    found = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FILES.glob("*.json"))}
    return dict(sorted(found.items(), key=lambda item: item[1]["date"], reverse=True))


def summary() -> str:
    """How fast tinyvae and JAX are beside PyTorch, on the machine that was measured last."""
    latest = next(iter(results().values()))

    def speed(peer: str, benchmark: str, setting: str | None):
        rows = {(row["peer"], row.get("setting")): row for row in latest["tables"].get(benchmark, [])}
        return rows[peer, setting]["speed, torch = 1"] if (peer, setting) in rows else ""

    return table([{f"on {latest['name']}": what} | {name: speed(peer, *where) for name, peer in
                  (("tinyvae", "tinyvae"), ("JAX", "jax"))} for what, where in SUMMARY.items()])


def machines() -> str:
    """Every machine's tables."""
    text = ""
    for file, found in results().items():
        on = [f"{name} {version}" for name, version in found["versions"].items()]
        kernels = [f"{peer}: {kernel}" for peer, kernel in found["kernels"].items()]
        text += (f"### {found['name']}\n\n{found['processor']}; {found['date']}; {', '.join(on)}. Kernels: "
                 f"{'; '.join(kernels)}. [All of it as JSON](benchmarks/{file}).\n\n")
        for benchmark, rows in found["tables"].items():
            text += f"**{TITLES[benchmark]}**, {found['rounds'][benchmark]} rounds\n\n{table(rows)}\n"
    return text


def written(page: str) -> str:
    """The page, with what stands between its markers as the files say."""
    for name, text in (("summary", summary()), ("machines", machines())):
        begin, end = f"<!-- {name}: written by tests/benchmarks/all.py -->\n", f"<!-- end of {name} -->"
        head, rest = page.split(begin)
        page = head + begin + text + rest[rest.index(end):]
    return page


if __name__ == "__main__":
    if sys.argv[1:]:
        measure(*sys.argv[1:])
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
