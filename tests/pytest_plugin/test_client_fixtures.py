"""The fixtures of the client: users, overrides that are left, a live server."""

from __future__ import annotations

import ast
from pathlib import Path

from hermetic.pytest_plugin import __all__ as FIXTURES
from hermetic.pytest_plugin import active, fixtures
from tests.pytest_plugin.project import Project


def test_hermetic_auth_says_who_a_client_is(project: Project) -> None:
    """A function of the user, written once; without one the error shows how."""
    project.write(
        test_users_py="""
        import pytest
        from fastapi import Request
        from shop import app


        @app.get("/me")
        async def me(request: Request):
            return request.headers.get("authorization")


        class TestWith:
            @pytest.fixture
            def hermetic_auth(self):
                return lambda user: {"Authorization": f"Bearer {user}"}

            async def test_as_user(self, async_client):
                ada, bob = async_client.as_user("ada"), async_client.as_user("bob")
                answers = [(await each.get("/me")).json() for each in (ada, bob, async_client)]
                assert answers == ["Bearer ada", "Bearer bob", None]


        async def test_without(async_client):
            with pytest.raises(Exception, match="hermetic_auth"):
                async_client.as_user("ada")
        """
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 2}, result.output


def test_an_override_that_a_test_leaves_is_undone_and_told(project: Project) -> None:
    """The next test does not see it, and the summary names both; a block's own end is not told."""
    project.write(
        test_left_py="""
        from shop import app, get_session


        async def test_leaves(async_client):
            app.dependency_overrides[get_session] = lambda: None
            with async_client.override(app, lambda: None):
                pass


        async def test_after(async_client):
            assert app.dependency_overrides == {}
            assert (await async_client.get("/users")).json() == []
        """
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 2}, result.output
    assert "overrides: 1 that tests left were undone" in result.output
    assert "  get_session, left by test_left.py::test_leaves" in result.output


def test_a_live_server_has_the_database_of_the_test(project: Project) -> None:
    """What a real HTTP client writes is there for the test's own, and gone for the next test."""
    project.write(
        test_live_py="""
        import json, urllib.request


        def post(url, name):
            request = urllib.request.Request(url + "/users", json.dumps({"name": name}).encode(), method="POST")
            request.add_header("content-type", "application/json")
            with urllib.request.urlopen(request) as response:
                return json.load(response)


        def get(url):
            with urllib.request.urlopen(url + "/users") as response:
                return json.load(response)


        def test_sync(live_server):
            assert post(live_server.url, "Ada") == {"id": 1, "name": "Ada"}
            assert get(live_server.url) == ["Ada"]


        async def test_async(live_server, async_client):
            import asyncio
            assert get(live_server.url) == []
            assert (await asyncio.to_thread(post, live_server.url, "Bob"))["id"] == 1
            assert (await async_client.get("/users")).json() == ["Bob"]
        """
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 2}, result.output


def test_no_fixture_asks_for_request() -> None:
    """pytest makes that anew for each that names it, in each test, and inspects its signature."""
    found = {
        node.name: [each.arg for each in node.args.args]
        for module in (fixtures, active)
        for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
        if any("pytest.fixture" in ast.unparse(each) for each in node.decorator_list)
    }
    assert {*FIXTURES, "_hermetic_test", "_hermetic_asked"} == found.keys()
    assert [name for name, arguments in found.items() if "request" in arguments] == []
