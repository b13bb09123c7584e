"""The process that runs a student's file. It is sent arrays and sends back what the functions gave; it knows no answer.

    worker FILE MEMORY FOLDER… < calls > events

The first line of standard input is a JSON list of calls [function, [argument, …]]; each event is a line of JSON. When
standard input is closed, whoever asked is gone, and the worker ends. What the student's code prints goes elsewhere, so
that it cannot be taken for an event. What it may not do (touch the network, other processes, files for writing, or
files that lie neither beside it nor in Python's libraries nor in a FOLDER) raises PermissionError.
"""

import _imp
import contextlib
import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn

from tinyvae.exercises.runner import serve

FORBIDDEN = frozenset({
    "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "os.kill",
    "os.killpg", "os.startfile", "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink",
    "os.truncate", "os.chmod", "os.chown", "os.chflags", "os.utime", "os.setxattr", "os.removexattr", "shutil.rmtree",
    "shutil.move", "shutil.copyfile", "resource.prlimit",
    "cpython.PyInterpreterState_New"})  # another interpreter would have no guard
FORBIDDEN_KINDS = ("socket.", "ctypes.", "sqlite3.", "gc.get_")  # whatever begins so; gc would find the guard itself
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# Modules in C that open files without a word: a history, databases, a log of keys, the language Tcl, tests of Python.
OPENERS = frozenset({"readline", "_dbm", "_gdbm", "_ssl", "_tkinter", "_testcapi", "_posixshmem"})
# Modules that are loaded by now: to import one anew would give its functions anew, without what `_silence` did to them.
LOADED = frozenset({"posix", "nt", "_signal", "_posixsubprocess", "_imp"})

# What there is no audit event for, by the modules where it can be found.
SILENT = {("os", os.name): ("mknod", "mkfifo", "pidfd_open", "setpriority", "sched_setaffinity", "sched_setparam",
                            "sched_setscheduler", "chroot", "unshare", "setns"),
          ("signal", "_signal"): ("pidfd_send_signal",),
          ("_posixsubprocess",): ("fork_exec",), ("subprocess",): ("_fork_exec",)}


def main() -> None:
    path, memory, folders = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
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

        _silence()
        sys.addaudithook(_guard([path.parent, *folders, *_libraries()]))
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


def _silence() -> None:
    """Put functions that refuse in the place of those in SILENT."""
    def refuse(*args: Any, **options: Any) -> NoReturn:
        raise PermissionError("this is not allowed in an exercise")

    with contextlib.suppress(ImportError):  # there is none on Windows
        import _posixsubprocess  # noqa: F401  so that it is among the modules
    for modules, names in SILENT.items():
        for module in modules:
            for name in names:
                if hasattr(sys.modules.get(module), name):
                    setattr(sys.modules[module], name, refuse)
    for name in ("create_builtin", "create_dynamic"):
        setattr(_imp, name, _but_not(LOADED, getattr(_imp, name)))


def _but_not(names: frozenset[str], create: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """What makes a module from its description, but for these."""
    def chosen(spec: Any, *more: Any) -> Any:
        if str(spec.name) in names:
            raise ImportError(f"{spec.name} is not allowed in an exercise")
        return create(spec, *more)

    return chosen


def _libraries() -> list[str]:
    """Where modules come from: the search path. Of a checkout it is only the package, for submissions may lie in it."""
    package = Path(__file__).parents[1]
    folders = {os.path.realpath(folder or os.curdir) for folder in sys.path}
    if not Path(package.parent, "numpy").is_dir():
        folders.discard(os.path.realpath(package.parent))
    return [*folders, str(package)]


def _guard(readable: Iterable[str | Path]) -> Callable[[str, tuple], None]:
    """An audit hook (PEP 578): it cannot be removed. It uses variables of its own, as anybody can change a module's."""
    normal, real, isdir, fspath = os.path.normcase, os.path.realpath, os.path.isdir, os.fsdecode
    forbidden, kinds, writing, openers, nowhere = FORBIDDEN, FORBIDDEN_KINDS, WRITING, OPENERS | LOADED, os.devnull
    folders = tuple(os.path.join(normal(real(folder)), "") for folder in readable)

    def may_read(path: Any) -> bool:
        return os.path.join(normal(real(path)), "").startswith(folders)

    def hook(event: str, args: tuple) -> None:
        if event == "open":
            path, mode, flags = args
            if isinstance(path, int):  # it is open already
                return
            path = str.__str__(fspath(path))  # of a class derived from str, what the system sees
            if path == nowhere:
                return
            if flags & writing or (isinstance(mode, str) and set(mode) & set("wax+")):
                raise PermissionError(f"opening {path!r} for writing is not allowed in an exercise")
            if not may_read(path) or (mode is None and isdir(path)):  # from a folder, any file could be opened unseen
                raise PermissionError(f"reading {path!r} is not allowed in an exercise, which may read what lies "
                                      "beside it")
        elif event in ("os.listdir", "os.scandir"):
            if not may_read(fspath(args[0] or ".")):
                raise PermissionError(f"listing {args[0]!r} is not allowed in an exercise")
        elif event == "import":
            if args[0] in openers:
                raise ImportError(f"{args[0]} is not allowed in an exercise")
        elif event in forbidden or event.startswith(kinds):
            raise PermissionError(f"{event} is not allowed in an exercise")

    return hook
