"""What is shown of the marks: a table for the instructor, and a page for each student.

A spreadsheet may run what stands in a cell, and a browser what stands in a page: both show all text as text.
"""

from __future__ import annotations

import csv
import html
import io
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from string import Template
from typing import NamedTuple

import tinyvae
from tinyvae.exercises.course import report
from tinyvae.exercises.judge import Verdict
from tinyvae.exercises.submissions import printable, sha
from tinyvae.foundation.files import replacing

SEAL = "<!-- {} -->\n"  # the SHA-256 of all before it: a page that anybody has changed no longer fits its own


class Mark(NamedTuple):
    """What came of an answer; a point for each function that is right."""

    verdicts: Sequence[Verdict]
    problem: str = ""

    @property
    def points(self) -> int:
        return sum(v.ok for v in self.verdicts)


def to_csv(marks: dict[str, dict[str, Mark]], out_of: dict[str, int], seed: int) -> bytes:
    """CSV in UTF-8 with a mark at its beginning, without which Excel takes it for another encoding."""
    text = io.StringIO()
    rows = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)  # where ; separates cells, a name may hold one and a formula
    rows.writerow(["student", *(name[:3] for name in out_of), "total", "of", "seed", "version", "diagnosis"])
    for student, of in marks.items():
        points = [mark.points for mark in of.values()]
        rows.writerow([_cell(student), *points, sum(points), sum(out_of.values()), seed, tinyvae.__version__,
                       "; ".join(_in_short(name, mark) for name, mark in of.items() if mark.points < out_of[name])])
    return text.getvalue().encode("utf-8-sig")


def _in_short(name: str, mark: Mark) -> str:
    """What is wrong with an answer, for a cell of the table."""
    if mark.problem:
        return f"{name[:3]} {mark.problem}"
    return f"{name[:3]} " + ", ".join(f"{v.function} [{', '.join(v.causes)}]" for v in mark.verdicts if not v.ok)


def _cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula: those begin with =, +, -, @ or white space before them."""
    return printable(text if text[:1].isalnum() else f"'{text}")


def write_pages(folder: Path, marks: dict[str, dict[str, Mark]], out_of: dict[str, int], seed: int) -> None:
    """A page for each student, which says what the terminal says."""
    template = Template(Path(__file__).with_name("page.html").read_text(encoding="utf-8"))
    for student, path in _pages(folder, marks).items():
        of = marks[student]
        rows = [f"<tr><th>{name}<td>{mark.points} of {out_of[name]}" for name, mark in of.items()]
        sections = [f"<h2>{name}</h2>\n<pre>{_shown(mark.problem or report(name, mark.verdicts))}</pre>"
                    for name, mark in of.items()]
        page = template.substitute(student=_shown(student), points=sum(m.points for m in of.values()), seed=seed,
                                   out_of=sum(out_of.values()), rows="\n".join(rows), sections="\n".join(sections),
                                   version=tinyvae.__version__)
        with replacing(path) as file:
            file.write((page + SEAL.format(sha(page.encode()))).encode())


def refuse_to_overwrite(folder: Path, students: Iterable[str]) -> None:
    """FileExistsError if somebody has written into a student's page, or if it is none of these."""
    for page in _pages(folder, students).values():
        content = page.read_bytes() if page.exists() else b""
        body, _, _ = content.rpartition(b"<!-- ")
        if content and content != body + SEAL.format(sha(body)).encode():
            raise FileExistsError(f"{page} is not as it was written, and would be overwritten; move it away, or give "
                                  "--report another folder")


def _shown(text: str) -> str:
    """Any text as HTML that shows it, line by line."""
    return html.escape("\n".join(map(printable, text.expandtabs(4).split("\n"))))


def _pages(folder: Path, students: Iterable[str]) -> dict[str, Path]:
    """A file for each student, and no two whose names are the same where capitals do not count."""
    pages: dict[str, Path] = {}
    taken = set()
    for student in students:
        name = re.sub(r"[^\w.-]", "_", student)[:60].lstrip(".")
        if name != student or name.casefold() in taken:
            name += f"-{sha(os.fsencode(student))[:8]}"
        taken.add(name.casefold())
        pages[student] = folder / f"{name}.html"
    return pages
