"""Whatever a student's file does, the verdict says it in the right words; shown on e04.

What is said of values is shown in this process; what a process is needed for, in real ones.
"""

import json
import sys
import time
from types import SimpleNamespace

import numpy as np
import proof
import pytest

from tinyvae.exercises import catalogue, check
from tinyvae.exercises.calls import Call, here, of
from tinyvae.exercises.check import Case
from tinyvae.exercises.course import report
from tinyvae.exercises.process import call
from tinyvae.exercises.wire import pack

NAME = "e04_dense"
MASTER = (proof.MASTERS / f"{NAME}.py").read_text(encoding="utf-8")


def write(folder, source: str, master: str = MASTER):
    """A file with the master and `source` under it."""
    path = folder / f"{NAME}.py"
    path.write_text(f"{master}\n{source}\n", encoding="utf-8")
    return path


def read(path, name: str = NAME):
    """The verdicts on a file, found in this process."""
    return check.verdicts(catalogue.checker(name), lambda calls: here(path, calls), 0)


def by_function(verdicts):
    """The verdict on each function, and the report."""
    return {v.function: v for v in verdicts}, report(NAME, verdicts)


def run(folder, source: str, seconds: float = 10.0, master: str = MASTER):
    """The same for the master with `source` under it, in a process of its own."""
    return by_function(check.check(NAME, write(folder, source, master), seconds=seconds))


def assert_one_is_wrong(verdicts, text: str, cause: str, words: str) -> None:
    assert [v.causes for v in verdicts.values() if not v.ok] == [(cause,)], text
    assert words in text


@pytest.mark.parametrize(("source", "cause", "words"), [
    ("def dense_forward(x, W, b): return 0 * (x @ W)", "zero", "y is all zeros"),
    ("def dense_forward(x, W, b): return x @ W * np.nan", "nonfinite", "y is nan at (0, 0)"),
    ("def dense_forward(x, W, b): return (x @ W + b) / 0", "nonfinite", "inf at (0, 0)"),
    ("def squared_error_backward(y, t): return y", "echo:y", "dy is the argument y, as it came"),
    ("def squared_error_backward(y, t): return t", "echo:t", "dy is the argument t, as it came"),
    ("def dense_forward(x, W, b): return None", "type", "y is None (is a return statement missing?)"),
    ("def dense_forward(x, W, b): x @ W + b", "type", "y is None (is a return statement missing?)"),
    ("def dense_forward(x, W, b): return 'y'", "type", "y is a str"),
    ("def dense_forward(x, W, b): return lambda: 0", "type", "y is a function"),
    ("def dense_forward(x, W, b): return [[1, 2], [3]]", "type", "y is a list"),
    ("def dense_forward(x, W, b): return (x @ W + b).astype(complex)", "type", "complex128"),
    ("def dense_forward(x, W, b): return (x @ W + b).astype(object)", "type", "object"),
    ("def dense_backward(dy, x, y, W): return dy @ W.T", "type", "expected 3 values: dx, dW, db"),
    ("def dense_backward(dy, x, y, W): return dy @ W.T, x.T @ dy", "type", "2 values; expected 3: dx, dW, db"),
    ("def dense_forward(x, W, b): return (x @ W + b).sum()", "shape", "y has shape (); expected (7, 11)"),
    ("def dense_forward(x, W): return x @ W", "signature", "it takes (x, W), and was given 3 arguments"),
    ("del dense_forward", "missing", "no such function in the file"),
    ("dense_forward = 3", "missing", "no such function in the file"),
    ("def dense_forward(x, W, b): return W @ x + b", "error", "the columns of a must be as many as the rows of b"),
    ("def dense_forward(x, W, b): return x * W + b", "error", "NumPy lines shapes up from the right"),
    ("def dense_forward(x, W, b): return x if x > 0 else b", "error", "ask for a single True or False"),
    ("def dense_forward(x, W, b): return (x @ W + b)**2", "unknown", "which step is the first to differ?"),
    ("def dense_forward(x, W, b): return x @ W + b + 1e-7 * (x @ W)**2", "unknown", "and 1e-09 is allowed"),
    ("def dense_backward(dy, x, y, W): return x.T @ dy, dy.sum(0), dy @ W.T", "other-output",
     "the values are right, but they come in the order dW, db, dx; expected dx, dW, db"),
    ("def dense_forward(x, W, b): return x @ W + c", "error", "NameError: name 'c' is not defined"),
    ("def dense_forward(x, W, b): 1 / 0", "error", "ZeroDivisionError"),
    ("def dense_forward(x, W, b): return dense_forward(x, W, b)", "error", "RecursionError"),
    ("def helper(x): raise NotImplementedError\ndef dense_forward(x, W, b): return helper(x)", "needs",
     "it calls helper, which is not written yet"),
    ("import sys\ndef dense_forward(x, W, b): sys.exit(0)", "exit", "ended the program: SystemExit"),
    ("def dense_forward(x, W, b): x += 1; return x @ W + b", "inplace", "changed its argument x in place"),
    ("def dense_forward(x, W, b): return np.random.default_rng().random((len(x), len(b)))", "random",
     "differs from call to call"),
    ("calls = []\ndef dense_forward(x, W, b): calls.append(1); return x @ W + b", "globals",
     "changed the global calls"),
    ("n = 0\ndef dense_forward(x, W, b):\n    global n; n += 1\n    return x @ W + b", "globals",
     "changed the global n"),
    ("def dense_forward(x, W, b): dense_forward.x = x; return x @ W + b", "globals",
     "changed what dense_forward remembers"),
    ("def dense_forward(x, W, b, seen=[]): seen.append(x); return x @ W + b", "globals",
     "changed what dense_forward remembers"),
    ("def make():\n    x = None\n    def forward(*a):\n        nonlocal x\n        x, W, b = a\n"
     "        return x @ W + b\n    return forward\ndense_forward = make()", "globals",
     "changed what dense_forward remembers"),
    ("class Layer: pass\nlayer = Layer()\ndef dense_forward(x, W, b): layer.x = x; return x @ W + b", "globals",
     "changed the global layer"),
    ("class Layer:\n    def __call__(self, x, W, b): self.x = x; return x @ W + b\ndense_forward = Layer()", "globals",
     "changed what dense_forward remembers"),
    ("class Layer: x = 0\ndef dense_forward(x, W, b): Layer.x = x; return x @ W + b", "globals",
     "changed what Layer remembers"),
    ("def dense_forward(x, W, b): print('x is', x.shape); return x @ W + b", "prints", "x is (7, 5)"),
    ("import sys\ndef dense_forward(x, W, b): sys.stderr.write('hm'); return x @ W + b", "prints", "'hm'"),
    ("print('hello')", "prints", "prints 'hello' when it is loaded"),
    ("def dense_forward(x, W, b): return np.zeros((3000, 3000))", "type", "an array of float64 of shape (3000, 3000)"),
    ("def dense_forward(x, W, b): return 10**100_000", "type", "y is an integer of 332193 bits"),
])
def test_it_says_what_is_wrong(tmp_path, source, cause, words):
    assert_one_is_wrong(*by_function(read(write(tmp_path, source))), cause, words)


@pytest.mark.parametrize(("source", "cause", "words"), [
    ("def dense_forward(x, W, b): raise KeyboardInterrupt", "exit", "KeyboardInterrupt"),
    ("import os\ndef dense_forward(x, W, b): os._exit(0)", "crash", "the process ended before it gave an answer"),
    ("import os\ndef dense_forward(x, W, b): os.abort()", "crash", "the process ended before it gave an answer"),
    ("def dense_forward(x, W, b): np.random.seed(0); np.random.rand(); return x @ W + b", "globals",
     "changed np.random's global state"),
    ("def dense_forward(x, W, b): open('answer', 'w'); return x @ W + b", "error", "PermissionError"),
    ("import socket\ndef dense_forward(x, W, b): socket.create_connection(('127.0.0.1', 9))", "error",
     "not allowed in an exercise"),
    ("import subprocess\ndef dense_forward(x, W, b): subprocess.run(['true'])", "error", "not allowed in an exercise"),
    ("import os\ndef dense_forward(x, W, b): os.fork()", "error", "not allowed in an exercise"),
    ("import os\ndef dense_forward(x, W, b): os.kill(os.getppid(), 9)", "error", "not allowed in an exercise"),
    pytest.param("def dense_forward(x, W, b): return np.zeros((100_000, 100_000))", "error", "MemoryError",
                 marks=pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps to a limit of memory")),
])
def test_it_says_what_a_process_may_not_do(tmp_path, source, cause, words):
    assert_one_is_wrong(*run(tmp_path, source), cause, words)


@pytest.mark.parametrize("source", [
    "", "def (", "1 / 0", "raise SystemExit", "print('hello')", "def dense_forward(x, W, b): return x @ W",
    "import mine\ndense_forward = mine.f", "def dense_forward(x, W, b): raise NotImplementedError",
    "def dense_forward(x, W, b):\n    print(x.shape)\n    return np.float32(x @ W + b), 'b'",
    "seen = []\ndef dense_forward(x, W, b): seen.append(x); return list(x @ W + b)"])
def test_the_verdict_is_the_same_in_this_process_and_in_another(tmp_path, source):
    (tmp_path / "mine.py").write_text("def f(x, W, b): return x @ W - b")
    path = write(tmp_path, source)
    assert read(path) == check.check(NAME, path)


def test_nothing_of_a_file_stays_in_this_process(tmp_path):
    path, before = write(tmp_path, "import mine\ndense_forward = mine.f"), (list(sys.path), set(sys.modules))
    for formula, causes in (("x @ W + b", ()), ("x @ W - b", ("sign:b",))):
        (tmp_path / "mine.py").write_text(f"def f(x, W, b): return {formula}")
        assert read(path)[0].causes == causes
        assert (list(sys.path), set(sys.modules)) == before
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"{NAME}.py", "mine.py"]


def test_ctrl_c_is_heard_in_this_process(tmp_path):
    for source in ("raise KeyboardInterrupt", "def dense_forward(x, W, b): raise KeyboardInterrupt"):
        with pytest.raises(KeyboardInterrupt):
            read(write(tmp_path, source))


def test_what_a_file_puts_in_the_place_of_a_librarys_functions_helps_no_wrong_answer(tmp_path):
    source = ("import tinyvae.diagnose as d, tinyvae.exercises.wire as w, tinyvae.exercises.cases as c\n"
              "d.same = c.same = np.allclose = np.array_equal = lambda *a, **k: True\nc.tolerance = lambda *a: 1e9\n")
    verdicts, _ = run(tmp_path, source)
    assert all(v.ok for v in verdicts.values())
    verdicts, _ = run(tmp_path, source + "def dense_forward(x, W, b): return x @ W")
    assert [v.causes for v in verdicts.values()] == [("missing:b",), (), ()]


@pytest.mark.parametrize("source", [
    "from __future__ import annotations\nfrom dataclasses import dataclass\n\n@dataclass\nclass Layer:\n    W: list\n"
    "    b: list\n\ndef dense_forward(x, W, b):\n    return x @ Layer(W, b).W + b",
    "def typed(x: int): return x\n\ndef dense_forward(x, W, b):\n    assert typed.__annotations__ == {'x': int}\n"
    "    return x @ W + b",
    "import numpy as np\n\n@np.errstate(all='ignore')\ndef dense_forward(x, W, b):\n    return x @ W + b",
    "import functools\n\n@functools.cache\ndef rows(n):\n    return range(n)\n\n"
    "def dense_forward(x, W, b):\n    return [x[m] @ W + b for m in rows(len(x))]",
    "import numpy as np\n\nplus = np.vectorize(lambda a, b: a + b, otypes=[float])\n\n"
    "def dense_forward(x, W, b):\n    return plus(x @ W, b)",
    "class Layer:\n    def __init__(self, W):\n        self.W = W\n\n    def __call__(self, x):\n        self.x = x\n"
    "        return x @ self.W\n\nunused = Layer(0)\n\ndef dense_forward(x, W, b):\n    return Layer(W)(x) + b",
    "import enum\n\nclass By(enum.Enum):\n    ROW = 0\n\ndef make(by=By.ROW):\n    def again(n):\n"
    "        return again(n - 1) if n else by\n    return lambda x, W, b: x @ W + b + again(3).value\n\n"
    "dense_forward = make()",
])
def test_classes_decorators_and_closures_are_no_mistakes(tmp_path, source):
    path = tmp_path / f"{NAME}.py"
    path.write_text(source, encoding="utf-8")
    forward = read(path)[0]
    assert forward.ok, forward


def test_matplotlib_is_imported_by_somebody_who_never_used_it(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    for name in ("MPLCONFIGDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    verdicts, text = run(tmp_path, "import matplotlib.pyplot as plt", seconds=60)
    assert all(v.ok for v in verdicts.values()), text


def test_outputs_in_one_array_are_taken_apart_as_python_would(tmp_path):
    path = tmp_path / "e09_elbo.py"
    path.write_text("import numpy as np\ndef loss_and_bound(log_p_x, kl, beta):\n"
                    "    return np.array([(beta * kl - log_p_x).mean(), (log_p_x - kl).mean()])\n", encoding="utf-8")
    assert read(path, "e09_elbo")[1].ok


def test_a_truth_may_be_infinite():
    case = Case("f", {"x": np.zeros(2)}, {"y": np.array([-np.inf, 1.0])})
    checker = SimpleNamespace(FUNCTIONS=("f",), ADVICE={}, cases=lambda rng: [case])
    for entry, causes, words in ((1.0, (), ""), (1.1, ("unknown",), "it is 1.1 at (1,), expected 1 ")):
        names = {"f": lambda x, entry=entry: np.array([-np.inf, entry])}
        (verdict,) = check.verdicts(checker, lambda calls, names=names: of(names, calls), 0)
        assert verdict.causes == causes
        assert words in " ".join(verdict.lines)


def test_a_print_does_not_hide_what_is_wrong_and_is_shown(tmp_path):
    verdicts, text = by_function(
        read(write(tmp_path, "def dense_forward(x, W, b): print('shape', x.shape); return x @ W")))
    assert verdicts["dense_forward"].causes == ("missing:b",)
    assert "It printed: shape (7, 5)" in text


def test_an_endless_loop_is_stopped_and_takes_no_other_function_with_it(tmp_path):
    start = time.monotonic()
    verdicts, text = run(tmp_path, "def dense_backward(dy, x, y, W):\n    while True: pass", seconds=3)
    assert {name: v.causes for name, v in verdicts.items()} == {
        "dense_forward": (), "dense_backward": ("timeout",), "squared_error_backward": ()}
    assert "stopped after 3 seconds" in text
    assert time.monotonic() - start < 20


@pytest.mark.parametrize(("source", "words"), [
    ("def dense_forward(x, W, b:\n    return", "SyntaxError"), ("import nothing_of_that_name", "ModuleNotFoundError"),
    ("1 / 0", f"line {len(MASTER.splitlines()) + 2}: 1 / 0"), ("raise SystemExit", "SystemExit"),
    ("\tx = 1\n  y = 2", "TabError"),
])
def test_a_file_that_cannot_be_loaded_says_where(tmp_path, source, words):
    verdicts, text = by_function(read(write(tmp_path, source)))
    assert not any(v.ok for v in verdicts.values())
    assert words in text
    assert "cannot be loaded" in text
    assert "called with" not in text


def test_a_file_in_another_encoding_or_with_zeros_is_told_so(tmp_path):
    path = tmp_path / f"{NAME}.py"
    for content, words in ((b"x = 'caf\xe9'\n", "SyntaxError"), (b"x = 1\0", "Error")):
        path.write_bytes(content)
        verdicts = read(path)
        assert words in report(NAME, verdicts)
        assert not any(v.ok for v in verdicts)


def test_gigabytes_of_print_are_survived(tmp_path):
    verdicts, text = run(
        tmp_path, "def dense_forward(x, W, b):\n    for _ in range(2000): print('x' * 1_000_000)\n    return x @ W + b")
    assert verdicts["dense_forward"].causes == ("prints",)
    assert len(text) < 1000


def test_output_below_python_goes_nowhere_and_forged_events_are_no_answers(tmp_path):
    forged = json.dumps({"function": "dense_forward", "value": {"value": 1}, "printed": "", "globals": []})
    verdicts, _ = run(tmp_path, f"import os\ndef dense_forward(x, W, b):\n    os.write(1, b'{forged}')\n"
                                  "    return x @ W + b")
    assert all(v.ok for v in verdicts.values())
    # Found by its number, the channel lets a forger send what it likes: but what it sends must be right.
    lines = "for fd in range(3, 20):\n    try: os.write(fd, b'not json\\n')\n    except OSError: pass"
    verdicts, text = run(tmp_path, f"import os\n{lines}")
    assert not any(v.ok for v in verdicts.values()), text


def test_what_comes_back_is_never_unpickled_and_must_be_what_pack_writes(tmp_path):
    path = tmp_path / "f.py"
    path.write_text("import os\nclass Evil:\n    def __reduce__(self): return os.system, ('touch evil',)\n"
                    "def f(x): return Evil()\n", encoding="utf-8")
    result = call(path, [Call("f", (1.0,))]).results[0]
    assert result.value == "Evil"
    assert not list(tmp_path.glob("evil"))


@pytest.mark.parametrize("name", proof.NAMES)
def test_a_stub_is_not_written_yet_and_a_master_is_right(name):
    verdicts = read(catalogue.STUBS / f"{name}.py", name)
    assert {v.causes for v in verdicts} == {("stub",)}
    assert [v.function for v in verdicts] == list(catalogue.checker(name).FUNCTIONS)
    verdicts = read(proof.MASTERS / f"{name}.py", name)
    assert all(v.ok for v in verdicts), report(name, verdicts)


@pytest.mark.parametrize("name", proof.NAMES)
def test_every_exercise_has_three_hints_and_a_checker_that_draws_anew(name):
    checker = catalogue.checker(name)
    assert len(checker.HINTS) == 3
    one, same, other = ([pack(list(case.args.values())) for case in checker.cases(np.random.default_rng(seed))]
                        for seed in (0, 0, 1))
    assert one == same
    assert one != other
