"""The projects that are measured: the same application and the same tests, under one recipe each."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.recipes import Recipe
from benchmarks.shop import TABLES

SHOP = Path(__file__).parent / "shop.py"
AT_ONCE = Path(__file__).parent / "at_once.py"
TESTS_A_MODULE = 30

INI = """\
[pytest]
pythonpath = .
asyncio_mode = auto
"""

HEAD = """\
from sqlalchemy import text
"""

TEST = """

async def test_{number:04}(async_client, async_test_db):
    response = await async_client.post("/api/users", json={{"name": "Ada {number}", "email": "{email}"}})
    assert response.status_code == 201
    names = await async_test_db.scalars(text("SELECT name FROM users WHERE email = '{email}'"))
    assert names.all() == ["Ada {number}"]
"""


@dataclass(frozen=True)
class Project:
    """A project in a folder of its own.

    Attributes:
        recipe: How its tests get a clean database.
        root: Its folder.
        variables: What its environment has.
    """

    recipe: Recipe
    root: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    def tests(self, count: int) -> str:
        """Return the folder, relative to the project's, that holds ``count`` tests; written at first use."""
        folder = self.root / f"tests_{count}"
        if not folder.exists():
            folder.mkdir()
            for number, text in enumerate(modules(count, cleans=self.recipe.cleans)):
                (folder / f"test_{count}_{number:02}.py").write_text(text, encoding="utf-8")
        return folder.name


def modules(count: int, *, cleans: bool = True) -> list[str]:
    """Write ``count`` tests, each a function of its own, in modules of thirty.

    All use the same e-mail address, of which there may be one: a test that finds another's row fails. Only where
    nothing cleans up (``cleans``) each has its own.
    """
    numbers = range(count)
    chunks = [numbers[start : start + TESTS_A_MODULE] for start in range(0, count, TESTS_A_MODULE)]
    return [HEAD + "".join(_test(number, cleans=cleans) for number in chunk) for chunk in chunks]


def _test(number: int, *, cleans: bool) -> str:
    return TEST.format(number=number, email="ada@example.com" if cleans else f"ada{number}@example.com")


def write(
    recipe: Recipe, folder: Path, *, tables: int = TABLES, variables: Mapping[str, str] | None = None
) -> Project:
    """Write a recipe's project, whose application has so many tables, into a new folder inside ``folder``."""
    root = folder / recipe.key
    root.mkdir()
    (root / "pytest.ini").write_text(INI + recipe.ini, encoding="utf-8")
    shop = SHOP.read_text(encoding="utf-8").replace(f"TABLES = {TABLES}\n", f"TABLES = {tables}\n")
    (root / "shop.py").write_text(shop, encoding="utf-8")
    (root / "test_at_once.py").write_text(AT_ONCE.read_text(encoding="utf-8"), encoding="utf-8")
    conftest = recipe.conftest_text()
    if conftest is not None:
        (root / "conftest.py").write_text(conftest, encoding="utf-8")
    return Project(recipe, root, variables or {})


@contextmanager
def workplace() -> Iterator[Path]:
    """Make a temporary folder for projects and databases, in memory where the system has such a place.

    hermetic puts its databases there, so the others' files have to lie there too: a slow disk would flatter it.
    """
    memory = Path("/dev/shm")
    place = memory if os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="hermetic-bench-", dir=place) as folder:
        yield Path(folder)
