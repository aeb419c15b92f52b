"""Which of a suite's own clients are of the application that hermetic serves, and which of another."""

from __future__ import annotations

import pytest

from tests.source.projects import APP, Project

FACTORY = """\
from fastapi import FastAPI


def create_app():
    app = FastAPI()
    return app
"""
FIXTURES = """\
import pytest
from httpx import ASGITransport, AsyncClient
from asgi_lifespan import LifespanManager
"""


def lines(project: Project, text: str) -> list[tuple[str, int, str]]:
    """Return what is said of the clients and lifespans in a test's module."""
    project.write({"tests/test_a.py": f"{FIXTURES}{text}"})
    ours = ("own-client", "lifespan-manager")
    return [(line.file.name, line.line, line.slug) for line in project.plan().superseded if line.slug in ours]


@pytest.mark.parametrize(
    "text",
    [
        "from main import app\nc = AsyncClient(app=app)",
        "import main\nc = AsyncClient(transport=ASGITransport(main.app))",
        "from main import app\n@pytest.fixture\ndef client():\n t = ASGITransport(app=app)\n"
        " yield AsyncClient(transport=t)",
        "def helper():\n from main import app\n return AsyncClient(app=app)",
        "@pytest.fixture(name='a')\ndef given():\n from main import app\n yield app\n"
        "@pytest.fixture\ndef client(a):\n return AsyncClient(app=a)",
        "from typing import cast\nfrom main import app\nc = AsyncClient(app=cast(object, app))",
    ],
)
def test_a_client_of_the_application_is_told(project: Project, text: str) -> None:
    """Under whatever name, and through fixtures and variables."""
    assert [slug for _, _, slug in lines(project.write({"main.py": APP}), text)] == ["own-client"]


def test_a_lifespan_of_the_application_is_told_with_the_client_of_its_manager(project: Project) -> None:
    """The manager stands for the application."""
    text = (
        "from main import app\n@pytest.fixture\nasync def client():\n async with LifespanManager(app) as m:\n"
        "  async with AsyncClient(transport=ASGITransport(app=m.app)) as c:\n   yield c"
    )
    assert lines(project.write({"main.py": APP}), text) == [
        ("test_a.py", 7, "lifespan-manager"),
        ("test_a.py", 8, "own-client"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "from fastapi import FastAPI\napp = FastAPI()\nc = AsyncClient(app=app)",
        "from other import other\nc = AsyncClient(transport=ASGITransport(app=other))",
        "def client(app):\n return AsyncClient(transport=ASGITransport(app=app))",
        "@pytest.fixture\ndef client():\n async def inner(app):\n"
        "  async with LifespanManager(app):\n   yield AsyncClient(app=app)\n return inner",
        "@pytest.fixture\ndef app():\n from fastapi import FastAPI\n return FastAPI()\n"
        "@pytest.fixture\ndef client(app):\n return AsyncClient(app=app)",
        "from httpx import MockTransport\nc = AsyncClient(transport=MockTransport(print))",
        "c = AsyncClient(transport=transport)",
        "def helper(one, two):\n app = one\n one, two = two, app\n return AsyncClient(app=two)",
        "c = LifespanManager()",
    ],
)
def test_a_client_of_another_application_is_not(project: Project, text: str) -> None:
    """Nor one of whatever a helper is given, for that may be any."""
    project.write({"main.py": f"{APP}import other\napp.mount('/o', other.other)"})
    project.write({"other.py": "from fastapi import FastAPI\nother = FastAPI()"})
    assert lines(project, f"import main\n{text}\nmain.app") == []


@pytest.mark.parametrize("made", ["main.create_app()", "build()", "main.app"])
def test_what_the_same_factory_makes_is_the_application(project: Project, made: str) -> None:
    """A suite calls it again to have one of its own."""
    project.write({"main.py": f"{FACTORY}app = create_app()\n"})
    text = f"import main\ndef build():\n made = main.create_app()\n return made\nc = AsyncClient(app={made})"
    assert lines(project, text) == [("test_a.py", 8, "own-client")]


def test_where_hermetic_has_no_application_no_client_is_replaced(project: Project) -> None:
    """Its tests make them, as a library's do."""
    project.write({"lib.py": "x = 1"})
    assert lines(project, "from fastapi import FastAPI\napp = FastAPI()\nc = AsyncClient(app=app)") == []


def test_the_application_is_the_one_that_is_set(project: Project) -> None:
    """Where somebody has named another than the likeliest."""
    project.write({"main.py": f"{APP}import other\napp.mount('/o', other.other)"})
    project.write({"other.py": "from fastapi import FastAPI\nother = FastAPI()"})
    project.write({"pytest.ini": "[pytest]\nhermetic_app = other:other\n"})
    text = (
        "from main import app\nfrom other import other\nc = AsyncClient(app=app)\nd = AsyncClient(app=other)"
    )
    assert lines(project, text) == [("test_a.py", 7, "own-client")]


def test_names_that_stand_for_each_other_end(project: Project) -> None:
    """Two fixtures may be given each other by mistake."""
    text = (
        "@pytest.fixture\ndef a(b):\n return b\n@pytest.fixture\ndef b(a):\n return a\n"
        "@pytest.fixture\ndef client(a):\n return AsyncClient(app=a)"
    )
    assert lines(project.write({"main.py": APP}), text) == []
