"""tinyvae train and tinyvae recipes: a run by its settings, or by those of a published experiment."""

import os
import shutil
import sys
from dataclasses import fields, replace
from pathlib import Path
from textwrap import indent

from tinyvae.cli.recipes import RECIPES, find
from tinyvae.cli.runs import Run
from tinyvae.cli.settings import Config, options
from tinyvae.datasets.load import NAMES
from tinyvae.foundation.text import table


def train(args) -> int:
    given = {field.name: getattr(args, field.name) for field in fields(Config) if hasattr(args, field.name)}
    for name in ("data", "data_dir"):  # the run can then be found from any folder
        if name in given and given[name] not in NAMES and os.path.exists(given[name]):
            given[name] = os.path.abspath(given[name])
    if args.resume and args.out is None:
        raise ValueError("--resume needs --out FOLDER: the run to go on with")
    if args.resume and ((args.out / "config.json").exists() or not (given or args.out.exists())):
        run = Run.open(args.out, finished=False)
        for name, value in given.items():
            if getattr(run.config, name) != value:
                raise ValueError(f"{options({name: value})} was given, but the run in {run.folder} has "
                                 f"{getattr(run.config, name)}; leave the option out, or start a new run")
        if run.finished:
            print(f"{run.folder} is finished: nothing to do. Look at it with: tinyvae plot {run.folder}")
            return 0
    else:
        base = find(given["recipe"]).config if "recipe" in given else Config()
        run = Run.new(replace(base, **given), args.out)
        if args.resume and not args.quiet:
            print(f"There is no run in {args.out} to resume: a new one begins.")
    found = run.train(args.quiet)
    if args.quiet:
        return 0
    print(f"Test ELBO {found['test_elbo']:.2f} nats (reconstruction {found['test_reconstruction']:.2f}, "
          f"KL {found['test_kl']:.2f}; binarization: {found['binarization']})")
    if rows := compared(run, found):
        print(indent(table(rows), "  "))
    for path in sorted(run.folder.iterdir()):
        print(f"  {path}")
    if not (run.folder / "samples.png").exists():
        print("The rows are no images, so there are no pictures of samples and reconstructions.")
    another = f"sample {run.folder}" if run.config.latent_dim == 2 else "train --latent-dim 2"
    print(f"Next: {program()} evaluate {run.folder}   or: {program()} {another}")
    return 0


def recipes(args) -> int:
    for name, recipe in RECIPES.items():
        print(f"{name}: {recipe.what}\n  from: {recipe.source}")
        for changes, value in recipe.variants:
            command = f"tinyvae train --recipe {name} {options(changes)}".rstrip()
            published = "" if value is None else f"   ({recipe.measure.replace('_', ' ')} {value:.2f} nats)"
            print(f"    {command}{published}")
    return 0


def compared(run: Run, found: dict) -> list[list[str]]:
    """For a recipe, lines of its published value and of the command to compare with it, if `found` can't be."""
    recipe = RECIPES.get(run.config.recipe or "")
    published = recipe and recipe.published(run.config)
    if recipe is None or published is None:
        return []
    by_samples = recipe.measure == "test_log_likelihood"
    what = "log p(x) of all test rows by 5000 samples" if by_samples else "ELBO of all test rows"
    rows = [["published", f"{published:.2f}   ({what}; {recipe.source})"]]
    if found.get("test_rows", 10_000) < 10_000 or (by_samples and found.get("importance_samples") != 5000):
        samples = " --samples 5000" if by_samples else ""
        rows.append(["to compare", f"{program()} evaluate {run.folder}{samples} --rows 10000"])
    return rows


def program() -> str:
    """How the user calls this program, for a line to copy."""
    if Path(sys.argv[0]).stem != "tinyvae":
        return "python -m tinyvae"
    return "tinyvae" if shutil.which("tinyvae") == sys.argv[0] else sys.argv[0]  # another one may be on the path
