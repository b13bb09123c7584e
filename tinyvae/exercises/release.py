"""From masters with solutions to what students get, audited."""

from __future__ import annotations

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
STUB = ("# YOUR CODE HERE", "raise NotImplementedError()")  # as nbgrader writes them


def strip(master: str) -> str:
    """The text of a master with STUB in the place of each solution; ValueError if its markers do not pair up."""
    kept, inside = [], False
    for number, line in enumerate(master.splitlines(), 1):
        marker = line.strip()
        if marker in (BEGIN, END):
            if inside == (marker == BEGIN):
                raise ValueError(f"line {number}: {marker} {'within a solution' if inside else 'without a beginning'}")
            inside = not inside
            if inside:
                indent = line[: len(line) - len(line.lstrip())]
                kept += [indent + stub for stub in STUB]
        elif not inside:
            kept.append(line)
    if inside:
        raise ValueError(f"a solution has no {END}")
    return "\n".join(kept) + "\n"
