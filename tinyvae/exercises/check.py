"""The check of an exercise: its cases are put to a student's functions, and verdicts come of it.

An exercise is a module in `checkers` with

    FUNCTIONS      the names of what the student writes, in the order they are checked
    cases(rng)     the `Case`s: arguments, what is true by an oracle of the exercise's own, what known mistakes give
    ADVICE         {key of a cause: what to do about it}
    HINTS          from gentle to plain

Nothing is stored: the arguments are drawn anew for each seed, and the truth is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import numpy as np

from tinyvae.exercises.calls import Answers, Call
from tinyvae.exercises.cases import Case, Trial
from tinyvae.exercises.catalogue import checker
from tinyvae.exercises.judge import Verdict, judge
from tinyvae.exercises.process import call_each


def check(name: str, path: Path, seed: int = 0, seconds: float = 10.0, own: Path | None = None) -> list[Verdict]:
    """The verdicts on the functions of exercise `name` in the file at `path`, each run in another process."""
    return verdicts(checker(name, own), lambda calls: call_each(path, calls, seconds), seed)


def verdicts(exercise: ModuleType, answer: Callable[[list[Call]], Answers], seed: int,
             functions: Sequence[str] = ()) -> list[Verdict]:
    """The verdicts on what `answer` makes of the calls of an exercise: on all its functions, or on those named."""
    functions = functions or exercise.FUNCTIONS
    cases: list[Case] = [case for case in exercise.cases(np.random.default_rng(seed)) if case.function in functions]
    answers = answer([Call(case.function, tuple(case.args.values())) for case in cases for _ in range(2)])
    trials = list(map(Trial, cases, answers.results[::2], answers.results[1::2]))
    found = [judge(exercise, function, [trial for trial in trials if trial.case.function == function])
             for function in functions]
    if answers.printed and all(v.ok for v in found):
        found[0] = found[0]._replace(causes=("prints",), printed=answers.printed, lines=(
            f"the values are right, but the file prints {answers.printed.strip()[:60]!r} when it is loaded.",
            "Take the print out: a grader reads what is printed."))
    return found
