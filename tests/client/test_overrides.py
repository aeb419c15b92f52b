"""Dependencies that are replaced for a time."""

from __future__ import annotations

import functools
import gc
import weakref
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from fastapi import Depends, FastAPI, Header
from starlette.middleware.cors import CORSMiddleware

from hermetic import AsyncTestClient
from hermetic.client._overrides import Replacement
from hermetic.errors import ConfigurationError
from tests.client.apps import hello
from tests.client.conftest import Run

if TYPE_CHECKING:
    from nowhere import Unknown  # type: ignore[import-not-found]

log: list[str] = []


def get_name() -> str:
    """Return the real name."""
    return "real"


def get_other() -> str:
    """Return another."""
    return "other"


def service() -> FastAPI:
    """Make an application with a dependency."""
    app = FastAPI()

    @app.get("/")
    async def name(name: str = Depends(get_name)) -> str:
        return name

    return app


async def name_of(client: AsyncTestClient, **options: Any) -> str:
    """Ask for the name."""
    found: str = (await client.get("/", **options)).json()
    return found


class Callable:
    """An object that is called."""

    def __call__(self) -> str:
        """Return a name."""
        return "object"


class Named(str):
    """A class whose instances are made."""

    def __new__(cls) -> Named:
        """Make one."""
        return super().__new__(cls, "class")


async def coroutine() -> str:
    """Return a name, awaited."""
    return "coroutine"


def generator(other: str = Depends(get_other)) -> Iterator[str]:
    """Give a name, with one of another dependency, and clean up."""
    yield f"generator of {other}"
    log.append("closed")


async def async_generator(x_name: Annotated[str, Header()]) -> AsyncIterator[str]:
    """Give a name of the request, and clean up."""
    yield f"async generator of {x_name}"
    log.append("closed")


@pytest.mark.parametrize(
    ("replacement", "name"),
    [
        (lambda: "plain", "plain"),
        (Callable(), "object"),
        (coroutine, "coroutine"),
        (generator, "generator of other"),
        (async_generator, "async generator of h"),
        (Named, "class"),
        (functools.partial(coroutine), "coroutine"),
        (functools.partial(functools.partial(async_generator)), "async generator of h"),
    ],
)
def test_any_dependency_replaces_any_other(run: Run, replacement: Any, name: str) -> None:
    """Functions, objects, async ones, generators that clean up, classes; with dependencies of their own."""
    log.clear()

    async def main() -> None:
        client = AsyncTestClient(service())
        with client.override(get_name, replacement):
            assert await name_of(client, headers={"x-name": "h"}) == name
        assert await name_of(client) == "real"
        assert log == (["closed"] if "generator" in name else [])

    run(main())


def test_an_annotation_that_nobody_can_read_is_left_as_it_is() -> None:
    """A name that only a type checker knows is no dependency."""

    def replacement(unknown: Unknown = None) -> str:
        return "plain"

    assert "unknown" in Replacement(replacement).call.__signature__.parameters  # type: ignore[attr-defined]


def test_an_override_ends_with_an_error(run: Run) -> None:
    """Whatever leaves the block."""
    client = AsyncTestClient(app := service())
    with pytest.raises(LookupError), client.override(get_name, get_other):
        raise LookupError
    assert app.dependency_overrides == {}


def test_what_was_there_before_is_put_back(run: Run) -> None:
    """A plain override of the suite's own survives ours."""

    async def main() -> None:
        client = AsyncTestClient(app := service())
        app.dependency_overrides[get_name] = lambda: "suite"
        with client.override(get_name, lambda: "outer"):
            with client.override(get_name, lambda: "inner"):
                assert await name_of(client) == "inner"
            assert await name_of(client) == "outer"
        assert await name_of(client) == "suite"

    run(main())


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0), (0, 2, 1)])
def test_overrides_end_in_any_order(run: Run, order: tuple[int, ...]) -> None:
    """As fixtures of several scopes do; the last that was set counts."""

    async def main() -> None:
        client = AsyncTestClient(app := service())
        stacks = [ExitStack() for _ in range(3)]
        left = []
        for number, stack in enumerate(stacks):
            stack.enter_context(client.override(get_name, lambda number=number: str(number)))
            left.append(number)
        for number in order:
            assert await name_of(client) == str(left[-1])
            stacks[number].close()
            left.remove(number)
        assert app.dependency_overrides == {}

    run(main())


def test_one_that_somebody_cleared_is_gone(run: Run) -> None:
    """``dependency_overrides.clear()`` in the block is no error at its end; nor is another's override."""
    client = AsyncTestClient(app := service())
    with client.override(get_name, get_other):
        app.dependency_overrides.clear()
    with client.override(get_name, get_other):
        app.dependency_overrides[get_name] = get_other
    assert app.dependency_overrides == {get_name: get_other}


def test_the_replacement_is_let_go(run: Run) -> None:
    """FastAPI's cache keeps what it has called: that is ours, and holds nothing of the test's."""

    class Session:
        def get_name(self) -> str:
            return "session"

    async def main() -> None:
        client = AsyncTestClient(service())
        session = Session()
        gone = weakref.ref(session)
        with client.override(get_name, session.get_name):
            assert await name_of(client) == "session"
        del session
        gc.collect()
        assert gone() is None

    run(main())


def test_a_request_that_outlives_its_override_is_told() -> None:
    """It would call something that the test has done with."""
    replacement = Replacement(get_other)
    replacement.end()
    with pytest.raises(RuntimeError, match="This override has ended"):
        replacement.call()


def test_middleware_around_the_application_is_looked_through(run: Run) -> None:
    """The client's application is often a wrapped one."""

    async def main() -> None:
        client = AsyncTestClient(CORSMiddleware(service()))
        with client.override(get_name, get_other):
            assert await name_of(client) == "other"

    run(main())


def test_an_application_without_overrides_says_so() -> None:
    """It is not FastAPI's."""
    with pytest.raises(ConfigurationError, match="no dependency_overrides"):
        AsyncTestClient(hello).override(get_name, get_other).__enter__()


def test_a_value_is_no_replacement() -> None:
    """The message shows how to give one."""
    value: Any = "x"
    with pytest.raises(ConfigurationError, match="lambda: value"):
        AsyncTestClient(service()).override(get_name, value).__enter__()
