"""What the verbs say is written in the same way: paths, numbers, topics."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
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


def topic(name: str, lines: list[str]) -> Iterator[str]:
    """Yield the lines of a topic, its name before the first."""
    for index, line in enumerate(lines):
        yield f"{name if index == 0 else '':<{WIDTH}} {line}"


def say(lines: Iterable[str], stream: TextIO) -> None:
    """Write lines, each as soon as it is there."""
    for line in lines:
        print(line, file=stream, flush=True)
