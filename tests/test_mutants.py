"""The tests tested: each known mistake is planted into a copy of the source, and its test must fail.

A mutant names the text it replaces, which must stand in the file exactly once: a refactoring that moves it breaks
the mutant loudly. A mutant that its test does not catch fails here, by its name.
"""

import shutil

import elsewhere
import pytest
from elsewhere import TESTS
from mutants import MUTANTS

PACKAGE = TESTS.parent / "tinyvae"
CASES = {name: (test, file, edits) for test, mutants in MUTANTS.items() for name, (file, edits) in mutants.items()}
FILES = sorted({test.split("::")[0] for test in MUTANTS})


@pytest.fixture
def package(tmp_path):
    """A copy of the package, to spoil."""
    shutil.copytree(PACKAGE, tmp_path / "tinyvae", ignore=shutil.ignore_patterns("__pycache__"))
    yield tmp_path / "tinyvae"
    shutil.rmtree(tmp_path / "tinyvae")  # pytest would keep 130 copies


@pytest.mark.parametrize("file", FILES)
def test_the_source_without_a_mistake_passes(file, package):
    tests = [test for test in MUTANTS if test.startswith(file)]
    outcomes, output = elsewhere.run(package.parent, tests, elsewhere.Outcomes())
    assert len({test.split("[")[0] for test in outcomes.of}) == len({test.split("[")[0] for test in tests})
    assert set(outcomes.of.values()) == {"passed"}, output[-2000:]


@pytest.mark.parametrize("name", CASES)
def test_the_suite_catches(name, package):
    test, file, edits = CASES[name]
    text = (package / file).read_text(encoding="utf-8")
    for old, new in edits:
        assert text.count(old) == 1, f"out of date: {old!r} stands {text.count(old)} times in {file}"
        text = text.replace(old, new)
    (package / file).write_text(text, encoding="utf-8")
    outcomes, output = elsewhere.run(package.parent, [test], elsewhere.Outcomes())
    assert "failed" in outcomes.of.values(), f"{test} does not see it:\n{output[-2000:]}"


def test_the_readme_counts_the_mutants():
    assert len(CASES) == sum(map(len, MUTANTS.values()))  # each has a name of its own
    assert f"plants {len(CASES)} well-known mistakes" in (TESTS.parent / "README.md").read_text(encoding="utf-8")
