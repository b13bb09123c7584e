"""Answers to the exercises, put to their checkers in this process."""

import functools
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from tinyvae.exercises import catalogue, check
from tinyvae.exercises.calls import of

MASTERS = catalogue.STUBS.parents[2] / "tutorials" / "exercises"
NAMES = list(catalogue.names().values())
# {exercise: {"RIGHT": {name: source}, "MISTAKES": {name: (cause, source)}, "UNLISTED": {name: source}}}
# A source defines some functions of the exercise; the master has the others. It knows nothing of the diagnosis.
ANSWERS = {name: runpy.run_path(str(Path(__file__).parent / "answers" / f"{name}.py")) for name in NAMES}


def verdicts(name: str, source: str, seed: int):
    """The verdicts on the exercise's master with `source` written under it."""
    module = {"__name__": name}
    exec(_master(name), module)
    exec(source, module)
    return check.verdicts(_checker(name, seed), lambda calls: of(module, calls), seed)


def causes(name: str, source: str, seed: int) -> set[str]:
    """All causes named for that answer."""
    return {cause for verdict in verdicts(name, source, seed) for cause in verdict.causes}


@functools.cache
def _master(name: str):
    return compile((MASTERS / f"{name}.py").read_bytes(), name, "exec")


@functools.cache
def _checker(name: str, seed: int):
    """The checker with the cases of that seed, drawn once for all answers."""
    checker = catalogue.checker(name)
    cases = list(checker.cases(np.random.default_rng(seed)))
    return SimpleNamespace(FUNCTIONS=checker.FUNCTIONS, ADVICE=checker.ADVICE, cases=lambda rng: cases)
