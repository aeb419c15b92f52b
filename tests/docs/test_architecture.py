"""ARCHITECTURE.md is short, names what is there, and what it says of imports is so."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

import hermetic
from tests.docs.pages import ROOT

SOURCE = Path(hermetic.__file__).parent
PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
PACKAGES = {
    "SQLAlchemy": "sqlalchemy",
    "Starlette": "starlette",
    "FastAPI": "fastapi",
    "the plugin": "hermetic.pytest_plugin",
}


@dataclass(frozen=True)
class Row:
    """A part of the package, and the words for what it must not import."""

    paths: tuple[str, ...]
    forbidden: str


def rows() -> list[Row]:
    """Return the rows of the table on src/hermetic."""
    found = re.findall(r"^\| (`[^|]+`) \| [^|]+ \| ([^|]+) \|$", PAGE, re.MULTILINE)
    return [Row(tuple(re.findall(r"`([\w./]+)`", names)), forbidden.strip()) for names, forbidden in found]


def module(path: str) -> str:
    """Return the dotted name of a path of the table."""
    return "hermetic." + path.removesuffix(".py").strip("/").replace("/", ".")


def prefixes(index: int) -> list[str]:
    """Return what a row must not import, as dotted prefixes."""
    words = rows()[index].forbidden
    if words == "everything":
        return ["hermetic", "pytest", "sqlalchemy", "httpx2"]
    if words == "everything above":
        return [module(path) for row in rows()[:index] for path in row.paths]
    beside = (
        "hermetic.database."
        if rows()[index].paths[0].startswith("database/") and rows()[index].paths[0] != "database/"
        else "hermetic."
    )
    found = []
    for word in words.split(", "):
        known = PACKAGES.get(word) or (word if word in ("pytest", "httpx2") else beside + word)
        found.append(known)
    return found


def imports(path: Path) -> set[str]:
    """Return every module that a file or folder imports, wherever in it, for types alone excepted."""
    found: set[str] = set()
    for file in [path] if path.is_file() else path.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_it_is_short() -> None:
    """It is read in one go: at most 80 lines."""
    assert len(PAGE.splitlines()) <= 80


def test_files_are_short() -> None:
    """So is each file of the package: at most 400 lines."""
    sizes = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCE.rglob("*.py")}
    assert [str(path.relative_to(SOURCE)) for path, lines in sizes.items() if lines > 400] == []


def test_every_part_has_a_row() -> None:
    """Each folder and module of the package is named, and what is named is there."""
    named = {path.strip("/") for row in rows() for path in row.paths}
    there = {
        path.name for path in SOURCE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    database = SOURCE / "database"
    there |= {f"database/{path.parent.name}" for path in database.glob("*/__init__.py")}
    there |= {
        f"database/backends/{path.parent.name}" for path in (database / "backends").glob("*/__init__.py")
    }
    assert named == there - {"__init__.py", "database/backends"}


@pytest.mark.parametrize("index", range(len(rows())), ids=lambda index: rows()[index].paths[0])
def test_what_must_not_be_imported_is_not(index: int) -> None:
    """No part imports what its row forbids."""
    for path in rows()[index].paths:
        for name in imports(SOURCE / path):
            broken = [prefix for prefix in prefixes(index) if name == prefix or name.startswith(prefix + ".")]
            assert not broken or name == "hermetic", f"{path} imports {name}"
