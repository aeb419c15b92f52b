"""What syntax trees say, without asking what a name stands for: statements that run, assignments, imports."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that run when a body runs, those in its blocks included, functions' not."""
    for statement in body:
        yield statement
        for block in ("body", "orelse", "finalbody"):
            if not isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield from statements(getattr(statement, block, []))
        for part in (*getattr(statement, "handlers", []), *getattr(statement, "cases", [])):
            yield from statements(part.body)


def assignments(statement: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    """Yield the (name, value) pairs that a statement assigns to plain names."""
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value:
        yield statement.target.id, statement.value
    if isinstance(statement, ast.Assign):
        for target in statement.targets:
            if isinstance(target, ast.Name):
                yield target.id, statement.value


def imported_names(nodes: Iterable[ast.AST], file: Path) -> Iterator[str]:
    """Yield the absolute dotted names that the import statements among a file's nodes may load."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            target = import_target(node, file)
            yield target
            yield from (f"{target}.{alias.name}" for alias in node.names)


def import_target(node: ast.ImportFrom, file: Path) -> str:
    """Return the absolute dotted name of the module that a ``from`` import names, relative ones counted up."""
    if not node.level:
        return node.module or ""
    base = file.parent
    for _ in range(node.level - 1):
        base = base.parent
    inside = base.relative_to(package_root(base)).parts
    return ".".join([*inside, *(node.module or "").split(".")]).strip(".")


@cache
def package_root(directory: Path) -> Path:
    """Return the directory that must be on ``sys.path`` for a module in ``directory``: above its top package.

    Kept, for it is asked for each import: whoever reads a project anew clears that.
    """
    while (directory / "__init__.py").exists():
        directory = directory.parent
    return directory


def never_runs(statement: ast.AST) -> bool:
    """Whether this is an ``if`` whose body does not run when the module is imported: for type checkers, for scripts."""
    return isinstance(statement, ast.If) and (
        is_for_scripts(statement.test)
        or any(
            getattr(node, "id", getattr(node, "attr", "")) == "TYPE_CHECKING"
            for node in ast.walk(statement.test)
        )
    )


def is_for_scripts(test: ast.AST) -> bool:
    """Whether a condition is ``__name__ == "__main__"``, which does not hold in what is imported."""
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"
