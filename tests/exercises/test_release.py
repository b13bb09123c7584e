"""What an instructor hands out: stubs and notebooks, whole or not at all, and never a solution."""

import json
import re
import shutil
import subprocess
import sys

import proof
import pytest

from tinyvae.cli import main
from tinyvae.exercises import catalogue, notebook
from tinyvae.exercises.release import leftovers, strip

NAME = "e04_dense"
MASTER = (proof.MASTERS / f"{NAME}.py").read_text(encoding="utf-8")


def own(tmp_path, text=MASTER, name=NAME):
    """A folder of masters with one of that text."""
    folder = tmp_path / "masters"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", catalogue.names().values())
def test_each_stub_of_the_package_is_its_master_without_solutions(name):
    master = (proof.MASTERS / f"{name}.py").read_text(encoding="utf-8")
    stub = (catalogue.STUBS / f"{name}.py").read_text(encoding="utf-8")
    assert stub == strip(master), "make it again: tinyvae exercises release OUT, and copy it to tinyvae/exercises/stubs"
    assert leftovers(master, stub) == []


def test_strip_keeps_all_but_the_solution_and_its_indent():
    assert strip("def f(x):\n    y = 1\n    ### BEGIN SOLUTION\n    y += x\n    ### END SOLUTION\n    return y") == \
        "def f(x):\n    y = 1\n    # YOUR CODE HERE\n    raise NotImplementedError()\n    return y\n"


@pytest.mark.parametrize(("text", "words"), [
    ("### BEGIN SOLUTION\nx = 1\n", "no ### END"), ("x = 1\n### END SOLUTION\n", "line 2: ### END SOLUTION without"),
    ("### BEGIN SOLUTION\n### BEGIN SOLUTION\n", "line 2: ### BEGIN SOLUTION within")])
def test_markers_must_pair_up(text, words):
    with pytest.raises(ValueError, match=words):
        strip(text)


def test_release_makes_a_folder_a_student_can_work_in(tmp_path, monkeypatch, capsys):
    out = tmp_path / "Blatt 1" / "Übung"
    assert main(["exercises", "release", str(out), "--only", "e04, 7", "--masters", str(proof.MASTERS)]) == 0
    said = capsys.readouterr().out
    assert "no marker and no solution line is left" in said
    assert "every master (2) passes its check" in said
    assert sorted(p.name for p in out.iterdir()) == ["README.txt", "e04_dense.py", "e07_reparameterize.py"]
    assert (out / "e04_dense.py").read_bytes() == strip(MASTER).encode()
    assert "e04_dense.py           a dense layer, forward and backward." in (out / "README.txt").read_text("utf-8")
    monkeypatch.chdir(out)
    assert main(["exercises", "check", "e04"]) == 1
    assert capsys.readouterr().out.count("not written yet") == 3


def test_a_master_as_some_editors_on_windows_save_it_makes_the_same_stub(tmp_path):
    (own(tmp_path) / f"{NAME}.py").write_bytes(b"\xef\xbb\xbf" + MASTER.replace("\n", "\r\n").encode())
    for out, options in (("files", ()), ("notebooks", ("--ipynb",))):
        command = ["exercises", "release", str(tmp_path / out), "--masters", str(tmp_path / "masters"), *options]
        assert main(command) == 0
    assert (tmp_path / "files" / f"{NAME}.py").read_bytes() == strip(MASTER).encode()


def test_only_nothing_is_not_everything(tmp_path, capsys):
    assert main(["exercises", "release", str(tmp_path / "out"), "--only", "", "--masters", str(proof.MASTERS)]) == 2
    assert "there is no exercise ''" in capsys.readouterr().err


def test_masters_are_found_from_within_a_checkout_only(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(proof.MASTERS)
    assert main(["exercises", "release", str(tmp_path / "out"), "--only", "e04"]) == 0
    monkeypatch.chdir(tmp_path)
    assert main(["exercises", "release", "other"]) == 2
    error = capsys.readouterr().err
    assert "no tutorials/exercises in or above" in error
    assert "--masters FOLDER" in error
    assert error.count("\n") == 1
    assert main(["exercises", "release", "other", "--masters", str(tmp_path)]) == 2
    assert "has no masters; expected files such as" in capsys.readouterr().err


def test_nothing_is_ever_overwritten(tmp_path, capsys):
    masters = own(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "kept").write_text("mine")
    assert main(["exercises", "release", str(tmp_path / "out"), "--masters", str(masters)]) == 2
    assert "nothing in it is ever overwritten" in capsys.readouterr().err
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["kept"]


def test_an_unknown_exercise_is_named(tmp_path, capsys):
    masters = str(own(tmp_path))
    assert main(["exercises", "release", str(tmp_path / "out"), "--only", "e4,e99", "--masters", masters]) == 2
    assert "there is no exercise 'e99'" in capsys.readouterr().err


@pytest.mark.parametrize(("change", "words"), [
    (lambda t: t.replace("x @ W + b", "x @ W"), "dense_forward fails its own check: [missing:b]"),
    (lambda t: t.replace("A tiny example", "return (y - t) / len(y)\nA tiny example"),
     "the stub would still hold 'return (y - t) / len(y)'"),
    (lambda t: t.replace("A tiny example", "# BEGIN SOLUTION\nA tiny example"), "still hold '# BEGIN SOLUTION'"),
    (lambda t: t.replace("    ### END SOLUTION\n", "", 1), "### BEGIN SOLUTION within a solution"),
    (lambda t: re.sub(" *### (BEGIN|END) SOLUTION\n", "", t, count=2), "dense_forward of its stub does not fail"),
    (lambda t: t.replace("import numpy as np", "import nothing_such as np"), "ModuleNotFoundError"),
    (lambda t: f"def (\n{t}", "SyntaxError"),
])
def test_the_audit_refuses_and_names_the_file(tmp_path, capsys, change, words):
    masters = own(tmp_path, change(MASTER))
    assert main(["exercises", "release", str(tmp_path / "out"), "--masters", str(masters)]) == 1
    error = capsys.readouterr().err
    assert words in error
    assert all(line.startswith(f"tinyvae: {masters / f'{NAME}.py'}: ") for line in error.splitlines()[:-1])
    assert error.endswith("tinyvae: nothing was released\n")
    assert [p.name for p in tmp_path.iterdir()] == ["masters"]


def test_a_master_needs_a_checker_a_number_of_its_own_and_utf8(tmp_path, capsys):
    masters = own(tmp_path, name="e77_mine")
    (masters / "e04_dense.py").write_bytes(b"# caf\xe9")
    arguments = ["exercises", "release", str(tmp_path / "out"), "--masters", str(masters)]
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert f"e77_mine has no checker; expected {masters / 'checkers' / 'e77_mine.py'}" in error
    assert "e04_dense.py: 'utf-8' codec can't decode" in error
    (masters / "e04_dense.py").unlink()
    (masters / "checkers").mkdir()
    (masters / "checkers" / "e77_mine.py").write_text("FUNCTIONS = ()")
    assert main(arguments) == 1
    assert "is no checker of an exercise (AttributeError" in capsys.readouterr().err
    (masters / "e77_mine.py").unlink()
    for folder, source in ((masters, MASTER), (masters / "checkers", "")):
        (folder / "e04_mine.py").write_text(
            source or (catalogue.STUBS.parent / "checkers" / "e04_dense.py").read_text("utf-8"), "utf-8")
    assert main(arguments) == 1
    assert "the package has another e04, e04_dense; number your own from e16 to e99" in capsys.readouterr().err


# ---- notebooks --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def notebooks(tmp_path_factory):
    out = tmp_path_factory.mktemp("course") / "out"
    assert main(["exercises", "release", str(out), "--ipynb", "--only", "e04", "--masters", str(proof.MASTERS)]) == 0
    return out


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def test_notebooks_have_a_solution_cell_and_a_test_cell_worth_a_point_for_each_function(notebooks):
    assert sorted(str(p.relative_to(notebooks)).replace("\\", "/") for p in notebooks.rglob("*") if p.is_file()) == \
        ["README.txt", "source/e04_dense/e04_dense.ipynb", "students/e04_dense.ipynb"]
    source, student = (read(notebooks / place / f"{NAME}.ipynb") for place in (f"source/{NAME}", "students"))
    assert (source["nbformat"], source["nbformat_minor"]) == (4, 5)
    for made in (source, student):
        first, imports, *rest = made["cells"]
        assert first["cell_type"] == "markdown"
        assert "".join(first["source"]).startswith("# e04: a dense layer, forward and backward\n")
        assert imports["source"] == ["import numpy as np"]
        marks = [cell["metadata"]["nbgrader"] for cell in rest]
        functions = catalogue.checker(NAME).FUNCTIONS
        assert [m["grade_id"] for m in marks] == [i for f in functions for i in (f, f"test-{f}")]
        assert all(m["solution"] and not m["grade"] and not m["locked"] for m in marks[::2])
        assert all(m["grade"] and m["locked"] and m["points"] == 1 and not m["solution"] for m in marks[1::2])
        ids = [cell["id"] for cell in made["cells"]]
        assert len(set(ids)) == len(ids)
        assert all(re.fullmatch("[a-zA-Z0-9-_]{1,64}", i) for i in ids)
    text = json.dumps(student)
    assert "SOLUTION" not in text
    assert "x.T @ dy" not in text
    assert json.dumps(source).count("### BEGIN SOLUTION") == 3


def test_the_same_master_makes_the_same_bytes(notebooks, tmp_path):
    main(["exercises", "release", str(tmp_path / "out"), "--ipynb", "--only", "e04", "--masters", str(proof.MASTERS)])
    for path in (p for p in notebooks.rglob("*") if p.is_file()):
        assert (tmp_path / "out" / path.relative_to(notebooks)).read_bytes() == path.read_bytes()


def test_a_notebook_is_the_same_program_as_its_master():
    import ast

    text = ('"""Title.\n\nProse * with_signs,\n    and code * here\n"""\nimport math\nA = 1  # a\n\n# about f\n'
            '@staticmethod\ndef f(x):\n    ### BEGIN SOLUTION\n    return x\n    ### END SOLUTION\n\n\n'
            'def given(x):\n    return f(x)\n# more\n\nB = 2\n\ndef g(x):\n    ### BEGIN SOLUTION\n    return A\n'
            '    ### END SOLUTION\n    # the end\n')
    made = notebook.make("e50_x", text, ["f", "g"])
    assert ["".join(c["source"]).split("\n")[0] for c in made["cells"]] == [
        "# Title", "import math", "# about f", "from tinyvae.exercises.notebook import check", "def given(x):",
        "def g(x):", "from tinyvae.exercises.notebook import check"]
    made["cells"] = [c for c in made["cells"] if not c["metadata"].get("nbgrader", {}).get("grade")]
    assert ast.dump(ast.parse(notebook.code(made))) == ast.dump(ast.Module(ast.parse(text).body[1:], []))
    assert "".join(made["cells"][0]["source"]) == "# Title\n\nProse \\* with\\_signs,\n\n    and code * here"


def run(notebook_path, tmp_path, source):
    """Run a notebook's cells after `source` was written under its imports, as a kernel would."""
    made = read(notebook_path)
    for cell in made["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("solution") and source is not None:
            cell["source"] = source
            source = ""
    return subprocess.run([sys.executable, "-X", "utf8", "-c", notebook.code(made)], cwd=tmp_path, capture_output=True,
                          encoding="utf-8", check=False)


def test_a_test_cell_says_nothing_but_the_report_if_the_answer_is_right(notebooks, tmp_path):
    done = run(notebooks / "source" / NAME / f"{NAME}.ipynb", tmp_path, None)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("e04 dense_forward   ok   3 checks pass\n")


@pytest.mark.parametrize(("source", "words"), [
    ("", "there is no function dense_forward: did the cell that defines it run?"),
    ("def dense_forward(x, W, b): return x @ W", "AssertionError: e04 dense_forward   FAIL  [missing:b]"),
    ("def dense_forward(x, W, b): raise NotImplementedError()", "not written yet"),
    ("def dense_forward(x, W, b): raise SystemExit", "ended the program"),
    ("def dense_forward(x, W, b): raise KeyboardInterrupt", "was interrupted. Look for a loop that never ends"),
])
def test_a_test_cell_raises_with_the_diagnosis(notebooks, tmp_path, source, words):
    done = run(notebooks / "students" / f"{NAME}.ipynb", tmp_path, source)
    assert done.returncode == 1
    assert words in done.stderr


def test_what_goes_to_stderr_is_caught_and_a_warning_does_no_harm(notebooks, tmp_path):
    source = "import sys, warnings\ndef dense_forward(x, W, b):\n    {}\n    return x @ W + b\n"
    given = {"warnings.warn('hm')": "dense_forward   ok", "print('hm', file=sys.stderr)": "FAIL  [prints]"}
    for line, verdict in given.items():
        done = run(notebooks / "students" / f"{NAME}.ipynb", tmp_path, source.format(line))
        assert verdict in done.stdout
        assert not done.stderr.startswith("hm")


def test_a_function_that_needs_a_later_one_is_refused_as_a_notebook(tmp_path, capsys):
    text = MASTER.replace("return (y - t) / len(y)", "return later(y, t)")
    masters = own(tmp_path, f"{text}\n\ndef later(y, t):\n    return (y - t) / len(y)\n")
    arguments = ["exercises", "release", str(tmp_path / "out"), "--masters", str(masters)]
    assert main([*arguments, "--ipynb"]) == 1
    assert "its notebook fails when it is run from top to bottom" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert main(arguments) == 0
    shutil.rmtree(tmp_path / "out")
