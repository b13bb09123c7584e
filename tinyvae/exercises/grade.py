"""Marks for a class: every file in a process of its own, a row of points and a page of reasons for each student.

    SUBMISSIONS/anna/e04_dense.py          a folder for each student; the files may lie one folder deeper
    grades.csv                             a row for each student
    grades.verdicts.json                   all verdicts so far: what is known is not run again
    grades.running.json                    what is being run (`journal`)
    REPORT/anna.html                       a page for each student
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tinyvae.exercises.catalogue import checker
from tinyvae.exercises.check import check
from tinyvae.exercises.journal import Journal
from tinyvae.exercises.judge import Verdict
from tinyvae.exercises.marks import Mark, refuse_to_overwrite, to_csv, write_pages
from tinyvae.exercises.process import in_parallel
from tinyvae.exercises.submissions import Answer, Key, collect, printable, sha
from tinyvae.foundation.files import replacing
from tinyvae.foundation.locks import only_one

SAVE_SECONDS = 5.0
STOPPED = "stopped the grader, or was all that ran when it was stopped; look at it, and to run it again, delete {}"
Known = dict[Key, tuple[float, list[Verdict]]]  # with the seconds that there were


class Summary(NamedTuple):
    """What an instructor is told at the end."""

    students: int
    run: int
    known: int
    points: int  # that can be had
    unusual: list[str]
    left_out: list[str]


def grade(submissions: Path, names: Sequence[str], seed: int, table: Path, pages: Path | None = None,
          own: Path | None = None, seconds: float = 60.0, jobs: int = 0) -> Summary:
    """Check all submissions, as far as that was not done before; write the table, and a page for each student."""
    if table.is_dir():
        raise IsADirectoryError(f"{table} is a folder; give --csv the name of a file in it, such as "
                                f"{table / 'grades.csv'}")
    with only_one(table.with_suffix(".lock"), f"another process is writing {table}; wait for it, or give --csv another "
                                              "name"):
        return _grade(submissions, names, seed, table, pages, own, seconds, jobs)


def _grade(submissions: Path, names: Sequence[str], seed: int, table: Path, pages: Path | None, own: Path | None,
           seconds: float, jobs: int) -> Summary:
    students, left_out = collect(submissions, names, seed, own)
    kept = table.with_suffix(".verdicts.json")
    known, written = _read(kept, table)
    files = {answer.key: answer.files for answers in students.values() for answer in answers.values() if answer.key}
    journal = Journal(table.with_suffix(".running.json"))
    todo = [key for key in files if not _is_known(known.get(key), seconds) and key not in journal.fatal]
    journal.suspects.intersection_update(todo)
    if pages:
        pages.mkdir(parents=True, exist_ok=True)
        refuse_to_overwrite(pages, students)
    _save(kept, known, written)  # now, and not after an hour's work, it is found that this cannot be written
    saved = time.monotonic()

    def run(key: Key) -> list[Verdict]:
        with journal.around(key):
            return _check(key, files[key], seconds, own)

    try:
        for some, at_once in (([key for key in todo if key in journal.suspects], 1),
                              ([key for key in todo if key not in journal.suspects], jobs)):
            for key, verdicts in in_parallel(run, some, "files", at_once):
                known[key] = (float(seconds), verdicts)
                if time.monotonic() - saved >= SAVE_SECONDS:
                    _save(kept, known, written)
                    saved = time.monotonic()
    except KeyboardInterrupt as error:
        raise type(error)(f"interrupted; what is done is kept in {kept}, and the same command goes on") from None
    finally:
        journal.close()
        _save(kept, known, written)

    def mark(answer: Answer) -> Mark:
        if answer.key is None:
            return Mark([], printable(answer.problem))
        if answer.key in journal.fatal:
            return Mark([], STOPPED.format(journal.path.name))
        return Mark(known[answer.key][1])

    marks = {student: {name: mark(answer) for name, answer in answers.items()} for student, answers in students.items()}
    out_of = {name: len(checker(name, own).FUNCTIONS) for name in names}
    text = to_csv(marks, out_of, seed)
    with replacing(table) as file:
        file.write(text)
    _save(kept, known, sha(text))
    if pages:
        write_pages(pages, marks, out_of, seed)
    unusual = [f"{printable(student)} {name} [{', '.join(v.causes)}]" for student, of in marks.items()
               for name, mark in of.items() for v in mark.verdicts if {"timeout", "crash"} & set(v.causes)]
    unusual += [f"{printable(student)} {name}: {mark(answer).problem}" for student, answers in students.items()
                for name, answer in answers.items() if answer.key in journal.fatal]
    return Summary(len(students), len(todo), len(files) - len(todo), sum(out_of.values()),
                   list(dict.fromkeys(unusual)), left_out)


def _check(key: Key, files: dict[str, bytes], seconds: float, own: Path | None) -> list[Verdict]:
    """The verdicts on a copy of the files, away from everybody else's."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for name, content in files.items():
            Path(folder, name).write_bytes(content)
        return check(key.exercise, Path(folder, f"{key.exercise}.py"), key.seed, seconds, own)


def _is_known(record: tuple[float, list[Verdict]] | None, seconds: float) -> bool:
    """Whether there is a verdict that holds. What was too slow may do with more time; memory may have been short."""
    if record is None:
        return False
    had, verdicts = record
    causes = {key for v in verdicts for key in v.causes}
    return "crash" not in causes and ("timeout" not in causes or had >= seconds)


def _read(path: Path, table: Path) -> tuple[Known, str]:
    """The verdicts in `path`, and the hash of the table written with them: neither is overwritten if it is not ours."""
    if not path.exists():
        if table.exists():
            raise FileExistsError(f"{table} exists, and {path.name}, which is written with it, does not; give --csv "
                                  "another name")
        return {}, ""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        known: Known = {Key(**kept["of"]): (float(kept["seconds"]), [
            Verdict(**v | {"causes": tuple(v["causes"]), "lines": tuple(v["lines"])})
            for v in kept["verdicts"]]) for kept in record["verdicts"]}
        written = record["table"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"{path} is not what tinyvae exercises grade writes ({type(error).__name__}: {error}); move "
                         "it away, or give --csv another name") from None
    if table.exists() and sha(table.read_bytes()) != written:
        raise FileExistsError(f"{table} was changed since it was written, and would be overwritten; move it away, or "
                              "give --csv another name")
    return known, written


def _save(path: Path, known: Known, table: str) -> None:
    records = [{"of": key._asdict(), "seconds": seconds, "verdicts": [v._asdict() for v in verdicts]}
               for key, (seconds, verdicts) in sorted(known.items())]
    with replacing(path) as file:
        file.write((json.dumps({"table": table, "verdicts": records}, indent=1) + "\n").encode())
