"""Telling test code from application code."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import hermetic
from hermetic.code import is_library, is_test_code, is_test_path, names_of

ROOT = Path("/project")


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("app/main.py", False),
        ("app/contest.py", False),
        ("conftest.py", True),
        ("app/conftest.py", True),
        ("app/test_main.py", True),
        ("app/main_test.py", True),
        ("tests/factories.py", True),
        ("app/testing/data.py", False),
    ],
)
def test_below_the_project(file: str, expected: bool) -> None:
    """By the file's name, or by a folder of tests below the project's root."""
    assert is_test_code(ROOT / file, ROOT) is expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("conftest.py", True),
        ("app/test_main.py", True),
        ("app/main_test.py", True),
        ("tests/factories.py", True),
        ("app/testing_tools.py", False),
        ("tests.py", False),
    ],
)
def test_tests_are_told_by_name_and_directory(path: str, expected: bool) -> None:
    """pytest's own name patterns count, and everything in a tests folder."""
    assert is_test_path(Path(path)) is expected


def test_what_lies_above_the_project_does_not_count() -> None:
    """A project, or an environment with an installed application, may lie in a folder called test."""
    assert not is_test_code(Path("/test/project/app/main.py"), Path("/test/project"))
    assert not is_test_code(Path("/home/test/venv/lib/shop/main.py"), ROOT)


@pytest.mark.parametrize("file", ["<string>", asyncio.__file__, pytest.__file__, hermetic.__file__])
def test_a_library_is_nobody_s_project(file: str) -> None:
    """Python's own modules, installed packages, hermetic, and what has no file."""
    assert is_library(file)
    assert not is_library(__file__)


class Noted:
    """Notes in which thread it is let go."""

    def __init__(self, gone: list[int]) -> None:
        self.gone = gone

    def __del__(self) -> None:
        self.gone.append(threading.get_ident())


class Steps:
    """A function in a thread of its own that waits at each of its steps."""

    def __init__(self) -> None:
        self.gone: list[int] = []
        self.reached, self.go_on = threading.Semaphore(0), threading.Semaphore(0)
        self.handed: dict[str, Any] = {}

    def wait(self) -> None:
        self.reached.release()
        self.go_on.acquire()

    def replaces(self) -> None:
        """Let go of a value while the function goes on."""
        held: Noted | None = Noted(self.gone)
        self.wait()
        held = None
        self.wait()
        assert held is None

    def has_its_names(self) -> None:
        """Keep what ``locals()`` gave."""
        one = 1
        names = locals()
        self.wait()
        self.handed.update(names, one=one)

    @contextmanager
    def run(self, name: str) -> Iterator[FrameType]:
        """Start one of the functions; give its frame at its first step."""
        function = getattr(self, name)
        thread = threading.Thread(target=function)
        thread.start()
        self.reached.acquire()
        try:
            frame: FrameType | None = sys._current_frames()[thread.ident or 0]
            while frame is not None and frame.f_code is not function.__code__:
                frame = frame.f_back
            assert frame is not None
            yield frame
        finally:
            self.go_on.release()
            self.go_on.release()
            thread.join()
        self.handed["thread"] = thread.ident


def test_what_a_running_function_lets_go_of_is_not_kept_until_its_names_are_read_again() -> None:
    """A finalizer in the midst of that reading would let the function return: a process has ended by it."""
    steps = Steps()
    with steps.run("replaces") as frame:
        assert isinstance(names_of(frame)["held"], Noted)
        steps.go_on.release()
        steps.reached.acquire()
        gone = list(steps.gone)
        assert names_of(frame)["held"] is None
    assert gone == steps.gone == [steps.handed["thread"]]


def test_a_function_keeps_the_names_that_it_has_asked_for() -> None:
    """Who has ``locals()`` of his own is not robbed of it."""
    steps = Steps()
    with steps.run("has_its_names") as frame:
        assert names_of(frame)["one"] == 1
    assert steps.handed["self"] is steps


def test_the_names_of_a_module_are_its_own() -> None:
    """What runs a module, or a class's body, has no snapshot."""
    space: dict[str, Any] = {"sys": sys, "names_of": names_of}
    exec("found = dict(names_of(sys._getframe()))", space)
    assert space["found"]["sys"] is space["sys"] is sys
