"""Marks for a class: every file in a process of its own, a row of points and a page of reasons for each student.

    SUBMISSIONS/anna/e04_dense.py          a folder for each student; the files may lie one folder deeper
    grades.csv                             a row for each student
    grades.verdicts.json                   all verdicts so far: what is known is not run again
    REPORT/anna.html                       a page for each student
"""

from __future__ import annotations

import csv
import hashlib
import html
import inspect
import io
import json
import os
import re
import stat
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import tinyvae
from tinyvae import exercises
from tinyvae.exercises.check import Verdict
from tinyvae.exercises.course import report
from tinyvae.exercises.process import in_parallel
from tinyvae.foundation.files import replacing

LARGEST = 200_000  # bytes of a file that is read
BESIDE = 50  # files of a student's own that an answer may import
SAVE_SECONDS = 5.0
NOT_HANDED_IN = "not handed in"


class Refused(Exception):
    """A file that is not run, and why."""


class Key(NamedTuple):
    """What a verdict depends on; hashes are SHA-256."""

    exercise: str
    file: str
    beside: str  # of the other files there, which it may import
    checker: str
    seed: int
    version: str


Known = dict[Key, tuple[float, list[Verdict]]]  # with the seconds that there were


class Answer(NamedTuple):
    """What a student handed in for an exercise: its files by name, or why there are none."""

    key: Key | None  # None: there is nothing to run
    files: dict[str, bytes]
    problem: str = ""


class Mark(NamedTuple):
    """What came of an answer; a point for each function that is right."""

    verdicts: Sequence[Verdict]
    problem: str = ""

    @property
    def points(self) -> int:
        return sum(v.ok for v in self.verdicts)


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
    students, left_out = collect(submissions, names, seed, own)
    kept = table.with_suffix(".verdicts.json")
    known, written = _read(kept, table)
    files = {answer.key: answer.files for answers in students.values() for answer in answers.values() if answer.key}
    todo = [key for key in files if not _is_known(known.get(key), seconds)]
    if pages:
        pages.mkdir(parents=True, exist_ok=True)
        for file_name in _page_names(students).values():
            _refuse_to_overwrite(pages / file_name)
    _save(kept, known, written)  # now, and not after an hour's work, it is found that this cannot be written
    saved = time.monotonic()
    try:
        for key, verdicts in in_parallel(lambda key: _check(key, files[key], seconds, own), todo, "files", jobs):
            known[key] = (float(seconds), verdicts)
            if time.monotonic() - saved >= SAVE_SECONDS:
                _save(kept, known, written)
                saved = time.monotonic()
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"interrupted; what is done is kept in {kept}, and the same command goes on") from None
    finally:
        _save(kept, known, written)
    marks = {student: {name: _mark(answer, known) for name, answer in answers.items()}
             for student, answers in students.items()}
    out_of = {name: len(exercises.checker(name, own).FUNCTIONS) for name in names}
    text = _table(marks, out_of, seed)
    with replacing(table) as file:
        file.write(text)
    _save(kept, known, _sha(text))
    if pages:
        _write_pages(pages, marks, out_of, seed)
    unusual = [f"{_printable(student)} {name} [{', '.join(v.keys)}]" for student, of in marks.items()
               for name, mark in of.items() for v in mark.verdicts if {"timeout", "crash"} & set(v.keys)]
    return Summary(len(students), len(todo), len(files) - len(todo), sum(out_of.values()),
                   list(dict.fromkeys(unusual)), left_out)


# ---- what was handed in -----------------------------------------------------------------------------


def collect(submissions: Path, names: Sequence[str], seed: int,
            own: Path | None = None) -> tuple[dict[str, dict[str, Answer]], list[str]]:
    """{student: {exercise: answer}}, and what lies there that is no student's; ValueError if that is all."""
    if not submissions.is_dir():
        raise NotADirectoryError(f"{submissions} is no folder; expected one that holds a folder for each student")
    entries = sorted(p for p in submissions.iterdir() if not p.name.startswith("."))
    folders = [p for p in entries if p.is_dir() and not p.is_symlink()]
    checkers = {name: _sha(inspect.getsource(exercises.checker(name, own)).encode()) for name in names}
    students = {p.name: {name: _answer(p, name, checkers[name], seed) for name in names} for p in folders}
    if all(a.problem == NOT_HANDED_IN for answers in students.values() for a in answers.values()):
        found = f"it holds {', '.join(_printable(p.name) for p in entries[:3])}" if entries else "it is empty"
        raise ValueError(f"{submissions} has no submissions: expected a folder for each student with files such as "
                         f"{submissions / 'anna' / f'{names[0]}.py'}; {found}")
    return students, [_printable(p.name) for p in entries if p not in folders]


def _answer(folder: Path, name: str, checker: str, seed: int) -> Answer:
    try:
        path = _find(folder, name)
        if path is None:
            return Answer(None, {}, NOT_HANDED_IN)
        files = {f"{name}.py": _contents(path, folder)} | _beside(path, folder, name)
    except Refused as refused:
        return Answer(None, {}, str(refused))
    except OSError as error:
        return Answer(None, {}, f"{name}.py cannot be read: {error.strerror or type(error).__name__}")
    others = {n: _sha(content) for n, content in sorted(files.items()) if n != f"{name}.py"}
    key = Key(name, _sha(files[f"{name}.py"]), _sha(json.dumps(others).encode()), checker, seed, tinyvae.__version__)
    return Answer(key, files)


def _find(folder: Path, name: str) -> Path | None:
    """The file of that exercise in a student's folder or one below; learning platforms may add to its name."""
    here = sorted(folder.iterdir())
    subfolders = [p for p in here if p.is_dir() and not p.is_symlink() and p.suffix != ".py" and p.name[0] not in "._"]
    below = [p for sub in subfolders for p in sorted(sub.iterdir())]
    for pattern in (re.escape(f"{name}.py"), rf"(?is:{name[:3]}(\D.*)?\.py)"):
        for place in (here, below):
            found = [p for p in place if re.fullmatch(pattern, p.name)]
            if len(found) > 1:
                both = " and ".join(str(p.relative_to(folder)) for p in found[:2])
                raise Refused(f"there are {both}; expected one {name}.py")
            if found:
                return found[0]
    return None


def _beside(path: Path, folder: Path, name: str) -> dict[str, bytes]:
    """The other Python files there, for an answer that imports them."""
    found = {}
    for other in sorted(path.parent.glob("*.py"))[:BESIDE]:
        if other != path and other.name != f"{name}.py":
            try:
                found[other.name] = _contents(other, folder)
            except (Refused, OSError):  # if an answer needs it, its import fails and says so
                continue
    return found


def _contents(path: Path, folder: Path) -> bytes:
    """An ordinary file of a student's own, in that student's folder."""
    inside = path.relative_to(folder)
    if not path.exists():
        raise Refused(f"{inside} is a symbolic link that leads nowhere; expected the file itself")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise Refused(f"{inside} is a symbolic link out of the folder; expected the file itself")
    kind = path.stat()
    if not stat.S_ISREG(kind.st_mode):
        what = "a folder" if stat.S_ISDIR(kind.st_mode) else "no ordinary file"
        raise Refused(f"{inside} is {what}; expected a file")
    if kind.st_size > LARGEST:
        raise Refused(f"{inside} has {kind.st_size} bytes; expected at most {LARGEST}")
    return path.read_bytes()


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


# ---- verdicts, old and new --------------------------------------------------------------------------


def _check(key: Key, files: dict[str, bytes], seconds: float, own: Path | None) -> list[Verdict]:
    """The verdicts on a copy of the files, away from everybody else's."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for name, content in files.items():
            Path(folder, name).write_bytes(content)
        return exercises.check(key.exercise, Path(folder, f"{key.exercise}.py"), key.seed, seconds, own)


def _mark(answer: Answer, known: Known) -> Mark:
    return Mark(known[answer.key][1]) if answer.key else Mark([], _printable(answer.problem))


def _is_known(record: tuple[float, list[Verdict]] | None, seconds: float) -> bool:
    """Whether there is a verdict that holds. What was too slow may do with more time; memory may have been short."""
    if record is None:
        return False
    had, verdicts = record
    causes = {key for v in verdicts for key in v.keys}
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
            Verdict(v["function"], v["passed"], v["total"], tuple(v["keys"]), tuple(v["lines"]), v["printed"])
            for v in kept["verdicts"]]) for kept in record["verdicts"]}
        written = record["table"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"{path} is not what tinyvae exercises grade writes ({type(error).__name__}: {error}); move "
                         "it away, or give --csv another name") from None
    if table.exists() and _sha(table.read_bytes()) != written:
        raise FileExistsError(f"{table} was changed since it was written, and would be overwritten; move it away, or "
                              "give --csv another name")
    return known, written


def _save(path: Path, known: Known, table: str) -> None:
    records = [{"of": key._asdict(), "seconds": seconds, "verdicts": [v._asdict() for v in verdicts]}
               for key, (seconds, verdicts) in sorted(known.items())]
    with replacing(path) as file:
        file.write((json.dumps({"table": table, "verdicts": records}, indent=1) + "\n").encode())


# ---- the table --------------------------------------------------------------------------------------


def _table(marks: dict[str, dict[str, Mark]], out_of: dict[str, int], seed: int) -> bytes:
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
    return f"{name[:3]} " + ", ".join(f"{v.function} [{', '.join(v.keys)}]" for v in mark.verdicts if not v.ok)


def _cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula: those begin with =, +, -, @ or white space before them."""
    return _printable(text if text[:1].isalnum() else f"'{text}")


def _printable(text: str) -> str:
    """Text without control characters, and without what UTF-8 cannot hold."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


# ---- the pages --------------------------------------------------------------------------------------

PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{student}</title>
<style>
  :root {{ color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }}
  body {{ max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
  table {{ border-collapse: collapse; }}
  td, th {{ text-align: left; padding: .1rem 1.5rem .1rem 0; font-weight: normal; }}
  pre {{ white-space: pre-wrap; overflow-wrap: anywhere; padding-left: 1rem; border-left: .2rem solid #888; }}
  footer {{ margin-top: 3rem; opacity: .7; }}
</style>
<h1>{student}</h1>
<p>{points} of {out_of} points</p>
<table>
{rows}
</table>
{sections}
<footer>tinyvae {version}, seed {seed}. The same by yourself: tinyvae exercises check --all --seed {seed}</footer>
</html>
"""
SEAL = "<!-- {} -->\n"  # the SHA-256 of all before it: a page that anybody has changed no longer fits its own


def _write_pages(folder: Path, marks: dict[str, dict[str, Mark]], out_of: dict[str, int], seed: int) -> None:
    for student, file_name in _page_names(marks).items():
        of = marks[student]
        rows = [f"<tr><th>{name}<td>{mark.points} of {out_of[name]}" for name, mark in of.items()]
        sections = [f"<h2>{name}</h2>\n<pre>{_shown(mark.problem or report(name, mark.verdicts))}</pre>"
                    for name, mark in of.items()]
        page = PAGE.format(student=_shown(student), points=sum(m.points for m in of.values()), seed=seed,
                           out_of=sum(out_of.values()), rows="\n".join(rows), sections="\n".join(sections),
                           version=tinyvae.__version__)
        with replacing(folder / file_name) as file:
            file.write((page + SEAL.format(_sha(page.encode()))).encode())


def _refuse_to_overwrite(page: Path) -> None:
    """FileExistsError if somebody has written into a page, or if it is none of these."""
    content = page.read_bytes() if page.exists() else b""
    body, _, _ = content.rpartition(b"<!-- ")
    if content and content != body + SEAL.format(_sha(body)).encode():
        raise FileExistsError(f"{page} is not as it was written, and would be overwritten; move it away, or give "
                              "--report another folder")


def _shown(text: str) -> str:
    """Any text as HTML that shows it, line by line."""
    return html.escape("\n".join(map(_printable, text.expandtabs(4).split("\n"))))


def _page_names(students: Iterable[str]) -> dict[str, str]:
    """A file name for each student, and no two the same where capitals do not count."""
    names: dict[str, str] = {}
    for student in students:
        plain = re.sub(r"[^\w.-]", "_", student)[:60].lstrip(".")
        if plain != student or f"{plain}.html".casefold() in map(str.casefold, names.values()):
            plain += f"-{_sha(os.fsencode(student))[:8]}"
        names[student] = f"{plain}.html"
    return names
