"""What is wrong with an array, read off the array: it is M times the right one, its transpose, a term is missing …

`explain` names a cause only if the numbers leave no other: a wrong cause costs a student more than none.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

Array = np.ndarray

TOLERANCE = 1e-6  # relative to the largest entry; by far more than rounding, by far less than a mistake


class Cause(NamedTuple):
    """An explanation: a key for programs, such as scale:M, and a sentence for people."""

    key: str
    text: str


def explain(given: Array, true: Array, sizes: Mapping[str, int] | None = None,
            terms: Mapping[str, Array] | None = None, variants: Mapping[str, tuple[Array, str]] | None = None,
            ) -> Cause | None:
    """Why `given` is not `true`, both of one shape; None if nothing fits, or two explanations do.

    sizes      {"M": 7, "D": 5, …}: by what an array may be too large or too small; best distinct primes
    terms      {"the KL's part": array, …}: parts of `true` that may be missing, doubled, or of the wrong sign
    variants   {key: (array, text), …}: what known mistakes give
    """
    given, true = np.asarray(given), np.asarray(true)
    if not np.isfinite(given).all() or _same(given, true, true):
        return None
    known = [Cause(key, text) for key, (wrong, text) in (variants or {}).items() if _same(given, wrong, true)]
    # From the particular to the general: a mistake known by name, then a term, then a factor.
    for causes in (known, _terms(given, true, terms or {}), _whole(given, true, sizes or {})):
        if causes:
            return causes[0] if len(causes) == 1 else None
    return None


def _terms(given: Array, true: Array, terms: Mapping[str, Array]) -> list[Cause]:
    """Terms t with given = true + c t, for the c of common mistakes."""
    words = {-1: "is missing", 1: "is there twice", -2: "has the wrong sign"}
    return [Cause(f"{words[c].split()[-1]}:{name}", f"{name} {words[c]}") for name, term in terms.items()
            for c in words if not _same(term, np.zeros_like(term), true) and _same(given, true + c * term, true)]


def _whole(given: Array, true: Array, sizes: Mapping[str, int]) -> list[Cause]:
    """All zero, a multiple of the truth, or its transpose."""
    if not given.any():
        return [Cause("zero", "it is all zeros")]
    found = []
    c = float((given * true).sum() / (true * true).sum()) if true.any() else 0.0
    if c and _same(given, c * true, true):
        factors = {"-1": (-1.0, "the sign is wrong"), "2": (2.0, ""), "1/2": (0.5, "")}
        factors |= {name: (n, f"{name} = {n}") for name, n in sizes.items() if n > 2}
        factors |= {f"1/{name}": (1 / n, f"{name} = {n}") for name, n in sizes.items() if n > 2}
        names = {name: why for name, (factor, why) in factors.items() if abs(c - factor) <= TOLERANCE * abs(factor)}
        name, why = names.popitem() if len(names) == 1 else ("", "")
        found.append(Cause(f"scale:{name}" if name else "scale",
                           f"it is {c:.6f} times the true value" + (f" ({why})" if why else "")))
    if given.ndim == 2 and given.shape[0] == given.shape[1] and _same(given, true.T, true):
        found.append(Cause("transpose", "it is the transpose of the true value"))
    return found


def _same(a: Array, b: Array, scale: Array) -> bool:
    return np.shape(a) == np.shape(b) and bool((abs(a - b) <= TOLERANCE * abs(scale).max(initial=1e-300)).all())
