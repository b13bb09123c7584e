"""Whatever is handed in, the class gets its marks: right answers their points, and everything else a reason."""

import contextlib
import csv
import json
import os
import signal
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path

import proof
import pytest

from tinyvae.cli import main
from tinyvae.exercises import catalogue, marks, process
from tinyvae.exercises.journal import Journal
from tinyvae.exercises.submissions import Key, sha
from tinyvae.foundation.locks import only_one

NAME = "e04_dense"
MASTER = (proof.MASTERS / f"{NAME}.py").read_text(encoding="utf-8")
FORWARD = "\ndef dense_forward(x, W, b):\n    "


def hand_in(folder: Path, source: str | bytes = "", name: str = f"{NAME}.py") -> Path:
    """A submission: the master with `source` under it; bytes are the whole file."""
    folder.mkdir(parents=True, exist_ok=True)
    content = source if isinstance(source, bytes) else f"{MASTER}\n{source}\n".encode()
    (folder / name).write_bytes(content)
    return folder / name


def run(tmp_path: Path, *options: str, seed: str = "3", only: str = "e04") -> int:
    return main(["exercises", "grade", str(tmp_path / "class"), "--seed", seed, "--only", only,
                 "--csv", str(tmp_path / "grades.csv"), *options])


def table(tmp_path: Path) -> dict[str, dict[str, str]]:
    with open(tmp_path / "grades.csv", encoding="utf-8-sig", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


# {student: (source, what the table says, points)}
HOSTILE = {
    "right": ("", "", 3),
    "stub": (b"", "[missing]", 0),
    "syntax": ("def (", "[error]", 0),
    "zeros": (b"x = 1\0", "[error]", 0),
    "exit": ("import os" + FORWARD + "os._exit(0)", "dense_forward [crash]", 2),
    "exit on loading": ("import os; os._exit(0)", "[crash]", 0),
    "sys.exit": ("import sys; sys.exit()", "[exit]", 0),
    "killed": ("import faulthandler" + FORWARD + "faulthandler._sigsegv()", "dense_forward [crash]", 2),
    "fork bomb": ("import os" + FORWARD + "while True: os.fork()", "dense_forward [error]", 2),
    "processes": ("import multiprocessing as m" + FORWARD + "m.get_context('spawn').Process(target=print).start()",
                  "dense_forward [error]", 2),
    "C": ("import ctypes" + FORWARD + "ctypes.CDLL(None).abort()", "dense_forward [error]", 2),
    "a database": ("import sqlite3" + FORWARD + "sqlite3.connect(__file__ + '.db')", "dense_forward [error]", 2),
    "datagrams": ("import socket as s" + FORWARD + "s.socket(s.AF_INET, s.SOCK_DGRAM)", "dense_forward [error]", 2),
    "the grader": ("import os" + FORWARD + "os.kill(os.getppid(), 9)", "dense_forward [error]", 2),
    "writes": (FORWARD + "open(__file__, 'w')", "dense_forward [error]", 2),
    "a large number": (FORWARD + "return 10**100_000", "dense_forward [type]", 2),
    "deep": (FORWARD + "a = []\n    for _ in range(10**5): a = [a]\n    return a", "dense_forward [error]", 2),
    "forger": ("import os" + FORWARD + "for i in range(3, 30):\n        try: os.write(i, b'{}\\n' * 10**6)\n"
               "        except OSError: pass", "dense_forward [crash]", 2),
    "gigabytes out": (FORWARD + "for _ in range(1000): print('x' * 10**6)\n    return x @ W + b", "[prints]", 2),
}
if sys.platform == "linux":  # which alone keeps to a limit of memory
    HOSTILE |= {"gigabytes in": (FORWARD + "return np.ones(10**10)", "dense_forward [error]", 2)}
if os.name != "nt":  # which has no such names
    HOSTILE |= {"<script>alert(1)<": (FORWARD + "raise ValueError('<b>\\x1b[31m')", "[error]", 2)}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """The table and the pages of a class of them."""
    tmp_path = tmp_path_factory.mktemp("hostile")
    for student, (source, _, _) in HOSTILE.items():
        hand_in(tmp_path / "class" / student, source)
    assert run(tmp_path, "--report", str(tmp_path / "pages")) == 0
    return tmp_path


@pytest.mark.parametrize("student", HOSTILE)
def test_a_hostile_submission_costs_its_author_only(hostile, student):
    _, cause, points = HOSTILE[student]
    row = table(hostile)[marks._cell(student)]
    assert (int(row["e04"]), int(row["total"]), row["of"], row["seed"]) == (points, points, "3", "3")
    assert cause in row["diagnosis"]
    assert bool(row["diagnosis"]) == (points < 3)
    assert (hostile / "class" / student / f"{NAME}.py").stat().st_size > 0 or student == "stub"


class Text(HTMLParser):
    """The text of a page; its tags are those of the template."""

    def __init__(self, page: str):
        super().__init__()
        self.tags, self.text = set(), ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        assert not {"src", "href", "onclick"} & {name for name, _ in attrs}

    def handle_data(self, data):
        self.text += data


def test_each_student_has_a_page_that_says_what_the_terminal_says(hostile):
    pages = {Text(path.read_text(encoding="utf-8")).text: path for path in (hostile / "pages").iterdir()}
    assert len(pages) == len(HOSTILE)
    for text, path in pages.items():
        page = Text(path.read_text(encoding="utf-8"))
        assert page.tags == {"html", "meta", "title", "style", "h1", "h2", "p", "table", "tr", "th", "td", "pre",
                             "footer"}
        assert "\x1b" not in text
    assert "e04 dense_backward   ok   9 checks pass" in Text((hostile / "pages" / "right.html").read_text("utf-8")).text
    if os.name != "nt":
        text = next(text for text in pages if "<script>" in text)
        assert "dense_forward: raised ValueError: <b>\N{REPLACEMENT CHARACTER}[31m" in text


def test_endless_loops_are_stopped_and_take_nothing_else_with_them(tmp_path, capsys):
    hand_in(tmp_path / "class" / "loop", FORWARD + "while True: pass")
    hand_in(tmp_path / "class" / "asleep", "import time; time.sleep(1e6)")
    hand_in(tmp_path / "class" / "deaf", "import signal\nfor s in (2, 15): signal.signal(s, signal.SIG_IGN)"
            + FORWARD + "while True: pass")
    assert run(tmp_path, "--seconds", "3", "--jobs", "3") == 0
    totals = {student: row["total"] for student, row in table(tmp_path).items()}
    assert totals == {"loop": "2", "asleep": "0", "deaf": "2"}
    assert "look at them yourself:\n  asleep e04_dense [timeout]\n  deaf" in capsys.readouterr().out


def test_a_page_with_remarks_is_not_overwritten(tmp_path, capsys):
    hand_in(tmp_path / "class" / "anna")
    options = "--report", str(tmp_path / "pages")
    assert run(tmp_path, *options) == 0
    page = tmp_path / "pages" / "anna.html"
    before = (tmp_path / "grades.verdicts.json").read_bytes(), page.read_bytes()
    assert run(tmp_path, *options) == 0  # as it was written: again, and to the same bytes
    assert ((tmp_path / "grades.verdicts.json").read_bytes(), page.read_bytes()) == before
    for edited in (before[1].replace(b"3 of 3", b"3 of 3, well done"), before[1] + b"well done", b"well done"):
        page.write_bytes(edited)
        capsys.readouterr()
        assert run(tmp_path, *options) == 2
        assert "anna.html is not as it was written" in capsys.readouterr().err
        assert page.read_bytes() == edited
    assert run(tmp_path, "--report", str(tmp_path / "others")) == 0


def test_a_table_that_is_a_folder_and_folders_without_a_name_are_refused_in_one_line(tmp_path, monkeypatch, capsys):
    hand_in(tmp_path / "class" / "anna")
    monkeypatch.chdir(tmp_path)
    grading = ["exercises", "grade", "class", "--seed", "1", "--only", "e04", "--csv"]
    assert main([*grading, "."]) == 2
    assert ". is a folder; give --csv the name of a file in it, such as grades.csv" in capsys.readouterr().err
    for command in (["exercises", "start", ""], ["exercises", "status", "--dir", ""],
                    [*grading, "g.csv", "--report", ""]):
        with pytest.raises(SystemExit, match="2"):
            main(command)
        assert "the name of the folder is empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["class"]


def test_no_more_files_are_run_at_a_time_than_there_are(tmp_path):
    hand_in(tmp_path / "class" / "anna")
    assert run(tmp_path, "--jobs", "1000000") == 0
    assert table(tmp_path)["anna"]["total"] == "3"


def test_more_time_is_a_new_chance_and_less_is_not(tmp_path, capsys):
    hand_in(tmp_path / "class" / "slow", "import time; time.sleep(3)")
    hand_in(tmp_path / "class" / "stub", b"")
    for seconds, ran, total in (("3", 2, "0"), ("3", 0, "0"), ("1", 0, "0"), ("30", 1, "3"), ("3", 0, "3")):
        assert run(tmp_path, "--seconds", seconds) == 0
        assert f": {ran} files were run" in capsys.readouterr().out
        assert table(tmp_path)["slow"]["total"] == total


def links(folder: Path) -> None:
    """Links that lead nowhere, to themselves, to another student, to the system, and a student who is a link."""
    for name, target in {"dangling": "nowhere", "itself": f"{NAME}.py", "thief": f"../anna/{NAME}.py",
                         "system": os.devnull, "fellow": "../anna/mine.py"}.items():
        (folder / name).mkdir()
        (folder / name / (f"{NAME}.py" if name != "fellow" else "mine.py")).symlink_to(target)
    (folder / "fellow" / f"{NAME}.py").write_text("from mine import *")
    (folder / "twin").symlink_to("anna", target_is_directory=True)


def test_only_a_students_own_ordinary_files_are_read(tmp_path, capsys):
    folder = tmp_path / "class"
    hand_in(folder / "anna", name="mine.py")
    hand_in(folder / "anna", b"from mine import *")
    (folder / "a folder" / f"{NAME}.py").mkdir(parents=True)
    hand_in(folder / "huge", b"#" * 1_000_000)
    (folder / "nothing").mkdir()
    (folder / "work.zip").write_bytes(b"")
    expected = {"anna": "", "a folder": "is a folder; expected a file", "nothing": "e04 not handed in",
                "huge": "has 1000000 bytes; expected at most 200000"}
    left_out = "work.zip"
    if os.name != "nt":  # where making a link needs a right of its own
        links(folder)
        (folder / "pipe").mkdir()
        os.mkfifo(folder / "pipe" / f"{NAME}.py")
        expected |= {"dangling": "a symbolic link that leads nowhere", "itself": "a symbolic link that leads nowhere",
                     "thief": "a symbolic link out of the folder", "system": "a symbolic link out of the folder",
                     "fellow": "[error]", "pipe": "no ordinary file"}
        left_out = "twin, work.zip"
    assert run(tmp_path, "--report", str(tmp_path / "pages")) == 0
    assert f"Left out, for they are links or no folders: {left_out}" in capsys.readouterr().out
    rows = table(tmp_path)
    assert rows.keys() == expected.keys()
    for student, words in expected.items():
        assert words in rows[student]["diagnosis"]
        assert int(rows[student]["total"]) == (3 if student == "anna" else 0)
    (page,) = (tmp_path / "pages").glob("a_folder-*.html")
    assert "is a folder; expected a file" in page.read_text(encoding="utf-8")


def test_files_may_lie_one_folder_deeper_and_have_what_a_learning_platform_adds_to_their_names(tmp_path):
    folder = tmp_path / "class"
    hand_in(folder / "deeper" / "Blatt 1")
    hand_in(folder / "deeper" / "__pycache__", b"")
    hand_in(folder / "renamed", name="E04_dense (1).py")
    hand_in(folder / "both")
    hand_in(folder / "both", b"", name="e04_old.py")
    hand_in(folder / "several", name="e04_a.py")
    hand_in(folder / "several", name="e04_b.py")
    hand_in(folder / "another", name="e040_dense.py")
    assert run(tmp_path) == 0
    found = {student: (row["total"], row["diagnosis"]) for student, row in table(tmp_path).items()}
    right = dict.fromkeys(("deeper", "renamed", "both"), ("3", ""))
    assert found == right | {"another": ("0", "e04 not handed in"),
                             "several": ("0", "e04 there are e04_a.py and e04_b.py; expected one e04_dense.py")}


NAMES = ["Jürgen Groß", "=1+1", "+1", "-1", "@SUM(A1)", " =1", "'=1", "O'Neil", "a;=1+1", "Ab", "李", "_x"]


def test_names_are_shown_as_they_are_and_run_as_nothing(tmp_path):
    names = NAMES + ([] if os.name == "nt" else ["\t=1", "a\n=1", 'b"=1', "ab", "back\\slash", os.fsdecode(b"\xff")])
    for name in names:
        hand_in(tmp_path / "class" / name)
    assert run(tmp_path, "--report", str(tmp_path / "pages")) == 0
    cells = list(table(tmp_path))
    assert len(cells) == len(names)
    assert all(cell[0].isalnum() or cell[0] == "'" for cell in cells)
    assert {"Jürgen Groß", "'=1+1", "O'Neil", "李", "' =1"} <= set(cells)
    text = (tmp_path / "grades.csv").read_bytes().decode("utf-8-sig")
    assert '"a;=1+1"' in text  # quoted, so that it stays one cell where ; separates them
    assert not any(c < " " for c in text.replace("\r\n", ""))
    pages = [path.name for path in (tmp_path / "pages").iterdir()]
    assert len({page.casefold() for page in pages}) == len(names)
    some = marks._pages(tmp_path, ["Ab", "ab", "a b", "a_b", "AB"])
    assert len({path.name.casefold() for path in some.values()}) == 5


def test_only_what_is_new_is_run_again(tmp_path, capsys):
    folder = tmp_path / "class"

    def runs(*options, **seed) -> str:
        assert run(tmp_path, *options, **seed) == 0
        return capsys.readouterr().out.split(": ")[1].split(" files")[0]

    for student in ("anna", "ben"):
        hand_in(folder / student)
    hand_in(folder / "carl", FORWARD + "return x @ W")
    assert runs() == "2"  # anna's and ben's are the same
    first = (tmp_path / "grades.csv").read_bytes()
    assert runs() == "0"
    assert (tmp_path / "grades.csv").read_bytes() == first
    hand_in(folder / "carl")
    assert runs() == "0"
    assert table(tmp_path)["carl"]["total"] == "3"
    assert runs(seed="4") == "1"
    assert runs() == "0"
    hand_in(folder / "ben", b"", name="helper.py")  # which his answer may import
    assert runs() == "1"
    assert runs("--report", str(tmp_path / "pages")) == "0"
    assert (tmp_path / "pages" / "carl.html").is_file()
    hand_in(folder / "carl", "import os; os._exit(0)")
    assert (runs(), runs()) == ("1", "1")  # it may be for lack of memory


def test_a_table_that_somebody_else_wrote_is_never_overwritten(tmp_path, capsys):
    hand_in(tmp_path / "class" / "anna")
    (tmp_path / "grades.csv").write_text("mine")
    assert run(tmp_path) == 2
    assert "grades.verdicts.json, which is written with it, does not; give --csv" in capsys.readouterr().err
    (tmp_path / "grades.csv").unlink()
    assert run(tmp_path) == 0
    with open(tmp_path / "grades.csv", "a") as file:
        file.write("a remark\n")
    assert run(tmp_path) == 2
    assert "was changed since it was written" in capsys.readouterr().err
    (tmp_path / "grades.csv").unlink()
    assert run(tmp_path) == 0
    for damaged in ("", "[]", "{}", '{"verdicts": [{"of": {}}], "table": ""}', '{"verdicts": 1, "table": 1}'):
        (tmp_path / "grades.verdicts.json").write_text(damaged)
        assert run(tmp_path) == 2
        error = capsys.readouterr().err
        assert "is not what tinyvae exercises grade writes" in error
        assert error.count("\n") == 1


@pytest.mark.parametrize(("make", "words"), [
    (lambda folder: None, "is no folder; expected one that holds a folder for each student"),
    (lambda folder: folder.mkdir(), "it is empty"),
    (lambda folder: hand_in(folder), "it holds e04_dense.py"),
    (lambda folder: hand_in(folder / "anna", name="solution.py"), "it holds anna"),
])
def test_where_nothing_is_found_it_says_what_was_expected(tmp_path, capsys, make, words):
    make(tmp_path / "class")
    assert run(tmp_path) == 2
    error = capsys.readouterr().err
    assert words in error
    assert "folder for each student" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "grades.csv").exists()


def test_masters_that_are_not_there_are_no_empty_set(tmp_path, capsys):
    hand_in(tmp_path / "class" / "anna")
    assert run(tmp_path, "--masters", str(tmp_path / "mine")) == 2
    assert "has no masters; expected files such as" in capsys.readouterr().err


def test_what_cannot_be_written_is_found_before_the_work(tmp_path, capsys, monkeypatch):
    hand_in(tmp_path / "class" / "anna")
    monkeypatch.setattr(process.subprocess, "Popen", None)
    assert run(tmp_path, "--csv", str(tmp_path / "no" / "grades.csv")) == 2
    (tmp_path / "file").write_text("")
    assert run(tmp_path, "--report", str(tmp_path / "file")) == 2
    assert capsys.readouterr().err.count("\n") == 2


def test_every_exercise_has_a_column_and_every_master_has_all_points(tmp_path):
    names = list(catalogue.names().values())
    for name in names:
        hand_in(tmp_path / "class" / "anna", (proof.MASTERS / f"{name}.py").read_bytes(), name=f"{name}.py")
    hand_in(tmp_path / "class" / "ben", b"import tinyvae.gaussian\ntinyvae.gaussian.kl = None", name=f"{names[0]}.py")
    assert run(tmp_path, only=",".join(names)) == 0
    rows = table(tmp_path)
    points = {name: len(catalogue.checker(name).FUNCTIONS) for name in names}
    assert {name: int(rows["anna"][name[:3]]) for name in names} == points
    assert int(rows["anna"]["total"]) == int(rows["anna"]["of"]) == sum(points.values())
    assert rows["ben"]["total"] == "0"
    assert rows["anna"]["diagnosis"] == ""


@pytest.mark.skipif(os.name == "nt", reason="SIGINT is sent otherwise on Windows")
def test_ctrl_c_keeps_what_is_done_and_leaves_no_process_behind(tmp_path):
    folder = tmp_path / "class"
    hand_in(folder / "anna")
    hand_in(folder / "endless", "while True: pass")
    command = [sys.executable, "-m", "tinyvae", "exercises", "grade", str(folder), "--seed", "3", "--only", "e04",
               "--csv", str(tmp_path / "grades.csv"), "--jobs", "1", "--seconds", "1000"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as grader:
        seen, left = {}, []  # when each process was first seen
        while len(seen) < 2 and all(time.monotonic() - seen[pid] < 20 for pid in left):
            time.sleep(0.05)  # until the second is there, or the only one we see is there for so long that it is that
            assert grader.poll() is None
            left = children(grader.pid)
            seen |= {pid: time.monotonic() for pid in left if pid not in seen}
        grader.send_signal(signal.SIGINT)
        _, error = grader.communicate()
    assert grader.returncode == 130
    assert "interrupted; what is done is kept in" in error
    assert len(json.loads((tmp_path / "grades.verdicts.json").read_text())["verdicts"]) == 1
    assert not (tmp_path / "grades.csv").exists()
    for _ in range(100):
        if not any(map(is_running, left)):
            break
        time.sleep(0.05)
    else:
        pytest.fail("a submission still runs")


def killed_while_running(tmp_path: Path, n: int, *endless: Path) -> None:
    """Start a grader of at most n files at a time, and kill it -9 once it runs n of those that do not end."""
    running, files, wanted = tmp_path / "grades.running.json", set(), {sha(path.read_bytes()) for path in endless}
    command = [sys.executable, "-m", "tinyvae", "exercises", "grade", str(tmp_path / "class"), "--seed", "3", "--only",
               "e04", "--csv", str(tmp_path / "grades.csv"), "--jobs", str(n), "--seconds", "1000"]
    with subprocess.Popen(command) as grader:
        while len(files) != n or not files <= wanted:
            time.sleep(0.05)
            assert grader.poll() is None
            with contextlib.suppress(FileNotFoundError):
                files = {key["file"] for key in json.loads(running.read_text())["running"]}
        grader.kill()


@pytest.mark.skipif(os.name == "nt", reason="a process that is killed there takes time to close its files")
def test_a_file_that_stops_the_grader_stops_it_once_and_is_named(tmp_path, capsys):
    folder = tmp_path / "class"
    hand_in(folder / "anna")
    killer = hand_in(folder / "killer", "while True: pass")
    hand_in(folder / "zoe", "# hers")
    killed_while_running(tmp_path, 1, killer)
    for _ in range(2):
        assert run(tmp_path) == 0
        out = capsys.readouterr().out
        rows = table(tmp_path)
        assert {name: row["total"] for name, row in rows.items()} == {"anna": "3", "killer": "0", "zoe": "3"}
        assert "e04 stopped the grader, or was all that ran" in rows["killer"]["diagnosis"]
        assert "killer e04_dense: stopped the grader" in out
    (tmp_path / "grades.running.json").unlink()  # as it says
    hand_in(folder / "killer")
    assert run(tmp_path) == 0
    assert table(tmp_path)["killer"]["total"] == "3"
    assert not (tmp_path / "grades.running.json").exists()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="a process that is killed there takes time to close its files")
def test_of_several_that_ran_the_one_that_stops_the_grader_alone_is_named(tmp_path):
    folder = tmp_path / "class"
    both = [hand_in(folder / name, f"# {name}\nwhile True: pass") for name in ("one", "two")]
    hand_in(folder / "anna")
    killed_while_running(tmp_path, 2, *both)
    killed_while_running(tmp_path, 1, *both)
    assert run(tmp_path, "--seconds", "3") == 0
    found = [row["diagnosis"] for name, row in table(tmp_path).items() if name != "anna"]
    assert sorted("stopped the grader" in words for words in found) == [False, True]
    assert table(tmp_path)["anna"]["total"] == "3"


def test_suspects_run_alone_and_what_is_no_journal_is_refused(tmp_path, capsys):
    keys = [key_of(name) for name in "abc"]
    first = Journal(tmp_path / "r.json")
    with first.around(keys[0]), first.around(keys[1]):
        second = Journal(tmp_path / "r.json")  # as after a kill
        assert (second.suspects, second.fatal) == ({keys[0], keys[1]}, set())
        with second.around(keys[0]):
            third = Journal(tmp_path / "r.json")
            assert (third.suspects, third.fatal) == ({keys[1]}, {keys[0]})
        assert Journal(tmp_path / "r.json").suspects == {keys[1]}  # that one came back
        second.close()
    hand_in(tmp_path / "class" / "anna")
    (tmp_path / "grades.running.json").write_text('{"fatal": 3}')
    assert run(tmp_path) == 2
    assert "is not what tinyvae exercises grade writes" in capsys.readouterr().err


def test_two_graders_do_not_write_one_table(tmp_path, capsys):
    hand_in(tmp_path / "class" / "anna")
    with only_one(tmp_path / "grades.lock", ""):
        assert run(tmp_path) == 2
    assert "another process is writing" in capsys.readouterr().err
    assert run(tmp_path) == 0
    assert not (tmp_path / "grades.lock").exists()


def key_of(file: str) -> Key:
    return Key(NAME, file, "", "", 3, "")


def children(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    return [int(child) for child, parent in map(str.split, listed.splitlines()) if int(parent) == pid]


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return not state.startswith("Z")  # a zombie, where nobody collects the exit of orphans
