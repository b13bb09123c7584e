"""tinyvae evaluate: what a run's model is worth on the test set, measured, kept and printed."""

import math
import time
from textwrap import indent
from typing import Any

import numpy as np

import tinyvae
from tinyvae import datasets, evaluation, plots
from tinyvae.checkpoint import load_state, save
from tinyvae.cli.runs import Run, save_picture
from tinyvae.cli.train import compared
from tinyvae.exact import is_linear
from tinyvae.foundation.files import write_json
from tinyvae.foundation.progress import progress_bar
from tinyvae.foundation.text import table
from tinyvae.rows import Rows, probable
from tinyvae.rows import rows as checked

BOUND_SAMPLES = 10  # of z for each test row, for the bound
ROWS_PER_SEED = 20  # test rows that draw their noise from one seed
SAVE_SECONDS = 30.0
FEW = 10  # effective samples, below which an estimate of log p(x) is little more than a better bound


def evaluate(args) -> int:
    run = Run.open(args.folder)
    found = measure(run, args.samples, args.rows, args.quiet)
    log_p, given = ("log p(x|y)", "x,y") if run.config.conditional else ("log p(x)", "x")
    error = "" if found["standard_error"] is None else f" ± {found['standard_error']:.2f}"
    sampling = "" if found["sampling_error"] is None else f", which adds {found['sampling_error']:.2g}"
    few = ""
    if found["median_effective_samples"] < FEW:
        few = "; so few make it little more than a better bound: take more --samples"
    largest = sorted(found["kl_per_dimension"], reverse=True)
    rows = [
        ["ELBO", f"{found['test_elbo']:.2f}   (distortion {found['test_reconstruction']:.2f}, the reconstruction; "
                 f"rate {found['test_kl']:.2f}, the KL)"],
        [log_p, f"{found['test_log_likelihood']:.2f}{error}   (± one standard error over the rows; {args.samples} "
                "importance samples,"],
        ["", f"worth {found['median_effective_samples']:.3g} in the median row{sampling}{few})"],
        *[["", "of grey pixels, to which a Bernoulli gives no probability: not to be compared"]] * _grey(run),
        ["gap", f"{found['gap']:.2f}   ({log_p} - ELBO, what q(z|{given}) falls short)"],
        ["active units", f"{found['active_units']} of {len(found['unit_variance'])}   (variance of mu over x above "
                         "0.01)"],
        ["KL by dimension", f"{' '.join(f'{kl:.2f}' for kl in largest[:10])}{' …' * (len(largest) > 10)}   (largest "
                            "first)"]]
    if "exact_log_likelihood" in found:
        rows.insert(3, ["exactly", f"{found['exact_log_likelihood']:.2f}   (a linear model: in closed form)"])
    if first := found.get("first_row"):
        rows.append(["the first row", first["why"] if "why" in first else
                     f"{log_p} {first['log_p']:.2f}, KL(q(z|{given}) || p(z|{given})) {first['kl_to_posterior']:.2f}   "
                     "(over a grid)"])
        if "picture" in first:
            rows.append(["", str(run.folder / first["picture"])])
    print(f"on {found['test_rows']} test rows of {found['data']}, binarization {found['binarization']}, in nats:")
    print(indent(table(rows + compared(run, found)), "  "))
    print(f"written to {run.folder / 'evaluation.json'}; of each row: {run.folder / found['of_each_row']}")
    return 0


def measure(run: Run, samples: int, rows: int, quiet: bool = False) -> dict:
    """Bound, log p(x), KLs and active units on the first `rows` test rows; also written to evaluation.json."""
    vae, (x, y) = run.vae, run.labelled(run.data.test)
    M = min(rows, len(x))
    for_x, for_bound = run.generators()
    if run.rule == "dynamic":  # of all rows, so that the pixels of one do not depend on how many were asked for
        x = datasets.binarize(x, run.rule, for_x, bool)
    blocks = checked(vae, x, y, run.rule)[: math.ceil(M / ROWS_PER_SEED) * ROWS_PER_SEED]
    seen = blocks[:M]
    bound = evaluation.elbo(vae, seen, n_samples=BOUND_SAMPLES, rng=for_bound)
    depends_on = {"importance_samples": samples, "seed": run.config.seed, "binarization": run.binarization,
                  "fingerprint": run.data.fingerprint}
    estimate = _log_likelihoods(run, blocks, depends_on, quiet).first(M)
    active, variance = evaluation.active_units(vae, seen)
    log_p = float(estimate.log_p.mean())
    found = {f"test_{name}": value for name, value in bound.items()} | {
        "latent_samples": BOUND_SAMPLES,
        "test_log_likelihood": log_p,
        "standard_error": float(estimate.log_p.std(ddof=1) / M**0.5) if M > 1 else None,  # over the images
        "sampling_error": float((estimate.standard_error**2).sum() ** 0.5 / M) if samples > 1 else None,
        "median_effective_samples": float(np.median(estimate.effective_samples)),
        "gap": log_p - bound["elbo"],
        "active_units": active, "unit_variance": variance.tolist(),
        "kl_per_dimension": evaluation.kl_per_dimension(vae, seen).tolist(),
        "unit": "nats", "test_rows": M, "of_each_row": f"evaluation-{samples}.npz", "data": run.data.name,
        "version": tinyvae.__version__, **depends_on}
    if is_linear(vae):
        found["exact_log_likelihood"] = float(evaluation.linear_log_likelihood(vae, seen).mean())
    if vae.latent_dim == 2:
        found["first_row"] = _posterior(run, seen[:1])
    write_json(run.folder / "evaluation.json", found)
    return found


def _grey(run: Run) -> bool:
    """Whether a run has no log p(x), because it was asked to leave its pixels grey."""
    try:
        probable(run.vae, checked(run.vae, *run.labelled(run.data.test), run.rule))
    except ValueError:
        return True
    return False


def _posterior(run: Run, row: Rows) -> dict:
    """log p(x) of one row and KL(q(z|x) || p(z|x)), by quadrature over the two latent dimensions; and its picture."""
    vae, shape, (x, y) = run.vae, run.data.image_shape, row.draw()
    mu, logvar = (a[0].astype(float) for a in vae.encode(x, y))  # (2,) each
    span = max(5.0, (abs(mu) + 6 * np.exp(0.5 * logvar)).max().item())
    try:
        exact = evaluation.exact_posterior(vae, x, y, span=span)
        found: dict[str, Any] = {"log_p": exact.log_p, "kl_to_posterior": exact.kl_from(mu, logvar)}
    except ValueError as error:  # a posterior too far away or too narrow for the grid: the rest is as good without it
        return {"log_p": None, "kl_to_posterior": None, "why": str(error)}
    if shape is not None:
        found["picture"] = save_picture(plots.posterior(vae, x, y, shape, span=span), run.folder / "posterior.png").name
    return found


def _log_likelihoods(run: Run, data: Rows, depends_on: dict, quiet: bool) -> evaluation.Estimate:
    """log p(x) of each row, kept block by block: an interrupted evaluation loses nothing it had finished."""
    K, saved = depends_on["importance_samples"], time.monotonic()
    path, known = run.folder / f"evaluation-{K}.npz", np.empty((2, 0))  # (2, rows so far)
    if path.exists():
        vae, state, arrays = load_state(path)
        if arrays.keys() != {"log_p", "effective_samples"} or len({a.size for a in arrays.values()}) != 1:
            raise ValueError(f"{path} is not what tinyvae evaluate writes; delete it")
        if state == depends_on and np.array_equal(vae.theta, run.vae.theta):
            known = np.stack([arrays["log_p"], arrays["effective_samples"]])
    done = kept = min(known.shape[1], len(data))

    def keep() -> None:
        save(path, run.vae, depends_on, {"log_p": known[0], "effective_samples": known[1]})

    try:
        with progress_bar(not quiet, total=len(data), initial=done, desc="log p(x)", unit="x", delay=2) as bar:
            for start in range(done, len(data), ROWS_PER_SEED):
                block = data[start : start + ROWS_PER_SEED]
                part = evaluation.importance_sampling(run.vae, block, K, [depends_on["seed"], start])
                known = np.hstack([known, part[:2]])
                bar.update(len(part.log_p))
                if time.monotonic() - saved >= SAVE_SECONDS:
                    keep()
                    saved, kept = time.monotonic(), known.shape[1]
    finally:  # also on Ctrl-C
        if known.shape[1] > kept:
            keep()
    return evaluation.Estimate(known[0], known[1], K)
