"""The recipes: that each can run, and that a published value stands beside nothing but its own settings."""

from dataclasses import fields, replace

import pytest

import tinyvae as tv
from tinyvae.cli import settings
from tinyvae.cli.commands import _parser
from tinyvae.cli.recipes import RECIPES, find
from tinyvae.cli.runs import Run
from tinyvae.cli.settings import Config, options


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_runs(name, run, rows, here):
    small = ["--data", rows, "--epochs", 1, "--samples", 1, "--hidden", 8, "--latent-dim", 1]
    assert run("train", "--recipe", name, *small, "--quiet")[0] == 0
    config = Run.open(here / "runs" / f"{name}-1").config
    assert config == replace(RECIPES[name].config, data=str(rows), epochs=1, samples=1, hidden=(8,), latent_dim=1)
    assert tv.load(here / "runs" / f"{name}-1" / "model.npz").latent_dim == 1


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_names_itself_and_changes_only_settings_that_exist(name):
    recipe = find(name)
    assert recipe.config.recipe == name
    for changes, _ in recipe.variants:
        assert set(changes) <= {field.name for field in fields(Config)}


def test_a_published_value_belongs_to_its_settings_only():
    recipe = RECIPES["iwae-table1"]
    config = replace(recipe.config, objective="iwae", samples=50)
    assert recipe.published(config) == -84.78
    assert recipe.published(replace(config, seed=3, data_dir="elsewhere")) == -84.78
    assert recipe.published(replace(config, epochs=3)) is None
    assert recipe.published(replace(config, data="mnist-small")) is None


def test_the_staged_schedule_is_that_of_the_iwae_paper():
    steps = 3280 * 3000  # batches of 20 of 60,000 images
    lr = settings.SCHEDULES["staged"](1e-3, steps)
    start = 0
    for i in range(8):
        for t in (start, start + 3**i * 3000 - 1):
            assert lr(t) == pytest.approx(1e-3 * 10 ** (-i / 7), rel=1e-12)
        start += 3**i * 3000
    assert start == steps


def test_the_list_shows_commands_that_the_parser_takes(run):
    status, out, _ = run("recipes")
    assert status == 0
    lines = out.splitlines()
    for name, recipe in RECIPES.items():
        assert f"{name}: {recipe.what}" in lines
        for changes, value in recipe.variants:
            command = f"tinyvae train --recipe {name} {options(changes)}".rstrip()
            published = "" if value is None else f"   ({recipe.measure.replace('_', ' ')} {value:.2f} nats)"
            assert f"    {command}{published}" in lines
            given = vars(_parser().parse_args(command.split()[1:]))
            assert given.pop("recipe") == name
            assert {field: given[field] for field in changes} == changes


def test_settings_become_options_that_the_parser_reads_back():
    for changes in ({"hidden": (200, 100)}, {"hidden": ()}, {"conditional": True, "lr": 0.02}):
        given = vars(_parser().parse_args(["train", *options(changes).split()]))
        assert {field: given[field] for field in changes} == changes


def test_an_unknown_recipe_is_answered_with_the_nearest(run, here):
    status, _, err = run("train", "--recipe", "iwae-tabel")
    assert (status, "did you mean 'iwae-table1'?" in err) == (2, True)
    assert not list(here.iterdir())
