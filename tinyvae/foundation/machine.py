"""What the machine needs to be fast: not a line of mathematics, and nothing that changes a result beyond rounding."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import numpy as np

T = TypeVar("T")

MOST = 8  # threads: what lies between NumPy's calls runs in one of them at a time, and each needs its memory
_limiting = threading.Lock()


def _after_fork() -> None:
    global _limiting
    _limiting = threading.Lock()  # the thread that held the old one is not in this process, and will not give it back


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_after_fork)


def keep_freed_memory() -> None:
    """Let arrays of some megabytes take the memory that the last ones gave back.

    glibc returns it to the system at once, and the next array costs a page fault every 4 kB: a tenth of the time of
    an IWAE's training. It keeps blocks up to the size of the largest that it has seen freed (at most 32 MB), so it is
    shown one. That is never written to, and costs nothing; another allocator pays no attention.
    """
    np.empty(31 << 20, np.uint8)


def blas() -> str:
    """What NumPy's matrix products run on, such as "openblas 0.3.31 Haswell, threads: 2"."""
    return "; ".join(f"{found['internal_api']} {found['version']} {found.get('architecture', '')}, "
                     f"threads: {found['num_threads']}" for found in _blas_libraries())


def hardware() -> dict:
    """What decides how fast a run is: the processor, the kernel that BLAS has chosen for it, and BLAS' threads.

    Two runs on equal processors differ in speed where a variable such as OPENBLAS_CORETYPE names another kernel.
    """
    libraries = _blas_libraries()
    return {"processor": processor(), "kernel": "; ".join(found.get("architecture", "") for found in libraries),
            "threads": max((found["num_threads"] for found in libraries), default=1)}


def processor() -> str:
    """The processor's name, such as "AMD EPYC, family 25", as far as the system tells it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            told = dict(re.findall(r"^(.+?)\s*: (.+)$", file.read(), re.MULTILINE))
        return f"{told['model name']}, family {told['cpu family']}"
    except (OSError, KeyError):  # no Linux, or an ARM
        return platform.processor() or platform.machine()


def _blas_libraries() -> list[dict]:
    from threadpoolctl import threadpool_info

    return [found for found in threadpool_info() if found["user_api"] == "blas"]


class Terminated(KeyboardInterrupt):
    """Somebody asked this process to end: a batch system whose time is over, or a shutdown."""


def _terminate(signum, frame) -> None:
    raise Terminated


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """While it lasts, SIGTERM raises `Terminated`, as Ctrl-C raises KeyboardInterrupt; one that is set stays."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextlib.contextmanager
def deferred_interrupt() -> Iterator[list[type[KeyboardInterrupt]]]:
    """A list that is empty until Ctrl-C or SIGTERM, and then holds what to raise once the present step is finished.

    KeyboardInterrupt in the middle of an optimizer's step would leave half of theta updated. A
    second Ctrl-C interrupts at once.
    """
    asked: list[type[KeyboardInterrupt]] = []

    def note(signum, frame):
        error = Terminated if signum == signal.SIGTERM else KeyboardInterrupt
        if asked:
            raise error
        asked.append(error)

    before = {}
    if threading.current_thread() is threading.main_thread():  # which alone receives signals
        # A shell lets its background jobs ignore Ctrl-C. A handler of SIGTERM that is not ours has its own reasons.
        if signal.getsignal(signal.SIGINT) not in (signal.SIG_IGN, None):
            before[signal.SIGINT] = signal.signal(signal.SIGINT, note)
        if signal.getsignal(signal.SIGTERM) in (signal.SIG_DFL, _terminate):
            before[signal.SIGTERM] = signal.signal(signal.SIGTERM, note)
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def in_threads(work: Callable[..., T], tasks: Iterable[tuple], take: Callable[[T], None]) -> None:
    """take(work(*task)) for each task, in their order; the work on as many threads as BLAS has, up to eight.

    Each has one BLAS thread. Where elementwise functions weigh as much as matrix products, that is faster than one
    thread with a parallel BLAS, which runs only the products in parallel; and a result is the same on any number of
    threads. Tasks are taken as they are needed, and results in the calling thread.

    The number of BLAS threads is one for the whole process. So of several calls at a time the first has the threads;
    the others do their work where they are called, and with BLAS as it is, which may round otherwise.
    """
    # Once the main thread has ended, Python gives no pool any more.
    if not (threading.main_thread().is_alive() and _limiting.acquire(blocking=False)):
        for task in tasks:
            take(work(*task))
        return

    try:
        from concurrent.futures import Future, ThreadPoolExecutor  # late, as it imports much

        from threadpoolctl import ThreadpoolController

        callback, settings = np.geterrcall(), np.geterr()  # of the calling thread: they hold in it alone

        def run(task: tuple) -> T:
            with np.errstate(call=callback, **settings):  # type: ignore[arg-type]  # None is the default
                return work(*task)

        blas = ThreadpoolController().select(user_api="blas")
        n = min(max((library.num_threads for library in blas.lib_controllers), default=1), MOST)
        with blas.limit(limits=1), ThreadPoolExecutor(n) as pool:
            running: deque[Future[T]] = deque()
            for task in tasks:
                running.append(pool.submit(run, task))
                if len(running) > n:  # one in reserve, so that no thread waits
                    take(running.popleft().result())
            while running:
                take(running.popleft().result())
    finally:
        _limiting.release()
