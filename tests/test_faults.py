"""What can happen to a run from outside: another one in the same folder, an end at any moment, a disk that fails."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import tinyvae as tv
from tinyvae import plots
from tinyvae.foundation import locks, machine, text
from tinyvae.foundation.progress import progress_bar

TINY = ["--hidden", "3", "--latent-dim", "1", "--epochs", "1"]
HAS_FORK = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
HAS_SIGNALS = pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise on Windows")

# ---- two runs and one folder -----------------------------------------------------------------------

# Everything is imported before the first fork, and no picture is drawn: a pair takes a twentieth of a second.
RACE = """
import json, os, sys
from multiprocessing import get_context
from pathlib import Path
from tinyvae.cli import commands, runs

runs.Run.draw = lambda run: ()
rows, pairs = sys.argv[1], int(sys.argv[2])
context = get_context("fork")

def run(out, resume, hidden, barrier):
    barrier.wait()
    sys.stderr = open(os.devnull, "w")
    sys.exit(commands.main(["train", "--data", rows, "--hidden", str(hidden), "--latent-dim", "1", "--epochs", "1",
                            "--validation", "0", "--seed", str(hidden), "--quiet", "--out", out, *resume]))

for pair in range(pairs):
    out = Path(f"run-{pair}")
    if pair & 1:
        out.mkdir()
    barrier = context.Barrier(2)
    both = [context.Process(target=run, args=(str(out), ["--resume"] * (pair >> 1 & 1), hidden, barrier))
            for hidden in (3, 5)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    print(json.dumps([process.exitcode for process in both]))
"""


@HAS_FORK
@pytest.mark.parametrize("pairs", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_of_two_runs_that_are_started_in_one_folder_at_once_exactly_one_gets_it(rows, here, pairs):
    """In new and empty folders, with and without --resume; each with settings of its own, so that a mixture shows."""
    out = subprocess.run([sys.executable, "-c", RACE, str(rows), str(pairs)], stdout=subprocess.PIPE, text=True,
                         check=True).stdout
    ends = [json.loads(line) for line in out.splitlines()]
    assert [sorted(pair) for pair in ends] == [[0, 2]] * pairs
    for pair, statuses in enumerate(ends):
        winner, folder = (3, 5)[statuses.index(0)], here / f"run-{pair}"
        assert json.loads((folder / "config.json").read_text())["settings"]["hidden"] == [winner]
        assert json.loads((folder / "results.json").read_text())["seed"] == winner
        assert tv.load(folder / "model.npz").hidden == (winner,)
        assert {path.name for path in folder.iterdir()} == {"config.json", "checkpoint.npz", "history.csv",
                                                            "results.json", "model.npz"}


@pytest.fixture
def endless(rows, here):
    """The process of a run in the folder "cut" that has saved a checkpoint, and would train for ever."""
    command = [sys.executable, "-m", "tinyvae", "train", "--data", str(rows), *TINY[:-1], "100000", "--quiet",
               "--out", "cut"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        while not (here / "cut" / "checkpoint.npz").exists():
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.005)
        yield process
        process.kill()


def test_a_running_run_is_not_resumed_and_a_killed_one_is(run, endless, here):
    status, _, error = run("train", "--out", "cut", "--resume", "--quiet")
    assert (status, error) == (2, "tinyvae: another process is training in cut; wait for it, or give --out another "
                                  "folder\n")
    endless.kill()
    endless.wait()
    assert (here / "cut" / "run.lock").exists()
    settings = json.loads((here / "cut" / "config.json").read_text())
    settings["settings"]["epochs"] = 1  # so that it ends
    (here / "cut" / "config.json").write_text(json.dumps(settings))
    (here / "cut" / "checkpoint.npz").unlink()
    dead, others = here / "cut" / "checkpoint.npz.0123456789abcdef.part", here / "cut" / "notes.part"
    dead.write_bytes(b"half of it")
    others.write_bytes(b"of somebody else")
    assert run("train", "--out", "cut", "--resume", "--quiet")[0] == 0
    assert not dead.exists()
    assert others.exists()
    assert not (here / "cut" / "run.lock").exists()


def test_what_a_run_killed_at_its_beginning_left_locks_no_folder(run, rows, here):
    (here / "cut").mkdir()
    (here / "cut" / "run.lock").touch()
    (here / "cut" / "config.json.0123456789abcdef.part").write_bytes(b"half of it")
    assert run("train", "--data", rows, *TINY, "--out", "cut", "--quiet")[0] == 0
    assert not [path.name for path in (here / "cut").iterdir() if path.suffix in (".part", ".lock")]


def test_a_lock_is_held_by_one_and_free_again_after(tmp_path):
    path = tmp_path / "run.lock"
    with locks.only_one(path, "it is taken"):
        with pytest.raises(BlockingIOError, match=r"^it is taken$"), locks.only_one(path, "it is taken"):
            pass
        assert path.exists()
    with pytest.raises(ZeroDivisionError), locks.only_one(path, ""):
        raise ZeroDivisionError
    with locks.only_one(path, ""):
        pass
    assert not path.exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows renames no open file")
def test_a_lock_whose_file_its_holder_has_just_removed_is_no_lock(tmp_path, monkeypatch):
    """The file that was opened is another one by the time it is locked: both would believe to be the only one."""
    path, lock, opened = tmp_path / "run.lock", locks._lock, []

    def late(descriptor):
        if not opened:
            os.rename(path, tmp_path / "removed")
        opened.append(descriptor)
        lock(descriptor)

    monkeypatch.setattr(locks, "_lock", late)
    with locks.only_one(path, ""):
        assert len(opened) == 2
        assert path.exists()


# ---- an end at any moment --------------------------------------------------------------------------


@HAS_SIGNALS
def test_sigterm_saves_as_ctrl_c_does_and_says_so_in_its_status(run, endless, here):
    before = tv.checkpoint.load_state(here / "cut" / "checkpoint.npz")[1]
    time.sleep(0.3)
    endless.terminate()
    error = endless.communicate()[1]
    assert endless.returncode == 143, error
    assert "tinyvae train --resume --out cut" in error
    assert "Traceback" not in error
    after = tv.checkpoint.load_state(here / "cut" / "checkpoint.npz")[1]
    assert after["t"] > before["t"]


@HAS_SIGNALS
def test_a_handler_of_sigterm_that_somebody_else_has_set_is_left_alone():
    def mine(signum, frame):
        pass

    before = signal.signal(signal.SIGTERM, mine)
    try:
        with machine.terminable(), machine.deferred_interrupt():
            assert signal.getsignal(signal.SIGTERM) is mine
            assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with machine.deferred_interrupt() as asked:
            os.kill(os.getpid(), signal.SIGTERM)
            assert asked == [machine.Terminated]
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("before", [
    "sys.meta_path.insert(0, Pressed)",  # while NumPy is imported
    "import numpy; sys.meta_path.insert(0, Pressed)",  # while the modules of the commands are
    # while the command line is read
    "import argparse; argparse.ArgumentParser.parse_args = lambda *rest: Pressed.find_spec('numpy')",
])
def test_ctrl_c_before_the_first_line_is_one_line(before):
    code = ("import sys\nsys.argv = ['bin/tinyvae', 'data']\nclass Pressed:\n"
            "    def find_spec(name, *rest):\n"
            "        if name in ('numpy', 'tinyvae.cli.settings'): raise KeyboardInterrupt\n"
            f"{before}\nfrom tinyvae.cli import main\nsys.exit(main(['data']))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == "tinyvae: interrupted\n"
    assert done.returncode in (130, 0xC000013A if os.name == "nt" else -signal.SIGINT)


def test_errors_of_other_programs_are_shown_as_they_are(python):
    code = "import sys, tinyvae\nprint(sys.excepthook is sys.__excepthook__)"
    assert python(code).strip() == "True"
    assert python(f"import sys; sys.argv = ['tinyvae']\n{code}").strip() == "False"


def test_a_picture_that_fails_loses_no_model(run, rows, here, monkeypatch):
    def fail(*args, **options):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(plots, "curves", fail)
        status, _, error = run("train", "--data", rows, *TINY, "--out", "r", "--quiet")
    assert status == 0
    (line,) = [line for line in error.splitlines() if "picture" in line]
    assert "No space left" in line
    assert line.endswith("tinyvae plot r")
    assert run("plot", "r")[0] == 0
    assert (here / "r" / "curves.png").exists()


# ---- forks and bars --------------------------------------------------------------------------------

def test_where_no_progress_is_shown_nothing_of_tqdm_is_loaded(python):
    code = ("import sys, numpy as np, tinyvae as tv\nvae = tv.VAE(4, 1, (3,), rng=0)\n"
            "tv.fit(vae, np.zeros((9, 4)), epochs=1, progress=False)\n"
            "tv.log_likelihood(vae, np.zeros((3, 4)), 5)\nprint('tqdm' in sys.modules)")
    assert python(code).strip() == "False"


def test_what_stands_for_a_bar_can_do_what_is_asked_of_one(capsys):
    with progress_bar(False, total=3) as bar:
        bar.update(3)
        bar.set_postfix_str("well")
        bar.write("said", file=sys.stderr)
    assert capsys.readouterr() == ("", "said\n")


@HAS_FORK
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_while_threads_work_has_threads_of_its_own():
    def work(_):
        return threading.get_ident()

    def forked(pipe):
        found = []
        machine.in_threads(work, [(0,)], found.append)
        pipe.send(found[0] != threading.get_ident())  # in a thread: the lock was free

    context, heard = multiprocessing.get_context("fork"), []

    def outer(_):
        ours, theirs = context.Pipe()
        child = context.Process(target=forked, args=[theirs])
        child.start()
        heard.append(ours.poll(60) and ours.recv())
        child.join()

    machine.in_threads(outer, [(0,)], lambda _: None)
    assert heard == [True]


# ---- messages --------------------------------------------------------------------------------------

def test_a_message_has_a_length_and_keeps_its_beginning_and_its_end(run, here):
    long = "which " + "x" * 10_000 + " to do"
    assert len(text.short(long)) == text.LONGEST
    assert text.short(long).startswith("which x")
    assert text.short(long).endswith("x to do")
    assert text.short("a" * text.LONGEST) == "a" * text.LONGEST
    np.savez("many.npz", **{f"a{i}": np.zeros(1) for i in range(2000)})
    (here / "long.csv").write_text("a,b\n1," + "x" * 10_000 + "\n")
    for argv in (["data", "many.npz"], ["data", "long.csv"], ["data", "x" * 3000], ["tran" * 3000],
                 ["train", "--lr", "x" * 3000]):
        status, _, error = run(*argv)
        assert (status, error.count("\n")) == (2, 1)
        assert len(error) < 700


@pytest.mark.parametrize("door", [
    lambda long: tv.VAE(4, 2, hidden=long), lambda long: tv.VAE(long, 2), lambda long: tv.Adam(long),
    lambda long: tv.Muon(long), lambda long: tv.VAE(4, 2, likelihood=long), lambda long: tv.VAE(4, 2, activation=long),
    lambda long: tv.VAE(4, 2, dtype=long), lambda long: tv.Adam(tv.VAE(4, 2), lr=long),
    lambda long: tv.fit(tv.VAE(4, 2), np.zeros((3, 4)), epochs=long, progress=False)])
def test_a_door_shows_only_the_beginning_of_what_it_refuses(door):
    for long in ("x" * 10**6, dict.fromkeys(range(10**5), np.zeros(3))):
        with pytest.raises((TypeError, ValueError)) as refused:
            door(long)
        assert len(str(refused.value)) < 300
        assert "\n" not in str(refused.value)
