"""Calls of a student's functions, and what came of them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from tinyvae.exercises.runner import Send, run, serve
from tinyvae.exercises.wire import pack, unpack


class Call(NamedTuple):
    """A function of the student's file, and the arguments for it."""

    function: str
    arguments: tuple


class Result(NamedTuple):
    """What came of a call, or of loading the file."""

    error: str = ""  # a kind: stub, missing, error, exit, timeout, crash; "" if there is a value
    text: str = ""
    where: str = ""
    printed: str = ""
    value: Any = None
    arguments: tuple = ()  # as they are after the call
    globals: tuple[str, ...] = ()  # what the call left changed
    loading: bool = False  # whether it was the loading of the file that failed, before any call


class Answers(NamedTuple):
    """The results of all calls, and what the file printed while it was loaded."""

    results: list[Result]
    printed: str = ""


def packed(calls: Iterable[Call]) -> list:
    """The calls as JSON can hold them."""
    return [[call.function, [pack(a) for a in call.arguments]] for call in calls]


def here(path: Path, calls: list[Call]) -> Answers:
    """What the file at `path` answers in this process: for where there is no other, as in a browser.

    Nothing limits what it does, or how long; Ctrl-C raises KeyboardInterrupt.
    """
    return _here(partial(serve, path), calls)


def of(names: dict[str, Any], calls: list[Call]) -> Answers:
    """As `here`, from functions that are there already: `names` are a module's globals, or a notebook's."""
    return _here(partial(run, names), calls, '{"printed": ""}')


def _here(answer: Callable[[list, Send], None], calls: list[Call], *first: str) -> Answers:
    lines = list(first)

    def keep(event: dict) -> None:
        if event.get("text") == "KeyboardInterrupt":
            raise KeyboardInterrupt
        lines.append(json.dumps(event))

    answer(packed(calls), keep)
    return read(lines, calls, Result())


def read(events: Iterable[str | bytes], calls: list[Call], end: Result) -> Answers:
    """What the events say of the calls, checked: a student's code may have written them. Calls without one get `end`.

    The first event is that of loading the file.
    """
    results: list[Result] = []
    # Where they are cut off or forged, they end.
    with contextlib.suppress(ValueError, TypeError, KeyError, IndexError, RecursionError, AttributeError):
        for event in events:
            results.append(_result(json.loads(event)))
    loading, *results = results or [end]
    if loading.error:
        return Answers([loading._replace(loading=True)] * len(calls), loading.printed)
    return Answers((results + [end] * len(calls))[: len(calls)], loading.printed)


def _result(event: dict) -> Result:
    return Result(str(event.get("error", "")), str(event.get("text", "")), str(event.get("where", "")),
                  str(event["printed"]), unpack(event["value"]) if "value" in event else None,
                  tuple(map(unpack, event.get("arguments", ()))), tuple(map(str, event.get("globals", ()))))
