"""Blocks of a file moved to the left: what stood in a ``with``, or a ``try``, that is there no longer."""

from __future__ import annotations

import ast
import io
import tokenize
from collections import Counter
from collections.abc import Container, Iterator

from hermetic.migrate.text import LINE, Edit, SourceText

STRINGS = tuple(
    getattr(tokenize, name)
    for name in ("FSTRING_START", "TSTRING_START")
    if hasattr(tokenize, name)  # each of a later Python
)
ENDS = tuple(getattr(tokenize, name) for name in ("FSTRING_END", "TSTRING_END") if hasattr(tokenize, name))


class Dedents:
    """The lines of a file that lose some of their white space.

    Args:
        text: The file.
    """

    def __init__(self, text: SourceText) -> None:
        self._text = text
        self._widths: Counter[int] = Counter()

    def add(self, statement: ast.With | ast.AsyncWith) -> None:
        """Move the body of a ``with`` to where that begins."""
        self.add_lines(statement, _end_of_header(statement, self._text), statement.end_lineno or 0)

    def add_lines(self, statement: ast.With | ast.AsyncWith | ast.Try, first: int, last: int) -> None:
        """Move some lines of the body of a statement to where that begins."""
        width = len(self._text.indent(statement.body[0])) - len(self._text.indent(statement))
        self._widths.update(dict.fromkeys(range(first, last + 1), width))

    def edits(self, gone: Container[int] = ()) -> Iterator[Edit]:
        """Yield the edits: what is inside of a text of many lines stays as it is.

        Args:
            gone: Lines that are taken out.
        """
        inside = _inside_of_strings(self._text.text) if self._widths else set()
        for line, width in self._widths.items():
            if line in gone:
                continue
            start = self._text.position(line, 0)
            found = LINE.match(self._text.text, start)
            content = found.group() if found else ""
            blank = len(content) - len(content.lstrip(" \t\f"))
            if line not in inside and blank and content.strip():
                yield Edit(start, start + min(blank, width), "")


def _end_of_header(statement: ast.With | ast.AsyncWith, text: SourceText) -> int:
    """Return the line after the colon of a ``with``."""
    last = statement.items[-1]
    line: int = (last.optional_vars or last.context_expr).end_lineno or 0
    start = text.end(last.optional_vars or last.context_expr)
    colon = colon_after(start, text)
    return line + text.text[start:colon].count("\n") + 1


def colon_after(start: int, text: SourceText) -> int:
    """Return where the colon of a header is that begins before a place, brackets and comments aside."""
    at = start
    while text.text[at] != ":":
        if text.text[at] == "#":
            at = text.text.index("\n", at)
        at += 1
    return at


def _inside_of_strings(text: str) -> set[int]:
    """Return the lines that begin inside of a string."""
    found: set[int] = set()
    starts: list[int] = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.STRING:
            found |= set(range(token.start[0] + 1, token.end[0] + 1))
        elif token.type in STRINGS:  # pragma: no cover - there are none before Python 3.12
            starts.append(token.start[0])
        elif token.type in ENDS:  # pragma: no cover - likewise
            found |= set(range(starts.pop() + 1, token.end[0] + 1))
    return found
