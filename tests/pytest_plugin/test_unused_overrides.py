"""An override that no request can use fails the test that has set it; where the test has failed, it is said why."""

from __future__ import annotations

import re

from tests.pytest_plugin.project import Project
from tests.pytest_plugin.saying import ini

MAKING = """
from fastapi import Depends, FastAPI


def who():
    return "nobody"


class Clock:
    now = "never"


def create_app():
    app = FastAPI()

    @app.get("/me")
    def me(name=Depends(who), clock=Depends(Clock)):
        return [name, clock.now]

    return app


app = create_app()
"""

FAULTY = """
import gc
import pytest
from httpx import ASGITransport, AsyncClient
from service.main import Clock, app, create_app, who
import src.service.main as twin


async def asked(app):
    async with AsyncClient(transport=ASGITransport(app), base_url="http://service") as client:
        return (await client.get("/me")).json()[0]


def override(app, key=who):
    app.dependency_overrides[key] = lambda: "me"


async def test_made_twice():
    override(create_app())
    gc.collect()
    assert await asked(create_app()) == "nobody"


async def test_of_the_other_module():
    override(twin.app, twin.who)
    assert await asked(app) == "me"


@pytest.mark.parametrize("key", [twin.who, twin.Clock])
async def test_key_of_the_other_module(key):
    override(app, key)
    assert await asked(app) == "nobody"


async def test_that_fails():
    override(create_app())
    assert await asked(create_app()) == "me"
"""

HEALTHY = """
import pytest
from test_faulty import app, asked, create_app, override, who
from service.main import Clock


@pytest.fixture(scope="module", autouse=True)
def of_the_module():
    other = create_app()
    override(other)
    yield other


async def test_both_get_requests():
    one = create_app()
    override(one)
    assert (await asked(create_app()), await asked(one)) == ("nobody", "me")


async def test_used():
    override(app)
    assert await asked(app) == "me"


async def test_no_request():
    override(create_app())


@pytest.fixture
def logged_in():
    override(app)


async def test_own_application_beside_that_of_a_fixture(logged_in):
    assert await asked(create_app()) == "nobody"


async def test_of_no_route():
    override(app, print)
    assert await asked(app) == "nobody"


async def test_another_kind_of_application():
    from fastapi import Depends, FastAPI

    admin = FastAPI()

    @admin.get("/me")
    def me(name=Depends(who)):
        return [name]

    override(app)
    assert await asked(admin) == "nobody"


@pytest.mark.hermetic(overrides="off")
async def test_marked():
    override(create_app())
    assert await asked(create_app()) == "nobody"
"""


def written(project: Project) -> Project:
    """Write the project, whose file is to be had by two names."""
    project.write_path("src/service/main.py", MAKING)
    settings = ini().replace("shop:app", "service.main:app").replace("pythonpath = .", "pythonpath = . src")
    return project.write(pytest_ini=settings, test_faulty_py=FAULTY, test_healthy_py=HEALTHY)


def test_it_fails_its_test(project: Project) -> None:
    """With the line that sets it, and where the two applications, or the two functions, come from."""
    result = written(project).pytest("test_faulty.py")
    assert result.outcomes() == {"failed": 2, "passed": 3, "errors": 3}, result.output
    assert "test_made_twice has set an override that none of its requests could use. [HM766]" in result.output
    told = re.findall(r"^more: hermetic explain (\w+)$", result.output, re.M)
    assert sorted(told) == ["HM761", "HM761", "HM766", "HM766", "HM766"]
    assert re.search(
        r"The override of service.main.who \(.*test_faulty.py:14\) is never used: it is set on another application than"
        r" that which got the request GET /me.\n"
        r"It is set on one made at .*test_faulty.py:18; the request went to one made at .*test_faulty.py:20.",
        result.output,
    )
    assert "It is set on src.service.main.app; the request went to service.main.app." in result.output
    assert re.search(
        r"the application depends on service.main.Clock, and .*main.py is imported under two names",
        result.output,
    )
    why = result.output.partition("hermetic: why this failed")[2]
    assert "It is set on one made at" in why


def test_what_others_set_or_use_is_left_alone(project: Project) -> None:
    """An override that may be meant so: of another kind of application, of one that gets requests too, of a fixture."""
    result = written(project).pytest("test_healthy.py")
    assert result.outcomes() == {"passed": 7}, result.output
