"""Exercises as Jupyter notebooks for nbgrader: how they are made, and what their test cells call."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tinyvae.exercises import catalogue
from tinyvae.exercises.calls import of
from tinyvae.exercises.check import verdicts
from tinyvae.exercises.course import report

TO_WRITE = ("### BEGIN SOLUTION", "# YOUR CODE HERE")  # a cell with one of these is the student's
KERNEL = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
          "language_info": {"name": "python"}}


def check(exercise: str, function: str, names: dict[str, Any], seed: int = 0) -> None:
    """Print the report on that function among a notebook's `globals()`; AssertionError if it is wrong.

    To nbgrader, a test cell that raises or writes to stderr has no points, and one that ends with a value has all of
    them unless it is a number: what a student's code prints is caught, and nothing is returned.
    """
    name = catalogue.find(exercise, catalogue.names(Path()))
    try:
        (verdict,) = verdicts(catalogue.checker(name, Path()), lambda calls: of(names, calls), seed, [function])
    except KeyboardInterrupt:  # from nbgrader, when a cell takes too long; or from you
        text = f"{name[:3]} {function} was interrupted. Look for a loop that never ends."
        raise AssertionError(text) from None
    if verdict.causes == ("missing",):
        verdict = verdict._replace(lines=(f"there is no function {function}: did the cell that defines it run?",))
    text = report(name, [verdict])
    print(text)
    if not verdict.ok:
        raise AssertionError(text)


# ---- how they are made ------------------------------------------------------------------------------


def make(name: str, text: str, functions: Sequence[str]) -> dict:
    """The notebook of the exercise whose master or stub is `text`.

    The docstring, what is given (imports first), and for each of the functions a cell to write and a test cell.
    """
    tree = ast.parse(text)
    cells = [_cell(name, "docstring", _markdown(ast.get_docstring(tree) or name), "markdown")]
    for number, part in enumerate(_parts(text)):
        defined = [node.name for node in ast.parse(part).body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
        if not any(marker in part for marker in TO_WRITE):
            cells.append(_cell(name, f"given-{number}", part, locked=True))
            continue
        cells.append(_cell(name, defined[-1], part, solution=True))
        for function in defined:
            if function in functions:
                call = f'from tinyvae.exercises.notebook import check\n\ncheck("{name[:3]}", "{function}", globals())'
                cells.append(_cell(name, f"test-{function}", call, locked=True, grade=True))
    return {"cells": cells, "metadata": KERNEL, "nbformat": 4, "nbformat_minor": 5}


def code(notebook: dict) -> str:
    """All its code cells, from top to bottom."""
    return "\n\n".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code") + "\n"


def _cell(name: str, label: str, text: str, kind: str = "code", locked=False, solution=False, grade=False) -> dict:
    """A cell with the metadata of nbgrader's third schema."""
    marks = {"grade": grade, "grade_id": label, "locked": locked, "schema_version": 3, "solution": solution,
             "task": False} | ({"points": 1} if grade else {})
    metadata: dict[str, Any] = {"nbgrader": marks, "deletable": False} if locked or solution else {}
    if locked:
        metadata["editable"] = False
    cell = {"cell_type": kind, "id": f"{name[:3]}-{label}"[:64], "metadata": metadata,
            "source": text.splitlines(keepends=True)}
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})


def _parts(text: str) -> list[str]:
    """A module below its docstring as parts for a cell each: functions to write, and what stands between them."""
    lines, body = text.splitlines(), ast.parse(text).body
    if ast.get_docstring(ast.parse(text)) is not None:
        body = body[1:]
    starts = []
    for node in body:
        start = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))]) - 1
        while lines[start - 1].startswith("#"):  # a comment above belongs to what is below
            start -= 1
        starts.append(start)
    parts: list[str] = []
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        part = "\n".join(lines[start:end])
        given = [not any(marker in p for marker in TO_WRITE) for p in (*parts[-1:], part)]
        if given == [True, True]:
            parts[-1] += f"\n{part}"
        else:
            parts.append(part)
    return [part.strip("\n") for part in parts]


def _markdown(docstring: str) -> str:
    """A docstring as Markdown that shows every sign as it is; its first line is the title, indented lines are code."""
    title, _, rest = docstring.partition("\n")
    lines = [f"# {_escape(title.rstrip('.'))}"]
    for line in rest.splitlines():
        code = line.startswith("    ")
        if code and lines[-1] and not lines[-1].startswith("    "):
            lines.append("")  # else Markdown takes it for more of the paragraph
        lines.append(line if code else _escape(line))
    return "\n".join(lines)


def _escape(line: str) -> str:
    """A line without the signs that Markdown acts upon, except within `code`, which shows them itself."""
    return re.sub(r"(`[^`]*`)|([\\*_<>$|#~]|(?<=\])\()", lambda m: m[1] or f"\\{m[2]}", line)
