"""Which kind of database texts name, where the kinds are handed in."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import hermetic.source
from hermetic.cli.databases import DATABASES
from hermetic.source.databases import Databases, Kind
from hermetic.source.sources import read_sources
from tests.source.projects import Project

TOY = Kind(
    name="toybase",
    others=("toydb",),
    old=("toy",),
    asynchronous={"aiotoy": "aiotoy", "toyd": "toyd"},
    synchronous={"toyd": "toyd"},
    packages=frozenset({"aiotoy", "toyd", "toytools"}),
    telling=frozenset({"aiotoy"}),
    openings=frozenset({"ToyEngine"}),
    types=("ToyDsn",),
    words=("TOY",),
)
KINDS = Databases((TOY, DATABASES.default), default=TOY)


def texts_of(tree: ast.Module) -> Iterator[str]:
    """Yield the strings and names of a module, docstrings aside."""
    said = {
        node.value
        for outer in ast.walk(tree)
        if isinstance(outer, ast.Module | ast.ClassDef | ast.FunctionDef)
        for node in outer.body
        if isinstance(node, ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in said:
            yield node.value
        yield from (str(getattr(node, name, "")) for name in ("id", "attr", "arg", "name", "module"))


def test_no_database_and_no_driver_is_named() -> None:
    """Neither by a string nor by a name nor by an import: a new kind is added by whoever hands the kinds in."""
    named = {word for kind in DATABASES.kinds for word in (*kind.packages, *kind.types, *kind.openings)}
    pattern = re.compile("|".join((DATABASES.names, *named)), re.IGNORECASE)
    for path in Path(hermetic.source.__file__).parent.glob("*.py"):
        for text in texts_of(ast.parse(path.read_text(encoding="utf-8"))):
            assert not pattern.search(text), f"{path.name}: {text}"


@pytest.mark.parametrize(
    ("text", "schemes"),
    [
        ("toybase://h/a", ["toybase"]),
        ("toydb+aiotoy://h/a, then toy://h", ["toydb+aiotoy", "toy"]),
        ("ToyBase+TOYD", ["toybase+toyd"]),
        ("aiotoy://h", ["toybase"]),
        ("tortoise.backends.aiotoy", ["toybase"]),
        ("toytools://h", []),
        ("mytoybase://h", []),
        (None, []),
    ],
)
def test_schemes_are_found_in_texts(text: str | None, schemes: list[str]) -> None:
    """In URLs, alone, and as Tortoise names them; a text without one has none."""
    assert KINDS.schemes_in(text) == schemes


@pytest.mark.parametrize(
    ("scheme", "kind", "is_old"),
    [
        ("toybase+aiotoy", "toybase", False),
        ("toydb", "toybase", False),
        ("toy", "toybase", True),
        ("toy+toyd", "toybase", False),
        ("oracle", "oracle", False),
    ],
)
def test_a_scheme_is_of_a_kind(scheme: str, kind: str, is_old: bool) -> None:
    """Whatever name and driver it has; one that is not known is of its own."""
    assert (KINDS.kind_of(scheme), KINDS.is_old(scheme)) == (kind, is_old)


@pytest.mark.parametrize(
    ("scheme", "required", "is_async", "fitting"),
    [
        ("toy", "", True, "toybase+aiotoy"),
        ("toy", "toyd>=1", True, "toybase+toyd"),
        ("toy", "", False, "toybase"),
        ("toy", "toyd>=1", False, "toybase+toyd"),
        ("toybase+aiotoy", "toyd", True, "toybase+aiotoy"),
        ("toybase+aiotoy", "toyd", False, "toybase+toyd"),
        ("toybase+toyd", "", False, "toybase+toyd"),
        ("toybase+odbc", "", False, "toybase+odbc"),
        ("toybase+odbc", "", True, "toybase+aiotoy"),
    ],
)
def test_a_scheme_gets_a_driver_that_fits(scheme: str, required: str, is_async: bool, fitting: str) -> None:
    """Its own where the engine can use it, else one that the project requires, else the first for async engines."""
    assert KINDS.fitting(scheme, required, is_async=is_async) == fitting


def test_what_tells_nothing_is_of_the_default_kind(project: Project) -> None:
    """Without a URL and without a driver in the requirements; drivers tell in the order of the kinds."""
    sources = read_sources(project.write({"app.py": "x = 'https://h'\n"}).root)
    assert KINDS.guessed(sources, [project.root], is_async=True) == "toybase+aiotoy"
    project.write({"requirements.txt": "aiosqlite\n"})
    assert KINDS.guessed(sources, [project.root], is_async=True) == "sqlite+aiosqlite"
    assert (
        replace(KINDS, default=DATABASES.default).guessed(sources, [project.root], is_async=False) == "sqlite"
    )


def test_a_variable_is_named_after_its_kind() -> None:
    """What holds a URL may be called after the kind, or after databases in general."""
    found = [name for name in ("TOY_URL", "MY_DATABASE_URI", "SENTRY_URL") if KINDS.variable.search(name)]
    assert found == ["TOY_URL", "MY_DATABASE_URI"]
