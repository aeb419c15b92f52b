"""What one kind of rewrite makes of a project."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hermetic.migrate.text import Edit
from hermetic.source.configuration import Configuration
from hermetic.source.fixtures import Test
from hermetic.source.symbols import Symbols


@dataclass(frozen=True, order=True)
class TestName:
    """A test function as its file defines it, without parameters: ``tests/test_a.py::TestB::test_c``.

    Attributes:
        file: The file.
        path: The class, if it is a method, and the function: ``TestB::test_c``.
    """

    __test__ = False

    file: Path
    path: str


def name_of(test: Test) -> TestName:
    """Return the name of a test."""
    inside = f"{test.owner.name}::" if test.owner else ""
    return TestName(test.file, f"{inside}{test.function.name}")


@dataclass(frozen=True)
class Left:
    """A test that stays as it is, and why.

    Attributes:
        test: The test.
        code: The code of the reason.
        file: Where the reason lies.
        line: The line, from 1.
        text: What stands in the way there, with its names.
    """

    test: TestName
    code: str
    file: Path
    line: int
    text: str


@dataclass(frozen=True)
class Review:
    """A line that a person had better read.

    Attributes:
        file: The file.
        line: The line, from 1.
        text: Why.
    """

    file: Path
    line: int
    text: str


@dataclass(frozen=True)
class Project:
    """What a step reads.

    Attributes:
        symbols: The names of the project, as the steps before have left its files.
        configuration: pytest's settings.
        keep: The tests that must stay as they are, and the code and text of why: they fared worse when they ran.
        fixed: The files that cannot be changed, and why: ``is read-only``. What uses them has to go on doing so.
        others: Folders below the one that was asked for which have such tests and are projects of their own.
        outside: The files that are read and not changed because only others were asked for; they are fixed as well.
    """

    symbols: Symbols
    configuration: Configuration
    keep: Mapping[TestName, tuple[str, str]] = field(default_factory=dict)
    fixed: Mapping[Path, str] = field(default_factory=dict)
    others: tuple[Path, ...] = ()
    outside: frozenset[Path] = frozenset()


@dataclass(frozen=True)
class Outcome:
    """What a step would do.

    Attributes:
        edits: The edits of each file, which do not overlap. Those of a file that is fixed are not made.
        converted: The tests that are asynchronous then, and were not, or whose client is.
        left: The tests that use what the step is about, and stay.
        review: Lines that a person had better read.

    All lines are those of the files as the step has read them.
    """

    edits: Mapping[Path, tuple[Edit, ...]]
    converted: frozenset[TestName] = frozenset()
    left: tuple[Left, ...] = ()
    review: tuple[Review, ...] = ()


@dataclass(frozen=True)
class Step:
    """A kind of rewrite.

    Attributes:
        name: How ``--only`` and ``--skip`` name it.
        summary: What it does, in a line.
        is_safe: Whether it runs without ``--unsafe``.
        example: A text before, and what comes of it.
        run: Returns what it would do. It writes nothing.
    """

    name: str
    summary: str
    is_safe: bool
    example: tuple[str, str]
    run: Callable[[Project], Outcome]
