"""Say in a test's file, above the test, why it is left; and say so no longer once it is not."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Collection, Iterator
from pathlib import Path

from hermetic.migrate.step import Left, Outcome, Project, Step, TestName
from hermetic.migrate.text import Edit, SourceText
from hermetic.source.modules import Module
from hermetic.source.syntax import first_line

MARK = "# hermetic migrate: "


def commenting(left: Collection[Left], converted: Collection[TestName], *, adding: bool) -> Step:
    """Return the step that writes comments above tests that are left, and takes away those above tests that are not.

    Args:
        left: The tests that are left, and why.
        converted: Those that are converted.
        adding: Whether to write comments, not only take them away.
    """
    wanted: dict[Path, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for test in converted:
        wanted[test.file][test.path] = []
    for each in left if adding else ():
        wanted[each.test.file][each.test.path].append(f"{each.code}: {' '.join(each.text.split())}")

    def run(project: Project) -> Outcome:
        modules = project.symbols.sources.modules
        files = [file for file in wanted if file in modules and file not in project.fixed]
        return Outcome({file: tuple(_edits(modules[file], wanted[file])) for file in files})

    return Step("comments", "says above each test that is left why it is", True, ("", ""), run)


def _edits(module: Module, wanted: dict[str, list[str]]) -> Iterator[Edit]:
    if not any(wanted.values()) and MARK.encode() not in module.text:
        return
    source = SourceText(module.text)
    lines = source.lines
    for path, function in _functions(module.tree.body, ""):
        if path not in wanted:
            continue
        line = first_line(function)
        first = line
        while first > 1 and lines[first - 2].lstrip(" \t\f").startswith(MARK):
            first -= 1
        texts = "".join(f"{source.indent(function)}{MARK}{text}\n" for text in dict.fromkeys(wanted[path]))
        new = texts.encode(source.encoding, "replace").decode(source.encoding)
        edit = Edit(source.position(first, 0), source.position(line, 0), new)
        if source.text[edit.start : edit.end] != new.replace("\n", source.newline):
            yield edit


def _functions(
    body: list[ast.stmt], outer: str
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Yield the functions of a module and of its classes, with their paths; those in if and try included."""
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{outer}{statement.name}", statement
        elif isinstance(statement, ast.ClassDef):
            yield from _functions(statement.body, f"{outer}{statement.name}::")
        else:
            for name in ("body", "orelse", "finalbody"):
                yield from _functions(getattr(statement, name, []), outer)
            for handler in getattr(statement, "handlers", []):
                yield from _functions(handler.body, outer)
