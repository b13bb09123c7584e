"""From run folders to docs/results.md: every number of the page comes out of a file in this folder.

    python docs/results/collect.py RUN …     copy what these finished and evaluated runs found into NAME.json here,
                                             and the picture that the page has of their recipe
    python docs/results/collect.py           write the table and the curves of docs/results.md anew from the files

NAME is the folder's name. A test compares the page with the files.
"""

import json
import os
import platform
import shutil
import sys
from dataclasses import asdict
from itertools import accumulate
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from tinyvae import evaluation, plots
from tinyvae.cli.recipes import RECIPES
from tinyvae.cli.runs import Run
from tinyvae.cli.settings import Config, options
from tinyvae.foundation.machine import processor
from tinyvae.training import History

HERE = Path(__file__).parent
PAGE, IMAGES = HERE.parent / "results.md", HERE.parent / "images"
BEGIN, END = "<!-- table: written by docs/results/collect.py -->\n", "<!-- end of table -->"
PICTURES = {"aevb": "manifold.png", "cvae": "samples.png", "doersch": "samples.png"}
ORDER = ("recipe", "latent_dim", "beta", "likelihood", "objective", "samples", "optimizer", "batch_size", "epochs",
         "schedule")  # of the rows: by the first of these in which two differ


def collect(folder: Path) -> dict:
    """What a run found, with all that it depends on."""
    run = Run.open(folder)
    config, history = run.config, History.load(folder / "history.csv")
    recipe = RECIPES[config.recipe]
    record, found = (json.loads((folder / name).read_text(encoding="utf-8"))
                     for name in ("config.json", "evaluation.json"))
    record["settings"]["data_dir"] = None  # where the files lay on this machine says nothing
    if config.recipe == "linear":  # the best linear model of the same training rows, for the same test rows
        best = evaluation.probabilistic_pca(run.data.train.x, config.latent_dim)
        test = run.data.test.x[: found["test_rows"]]
        found["closed_form"] = float(evaluation.linear_log_likelihood(best, test).mean())
    return {
        "command": f"tinyvae train --recipe {config.recipe} {differences(config)}".rstrip(),
        "measure": recipe.measure, "published": recipe.published(config), "source": recipe.source,
        "seconds": sum(row["seconds"] for row in history), "machine": machine(), **record, "curve": curve(history),
        "evaluation": found}


def curve(history: list[dict]) -> dict[str, list[float]]:
    """The training ELBO at some sixty epochs, densest at first."""
    minutes = [seconds / 60 for seconds in accumulate(row["seconds"] for row in history)]
    chosen = np.unique(np.geomspace(1, len(history), 60).round().astype(int)) - 1
    return {"epoch": [int(history[i]["epoch"]) for i in chosen], "minutes": [round(minutes[i], 2) for i in chosen],
            "elbo": [round(history[i]["elbo"], 2) for i in chosen]}


def differences(config: Config) -> str:
    """The options that make these settings out of their recipe's."""
    base = asdict(RECIPES[config.recipe].config)
    return options({name: value for name, value in asdict(config).items()
                    if value != base[name] and name != "data_dir"})


def machine() -> str:
    """The processor and how many of its cores."""
    return f"{os.cpu_count()} cores of {processor()}, {platform.system()}"


def results() -> dict[str, dict]:
    """What the files say, by their names without .json."""
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(HERE.glob("*.json"))}
    return dict(sorted(found.items(), key=lambda item: [item[1]["settings"][name] for name in ORDER]))


def table() -> str:
    """All results as a Markdown table."""
    lines = ["| command | binarization | published | ours | difference | training | seed |",
             "|---|---|---|---|---|---|---|"]
    for name, result in results().items():
        lines.append(row(result, f"{name}.json"))
    return "\n".join(lines) + "\n"


def row(result: dict, file: str) -> str:
    found, settings = result["evaluation"], result["settings"]
    published = difference = ""
    if result["published"] is not None:
        published = f"{result['published']:.2f}"
        difference = f"{found[result['measure']] - result['published']:+.2f}"
    measure = "ELBO" if result["measure"] == "test_elbo" else r"log p(x\|y)" if settings["conditional"] else "log p(x)"
    ours = f"{measure} [{found[result['measure']]:.2f}](results/{file})"
    if result["measure"] == "test_log_likelihood":
        ours += f" ± {found['standard_error']:.2f} (K = {found['importance_samples']}; {found['active_units']} active)"
    if "closed_form" in found:
        ours += f"; exactly {found['exact_log_likelihood']:.2f}, the best linear model {found['closed_form']:.2f}"
    return (f"| `{result['command']}` | {found['binarization']} | {published} | {ours} | {difference} "
            f"| {result['seconds'] / 60:.1f} min | {settings['seed']} |")


def draw() -> None:
    """Training bounds, of the fast recipes by minutes and of `aevb` by examples; rate and distortion by beta."""
    fig, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for result in results().values():
        settings = result["settings"]
        name = f"{settings['recipe']}, {settings['optimizer'].capitalize()}, {settings['epochs']} epochs"
        if settings["recipe"].startswith("fast-") and "curve" in result:
            axes[0].plot(result["curve"]["minutes"], result["curve"]["elbo"], label=name)
        if settings["recipe"] == "aevb":
            axes[1].plot(np.multiply(result["curve"]["epoch"], result["data"]["train"]), result["curve"]["elbo"],
                         label=f"aevb, J = {settings['latent_dim']}")
    axes[0].set(xlabel="minutes", ylabel="training ELBO in nats (of fast-iwae, too)", xscale="log", ylim=(-115, -85))
    axes[1].set(xlabel="training examples", ylabel="training ELBO in nats, grey pixels", xscale="log", ylim=(-180, -95))
    for ax in axes:
        ax.legend(fontsize=9)
        ax.grid(alpha=0.3)
    fig.savefig(IMAGES / "results.png", dpi=100)
    sweep = [result for result in results().values() if result["settings"]["recipe"] == "beta-sweep"]
    plots.rate_distortion({"kl": result["evaluation"]["test_kl"], "label": f"β = {result['settings']['beta']:g}",
                           "reconstruction": result["evaluation"]["test_reconstruction"]}
                          for result in sweep).savefig(IMAGES / "rate-distortion.png", dpi=100)


def main() -> None:
    for folder in map(Path, sys.argv[1:]):
        (HERE / f"{folder.name}.json").write_text(json.dumps(collect(folder), indent=1) + "\n", encoding="utf-8")
        picture = folder / PICTURES.get(Run.open(folder).config.recipe, "")
        if picture.is_file():
            shutil.copy(picture, IMAGES / f"{folder.name}.png")
    head, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    PAGE.write_text(head + BEGIN + table() + rest[rest.index(END):], encoding="utf-8")
    draw()


if __name__ == "__main__":
    main()
