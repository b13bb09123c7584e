"""What is asked of every checker: right answers pass, known mistakes are told by name, others get no wrong name.

A test file has RIGHT {name: source}, MISTAKES {name: (key of the cause, source)} and UNLISTED {name: source}. A source
defines some functions of the exercise; the master has the others. Sources are independent of the diagnosis code.
"""

import json

from tinyvae import exercises
from tinyvae.exercises.process import Answers, result
from tinyvae.exercises.wire import pack
from tinyvae.exercises.worker import run

SEEDS = range(20)
MASTERS = exercises.STUBS.parents[2] / "tutorials" / "exercises"


def verdicts(name: str, source: str, seed: int):
    """The verdicts on the exercise's master with `source` written under it, in this process."""
    module = {"__name__": name}
    exec((MASTERS / f"{name}.py").read_text(encoding="utf-8"), module)
    exec(source, module)

    def answer(calls) -> Answers:
        events = []
        run(module, [[call.function, [pack(a) for a in call.arguments]] for call in calls], events.append)
        return Answers([result(json.loads(json.dumps(event))) for event in events])

    return exercises.verdicts(exercises.checker(name), answer, seed)


def keys(name: str, source: str, seed: int) -> set[str]:
    """All causes named for that answer."""
    return {key for verdict in verdicts(name, source, seed) for key in verdict.keys}


def assert_right(name: str, source: str) -> None:
    for seed in SEEDS:
        for verdict in verdicts(name, source, seed):
            assert verdict.ok, (seed, verdict)
            assert verdict.passed == verdict.total > 0


def assert_mistake(name: str, key: str, source: str) -> None:
    """Exactly that cause, whatever the seed."""
    for seed in SEEDS:
        assert keys(name, source, seed) == {key}, (seed, verdicts(name, source, seed))


# What numbers alone may say of any wrong answer, without a word on why.
FACTS = {"unknown", "scale", "shape", "nonfinite", "error", "zero", "type"}


def assert_unlisted(name: str, source: str) -> None:
    """It fails, and no cause is named."""
    for seed in SEEDS:
        found = keys(name, source, seed)
        assert found, f"passed with seed {seed}"
        assert found <= FACTS, (seed, found)


