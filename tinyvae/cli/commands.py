"""The command line: tinyvae train | recipes | evaluate | sample | plot | gradcheck | data | exercises."""

import argparse
import errno
import io
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import tinyvae
from tinyvae.cli import look
from tinyvae.cli.evaluate import evaluate
from tinyvae.cli.settings import add_options, whole
from tinyvae.cli.train import recipes, train
from tinyvae.exercises import commands as course
from tinyvae.foundation import machine
from tinyvae.foundation.checks import Doubt
from tinyvae.foundation.text import short

CLOSED = (errno.EPIPE, errno.EINVAL) if os.name == "nt" else (errno.EPIPE,)  # what writing to a closed pipe gives


def main(argv: list[str] | None = None) -> int:
    """Run one command: 0 if it went well, 2 for bad input, 1 for a run or check that failed, 130 for Ctrl-C, 143 for
    SIGTERM, 141 if nobody reads its output any more.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows no "±" shows a "?"
    status = 2
    try:
        with machine.terminable(), warnings.catch_warnings():
            warnings.simplefilter("always", Doubt)
            warnings.showwarning = _printer()
            args = _parser().parse_args(argv)
            done = args.run(args)
            sys.stdout.flush()  # now, where it can still be told that nobody reads
            return done
    except FloatingPointError as error:
        said, status = str(error), 1
    except machine.Terminated as error:
        said, status = str(error) or "terminated", 143
    except KeyboardInterrupt as error:
        said, status = str(error) or "interrupted", 130
    except OSError as error:
        if error.errno in CLOSED and error.filename is None:  # whoever read our output has seen enough, as `head` does
            sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  for the interpreter's last flush
            return 141
        said = f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error)
    except MemoryError as error:
        said = f"not enough memory ({error}); take smaller sizes"
    except (ValueError, TypeError) as error:
        said = str(error)
    print(f"tinyvae: {short(' '.join(said.split()))}", file=sys.stderr)
    return status


def _printer() -> Callable[..., None]:
    """What prints each warning once, as a line without its place in the code."""
    printed = set()

    def show(message, *where) -> None:
        if str(message) not in printed:
            print(f"tinyvae: {message}", file=sys.stderr)
            printed.add(str(message))

    return show


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {short(message)}; see {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser("tinyvae", description=tinyvae.__doc__, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"tinyvae {tinyvae.__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(run, text: str, *examples: str) -> argparse.ArgumentParser:
        lines = ["examples:", *(f"  tinyvae {run.__name__} {example}".rstrip() for example in examples)]
        sub = commands.add_parser(run.__name__, help=text, description=text, epilog="\n".join(lines),
                                  allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter)
        sub.set_defaults(run=run)
        return sub

    def run_folder(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("folder", type=Path, metavar="RUN", help="folder that tinyvae train made")

    t = command(train, "train a model and draw its pictures",
                "--latent-dim 2 --epochs 150", "--conditional --latent-dim 4",
                "--data mine.npz --likelihood gaussian-shared",
                "--data mnist --data-dir FOLDER --hidden 200,200 --latent-dim 50")
    add_options(t)
    t.add_argument("--out", type=Path, help="folder of the run (runs/DATA-N)")
    t.add_argument("--resume", action="store_true",
                   help="go on with the run in --out, or start it; settings cannot change")
    t.add_argument("--quiet", action="store_true", help="say nothing unless something is wrong")

    command(recipes, "list the published experiments that train can run", "")

    e = command(evaluate, "measure a model on its test set", "runs/mnist-small-1 --samples 1000")
    run_folder(e)
    e.add_argument("--samples", type=whole(1), default=200, help="importance samples for log p(x) (200)")
    e.add_argument("--rows", type=whole(1), default=1000, help="test rows to use, from the first on (1000)")
    e.add_argument("--quiet", action="store_true", help="no progress bar")

    s = command(look.sample, "draw from a model", "runs/mnist-small-1 --n 100 --out digits.png")
    run_folder(s)
    s.add_argument("--n", type=whole(1), default=100, help="how many (100)")
    s.add_argument("--label", type=whole(0), help="of all samples of a conditional model (each label in turn)")
    s.add_argument("--seed", type=whole(0), default=0, help="of the draws (0)")
    s.add_argument("--out", type=Path, default=Path("samples.png"),
                   help="a .png file of means E[x|z], or a .npy file of draws x (samples.png)")

    run_folder(command(look.plot, "draw the pictures of a run again", "runs/mnist-small-1"))

    g = command(look.gradcheck, "check every gradient of the package", "--seed 1")
    g.add_argument("--seed", type=whole(0), default=0, help="of parameters, inputs and cotangents (0)")

    d = command(look.data, "show a data set, and download it if need be", "mnist")
    d.add_argument("name", nargs="?", default="mnist-small", help="as for train --data (mnist-small)")
    d.add_argument("--data-dir", help="folder of the IDX files of mnist or fashion-mnist")

    text = "do the exercises of the course, and be told what is wrong"
    course.add(commands.add_parser("exercises", help=text, description=text, allow_abbrev=False), whole)
    return parser
