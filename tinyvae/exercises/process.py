"""A student's file in a process of its own, with limits of time, memory and output: whatever it does, we go on."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from tinyvae.exercises.calls import Answers, Call, Result, packed, read

# The worker runs in another folder, and must find this tinyvae from there, also where it is not installed.
WORKER = "import sys; sys.path.append(sys.argv.pop(1)); from tinyvae.exercises.worker import main; main()"
OUTPUT = 32_000_000  # bytes of events that are read
PARTS = 2_000_000  # values in them: in Python each takes up to a hundred times the bytes that it has as JSON
MEMORY = 4_000_000_000  # bytes of address space; NumPy with its threads takes up to 2 GB of it
# Of the environment, what Python and its libraries need to start and to find each other, and nobody's secrets.
NEEDED = re.compile(r"PATH|HOME|USERPROFILE|APPDATA|LOCALAPPDATA|SYSTEMROOT|WINDIR|TE?MP|TMPDIR|LANG|TZ|LC_.*|PYTHON.*|"
                    r"(LD|DYLD)_.*PATH|CONDA_PREFIX|VIRTUAL_ENV|XDG_(CONFIG|CACHE)_HOME|MPLCONFIGDIR|OPENBLAS_CORETYPE",
                    re.IGNORECASE)
T = TypeVar("T")
R = TypeVar("R")


def call(path: Path, calls: list[Call], seconds: float = 10.0, memory: int = MEMORY) -> Answers:
    """Run the calls on the file at `path`, in another process that is stopped after so many seconds."""
    threads = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "OMP", "MKL")}  # small sizes, many processes
    request = json.dumps(packed(calls)).encode() + b"\n"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as nowhere:
        environment = {name: value for name, value in os.environ.items() if NEEDED.fullmatch(name)}
        environment |= threads | {"PYTHONIOENCODING": "utf-8"}
        if not (folders := _of_matplotlib()):
            environment["MPLCONFIGDIR"] = nowhere
        command = [sys.executable, "-c", WORKER, str(Path(__file__).parents[2]), str(Path(path).resolve()), str(memory),
                   nowhere, *folders]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                   cwd=nowhere, start_new_session=True, env=environment)
        requests, events = process.stdin, process.stdout
        assert requests is not None
        assert events is not None
        received: list[bytes] = []
        reader = threading.Thread(target=lambda: received.append(events.read(OUTPUT)), daemon=True)
        reader.start()
        try:
            with contextlib.suppress(OSError):  # a process that could not even start
                requests.write(request)
                requests.flush()  # and left open: when we are no more, the worker sees it closed, and ends
            reader.join(seconds)
            late = reader.is_alive()
        finally:
            _stop(process)
            reader.join(5)  # a process that got away may hold the pipe open for ever
            with contextlib.suppress(OSError):
                requests.close()
            if not reader.is_alive():
                events.close()
    end = Result(error="timeout", text=f"it was stopped after {seconds:g} seconds") if late else \
        Result(error="crash", text="the process ended before it gave an answer")
    return read(_lines(b"".join(received)), calls, end)


def call_each(path: Path, calls: list[Call], seconds: float) -> Answers:
    """As `call`; but a function that never comes back takes no other function's answers with it."""
    answers = call(path, calls, seconds)
    lost = next((call.function for call, r in zip(calls, answers.results, strict=True)
                 if r.error in ("timeout", "crash") and not r.loading), None)
    others = [i for i, call in enumerate(calls) if call.function != lost]
    if lost is None or not others:
        return answers
    again = call_each(path, [calls[i] for i in others], seconds)
    for i, result in zip(others, again.results, strict=True):
        answers.results[i] = result
    return answers


def _lines(sent: bytes) -> Iterator[bytes]:
    """The lines of what a worker sent, as long as they hold no more than PARTS values; one after the other."""
    left = PARTS
    for line in io.BytesIO(sent):
        left -= sum(map(line.count, (b",", b"[", b"{")))
        if left < 0:
            return
        yield line


def _of_matplotlib() -> list[str]:
    """The folders that Matplotlib reads; none if there are none yet, for it needs one, and a worker cannot make it."""
    if "MPLCONFIGDIR" in os.environ:
        return [os.environ["MPLCONFIGDIR"]]
    home = os.path.expanduser("~")
    places = [[os.path.join(home, ".matplotlib")],
              [os.path.join(os.environ.get(f"XDG_{kind.upper()}_HOME") or os.path.join(home, f".{kind}"), "matplotlib")
               for kind in ("config", "cache")]]
    return next((place for place in places if all(os.access(folder, os.W_OK) for folder in place)), [])


def in_parallel(work: Callable[[T], R], items: Sequence[T], what: str, jobs: int = 0) -> Iterator[tuple[T, R]]:
    """(item, work(item)) of each, as they come; with a progress bar. Threads, for work that waits for processes."""
    from multiprocessing import TimeoutError
    from multiprocessing.pool import ThreadPool

    from tqdm import tqdm

    with ThreadPool(max(1, min(jobs or os.cpu_count() or 1, len(items)))) as pool:
        results = pool.imap_unordered(lambda item: (item, work(item)), items)
        for _ in tqdm(items, what, delay=2, leave=False):
            while True:  # waits in pieces: on Windows, Ctrl-C is heard between them only
                with contextlib.suppress(TimeoutError):
                    yield results.next(0.5)
                    break


def _stop(process: subprocess.Popen) -> None:
    """End the process and all that it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
