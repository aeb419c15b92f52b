"""The text of a file without what goes: statements with their lines and comments, ``with`` and ``try`` around others.

Lines are what is taken out, so that what stays is as it was, but for its indentation where a block around it goes.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from hermetic.migrate.blocks import Dedents
from hermetic.migrate.imports import Wanted, added_imports, replaced_imports
from hermetic.migrate.steps.database.changes import Changes
from hermetic.migrate.text import Edit, SourceText
from hermetic.source.fixtures import Function
from hermetic.source.modules import Module
from hermetic.source.syntax import first_line

WIDTH = 100
"""Characters: an import or a signature that is longer is written one name a line."""


class Writer:
    """Collects the edits of a file.

    Args:
        module: The file.
    """

    def __init__(self, module: Module) -> None:
        self.source = SourceText(module.text)
        self._tree = module.tree
        self._lines = self.source.lines
        self._starts = self.source.starts
        self._taken: set[int] = set()
        self._dedents = Dedents(self.source)
        self._edits: list[Edit] = []
        self._blocks = list(_blocks(self._tree))

    def result(self) -> bytes:
        """Return the file with all edits made."""
        edits = [*self._edits, *self._line_edits()]
        return self.source.edited(_apart(edits))

    def remove(self, gone: set[ast.stmt], unwrapped: set[ast.stmt]) -> None:
        """Take statements out, and blocks around others.

        Args:
            gone: The statements.
            unwrapped: The ``with`` and ``try`` whose bodies stay.
        """
        for owner, block in self._blocks:
            going = [each for each in block if each in gone]
            is_left_empty = len(going) == len(block) and not isinstance(owner, ast.Module)
            if is_left_empty and not _goes(owner, block, gone, unwrapped):
                first, *rest = going
                self._edits.append(Edit(self._begin(first), self.source.end(first), "pass"))
                self._take_comments(first)
                going = rest
            for each in going:
                self._take(each, block, gone)
        for each in unwrapped - gone:
            self._unwrap(each)

    def replace(self, texts: Mapping[ast.expr, str] | Mapping[ast.stmt, str]) -> None:
        """Put texts in the place of expressions, or of statements."""
        self._edits += [self.source.replace(node, text) for node, text in texts.items()]

    def append(self, appended: Mapping[ast.expr, str]) -> None:
        """Put texts behind expressions."""
        for node, text in appended.items():
            self._edits.append(Edit(self.source.end(node), self.source.end(node), text))

    def remove_items(self, items: set[ast.withitem]) -> None:
        """Take items out of ``with`` statements that keep others."""
        for node in ast.walk(self._tree):
            if isinstance(node, ast.With | ast.AsyncWith) and any(item in items for item in node.items):
                kept = [item for item in node.items if item not in items]
                if kept:
                    start = self.source.start(node.items[0].context_expr)
                    last = node.items[-1].optional_vars or node.items[-1].context_expr
                    text = ", ".join(ast.unparse(item) for item in kept)
                    self._edits.append(Edit(start, self.source.end(last), text))

    def remove_entries(self, node: ast.Dict, keys: set[ast.expr]) -> None:
        """Take entries out of a dictionary."""
        pairs = list(zip(node.keys, node.values, strict=True))
        for index, (key, value) in enumerate(pairs):
            if key is None or key not in keys:
                continue
            following = pairs[index + 1][0] if index + 1 < len(pairs) else None
            if following is not None:
                self._edits.append(Edit(self.source.start(key), self.source.start(following), ""))
            else:
                before = pairs[index - 1][1] if index and pairs[index - 1][0] not in keys else None
                start = self.source.end(before) if before is not None else self.source.start(key)
                self._edits.append(Edit(start, self.source.end(value), ""))

    def set_parameters(self, function: Function, dropped: Iterable[str], added: Iterable[str]) -> None:
        """Have a function ask for other fixtures.

        Args:
            function: The function.
            dropped: The parameters that go.
            added: Those that come before the others.
        """
        arguments = function.args
        given = [*arguments.posonlyargs, *arguments.args]
        going = set(dropped)
        kept = [
            self.source.text[self.source.start(each) : self._end_of(each, function)]
            for each in given
            if each.arg not in going
        ]
        present = {each.arg for each in given} - going
        new = [name for name in added if name not in present]
        if kept and new and given and given[0].arg in ("self", "cls"):
            kept[1:1] = new
        else:
            kept[:0] = new
        start, end = self._brackets(function)
        if arguments.vararg or arguments.kwonlyargs or arguments.kwarg or arguments.posonlyargs:
            if not going:
                self._edits.append(Edit(start, start, "".join(f"{name}, " for name in new)))
            return
        old = self.source.text[start:end]
        text = ", ".join(kept)
        if "\n" in old and kept and len(text) > WIDTH - 30:
            inner = self.source.indent(function) + "    "
            text = "\n" + "".join(f"{inner}{each},\n" for each in kept) + self.source.indent(function)
        self._edits.append(Edit(start, end, text))

    def add_imports(self, added: Iterable[Wanted]) -> None:
        """Import names."""
        self._edits += added_imports(self.source, self._tree, added)

    def remove_imported(self, aliases: Iterable[ast.alias]) -> None:
        """Take names out of statements that import others, too."""
        self._edits += replaced_imports(self.source, self._tree, dict.fromkeys(aliases, ()))

    def _end_of(self, argument: ast.arg, function: Function) -> int:
        given = [*function.args.posonlyargs, *function.args.args]
        defaults = function.args.defaults
        index = given.index(argument) - (len(given) - len(defaults))
        return self.source.end(defaults[index] if index >= 0 else argument)

    def _brackets(self, function: Function) -> tuple[int, int]:
        """Return where a function's parameters begin and end, between the brackets."""
        text = self.source.text
        start = (
            text.index("(", text.index(function.name, text.index("def", self.source.start(function)) + 3)) + 1
        )
        given = [*function.args.posonlyargs, *function.args.args]
        others = [function.args.vararg, *function.args.kwonlyargs, function.args.kwarg]
        last = max(
            [
                start,
                *(self._end_of(each, function) for each in given),
                *(self.source.end(each) for each in others if each),
            ]
        )
        return start, text.index(")", last)

    def _begin(self, node: ast.stmt) -> int:
        decorators = getattr(node, "decorator_list", [])
        return self.source.start(decorators[0]) - 1 if decorators else self.source.start(node)

    def _take(self, node: ast.stmt, block: Sequence[ast.stmt], gone: set[ast.stmt]) -> None:
        first, last = first_line(node), node.end_lineno or node.lineno
        sharing = [each for each in block if each is not node and _share(each, first, last)]
        if any(each not in gone for each in sharing) or not self._stands_alone(node, sharing):
            self._cut(node)
            return
        self._take_comments(node)
        self._taken.update(range(first, last + 1))

    def _stands_alone(self, node: ast.stmt, sharing: Sequence[ast.stmt]) -> bool:
        """Whether nothing but statements that go stands on the first line of a statement."""
        start = self._starts[first_line(node) - 1]
        before = self.source.text[start : self._begin(node)].strip()
        return not before or bool(sharing)

    def _cut(self, node: ast.stmt) -> None:
        """Take out a statement that shares its line with one that stays."""
        text = self.source.text
        start, end = self._begin(node), self.source.end(node)
        before = text[:start].rstrip(" \t")
        after = len(text[end:]) - len(text[end:].lstrip(" \t"))
        if text[end + after : end + after + 1] == ";":
            rest = text[end + after + 1 :]
            self._edits.append(Edit(start, end + after + 1 + len(rest) - len(rest.lstrip(" \t")), ""))
        elif before.endswith(";"):
            self._edits.append(Edit(len(before) - 1, end, ""))
        else:
            self._edits.append(Edit(start, end, "pass"))

    def _take_comments(self, node: ast.stmt) -> None:
        """Take the comments right above a statement with it."""
        line = first_line(node) - 1
        indent = self.source.indent(node)
        if indent and line > 1 and not self._lines[line - 1].strip():
            line -= self._lines[line - 2].startswith(f"{indent}#")
        while line > 0 and self._lines[line - 1].startswith(f"{indent}#"):
            self._taken.add(line)
            line -= 1

    def _unwrap(self, node: ast.stmt) -> None:
        assert isinstance(node, ast.With | ast.AsyncWith | ast.Try)
        first, last = node.body[0], node.body[-1]
        if first.lineno == node.lineno:  # ``with a: b``
            self._edits.append(Edit(self.source.start(node), self.source.start(first), ""))
            return
        header_end = first_line(first) - 1
        while header_end > node.lineno and self._lines[header_end - 1].lstrip().startswith("#"):
            header_end -= 1
        self._taken.update(range(node.lineno, header_end + 1))
        end = last.end_lineno or last.lineno
        if isinstance(node, ast.Try):
            self._taken.update(range(end + 1, (node.end_lineno or end) + 1))
        self._dedents.add_lines(node, header_end + 1, end)

    def _line_edits(self) -> Iterator[Edit]:
        yield from self._dedents.edits(self._taken)
        for first, last in self._runs():
            start, end = self._with_blank_lines(first, last)
            between = [line for line in range(first, last + 1) if line not in self._taken]
            is_parting = between and (start, end) == (self._starts[first - 1], self._starts[last])
            is_inside = first > 1 and last < len(self._lines) and not self._is_shallower(first, last + 1)
            if is_parting and is_inside and not self._lines[first - 2].rstrip().endswith(":"):
                yield Edit(start, self._starts[between[0] - 1], "")
                start = self._starts[between[0]]
            yield Edit(start, end, "")

    def _runs(self) -> Iterator[tuple[int, int]]:
        """Yield the first and the last of lines that go one after another, blank ones between them included."""
        last = 0
        for first in sorted(self._taken):
            if first <= last:
                continue
            last = first
            while last < len(self._lines) and (last + 1 in self._taken or self._is_between(last + 1)):
                last += 1
            yield first, last

    def _is_between(self, line: int) -> bool:
        """Whether a line is blank, and so are all up to the next one that goes."""
        while line <= len(self._lines) and not self._lines[line - 1].strip() and line not in self._taken:
            line += 1
        return line in self._taken

    def _with_blank_lines(self, first: int, last: int) -> tuple[int, int]:
        """Return the span of some lines with the blank ones that must go with them."""
        above, below = first, last
        while above > 1 and not self._lines[above - 2].strip():
            above -= 1
        while below < len(self._lines) and not self._lines[below].strip():
            below += 1
        is_first = above == 1 or self._lines[above - 2].rstrip().endswith(":")
        if below == len(self._lines) and above > 1:
            return self._starts[above - 1], self._starts[below]
        if first - above >= below - last or is_first:
            if below < len(self._lines) and not is_first and self._is_shallower(first, below + 1):
                return self._starts[above - 1], self._starts[last]
            return self._starts[first - 1], self._starts[below]
        return self._starts[above - 1], self._starts[last]

    def _is_shallower(self, line: int, other: int) -> bool:
        here, there = self._lines[line - 1], self._lines[other - 1]
        return len(there) - len(there.lstrip()) < len(here) - len(here.lstrip())


def written(module: Module, changes: Changes) -> bytes:
    """Return the file of a module with its changes made."""
    writer = Writer(module)
    writer.remove(changes.gone, changes.unwrapped)
    inside = {id(inner) for each in changes.gone for inner in ast.walk(each)}
    writer.replace({node: text for node, text in changes.replaced.items() if id(node) not in inside})
    writer.replace(changes.fixtures)
    writer.append({node: text for node, text in changes.appended.items() if id(node) not in inside})
    writer.remove_items(changes.items)
    for node, keys in changes.entries.items():
        if id(node) not in inside:
            writer.remove_entries(node, keys)
    for function, names in changes.parameters.items():
        if function not in changes.gone:
            writer.set_parameters(function, (), names)
    writer.add_imports(changes.imports)
    return writer.result()


def _goes(owner: ast.AST, block: Sequence[ast.stmt], gone: set[ast.stmt], unwrapped: set[ast.stmt]) -> bool:
    """Whether what a block is of goes with it."""
    if owner in gone:
        return True
    return owner in unwrapped and block is getattr(owner, "finalbody", None)


def _blocks(tree: ast.AST) -> Iterator[tuple[ast.AST, list[ast.stmt]]]:
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
                yield node, block


def _share(node: ast.stmt, first: int, last: int) -> bool:
    return node.lineno <= last and (node.end_lineno or node.lineno) >= first


def _apart(edits: Iterable[Edit]) -> list[Edit]:
    """Return edits without those that lie within another."""
    found = sorted(dict.fromkeys(edits), key=lambda each: (each.start, -each.end))
    kept: list[Edit] = []
    for each in found:
        if kept and each.end <= kept[-1].end and each.start < kept[-1].end:
            continue
        kept.append(each)
    return kept


def difference(before: bytes, after: bytes) -> tuple[Edit, ...]:
    """Return the edits, line by line, that make one text of another."""
    old, new = SourceText(before), SourceText(after)
    matcher = difflib.SequenceMatcher(None, old.lines, new.lines, autojunk=False)
    return tuple(
        Edit(old.starts[a], old.starts[b], re.sub("\r\n?", "\n", "".join(new.lines[c:d])))
        for tag, a, b, c, d in matcher.get_opcodes()
        if tag != "equal"
    )
