"""A progress bar where one is wanted, and where none is, nothing at all."""

import sys
from contextlib import AbstractContextManager
from typing import Any


def progress_bar(shown: bool, **options: Any) -> Any:
    """A tqdm bar with these options, or what takes its place where none is shown.

    A hidden tqdm still takes the lock that all bars share, with every fork of the process as well: a fork that is
    killed meanwhile would leave the others waiting for ever.
    """
    if not shown:
        return _Nothing()
    from tqdm import tqdm

    return tqdm(**options)


class _Nothing(AbstractContextManager):
    """What is asked of a bar, without one."""

    def __exit__(self, *error: object) -> None:
        pass

    def update(self, n: int) -> None:
        pass

    def set_postfix_str(self, text: str) -> None:
        pass

    def write(self, text: str, file: Any = None) -> None:
        print(text, file=file or sys.stdout)
