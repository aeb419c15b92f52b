"""Messages of libraries that suffice, together with the line of the project that they are about."""

from __future__ import annotations

import linecache
import os
import re
from collections.abc import Iterator
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE
from itertools import pairwise
from types import FrameType
from typing import Any

from sqlalchemy import URL, make_url

from hermetic.causes.messages import (
    CLIENT_TAKES_NO_APP,
    CLIENT_WITHOUT_BASE_URL,
    DDL_ON_ASYNC_ENGINE,
    FIXTURE_ASKED_FOR_IN_A_LOOP,
    GREENLET_MISSING,
    LOOP_IN_A_LOOP,
    REQUEST_WITHOUT_BODY,
    SEVERAL_STATEMENTS,
    SYNC_DRIVER,
    TYPE_OF_ANOTHER_BACKEND,
    WITHOUT_A_TRANSACTION,
)
from hermetic.code import Location, is_library
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import frames, objects_through, places, project_lines
from hermetic.explain.history import History

ASYNC_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+asyncpg",
    "mysql": "mysql+aiomysql",
    "mariadb": "mariadb+aiomysql",
    "oracle": "oracle+oracledb_async",
    "mssql": "mssql+aioodbc",
}
"""An async driver for each of SQLAlchemy's backends."""

RUNNING_LOOP = (
    "cannot be called from a running event loop",
    "This event loop is already running",
    "Cannot run the event loop while another loop is running",
)
NO_APP = re.compile(r"(AsyncClient|Client)\.__init__\(\) got an unexpected keyword argument 'app'")
NO_BODY = re.compile(r"(\w*Client)\.(get|delete|head|options)\(\) got an unexpected keyword argument '(\w+)'")
SEVERAL = ("You can only execute one statement at a time", "cannot insert multiple commands into a prepared")
NO_PROTOCOL = ("Request URL is missing an 'http://'", "unknown url type: '/")
NO_TYPE = re.compile(r"\(in table '([\w.]+)', column '(\w+)'\): .*can't render element of type (\w+)")
NO_TRANSACTION = re.compile(r"\b([A-Z][A-Z ]+) cannot run inside a transaction block")
ANYIO_RUNS = "Cannot schedule a coroutine in the test runner while another is already running"


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Give what is known of the messages in a failure's chain."""
    del history
    for error in failure.chain():
        text = str(error)
        at = places(error)
        if at:
            yield from _of_message(failure, error, text, at[0])


def _of_message(failure: Failure, error: BaseException, text: str, at: Location) -> Iterator[Explanation]:
    if isinstance(error, TypeError) and (client := NO_APP.match(text)) is not None:
        yield _client(client[1], at)
    elif isinstance(error, TypeError) and (sent := NO_BODY.match(text)) is not None:
        yield _without_body(sent, at)
    elif any(each in text for each in SEVERAL):
        yield _several(at)
    elif any(each in text for each in NO_PROTOCOL):
        yield from _without_base_url(error, at)
    elif isinstance(error, ModuleNotFoundError):
        yield from _missing_driver(error, at)
    elif "asyncio extension requires an async driver" in text:
        yield from _sync_driver(error, at)
    elif (typed := NO_TYPE.search(text)) is not None:
        yield _no_type(error, at, typed)
    elif (alone := NO_TRANSACTION.search(text)) is not None:
        yield Explanation(
            WITHOUT_A_TRANSACTION,
            (f"{at} runs {alone[1]} within a transaction, which each connection of SQLAlchemy's begins.",),
            (
                f'{at}: on a connection of engine.execution_options(isolation_level="AUTOCOMMIT")',
                "or nothing at all, if that is to have a database for the tests: hermetic makes one",
            ),
        )
    elif "greenlet library is required" in text:
        yield Explanation(
            GREENLET_MISSING,
            (f"{at} needs greenlet, which is not installed: {text.splitlines()[0]}",),
            ("pip install 'sqlalchemy[asyncio]'",),
        )
    elif isinstance(error, RuntimeError) and (text == ANYIO_RUNS or text.startswith(ANYIO_RUNS)):
        yield from _fixture_in_a_loop(failure, error)
    elif isinstance(error, RuntimeError) and any(each in text for each in RUNNING_LOOP):
        yield from list(_fixture_in_a_loop(failure, error)) or [_loop_in_a_loop(error, at)]
    else:
        yield from _ddl(error, at)


def _client(kind: str, at: Location) -> Explanation:
    change = {
        "AsyncClient": 'AsyncClient(transport=ASGITransport(app=app), base_url="http://test"),'
        " or the fixture async_client, which runs the lifespan too",
        "Client": "TestClient(app), of fastapi.testclient",
    }
    return Explanation(
        CLIENT_TAKES_NO_APP,
        (f"{at} makes {kind}(app=...), which httpx 0.28 and later do not have.",),
        (change[kind],),
    )


def _without_body(sent: re.Match[str], at: Location) -> Explanation:
    kind, method, argument = sent.groups()
    awaits = "await " if kind.startswith("Async") else ""
    return Explanation(
        REQUEST_WITHOUT_BODY,
        (
            f"{at} gives {method}() of {kind} the argument {argument}=, which only methods that send a body have.",
        ),
        (f'{at}: {awaits}client.request("{method.upper()}", ..., {argument}=...)',),
    )


def _several(at: Location) -> Explanation:
    return Explanation(
        SEVERAL_STATEMENTS,
        (f"{at} hands several statements to one execute(), and the driver prepares one at a time.",),
        (
            f'{at}: an execute() for each of them: for statement in filter(str.strip, sql.split(";")): ...',
            "or hermetic_schema, with a file of SQL that makes the tables, or fills them, before all tests",
        ),
    )


def _sync_driver(error: BaseException, at: Location) -> Iterator[Explanation]:
    url = next((each for frame in frames(error) if (each := _url_of(frame)) is not None), None)
    if url is not None:
        yield _without_async_driver(url, at, f"whose driver {url.get_driver_name()} is synchronous")


def _missing_driver(error: ModuleNotFoundError, at: Location) -> Iterator[Explanation]:
    """Explain it where a synchronous driver is not installed, which an async engine could not use either."""
    through = {frame.f_code.co_name: frame for frame in frames(error)}
    dialect = through["import_dbapi"].f_locals.get("cls") if "import_dbapi" in through else None
    asks = through.get("create_async_engine")
    if asks is not None and dialect is not None and not getattr(dialect, "is_async", True):
        url = make_url(asks.f_locals["url"])
        yield _without_async_driver(url, at, f"whose driver {error.name} is synchronous, and not installed")


def _without_async_driver(url: URL, at: Location, what: str) -> Explanation:
    wanted = ASYNC_DRIVERS.get(url.get_backend_name(), f"{url.get_backend_name()}+an async driver")
    variable = _variable_with(url)
    whose = f" (the variable {variable})" if variable else ""
    shown = url.render_as_string(hide_password=True).partition("?")[0]
    return Explanation(
        SYNC_DRIVER,
        (f"{at} makes an async engine for {shown}{whose}, {what}.",),
        (f"{f'{variable}=' if variable else ''}{wanted}://..., instead of {url.drivername}://...",),
    )


def _no_type(error: BaseException, at: Location, typed: re.Match[str]) -> Explanation:
    """Explain it where the tables of one backend are made on another."""
    connection = next(objects_through(error, "Connection"), None)
    on = "" if connection is None else f" of {connection.dialect.name}"
    table, column, kind = typed.groups()
    return Explanation(
        TYPE_OF_ANOTHER_BACKEND,
        (
            f"{at} makes the table {table} on an engine{on}, which has no type {kind}: that of its column {column}.",
        ),
        (
            "delete that engine, and the override that hands it out: the application's own leads to a database of its"
            " backend, which is put back after each test",
            f"or give {table}.{column} a type for both: another one, .with_variant({kind}(), ...)",
        ),
    )


def _url_of(frame: FrameType) -> URL | None:
    """Return the URL of the engine that SQLAlchemy's frame refuses."""
    engine = frame.f_locals.get("sync_engine")
    return getattr(engine, "url", None)


def _variable_with(url: URL) -> str:
    """Return the environment's variable that has this URL; empty where none does."""
    text = url.render_as_string(hide_password=False)
    return next((name for name, value in os.environ.items() if value == text), "")


def _fixture_in_a_loop(failure: Failure, error: BaseException) -> Iterator[Explanation]:
    """Explain it where the project's code asked pytest for a fixture."""
    for frame, caller in pairwise(frames(error)):
        if frame.f_code.co_name == "getfixturevalue" and not is_library(caller.f_code.co_filename):
            name = frame.f_locals.get("argname", "")
            at = next(each for each in places(error) if each.function == caller.f_code.co_name)
            if places(error)[0] != at:  # the fixture is no coroutine, and runs a loop itself
                return
            yield Explanation(
                FIXTURE_ASKED_FOR_IN_A_LOOP,
                (
                    f"{at} calls getfixturevalue({name!r}), an async fixture, "
                    f"while {failure.owner.name} runs in its loop.",
                ),
                (f"{at}: {name}, as an argument of {at.function}",),
            )
            return


def _loop_in_a_loop(error: BaseException, at: Location) -> Explanation:
    """Explain it by the line that starts the second loop, and by the async function of the project that is in one."""
    call = re.search(r"([\w.()]+)\.(run|run_until_complete)\((.+)\)", linecache.getline(at.file, at.line))
    called = f"{call[1]}.{call[2]}(...)" if call else "a second event loop"
    awaited = f"await {call[3]}" if call else "await the coroutine"
    inside = _async_place(error)
    change = f"{at}: {awaited}"
    if inside is not None and at.function == "<module>":
        line = linecache.getline(inside.file, inside.line).strip()
        outer = re.search(r"([\w.]+)\((.*)\)$", line)
        thread = (
            f"await asyncio.to_thread({outer[1]}, {outer[2]})" if outer else "await asyncio.to_thread(...)"
        )
        change = f"{inside}: {thread}; or call it in a synchronous {inside.function}"
    elif inside is None or inside[:2] != at[:2]:
        change = f"{at}: {awaited}, in an async def {at.function}, which its caller awaits"
    where = "an async test is in one" if inside is None else f"{inside.function} is in one ({inside})"
    return Explanation(
        LOOP_IN_A_LOOP, (f"{at} starts {called} while an event loop runs: {where}.",), (change,)
    )


def _async_place(error: BaseException) -> Location | None:
    """Return the innermost line of the project that is in an async function."""
    is_async = CO_COROUTINE | CO_ASYNC_GENERATOR
    return next((at for frame, at in project_lines(error) if frame.f_code.co_flags & is_async), None)


def _without_base_url(error: BaseException, at: Location) -> Iterator[Explanation]:
    for client in (*objects_through(error, "AsyncClient"), *objects_through(error, "Client")):
        if not str(client.base_url):
            kind = type(client).__name__
            yield Explanation(
                CLIENT_WITHOUT_BASE_URL,
                (f"{at} sends a request to a path, by a client that has no base_url.",),
                (f'{kind}(..., base_url="http://test")',),
            )
            return


def _ddl(error: BaseException, at: Location) -> Iterator[Explanation]:
    """Explain what ``create_all`` and ``drop_all`` do to what is async."""
    for frame in frames(error):
        name, bind = frame.f_code.co_name, frame.f_locals.get("bind")
        if name not in ("create_all", "drop_all") or "sqlalchemy" not in frame.f_code.co_filename:
            continue
        is_async = type(bind).__module__.startswith("sqlalchemy.ext.asyncio")
        if (isinstance(error, AttributeError) and is_async) or type(error).__name__ == "MissingGreenlet":
            what = f"{at} calls {name}, which is synchronous, on {_kind_of(bind)}"
            made = _expression(at, name)
            yield Explanation(
                DDL_ON_ASYNC_ENGINE,
                (f"{what}.",),
                (
                    f"{at}: async with engine.begin() as connection: await connection.run_sync({made}), in an async def"
                    "; or nothing at all, where hermetic_schema names the metadata",
                ),
            )
            return


def _kind_of(bind: Any) -> str:
    kind = type(bind).__name__
    return f"an {kind}" if kind.startswith("A") else f"the {kind} of an async engine"


def _expression(at: Location, name: str) -> str:
    found = re.search(rf"([\w.]+\.{name})\(", linecache.getline(at.file, at.line))
    return found[1] if found else f"Base.metadata.{name}"
