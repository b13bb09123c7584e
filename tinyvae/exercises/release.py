"""From masters with solutions to what students get, audited."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tinyvae.exercises import catalogue, notebook
from tinyvae.exercises.check import check
from tinyvae.exercises.course import README
from tinyvae.exercises.process import in_parallel
from tinyvae.foundation.files import take_name

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
STUB = ("# YOUR CODE HERE", "raise NotImplementedError()")  # as nbgrader writes them
TELLING = 12  # characters of a line that gives a solution away: `return y` does not
NOTEBOOKS = """\
Notebooks of the exercises. Keep source: it has the solutions.

    source/eNN_name/eNN_name.ipynb    for nbgrader; type here: nbgrader generate_assignment eNN_name
    students/eNN_name.ipynb           the same without solutions, to hand out where nbgrader is not used

Each function is worth one point. Its test cell calls tinyvae's checker, so a student needs tinyvae as well.
"""


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


def masters(folder: Path | None = None) -> dict[str, Path]:
    """{"e04_dense": path, …}: the masters in `folder`; by default those of the checkout that we are in."""
    if folder is None:
        places = [place / "tutorials" / "exercises" for place in (Path.cwd(), *Path.cwd().parents)]
        folder = next((place for place in places if place.is_dir()), None)
        if folder is None:
            raise FileNotFoundError(f"there is no tutorials/exercises in or above {Path.cwd()}; go to a checkout of "
                                    "tinyvae, or say --masters FOLDER")
    found = {path.stem: path for path in sorted(folder.glob("e[0-9][0-9]_*.py"))}
    if not found:
        raise FileNotFoundError(f"{folder} has no masters; expected files such as {folder / 'e04_dense.py'}")
    return found


def release(out: Path, chosen: dict[str, Path], notebooks: bool = False) -> list[str]:
    """Make the folder `out` for students from these masters, whole or not at all: then the audit's findings are given.

    With notebooks: for nbgrader, in out/source with solutions; and in out/students without.
    """
    if os.path.lexists(out):
        raise FileExistsError(f"{out} exists, and nothing in it is ever overwritten; give a folder that does not")
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = out.parent / f"{out.name}.{os.urandom(8).hex()}.part"
    draft.mkdir()
    try:
        stubs, problems = _strip_all(chosen)
        for name, text in stubs.items():
            (draft / f"{name}.py").write_bytes(text.encode())  # with the same line ends everywhere
        if not problems:
            problems = _audit(chosen, draft)
        if not problems and notebooks:
            problems = _make_notebooks(chosen, draft)
        elif not problems:
            (draft / "README.txt").write_bytes(_readme(stubs).encode())
            _copy_checkers(chosen, draft)
        if not problems:
            take_name(draft, out)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return problems


def _strip_all(chosen: dict[str, Path]) -> tuple[dict[str, str], list[str]]:
    """The stubs, by name; and of masters that do not make one, why."""
    stubs, problems = {}, []
    for name, path in chosen.items():
        try:
            stubs[name] = strip(path.read_text(encoding="utf-8-sig"))
            catalogue.checker(name, path.parent)
        except (ValueError, OSError) as error:
            problems.append(f"{path}: {error}")
    return stubs, problems


def _audit(chosen: dict[str, Path], stubs: Path) -> list[str]:
    """What is wrong with masters and stubs, a line each."""
    problems = []
    for name, path in chosen.items():
        taken = catalogue.names().get(name[:3], name)
        if taken != name:
            problems.append(f"{path}: the package has another {name[:3]}, {taken}; number your own from e16 to e99")
        left = leftovers(path.read_text(encoding="utf-8-sig"), (stubs / path.name).read_text(encoding="utf-8"))
        problems += [f"{path}: the stub would still hold {line!r}; say it in other words" for line in left]
    files = [*chosen.values(), *(stubs / path.name for path in chosen.values())]
    for path, verdicts in in_parallel(lambda path: check(path.stem, path, seconds=60.0, own=chosen[path.stem].parent),
                                      files, "audit"):
        master = chosen[path.stem]
        for v in verdicts:
            said = f"[{', '.join(v.causes)}] {v.lines[0]}" if v.causes else "it passes"
            if path == master and not v.ok:
                problems.append(f"{master}: {v.function} fails its own check: {said}")
            elif path != master and v.causes != ("stub",):
                problems.append(f"{master}: {v.function} of its stub does not fail as not written: {said}")
    return sorted(problems)


def leftovers(master: str, stub: str) -> list[str]:
    """Markers, and lines of solutions, that are in the stub as well."""
    kept = {line.strip() for line in stub.splitlines()}
    inside, solutions = False, set()
    for line in map(str.strip, master.splitlines()):
        inside = line == BEGIN or (inside and line != END)
        if inside and len(line) >= TELLING and line[0] != "#":
            solutions.add(line)
    markers = {line for line in kept if "BEGIN SOLUTION" in line or "END SOLUTION" in line}  # what nbgrader looks for
    return sorted(markers | kept & solutions)


def _make_notebooks(chosen: dict[str, Path], draft: Path) -> list[str]:
    """Put the notebooks in the place of the stubs in `draft`; what is wrong with them, a line each."""
    for name, path in chosen.items():
        functions, stub = catalogue.checker(name, path.parent).FUNCTIONS, draft / path.name
        for text, place in ((path.read_text(encoding="utf-8-sig"), draft / "source" / name),
                            (stub.read_text(encoding="utf-8"), draft / "students")):
            place.mkdir(parents=True, exist_ok=True)
            made = json.dumps(notebook.make(name, text, functions), indent=1, sort_keys=True, ensure_ascii=False)
            (place / f"{name}.ipynb").write_bytes(f"{made}\n".encode())
            _copy_checkers({name: path}, place)
        stub.unlink()
    (draft / "README.txt").write_bytes(NOTEBOOKS.encode())
    runs = in_parallel(lambda name: _run(draft / "source" / name / f"{name}.ipynb"), list(chosen), "notebooks")
    return sorted(f"{chosen[name]}: its notebook fails when it is run from top to bottom: {error}"
                  for name, error in runs if error)


def _run(path: Path) -> str:
    """Run all cells of a notebook in one process; the last line of what went wrong."""
    code = notebook.code(json.loads(path.read_text(encoding="utf-8")))
    done = subprocess.run([sys.executable, "-X", "utf8", "-"], input=code, cwd=path.parent, capture_output=True,
                          encoding="utf-8", check=False)
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1]


def _copy_checkers(chosen: dict[str, Path], folder: Path) -> None:
    """Exercises that are not the package's take their checkers with them."""
    for name, path in chosen.items():
        if name not in catalogue.names().values():
            (folder / "checkers").mkdir(exist_ok=True)
            shutil.copy(path.parent / "checkers" / path.name, folder / "checkers")


def _readme(stubs: dict[str, str]) -> str:
    titles = {f"{name}.py": (ast.get_docstring(ast.parse(text)) or name).splitlines()[0].removeprefix(f"{name[:3]}: ")
              for name, text in stubs.items()}
    width = max(map(len, titles))
    return "\n".join([README, "In this folder:\n", *(f"    {name:{width}}  {of}" for name, of in titles.items()), ""])
