"""The pages: every link, name, test and exercise that they mention is there; every tutorial has all of its parts."""

import ast
import importlib.util
import inspect
import re
from importlib import import_module
from pathlib import Path

import elsewhere
import pytest
from calls import Calls

import tinyvae as tv

ROOT = Path(__file__).parent.parent
TUTORIALS = [
    "00_a_digit_from_nothing", "01_latent_variables", "02_any_distribution_from_a_gaussian", "03_the_lower_bound",
    "04_what_the_decoder_says", "05_dense_layers_by_hand", "06_trust_but_differentiate",
    "07_the_reparameterization_trick", "08_the_kl_term", "09_training_on_mnist", "10_looking_into_the_latent_space",
    "11_how_good_is_it", "12_when_the_posterior_collapses", "13_telling_it_the_class", "14_tighter_bounds",
    "15_the_bug_museum", "16_from_here_to_pytorch"]
PATHS = [ROOT / "tutorials" / f"{name}.md" for name in TUTORIALS]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *PATHS]
HEADER = """\
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# {} """

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
each_tutorial = pytest.mark.parametrize("page", PATHS, ids=lambda page: page.stem)


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def prose_of(page: Path) -> str:
    """The text without blocks of code and without formulas."""
    return re.sub(r"^ *```.*?^ *```|\$\$.*?\$\$|\$[^$\n]+\$", "", text_of(page), flags=re.DOTALL | re.MULTILINE)


def code_of(page: Path) -> list[str]:
    """The blocks of Python, those of notebooks included."""
    return re.findall(r"^```(?:python|\{code-cell\}[^\n]*)\n(.*?)^```", text_of(page), re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """What GitHub and the site make of headings."""
    headings = re.findall(r"^#+ (.*)$", prose_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


# {name: dotted path} of every module outside the exercises: pages call tinyvae.cli.recipes simply recipes.
MODULES = {"tv": "tinyvae", "tinyvae": "tinyvae"} | {
    path.stem: ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (ROOT / "tinyvae").rglob("[a-z]*.py") if "exercises" not in path.parts} | {
    path.parent.name: ".".join(path.relative_to(ROOT).parts[:-1]) for path in (ROOT / "tinyvae").glob("*/__init__.py")}


def find(name: str):
    """What a page calls tv.ELBO or gaussian.kl."""
    first, *rest = name.split(".")
    thing = import_module(MODULES[first])
    for part in rest:
        thing = getattr(thing, part)
    return thing


# ---- every page ----------------------------------------------------------------------------------


@each_page
def test_links_lead_to_files_and_headings_that_exist(page):
    prose = re.sub(r"`[^`]*`", "", prose_of(page))
    links = re.findall(r"\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$|(?:src|href)=\"([^\"]+)\"", prose, re.MULTILINE)
    for link in map("".join, links):
        if re.match(r"https?:|mailto:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link
    defined = re.findall(r"^\[([^\]]+)\]: ", prose, re.MULTILINE)
    assert set(re.findall(r"\]\[([^\]]+)\]", prose)) <= set(defined)


@each_page
def test_python_on_a_page_is_python(page):
    for block in code_of(page):
        ast.parse(block)


@each_page
def test_names_in_the_text_are_names_in_the_code(page):
    modules = "|".join(MODULES.keys() - {"vae"})  # which is what a model is called
    for name in re.findall(rf"`((?:{modules})(?:\.\w+)+)(?:\(\))?`", prose_of(page)):
        if not name.endswith((".py", ".npz", ".json", ".csv", ".png", ".md")):
            assert find(name) is not None
    tests = "".join(map(text_of, (ROOT / "tests").rglob("test_*.py")))
    for name in re.findall(r"`(test_\w+)`", prose_of(page)):
        assert f"def {name}(" in tests


@each_page
def test_a_formula_with_a_number_has_no_line_breaks_that_mathjax_refuses(page):
    """Sphinx puts what has a double backslash into a split environment, where no \\tag may be; \\cr does the same."""
    for formula in re.findall(r"\$\$(.*?)\$\$", text_of(page), re.DOTALL):
        assert not (r"\tag" in formula and r"\\" in formula), formula


# ---- the tutorials -------------------------------------------------------------------------------


@each_tutorial
def test_a_tutorial_has_all_of_its_parts(page):
    text, number = text_of(page), page.stem[:2]
    assert text.startswith(HEADER.format(number))
    parts = ["**You will** ", "**You will learn** ", "**You need** ", "```{code-cell}", "## On your own", "**Sources**"]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    exercises = re.findall(r"\be\d\d\b", "".join(re.findall(r"^\*\*Exercises? .*$", text, re.MULTILINE)))
    assert exercises
    for exercise in exercises:
        assert list((ROOT / "tinyvae" / "exercises" / "stubs").glob(f"{exercise}_*.py")), exercise
    assert "assert " in "".join(code_of(page))


@each_tutorial
def test_a_tutorial_leads_to_its_neighbours(page):
    at = PATHS.index(page)
    end = text_of(page).rstrip().split("\n\n")[-1]
    for neighbour in TUTORIALS[max(at - 1, 0) : at] + TUTORIALS[at + 1 : at + 2]:
        assert f"]({neighbour}.md)" in end


@each_tutorial
def test_a_tutorial_is_a_notebook(page):
    jupytext = pytest.importorskip("jupytext")
    notebook = jupytext.read(page)
    assert notebook.metadata.kernelspec.name == "python3"
    assert sum(cell.cell_type == "code" for cell in notebook.cells) == len(code_of(page))


def test_there_are_no_other_tutorials():
    assert sorted(path.stem for path in (ROOT / "tutorials").glob("*.md")) == TUTORIALS


# ---- the index of equations, the reference, the table of contents --------------------------------

INDEX = ROOT / "docs" / "equations.md"
TARGETS = dict(re.findall(r"^\[([^\]]+)\]: (\S+)$", text_of(INDEX), re.MULTILINE))
ROWS = [row for row in re.findall(r"^\| (.*) \|$", text_of(INDEX), re.MULTILINE) if not row.endswith(" exercise")]


@pytest.mark.parametrize("row", ROWS, ids=[row.split(" | ")[0] for row in ROWS])
def test_an_entry_of_the_index_leads_to_function_test_page_and_exercise(row):
    _, functions, test, pages, exercises = row.split(" | ")
    for name in re.findall(r"`(.+?)`", functions):
        assert callable(find(name)) or isinstance(find(name), property)
    for words, file in re.findall(r"\[(.+?)\]\[(.+?)\]", test):
        name = "test_" + words.replace(" ", "_")
        assert f"\ndef {name}(" in text_of(INDEX.parent / TARGETS[file])
    for number in re.findall(r"\[(.+?)\]", pages):
        assert (page := (INDEX.parent / TARGETS[number]).resolve()) in PATHS
        assert page.stem.startswith(number)
    for exercise in re.findall(r"\[(.+?)\]", exercises):
        assert (INDEX.parent / TARGETS[exercise]).name.startswith(exercise)
        assert (INDEX.parent / TARGETS[exercise]).exists()
    for cell in (functions, test, pages, exercises):
        assert cell == "–" or "`" in cell or "[" in cell


def cited_by(row: str) -> tuple[set[tuple[str, str]], set[str]]:
    """The functions of a row, as (module, name), and the tests that it cites for them."""
    _, functions, tests, *_ = row.split(" | ")
    names = (name.partition(".") for name in re.findall(r"`(.+?)`", functions))
    cited = {f"{TARGETS[file].removeprefix('../tests/')}::test_{words.replace(' ', '_')}"
             for words, file in re.findall(r"\[(.+?)\]\[(.+?)\]", tests)}
    return {(MODULES[module], name) for module, _, name in names}, cited


def test_the_tests_of_the_index_call_the_functions_they_are_cited_for():
    rows = [(functions, tests) for functions, tests in map(cited_by, ROWS) if functions]
    assert all(tests for _, tests in rows)
    if not importlib.util.find_spec("torch"):  # the oracle of some tests: they run where it is installed
        rows = [(functions, tests) for functions, tests in rows if not any("test_oracles" in test for test in tests)]
    cited = {test: set() for _, tests in rows for test in sorted(tests)}
    for functions, tests in rows:
        for test in tests:
            cited[test] |= functions
    seen, output = elsewhere.run(ROOT, list(cited), Calls(cited))
    assert not seen.failed, output[-2000:]
    for functions, tests in rows:
        called = {test: functions & seen.called[test] for test in tests}
        assert set().union(*called.values()) == functions, f"{sorted(tests)} do not call all of {sorted(functions)}"
        assert all(called.values()), f"one of {sorted(tests)} calls nothing of {sorted(functions)}"


def test_the_index_has_every_page_and_every_exercise():
    rows = "".join(ROWS)
    for number in [*(name[:2] for name in TUTORIALS), *(f"e{i:02}" for i in range(1, 16))]:
        assert f"[{number}]" in rows


@pytest.mark.parametrize("paper", ["AEVB", "IWAE"])
def test_the_index_has_every_equation_that_the_code_cites(paper):
    code = "".join(map(text_of, (ROOT / "tinyvae").rglob("*.py")))
    cited = {n for pair in re.findall(rf"{paper} eq\. \(?(\d+)\)?(?: and (\d+))?", code) for n in pair if n}
    table = text_of(INDEX).split(f"| {paper} |")[1].split("\n\n")[0]
    listed = {n for numbers in re.findall(r"^\| eq\. ([\d, ]+)", table, re.MULTILINE) for n in numbers.split(", ")}
    assert cited
    assert cited <= {n.strip() for n in listed}


def public(module: str) -> set[str]:
    """The functions and classes that a module defines, or says are its own."""
    thing = import_module(f"tinyvae.{module}")
    mine = getattr(thing, "__all__", vars(thing))
    return {name for name in mine if not name.startswith("_") and callable(getattr(thing, name))
            and getattr(thing, name).__module__.startswith(thing.__name__)}


def test_the_reference_has_every_public_name():
    page = text_of(ROOT / "docs" / "api.md")
    shown = set(re.findall(r"^\.\. auto(?:class|function):: tinyvae\.(\S+)", page, re.MULTILINE))
    modules = re.findall(r"^\.\. automodule:: tinyvae\.([\w.]+)\n   :members:((?: .*|\n {6}.*)*)", page, re.MULTILINE)
    for module, members in modules:
        shown |= set(re.findall(r"\w+", members)) or public(module)
    assert {name for name in tv.__all__ if not inspect.ismodule(getattr(tv, name))} <= shown
    for module in ("functions", "gaussian", "evaluation", "plots", "datasets"):
        assert public(module) <= shown


def test_every_page_is_in_the_table_of_contents():
    contents = text_of(ROOT / "docs" / "index.md")
    for page in (ROOT / "docs").glob("*.md"):
        assert page.stem == "index" or re.search(rf"^(.* <)?{page.stem}>?$", contents, re.MULTILINE), page.stem
    assert "\ntutorials/[0-9]*\n" in contents
