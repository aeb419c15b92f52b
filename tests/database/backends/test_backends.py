"""Backends are looked up by what URLs call them, and nothing else in the package names one."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

import hermetic
from hermetic.database.address import address_of
from hermetic.database.backend import (
    Backend,
    backend_named_by,
    backend_of,
    every_backend,
    find_backend,
    get_backend,
)
from hermetic.database.backends.postgresql import BACKEND as POSTGRESQL
from hermetic.database.backends.sqlite import BACKEND as SQLITE

SOURCE = Path(hermetic.__file__).parent
ALL: list[Backend] = [POSTGRESQL, SQLITE]

LIGHT = """
import sys
from hermetic.database.backend import backend_named_by, backend_of, every_backend, find_backend, get_backend
for each in every_backend():
    each.name, each.title, each.driver_modules, each.libraries, each.packages, each.example
heavy = {"sqlalchemy", "sqlite3", "aiosqlite", "asyncpg", "psycopg", "psycopg2"} & set(sys.modules)
assert not heavy, heavy
"""


def test_there_are_two() -> None:
    """Each once, though PostgreSQL's URLs have two names."""
    assert every_backend() == ALL
    assert find_backend("postgres") is get_backend("postgresql") is POSTGRESQL
    assert find_backend("mysql") is None


@pytest.mark.parametrize("backend", ALL, ids=lambda backend: backend.name)
def test_a_backend_is_found_by_its_example(backend: Backend) -> None:
    """The example is a URL of its own."""
    url = make_url(backend.example)
    assert backend_of(url) is backend_named_by(backend.example) is backend
    assert address_of(url).backend == backend.name


@pytest.mark.parametrize("text", [None, "", "a path", "mysql://h/d"])
def test_other_texts_are_no_backends(text: str | None) -> None:
    """A text without a scheme, and a URL that hermetic has no server for."""
    assert backend_named_by(text) is None


def test_they_are_light() -> None:
    """What the command and the header ask of them loads neither SQLAlchemy nor a driver."""
    subprocess.run([sys.executable, "-c", LIGHT], check=True)


LISTING = """
import sys
from hermetic.cli import main
assert main(["db", "list", "."]) == 0
heavy = {"aiosqlite", "asyncpg", "psycopg", "psycopg2"} & set(sys.modules)
assert not heavy, heavy
"""


def test_db_list_loads_no_driver(tmp_path: Path) -> None:
    """In a project that no run has left anything of."""
    environ = {**os.environ, "HERMETIC_CACHE": str(tmp_path / "cache")}
    subprocess.run([sys.executable, "-c", LISTING], check=True, cwd=tmp_path, env=environ)


NAMES = {
    name
    for backend in ALL
    for name in (backend.name, "postgres", *backend.driver_modules, *backend.libraries)
}
EXCEPT = ("database/backends/", "settings.py", "causes/", "explain/")
"""The folders of backends, and the settings; and what explains failures, which are told by the words of libraries, of
databases that hermetic has no server for as well."""
TABLE = ("_modules", "DEFAULT_BACKEND")
"""What names them in the file that has the table of them."""


def named(path: Path) -> Iterator[str]:
    """Yield the places where a file names a backend, or a driver of one: docstrings aside."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if path == SOURCE / "database" / "backend.py":
        tree.body = [node for node in tree.body if not is_table(node)]
    texts = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        for word in words(node, texts):
            if any(name in word.lower() for name in NAMES):
                yield f"{path.relative_to(SOURCE)}:{getattr(node, 'lineno', '?')}: {word!r}"


def is_table(node: ast.stmt) -> bool:
    """Whether a statement is the table of backends, or says which of them is used where nothing names one."""
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in TABLE


def words(node: ast.AST, texts: set[int]) -> Iterator[str]:
    """Yield the identifiers and the strings of a node."""
    match node:
        case ast.Constant(value=str(value)) if id(node) not in texts:
            yield value
        case ast.Name(id=word) | ast.Attribute(attr=word) | ast.arg(arg=word):
            yield word
        case ast.FunctionDef(name=word) | ast.AsyncFunctionDef(name=word) | ast.ClassDef(name=word):
            yield word
        case ast.keyword(arg=str(word)):
            yield word
        case ast.ImportFrom(module=str(word)):
            yield word
        case ast.alias(name=word, asname=other):
            yield f"{word} {other or ''}"
        case _:
            return


def test_nothing_else_names_one() -> None:
    """No identifier, import or string outside its folder does."""
    files = [path for path in SOURCE.rglob("*.py") if not str(path.relative_to(SOURCE)).startswith(EXCEPT)]
    found = [place for path in sorted(files) for place in named(path)]
    assert found == []
