"""Files that are written whole or not at all."""

import errno
import json
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

FilePath = str | os.PathLike[str]
PAUSES = (0.1, 0.4, 1.5) if os.name == "nt" else ()  # seconds, in which a virus scanner is done with a new file


@contextmanager
def replacing(path: FilePath) -> Iterator[BinaryIO]:
    """A binary file to write in a `with`: then `path` is all of it, or after an error what it was before.

    The bytes go to a temporary file beside it, reach the disk, and then take the name. Errors and
    Ctrl-C remove the temporary file; kill -9 or a power cut may leave it: NAME.….part, to be deleted
    (`clear`).
    """
    path = os.fsdecode(path)
    target = os.path.realpath(path)  # through a symbolic link, as open() would write
    if os.path.exists(target) and not os.path.isfile(target):
        raise FileExistsError(errno.EEXIST, "A folder or device has this name; choose another", path)
    folder, name = os.path.split(target)
    temporary = os.path.join(folder, f"{name[:40]}.{os.urandom(8).hex()}.part")
    try:
        with open(temporary, "xb") as file:  # not tempfile: its files are readable by their owner only
            yield file
            file.flush()
            os.fsync(file.fileno())
        if os.path.exists(target):
            os.chmod(temporary, stat.S_IMODE(os.stat(target).st_mode))  # who may read it stays as it was
        take_name(temporary, target)
    except BaseException as error:
        with suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError) and error.errno and error.filename in (None, temporary):
            reason = f"{error.strerror}; nothing was written, an older file is as it was"
            raise OSError(error.errno, reason, path) from None
        raise
    with suppress(OSError):  # Windows and some network disks can't do this for a folder
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)  # after a power cut, too, the name means the new file
        finally:
            os.close(descriptor)


def take_name(temporary: FilePath, path: FilePath) -> None:
    """Rename a file or folder; on Windows, try it again for a moment, while another program reads what has the name."""
    for pause in PAUSES:
        try:
            return os.replace(temporary, path)
        except PermissionError:
            time.sleep(pause)
    os.replace(temporary, path)


def clear(folder: Path) -> None:
    """Delete the temporary files of `replacing` in a folder where nobody is writing: of a process that was killed."""
    for path in folder.glob("*.part"):
        if re.search(r"\.[0-9a-f]{16}\.part$", path.name):
            with suppress(OSError):  # they are in nobody's way
                path.unlink()


def write(path: FilePath, content: str | bytes | memoryview) -> None:
    """Make `content` the file `path`, whole or not at all; text becomes UTF-8."""
    with replacing(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def write_json(path: FilePath, value: dict) -> None:
    """Make `value` the JSON file `path`; ValueError for NaN and infinity, which JSON has not."""
    write(path, json.dumps(value, indent=2, allow_nan=False) + "\n")
