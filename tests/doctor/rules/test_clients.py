"""Rules about clients and applications."""

from __future__ import annotations

import pytest

from tests.doctor.examined import diagnosed, found, told
from tests.source.projects import Project

CLIENT = "from {package} import AsyncClient\n\nclient = AsyncClient(app=app, base_url='http://test')\n"


@pytest.mark.parametrize(
    ("package", "version", "is_broken"),
    [
        ("httpx", "0.28.1", True),
        ("httpx", "0.27.2", False),
        ("httpx2", "0.27.2", True),
        ("mine", "0.28.1", False),
    ],
)
def test_a_client_takes_no_application(project: Project, package: str, version: str, is_broken: bool) -> None:
    """httpx since 0.28, httpx2 never."""
    files = {"tests/conftest.py": CLIENT.format(package=package)}
    assert found(project, files, httpx=version) == (["tests/conftest.py:3:22 HM720"] if is_broken else [])


@pytest.mark.parametrize(
    "text",
    [
        "from httpx import AsyncClient, ASGITransport\nAsyncClient(transport=ASGITransport(app=app))",
        "import httpx\nclass AsyncClient(httpx.AsyncClient): ...\nAsyncClient(app=app)",
        "import httpx\ntry:\n    httpx.AsyncClient(app=app)\nexcept TypeError: ...",
        "import httpx\nif httpx.__version__ < '0.28':\n    httpx.AsyncClient(app=app)",
        "import httpx, pytest\nwith pytest.raises(TypeError):\n    httpx.AsyncClient(app=app)",
        "from starlette.testclient import TestClient\nTestClient(app=app)",
    ],
)
def test_other_clients_may_take_one(project: Project, text: str) -> None:
    """A transport, a class of the project's own, and code that has thought of versions."""
    assert found(project, {"tests/conftest.py": text}) == []


@pytest.mark.parametrize(
    "text",
    [
        "import httpx as http\nclient = http.AsyncClient(app=app)",
        "import httpx\n\ndef client():\n    with httpx.Client(app=app) as client: ...",
        "def client():\n    from httpx import AsyncClient as Client\n    return Client(app=app)",
        "import functools, httpx\nclient = functools.partial(httpx.AsyncClient, app=app)",
    ],
)
def test_whatever_the_client_is_called(project: Project, text: str) -> None:
    """A name is followed to where it comes from."""
    assert [each.rpartition(" ")[2] for each in found(project, {"tests/conftest.py": text})] == ["HM720"]


def test_without_a_version_the_rule_is_silent_and_says_so(project: Project) -> None:
    """Once, with the package."""
    files = {"tests/conftest.py": CLIENT.format(package="httpx") * 2}
    diagnosis = diagnosed(project, files, httpx="")
    assert diagnosis.findings == ()
    (note,) = diagnosis.notes
    assert "the version of httpx" in note and "--python" in note


APP = """\
from fastapi import Depends, FastAPI
app = FastAPI()
def get_session(): ...
def get_user(token): ...
@app.get("/users/{number}")
def users(session=Depends(get_session)): ...
"""
OVERRIDE = """\
from app import app, get_session, get_user
from unittest.mock import AsyncMock, Mock
{text}
"""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("app.dependency_overrides[get_session] = lambda request: 1", "request of the lambda"),
        (
            "def override(session): ...\napp.dependency_overrides[get_session] = override",
            "session of override",
        ),
        ("app.dependency_overrides = {get_session: lambda db: db}", "db of the lambda"),
        ("app.dependency_overrides |= {get_session: lambda db: db}", "db of the lambda"),
        ("app.dependency_overrides.update({get_session: lambda *a, **k: 1})", "a and k"),
        (
            "def test_users(db):\n    async def fake(db):\n        yield db\n"
            "    app.dependency_overrides[get_session] = fake",
            "db of fake",
        ),
        ("app.dependency_overrides[get_session] = Mock()", "args and kwargs"),
        (
            "def test():\n    mock = AsyncMock(return_value=1)\n    app.dependency_overrides[get_session] = mock",
            "args and",
        ),
        (
            "from sqlalchemy.orm import Session\ndef fake(db: Session): ...\n"
            "app.dependency_overrides[get_session] = fake",
            "db of fake",
        ),
    ],
)
def test_parameters_of_an_override_are_taken_for_the_requests(
    project: Project, text: str, words: str
) -> None:
    """Those without a default that nothing explains."""
    assert words in told(project, {"app.py": APP, "tests/conftest.py": OVERRIDE.format(text=text)})


@pytest.mark.parametrize(
    "text",
    [
        "app.dependency_overrides[get_session] = lambda: 1",
        "app.dependency_overrides[get_session] = lambda db=1: db",
        "app.dependency_overrides[get_user] = lambda token: token",
        "app.dependency_overrides[get_session] = lambda number: number",
        "from fastapi import Request\ndef fake(request: Request): ...\napp.dependency_overrides[get_session] = fake",
        "def fake(limit: int): ...\napp.dependency_overrides[get_session] = fake",
        "from fastapi import Depends\ndef fake(user=Depends(get_user)): ...\n"
        "app.dependency_overrides[get_session] = fake",
        "@wrapped\ndef fake(db): ...\napp.dependency_overrides[get_session] = fake",
        "app.dependency_overrides[get_session] = lambda page: page\nget('/users?page=1')",
        "app.dependency_overrides[get_session] = lambda page: page\nget('/users', params={'page': 1})",
        "app.dependency_overrides[get_session] = Mock(spec=get_session)",
        "fake = lambda db: db\napp.dependency_overrides[get_session] = unknown",
        "overrides[get_session] = lambda db: db",
        "app.dependency_overrides[get_session] = lambda: 1\noverrides |= {get_session: lambda db: db}",
        "app.dependency_overrides.update(overrides)",
        "app.dependency_overrides[get_session] = some.attribute",
        "app.dependency_overrides[get_session] = nobody",
        "app.dependency_overrides[Depends] = lambda page, size: page\nget('/users?page=1&size=2')",
        "def test(fake):\n    app.dependency_overrides[get_session] = fake",
        "def test():\n    fake = make()\n    app.dependency_overrides[get_session] = fake",
    ],
)
def test_overrides_that_fit_are_left_alone(project: Project, text: str) -> None:
    """What a request has, what FastAPI knows, and what cannot be told."""
    assert found(project, {"app.py": APP, "tests/conftest.py": OVERRIDE.format(text=text)}) == []


STATE = "from fastapi import FastAPI\napp = FastAPI()\napp.state.mailer = object()\n"
PATCH = "from app import app\n\ndef test_mail(monkeypatch):\n    {text}\n"


@pytest.mark.parametrize(
    ("text", "is_broken"),
    [
        ("monkeypatch.setattr(app.state, 'mailer', 1)", True),
        ("monkeypatch.setattr('app.app.state.mailer', 1)", True),
        ("with monkeypatch.context() as m:\n        m.setattr(app.state, 'mailer', 1)", True),
        ("monkeypatch.setattr(app.state, 'mailer', 1, raising=False)", False),
        ("monkeypatch.setattr(app.state, 'unknown', 1)", False),
        ("monkeypatch.setitem(app.state._state, 'mailer', 1)", False),
        ("monkeypatch.setattr(machine.state, 'mailer', 1)", False),
        ("monkeypatch.setattr(machine, 'state', 1)", False),
        ("monkeypatch.setattr(settings, 'mailer', 1)", False),
        ("patch = make()\n    patch.setattr(app.state, 'mailer', 1)", False),
        ("app.setattr(app.state, 'mailer', 1)", False),
    ],
)
def test_a_patched_state_is_lost(project: Project, text: str, is_broken: bool) -> None:
    """With pytest 9.2 and later, where it was set once."""
    files = {"app.py": STATE, "tests/test_mail.py": PATCH.format(text=text)}
    assert [each[:20] for each in found(project, files)] == (
        ["tests/test_mail.py:4"] if is_broken else []
    ) or (is_broken and found(project, files)[0].endswith("HM749"))
    assert found(project, files, pytest="9.1.0") == []


@pytest.mark.parametrize(
    ("app", "fixture", "is_broken"),
    [
        (
            "def make():\n    app = FastAPI()\n    app.state.mailer = 1\n    return app\napp = make()",
            "return app",
            True,
        ),
        (
            "app = FastAPI()\n\nasync def lifespan(app):\n    app.state.mailer = 1\n    yield",
            "return app",
            False,
        ),
        ("app = FastAPI()\napp.state.mailer = 1", "return FastAPI()", False),
        ("app = [FastAPI()][0]\napp.state.mailer = 1", "return app", False),
        ("app = nobody()\napp.state.mailer = 1", "return app", False),
        (
            "app = FastAPI()\nset_ = lambda: setattr(app, 'x', 1)\ndef later():\n    app.state.mailer = 1",
            "return app",
            False,
        ),
    ],
)
def test_a_state_that_is_made_anew_is_not_lost(
    project: Project, app: str, fixture: str, is_broken: bool
) -> None:
    """By each lifespan, or with each application."""
    text = (
        "import pytest\nfrom fastapi import FastAPI\nfrom app import app\n\n"
        f"@pytest.fixture(name='app')\ndef given():\n    {fixture}\n\n"
        "def test_mail(app, monkeypatch):\n    monkeypatch.setattr(app.state, 'mailer', 1)\n"
    )
    files = {"app.py": f"from fastapi import FastAPI\n{app}", "tests/test_mail.py": text}
    assert bool(found(project, files)) is is_broken


def test_a_lifespan_for_the_session_does_not_run_again(project: Project) -> None:
    """What it sets is lost for the rest of it."""
    app = "from fastapi import FastAPI\napp = FastAPI()\n\n"
    app += "async def lifespan(app):\n    app.state.mailer = 1\n    yield\n"
    client = (
        "import pytest\nfrom starlette.testclient import TestClient\nfrom app import app\n\n"
        "@pytest.fixture(scope='{scope}')\ndef client():\n    with TestClient(app) as client:\n        yield client\n"
    )
    files = {
        "app.py": app,
        "tests/test_mail.py": PATCH.format(text="monkeypatch.setattr(app.state, 'mailer', 1)"),
    }
    assert found(project, {**files, "tests/conftest.py": client.format(scope="function")}) == []
    assert len(found(project, {**files, "tests/conftest.py": client.format(scope="session")})) == 1
