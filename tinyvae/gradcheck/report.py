"""What a check found: a row for each array, and a table when printed."""

import math
from dataclasses import dataclass
from typing import NamedTuple

from tinyvae.foundation.text import table


class Row(NamedTuple):
    """The check of one array; errors are relative to the largest entry of its gradient."""

    name: str
    shape: tuple[int, ...]
    checked: int  # entries compared one by one
    complex_error: float | None  # None: forward does not take complex numbers
    central_error: float
    where: str  # the worst entry, what backward says there, and what is true
    backward: float
    numerical: float
    ok: bool
    cause: str  # what the wrong values have in common, if they tell
    kinks: int = 0  # entries where the slopes to either side differ, and backward's value lies between them
    doubt: str = ""  # why nothing can be said, as "cannot tell: …" or "not checked: …"

    @property
    def error(self) -> float:
        """By the complex step where there is one, else by differences."""
        return self.central_error if self.complex_error is None else self.complex_error

    @property
    def verdict(self) -> str:
        """ok, WRONG, cannot tell, or not checked."""
        return "ok" if self.ok else self.doubt.partition(":")[0] or "WRONG"


@dataclass(frozen=True, repr=False)
class Report:
    """The result of `check_gradients`: `ok`, `max_error`, `rows`; true if ok, and a table when printed."""

    title: str
    rows: list[Row]
    note: str

    @property
    def ok(self) -> bool:
        return all(row.ok for row in self.rows)

    def __bool__(self) -> bool:
        """So that `assert check_gradients(…)` means what it says."""
        return self.ok

    @property
    def worst(self) -> Row:
        """A row that fails, or else the one that comes nearest to it."""
        return max(self.rows, key=lambda row: (not row.ok, not row.doubt, row.error))

    @property
    def max_error(self) -> float:
        """The largest error of all arrays, relative to the largest entry of the array's gradient."""
        return max((row.error for row in self.rows if row.checked), default=math.nan)

    def __repr__(self) -> str:
        head = ["what", "shape", "checked", "complex step", "differences", "worst at", "verdict"]
        body = [[row.name, str(row.shape), f"{row.checked} of {math.prod(row.shape)}", *cells(row)]
                for row in self.rows]
        said = [sentence for row in self.rows if (sentence := _sentence(row))]
        return "\n".join([self.title, table([head, *body]), *said, *([self.note] if self.note else [])])


def _sentence(row: Row) -> str:
    """What a table has no room for."""
    if row.doubt:
        return f"{row.name}: {row.doubt}"
    if not row.ok:
        return (f"{row.name} at {row.where}: backward says {row.backward:.9g}, numerically it is "
                f"{row.numerical:.9g}{row.cause and '; ' + row.cause}")
    if row.kinks:
        entries, lie = ("entry", "lies") if row.kinks == 1 else ("entries", "lie")
        return f"{row.name}: {row.kinks} {entries} {lie} on a kink, backward's value between the slopes to either side"
    return ""


def cells(row: Row) -> list[str]:
    """The errors, place and verdict of a row, for a table."""
    if not row.checked:
        return ["-", "-", "-", row.verdict]
    by_complex = "-" if row.complex_error is None else f"{row.complex_error:.1e}"
    return [by_complex, f"{row.central_error:.1e}", row.where, row.verdict]
