"""Is an answer right, and if not, why: from what a student's functions gave to a verdict.

An exercise is a module in `checkers` with

    FUNCTIONS      the names of what the student writes, in the order they are checked
    cases(rng)     the `Case`s: arguments, what is true by an oracle of the exercise's own, what known mistakes give
    ADVICE         {key of a cause: what to do about it}
    HINTS          from gentle to plain

Nothing is stored: the arguments are drawn anew for each seed, and the truth is computed. The steps of a verdict go from
what is most in the way to what is least: not written yet, no such function, an exception, a shape, NaN, arguments
changed in place, an answer that changes from call to call, a value; and last, of right values, what the code left
behind: globals, something printed.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from tinyvae.diagnose import Cause, Evidence, explain, same
from tinyvae.exercises.process import Result
from tinyvae.exercises.wire import Other

Array = np.ndarray

RIGHT, RIGHT_IN_FLOAT32 = 1e-9, 1e-4  # the largest error of a right answer, relative to the largest entry

NEARLY = 1e-6  # an error of that size is hardly a wrong formula

# How Python says that a number left the range: for log(0), the last from version 3.14 on.
OUT_OF_RANGE = ("OverflowError", "ZeroDivisionError", "ValueError: math domain", "ValueError: expected a positive")


@dataclass(frozen=True)
class Case:
    """One call of a function, and what should come of it.

    args       the arguments, by name
    true       the outputs, by name: several are returned as a tuple
    sizes, terms, variants
               for the diagnosis (see `diagnose.Evidence`); terms and variants by output
    allowed    the largest error of a right answer, in float64
    label      what is special about these arguments, for the message
    if_not_finite
               a cause, if this case alone has values that are not finite and all others are right
    derive     turns what was returned into what `true` holds, where that is no output itself; a list comes as an array
    trace      of the outputs (by name) and the arguments after the call: a cause that they show, as when an argument
               keeps a record of how it was used; asked only if something is wrong
    """

    function: str
    args: Mapping[str, Any]
    true: Mapping[str, Array]
    sizes: Mapping[str, int] = field(default_factory=dict)
    terms: Mapping[str, Mapping[str, Array]] = field(default_factory=dict)
    variants: Mapping[str, Mapping[str, tuple[Array, str]]] = field(default_factory=dict)
    allowed: float = RIGHT
    label: str = ""
    if_not_finite: Cause | None = None
    derive: Callable[..., dict[str, Array]] | None = None
    trace: Callable[..., Cause | None] | None = None


class Verdict(NamedTuple):
    """What is to be said of one function."""

    function: str
    passed: int
    total: int  # outputs over all cases
    keys: tuple[str, ...] = ()  # the causes; none if it is right
    lines: tuple[str, ...] = ()  # what a student reads
    printed: str = ""

    @property
    def ok(self) -> bool:
        return not self.keys


def judge(exercise, function: str, cases: Sequence[Case], pairs: Sequence[tuple[Result, Result]]) -> Verdict:
    """The verdict on one function, from its cases and what two calls of each gave."""
    printed = next((first.printed for first, _ in pairs if first.printed), "")
    trials = [_Trial(case, *pair) for case, pair in zip(cases, pairs, strict=True)]
    total = sum(len(case.true) for case in cases)
    passed = sum(trial.passed for trial in trials)

    def fail(key: str, *lines: str) -> Verdict:
        return Verdict(function, passed, total, (key,), (*lines, *_advice(exercise, key)), printed)

    for step in (_no_value, _no_array, _traced, _exchanged, _wrong_shape, _not_finite, _in_place, _random):
        if found := step(function, trials):
            return fail(*found)
    wrong, consequences = _wrong_values(trials)
    if wrong or consequences:
        keys = tuple(dict.fromkeys(key for key, _ in (*wrong, *consequences)))
        advice = [line for key in keys for line in _advice(exercise, key)]
        lines = (*(line for _, line in wrong), *advice, *(line for _, line in consequences))
        return Verdict(function, passed, total, keys, lines, printed)
    if changed := sorted({name for pair in pairs for result in pair for name in result.globals}):
        return fail("globals", f"the values are right, but the call changed {', '.join(changed)}.")
    if printed:
        return fail("prints", f"the values are right, but it prints {printed.strip()[:60]!r}.")
    return Verdict(function, passed, total)


class _Trial:
    """One case and what came of it: the outputs by name, as arrays."""

    def __init__(self, case: Case, first: Result, second: Result):
        self.case, self.first, self.second = case, first, second
        self.given, self.problem = _outputs(case, first) if not first.error else ({}, "")
        self.again = _outputs(case, second)[0] if not second.error else {}

    def right(self, name: str, of: str = "") -> bool:
        """Whether an output is what it must be; or whether the output `of` is."""
        given, true = self.given.get(of or name), np.asarray(self.case.true[name], float)
        return given is not None and same(given, true, _scale(true), tolerance(given, self.case.allowed))

    def error(self, name: str) -> float:
        """The largest error of an output, relative to the largest entry; infinite if there is no such output."""
        true = np.asarray(self.case.true[name], float)
        with np.errstate(over="ignore", invalid="ignore"):  # inf - inf
            errors = abs(self.given.get(name, np.full_like(true, np.inf)) - true) / _scale(true)
        return float(np.nan_to_num(errors, nan=np.inf, posinf=np.inf).max(initial=0))

    @property
    def passed(self) -> int:
        return sum(map(self.right, self.case.true))

    @property
    def changed(self) -> list[str]:
        """The arguments that are not what they were."""
        return [name for (name, before), after in zip(self.case.args.items(), self.first.arguments, strict=False)
                if isinstance(before, np.ndarray) and not np.array_equal(before, after, equal_nan=True)]

    @property
    def what(self) -> str:
        """These arguments in a few words."""
        return self.case.label or ", ".join(f"{name} = {size}" for name, size in self.case.sizes.items())


def _outputs(case: Case, result: Result) -> tuple[dict[str, Array], str]:
    """The outputs by name as arrays; or nothing, and why."""
    names, value = list(case.true), result.value
    if case.derive is not None:
        try:
            precision = _precision(value)
            with contextlib.suppress(ValueError):  # of several outputs that have different shapes
                value = np.asarray(value) if isinstance(value, (tuple, list)) else value
            with np.errstate(all="ignore"):  # a wrong answer may overflow here
                return {name: np.asarray(a, precision) for name, a in case.derive(value).items()}, ""
        except Exception:  # the value is not what derive expects: the other cases say so
            return {}, ""
    if len(names) == 1:
        value = (value,)
    elif isinstance(value, np.ndarray) and value.shape[:1] == (len(names),):
        value = tuple(value)  # as `a, b = f()` would take it
    elif not isinstance(value, (tuple, list)):
        return {}, f"it returned {_kind(value)}; expected {len(names)} values: {', '.join(names)}"
    elif len(value) != len(names):
        return {}, f"it returned {len(value)} values; expected {len(names)}: {', '.join(names)}"
    given = {}
    for name, v in zip(names, value, strict=True):
        try:
            a = np.asarray(v if not isinstance(v, (str, type(None))) else [None])
            if a.dtype.kind not in "biuf":
                raise ValueError
        except ValueError:
            hint = " (is a return statement missing?)" if v is None else ""
            return {}, f"{name} is {_kind(v)}{hint}; expected an array of numbers"
        given[name] = a.astype(float) if a.dtype.kind in "biu" else a
    return given, ""


def _precision(value) -> np.dtype:
    """The coarsest float type in `value`: what is derived from it cannot be more exact."""
    if isinstance(value, (tuple, list)):
        return min(map(_precision, value), key=lambda dtype: dtype.itemsize, default=np.dtype(float))
    return value.dtype if isinstance(value, np.ndarray) and value.dtype.kind == "f" else np.dtype(float)


def _kind(value) -> str:
    """What a student's function returned, in a few words."""
    if value is None:
        return "None"
    if isinstance(value, Other):
        return f"a {value}" if value[:3] != "an " else str(value)
    return f"an array of {value.dtype} of shape {value.shape}" if isinstance(value, np.ndarray) else \
        f"a {type(value).__name__}"


def tolerance(given: Array, allowed: float) -> float:
    """`allowed`, or what float32 needs."""
    return max(allowed, RIGHT_IN_FLOAT32) if given.dtype == np.float32 else allowed


def _scale(true: Array) -> Array:
    """What errors are relative to: the largest entry; of zeros, a thousandth."""
    return np.maximum(abs(np.nan_to_num(true, posinf=0.0, neginf=0.0)).max(initial=0), 1e-3)


# ---- the steps: each gives (key, line …), or nothing ----------------------------------------------------


def _no_value(function: str, trials: list[_Trial]):
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


def _no_array(function: str, trials: list[_Trial]):
    for trial in trials:
        if trial.problem:
            return "type", f"{function}: {trial.problem}."
    return None


def _traced(function: str, trials: list[_Trial]):
    if all(t.passed == len(t.case.true) and not t.changed for t in trials):
        return None
    for trial in trials:
        if trial.case.trace and (cause := trial.case.trace(trial.given, *trial.first.arguments)):
            return cause.key, f"{function}: {cause.text} ({trial.what})."
    return None


def _exchanged(function: str, trials: list[_Trial]):
    trials = [t for t in trials if t.case.derive is None and len(t.case.true) > 1]
    names = list(trials[0].case.true) if trials else []
    for order in itertools.permutations(names):  # the first is the right one
        if all(t.right(name, of=other) for t in trials for name, other in zip(order, names, strict=True)):
            return None if list(order) == names else (
                "other-output", f"{function}: the values are right, but they come in the order {', '.join(order)}; "
                                f"expected {', '.join(names)}.")
    return None


def _wrong_shape(function: str, trials: list[_Trial]):
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


def _not_finite(function: str, trials: list[_Trial]):
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


def _in_place(function: str, trials: list[_Trial]):
    for trial in trials:
        if trial.changed:
            return "inplace", f"{function} changed its argument {trial.changed[0]} in place."
    return None


def _random(function: str, trials: list[_Trial]):
    for trial in trials:
        for name, given in trial.given.items():
            if name in trial.again and not same(given, trial.again[name], _scale(given), 1e-6):
                return "random", f"{name} differs from call to call with the same arguments."
    return None


def _wrong_values(trials: list[_Trial]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
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


def _right_but_for(special: Case, trials: list[_Trial]) -> bool:
    """Whether all cases but the special ones are right."""
    return all(t.passed == len(t.case.true) for t in trials if t.case.if_not_finite is None)


def _cause(name: str, trials: list[_Trial]) -> Cause | None:
    """What explains this output in all cases."""
    known = [_evidence(name, t) for t in trials if name in t.given and t.case.derive is None]
    cause = explain(known) if known else None
    if cause and cause.key == "scale" and any(e.true.any() and e.is_(e.true) for e in known):
        return None  # the factor of one case; another case is right, and the function has none
    return cause


def _ignored(name: str, trials: list[_Trial]) -> Cause | None:
    """An argument that this output does not depend on, though it should: shown by cases that differ in it alone."""
    known = [t for t in trials if name in t.given and t.case.derive is None]
    alike: dict[str, bool] = {}
    for one, other in itertools.combinations(known, 2):
        changed = [arg for arg, a in one.case.args.items() if not np.array_equal(a, other.case.args[arg])]
        if len(changed) == 1 and not np.array_equal(one.case.true[name], other.case.true[name]):
            alike[changed[0]] = alike.get(changed[0], True) and np.array_equal(one.given[name], other.given[name])
    return next((Cause(f"ignores:{arg}", f"it does not depend on {arg}: it is the same when nothing but {arg} changes")
                 for arg, unchanged in alike.items() if unchanged), None)


def _evidence(name: str, trial: _Trial) -> Evidence:
    case, given = trial.case, trial.given[name]
    inputs = {arg: a for arg, a in case.args.items() if isinstance(a, np.ndarray)}
    return Evidence(given, np.asarray(case.true[name], float), case.sizes, case.terms.get(name, {}),
                    case.variants.get(name, {}), inputs, max(1e-6, tolerance(given, case.allowed)))


def _sentence(name: str, cause: Cause) -> str:
    """A cause as a sentence about an output."""
    text = f"{name} {cause.text[3:]}" if cause.text.startswith("it ") else f"{name}: {cause.text}"
    return f"{text}."


def _worst(name: str, trials: list[_Trial]) -> str:
    """The entry that is most off, for a mistake without a name."""
    trial = max((t for t in trials if name in t.case.true and not t.right(name)), key=lambda t: t.error(name))
    if name not in trial.given:
        return f"{name} could not be computed from what was returned ({trial.what})."
    given, true = trial.given[name], np.asarray(trial.case.true[name], float)
    at = np.unravel_index(int(np.argmax(np.nan_to_num(abs(given - true), nan=np.inf))), true.shape)
    place = f" at {tuple(int(i) for i in at)}" if at else ""
    unknown = "" if trial.case.derive else " The cause is not recognized."
    allowed, error = tolerance(given, trial.case.allowed), trial.error(name)
    if unknown and error < NEARLY:
        unknown = (f" The error is {error:.1e} of the largest entry, and {allowed:.0e} is allowed. So small an error "
                   "often comes from float32 somewhere on the way, or from a small constant that is added for safety.")
    yes_or_no = np.asarray(trial.case.true[name]).dtype == bool and given[at] in (0, 1)
    is_, expected = (bool(v) if yes_or_no else f"{v:.9g}" for v in (given[at], true[at]))
    return f"{name} is wrong: it is {is_}{place}, expected {expected} ({trial.what}).{unknown}"


# What errors of NumPy mean: (words of the error, what to think of).
PRODUCT = "In a @ b, the columns of a must be as many as the rows of b: write the shapes beside the product."
EXCEPTIONS = (
    ("matmul: Input operand", PRODUCT),
    ("not aligned", PRODUCT),
    ("could not be broadcast together", "NumPy lines shapes up from the right: there, two sizes must be equal, or one "
                                        "of them 1."),
    ("truth value of an array", "if, while, and, or ask for a single True or False. For a choice in each entry there "
                                "is np.where, or a condition as a factor, as in a * (b > 0)."),
    ("must have same number of dimensions", "Arrays are joined only if they have equally many axes; np.broadcast_to "
                                            "repeats an array along an axis that it lacks."),
)

GENERAL = {
    "unknown": "If the text of the exercise has an example, try your function on it: which step is the first to "
               "differ?",
    "other-output": "The docstring of the function says what comes first.",
    "scale:-1": "Look for a sign: a minus that is missing, or one too many.",
    "zero": "Is the result computed, and then not returned?",
    "inplace": "Work on a copy: operators like +=, and out=, write into the array they are given.",
    "random": "Nothing may be drawn inside: the same arguments must give the same answer.",
    "globals": "A function must depend on its arguments alone, and leave nothing else changed.",
    "prints": "Take the print out; or, outside of the functions, put it under if __name__ == \"__main__\":, which a "
              "check does not run.",
    "stub": "Replace the line `raise NotImplementedError` by your code.",
    "timeout": "Look for a loop that never ends.",
    "exit": "A function gives its answer with return; it must not end the program.",
}


def _advice(exercise, key: str) -> list[str]:
    advice = exercise.ADVICE.get(key) or GENERAL.get(key)
    return [advice] if advice else []
