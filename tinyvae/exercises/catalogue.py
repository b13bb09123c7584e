"""Which exercises there are, by id and by name, and where their checkers are."""

from __future__ import annotations

import difflib
import re
from importlib import import_module
from pathlib import Path
from types import ModuleType

STUBS = Path(__file__).parent / "stubs"


def names(own: Path | None = None) -> dict[str, str]:
    """{"e01": "e01_ring", …}: the exercises there are, by id. An id of the package is never another exercise."""
    paths = [*(own.glob("checkers/e[0-9][0-9]_*.py") if own else ()), *STUBS.glob("e[0-9][0-9]_*.py")]
    return dict(sorted({path.stem[:3]: path.stem for path in paths}.items()))


def find(exercise: str, known: dict[str, str]) -> str:
    """Of names by id, that of an exercise given as e04, E4, 4, e04_dense or e04_dense.py; ValueError for another."""
    if match := re.fullmatch(r"[eE]?(\d{1,2})(_\w+)?(\.py)?", Path(exercise).name):
        exercise = f"e{int(match[1]):02}"
    if exercise not in known:
        nearest = difflib.get_close_matches(exercise, [*known, *known.values()], n=1, cutoff=0.4)
        meant = f"; did you mean {nearest[0]!r}?" if nearest else "."
        raise ValueError(f"there is no exercise {exercise!r}{meant} There are {', '.join(known)}")
    return known[exercise]


def checker(name: str, own: Path | None = None) -> ModuleType:
    """The checker of the exercise of that full name; ValueError for one of your own that is none."""
    if own is None or name in names().values():
        return import_module(f"tinyvae.exercises.checkers.{name}")
    path = own / "checkers" / f"{name}.py"
    if not path.is_file():
        raise ValueError(f"{name} has no checker; expected {path}, see docs/instructor.md")
    module = ModuleType(name)
    module.__file__ = str(path)
    try:
        exec(compile(path.read_bytes(), path, "exec", dont_inherit=True), vars(module))
        for part in ("FUNCTIONS", "cases", "ADVICE", "HINTS"):
            getattr(module, part)
    except Exception as error:  # whatever its author got wrong
        raise ValueError(f"{path} is no checker of an exercise ({type(error).__name__}: {error}); "
                         "docs/instructor.md says what one needs") from None
    return module
