"""Ways past containment, each of which led to a real file or server once; ``docs/containment.md`` has the table."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import aiosqlite
import asyncpg  # type: ignore[import-untyped]
import psycopg
import psycopg2  # type: ignore[import-untyped]
import pytest
from psycopg2 import extensions
from sqlalchemy import Engine, create_engine, event, make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool, StaticPool

from hermetic.code import Location
from hermetic.database.engines import Creation, EngineRequest
from hermetic.database.engines.pools import reached
from hermetic.errors import ContainmentError
from hermetic.owners import PROCESS
from hermetic.run import Run
from hermetic.settings import Settings

REAL = "real.db"
TABLE = text("CREATE TABLE written (id INTEGER)")
ELSEWHERE = "postgresql://somebody:secret@192.0.2.1:6432/production"
bound_before = sqlite3.connect


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """A run whose project is this folder."""
    settings = Settings(mode="on", postgresql="embedded", env=(("SHOP_DB", REAL),))
    started = Run(settings, root=Path(__file__).parent, temporary=())
    started.start()
    yield started
    started.stop()


@pytest.fixture
def real(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of the project's, which the environment names as a path relative to where the application runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHOP_DB", str(tmp_path / REAL))
    return tmp_path / REAL


def by_a_listener() -> Engine:
    """An engine in memory, of which a listener makes something else."""
    engine = create_engine("sqlite://")
    event.listen(engine, "do_connect", lambda dialect, record, args, params: sqlite3.connect(REAL))
    return engine


def open_real() -> Any:
    """Open the real file."""
    return sqlite3.connect(REAL)


class _Module:
    """A DBAPI of the project's own."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __getattr__(self, name: str) -> Any:
        return getattr(sqlite3, name)

    def connect(self, *args: Any, **kwargs: Any) -> sqlite3.Connection:
        return sqlite3.connect(self.path)


async def to_the_file(*args: Any, **kwargs: Any) -> Any:
    """Connect there, whatever was asked for."""
    return await aiosqlite.connect(REAL)


ENGINES: dict[str, Callable[[], Engine]] = {
    "by its URL": lambda: create_engine(f"sqlite:///{REAL}"),
    "mode=memory without uri=true": lambda: create_engine(
        f"sqlite:///{REAL}?mode=memory", poolclass=NullPool
    ),
    "vfs=memdb without uri=true": lambda: create_engine(f"sqlite:///{REAL}?vfs=memdb"),
    "mode=memory after a fragment": lambda: create_engine(
        f"sqlite:///file:{REAL}#?mode=memory&uri=true", poolclass=NullPool
    ),
    "a creator": lambda: create_engine("sqlite://", creator=lambda: sqlite3.connect(REAL)),
    "a pool": lambda: create_engine("sqlite://", pool=NullPool(open_real)),
    "a pool of one": lambda: create_engine("sqlite://", pool=StaticPool(open_real)),
    "a module": lambda: create_engine("sqlite://", module=_Module(REAL)),
    "a listener": by_a_listener,
}

RAW: dict[str, Callable[[], Any]] = {
    "sqlite3.connect": lambda: sqlite3.connect(REAL),
    "sqlite3.dbapi2.connect": lambda: sqlite3.dbapi2.connect(REAL),
    "a URI": lambda: sqlite3.connect(f"file:{REAL}", uri=True),
}

PAST_THE_SEAM: dict[str, Callable[[], Any]] = {
    "bound before": lambda: bound_before(REAL),
    "the class": lambda: sqlite3.Connection(REAL),
}


@pytest.mark.filterwarnings("ignore:Query string argument")
@pytest.mark.parametrize("make", ENGINES.values(), ids=ENGINES)
def test_an_engine(make: Callable[[], Engine], real: Path) -> None:
    """What it writes is on a database of ours."""
    engine = make()
    with engine.begin() as connection:
        connection.execute(TABLE)
        connection.execute(text("DROP TABLE written"))
    engine.dispose()
    assert not real.exists()


@pytest.mark.parametrize("connect", RAW.values(), ids=RAW)
def test_a_raw_connection(connect: Callable[[], Any], real: Path) -> None:
    """What it writes is on a database of ours."""
    with closing(connect()) as connection, connection:
        connection.execute("CREATE TABLE written (id INTEGER)")
        connection.execute("DROP TABLE written")
    assert not real.exists()


@pytest.mark.parametrize("connect", PAST_THE_SEAM.values(), ids=PAST_THE_SEAM)
def test_a_raw_connection_past_the_seam(connect: Callable[[], Any], real: Path) -> None:
    """It is refused."""
    with pytest.raises(ContainmentError, match="before the run began"):
        connect()
    assert not real.exists()


def test_an_async_creator_in_memory(real: Path) -> None:
    """What a function of the engine's own opens is known by the driver."""

    async def run() -> None:
        engine = create_async_engine("sqlite+aiosqlite://", connect_args={"async_creator_fn": to_the_file})
        async with engine.begin() as connection:
            await connection.execute(TABLE)
            await connection.execute(text("DROP TABLE written"))
        await engine.dispose()

    asyncio.run(run())
    assert not real.exists()


def test_a_file_that_nothing_names(real: Path) -> None:
    """A creator that opens it for an engine in memory is refused when its connection is looked at."""
    engine = create_engine("sqlite://", module=_Module("another.db"))
    with pytest.raises(ContainmentError, match=r"another\.db instead"):
        engine.connect()
    engine.dispose()


@pytest.mark.parametrize("name", ["asyncpg", "psycopg", "psycopg2", "pysqlite"])
def test_a_fake_cannot_be_asked(name: str) -> None:
    """Nothing that it says is taken for a database."""
    backend = "sqlite" if name == "pysqlite" else "postgresql"
    dialect = make_url(f"{backend}+{name}://").get_dialect()()
    assert reached(dialect, MagicMock()) is None


def test_a_fake_is_a_test_s_own_affair(run: Run) -> None:
    """Of an application's creator nobody knows where it leads."""
    url = make_url("postgresql://db.example/shop")
    of_a_test = Creation(PROCESS, Location(__file__, 1, "test"), "/")
    run.databases.judge(EngineRequest(url, of_a_test), None)
    for created in (None, Creation(PROCESS, Location("/srv/shop/db.py", 1, "connect"), "/")):
        with pytest.raises(ContainmentError, match="cannot be asked"):
            run.databases.judge(EngineRequest(url, created), None)


@pytest.mark.parametrize("statement", [f"VACUUM INTO '{REAL}'", f"/* x */ vacuum main into '{REAL}'"])
def test_vacuum_into(statement: str, real: Path) -> None:
    """It would write a file that is no database of ours."""
    engine = create_engine("sqlite:///shop.db")
    with engine.connect() as connection, pytest.raises(ContainmentError, match="VACUUM INTO"):
        connection.exec_driver_sql(statement)
    engine.dispose()
    assert not real.exists()


def test_vacuum_into_a_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backup that a test makes and looks at is its own, however its name is passed."""
    monkeypatch.chdir(tmp_path)
    run = Run(Settings(mode="on"), root=Path(__file__).parent, temporary=(tmp_path,))
    run.start()
    with closing(sqlite3.connect(run.provider.primary().url.database or "")) as connection:
        connection.execute(f"VACUUM INTO '{tmp_path}/it''s.db'")
        connection.execute("VACUUM INTO ?", [str(tmp_path / "two.db")])
        connection.execute("VACUUM INTO :file", {"file": str(tmp_path / "three.db")})
        with pytest.raises(sqlite3.ProgrammingError):
            connection.execute("VACUUM INTO ?")
    run.stop()
    assert {file.name for file in tmp_path.glob("*.db")} == {"it's.db", "two.db", "three.db"}


# -- PostgreSQL


async def asyncpg_elsewhere(*args: Any, **kwargs: Any) -> Any:
    """Connect there, whatever was asked for."""
    return await asyncpg.connect(ELSEWHERE)


async def psycopg_elsewhere(*args: Any, **kwargs: Any) -> Any:
    """Connect there, whatever was asked for."""
    return await psycopg.AsyncConnection.connect(ELSEWHERE)


def psycopg2_elsewhere(dsn: str) -> Any:
    """Connect there, whatever was asked for."""
    return extensions.connection(ELSEWHERE)


ASYNC: dict[str, Callable[[], AsyncEngine]] = {
    "asyncpg by a function": lambda: create_async_engine(
        "postgresql+asyncpg://app@db/shop", connect_args={"async_creator_fn": asyncpg_elsewhere}
    ),
    "psycopg by a function": lambda: create_async_engine(
        "postgresql+psycopg://app@db/shop", connect_args={"async_creator_fn": psycopg_elsewhere}
    ),
    "asyncpg by a creator": lambda: create_async_engine(
        "postgresql+asyncpg://app@db/shop", async_creator=asyncpg_elsewhere
    ),
    "asyncpg by arguments": lambda: create_async_engine(
        "postgresql+asyncpg://", connect_args={"dsn": ELSEWHERE}
    ),
}

SYNC: dict[str, Callable[[], Engine]] = {
    "psycopg2 by a factory": lambda: create_engine(
        "postgresql+psycopg2://app@db/shop", connect_args={"connection_factory": psycopg2_elsewhere}
    ),
    "psycopg by arguments": lambda: create_engine(
        "postgresql+psycopg://app@db/shop", connect_args={"hostaddr": "192.0.2.1", "service": "shop"}
    ),
    "psycopg by a creator": lambda: create_engine(
        "postgresql+psycopg://app@db/shop", creator=lambda: psycopg.connect(ELSEWHERE)
    ),
}


@pytest.mark.parametrize("make", ASYNC.values(), ids=ASYNC)
def test_an_async_engine_of_postgresql(make: Callable[[], AsyncEngine], run: Run) -> None:
    """It is on a database of ours before anything was sent elsewhere."""

    async def go() -> str:
        engine = make()
        async with engine.connect() as connection:
            name = await connection.scalar(text("SELECT current_database()"))
        await engine.dispose()
        return str(name)

    assert asyncio.run(go()).startswith("hermetic_w_")


@pytest.mark.parametrize("make", SYNC.values(), ids=SYNC)
def test_an_engine_of_postgresql(make: Callable[[], Engine], run: Run) -> None:
    """It is on a database of ours before anything was sent elsewhere."""
    engine = make()
    with engine.connect() as connection:
        assert str(connection.scalar(text("SELECT current_database()"))).startswith("hermetic_w_")
    engine.dispose()


RAW_POSTGRESQL: dict[str, Callable[[], Awaitable[Any]]] = {
    "asyncpg": lambda: asyncpg.connect(ELSEWHERE),
    "psycopg": lambda: psycopg.AsyncConnection.connect(ELSEWHERE),
}


@pytest.mark.parametrize("connect", RAW_POSTGRESQL.values(), ids=RAW_POSTGRESQL)
def test_a_raw_connection_of_postgresql(connect: Callable[[], Awaitable[Any]], run: Run) -> None:
    """It is, too."""

    async def go() -> None:
        connection = await connect()
        await connection.execute("SELECT 1")
        await connection.close()

    asyncio.run(go())


def test_a_raw_connection_of_psycopg2(run: Run) -> None:
    """It is, too."""
    with closing(psycopg2.connect(ELSEWHERE)) as connection:
        assert connection.info.dbname.startswith("hermetic_w_")


def test_an_allowed_one_goes_where_it_says(run: Run) -> None:
    """Past every seam and look."""
    allowed = Run(
        Settings(mode="on", allow=("postgresql://127.0.0.1:1/shop",)),
        root=Path(__file__).parent,
        temporary=(),
    )
    run.stop()
    allowed.start()
    with pytest.raises(psycopg.OperationalError, match="refused"):
        psycopg.connect("postgresql://127.0.0.1:1/shop")
    allowed.stop()
    run.start()
