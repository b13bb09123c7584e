"""Course exercises whose checker tells a student what is wrong.

    e04_dense.py …    stubs: a docstring with the mathematics, and functions to write (`stubs`, made from the masters
                      with solutions in tutorials/exercises)
    checkers          for each exercise its cases and known mistakes (the contract: `check`)
    check             from what the functions gave to a verdict
    process, worker   the student's file runs in a process of its own, which knows no answer
    release, notebook, grade
                      what an instructor needs: stubs and notebooks from the masters, and marks

An instructor's own exercises need not be in the package. Wherever a folder `own` is asked for, it is one with the
checkers of such exercises in own/checkers: a folder of masters, or one of stubs as students get them.
"""

from __future__ import annotations

import difflib
import importlib.util
import re
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np

from tinyvae.exercises.check import Verdict, judge
from tinyvae.exercises.process import Answers, Call, ask

STUBS = Path(__file__).parent / "stubs"


def names(own: Path | None = None) -> dict[str, str]:
    """{"e01": "e01_ring", …}: the exercises there are, by id. An id of the package is never another exercise."""
    paths = [*(own.glob("checkers/e[0-9][0-9]_*.py") if own else ()), *STUBS.glob("e[0-9][0-9]_*.py")]
    return dict(sorted({path.stem[:3]: path.stem for path in paths}.items()))


def find(exercise: str, own: Path | None = None) -> str:
    """The full name of an exercise given as e04, E4, 4, e04_dense or e04_dense.py; ValueError if there is none."""
    return pick(exercise, names(own))


def pick(exercise: str, known: dict[str, str]) -> str:
    """As `find`, among `known` exercises by id."""
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
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        for part in ("FUNCTIONS", "cases", "ADVICE", "HINTS"):
            getattr(module, part)
    except Exception as error:  # whatever its author got wrong
        raise ValueError(f"{path} is no checker of an exercise ({type(error).__name__}: {error}); "
                         "docs/instructor.md says what one needs") from None
    return module


def check(name: str, path: Path, seed: int = 0, seconds: float = 10.0, own: Path | None = None) -> list[Verdict]:
    """The verdicts on the functions of exercise `name` in the file at `path`, each run in another process."""
    return verdicts(checker(name, own), lambda calls: ask_patiently(path, calls, seconds), seed)


def ask_patiently(path: Path, calls: list[Call], seconds: float) -> Answers:
    """As `ask`; but a function that never comes back takes no other function's answers with it."""
    answers = ask(path, calls, seconds)
    lost = next((call.function for call, r in zip(calls, answers.results, strict=True)
                 if r.error in ("timeout", "crash") and answers.loaded), None)
    others = [i for i, call in enumerate(calls) if call.function != lost]
    if lost is None or not others:
        return answers
    again = ask_patiently(path, [calls[i] for i in others], seconds)
    for i, result in zip(others, again.results, strict=True):
        answers.results[i] = result
    return answers


def verdicts(exercise: ModuleType, answer, seed: int, functions: Sequence[str] = ()) -> list[Verdict]:
    """The verdicts on what `answer`, a function of a list of calls, gives for the cases of an exercise.

    On all of its functions, or on those named.
    """
    functions = functions or exercise.FUNCTIONS
    cases = [case for case in exercise.cases(np.random.default_rng(seed)) if case.function in functions]
    calls = [Call(case.function, tuple(case.args.values())) for case in cases for _ in range(2)]
    answers: Answers = answer(calls)
    pairs = list(zip(answers.results[::2], answers.results[1::2], strict=True))
    found = []
    for function in functions:
        mine = [i for i, case in enumerate(cases) if case.function == function]
        verdict = judge(exercise, function, [cases[i] for i in mine], [pairs[i] for i in mine])
        if verdict.ok and answers.tampered:
            verdict = verdict._replace(keys=("tampered",), lines=(
                f"the values are right, but the file replaced {', '.join(answers.tampered[:3])}.",
                "A library must be left as it is: give your own function a name of its own."))
        found.append(verdict)
    if answers.printed and all(v.ok for v in found):
        found[0] = found[0]._replace(keys=("prints",), printed=answers.printed, lines=(
            f"the values are right, but the file prints {answers.printed.strip()[:60]!r} when it is loaded.",
            "Take the print out: a grader reads what is printed."))
    return found
