"""The notebooks in the real nbgrader: generate_assignment, autograde and generate_feedback on made-up submissions.

    pip install -e ".[test,nbgrader]"
"""

import copy
import csv
import html
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import proof
import pytest

from tinyvae.cli import main

pytestmark = pytest.mark.skipif(importlib.util.find_spec("nbgrader") is None,
                                reason="nbgrader is not installed: pip install -e '.[nbgrader]'")

NAME = "e04_dense"
STUB = "# YOUR CODE HERE\n    raise NotImplementedError()"
RIGHT = {"dense_forward": "return x @ W + b", "dense_backward": "return dy @ W.T, x.T @ dy, dy.sum(axis=0)",
         "squared_error_backward": "return (y - t) / len(y)"}
# What each student wrote in place of what is right, the score, and what the feedback says.
STUDENTS = {
    "right": ({}, 3, "e04 dense_backward   ok   9 checks pass"),
    "wrong": ({"squared_error_backward": "return y - t"}, 2, "summed over the batch where the loss averages"),
    "stub": (dict.fromkeys(RIGHT, STUB), 0, "e04 dense_forward   not written yet"),
    "unreadable": ({"dense_forward": "return x @@ W"}, 2, "did the cell that defines it run?"),
    "endless": ({"dense_forward": "while True: pass"}, 2, "was interrupted. Look for a loop that never ends"),
    "leaves": ({"dense_forward": "raise SystemExit"}, 2, "ended the program: SystemExit"),
    "prints": ({"dense_forward": "import sys; print('hm', file=sys.stderr); return x @ W + b"}, 2, "but it prints 'hm"),
    "warns": ({"dense_forward": "import warnings; warnings.warn('hm'); return x @ W + b"}, 3, "dense_forward   ok"),
    "value": ({"dense_forward": "return x @ W"}, 2, "b is missing"),
    "crash": ({"dense_forward": "import os; os._exit(1)"}, 0, None),
}


def nbgrader(course: Path, *arguments: str) -> subprocess.CompletedProcess:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # it calls alembic by name
    home = str(course.parent)  # whose settings are nobody's
    environment = os.environ | {"PATH": path, "HOME": home, "USERPROFILE": home, "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, "-m", "nbgrader", *arguments], cwd=course, env=environment, check=False,
                          capture_output=True, encoding="utf-8", errors="replace")


def read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def label(cell: dict) -> str:
    return cell["metadata"].get("nbgrader", {}).get("grade_id", "")


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course in which all that nbgrader does was done."""
    course = tmp_path_factory.mktemp("nbgrader") / "course"
    assert main(["exercises", "release", str(course), "--ipynb", "--only", "e04", "--masters", str(proof.MASTERS)]) == 0
    done = nbgrader(course, "generate_assignment", NAME)
    assert done.returncode == 0, done.stderr
    released = read(course / "release" / NAME / f"{NAME}.ipynb")
    for student, (written, _, _) in STUDENTS.items():
        submission = copy.deepcopy(released)
        for cell in submission["cells"]:
            if answer := (RIGHT | written).get(label(cell)):
                cell["source"] = "".join(cell["source"]).replace(STUB, answer)
            elif student == "value" and label(cell) == "test-dense_forward":
                cell["source"] = "'full points'"  # nbgrader gives them to what float() cannot read
        folder = course / "submitted" / student / NAME
        folder.mkdir(parents=True)
        (folder / f"{NAME}.ipynb").write_text(json.dumps(submission), encoding="utf-8")
    course.joinpath("log").write_text(nbgrader(course, "autograde", NAME, "--Execute.timeout=5").stderr, "utf-8")
    for command in (["generate_feedback", NAME], ["export"]):
        done = nbgrader(course, *command)
        assert done.returncode == 0, done.stderr
    return course


def test_nbgrader_makes_the_same_release_as_we_do(course):
    theirs, ours = read(course / "release" / NAME / f"{NAME}.ipynb"), read(course / "students" / f"{NAME}.ipynb")
    for cell, own in zip(theirs["cells"], ours["cells"], strict=True):
        assert "".join(cell["source"]) == "".join(own["source"])
        assert cell["id"] == own["id"]
        marks = {key: value for key, value in cell["metadata"].get("nbgrader", {}).items()
                 if key not in ("checksum", "cell_type")}
        assert marks == own["metadata"].get("nbgrader", {})
        assert cell["metadata"].get("editable") == own["metadata"].get("editable")


@pytest.mark.parametrize("student", STUDENTS)
def test_the_scores_are_right(course, student):
    with open(course / "grades.csv", encoding="utf-8", newline="") as file:
        scores = {row["student_id"]: (float(row["score"]), float(row["max_score"])) for row in csv.DictReader(file)}
    assert scores[student] == (STUDENTS[student][1], 3)


@pytest.mark.parametrize("student", STUDENTS)
def test_the_feedback_has_the_diagnosis(course, student):
    words, page = STUDENTS[student][2], course / "feedback" / student / NAME / f"{NAME}.html"
    if words is None:  # a kernel that dies has no feedback: nbgrader leaves that student to the instructor
        assert not page.exists()
        assert f"error processing assignment '{NAME}' for student '{student}'" in (course / "log").read_text("utf-8")
        return
    text = html.unescape(re.sub("<[^>]+>", "", page.read_text(encoding="utf-8")))
    assert words in text


def test_a_right_test_cell_gives_a_report_and_no_value(course):
    cells = read(course / "autograded" / "right" / NAME / f"{NAME}.ipynb")["cells"]
    outputs = [cell["outputs"] for cell in cells if label(cell).startswith("test-")]
    assert [[output.get("name", output["output_type"]) for output in of] for of in outputs] == [["stdout"]] * 3
