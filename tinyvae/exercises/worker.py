"""The process that runs a student's file. It is sent arrays and sends back what the functions gave; it knows no answer.

    worker FILE MEMORY < calls > events

The first line of standard input is a JSON list of calls [function, [argument, …]]; each event is a line of JSON. When
standard input is closed, whoever asked is gone, and the worker ends. What the student's code prints goes elsewhere, so
that it cannot be taken for an event. What it may not do (touch the network, other processes, or files for writing)
raises PermissionError.
"""

import contextlib
import json
import logging
import os
import sys
import threading
from pathlib import Path

from tinyvae.exercises.runner import serve

FORBIDDEN = frozenset({
    "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "os.kill",
    "os.killpg", "os.startfile", "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink",
    "os.truncate", "os.chmod", "os.chown", "os.utime", "shutil.rmtree", "shutil.move", "shutil.copyfile",
    "cpython.PyInterpreterState_New"})  # another interpreter would have no guard
FORBIDDEN_KINDS = ("socket.", "ctypes.", "sqlite3.")  # whatever begins so


def main() -> None:
    path, memory = Path(sys.argv[1]), int(sys.argv[2])
    calls = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with, args=[os.dup(0)], daemon=True).start()
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as events:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nowhere, descriptor)
        _limit(memory)

        def send(event: dict) -> None:
            events.write(json.dumps(event) + "\n")
            events.flush()

        sys.addaudithook(_guard)
        logging.getLogger("matplotlib").setLevel(logging.CRITICAL)  # it may not write its list of fonts, and says so
        serve(path, calls, send)
    os._exit(0)  # without the student's own exit handlers


def _end_with(asker: int) -> None:
    """End this process when the other end of that pipe is closed."""
    os.read(asker, 1)
    os._exit(1)


def _limit(memory: int) -> None:
    """So much memory, no files, no new processes: where the system knows such limits (not on Windows)."""
    try:
        import resource
    except ImportError:
        return
    for name, limit in (("AS", memory), ("CORE", 0), ("FSIZE", 0), ("NPROC", 0)):
        with contextlib.suppress(AttributeError, ValueError, OSError):
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (limit, limit))


def _guard(event: str, args: tuple) -> None:
    """An audit hook (PEP 578): it cannot be removed."""
    if event == "open":
        path, mode, flags = args
        writes = set(mode) & set("wax+") if isinstance(mode, str) else flags & (os.O_WRONLY | os.O_RDWR)
        if writes and path != os.devnull:
            raise PermissionError(f"opening {path!r} for writing is not allowed in an exercise")
    elif event in FORBIDDEN or event.startswith(FORBIDDEN_KINDS):
        raise PermissionError(f"{event} is not allowed in an exercise")
