"""What a class handed in: read, bounded, and never followed out of a student's own folder."""

from __future__ import annotations

import hashlib
import inspect
import json
import re
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import tinyvae
from tinyvae.exercises.catalogue import checker

LARGEST = 200_000  # bytes of a file that is read
BESIDE = 50  # files of a student's own that an answer may import
NOT_HANDED_IN = "not handed in"


class Refused(Exception):
    """A file that is not run, and why."""


class Key(NamedTuple):
    """What a verdict depends on; hashes are SHA-256."""

    exercise: str
    file: str
    beside: str  # of the other files there, which it may import
    checker: str
    seed: int
    version: str


class Answer(NamedTuple):
    """What a student handed in for an exercise: its files by name, or why there are none."""

    key: Key | None  # None: there is nothing to run
    files: dict[str, bytes]
    problem: str = ""


def collect(submissions: Path, names: Sequence[str], seed: int,
            own: Path | None = None) -> tuple[dict[str, dict[str, Answer]], list[str]]:
    """{student: {exercise: answer}}, and what lies there that is no student's; ValueError if that is all."""
    if not submissions.is_dir():
        raise NotADirectoryError(f"{submissions} is no folder; expected one that holds a folder for each student")
    entries = sorted(p for p in submissions.iterdir() if not p.name.startswith("."))
    folders = [p for p in entries if p.is_dir() and not p.is_symlink()]
    checkers = {name: sha(inspect.getsource(checker(name, own)).encode()) for name in names}
    students = {p.name: {name: _answer(p, name, checkers[name], seed) for name in names} for p in folders}
    if all(a.problem == NOT_HANDED_IN for answers in students.values() for a in answers.values()):
        found = f"it holds {', '.join(printable(p.name) for p in entries[:3])}" if entries else "it is empty"
        raise ValueError(f"{submissions} has no submissions: expected a folder for each student with files such as "
                         f"{submissions / 'anna' / f'{names[0]}.py'}; {found}")
    return students, [printable(p.name) for p in entries if p not in folders]


def _answer(folder: Path, name: str, checker: str, seed: int) -> Answer:
    try:
        path = _find(folder, name)
        if path is None:
            return Answer(None, {}, NOT_HANDED_IN)
        files = {f"{name}.py": _contents(path, folder)} | _beside(path, folder, name)
    except Refused as refused:
        return Answer(None, {}, str(refused))
    except OSError as error:
        return Answer(None, {}, f"{name}.py cannot be read: {error.strerror or type(error).__name__}")
    others = {n: sha(content) for n, content in sorted(files.items()) if n != f"{name}.py"}
    key = Key(name, sha(files[f"{name}.py"]), sha(json.dumps(others).encode()), checker, seed, tinyvae.__version__)
    return Answer(key, files)


def _find(folder: Path, name: str) -> Path | None:
    """The file of that exercise in a student's folder or one below; learning platforms may add to its name."""
    here = sorted(folder.iterdir())
    subfolders = [p for p in here if p.is_dir() and not p.is_symlink() and p.suffix != ".py" and p.name[0] not in "._"]
    below = [p for sub in subfolders for p in sorted(sub.iterdir())]
    for pattern in (re.escape(f"{name}.py"), rf"(?is:{name[:3]}(\D.*)?\.py)"):
        for place in (here, below):
            found = [p for p in place if re.fullmatch(pattern, p.name)]
            if len(found) > 1:
                both = " and ".join(str(p.relative_to(folder)) for p in found[:2])
                raise Refused(f"there are {both}; expected one {name}.py")
            if found:
                return found[0]
    return None


def _beside(path: Path, folder: Path, name: str) -> dict[str, bytes]:
    """The other Python files there, for an answer that imports them."""
    found = {}
    for other in sorted(path.parent.glob("*.py"))[:BESIDE]:
        if other != path and other.name != f"{name}.py":
            with suppress(Refused, OSError):  # if an answer needs it, its import fails and says so
                found[other.name] = _contents(other, folder)
    return found


def _contents(path: Path, folder: Path) -> bytes:
    """An ordinary file of a student's own, in that student's folder."""
    inside = path.relative_to(folder)
    if not path.exists():
        raise Refused(f"{inside} is a symbolic link that leads nowhere; expected the file itself")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise Refused(f"{inside} is a symbolic link out of the folder; expected the file itself")
    kind = path.stat()
    if not stat.S_ISREG(kind.st_mode):
        what = "a folder" if stat.S_ISDIR(kind.st_mode) else "no ordinary file"
        raise Refused(f"{inside} is {what}; expected a file")
    if kind.st_size > LARGEST:
        raise Refused(f"{inside} has {kind.st_size} bytes; expected at most {LARGEST}")
    return path.read_bytes()


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def printable(text: str) -> str:
    """Text without control characters, and without what UTF-8 cannot hold."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
