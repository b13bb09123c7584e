"""docs/results.md says nothing that is not in the files beside it."""

import importlib.util
import json
import re
from pathlib import Path

import pytest

from tinyvae.cli.recipes import RECIPES
from tinyvae.cli.settings import Config

DOCS = Path(__file__).parent.parent / "docs"
FILES = sorted((DOCS / "results").glob("*.json"))

spec = importlib.util.spec_from_file_location("collect", DOCS / "results" / "collect.py")
collect = importlib.util.module_from_spec(spec)
spec.loader.exec_module(collect)


def test_the_table_is_what_the_files_say():
    page = (DOCS / "results.md").read_text(encoding="utf-8")
    table = page.split(collect.BEGIN)[1].split(collect.END)[0]
    assert table == collect.table()
    assert len(table.splitlines()) == 2 + len(FILES)


def test_every_number_of_the_page_with_a_decimal_point_is_in_its_table():
    page = (DOCS / "results.md").read_text(encoding="utf-8")
    head, rest = page.split(collect.BEGIN)
    table, tail = rest.split(collect.END)
    decimals = re.compile(r"\d+\.\d+")
    known = set(decimals.findall(table)) | {"0.01"}  # the threshold of an active unit
    assert set(decimals.findall(head + tail)) <= known


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_result_belongs_to_its_recipe(path):
    result = json.loads(path.read_text(encoding="utf-8"))
    settings, recipe = result["settings"], RECIPES[result["settings"]["recipe"]]
    config = Config(**settings | {"hidden": tuple(settings["hidden"])})
    assert result["published"] == recipe.published(config)
    assert result["command"] == f"tinyvae train --recipe {config.recipe} {collect.differences(config)}".rstrip()
    found = result["evaluation"]
    assert found["fingerprint"] == result["data"]["fingerprint"]
    assert found["test_rows"] == result["data"]["test"]
    assert found["gap"] == pytest.approx(found["test_log_likelihood"] - found["test_elbo"])
    assert found["seed"] == settings["seed"]
    assert found["binarization"] == result["binarization"]
    if result["published"] is not None:  # of all of MNIST's test images, and log p(x) as the papers estimate it
        assert found["test_rows"] == 10_000
        assert result["measure"] == "test_elbo" or found["importance_samples"] == 5000
    assert result["seconds"] > 0
