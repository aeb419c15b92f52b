"""The rule about ``unittest``: a coroutine function of a plain ``TestCase`` is called and never awaited."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from hermetic.doctor.subject import Spot, Subject, spot
from hermetic.source.environ import outside
from hermetic.source.syntax import last_name

PLAIN = frozenset({"unittest.TestCase", "unittest.case.TestCase"})
HARMLESS = frozenset(
    {"skip", "skipIf", "skipUnless", "expectedFailure", "patch", "object", "dict", "multiple"}
)
"""Decorators that leave a coroutine function one: of ``unittest``, of ``unittest.mock``, and pytest's marks."""


def async_test_in_testcase(subject: Subject) -> Iterator[Spot]:
    """An async test of a ``unittest.TestCase``: it passes without running."""
    for module in subject.sources.tests:
        for definition in module.of(ast.ClassDef) if module.mentions("TestCase") else ():
            if _is_plain(definition, module.path, subject) and not _runs_itself(definition):
                tests = [each for each in definition.body if _is_async_test(each)]
                if tests:
                    also = f"; so do {len(tests) - 1} more of {definition.name}" if len(tests) > 2 else ""
                    also = f"; so does one more of {definition.name}" if len(tests) == 2 else also
                    name = getattr(tests[0], "name", "")
                    text = f"{name} passes without running: nothing awaits it{also}"
                    yield spot(module.path, tests[0], text)


def _is_async_test(statement: ast.stmt) -> bool:
    is_test = isinstance(statement, ast.AsyncFunctionDef) and statement.name.startswith("test")
    return is_test and all(map(_is_harmless, statement.decorator_list))  # type: ignore[attr-defined]


def _is_plain(definition: ast.ClassDef, file: Path, subject: Subject, depth: int = 6) -> bool:
    """Whether a class is a ``TestCase`` of unittest's, and every class that it inherits from is known."""
    kinds = [_kind(base, file, subject, depth) for base in definition.bases]
    return bool(kinds) and "unknown" not in kinds and "plain" in kinds and not definition.keywords


def _kind(base: ast.expr, file: Path, subject: Subject, depth: int) -> str:
    if outside(file, base, subject.symbols) in PLAIN:
        return "plain"
    found = subject.symbols.resolve(file, base)
    definition = subject.symbols.definition(found)
    if found is None or found.file is None or not isinstance(definition, ast.ClassDef) or not depth:
        return "unknown"
    if _runs_itself(definition):
        return "unknown"
    if not definition.bases:
        return "mixin"
    return "plain" if _is_plain(definition, found.file, subject, depth - 1) else "unknown"


def _runs_itself(definition: ast.ClassDef) -> bool:
    """Whether a class says how its tests are run, or is wrapped by something that may."""
    own = {each.name for each in definition.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}
    running = {"run", "__call__", "_callTestMethod", "__getattribute__", "__init_subclass__"}
    return not own.isdisjoint(running) or not all(map(_is_harmless, definition.decorator_list))


def _is_harmless(decorator: ast.expr) -> bool:
    made = decorator.func if isinstance(decorator, ast.Call) else decorator
    is_mark = isinstance(made, ast.Attribute) and last_name(made.value) == "mark"
    return is_mark or last_name(made) in HARMLESS
