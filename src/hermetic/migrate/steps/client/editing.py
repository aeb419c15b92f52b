"""The edits of one file: what goes before and after a node, in the order in which nodes lie in each other."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

from hermetic.migrate.text import Edit, SourceText
from hermetic.source.bindings import Bindings


class NoRewriteError(Exception):
    """There is no rewrite for the form that something has.

    Attributes:
        node: It.
        text: What its form is.
    """

    def __init__(self, node: ast.AST, text: str) -> None:
        super().__init__(text)
        self.node = node
        self.text = text


class Editing:
    """Collects edits.

    Args:
        file: The file.
        text: What is in it.
        bindings: What lies around a node.

    Attributes:
        replaced: The nodes of which another text has taken the place.
    """

    def __init__(self, file: Path, text: SourceText, bindings: Bindings) -> None:
        self.file = file
        self.text = text
        self.parents = bindings.parents(file)
        self.replaced: set[ast.AST] = set()
        self._before: dict[int, list[tuple[int, str]]] = defaultdict(list)
        self._after: dict[int, list[tuple[int, str]]] = defaultdict(list)
        self._edits: dict[tuple[int, int], str] = {}

    def before(self, node: ast.AST, text: str) -> None:
        """Put a text before a node; that of what lies around it comes first."""
        start, end = self.span(node)
        self._before[start].append((-end, text))

    def after(self, node: ast.AST, text: str) -> None:
        """Put a text behind a node; that of what lies around it comes last."""
        start, end = self.span(node)
        self._after[end].append((-start, text))

    def insert(self, position: int, text: str) -> None:
        """Put a text at a place."""
        self._before[position].append((-len(self.text.text) - 1, text))

    def replace(self, node: ast.AST, text: str) -> None:
        """Put a text where a node is."""
        self.replaced.add(node)
        self.put(*self.span(node), text)

    def put(self, start: int, end: int, text: str) -> None:
        """Put a text where another is."""
        self._edits[start, end] = text

    def rename(self, node: ast.expr, name: str) -> None:
        """Give a name, or the last part of a dotted one, another."""
        if isinstance(node, ast.Attribute):
            _, end = self.span(node)
            self.put(end - len(node.attr), end, name)
        else:
            self.replace(node, name)

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Return where a node begins and ends.

        Raises:
            NoRewriteError: It is inside an f-string, of whose parts Python 3.11 does not say where they are.
        """
        start, end = self.text.start(node), self.text.end(node)
        outer = self._joined(node)
        if outer is None or self._is_there(node, start, end):
            return start, end
        first, last = self.text.start(outer), self.text.end(outer)
        written = ast.unparse(node)
        found = [each.start() for each in re.finditer(re.escape(written), self.text.text[first:last])]
        if len(found) != 1:
            raise NoRewriteError(node, f"`{written}` is in an f-string")
        return first + found[0], first + found[0] + len(written)

    def edits(self) -> tuple[Edit, ...]:
        """Return all of them."""
        found = [Edit(start, end, text) for (start, end), text in self._edits.items()]
        for position in {*self._before, *self._after}:
            behind = "".join(text for _, text in sorted(self._after[position], key=lambda pair: pair[0]))
            ahead = "".join(text for _, text in sorted(self._before[position], key=lambda pair: pair[0]))
            found.append(Edit(position, position, behind + ahead))
        return tuple(found)

    def indent(self, node: ast.AST) -> str:
        """Return the white space before the line on which a node begins."""
        return self.text.indent(node)

    def step(self, outer: ast.AST, inner: ast.AST) -> str:
        """Return by how much a block is indented."""
        return self.indent(inner).removeprefix(self.indent(outer)) or "    "

    def line_start(self, line: int) -> int:
        """Return where a line begins, in characters."""
        return self.text.position(line, 0)

    def _joined(self, node: ast.AST) -> ast.JoinedStr | None:
        found = None
        inner = node
        while inner in self.parents:
            inner = self.parents[inner]
            if isinstance(inner, ast.JoinedStr):
                found = inner
            if isinstance(inner, ast.stmt):
                break
        return found

    def _is_there(self, node: ast.AST, start: int, end: int) -> bool:
        try:
            tree = ast.parse(f"({self.text.text[start:end]}\n)", mode="eval").body
        except SyntaxError:
            return False
        return ast.dump(tree) == ast.dump(node)
