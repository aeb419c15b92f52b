"""How tests are named in what is said of a migration, and of a verification: some of many, unless all are wanted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from hermetic.cli import lines
from hermetic.migrate.step import TestName

FEW = 5
"""How many of a kind are named, and how many files."""


def shown_test(test: TestName) -> str:
    """Return a test as pytest takes it."""
    return f"{lines.shown(test.file)}::{test.path}"


def by_file(tests: Iterable[TestName], most: int | None) -> list[str]:
    """Return a line a file with its tests, as many of both as are to be named."""
    return first(
        [
            f"{lines.shown(file)}: {', '.join(first([test.path for test in those], most))}"
            for file, those in groupby(sorted(tests), key=lambda test: test.file)
        ],
        most,
    )


def first(texts: Sequence[str], most: int | None) -> list[str]:
    """Return the first of some texts, and how many more ``-v`` would name; all of them where ``most`` is None."""
    return lines.first(texts, most, " (-v names all)")
