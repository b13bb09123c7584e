"""Runs a student's functions, and says what came of each call: in a process of its own (`worker`), or in this one.

It knows no answer: it is given arguments, and gives what the functions return, raise, print and leave changed.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import pickle
import random
import sys
import traceback
import types
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tinyvae.exercises.wire import pack, unpack

PRINTED = 2000  # characters kept of what a call prints
Send = Callable[[dict], None]


def serve(path: Path, calls: list, send: Send) -> None:
    """Load the file at `path` and make the calls on it; the first event says whether it could be loaded."""
    with _beside(path):
        with _printed() as text:
            module, failure = _load(path)
        send({"printed": text(), **failure})
        if module is not None:
            run(vars(module), calls, send, path)


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[None]:
    """While it lasts, what the student keeps beside the file can be imported; and nothing of it stays loaded."""
    folder, places, modules, writes = str(path.parent), sys.path, set(sys.modules), sys.dont_write_bytecode
    sys.path, sys.dont_write_bytecode = [*places, folder], True  # last, so that it shadows nothing
    try:
        yield
    finally:
        sys.path, sys.dont_write_bytecode = places, writes
        for name in sys.modules.keys() - modules:
            if os.path.dirname(str(getattr(sys.modules[name], "__file__", ""))) == folder:
                del sys.modules[name]


def run(names: dict[str, Any], calls: list, send: Send, path: Path | None = None) -> None:
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


def _load(path: Path) -> tuple[types.ModuleType | None, dict]:
    """The student's file as a module, or why it is none."""
    module = sys.modules[path.stem] = types.ModuleType(path.stem)  # there, @dataclass looks for it
    module.__file__ = str(path)
    try:
        exec(compile(path.read_bytes(), path, "exec", dont_inherit=True), vars(module))
        return module, {}
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
        if isinstance(value, np.errstate):  # as a decorator, it keeps in NumPy 1.26 what it restored last
            return object, ()
        if getattr(value, "__module__", None) != self.module:
            return NotImplemented
        if isinstance(value, types.FunctionType):
            cells = [cell.cell_contents for cell in value.__closure__ or ()]
            return object, (), (vars(value), value.__defaults__, value.__kwdefaults__, cells)
        if isinstance(value, type):
            return object, (), {name: of for name, of in vars(value).items()
                                if not name.startswith("__") and not hasattr(of, "__get__")}
        return NotImplemented
