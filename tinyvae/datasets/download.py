"""Fetch MNIST and Fashion-MNIST into the user's cache.

A file takes its name only when every byte has been checked, so there is nothing to lock and nothing
to repair: a second process does the work twice, and after an interruption one simply starts again.
"""

import hashlib
import os
import sys
import time
from pathlib import Path

from tinyvae.foundation.files import FilePath, replacing

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")

# {name: (mirrors, (bytes, SHA-256) of each of their .gz files, in the order of FILES)}
SOURCES = {
    "mnist": (
        ("https://storage.googleapis.com/cvdf-datasets/mnist/", "https://ossci-datasets.s3.amazonaws.com/mnist/"),
        ((9912422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
         (28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
         (1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
         (4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"))),
    "fashion-mnist": (
        ("https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
         "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
         "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"),
        ((26421880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
         (29515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
         (4422102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
         (5148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"))),
}

TIMEOUT = 20.0  # seconds without a byte, after which the next mirror is tried …
SLOWEST = 1000.0  # … as it is below so many bytes a second in the mean


def cache_folder() -> Path:
    """The folder for downloads: $TINYVAE_CACHE, or `tinyvae` in the place the system has for caches."""
    try:
        if chosen := os.environ.get("TINYVAE_CACHE"):
            return Path(chosen).expanduser()
        if sys.platform == "win32":
            caches = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
        elif sys.platform == "darwin":
            caches = Path.home() / "Library" / "Caches"
        else:
            caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError as error:  # a container may run as a user without a home
        raise OSError(f"no folder for downloads ({error}); set TINYVAE_CACHE to one") from None
    return Path(caches) / "tinyvae"


def find(folder: FilePath, file: str) -> Path | None:
    """The path of an IDX file in a folder, plain or as .gz, or None."""
    candidates = (Path(folder) / file, Path(folder) / f"{file}.gz")
    return next((path for path in candidates if path.is_file()), None)


def fetch(name: str, folder: FilePath | None = None) -> Path:
    """Make sure that the four files of "mnist" or "fashion-mnist" are in a folder, and return the folder.

    Without `folder`, it is the one of that name in the cache. Files already there stay as they are. Raises
    ValueError for another name, and OSError if a file is to be had from no mirror; it says what to do.
    """
    if name not in SOURCES:
        raise ValueError(f"{name!r} cannot be downloaded; expected one of {', '.join(SOURCES)}")
    mirrors, checksums = SOURCES[name]
    folder = cache_folder() / name if folder is None else Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for file, (size, sha256) in zip(FILES, checksums, strict=True):
        if find(folder, file):
            continue
        failures = []
        for mirror in mirrors:
            try:
                _download(f"{mirror}{file}.gz", folder / f"{file}.gz", size, sha256)
                break
            # A mirror can fail in every way that urllib, http, ssl and sockets know; all mean: ask the next.
            except Exception as error:
                failures.append(f"{mirror} ({type(error).__name__}: {error})")
        else:
            raise OSError(
                f"{file}.gz cannot be downloaded from {' or '.join(failures)}; try again later, or put "
                f"{', '.join(f'{file}.gz' for file in FILES)} into {folder}, or use 'mnist-small', "
                "which needs no network"
            )
    return folder


def _download(url: str, path: Path, size: int, sha256: str) -> None:
    """Download a file of known size and SHA-256; raise OSError if that is not what comes, or not in time."""
    from urllib.request import Request, urlopen

    from tqdm import tqdm

    start = time.monotonic()
    digest = hashlib.sha256()
    received = 0
    with (
        urlopen(Request(url, headers={"User-Agent": "tinyvae"}), timeout=TIMEOUT) as response,
        replacing(path) as file,
        tqdm(total=size, desc=path.name, unit="B", unit_scale=True) as bar,
    ):
        # read1 returns what has come: read would wait for all of it, however slowly it trickles.
        while chunk := response.read1(1 << 16):
            received += len(chunk)
            if received > size:
                raise OSError(f"more than the expected {size} bytes")
            seconds = time.monotonic() - start
            if seconds > TIMEOUT and received < SLOWEST * seconds:
                raise TimeoutError(f"only {received} bytes in {seconds:.0f} seconds")
            digest.update(chunk)
            file.write(chunk)
            bar.update(len(chunk))
        if received < size:
            raise OSError(f"only {received} of the expected {size} bytes")
        if digest.hexdigest() != sha256:
            raise OSError(f"SHA-256 {digest.hexdigest()}, expected {sha256}")
