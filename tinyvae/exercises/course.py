"""What a student does: start a folder of stubs, check answers, see how far they are, ask for a hint."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from pathlib import Path

from tinyvae.exercises import catalogue
from tinyvae.exercises.check import check
from tinyvae.exercises.judge import Verdict
from tinyvae.foundation.files import replacing

README = """\
Exercises for variational autoencoders, with a checker that says what is wrong.

Each file eNN_name.py holds one to three short functions for you to write, and the mathematics they need.
Open one, replace `raise NotImplementedError()`, save it, and type in this folder:

    tinyvae exercises check e04          one exercise; --all for all of them
    tinyvae exercises check e04 --watch  again each time you save the file
    tinyvae exercises hint e04           one hint at a time, from gentle to plain
    tinyvae exercises status             how far you are

Each exercise stands alone: what you need of the others comes from the library. A good order is e04, e05, e07, e08,
e09, and then the others. Words in square brackets, such as [scale:M], name the mistake that was found.
"""
SEEN = ".hints.json"  # how many hints of each exercise were shown


def start(folder: Path) -> tuple[list[str], list[str]]:
    """Put the stubs and a README into `folder`; the names of the files made, and of those that were there already."""
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file; give the name of a folder, new or old")
    folder.mkdir(parents=True, exist_ok=True)
    made, kept = [], []
    texts = {"README.txt": README} | {f"{name}.py": (catalogue.STUBS / f"{name}.py").read_text(encoding="utf-8")
                                      for name in catalogue.names().values()}
    for name, text in texts.items():
        try:
            with open(folder / name, "x", encoding="utf-8") as file:  # "x": never over a file that is there
                file.write(text)
            made.append(name)
        except FileExistsError:
            kept.append(name)
    return made, kept


def answer(name: str, folder: Path) -> Path:
    """The student's file of that exercise."""
    path = folder / f"{name}.py"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there; go to the folder of your exercises, or make one with: "
                                "tinyvae exercises start FOLDER")
    return path


def report(name: str, verdicts: Iterable[Verdict]) -> str:
    """What a student reads of an exercise: the verdict first, then why."""
    lines = []
    for v in verdicts:
        if v.ok:
            lines.append(f"{name[:3]} {v.function}   ok   {v.total} checks pass")
            continue
        if v.causes == ("stub",):
            lines.append(f"{name[:3]} {v.function}   not written yet")
            continue
        lines.append(f"{name[:3]} {v.function}   FAIL  [{', '.join(v.causes)}]   {v.passed} of {v.total} checks pass")
        lines += v.lines
        if v.printed and v.causes != ("prints",):
            lines.append(f"It printed: {v.printed.strip()[:300]}")
        lines.append("")
    return "\n".join(lines).rstrip()


def watch(name: str, path: Path, seed: int) -> None:
    """Check again whenever the file changes, until Ctrl-C."""
    last: float | None = None
    while True:
        changed = path.stat().st_mtime if path.exists() else last  # an editor may be replacing it just now
        if changed != last:
            last = changed
            print(f"\n{time.strftime('%H:%M:%S')}  {path}")
            print(report(name, check(name, path, seed, own=path.parent)))
            print("Watching; save the file to check it again, Ctrl-C to stop.", flush=True)
        time.sleep(0.3)


def status(folder: Path, seed: int = 0) -> list[tuple[str, str, str]]:
    """(exercise, a word, what is left) of each."""
    from tqdm import tqdm

    names = list(catalogue.names(folder).values())
    if not any((folder / f"{name}.py").is_file() for name in names):
        raise FileNotFoundError(f"no exercise is in {folder.absolute()}; go to the folder of your exercises, or "
                                "make one with: tinyvae exercises start FOLDER")
    rows = []
    for name in tqdm(names, desc="checking", delay=2, leave=False):
        path = folder / f"{name}.py"
        if not path.is_file():
            rows.append((name, "missing", "get it with: tinyvae exercises start ."))
            continue
        verdicts = check(name, path, seed, own=folder)
        todo = [v for v in verdicts if not v.ok]
        word = "done" if not todo else "not begun" if all(v.causes == ("stub",) for v in verdicts) else "begun"
        left = ", ".join(v.function if v.causes == ("stub",) else f"{v.function} [{', '.join(v.causes)}]" for v in todo)
        rows.append((name, word, left if word == "begun" else ""))
    return rows


def hint(name: str, folder: Path) -> tuple[int, int, str]:
    """The next hint of that exercise, its number and how many there are; the last one again when all were shown."""
    answer(name, folder)
    path, hints = folder / SEEN, catalogue.checker(name, folder).HINTS
    try:
        seen = json.loads(path.read_text(encoding="utf-8"))
        number = min(max(int(seen.get(name, 0)), 0), len(hints) - 1)
    except (OSError, ValueError, TypeError, AttributeError, OverflowError, RecursionError):  # none, or edited
        seen, number = {}, 0
    with replacing(path) as file:
        file.write(json.dumps(seen | {name: number + 1}).encode())
    return number + 1, len(hints), hints[number]
