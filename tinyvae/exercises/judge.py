"""The verdict on one function: from its cases and what came of them to what a student is told.

The steps go from what is most in the way to what is least: not written yet, no such function, an exception, a shape,
NaN, arguments changed in place, an answer that changes from call to call, a value; and last, of right values, what the
code left behind: globals, something printed.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

from tinyvae.diagnose import Cause, Evidence, explain, same
from tinyvae.exercises.advice import EXCEPTIONS, advise
from tinyvae.exercises.cases import Case, Trial, scale, tolerance

NEARLY = 1e-6  # an error of that size is hardly a wrong formula

# How Python says that a number left the range: for log(0), the last from version 3.14 on.
OUT_OF_RANGE = ("OverflowError", "ZeroDivisionError", "ValueError: math domain", "ValueError: expected a positive")


class Verdict(NamedTuple):
    """What is to be said of one function."""

    function: str
    passed: int
    total: int  # outputs over all cases
    causes: tuple[str, ...] = ()  # none if it is right
    lines: tuple[str, ...] = ()  # what a student reads
    printed: str = ""

    @property
    def ok(self) -> bool:
        return not self.causes


def judge(exercise, function: str, trials: list[Trial]) -> Verdict:
    """The verdict on one function, from the trials of it."""
    printed = next((trial.first.printed for trial in trials if trial.first.printed), "")
    total = sum(len(trial.case.true) for trial in trials)
    passed = sum(trial.passed for trial in trials)

    def fail(key: str, *lines: str) -> Verdict:
        return Verdict(function, passed, total, (key,), (*lines, *advise(exercise, key)), printed)

    for step in (_no_value, _no_array, _traced, _exchanged, _wrong_shape, _not_finite, _in_place, _random):
        if found := step(function, trials):
            return fail(*found)
    wrong, consequences = _wrong_values(trials)
    if wrong or consequences:
        causes = tuple(dict.fromkeys(key for key, _ in (*wrong, *consequences)))
        advice = [line for key in causes for line in advise(exercise, key)]
        lines = (*(line for _, line in wrong), *advice, *(line for _, line in consequences))
        return Verdict(function, passed, total, causes, lines, printed)
    if changed := sorted({name for trial in trials for name in (*trial.first.globals, *trial.second.globals)}):
        return fail("globals", f"the values are right, but the call changed {', '.join(changed)}.")
    if printed:
        return fail("prints", f"the values are right, but it prints {printed.strip()[:60]!r}.")
    return Verdict(function, passed, total)


# ---- the steps: each gives (key, line …), or nothing ----------------------------------------------------


def _no_value(function: str, trials: list[Trial]):
    results = [(t, r) for t in trials for r in (t.first, t.second) if r.error]
    if not results:
        return None
    for kind, text in (("stub", "not written yet: it raises NotImplementedError."),
                       ("missing", "there is no such function in the file.")):
        if any(r.error == kind for _, r in results):
            return kind, f"{function}: {text}"
    trial, result = results[0]
    special = trial.case.if_not_finite
    if special and result.text.startswith(OUT_OF_RANGE) and _right_but_for(trial.case, trials):
        return special.key, f"{function} raised {result.text} for {trial.what}: {special.text}."
    raised = {"error": "raised ", "exit": "ended the program: ", "signature": ""}.get(result.error, "")
    called = f", called with {trial.what}" if raised and trial.what else ""
    lines = [f"{function}: the file cannot be loaded: {result.text}." if result.loading else
             f"{function}: {raised}{result.text}{called}."]
    if result.where:
        lines.append(f"    {result.where}")
    # Another case may have gone through, a square one for example, and may tell why this one did not.
    for name in trial.case.true if result.text.startswith(("ValueError", "IndexError", "ZeroDivisionError")) else ():
        if cause := _cause(name, trials):
            return cause.key, *lines, _sentence(name, cause)
    return result.error, *lines, *(note for words, note in EXCEPTIONS if words in result.text)


def _no_array(function: str, trials: list[Trial]):
    return next((("type", f"{function}: {trial.problem}.") for trial in trials if trial.problem), None)


def _traced(function: str, trials: list[Trial]):
    if all(t.passed == len(t.case.true) and not t.changed for t in trials):
        return None
    for trial in trials:
        if trial.case.trace and (cause := trial.case.trace(trial.given, *trial.first.arguments)):
            return cause.key, f"{function}: {cause.text} ({trial.what})."
    return None


def _exchanged(function: str, trials: list[Trial]):
    trials = [t for t in trials if t.case.derive is None and len(t.case.true) > 1]
    names = list(trials[0].case.true) if trials else []
    for order in itertools.permutations(names):  # the first is the right one
        if all(t.right(name, of=other) for t in trials for name, other in zip(order, names, strict=True)):
            return None if list(order) == names else (
                "other-output", f"{function}: the values are right, but they come in the order {', '.join(order)}; "
                                f"expected {', '.join(names)}.")
    return None


def _wrong_shape(function: str, trials: list[Trial]):
    for trial in trials:
        for name, given in trial.given.items():
            true = np.asarray(trial.case.true[name])
            if given.shape != true.shape:
                cause = _cause(name, trials)
                why = f" {_sentence(name, cause)}" if cause else ""
                expected = true.shape or "(), a single number"
                return (cause.key if cause else "shape",
                        f"{name} has shape {given.shape}; expected {expected} ({trial.what}).{why}")
    return None


def _not_finite(function: str, trials: list[Trial]):
    for trial in trials:
        for name, given in trial.given.items():
            bad = np.argwhere(~np.isfinite(given) & np.isfinite(trial.case.true[name]))
            if len(bad):
                cause = _cause(name, trials)
                if not cause and trial.case.if_not_finite and _right_but_for(trial.case, trials):
                    cause = trial.case.if_not_finite
                at = tuple(int(i) for i in bad[0])
                place = f"{given[at]} at {at}" if at else f"{given[at]}"
                why = f" {_sentence(name, cause)}" if cause else ""
                return (cause.key if cause else "nonfinite", f"{name} is {place} ({trial.what}).{why}")
    return None


def _in_place(function: str, trials: list[Trial]):
    changed = [name for trial in trials for name in trial.changed]
    return ("inplace", f"{function} changed its argument {changed[0]} in place.") if changed else None


def _random(function: str, trials: list[Trial]):
    for trial in trials:
        for name, given in trial.given.items():
            if name in trial.again and not same(given, trial.again[name], scale(given), 1e-6):
                return "random", f"{name} differs from call to call with the same arguments."
    return None


def _wrong_values(trials: list[Trial]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """(key, line) of each output with a wrong value, and of what is derived from outputs."""
    found: list[tuple[str, str]] = []
    consequences: list[tuple[str, str]] = []
    for derived in (False, True):
        of_kind = [t for t in trials if (t.case.derive is not None) == derived]
        names = dict.fromkeys(name for t in of_kind for name in t.case.true)
        wrong = [name for name in names if not all(t.right(name) for t in of_kind if name in t.case.true)]
        for name in wrong:
            cause = None if derived else _cause(name, trials) or _ignored(name, trials)
            # What explains the outputs explains what is derived from them as well.
            key = cause.key if cause else found[0][0] if derived and found else "unknown"
            line = _sentence(name, cause) if cause else _worst(name, of_kind)
            (consequences if derived else found).append((key, line))
        if wrong and not derived and (right := [name for name in names if name not in wrong]):
            found[0] = found[0][0], f"{found[0][1]} Right: {', '.join(right)}."
    return found, consequences


def _right_but_for(special: Case, trials: list[Trial]) -> bool:
    """Whether all cases but the special ones are right."""
    return all(t.passed == len(t.case.true) for t in trials if t.case.if_not_finite is None)


def _cause(name: str, trials: list[Trial]) -> Cause | None:
    """What explains this output in all cases."""
    known = [_evidence(name, t) for t in trials if name in t.given and t.case.derive is None]
    cause = explain(known) if known else None
    if cause and cause.key == "scale" and any(e.true.any() and e.is_(e.true) for e in known):
        return None  # the factor of one case; another case is right, and the function has none
    return cause


def _ignored(name: str, trials: list[Trial]) -> Cause | None:
    """An argument that this output does not depend on, though it should: shown by cases that differ in it alone."""
    known = [t for t in trials if name in t.given and t.case.derive is None]
    alike: dict[str, bool] = {}
    for one, other in itertools.combinations(known, 2):
        changed = [arg for arg, a in one.case.args.items() if not np.array_equal(a, other.case.args[arg])]
        if len(changed) == 1 and not np.array_equal(one.case.true[name], other.case.true[name]):
            alike[changed[0]] = alike.get(changed[0], True) and np.array_equal(one.given[name], other.given[name])
    return next((Cause(f"ignores:{arg}", f"it does not depend on {arg}: it is the same when nothing but {arg} changes")
                 for arg, unchanged in alike.items() if unchanged), None)


def _evidence(name: str, trial: Trial) -> Evidence:
    case, given = trial.case, trial.given[name]
    inputs = {arg: a for arg, a in case.args.items() if isinstance(a, np.ndarray)}
    return Evidence(given, np.asarray(case.true[name], float), case.sizes, case.terms.get(name, {}),
                    case.variants.get(name, {}), inputs, max(1e-6, tolerance(given, case.allowed)))


def _sentence(name: str, cause: Cause) -> str:
    """A cause as a sentence about an output."""
    text = f"{name} {cause.text[3:]}" if cause.text.startswith("it ") else f"{name}: {cause.text}"
    return f"{text}."


def _worst(name: str, trials: list[Trial]) -> str:
    """The entry that is most off, for a mistake without a name."""
    trial = max((t for t in trials if name in t.case.true and not t.right(name)), key=lambda t: t.errors(name).max())
    if name not in trial.given:
        return f"{name} could not be computed from what was returned ({trial.what})."
    given, true = trial.given[name], np.asarray(trial.case.true[name], float)
    errors = trial.errors(name)
    at = np.unravel_index(int(errors.argmax()), true.shape)
    place = f" at {tuple(int(i) for i in at)}" if at else ""
    unknown = "" if trial.case.derive else " The cause is not recognized."
    allowed, error = tolerance(given, trial.case.allowed), errors.max()
    if unknown and error < NEARLY:
        unknown = (f" The error is {error:.1e} of the largest entry, and {allowed:.0e} is allowed. So small an error "
                   "often comes from float32 somewhere on the way, or from a small constant that is added for safety.")
    yes_or_no = np.asarray(trial.case.true[name]).dtype == bool and given[at] in (0, 1)
    is_, expected = (bool(v) if yes_or_no else f"{v:.9g}" for v in (given[at], true[at]))
    return f"{name} is wrong: it is {is_}{place}, expected {expected} ({trial.what}).{unknown}"
