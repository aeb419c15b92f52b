"""What ``hermetic migrate`` takes to rewrite a large suite: ``python -m benchmarks.migrate``.

The corpus ``sync suite``: a project of a thousand Python files of 150 lines, four in five of them tests on
``TestClient`` in the forms that people write: a module's client, a fixture's, one made in the test, a helper that takes
one, a websocket.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from benchmarks.command import Reading
from benchmarks.projects import workplace
from benchmarks.tree import FILES, LINES, write_tree
from hermetic.migrate.migration import read
from hermetic.migrate.steps.client.plan import Planning
from hermetic.source.fixtures import Suite
from hermetic.source.trees import Tree, Trees

CONFTEST = """\
import pytest
from fastapi.testclient import TestClient

from shop.main import app


@pytest.fixture
def client():
    with TestClient(app) as client:
        yield client


@pytest.fixture
def token(client):
    return client.post("/api/token", data={"username": "ada"}).json()["token"]
"""
HEAD = '''\
"""What the routes answer."""

import pytest
from fastapi.testclient import TestClient

from shop.main import app

module_client = TestClient(app)


def create(client, name, *, amount=1):
    response = client.post("/part000/0", json={"name": name, "amount": amount})
    assert response.status_code == 201, response.text
    return response.json()
'''
BODY = '''

@pytest.mark.parametrize("name", ["a", "b c", "é"])
def test_create_{n}(client, token, name):
    created = create(client, name, amount={n})
    headers = {{"Authorization": f"Bearer {{token}}"}}
    response = client.get("/part000/{n}", params={{"name": name}}, headers=headers)
    assert response.status_code == 200
    assert [each["id"] for each in response.json()] == [created["id"]]


def test_listed_{n}():
    response = module_client.get("/part001/{n}")
    assert response.status_code == 200
    assert module_client.get("/part001/{n}", params={{"name": "none"}}).json() == {{"detail": "no none"}}


class TestParts{n}:
    """A part by itself."""

    def test_own_client(self):
        with TestClient(app, raise_server_exceptions=False) as own:
            first = own.get("/part002/{n}").json()
            with own.websocket_connect("/part002/ws") as websocket:
                websocket.send_json({{"number": {n}}})
                assert websocket.receive_json() == {{"number": {n}}}
        assert len(first) == {n}

    def test_nothing(self):
        assert sorted([3, 1, 2]) == [1, 2, 3]
'''


def write_suite(folder: Path, files: int) -> Path:
    """Write a project with that many Python files, and return its folder."""
    root = write_tree(folder, max(files // 4, 25))
    (root / "tests" / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    for path in (root / "tests").glob("test_*.py"):
        path.unlink()
    rest = files - len(list(root.rglob("*.py")))
    for number in range(rest):
        path = root / "tests" / f"area_{number // 50}" / f"test_{number:04}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(_text(), encoding="utf-8")
    return root


def _text() -> str:
    text, number = HEAD, 0
    while text.count("\n") < LINES:
        text += BODY.format(n=number)
        number += 1
    return text


MIGRATE = Reading(
    "migrate",
    words=("--check",),
    found=("would change ", " tests converted in "),
    write=write_suite,
    sizes=(100, FILES),
    counted="Python files",
    about=f"Seconds of a whole `hermetic migrate --check` on the corpus `sync suite`: files of {LINES} lines and more, "
    "four in five of them tests on `TestClient`, all of which are converted.",
)


@dataclass(frozen=True)
class Held:
    """What is held of a project while its tests are looked at.

    Attributes:
        trees: How many syntax trees are there at most, outlines aside.
        project: MB of its texts and outlines, once it is read.
        graph: MB of what is known of its values, their uses and the calls, once all is known.
    """

    trees: int
    project: float
    graph: float


def held(root: Path) -> Held:
    """Measure what is held of a project."""
    most, add = [0], Trees.add

    def counted(trees: Trees, tree: Tree) -> None:
        add(trees, tree)
        most[0] = max(most[0], len(trees))

    tracemalloc.start()
    try:
        project = read(root)
        suite = Suite(project.symbols, project.configuration)
        before, _ = tracemalloc.get_traced_memory()
        with mock.patch.object(Trees, "add", counted):
            planning = Planning(project, suite, is_anyio=False)
        project.symbols.sources.drop_bodies()
        after, _ = tracemalloc.get_traced_memory()
        del planning
    finally:
        tracemalloc.stop()
    return Held(most[0], before / 1e6, (after - before) / 1e6)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, keep the raw figures, and print the table."""
    MIGRATE.run(__doc__, arguments)
    with workplace() as folder:
        found = held(write_suite(folder, FILES))
    print(
        f"\nOf {FILES:,} files {found.trees} syntax trees are there at most while they are looked at; their texts and "
        f"outlines hold {found.project:.0f} MB, the call graph {found.graph:.0f}."
    )


if __name__ == "__main__":
    main()
