"""Of an override that no route can use it is said why; whatever may be used, or is not understood, is left alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from fastapi import Depends, FastAPI, Security
from starlette.routing import Mount

from hermetic.guards.dependencies import Override
from hermetic.guards.override_keys import unusable

inner = FastAPI()
app = FastAPI()
app.mount("/api", inner)


async def user() -> str:
    """What routes of both applications depend on."""
    return "real"


async def tenant() -> str:
    """What a mounted application depends on."""
    return "real"


async def session() -> AsyncIterator[str]:
    """What nothing depends on."""
    yield "real"


def role(name: str) -> Callable[[], str]:
    """Make a dependency."""

    def checker() -> str:
        return name

    return checker


class Role:
    """A dependency that is made."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self) -> str:
        return self.name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Role) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)


class Dependencies:
    """What an application keeps."""

    owner = staticmethod(role("owner"))


auditor = role("auditor")
"""A dependency of routes that are not there now."""


@app.get("/")
async def read(
    name: str = Depends(user), one: str = Depends(role("a")), two: str = Depends(Role("a"))
) -> str:
    """Depend on all kinds."""
    return name + one + two


@inner.get("/")
async def read_inner(name: str = Depends(tenant)) -> str:
    """Depend on what the outer application does not."""
    return name


def said(key: Any, application: FastAPI = app) -> str:
    """Return all that is said of an override."""
    found = unusable(Override(application, key, lambda: "other"))
    return "" if found is None else "\n".join([found.cause.code, *found.lines, *found.change])


@pytest.mark.parametrize(
    ("key", "what"),
    [
        (Depends(user), "Depends(user), and FastAPI looks for user itself."),
        (Security(user), "Security(user), and FastAPI looks for user itself."),
        (Depends(Role("a")), "Depends(a Role), and FastAPI looks for a Role itself."),
        ("user", "the text 'user', and FastAPI looks for user itself."),
        (session(), "what session() returned, and FastAPI looks for session itself."),
    ],
)
def test_a_key_that_is_no_dependency(key: Any, what: str) -> None:
    """What it is, what is looked for, and where the override is."""
    text = said(key)
    assert text.startswith("HM773\nAn override (")
    assert (
        f"test_override_keys.py:{said.__code__.co_firstlineno + 2}) is never used: its key is {what}" in text
    )
    assert "dependency_overrides[" in text


def test_what_a_factory_or_a_class_makes_anew() -> None:
    """Another function of the factory, or another instance, is another key; one that is equal is the same."""
    assert "each call of role() makes another function, and FastAPI looks for the very one" in said(role("a"))
    assert "each call of Role() makes another object" in said(Role("b"))
    assert said(Role("a")) == ""


def test_a_mounted_application() -> None:
    """It has overrides of its own: that which is not set there, too, is never used."""
    text = said(tenant)
    assert (
        f"are those of the application {__name__}.inner mounted at /api, which has overrides of its own."
        in text
    )
    assert "set it there: inner.dependency_overrides[...] = ..." in text
    outermost = FastAPI(routes=[Mount("/v1", app=app)])
    assert "mounted at /v1/api," in said(tenant, outermost)
    unnamed = FastAPI()
    unnamed.get("/")(read_inner)
    assert "the application mounted at /v2," in said(tenant, FastAPI(routes=[Mount("/v2", app=unnamed)]))
    inner.dependency_overrides[tenant] = user
    assert said(tenant) == ""
    inner.dependency_overrides.clear()


@pytest.mark.parametrize("key", [user, session, Role, print, 7, auditor, Dependencies.owner])
def test_what_is_left_alone(key: Any) -> None:
    """A dependency that a route has, and what might be one of routes that are switched off."""
    assert said(key) == ""
