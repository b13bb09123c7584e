"""What is being run is written down before it runs: if a file ends the grader itself, the next grader knows which.

Of several that ran at a time, nobody knows which it was. The next grader runs these first, one after the other; if it
is ended too, it was the one that ran.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from tinyvae.exercises.submissions import Key
from tinyvae.foundation.files import write_json


class Journal:
    """The file at `path`, which is there while files are run, and as long as one has ended the grader."""

    def __init__(self, path: Path):
        self.path, self._lock, self._closed = path, Lock(), False
        self.running: set[Key] = set()
        self.fatal: set[Key] = set()  # what ended a grader
        self.suspects: set[Key] = set()  # what may have
        if path.exists():
            try:
                record = json.loads(path.read_text(encoding="utf-8"))
                self.fatal, self.suspects, left = ({Key(**key) for key in record[name]}
                                                   for name in ("fatal", "suspects", "running"))
            except (ValueError, TypeError, KeyError, RecursionError) as error:
                raise ValueError(f"{path} is not what tinyvae exercises grade writes ({type(error).__name__}: {error});"
                                 " delete it") from None
            if len(left) == 1:
                self.fatal |= left
            else:
                self.suspects |= left
            self.suspects -= self.fatal

    @contextmanager
    def around(self, key: Key) -> Iterator[None]:
        """While that file is run."""
        with self._lock:
            self.running.add(key)
            self._save()
        yield
        with self._lock:
            self.running.discard(key)
            self.suspects.discard(key)
            self._save()

    def close(self) -> None:
        """No file is run any more, and nothing has ended the grader: keep what is known from before."""
        with self._lock:
            self.running.clear()
            self._save()
            self._closed = True  # of what Ctrl-C interrupted, a thread may still run

    def _save(self) -> None:
        if self._closed:
            return
        record = {name: [key._asdict() for key in sorted(getattr(self, name))]
                  for name in ("fatal", "suspects", "running")}
        if any(record.values()):
            write_json(self.path, record)
        else:
            self.path.unlink(missing_ok=True)
