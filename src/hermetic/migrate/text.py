"""A Python file as its author wrote it, changed at places of its syntax tree and nowhere else.

``ast`` counts columns in bytes of UTF-8 and lines by line ends of any kind; here both are positions in the text, which
keeps its encoding, its mark of byte order and its line ends.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise

LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")


@dataclass(frozen=True, order=True)
class Edit:
    """A replacement in a text.

    Attributes:
        start: Where it begins, in characters.
        end: Where what it replaces ends; ``start`` for an insertion.
        text: What stands there then. Line ends in it are ``\\n``, whatever those of the file are.
    """

    start: int
    end: int
    text: str


class SourceText:
    """The text of a file.

    Args:
        data: What is in the file.

    Raises:
        SyntaxError: It declares an encoding that is none.
        UnicodeDecodeError: It is not written in that encoding.
    """

    def __init__(self, data: bytes) -> None:
        self.encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        self.text = data.decode(self.encoding)

    @cached_property
    def newline(self) -> str:
        """The line end that the file uses first."""
        found = re.search(r"\r\n|\r|\n", self.text)
        return found.group() if found else "\n"

    def start(self, node: ast.AST) -> int:
        """Return where a node begins, in characters; a decorated function begins at its ``def``."""
        return self.position(node.lineno, node.col_offset)  # type: ignore[attr-defined]

    def end(self, node: ast.AST) -> int:
        """Return where a node ends."""
        return self.position(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]

    def position(self, line: int, column: int) -> int:
        """Return a place in characters.

        Args:
            line: The line, from 1.
            column: The column, in bytes of UTF-8, as ``ast`` counts it.
        """
        start = self._starts[line - 1]
        if self.text.isascii():
            return start + column
        return start + len(self._lines[line - 1].encode()[:column].decode())

    def of(self, node: ast.AST) -> str:
        """Return the text of a node."""
        return self.text[self.start(node) : self.end(node)]

    def indent(self, node: ast.AST) -> str:
        """Return the white space before the line on which a node begins."""
        line = self._lines[node.lineno - 1]  # type: ignore[attr-defined]
        return line[: len(line) - len(line.lstrip(" \t\f"))]

    def replace(self, node: ast.AST, text: str) -> Edit:
        """Return the edit that puts a text where a node stands."""
        return Edit(self.start(node), self.end(node), text)

    def edited(self, edits: Iterable[Edit]) -> bytes:
        """Return the file with some edits made.

        Raises:
            ValueError: Two of them overlap.
        """
        parts: list[str] = []
        ordered = sorted(set(edits))
        for before, after in pairwise(ordered):
            if after.start < before.end:
                raise ValueError(f"two edits overlap: {before} and {after}")
        at = 0
        for edit in ordered:
            parts += [self.text[at : edit.start], edit.text.replace("\n", self.newline)]
            at = edit.end
        return "".join([*parts, self.text[at:]]).encode(self.encoding)

    @cached_property
    def _lines(self) -> list[str]:
        return LINE.findall(self.text)

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *accumulate(map(len, self._lines))]
