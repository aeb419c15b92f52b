"""Steps of a migration that are small enough to see through."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from hermetic.migrate.step import Left, Outcome, Project, Review, Step, TestName
from hermetic.migrate.text import Edit, SourceText
from hermetic.source.modules import Module


def renaming(old: str, new: str, name: str = "rename", *, is_safe: bool = True) -> Step:
    """Return a step that puts a text in place of a name, wherever that stands in the suite.

    The tests with the name are converted; those whose own name ends with ``stays`` are left, and so is it in them.
    """

    def run(project: Project) -> Outcome:
        edits: dict[object, tuple[Edit, ...]] = {}
        converted: set[TestName] = set()
        left: list[Left] = []
        review: list[Review] = []
        for module in project.symbols.sources.tests:
            source = SourceText(module.text)
            kept: set[ast.AST] = set()
            for function in _tests(module):
                test = TestName(module.path, function.name)
                inner = set(ast.walk(function))
                if not any(isinstance(node, ast.Name) and node.id == old for node in inner):
                    continue
                if function.name.endswith("stays"):
                    left.append(Left(test, "HM899", module.path, function.lineno, f"{old} is wanted"))
                    kept |= inner
                else:
                    converted.add(test)
                    review.append(Review(module.path, function.lineno, f"{old} was here"))
            edits[module.path] = tuple(
                source.replace(node, new)
                for node in module.of(ast.Name)
                if node.id == old and node not in kept
            )
        return Outcome(edits, frozenset(converted), tuple(left), tuple(review))  # type: ignore[arg-type]

    return Step(name, f"writes {new} for {old}", is_safe, (f"{old}()", f"{new}()"), run)


def _tests(module: Module) -> Iterator[ast.FunctionDef]:
    return (function for function in module.of(ast.FunctionDef) if function.name.startswith("test"))
