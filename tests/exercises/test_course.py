"""What a student types."""

import os
import subprocess
import sys

import proof
import pytest

from tinyvae.cli import main
from tinyvae.exercises import catalogue, course


def test_start_makes_every_stub_and_never_overwrites(tmp_path, capsys):
    folder = tmp_path / "Übung 1"
    assert main(["exercises", "start", str(folder)]) == 0
    stubs = [f"{name}.py" for name in catalogue.names().values()]
    assert sorted(p.name for p in folder.iterdir()) == sorted(["README.txt", *stubs])
    (folder / "e04_dense.py").write_text("mine")
    (folder / stubs[0]).unlink()
    assert main(["exercises", "start", str(folder)]) == 0
    assert (folder / "e04_dense.py").read_text() == "mine"
    assert (folder / stubs[0]).is_file()
    assert f"{len(stubs)} files were there already and stay as they are; 1 added" in capsys.readouterr().out


def test_start_says_where_to_go_unless_one_is_there(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for folder, next_step in (("hw", "Next: cd hw, open e04_dense.py"), (".", "Next: open e04_dense.py")):
        assert main(["exercises", "start", folder]) == 0
        assert next_step in capsys.readouterr().out


def test_start_refuses_a_file(tmp_path, capsys):
    (tmp_path / "hw").write_text("")
    assert main(["exercises", "start", str(tmp_path / "hw")]) == 2
    assert "is a file" in capsys.readouterr().err


@pytest.fixture
def homework(tmp_path, monkeypatch):
    course.start(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def solve(homework, name="e04_dense"):
    (homework / f"{name}.py").write_text((proof.MASTERS / f"{name}.py").read_text(encoding="utf-8"), encoding="utf-8")


def test_check_names_what_is_not_written_and_what_is_right(homework, capsys):
    assert main(["exercises", "check", "e04"]) == 1
    assert capsys.readouterr().out.count("not written yet") == 3
    solve(homework)
    assert main(["exercises", "check", "e04"]) == 0
    assert "e04 dense_backward   ok   9 checks pass" in capsys.readouterr().out


def test_an_exercise_has_several_names():
    for name in ("e04", "4", "E04", "e04_dense", "e04_dense.py", "./e04_dense.py"):
        assert catalogue.find(name, catalogue.names()) == "e04_dense"


def test_check_all_counts(homework, capsys):
    solve(homework)
    assert main(["exercises", "check", "--all"]) == 1
    assert f"1 of {len(catalogue.names())} exercises are right" in capsys.readouterr().out


@pytest.mark.parametrize(("words", "said"), [
    (["check", "dense"], "did you mean 'e04_dense'"), (["check", "e99"], "no exercise 'e99'"),
    (["check"], "name the exercises to check"), (["check", "e04", "--all"], "name the exercises to check"),
    (["check", "--all", "--watch"], "--watch is for one exercise"),
    (["check", "e04", "--dir", "elsewhere"], "tinyvae exercises start"),
    (["hint", "x"], "no exercise 'x'. There are e01"),
])
def test_errors_are_one_line_and_say_what_to_do(homework, capsys, words, said):
    assert main(["exercises", *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_hints_come_one_at_a_time(homework, capsys):
    hints = catalogue.checker("e04_dense").HINTS
    for number in (1, 2, 3, 3):
        assert main(["exercises", "hint", "e04"]) == 0
        assert capsys.readouterr().out == f"e04, hint {number} of 3: {hints[number - 1]}\n"
    for edited in ("damaged", "[]", '{"e04_dense": -5}', '{"e04_dense": 1e400}', '{"e04_dense": null}', "[" * 100_000):
        (homework / course.SEEN).write_text(edited)
        assert main(["exercises", "hint", "e04"]) == 0
        assert "hint 1 of 3" in capsys.readouterr().out


def test_status_tells_done_from_begun_from_not_begun_from_missing(homework, capsys):
    for path in homework.glob("e*.py"):
        if path.stem not in ("e01_ring", "e04_dense", "e08_kl"):
            path.unlink()
    solve(homework, "e01_ring")
    solve(homework)
    path = homework / "e04_dense.py"
    path.write_text(path.read_text(encoding="utf-8").replace("x @ W + b", "x @ W"), encoding="utf-8")
    assert main(["exercises", "status"]) == 0
    first, *_ = rows = capsys.readouterr().out.splitlines()
    assert first.split() == ["e01_ring", "done"]
    assert rows[3].split(maxsplit=2) == ["e04_dense", "begun", "dense_forward [missing:b]"]
    assert rows[7].split() == ["e08_kl", "not", "begun"]
    assert [row.split()[1] for row in rows[:-1]].count("missing") == len(catalogue.names()) - 3
    assert rows[-1] == f"[#{'.' * (len(catalogue.names()) - 1)}]  1 of {len(catalogue.names())} done"


def test_status_in_another_folder_sends_back(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["exercises", "status"]) == 2
    assert "go to the folder of your exercises" in capsys.readouterr().err


def test_watch_checks_again_when_the_file_is_saved(homework, capsys, monkeypatch):
    path, naps = homework / "e04_dense.py", iter(range(4))

    def nap(seconds):
        """In place of a pause between two looks: the student saves the file, and at last presses Ctrl-C."""
        number = next(naps)
        if number == 1:
            solve(homework)
            os.utime(path, (0, 0))
        if number == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(course.time, "sleep", nap)
    with pytest.raises(KeyboardInterrupt):
        course.watch("e04_dense", path, 0)
    out = capsys.readouterr().out
    assert out.count("Watching") == 2
    assert out.index("not written yet") < out.index("ok   3 checks pass")


def test_exercises_need_numpy_only():
    """Neither pytest nor matplotlib, Jupyter or git is loaded by a check."""
    code = ("import sys; from pathlib import Path; from tinyvae.exercises.check import check\n"
            f"assert all(v.ok for v in check('e04_dense', Path({str(proof.MASTERS / 'e04_dense.py')!r})))\n"
            "print([m for m in ('matplotlib', 'pytest', 'IPython', 'tqdm', 'scipy') if m in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
