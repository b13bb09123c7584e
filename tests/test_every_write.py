"""Every write can fail: each write, fsync, rename, open and mkdir of a run fails once, by strace's fault injection.

What is then on the disk is judged by a run that nothing disturbed: either `--resume` makes the same bits of it, or what
was there before is as it was; and the one that failed says so in one line.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time

import pytest

RUN = ["--hidden", "3", "--latent-dim", "1", "--epochs", "2", "--batch-size", "64", "--quiet"]
ERRORS = {"openat": "ENOSPC", "write": "ENOSPC", "fsync": "EIO", "rename": "EACCES", "mkdir": "ENOSPC"}

# A process that has imported everything forks one for each run: that stops until strace has taken hold of it.
SERVER = """
import ctypes, json, os, signal, sys
from tinyvae.cli import commands
commands.main(json.loads(sys.argv[1]))
for line in sys.stdin:
    out = os.open("out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    errors = os.open("errors", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    child = os.fork()
    if child == 0:
        os.dup2(out, 1), os.dup2(errors, 2)
        ctypes.CDLL(None).prctl(0x59616D61, -1, 0, 0, 0)  # PR_SET_PTRACER: anybody may trace it
        os.kill(os.getpid(), signal.SIGSTOP)
        os._exit(commands.main(json.loads(line)))
    os.close(out), os.close(errors)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Traced:
    """Runs `tinyvae` under strace, in the working directory."""

    def __init__(self, rows):
        self.options = ["train", "--data", str(rows), *RUN, "--out"]
        self.server = subprocess.Popen([sys.executable, "-c", SERVER, json.dumps([*self.options, "warm"])], text=True,
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __call__(self, folder, *more, inject=()):
        """(status, what it said, the calls as strace writes them) of a run in that folder."""
        print(json.dumps([*self.options, folder, *more]), file=self.server.stdin, flush=True)
        child = self.server.stdout.readline().strip()
        while "(stopped)" not in _state(child):
            time.sleep(0.001)
        faults = [f"--inject={fault}" for fault in inject]
        with subprocess.Popen(["strace", "-f", "-p", child, "-o", "calls", "-e", f"trace={','.join(ERRORS)}", *faults],
                              stderr=subprocess.PIPE, text=True) as strace:
            if "attached" not in strace.stderr.readline():
                os.kill(int(child), 9)
                pytest.skip("strace may not trace here")
            os.kill(int(child), 18)  # SIGCONT
            status = int(self.server.stdout.readline())
            strace.communicate()
        with open("errors") as said, open("calls") as calls:
            return status, said.read(), re.findall(rf"^\d+ +((?:{'|'.join(ERRORS)})\(.*)$", calls.read(), re.MULTILINE)


def _state(pid):
    with open(f"/proc/{pid}/status") as file:
        return file.read()


@pytest.fixture(scope="module")
def traced(rows, tmp_path_factory):
    if not sys.platform.startswith("linux") or not shutil.which("strace"):
        pytest.skip("needs Linux and strace (apt-get install strace)")
    before = os.getcwd()
    os.chdir(tmp_path_factory.mktemp("writes"))
    traced = Traced(rows)
    yield traced
    traced.server.communicate()
    os.chdir(before)


def contents(folder):
    """{name: bytes} of a run folder, without what a clock decides."""
    found = {}
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as file:
            found[name] = file.read()
    if "history.csv" in found:
        lines = [line.split(b",") for line in found["history.csv"].splitlines()]
        found["history.csv"] = b"\n".join(b",".join(line[:-2]) for line in lines)  # seconds, images per second
    return found


def points(calls):
    """[(system call, which one of its kind it is)] of all that write or make something."""
    count, found = dict.fromkeys(ERRORS, 0), []
    for call in calls:
        name = call.split("(")[0]
        count[name] += 1
        if name != "openat" or "O_CREAT" in call:
            found.append((name, count[name]))
    return found


def begun(folder):
    """Make the folder of a run that has been trained to its end and was killed then."""
    os.mkdir(folder)
    for name in ("config.json", "checkpoint.npz"):
        shutil.copy(os.path.join("whole", name), folder)


@pytest.mark.slow
@pytest.mark.parametrize("start", ["new", "resumed"])
def test_a_write_that_fails_costs_no_bit(traced, start):
    if not os.path.exists("whole"):
        assert traced("whole")[0] == 0
    whole, more = contents("whole"), ["--resume"] * (start == "resumed")
    if start == "resumed":
        begun("undisturbed")
    status, usual, calls = traced("undisturbed" if more else "another", *more)
    assert status == 0
    faults = points(calls)
    assert {name for name, _ in faults} == {*ERRORS} - ({"mkdir"} if more else set())
    assert len(faults) >= 25
    for name, number in faults:
        folder, fault = f"{start}-{name}-{number}", f"{name}:error={ERRORS[name]}:when={number}"
        if more:
            begun(folder)
        before = contents(folder) if more else {}
        status, said, calls = traced(folder, *more, inject=[fault])
        said = [line for line in said.splitlines() if line not in usual]
        assert sum("(INJECTED)" in call for call in calls) == 1, fault
        assert (status, len(said)) in ((0, 0), (0, 1), (2, 1)), (fault, said)
        if os.path.exists(folder):
            after = contents(folder)
            assert all(after[known] in (old, whole[known]) for known, old in before.items()), fault
            assert after.keys() <= whole.keys(), fault  # nothing half, no lock
        assert traced(folder, "--resume")[0] == 0, fault
        # A picture that failed is drawn by tinyvae plot, as was said.
        pictures = {"curves.png"} if "picture" in "".join(said) else set()
        found = contents(folder)
        for file in whole.keys() - {"config.json", "checkpoint.npz"} - pictures:
            assert found[file] == whole[file], (fault, file)
        shutil.rmtree(folder)
