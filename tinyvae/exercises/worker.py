"""The process that runs a student's file. It is sent arrays and sends back what the functions gave; it knows no answer.

    worker FILE MEMORY < calls > events

The first line of standard input is a JSON list of calls [function, [argument, …]]; each event is a line of JSON. When
standard input is closed, whoever asked is gone, and the worker ends. What the student's code prints goes elsewhere, so
that it cannot be taken for an event. What it may not do (touch the network, other processes, or files for writing)
raises PermissionError.
"""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import io
import json
import logging
import os
import pickle
import random
import sys
import threading
import traceback
import types
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tinyvae.exercises.wire import pack, unpack

PRINTED = 2000  # characters kept of what a call prints
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
        before = _library()
        with _printed() as text:
            module, failure = _load(path)
        send({"loaded": failure is None, "printed": text(), **(failure or {})})
        if module is not None:
            run(vars(module), calls, send, path)
        send({"tampered": _tampered(before)})
    os._exit(0)  # without the student's own exit handlers


def _end_with(asker: int) -> None:
    """End this process when the other end of that pipe is closed."""
    os.read(asker, 1)
    os._exit(1)


def run(names: dict[str, Any], calls: list, send: Callable[[dict], None], path: Path | None = None) -> None:
    """Make each call [function, packed arguments] on `names`, a module's globals, and send what came of it."""
    before = _state(names)
    for function, packed in calls:
        arguments = [unpack(a) for a in packed]
        with _printed() as text:
            event = _call(names.get(function), arguments, path)
        after = _state(names)
        changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        send({"function": function, "printed": text(), "globals": changed,
              "arguments": [pack(a) for a in arguments], **event})
        before = after


def _call(function, arguments: list, path: Path | None) -> dict:
    """{"value": …}, or {"error": kind, "text": …} for a call that gave none."""
    if function is None:
        return {"error": "missing", "text": ""}
    if not callable(function):
        return {"error": "missing", "text": f"it is a {type(function).__name__}"}
    with contextlib.suppress(ValueError):  # it may have no signature that can be read
        signature = inspect.signature(function)
        try:
            signature.bind(*arguments)
        except TypeError:
            return {"error": "signature", "text": f"it takes {signature}, and was given {len(arguments)} arguments"}
    try:
        with np.errstate(all="ignore"):
            return {"value": pack(function(*arguments))}
    except NotImplementedError as error:
        *_, last = traceback.walk_tb(error.__traceback__)
        unwritten = last[0].f_code
        if unwritten is getattr(function, "__code__", unwritten):
            return {"error": "stub", "text": ""}
        return {"error": "needs", "text": f"it calls {unwritten.co_name}, which is not written yet"}
    except BaseException as error:  # a student's code may raise whatever there is
        return _failure(error, path)


def _load(path: Path) -> tuple[types.ModuleType | None, dict | None]:
    """The student's file as a module, or why it is none."""
    sys.path.append(str(path.parent))  # for helpers the student keeps beside it; last, so that it shadows nothing
    sys.dont_write_bytecode = True
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where @dataclass looks for it
    try:
        spec.loader.exec_module(module)
        return module, None
    except BaseException as error:
        return None, _failure(error, path)


def _failure(error: BaseException, path: Path | None) -> dict:
    """An exception as kind, text and traceback: the student's own lines, as far as there are any."""
    kind = "exit" if isinstance(error, (SystemExit, KeyboardInterrupt)) else "error"
    frames = [f for f in traceback.extract_tb(error.__traceback__) if path is not None and f.filename == str(path)]
    if isinstance(error, SyntaxError):
        where = f"line {error.lineno}: {(error.text or '').strip()}"
    else:
        where = f"line {frames[-1].lineno}: {frames[-1].line}" if frames else ""
    try:
        words = str(error.msg if isinstance(error, SyntaxError) else error)
    except Exception:
        words = ""
    return {"error": kind, "text": f"{type(error).__name__}: {words}"[:500].rstrip(": "), "where": where[:300]}


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


@contextlib.contextmanager
def _printed() -> Iterator[Callable[[], str]]:
    """Catch what is printed meanwhile; the value gives it, cut off at PRINTED characters. A warning is no print."""
    out = _Bounded()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield out.getvalue


class _Bounded(io.StringIO):
    def write(self, text: str) -> int:
        super().write(text[: max(PRINTED - self.tell(), 0)])
        return len(text)


def _state(names: dict[str, Any]) -> dict[str, Any]:
    """What a function could leave changed behind it: the module's own globals, and everybody's random numbers."""
    state: dict[str, Any] = {"np.random's global state": pickle.dumps(np.random.get_state()),  # noqa: NPY002
                             "random's global state": random.getstate(), "np.seterr": np.geterr(),
                             "the working directory": os.getcwd()}
    module = names.get("__name__")
    for name, value in names.items():
        if name.startswith("__") or isinstance(value, types.ModuleType):
            continue
        if not callable(value):
            state[f"the global {name}"] = _contents(value, module)
        elif getattr(value, "__module__", None) == module:  # a function or class of the student's own
            state[f"what {name} remembers"] = _contents(value, module)
    return state


def _contents(value: Any, module: Any) -> bytes | int:
    """The same for a value as long as nothing in it changes; of what cannot be looked into, which value it is."""
    file = io.BytesIO()
    try:
        _Contents(file, module).dump(value)
    except Exception:
        return id(value)
    return file.getvalue()


class _Contents(pickle.Pickler):
    """Writes functions and classes of a module with what they keep from call to call, where pickle writes a name."""

    def __init__(self, file: io.BytesIO, module: Any):
        super().__init__(file, protocol=4)
        self.module = module

    def reducer_override(self, value: Any):
        if getattr(value, "__module__", None) != self.module:
            return NotImplemented
        if isinstance(value, types.FunctionType):
            cells = [cell.cell_contents for cell in value.__closure__ or ()]
            return object, (), (vars(value), value.__defaults__, value.__kwdefaults__, cells)
        if isinstance(value, type):
            return object, (), {name: of for name, of in vars(value).items()
                                if not name.startswith("__") and not hasattr(of, "__get__")}
        return NotImplemented


def _library() -> dict[str, int]:
    """Each function, class and constant of NumPy and tinyvae, as it is now."""
    names = ["numpy", "numpy.random", "numpy.linalg", "math", "random"]
    names += [name for name in sys.modules if name.split(".")[0] == "tinyvae"]
    return {f"{name}.{key}": id(value) for name in names if name in sys.modules
            for key, value in vars(sys.modules[name]).items() if not key.startswith("__")}


def _tampered(before: dict[str, int]) -> list[str]:
    """What a student's code put in the place of something of a library's."""
    now = _library()
    return sorted(name for name, identity in before.items() if now.get(name) != identity)

