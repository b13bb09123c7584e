"""One process at a time: a lock that is gone with the process that holds it, however it ended."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tinyvae.foundation.files import FilePath

try:
    import fcntl
except ImportError:  # Windows
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
else:
    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

HELD = (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)  # by somebody else


@contextmanager
def only_one(path: FilePath, what: str) -> Iterator[None]:
    """While it lasts, no other process gets the lock file `path`: BlockingIOError, which says `what` is the matter.

    The system keeps the lock, and takes it back when the process ends, also by kill -9. So a file that a dead process
    left behind locks nothing. Where a network disk knows no locks, everybody gets it.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(descriptor)
        except OSError as error:
            if error.errno in HELD:
                os.close(descriptor)
                raise BlockingIOError(what) from None
            break
        with suppress(OSError):
            if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                break
        os.close(descriptor)  # who had it has just removed that file: take the next
    try:
        yield
    finally:
        # Removed while it is still locked, for then nobody else can have it; Windows removes no open file.
        with suppress(OSError):
            os.unlink(path)
        os.close(descriptor)
        if os.name == "nt":
            with suppress(OSError):
                os.unlink(path)
