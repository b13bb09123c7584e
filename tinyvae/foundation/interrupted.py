"""Ctrl-C before the first line: a command's first moments go into importing NumPy, so this is imported before it."""

import sys
from pathlib import PurePath
from types import TracebackType


def _one_line(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        print("tinyvae: interrupted", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


# For those alone who have typed the command: what other programs show of an error is their affair.
if PurePath(sys.argv[0]).stem == "tinyvae" or sys.orig_argv[1:3] == ["-m", "tinyvae"]:
    sys.excepthook = _one_line
