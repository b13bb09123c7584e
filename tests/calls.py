"""Which functions a test calls: a plugin of pytest for `elsewhere.run`."""

import inspect
import sys
from collections import defaultdict
from importlib import import_module

import pytest

CONSTRUCTION = {"__init__", "__new__", "bind", "parameters", "init"}  # called wherever an object of a class is made


class Enough(BaseException):
    """The test has called all that it is cited for; its end is for the test suite."""


class Calls:
    """Runs tests, each until it has called the functions that it is cited for, and notes those it called.

    cited: {"test_file.py::test_name": {("tinyvae.gaussian", "kl"), …}}; a class is called when one of its methods is.
    """

    def __init__(self, cited: dict[str, set[tuple[str, str]]]):
        self.cited = cited
        self.called = {test: set() for test in cited}
        self.failed: list[str] = []

    def test_of(self, item) -> str:
        return next(test for test in self.cited if item.nodeid.split("[")[0].endswith(f"tests/{test}"))

    def pytest_runtest_setup(self, item):
        test = self.test_of(item)
        if self.called[test] == self.cited[test]:
            pytest.skip("nothing is left to see in other parameters")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item):
        test = self.test_of(item)
        wanted = defaultdict(set)  # by code: tv.ELBO and tv.ELBO.forward share some
        for name in self.cited[test]:
            for code in codes(*name):
                wanted[code].add(name)

        def note(frame, event, arg):
            if event == "call" and frame.f_code in wanted:
                self.called[test] |= wanted[frame.f_code]
                if self.called[test] == self.cited[test]:
                    sys.setprofile(None)
                    raise Enough

        sys.setprofile(note)
        try:
            return (yield)
        except Enough:
            return None
        finally:
            sys.setprofile(None)

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.failed.append(report.nodeid)


def codes(module: str, name: str) -> list:
    """The code of a function, a method or a property, or of the methods of a class."""
    thing = import_module(module)
    for part in name.split("."):
        thing = getattr(thing, part)
    if inspect.isclass(thing):
        members = [member for key, member in vars(thing).items() if key not in CONSTRUCTION]
        return [member.__code__ for member in members if inspect.isfunction(member)]
    return [(thing.fget if isinstance(thing, property) else inspect.unwrap(thing)).__code__]
