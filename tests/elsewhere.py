"""Named tests in a process of their own, against any copy of the package: for the mutants and the index of equations.

A server that has imported NumPy and pytest, but nothing of tinyvae, is forked for each call, so that a test costs
little more than its own time. Where there is no fork (Windows) a fresh interpreter does the same.
"""

import multiprocessing
import os
import sys
import tempfile
from pathlib import Path
from unittest import mock

import pytest

TESTS = Path(__file__).parent
FORK = "forkserver" if hasattr(os, "fork") else "spawn"

processes = multiprocessing.get_context(FORK)
processes.set_forkserver_preload(["numpy", "numpy.random", "numpy.linalg", "pytest", "unittest.mock"])


class Outcomes:
    """A plugin of pytest that notes what became of each test: "passed", "failed", "skipped" or "error"."""

    def __init__(self):
        self.of: dict[str, str] = {}

    def pytest_runtest_logreport(self, report):
        if report.when == "call":
            self.of[report.nodeid] = report.outcome
        elif report.failed:
            self.of[report.nodeid] = "error"
        elif report.skipped:
            self.of[report.nodeid] = "skipped"


def run(folder: Path, tests: list[str], plugin):
    """(plugin, output) after pytest ran `tests`, such as "test_docs.py::test_links", with the tinyvae in `folder`."""
    here, there = processes.Pipe(duplex=False)
    process = processes.Process(target=work, args=(folder, tests, plugin, there))
    with mock.patch.dict(os.environ, OPENBLAS_NUM_THREADS="1"):  # for the server: a process with threads cannot fork
        process.start()
    there.close()
    try:
        if not here.poll(300):
            process.kill()
            raise TimeoutError(f"no answer of {tests} after five minutes")
        ran, plugin, output = here.recv()
    except EOFError:
        raise RuntimeError(f"the process that ran {tests} died") from None
    finally:
        process.join()
    if not ran:
        raise RuntimeError(f"the tests {tests} could not be run:\n{output[-2000:]}")
    return plugin, output


def work(folder: Path, tests: list[str], plugin, answer) -> None:
    """What the other process does."""
    os.chdir(folder)
    os.environ |= {"PYTHONPATH": str(folder), "OPENBLAS_NUM_THREADS": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    sys.path.insert(0, str(folder))
    with tempfile.TemporaryFile() as output:
        for stream in (1, 2):
            os.dup2(output.fileno(), stream)
        status = pytest.main(
            ["-x", "-p", "no:cacheprovider", "-c", str(TESTS.parent / "setup.cfg"), "-o", "addopts=",
             "--rootdir", str(TESTS.parent), *(str(TESTS / test) for test in tests)], plugins=[plugin])
        sys.stdout.flush()
        output.seek(0)
        text = output.read().decode("utf-8", "replace")
    ran = status in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)  # not so where a test is not to be found
    if ran:
        used = Path(sys.modules["tinyvae"].__file__).parent.parent
        assert used == folder, f"the tests used the tinyvae in {used}, not the one in {folder}"
    answer.send((ran, plugin, text))
