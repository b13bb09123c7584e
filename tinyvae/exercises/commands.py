"""tinyvae exercises start | check | status | hint | release | grade."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path


def start(args) -> int:
    from tinyvae.exercises import course

    made, kept = course.start(args.folder)
    if kept:
        print(f"{len(kept)} files were there already and stay as they are; {len(made)} added.")
    enter = "" if args.folder.resolve() == Path.cwd() else f"cd {args.folder}, "
    print(f"{args.folder} holds the exercises. Next: {enter}open e04_dense.py in an editor, and type: "
          "tinyvae exercises check e04")
    return 0


def check(args) -> int:
    from tinyvae.exercises import catalogue, course
    from tinyvae.exercises.check import check

    if bool(args.ids) == args.all:
        raise ValueError("name the exercises to check, as in: tinyvae exercises check e04; or say --all")
    known = catalogue.names(args.dir)
    names = list(known.values()) if args.all else [catalogue.find(text, known) for text in args.ids]
    if args.watch:
        if args.all or len(names) != 1:
            raise ValueError("--watch is for one exercise, as in: tinyvae exercises check e04 --watch")
        course.watch(names[0], course.answer(names[0], args.dir), args.seed)
    paths = [course.answer(name, args.dir) for name in names]
    right = 0
    for name, path in zip(names, paths, strict=True):
        verdicts = check(name, path, args.seed, own=args.dir)
        right += all(v.ok for v in verdicts)
        print(course.report(name, verdicts), flush=True)
    if len(names) > 1:
        print(f"{right} of {len(names)} exercises are right")
    return 0 if right == len(names) else 1


def status(args) -> int:
    from tinyvae.exercises import course

    rows = course.status(args.dir)
    width = max(len(name) for name, _, _ in rows)
    for name, word, left in rows:
        print(f"{name:{width}}  {word:9}  {left}".rstrip())
    done = sum(word == "done" for _, word, _ in rows)
    print(f"[{'#' * done}{'.' * (len(rows) - done)}]  {done} of {len(rows)} done")
    return 0


def hint(args) -> int:
    from tinyvae.exercises import catalogue, course

    name = catalogue.find(args.id, catalogue.names(args.dir))
    number, of, text = course.hint(name, args.dir)
    print(f"{name[:3]}, hint {number} of {of}: {text}")
    return 0


def release(args) -> int:
    from tinyvae.exercises import release as releasing

    masters = releasing.masters(args.masters)
    chosen = {name: masters[name] for name in _only(args.only, masters)}
    problems = releasing.release(args.out, chosen, args.ipynb)
    for problem in problems:
        print(f"tinyvae: {problem}", file=sys.stderr)
    if problems:
        print("tinyvae: nothing was released", file=sys.stderr)
        return 1
    print("The audit: no marker and no solution line is left; every stub compiles, and its functions fail as not "
          f"written; every master ({len(chosen)}) passes its check.")
    if args.ipynb:
        print(f"{args.out / 'source'} is for nbgrader and holds the solutions: keep it. {args.out / 'students'} can be "
              f"handed out: {', '.join(chosen)}")
    else:
        print(f"{args.out} can be handed out: {', '.join(chosen)}")
    return 0


def grade(args) -> int:
    from tinyvae.exercises import catalogue
    from tinyvae.exercises import grade as grading
    from tinyvae.exercises.release import masters

    if args.masters:
        masters(args.masters)  # that there are any
    names = _only(args.only, catalogue.names(args.masters).values())
    done = grading.grade(args.submissions, names, args.seed, args.csv, args.report, args.masters, args.seconds,
                         args.jobs)
    print(f"{done.students} students, {len(names)} exercises, {done.points} points: {done.run} files were run, "
          f"{done.known} were known from before.")
    if done.left_out:
        print(f"Left out, for they are links or no folders: {', '.join(done.left_out)}")
    if done.unusual:
        print("These took too long or broke off; look at them yourself:", *done.unusual, sep="\n  ")
    print(f"{args.csv} has the points" + (f", {args.report} a page for each student" if args.report else ""))
    return 0


def _only(text: str | None, names: Iterable[str]) -> list[str]:
    """Those of the names that --only asks for; without it, all of them."""
    from tinyvae.exercises import catalogue

    by_id = {name[:3]: name for name in names}
    words = by_id if text is None else text.split(",")
    return list(dict.fromkeys(catalogue.find(word.strip(), by_id) for word in words))


def _folder(text: str) -> Path:
    if not text:  # most likely a shell variable that is not set
        raise argparse.ArgumentTypeError("the name of the folder is empty; for this folder, type .")
    return Path(text)


def add(parser: argparse.ArgumentParser, whole) -> None:
    """The commands and their options; `whole(at_least)` parses a whole number."""
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(run, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(run.__name__, help=text, description=text, allow_abbrev=False)
        sub.set_defaults(run=run)
        return sub

    def here(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("--dir", type=_folder, default=Path(), help="folder of your exercises (this one)")

    s = command(start, "make a folder of exercises to do; nothing that is there is overwritten")
    s.add_argument("folder", type=_folder, metavar="DIR", help="a new folder, or one with exercises to add to")
    c = command(check, "check answers, and say what is wrong")
    c.add_argument("ids", nargs="*", metavar="ID", help="such as e04")
    c.add_argument("--all", action="store_true", help="check all exercises")
    c.add_argument("--watch", action="store_true", help="check again each time the file is saved")
    c.add_argument("--seed", type=whole(0), default=0, help="of the numbers an answer is checked on (0)")
    here(c)
    here(command(status, "show how far you are"))
    h = command(hint, "one hint at a time, from gentle to plain")
    h.add_argument("id", metavar="ID", help="such as e04")
    here(h)
    r = command(release, "for instructors: make stubs or notebooks from masters with solutions, and audit them")
    r.add_argument("out", type=_folder, metavar="OUT", help="a new folder for what students get")
    r.add_argument("--ipynb", action="store_true", help="notebooks instead, with nbgrader's metadata")
    _instructors(r)
    g = command(grade, "for instructors: check the submissions of a class")
    g.add_argument("submissions", type=_folder, metavar="SUBMISSIONS",
                   help="folder that holds a folder for each student")
    g.add_argument("--seed", type=whole(0), required=True, help="of the numbers answers are checked on")
    g.add_argument("--csv", type=Path, required=True, metavar="FILE", help="the table to write, such as grades.csv")
    g.add_argument("--report", type=_folder, metavar="FOLDER",
                   help="also write a page for each student into this folder")
    g.add_argument("--seconds", type=whole(1), default=60, help="after which a file is stopped (60)")
    g.add_argument("--jobs", type=whole(1), default=0, help="files at a time (one for each core)")
    _instructors(g)


def _instructors(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--only", metavar="IDS", help="such as e01,e04 (all)")
    sub.add_argument("--masters", type=Path, metavar="FOLDER", help="of masters (tutorials/exercises of the checkout); "
                     "FOLDER/checkers has the checkers of exercises of your own")
