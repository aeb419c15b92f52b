"""The call in a line that made something, as it is written there."""

from __future__ import annotations

import linecache
from pathlib import Path

import pytest

from hermetic import expressions
from hermetic.code import Location

SOURCE = """
async def test_it(client, session):
    client.get("/")
    await client.get("/")
    response = client.get("/users", params={})
    assert client.post("/")
    rows = session.scalars(
        1
    ).all()
    session.commit(), session.commit()
    run(session.commit())
    return session.flush()
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A file with such lines."""
    path = tmp_path / "test_a.py"
    path.write_text(SOURCE, encoding="utf-8")
    linecache.checkcache()
    return str(path)


@pytest.mark.parametrize(
    ("line", "name", "text"),
    [
        (3, "get", "await client.get(...)"),
        (4, "get", ""),
        (5, "get", "await client.get(...)"),
        (7, "scalars", "(await session.scalars(...)).all"),
        (8, "scalars", "(await session.scalars(...)).all"),
        (10, "commit", ""),
        (11, "commit", "await session.commit()"),
        (12, "", "await session.flush()"),
        (13, "get", ""),
    ],
)
def test_the_call_that_lacks_its_await(file: str, line: int, name: str, text: str) -> None:
    """It is given where there is no doubt which it is."""
    assert expressions.awaited(Location(file, line, "test_it"), [name] if name else []) == text


@pytest.mark.parametrize(
    ("name", "line"), [("get", 5), ("post", 6), ("flush", 12), ("scalars", None), ("commit", None)]
)
def test_the_line_that_keeps_what_a_call_returns(file: str, name: str, line: int | None) -> None:
    """It is given if there is one, and not of a call whose result another one is handed."""
    at = expressions.kept(Location(file, 2, "test_it"), [name])
    assert (at and at.line) == line


def test_what_is_no_python_file(tmp_path: Path) -> None:
    """Nothing is found in it, be it there or not."""
    (tmp_path / "a.txt").write_text("no python", encoding="utf-8")
    for name in ("a.txt", "gone.py"):
        at = Location(str(tmp_path / name), 1, "f")
        assert (expressions.awaited(at, []), expressions.kept(at, [])) == ("", None)
