"""What the project's runner has to be told, by its settings; and that it runs what is converted then."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.migrate.census.corpus import Case
from tests.migrate.census.projects import project_of, run
from tests.migrate.steps.client.converting import Converted, convert
from tests.source.projects import Project

CONFTEST = """\
import pytest
from fastapi.testclient import TestClient

from service.main import app


@pytest.fixture(scope="session")
def client():
    with TestClient(app) as c:
        yield c


@pytest.fixture
def token(client):
    form = {"username": "ada", "password": "secret"}
    return client.post("/login", data=form).json()["access_token"]


@pytest.fixture
def plain():
    return TestClient(app)
"""
WIDE = """\
import threading


def test_state(client, token):
    assert client.get("/state").json() == {"up": True, "ready": True}


def test_token(token):
    assert token


def test_thread(client, token):
    thread = threading.Thread(target=client.get, args=("/",))
    thread.start()
    thread.join()


class TestMe:
    def test_me(self, plain, token):
        response = plain.get("/me", headers={"Authorization": f"Bearer {token}"})
        assert response.json() == {"user": "ada"}
"""
PLAIN = """\
def test_one(plain):
    assert plain.get("/").status_code == 200


def test_two(plain):
    assert plain.get("/").status_code == 200
"""
OWN = """\
import pytest


@pytest.mark.{runner}
async def test_own():
    pass


@pytest.mark.{runner}
async def test_mine(plain):
    assert plain.get("/").status_code == 200


def test_other(plain):
    assert plain.get("/").status_code == 200
"""


def converted(project: Project, runner: str, settings: dict[str, object] | None = None) -> Converted:
    """Convert a suite with a client of the session, and with marks of a plugin."""
    service = Path(__file__).parents[2] / "census" / "service" / "main.py"
    files = {
        "service/main.py": service.read_text("utf-8"),
        "tests/conftest.py": CONFTEST,
        "tests/test_wide.py": WIDE,
        "tests/test_plain.py": PLAIN,
        "tests/test_own.py": OWN.replace("{runner}", "anyio" if runner == "anyio" else "asyncio"),
    }
    return convert(project, files, runner, settings=settings)


def test_in_auto_mode_there_is_nothing_to_mark(project: Project) -> None:
    """Loops that are as wide as the fixtures need no word either."""
    found = converted(project, "auto").texts
    assert "mark" not in found["tests/test_plain.py"] + found["tests/test_wide.py"]
    assert '@pytest.fixture(scope="session")\nasync def client():' in found["tests/conftest.py"]


def test_in_auto_mode_with_narrow_loops_a_wide_client_s_tests_run_in_its_loop(project: Project) -> None:
    """Only those: a fixture without the client, and its tests, stay in a loop of their own."""
    found = converted(project, "auto", {"asyncio_default_test_loop_scope": "function"}).texts
    assert '@pytest.mark.asyncio(loop_scope="session")\nasync def test_state' in found["tests/test_wide.py"]
    assert "mark" not in found["tests/test_plain.py"]


def test_in_strict_mode_each_has_its_mark(project: Project) -> None:
    """A module all of whose tests are async has it once; fixtures are pytest-asyncio's."""
    found = converted(project, "strict").texts
    assert found["tests/conftest.py"].count("@pytest_asyncio.fixture") == 2
    assert (
        '@pytest_asyncio.fixture(scope="session", loop_scope="session")\nasync def client'
        in (found["tests/conftest.py"])
    )
    assert '@pytest_asyncio.fixture(loop_scope="session")\nasync def token' in found["tests/conftest.py"]
    assert '@pytest.mark.asyncio(loop_scope="session")\nasync def test_state' in found["tests/test_wide.py"]
    assert (
        '    @pytest.mark.asyncio(loop_scope="session")\n    async def test_me' in found["tests/test_wide.py"]
    )
    assert "\n\ndef test_token(token):" in found["tests/test_wide.py"]
    assert found["tests/test_plain.py"].startswith("import pytest\n\npytestmark = pytest.mark.asyncio\n")
    assert found["tests/test_own.py"].count("@pytest.mark.asyncio\n") == 3


def test_with_anyio_what_has_an_async_fixture_is_async_too(project: Project) -> None:
    """A test without a client as well; one that stays gets copies of what becomes async."""
    found = converted(project, "anyio").texts
    assert "@pytest.mark.anyio\nasync def test_token(token):" in found["tests/test_wide.py"]
    assert "def test_thread(sync_client, sync_token):" in found["tests/test_wide.py"]
    assert "def sync_token(sync_client):" in found["tests/conftest.py"]


def test_with_anyio_an_inherited_test_with_an_async_fixture_is_async_too(project: Project) -> None:
    """Its class is no test class itself: those that inherit it have the test."""
    text = "class Base:\n    def test_token(self, token):\n        assert token\n\n\nclass TestIt(Base):\n    pass\n"
    own = OWN.replace("{runner}", "anyio")
    files = {"tests/conftest.py": CONFTEST, "tests/test_it.py": text, "tests/test_own.py": own}
    found = convert(project, files, "anyio").texts["tests/test_it.py"]
    assert "    @pytest.mark.anyio\n    async def test_token(self, token):" in found


def test_with_anyio_nothing_runs_on_trio(project: Project) -> None:
    """A conftest with a wide fixture has the backend for all below it."""
    found = converted(project, "anyio").texts
    assert 'scope="session")\ndef anyio_backend():\n    return "asyncio"' in found["tests/conftest.py"]
    assert "anyio_backend" not in found["tests/test_plain.py"] + found["tests/test_own.py"]


def test_with_anyio_a_test_that_loses_its_other_backends_is_named(project: Project) -> None:
    """Where the conftest gets a backend; a module with one of its own loses nothing."""
    (review,) = converted(project, "anyio").outcome.review
    assert (review.file.name, review.line) == ("conftest.py", CONFTEST.split("\n").index("def client():") + 1)
    assert review.text.endswith("`test_own` and 1 more ran on each of anyio's backends")
    backend = "\n\n@pytest.fixture(params=['asyncio', 'trio'])\ndef anyio_backend(request):\n    return request.param\n"
    own = OWN.replace("{runner}", "anyio") + backend
    files = {"tests/conftest.py": CONFTEST, "tests/test_own.py": own, "tests/test_plain.py": PLAIN}
    assert not convert(project, {**files, "tests/test_wide.py": WIDE}, "anyio").outcome.review


@pytest.mark.parametrize("text", ["def test_one(plain):\n    plain.get('/')\n"])
def test_with_anyio_a_module_with_tests_of_its_own_keeps_their_backends(project: Project, text: str) -> None:
    """There each converted test says that it is asyncio's; another module has a fixture for that."""
    plain = CONFTEST.replace('(scope="session")', "")
    own = OWN.replace("{runner}", "anyio")
    files = {"tests/conftest.py": plain, "tests/test_own.py": own, "tests/test_new.py": text}
    found = convert(project, files, "anyio").texts
    assert found["tests/test_own.py"].count('@pytest.mark.parametrize("anyio_backend", ["asyncio"])') == 2
    assert "def anyio_backend" in found["tests/test_new.py"]


@pytest.mark.parametrize("runner", ["strict", "anyio"])
def test_what_is_marked_runs(project: Project, tmp_path: Path, runner: str) -> None:
    """Each test passes in its runner, with every warning an error, and none is missing."""
    texts = converted(project, runner).texts
    files = {name.replace("tests/", "tests/case/"): text for name, text in texts.items() if "test" in name}
    found = run(project_of([Case("", "case", "", (runner,), "", "", files, {})], runner, tmp_path / "after"))
    assert not found.failures, found.failures
    assert len(found.tests) == 9
    assert all(each.requests for name, each in found.tests.items() if "test_own.py::test_own" not in name)
