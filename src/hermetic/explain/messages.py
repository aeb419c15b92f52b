"""Messages of libraries that suffice, together with the line of the project that they are about."""

from __future__ import annotations

import linecache
import os
import re
from collections.abc import Iterator
from itertools import pairwise
from types import FrameType
from typing import Any

from hermetic.causes.messages import (
    CLIENT_TAKES_NO_APP,
    DDL_ON_ASYNC_ENGINE,
    FIXTURE_ASKED_FOR_IN_A_LOOP,
    GREENLET_MISSING,
    LOOP_IN_A_LOOP,
    SYNC_DRIVER,
)
from hermetic.code import Location, is_library
from hermetic.explain.failure import Explanation, Failure, places
from hermetic.explain.frames import frames
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
ANYIO_RUNS = "Cannot schedule a coroutine in the test runner while another is already running"


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Give what is known of the messages in a failure's chain."""
    del history
    told = set()
    for error in failure.chain():
        text = str(error)
        at = places(error)
        if at:
            for explanation in _of_message(failure, error, text, at[0]):
                if explanation not in told:
                    told.add(explanation)
                    yield explanation


def _of_message(failure: Failure, error: BaseException, text: str, at: Location) -> Iterator[Explanation]:
    if isinstance(error, TypeError) and "AsyncClient.__init__()" in text and "'app'" in text:
        yield _client(at)
    elif "asyncio extension requires an async driver" in text:
        yield _sync_driver(error, at)
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


def _client(at: Location) -> Explanation:
    return Explanation(
        CLIENT_TAKES_NO_APP,
        (f"{at} makes AsyncClient(app=...), which httpx 0.28 and later do not have.",),
        (
            'AsyncClient(transport=ASGITransport(app=app), base_url="http://test"),'
            " or the fixture async_client, which runs the lifespan too",
        ),
    )


def _sync_driver(error: BaseException, at: Location) -> Explanation:
    url = next((each for frame in frames(error) if (each := _url_of(frame)) is not None), None)
    if url is None:
        return Explanation(
            SYNC_DRIVER, (f"{at} makes an async engine by a URL without an async driver.",), ("give it one",)
        )
    wanted = ASYNC_DRIVERS.get(url.get_backend_name(), f"{url.get_backend_name()}+an async driver")
    variable = _variable_with(url)
    whose = f" (the variable {variable})" if variable else ""
    return Explanation(
        SYNC_DRIVER,
        (
            f"{at} makes an async engine for {url.render_as_string(hide_password=True).partition('?')[0]}{whose}, "
            f"whose driver {url.get_driver_name()} is synchronous.",
        ),
        (f"{f'{variable}=' if variable else ''}{wanted}://..., instead of {url.drivername}://...",),
    )


def _url_of(frame: FrameType) -> Any | None:
    """Return the URL of the engine that SQLAlchemy's frame refuses."""
    engine = frame.f_locals.get("sync_engine")
    return getattr(engine, "url", None) if engine is not None else None


def _variable_with(url: Any) -> str:
    """Return the environment's variable that has this URL; empty where none does."""
    text = url.render_as_string(hide_password=False)
    return next((name for name, value in os.environ.items() if value == text), "")


def _fixture_in_a_loop(failure: Failure, error: BaseException) -> Iterator[Explanation]:
    """Explain it where the project's code asked pytest for a fixture."""
    for frame, caller in pairwise(frames(error)):
        if frame.f_code.co_name == "getfixturevalue" and not is_library(caller.f_code.co_filename):
            name = frame.f_locals.get("argname", "")
            at = next(each for each in places(error) if each.function == caller.f_code.co_name)
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
    line = linecache.getline(at.file, at.line).strip()
    call = re.search(r"([\w.()]+)\.(run|run_until_complete)\((.+)\)", line)
    is_async = any(
        frame.f_code.co_flags & 0x80 for frame in frames(error) if frame.f_code.co_name == at.function
    )
    called = f"{call[1]}.{call[2]}(...)" if call else "a second event loop"
    awaited = f"await {call[3]}" if call else "await the coroutine"
    change = f"{at}: {awaited}"
    if not is_async:
        change = f"{at}: {awaited}, in an async def {at.function}, which its caller awaits"
    return Explanation(
        LOOP_IN_A_LOOP,
        (f"{at} starts {called} while an event loop runs: an async test is in one.",),
        (change,),
    )


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
