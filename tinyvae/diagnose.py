"""What is wrong with an array, read off the array: it is M times the right one, its transpose, a term is missing …

A cause is named only if the numbers leave no other: a wrong cause costs a student more than none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

Array = np.ndarray

TOLERANCE = 1e-6  # relative to the largest entry; by far more than rounding, by far less than a mistake
NEARLY_ONE = 1e-4  # so near to one, a factor that fits is a small number added somewhere


class Cause(NamedTuple):
    """An explanation: a key for programs, such as scale:M, and a sentence for people."""

    key: str
    text: str


@dataclass(frozen=True)
class Evidence:
    """One array that should be `true` and is `given`, and what is known of its likes.

    sizes      {"M": 7, "D": 5, …}: by what an array may be too large or too small; best distinct primes
    terms      {"the KL's part": array, …}: parts of `true` that may be missing, doubled, or of the wrong sign
    variants   {key: (array, text), …}: what known mistakes give, of any shape
    inputs     {name: array}: what `given` was computed from, and may be unchanged
    tolerance  relative to the largest entry of `true`
    """

    given: Array
    true: Array
    sizes: Mapping[str, int] = field(default_factory=dict)
    terms: Mapping[str, Array] = field(default_factory=dict)
    variants: Mapping[str, tuple[Array, str]] = field(default_factory=dict)
    inputs: Mapping[str, Array] = field(default_factory=dict)
    tolerance: float = TOLERANCE

    def is_(self, other: Array) -> bool:
        """Whether `given` is that."""
        return same(self.given, other, self.true, self.tolerance)


def explain(evidence: Sequence[Evidence]) -> Cause | None:
    """What makes each `given` of its `true`; None if all are right, if nothing fits, or if two explanations do.

    Several pieces of evidence, on other sizes and other numbers, leave a cause fewer chances of being a coincidence:
    it must account for every one of them, also for those that came out right.
    """
    wrong = [e for e in evidence if not e.is_(e.true)]
    if not wrong:
        return None
    # From the particular to the general: a mistake known by name, then a term, then a known factor or a transpose.
    for level in (_variants, _terms, _whole):
        causes = {key: text for key, (text, _) in level(wrong[0]).items() if _accounts_for_all(level, key, evidence)}
        if len(causes) == 1:
            return Cause(*causes.popitem())
        if causes:
            break
    comparable = all(e.given.shape == e.true.shape and np.isfinite(e.given).all() for e in evidence)
    comparable &= any(e.true.size > 1 for e in evidence)  # of two numbers, one is always a multiple of the other
    # A factor that nobody knows is still a fact.
    if comparable and _accounts_for_all(_factor, "scale", evidence) and abs(factor(wrong[0]) - 1) > NEARLY_ONE:
        return Cause("scale", _factor(wrong[0])["scale"][0])
    return None


def _accounts_for_all(level, key: str, evidence: Sequence[Evidence]) -> bool:
    return all(key in (known := level(e)) and e.is_(known[key][1]) for e in evidence)


# Each level gives {key: (sentence, what the array would then be)}, whether or not it is that.


def _variants(e: Evidence) -> dict[str, tuple[str, Array]]:
    return {key: (text, array) for key, (array, text) in e.variants.items()}


def _terms(e: Evidence) -> dict[str, tuple[str, Array]]:
    return {f"{word.split()[-1]}:{name}": (f"{name} {word}", e.true + c * term) for name, term in e.terms.items()
            for c, word in ((-1, "is missing"), (1, "is there twice"), (-2, "has the wrong sign"))}


def _whole(e: Evidence) -> dict[str, tuple[str, Array]]:
    """All zero, an input as it came, a multiple of the truth, or its transpose."""
    factors = {"-1": (-1.0, "the sign is wrong"), "2": (2.0, ""), "1/2": (0.5, "")}
    factors |= {name: (float(n), f"{name} = {n}") for name, n in e.sizes.items() if n > 2}
    factors |= {f"1/{name}": (1 / n, f"{name} = {n}") for name, n in e.sizes.items() if n > 2}
    found = {f"scale:{name}": (f"it is {c:.6f} times the true value" + (f" ({why})" if why else ""), c * e.true)
             for name, (c, why) in factors.items()}
    found["zero"] = ("it is all zeros", np.zeros_like(e.true))
    found |= {f"echo:{name}": (f"it is the argument {name}, as it came", a) for name, a in e.inputs.items()}
    if e.true.ndim == 2:
        found["transpose"] = ("it is the transpose of the true value", e.true.T)
    return found


def _factor(e: Evidence) -> dict[str, tuple[str, Array]]:
    """The multiple of `true` that comes nearest to `given`."""
    c = factor(e)
    with np.errstate(over="ignore", invalid="ignore"):  # of the largest numbers there are
        return {"scale": (f"it is {c:.6f} times the true value", c * e.true)}


def factor(e: Evidence) -> float:
    """By what `true` must be multiplied to come nearest to `given`."""
    with np.errstate(over="ignore", invalid="ignore"):
        return float((e.given * e.true).sum() / ((e.true * e.true).sum() or 1.0))


def same(a: Array, b: Array, scale: Array, tolerance: float = TOLERANCE) -> bool:
    """Whether a is b, to within `tolerance` times the largest entry of `scale`; NaN is like NaN."""
    if np.shape(a) != np.shape(b):
        return False
    with np.errstate(over="ignore", invalid="ignore"):  # inf - inf
        near = abs(a - b) <= tolerance * abs(scale).max(initial=1e-300)
    return bool((near | (a == b) | (np.isnan(a) & np.isnan(b))).all())
