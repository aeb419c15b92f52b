"""What the verbs say is written in the same way: paths, numbers, topics."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

WIDTH = 13


def shown(path: Path) -> str:
    """Return a path as a person would type it here: relative below the current directory, absolute elsewhere."""
    current = Path.cwd()
    text = os.path.relpath(path, current) if path.is_relative_to(current) else str(path)
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def count(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def first(texts: Sequence[str], most: int | None, hint: str = "") -> list[str]:
    """Return the first of some texts, and how many more there are; all of them where ``most`` is None.

    Args:
        texts: What is to be named.
        most: How many of them at most.
        hint: What stands behind that number.
    """
    more = 0 if most is None else len(texts) - most
    return [*texts[:most], f"and {more} more{hint}"] if more > 0 else [*texts]


def topic(name: str, lines: list[str]) -> Iterator[str]:
    """Yield the lines of a topic, its name before the first."""
    for index, line in enumerate(lines):
        yield f"{name if index == 0 else '':<{WIDTH}} {line}"


def say(lines: Iterable[str], stream: TextIO) -> None:
    """Write lines, each as soon as it is there."""
    for line in lines:
        print(line, file=stream, flush=True)


def tell(lines: Iterable[str]) -> None:
    """Write what is said beside the findings, to stderr, in lines that fit its terminal if it is one."""
    width = _width(sys.stderr)
    say((part for line in lines for part in fitted(line, width)), sys.stderr)


def fitted(line: str, width: int) -> list[str]:
    """Return a line in parts of at most so many columns where words allow it, those after the first set in.

    A line that is to be added to a file stays whole, so that it can be copied.
    """
    if width <= 2 * WIDTH or len(line) <= width or line.lstrip().startswith("+ "):
        return [line]
    text = line[WIDTH:] if line[WIDTH : WIDTH + 1] == " " else line
    indent = len(line) - len(text.lstrip())
    return textwrap.wrap(
        line,
        width,
        subsequent_indent=" " * (indent + 2),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _width(stream: TextIO) -> int:
    """Return the columns of a terminal; 0 where there is none."""
    try:
        return os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        return 0
