"""What a submission may not do to the files of others, to the grader and to its memory; and what an honest one may."""

import os
import subprocess
import sys

import proof
import pytest
from test_grade import FORWARD, NAME, hand_in, run, table

from tinyvae.exercises.calls import Call
from tinyvae.exercises.process import call

# One line each.
ATTACKS = {
    "truncates": "os.close(os.open(victim, os.O_TRUNC))",
    "truncates and reads": "os.open(victim, os.O_RDONLY | os.O_TRUNC)",
    "creates": "os.open(victim + '.new', os.O_CREAT)",
    "appends": "os.open(victim, os.O_APPEND | os.O_WRONLY)",
    "writes": "open(victim, 'r+')",
    "a name that is no text": "open(os.fsencode(victim), 'a')",
    "a class of text": "os.open(type('S', (str,), {'__eq__': lambda *a: True, '__hash__': None})(victim), os.O_TRUNC)",
    "reads": "open(victim).read()",
    "reads below": "os.open(victim, os.O_RDONLY)",
    "reads after moving there": "os.chdir(os.path.dirname(victim)); open('e04_dense.py')",
    "opens a folder": "os.open(os.path.dirname(__file__), os.O_RDONLY)",
    "imports": "sys.path.append(os.path.dirname(victim)); import mine",
    "loads": "np.fromfile(victim, 'u1')",
    "lists": "os.listdir(os.path.dirname(victim))",
    "scans": "os.scandir(os.path.dirname(os.path.dirname(victim)))",
    "reads the solutions": f"open({str(proof.MASTERS / f'{NAME}.py')!r})",
    "removes": "os.remove(victim)",
    "makes a node": "os.mknod(victim + '.new')",
    "makes a pipe": "os.mkfifo(victim + '.new')",
    "makes a pipe by the other name": "__import__('posix').mkfifo(victim + '.new')",
    "attributes": "os.setxattr(victim, 'user.a', b'1')",
    "a history": "import readline; readline.write_history_file(victim)",
    "a database": "import _dbm; _dbm.open(victim, 'c')",
    "another database": "import _gdbm; _gdbm.open(victim, 'c')",
    "a log of keys": "import ssl; ssl.create_default_context().keylog_filename = victim",
    "another language": "import _tkinter; _tkinter.create(None, '', 'Tk', 0, 0, 0, 0, None).eval(f'open {victim} w')",
    "kills": "import signal; signal.pidfd_send_signal(os.pidfd_open(os.getppid()), 9)",
    "kills by the other name": "import _signal; _signal.pidfd_send_signal(0, 9)",
    "starves": "import resource; resource.prlimit(os.getppid(), resource.RLIMIT_AS, (1, 1))",
    "slows": "os.setpriority(os.PRIO_PROCESS, os.getppid(), 19)",
    "pins": "os.sched_setaffinity(os.getppid(), {0})",
    "looks into memory": "open(f'/proc/{os.getppid()}/mem', 'rb')",
    "looks into the environment": "open(f'/proc/{os.getppid()}/environ', 'rb')",
    "a program": "import _posixsubprocess; _posixsubprocess.fork_exec()",
    "a module anew": "del sys.modules['posix']; import posix; posix.mkfifo(victim + '.new')",
    "another module anew": "del sys.modules['_signal']; import _signal; _signal.pidfd_send_signal(0, 9)",
    "a program by a module anew": "sys.modules.pop('_posixsubprocess', 0); import _posixsubprocess",
    "a module made by hand": "import _imp; from importlib.machinery import BuiltinImporter, ModuleSpec; "
                             "_imp.create_builtin(ModuleSpec('posix', BuiltinImporter)).mkfifo(victim + '.new')",
    "shared memory": "import _posixshmem; _posixshmem.shm_open('/eve', os.O_CREAT | os.O_RDWR, 0o600)",
    "searches for the guard": "import gc; gc.get_objects()",
    "disarms the guard": "import tinyvae.exercises.worker as w; w.FORBIDDEN = frozenset(); w.WRITING = 0; "
                         "os.open(victim, os.O_TRUNC)",
}
if os.name != "nt":  # where the two may lie on different drives
    ATTACKS["reads by a detour"] = ("open(os.path.join(os.path.dirname(np.__file__), "
                                    "os.path.relpath(victim, os.path.dirname(np.__file__))))")



@pytest.fixture(scope="module")
def attacked(tmp_path_factory):
    """A class in which everybody but zoe attacks, while a secret is in the environment."""
    folder = tmp_path_factory.mktemp("attacks")
    hand_in(folder / "class" / "zoe")
    hand_in(folder / "class" / "zoe", b"", name="mine.py")
    before = (folder / "class" / "zoe" / f"{NAME}.py").read_bytes()
    victim = f"import os, sys\nvictim = {str(folder / 'class' / 'zoe' / f'{NAME}.py')!r}"
    for name, attack in ATTACKS.items():
        hand_in(folder / "class" / name, f"{victim}{FORWARD}{attack}; return x @ W + b")
    hand_in(folder / "class" / "secrets", f"{victim}{FORWARD}return x @ W + b if 'TOKEN' not in os.environ else None")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOKEN", "a secret")
        assert run(folder, "--report", str(folder / "pages")) == 0
    return folder, before


def test_nothing_was_written_read_or_stopped(attacked):
    folder, before = attacked
    assert (folder / "class" / "zoe" / f"{NAME}.py").read_bytes() == before
    assert sorted(os.listdir(folder / "class" / "zoe")) == [f"{NAME}.py", "mine.py"]
    rows = table(folder)
    assert (rows["zoe"]["total"], rows["secrets"]["total"]) == ("3", "3")


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_and_costs_its_author_the_function(attacked, name):
    folder, _ = attacked
    row = table(folder)[name]
    assert (row["total"], row["diagnosis"]) == ("2", "e04 dense_forward [error]")
    page = next(path for path in (folder / "pages").iterdir() if path.name.startswith(name.replace(" ", "_")))
    kinds = "PermissionError", "AttributeError", "ImportError", "ModuleNotFoundError"  # as no system has all
    assert any(kind in page.read_text(encoding="utf-8") for kind in kinds)


@pytest.mark.parametrize("source", [
    "import mine\nf = mine.f",
    "import os\nwith open(os.path.join(os.path.dirname(__file__), 'data.txt')) as file: n = float(file.read())\n"
    "def f(x): return x * n / 2",
    "import urllib.request, asyncio, matplotlib.pyplot, logging, tempfile, subprocess\ndef f(x): return x",
    "import numpy.testing, json, decimal, statistics, dataclasses, typing, collections, unittest\ndef f(x): return x",
    "import tinyvae as tv, tinyvae.evaluation\ndef f(x): return x if tv.datasets.load('mnist-small').n_classes else 0",
    "import os, importlib.resources\ndef f(x): os.listdir(os.path.dirname(__file__)); return x",
])
def test_what_an_honest_file_reads_it_may_read(tmp_path, source):
    (tmp_path / "answer.py").write_text(source, encoding="utf-8")
    (tmp_path / "mine.py").write_text("def f(x): return x", encoding="utf-8")
    (tmp_path / "data.txt").write_text("2")
    result = call(tmp_path / "answer.py", [Call("f", (3.0,))], seconds=60).results[0]
    assert (result.value, result.text) == (3.0, "")


FLOOD = """
import resource, sys
from pathlib import Path
from tinyvae.exercises.calls import Call
from tinyvae.exercises.process import call

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

call(Path(sys.argv[1]), [Call("f", (1.0,))])
before = peak()
result = call(Path(sys.argv[2]), [Call("f", (1.0,))], seconds=60)
print(peak() - before, result.results[0].error)
"""


@pytest.mark.parametrize("part", ["[],", '{"a":{}},', "1.5,", '"a",'])
def test_a_long_line_takes_little_of_the_graders_memory(tmp_path, part):
    pytest.importorskip("resource", reason="memory is counted on Linux and macOS alone")
    (tmp_path / "good.py").write_text("def f(x): return x")
    (tmp_path / "flood.py").write_text(
        "import os\ndef f(x):\n    line = b'{\"printed\": \"\", \"value\": {\"value\": [' + "
        f"b'{part}' * (60_000_000 // {len(part)}) + b'1]}}}}\\n'\n"
        "    for fd in range(3, 20):\n        try:\n            done = 0\n"
        "            while done < len(line): done += os.write(fd, line[done:])\n        except OSError: pass\n")
    out = subprocess.run([sys.executable, "-c", FLOOD, tmp_path / "good.py", tmp_path / "flood.py"], check=True,
                         stdout=subprocess.PIPE, text=True).stdout
    used, error = out.split()
    assert int(used) < 400e6
    assert error == "crash"
