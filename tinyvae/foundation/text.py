"""Text for a terminal."""

from typing import Any

LONGEST = 500  # characters of a message: nobody reads more, and some quote what a file or an argument holds


def short(text: str) -> str:
    """`text`, or its beginning and its end if it is longer than LONGEST: causes stand first, and cures last."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 150]} … {text[3 - 150 :]}"


def table(rows: list[list[str]]) -> str:
    """Rows of equal length as lines with aligned columns."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def shown(value: Any) -> str:
    """repr(value) for a message: on one line, and with no more than its first 100 characters."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 100 else f"{text[:99]}…"
