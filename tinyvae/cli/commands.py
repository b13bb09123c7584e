"""The command line: tinyvae train | recipes | evaluate | sample | plot | gradcheck | data | exercises."""

import argparse
import dataclasses
import io
import os
import shutil
import sys
from pathlib import Path
from typing import NoReturn

import tinyvae


def main(argv: list[str] | None = None) -> int:
    """Run one command; 0 if it went well, 2 for bad input, 1 for a run or check that failed, 130 for Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows no "±" shows a "?"
    args = _parser().parse_args(argv)
    try:
        return args.run(args)
    except FloatingPointError as error:
        return _say(error, 1)
    except BrokenPipeError:  # whoever read our output has seen enough, as `head` does
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  for the interpreter's last flush
        return 141
    except OSError as error:
        named = f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error)
        return _say(named, 2)
    except MemoryError as error:
        return _say(f"not enough memory ({error}); take smaller sizes", 2)
    except (ValueError, TypeError) as error:
        return _say(error, 2)
    except KeyboardInterrupt as error:
        return _say(str(error) or "interrupted", 130)


def _say(error, status: int) -> int:
    print(f"tinyvae: {error}", file=sys.stderr)
    return status


# ---- the commands ----------------------------------------------------------------------------------

FEW = 10  # effective samples, below which an estimate of log p(x) is little more than a better bound


def train(args) -> int:
    from tinyvae.cli import recipes, runs
    from tinyvae.datasets.load import NAMES

    given = {field.name: getattr(args, field.name) for field in dataclasses.fields(runs.Config)
             if hasattr(args, field.name)}
    base = recipes.find(given["recipe"]).config if "recipe" in given else runs.Config()
    for name in ("data", "data_dir"):  # the run can then be found from any folder
        if name in given and given[name] not in NAMES and os.path.exists(given[name]):
            given[name] = os.path.abspath(given[name])
    folder = args.out
    if args.resume and folder is None:
        raise ValueError("--resume needs --out FOLDER: the run to go on with")
    if args.resume and (folder / "config.json").exists():
        config = runs.read(folder)
        for name, value in given.items():
            if getattr(config, name) != value:
                raise ValueError(f"--{name.replace('_', '-')} {value} was given, but the run in {folder} has "
                                 f"{getattr(config, name)}; leave the option out, or start a new run")
        if runs.finished(folder):
            print(f"{folder} is finished: nothing to do. Look at it with: tinyvae plot {folder}")
            return 0
    else:
        config = dataclasses.replace(base, **given)
    folder, found = runs.train(config, folder, args.resume, args.quiet)
    say = (lambda text: None) if args.quiet else print
    say(f"Test ELBO {found['test_elbo']:.2f} nats (reconstruction {found['test_reconstruction']:.2f}, "
        f"KL {found['test_kl']:.2f}; binarization: {found['binarization']})")
    if not args.quiet:
        _compare(config, found, folder)
    for path in sorted(folder.iterdir()):
        say(f"  {path}")
    if not (folder / "samples.png").exists():
        say("The rows are no images, so there are no pictures of samples and reconstructions.")
    another = f"sample {folder}" if config.latent_dim == 2 else "train --latent-dim 2"
    say(f"Next: {_program()} evaluate {folder}   or: {_program()} {another}")
    return 0


def recipes(args) -> int:
    from tinyvae.cli.recipes import RECIPES, options

    for name, recipe in RECIPES.items():
        print(f"{name}: {recipe.what}\n  from: {recipe.source}")
        for changes, value in recipe.variants:
            command = f"tinyvae train --recipe {name} {options(changes)}".rstrip()
            published = "" if value is None else f"   ({recipe.measure.replace('_', ' ')} {value:.2f} nats)"
            print(f"    {command}{published}")
    return 0


def evaluate(args) -> int:
    from tinyvae.cli import runs

    found = runs.evaluate(args.folder, args.samples, args.rows, args.quiet)
    config = runs.read(args.folder)
    log_p, given = ("log p(x|y)", "x,y") if config.conditional else ("log p(x)", "x")
    error = "" if found["standard_error"] is None else f" ± {found['standard_error']:.2f}"
    print(f"on {found['test_rows']} test rows of {found['data']}, binarization {found['binarization']}, in nats:")
    print(f"  ELBO             {found['test_elbo']:.2f}   (distortion {found['test_reconstruction']:.2f}, the "
          f"reconstruction; rate {found['test_kl']:.2f}, the KL)")
    print(f"  {log_p:16} {found['test_log_likelihood']:.2f}{error}   (± one standard error over the rows; "
          f"{args.samples} importance samples,")
    sampling = "" if found["sampling_error"] is None else f", which adds {found['sampling_error']:.2g}"
    few = ""
    if found["median_effective_samples"] < FEW:
        few = "; so few make it little more than a better bound: take more --samples"
    print(f"{'':19}worth {found['median_effective_samples']:.3g} in the median row{sampling}{few})")
    if "exact_log_likelihood" in found:
        print(f"  exactly          {found['exact_log_likelihood']:.2f}   (a linear model: in closed form)")
    print(f"  gap              {found['gap']:.2f}   ({log_p} - ELBO, what q(z|{given}) falls short)")
    print(f"  active units     {found['active_units']} of {len(found['unit_variance'])}   "
          "(variance of mu over x above 0.01)")
    largest = sorted(found["kl_per_dimension"], reverse=True)
    print(f"  KL by dimension  {' '.join(f'{kl:.2f}' for kl in largest[:10])}{' …' if len(largest) > 10 else ''}   "
          "(largest first)")
    if first := found.get("first_row"):
        print("  the first row    " + (first["why"] if "why" in first else
              f"{log_p} {first['log_p']:.2f}, KL(q(z|{given}) || p(z|{given})) {first['kl_to_posterior']:.2f}   "
              "(over a grid)"))
        if "picture" in first:
            print(f"{'':19}{args.folder / first['picture']}")
    _compare(config, found, args.folder)
    print(f"written to {args.folder / 'evaluation.json'}; of each row: {args.folder / found['of_each_row']}")
    return 0


def sample(args) -> int:
    import numpy as np

    from tinyvae import plots
    from tinyvae.cli import runs
    from tinyvae.foundation.files import replacing

    _config, vae, data = runs.open_run(args.folder)
    if args.out.exists():
        raise FileExistsError(f"{args.out} exists; give --out another name")
    if args.label is not None and not vae.n_classes:
        raise ValueError(f"--label {args.label} was given, but the model in {args.folder} is not conditional on "
                         "labels; leave it out, or train one with --conditional")
    y = args.label if args.label is not None else np.arange(args.n) % vae.n_classes if vae.n_classes else None
    if args.out.suffix == ".png" and data.image_shape is None:
        raise ValueError(f"rows of {vae.data_dim} numbers are no images; use --out samples.npy")
    if args.out.suffix == ".npy":
        with replacing(args.out) as file:
            np.save(file, vae.sample(args.n, args.seed, y))
    elif args.out.suffix == ".png":
        figure = plots.samples(vae, args.n, args.seed, y, data.image_shape)
        with replacing(args.out) as file:
            figure.savefig(file, format="png", dpi=120)
    else:
        raise ValueError(f"--out {args.out} must end in .png (a picture) or .npy (the numbers)")
    print(f"wrote {args.n} samples to {args.out}")
    return 0


def plot(args) -> int:
    from tinyvae.cli import runs

    config, vae, data = runs.open_run(args.folder)
    for path in runs.draw(args.folder, config, vae, data, runs.read_history(args.folder)):
        print(f"  {path}")
    return 0


def gradcheck(args) -> int:
    import numpy as np

    from tinyvae.gradcheck import cases, cells, check_gradients, table

    rng = np.random.default_rng(args.seed)
    rows, wrong = [["what", "arrays", "complex step", "differences", "worst at", "verdict"]], []
    for title, what, inputs in cases(rng):
        report = check_gradients(what, *inputs, rng=rng)
        worst = report.worst
        place, verdict = cells(worst)[2:]
        by_complex = max(row.complex_error or 0.0 for row in report.rows)
        by_difference = max(row.central_error for row in report.rows)
        rows.append([title, str(len(report.rows)), f"{by_complex:.1e}", f"{by_difference:.1e}",
                     f"{worst.name} {place}", verdict])
        if not report.ok:
            wrong.append(report)
    print(table(rows))
    for report in wrong:
        print(f"\n{report}")
    print(f"{len(rows) - 1 - len(wrong)} of {len(rows) - 1} gradients agree with both numerical derivatives")
    return 1 if wrong else 0


def data(args) -> int:
    from tinyvae import datasets

    found = datasets.load(args.name, data_dir=args.data_dir)
    print(found)
    for part, split in (("train", found.train), ("test", found.test)):
        print(f"  {part:5}  {len(split.x)} rows, {split.x.dtype}, values {split.x.min():g} to {split.x.max():g}"
              + (f", labels 0 to {split.y.max()}" if split.y is not None else ""))
    print(f"  sha256 of the contents: {found.fingerprint}")
    return 0


def _compare(config, found: dict, folder: Path) -> None:
    """Print the published value of a recipe, and the command whose value can stand beside it, if this was not it."""
    from tinyvae.cli.recipes import RECIPES

    recipe = RECIPES.get(config.recipe)
    published = recipe and recipe.published(config)
    if recipe is None or published is None:
        return
    by_samples = recipe.measure == "test_log_likelihood"
    what = "log p(x) of all test rows by 5000 samples" if by_samples else "ELBO of all test rows"
    print(f"  published        {published:.2f}   ({what}; {recipe.source})")
    if found.get("test_rows", 10_000) < 10_000 or (by_samples and found.get("importance_samples") != 5000):
        samples = " --samples 5000" if by_samples else ""
        print(f"  to compare: {_program()} evaluate {folder}{samples} --rows 10000")


def _program() -> str:
    """How the user calls this program, for a line to copy."""
    if Path(sys.argv[0]).stem != "tinyvae":
        return "python -m tinyvae"
    return "tinyvae" if shutil.which("tinyvae") == sys.argv[0] else sys.argv[0]  # another one may be on the path


# ---- the options -----------------------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


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

    t = command(train, "train a model and draw its pictures",
                "--latent-dim 2 --epochs 150", "--conditional --latent-dim 4",
                "--data mine.npz --likelihood gaussian-shared",
                "--data mnist --data-dir FOLDER --hidden 200,200 --latent-dim 50")
    from tinyvae.datasets import BINARIZATIONS  # light, and needed for the choices

    def option(*names, **kwargs):
        # SUPPRESS: an option that was not given is not in the result, so that --resume can tell.
        t.add_argument(*names, default=argparse.SUPPRESS, **kwargs)

    option("--recipe", help="settings of a published experiment, which the other options change; see tinyvae recipes")
    option("--data", help="mnist-small (bundled, the default), mnist, fashion-mnist, or a file of your own: .npy "
           "(rows), .npz (x and, for labels, y), .csv (labels in a column y or label), IDX")
    option("--data-dir", help="folder of the IDX files of mnist or fashion-mnist")
    option("--epochs", type=_whole(0), help="passes over the data (40)")
    option("--batch-size", type=_whole(1), help="examples in a minibatch (128)")
    option("--latent-dim", type=_whole(1), help="dimensions of z (20)")
    option("--hidden", type=_sizes, help="hidden units, such as 400 or 200,200; 0 for a linear model (400)")
    option("--likelihood", choices=["bernoulli", "gaussian", "gaussian-shared", "gaussian-network"],
           help="p(x|z); gaussian: sigma 1, -shared: one learned sigma, -network: sigma from the decoder (bernoulli)")
    option("--activation", choices=["ReLU", "Tanh", "Softplus", "Sigmoid"], help="of the hidden layers (ReLU)")
    option("--conditional", action="store_true", help="condition encoder and decoder on the label")
    option("--binarization", choices=BINARIZATIONS, help="of grey pixels (dynamic for bernoulli, else none)")
    option("--objective", choices=["elbo", "iwae"], help="bound to maximize (elbo)")
    option("--samples", type=_whole(1), help="latent samples for each example (1)")
    option("--beta", type=_number(at_least=0), help="weight of the KL (1)")
    option("--free-bits", type=_number(at_least=0), help="nats of KL that each latent dimension has for free (0)")
    option("--warmup", type=_number(at_least=0), help="epochs during which beta rises from 0 (0)")
    option("--optimizer", choices=["adam", "muon", "adagrad", "sgd"],
           help="muon: orthogonal steps for weight matrices; sgd has a momentum of 0.9 (adam)")
    option("--lr", type=_number(above=0), help="learning rate (0.001)")
    option("--schedule", choices=["constant", "cosine", "staged"],
           help="of the learning rate: constant, down to 0 along a cosine, or the eight stages of IWAE (constant)")
    option("--adam-eps", type=_number(above=0), help="Adam's eps (1e-8)")
    option("--init", choices=["glorot", "normal"], help="of the weights; normal: N(0, 0.01^2), AEVB (glorot)")
    option("--bias-from-data", action="store_true", help="start the decoder's last bias at the mean image")
    option("--validation", type=_whole(0), help="training examples held out; at most a tenth (1000)")
    option("--seed", type=_whole(0), help="of all randomness (0)")
    t.add_argument("--out", type=Path, help="folder of the run (runs/DATA-N)")
    t.add_argument("--resume", action="store_true",
                   help="go on with the run in --out, or start it; settings cannot change")
    t.add_argument("--quiet", action="store_true", help="say nothing unless something is wrong")

    command(recipes, "list the published experiments that train can run", "")

    e = command(evaluate, "measure a model on its test set", "runs/mnist-small-1 --samples 1000")
    e.add_argument("folder", type=Path, metavar="RUN", help="folder that tinyvae train made")
    e.add_argument("--samples", type=_whole(1), default=200, help="importance samples for log p(x) (200)")
    e.add_argument("--rows", type=_whole(1), default=1000, help="test rows to use, from the first on (1000)")
    e.add_argument("--quiet", action="store_true", help="no progress bar")

    s = command(sample, "draw from a model", "runs/mnist-small-1 --n 100 --out digits.png")
    s.add_argument("folder", type=Path, metavar="RUN", help="folder that tinyvae train made")
    s.add_argument("--n", type=_whole(1), default=100, help="how many (100)")
    s.add_argument("--label", type=_whole(0), help="of all samples of a conditional model (each label in turn)")
    s.add_argument("--seed", type=_whole(0), default=0, help="of the draws (0)")
    s.add_argument("--out", type=Path, default=Path("samples.png"),
                   help="a .png file of means E[x|z], or a .npy file of draws x (samples.png)")

    p = command(plot, "draw the pictures of a run again", "runs/mnist-small-1")
    p.add_argument("folder", type=Path, metavar="RUN", help="folder that tinyvae train made")

    g = command(gradcheck, "check every gradient of the package", "--seed 1")
    g.add_argument("--seed", type=_whole(0), default=0, help="of parameters, inputs and cotangents (0)")

    d = command(data, "show a data set, and download it if need be", "mnist")
    d.add_argument("name", nargs="?", default="mnist-small", help="as for train --data (mnist-small)")
    d.add_argument("--data-dir", help="folder of the IDX files of mnist or fashion-mnist")

    from tinyvae.exercises import commands as course

    text = "do the exercises of the course, and be told what is wrong"
    course.add(commands.add_parser("exercises", help=text, description=text, allow_abbrev=False), _whole)
    return parser


def _whole(at_least: int):
    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = at_least - 1
        if value < at_least:
            raise argparse.ArgumentTypeError(f"{text!r} was given; expected a whole number, at least {at_least}")
        return value

    return parse


def _number(above: float = -1.0, at_least: float = 0.0):
    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not (above < value < float("inf") and value >= at_least):
            bound = f"above {above:g}" if above >= 0 else f"at least {at_least:g}"
            raise argparse.ArgumentTypeError(f"{text!r} was given; expected a number {bound}")
        return value

    return parse


def _sizes(text: str) -> tuple[int, ...]:
    if text == "0":
        return ()
    return tuple(_whole(1)(part) for part in text.split(","))
