"""What is synchronous in place of what is async, or the other way round: entered, awaited or called by mistake."""

from __future__ import annotations

import ast
import inspect
import linecache
import re
from collections.abc import Iterator
from types import FrameType
from typing import Any

from hermetic import expressions
from hermetic.causes.messages import CLIENT_OPENED_AGAIN, RETURNED_FROM_ITS_BLOCK, WRONG_KIND
from hermetic.code import Location
from hermetic.explain.failure import Explanation, Failure, UsedFixture, with_article
from hermetic.explain.frames import is_a, named, objects_through, project_lines
from hermetic.explain.generators import KINDS
from hermetic.explain.history import History

_AWAITED = re.compile(
    r"object ([\w.]+) can't be used in 'await' expression|'([\w.]+)' object can't be awaited"
)
_ENTERED = re.compile(r"'([\w.]+)' object does not support the (asynchronous )?context manager protocol")
_QUERY = re.compile(r"'(\w+)' object has no attribute 'query'")
_ITERATED = re.compile(r"'async for' requires an object with __aiter__ method, got (\w*Result)$")
_STREAMED = re.compile(r"'(Async\w*Result)' object is not iterable")
_SOCKET = re.compile(r"'AsyncClient' object has no attribute '(websocket\w*)'")
_CLOSED = "Cannot send a request, as the client has been closed"
_OPENED = ("Cannot open a client instance more than once", "Cannot reopen a client instance")

_CLIENT = 'AsyncClient(transport=ASGITransport(app=app), base_url="http://test"), or the fixture async_client'
_SESSIONS = (
    "async_sessionmaker(engine), of an engine by create_async_engine, in place of sessionmaker(engine)"
)
_ENGINE = "create_async_engine(...) in place of create_engine(...)"
_MOCKS = ("Mock", "MagicMock", "NonCallableMock", "NonCallableMagicMock")
_MAKERS = ("sessionmaker", "async_sessionmaker")
_SYNCHRONOUS = {
    "TestClient": f"with TestClient(app) as client, and no await; or {_CLIENT}",
    "Session": _SESSIONS,
    "Engine": _ENGINE,
    "Connection": _ENGINE,
}
"""What `async with` cannot enter, and what to write."""

_ASYNC = ("AsyncClient", "AsyncTestClient", "AsyncSession", "AsyncConnection", "LifespanManager")
"""What `with` cannot enter."""


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Say what kind of thing a line uses, and how it is used."""
    del history
    for error in failure.chain():
        if isinstance(error, RuntimeError) and _CLOSED in str(error):
            yield from _closed(failure, error)
        elif isinstance(error, RuntimeError) and str(error).startswith(_OPENED):
            yield from (_opened(frame, at) for frame, at in [*project_lines(error)][:1])
        elif isinstance(error, TypeError | AttributeError):
            line = next(project_lines(error), None)
            yield from [] if line is None else _of_kinds(str(error), *line)


def _of_kinds(text: str, frame: FrameType, at: Location) -> Iterator[Explanation]:
    if (awaited := _AWAITED.match(text)) is not None:
        yield from _awaited(_short(awaited[1] or awaited[2]), frame, at)
    elif (entered := _ENTERED.match(text)) is not None:
        yield from _entered(_short(entered[1]), bool(entered[2]), frame, at)
    elif (iterated := _ITERATED.search(text) or _STREAMED.match(text)) is not None:
        yield _iterated(iterated[1], at)
    elif (query := _QUERY.match(text)) is not None and query[1] in ("AsyncSession", "async_scoped_session"):
        yield Explanation(
            WRONG_KIND,
            (
                f"{at} calls query(), which an {query[1]} does not have: it would read when it is iterated over.",
            ),
            (f"{at}: await session.scalars(select(...)), or await session.execute(select(...))",),
        )
    elif (socket := _SOCKET.match(text)) is not None:
        yield Explanation(
            WRONG_KIND,
            (f"{at} calls {socket[1]}(), and an AsyncClient sends requests only: it has no websockets.",),
            (
                f"{at}: async_client.websocket_connect(...), of the fixture async_client; or, in a def,"
                " TestClient(app).websocket_connect(...)",
            ),
        )


def _iterated(kind: str, at: Location) -> Explanation:
    """Explain a loop over what a query gave that is of the wrong kind for it."""
    if kind.startswith("Async"):
        return Explanation(
            WRONG_KIND,
            (
                f"{at} iterates, by `for`, over {with_article(kind)}, whose rows come from the database one by one.",
            ),
            (f"{at}: async for; or execute() and scalars(), in place of stream() and stream_scalars()",),
        )
    return Explanation(
        WRONG_KIND,
        (f"{at} iterates, by `async for`, over {with_article(kind)}, which has all its rows already.",),
        (
            f"{at}: for, in place of async for; or stream() and stream_scalars(), where rows are to come one by one",
        ),
    )


def _opened(frame: FrameType, at: Location) -> Explanation:
    """Name the client that a block opens, and the module that has made it once for all."""
    name = _name_in(at, r"with\s+([A-Za-z_]\w*)")
    is_of_the_module = bool(name) and name not in frame.f_locals and name in frame.f_globals
    whose = f"{name}, which its module makes once" if is_of_the_module else name or "a client"
    return Explanation(
        CLIENT_OPENED_AGAIN,
        (f"{at} opens {whose}, and it was opened before: a client is opened and closed once.",),
        (f"{at}: a client of its own, made in a fixture; or the fixture async_client",),
    )


def _awaited(kind: str, frame: FrameType, at: Location) -> Iterator[Explanation]:
    called = _named_in(frame, at, r"await\s+\(?([A-Za-z_]\w*)")
    if kind in _MOCKS:
        yield Explanation(
            WRONG_KIND,
            (f"{at} awaits a {kind}: it stands for what an async function returns.",),
            (f"an AsyncMock in place of the {kind} that is called there: what it returns can be awaited",),
        )
    elif is_a(called, "TestClient"):
        yield Explanation(
            WRONG_KIND,
            (f"{at} awaits a response of TestClient, which is synchronous: the response is there already.",),
            (f"{at}: without await, in a def; or {_CLIENT}",),
        )
    elif is_a(called, "Session"):
        yield Explanation(
            WRONG_KIND,
            (f"{at} awaits what a {type(called).__name__} returned: it is a synchronous session.",),
            (_SESSIONS,),
        )
    elif (
        kind not in KINDS
        and (name := expressions.awaits(at))
        and (owner := _owner_of_a_function(frame, name))
    ):
        yield Explanation(
            WRONG_KIND,
            (
                f"{at} awaits what {name}() returned, {'None' if kind == 'NoneType' else with_article(kind)}:"
                f" {owner} is synchronous, and done by then.",
            ),
            (f"{at}: {name}(...), without await",),
        )


def _owner_of_a_function(frame: FrameType, name: str) -> str:
    """Return what a dotted name is, if it is a function that is no coroutine function: ``AsyncSession.add``."""
    first, *others = name.split(".")
    found = named(frame, first)
    owner = ""
    for each in others:
        owner = f"{type(found).__name__}."
        found = inspect.getattr_static(found, each, None)
    is_known = inspect.isfunction(found) and not inspect.iscoroutinefunction(found)
    return f"{owner}{found.__name__}" if is_known else ""


def _entered(kind: str, is_async: bool, frame: FrameType, at: Location) -> Iterator[Explanation]:
    used = "async with" if is_async else "with"
    name = _name_in(at, r"with\s+([A-Za-z_][\w.]*)")
    if kind in _MAKERS:
        change = f"{at}: {used} {name or 'Session'}() as session"
        what = f"{with_article(kind)}, which makes sessions and is none"
    elif is_async and kind in _SYNCHRONOUS:
        change, what = _SYNCHRONOUS[kind], f"a {kind}, which is synchronous"
        maker = _named_in(frame, at, r"with\s+([A-Za-z_]\w*)")
        if is_a(maker, "sessionmaker"):
            what += f": {name} is a sessionmaker, which makes those"
    elif not is_async and kind in _ASYNC:
        change, what = (
            f"{at}: async with, in an async def {at.function}",
            f"{with_article(kind)}, which is async",
        )
    else:
        return
    yield Explanation(WRONG_KIND, (f"{at} enters, by `{used}`, {what}.",), (change,))


def _closed(failure: Failure, error: BaseException) -> Iterator[Explanation]:
    """Name the fixture that returned its client from within the block that closes it."""
    for client in (*objects_through(error, "AsyncClient"), *objects_through(error, "Client")):
        for fixture in failure.fixtures:
            at = _return_in_a_block(fixture) if fixture.value is client else None
            if at is not None:
                yield Explanation(
                    RETURNED_FROM_ITS_BLOCK,
                    (f"{fixture} returns its client from within `with` ({at}), which closes it then.",),
                    (f"{at}: yield in place of return",),
                )
                return


def _return_in_a_block(fixture: UsedFixture) -> Location | None:
    """Return the line of a fixture that returns from within a ``with``."""
    where = fixture.location
    if where is None:
        return None
    blocks = (node for node in expressions.nodes_of(where) if isinstance(node, ast.With | ast.AsyncWith))
    returned = (each for block in blocks for each in ast.walk(block) if isinstance(each, ast.Return))
    return next((Location(where.file, each.lineno, where.function) for each in returned), None)


def _named_in(frame: FrameType, at: Location, pattern: str) -> Any:
    """Return the value of the name that a line has behind some words."""
    return named(frame, _name_in(at, pattern))


def _name_in(at: Location, pattern: str) -> str:
    found = re.search(pattern, linecache.getline(at.file, at.line))
    return found[1] if found else ""


def _short(kind: str) -> str:
    return kind.rpartition(".")[2]
