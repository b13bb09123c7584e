"""tinyvae sample, plot, gradcheck and data: what looks at a run, at the gradients, or at data, and changes none."""

import numpy as np

from tinyvae import datasets, plots
from tinyvae.cli.runs import Run, save_picture
from tinyvae.foundation.files import replacing
from tinyvae.foundation.text import table
from tinyvae.gradcheck import cases, cells, check_gradients


def sample(args) -> int:
    run = Run.open(args.folder)
    vae, shape = run.vae, run.data.image_shape
    if args.out.exists():
        raise FileExistsError(f"{args.out} exists; give --out another name")
    if args.label is not None and not vae.n_classes:
        raise ValueError(f"--label {args.label} was given, but the model in {args.folder} is not conditional on "
                         "labels; leave it out, or train one with --conditional")
    y = args.label if args.label is not None else np.arange(args.n) % vae.n_classes if vae.n_classes else None
    if args.out.suffix == ".npy":
        with replacing(args.out) as file:
            np.save(file, vae.sample(args.n, args.seed, y))
    elif args.out.suffix != ".png":
        raise ValueError(f"--out {args.out} must end in .png (a picture) or .npy (the numbers)")
    elif shape is None:
        raise ValueError(f"rows of {vae.data_dim} numbers are no images; use --out samples.npy")
    else:
        save_picture(plots.samples(vae, args.n, args.seed, y, shape), args.out)
    print(f"wrote {args.n} samples to {args.out}")
    return 0


def plot(args) -> int:
    for path in Run.open(args.folder).draw():
        print(f"  {path}")
    return 0


def gradcheck(args) -> int:
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
    found = datasets.load(args.name, data_dir=args.data_dir)
    print(found)
    for part, split in (("train", found.train), ("test", found.test)):
        print(f"  {part:5}  {len(split.x)} rows, {split.x.dtype}, values {split.x.min():g} to {split.x.max():g}"
              + (f", labels 0 to {split.y.max()}" if split.y is not None else ""))
    print(f"  sha256 of the contents: {found.fingerprint}")
    return 0
