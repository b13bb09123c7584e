"""docs/instructor.md: its commands are commands, its plan has every exercise, and its example works as it stands."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import proof
import pytest

import tinyvae
from tinyvae.cli import commands, main
from tinyvae.exercises import catalogue, course, notebook
from tinyvae.exercises.calls import here
from tinyvae.exercises.check import verdicts

PAGE = (proof.MASTERS.parents[1] / "docs" / "instructor.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    (tinyvae exercises .+)$", PAGE, re.M)
FILES = re.findall(r"This is `([^`]+)`:\n\n```python\n(.*?)```\n", PAGE, re.S)
NAME = "e20_experts"

RIGHT = {
    "loops": """
def product_of_experts(means, logvars):
    K, J = means.shape
    mu, logvar = np.empty(J), np.empty(J)
    for j in range(J):
        t = [1 / np.exp(logvars[k, j]) for k in range(K)]
        mu[j] = sum(t[k] * means[k, j] for k in range(K)) / sum(t)
        logvar[j] = np.log(1 / sum(t))
    return mu, logvar
""",
    "one expert after the other, as a Kalman filter does": """
def product_of_experts(means, logvars):
    mu, v = means[0], np.exp(logvars[0])
    for m, s in zip(means[1:], np.exp(logvars[1:])):
        gain = v / (v + s)
        mu, v = mu + gain * (m - mu), v * (1 - gain)
    return [mu, np.log(v)]
""",
    "float32 and softmax": """
def product_of_experts(means, logvars):
    a = -logvars.astype(np.float32)
    c = a.max(0)
    w = np.exp(a - c)
    return (w / w.sum(0) * means.astype(np.float32)).sum(0), -(c + np.log(w.sum(0)))
""",
}
BODY = "def product_of_experts(means, logvars):\n    t, v = np.exp(-logvars), np.exp(logvars)\n    return "
TRUE_MU, TRUE_LOGVAR = "(t * means).sum(0) / t.sum(0)", "-np.log(t.sum(0))"
MISTAKES = {
    "by-variance": f"{BODY}(v * means).sum(0) / v.sum(0), {TRUE_LOGVAR}",
    "unweighted": f"{BODY}means.mean(axis=0), {TRUE_LOGVAR}",
    "by-std": BODY.replace("-logvars", "-0.5 * logvars") + f"{TRUE_MU}, {TRUE_LOGVAR}",
    "average": f"{BODY}{TRUE_MU}, -np.log(t.mean(axis=0))",
    "scale:-1": f"{BODY}{TRUE_MU}, np.log(t.sum(0))",
}
UNLISTED = {
    "the median": f"{BODY}np.median(means, axis=0), {TRUE_LOGVAR}",
    "an expert forgotten": f"{BODY}(t * means)[1:].sum(0) / t[1:].sum(0), -np.log(t[1:].sum(0))",
    "the variance": f"{BODY}{TRUE_MU}, 1 / t.sum(0)",
}


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    """The two files of the page, where it says that they are."""
    folder = tmp_path_factory.mktemp("instructor")
    for path, text in FILES:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder / "mine"


def test_every_command_of_the_page_is_one():
    assert len(COMMANDS) > 6
    for command in COMMANDS:
        assert commands._parser().parse_args(shlex.split(command)[1:]).run


def test_the_plan_has_each_exercise_and_each_tutorial_once():
    rows = [row.split("|") for row in PAGE.splitlines() if re.match(r"\| \d \|", row)]
    assert [int(row[1]) for row in rows] == list(range(1, 7))
    assert sorted(re.findall(r"e\d\d", " ".join(row[4] for row in rows))) == list(catalogue.names())
    assert sorted(re.findall(r"\d\d", " ".join(row[3] for row in rows))) == [f"{i:02}" for i in range(17)]


def causes(mine: Path, path: Path, source: str, seed: int) -> set[str]:
    path.write_text((mine / f"{NAME}.py").read_text("utf-8") + f"\n{source}\n", encoding="utf-8")
    found = verdicts(catalogue.checker(NAME, mine), lambda calls: here(path, calls), seed)
    return {cause for verdict in found for cause in verdict.causes}


@pytest.mark.parametrize("answer", RIGHT)
def test_the_example_passes_right_answers(mine, tmp_path, answer):
    assert causes(mine, tmp_path / f"{NAME}.py", RIGHT[answer], 5) == set()


@pytest.mark.parametrize("key", MISTAKES)
def test_the_example_tells_its_mistakes(mine, tmp_path, key):
    for seed in range(2):
        assert causes(mine, tmp_path / f"{NAME}.py", MISTAKES[key], seed) == {key}


@pytest.mark.parametrize("answer", UNLISTED)
def test_the_example_names_no_wrong_cause(mine, tmp_path, answer):
    assert causes(mine, tmp_path / f"{NAME}.py", UNLISTED[answer], 5) == {"unknown"}


def test_every_advice_of_the_example_is_given_for_something(mine):
    checker = catalogue.checker(NAME, mine)
    assert checker.ADVICE.keys() <= MISTAKES.keys()
    assert len(checker.HINTS) == 3


def test_an_exercise_of_ones_own_is_released_checked_and_graded(mine, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(mine.parent)
    assert main(["exercises", "release", str(tmp_path / "week7"), "--masters", "mine"]) == 0
    monkeypatch.chdir(tmp_path / "week7")
    assert sorted(str(p).replace("\\", "/") for p in Path().rglob("*.*")) == [
        "README.txt", f"checkers/{NAME}.py", f"{NAME}.py"]
    capsys.readouterr()
    assert main(["exercises", "check", "e20"]) == 1
    assert capsys.readouterr().out == "e20 product_of_experts   not written yet\n"
    assert main(["exercises", "hint", "e20"]) == 0
    assert "e20, hint 1 of 3: Compute the precisions" in capsys.readouterr().out
    shutil.copy(mine / f"{NAME}.py", f"{NAME}.py")
    assert main(["exercises", "check", "e20"]) == 0
    for student in ("anna", "ben"):
        (tmp_path / "submissions" / student).mkdir(parents=True)
        shutil.copy(f"{NAME}.py", tmp_path / "submissions" / student)
    # A checker that a student handed in is never the one that is asked.
    (tmp_path / "submissions" / "ben" / f"{NAME}.py").write_text("def product_of_experts(means, logvars): return 0")
    (tmp_path / "submissions" / "ben" / "checkers").mkdir()
    (tmp_path / "submissions" / "ben" / "checkers" / f"{NAME}.py").write_text("raise SystemExit")
    assert main(["exercises", "grade", str(tmp_path / "submissions"), "--masters", str(mine), "--only", "e20",
                 "--seed", "7", "--csv", str(tmp_path / "week7.csv")]) == 0
    version = tinyvae.__version__
    assert (tmp_path / "week7.csv").read_text("utf-8-sig").splitlines()[1:] == [
        f'"anna",1,1,1,7,"{version}",""', f'"ben",0,0,1,7,"{version}","e20 product_of_experts [type]"']


def test_the_example_makes_a_notebook_that_finds_its_checker(mine, tmp_path, monkeypatch):
    monkeypatch.chdir(mine.parent)
    assert main(["exercises", "release", str(tmp_path / "course"), "--masters", "mine", "--ipynb"]) == 0
    path = tmp_path / "course" / "students" / f"{NAME}.ipynb"
    code = notebook.code(json.loads(path.read_text(encoding="utf-8")))
    done = subprocess.run([sys.executable, "-c", code], cwd=path.parent, capture_output=True, text=True, check=False)
    assert "e20 product_of_experts   not written yet" in done.stderr
    assert (tmp_path / "course" / "source" / NAME / "checkers" / f"{NAME}.py").is_file()


def test_own_checkers_never_stand_for_the_packages(tmp_path):
    (tmp_path / "checkers").mkdir()
    (tmp_path / "checkers" / "e04_dense.py").write_text("raise SystemExit")
    (tmp_path / "checkers" / "e04_mine.py").write_text("raise SystemExit")
    assert catalogue.names(tmp_path)["e04"] == "e04_dense"
    assert catalogue.checker("e04_dense", tmp_path) is catalogue.checker("e04_dense")
    shutil.copy(catalogue.STUBS / "e04_dense.py", tmp_path)
    assert course.hint("e04_dense", tmp_path)[1] == 3
