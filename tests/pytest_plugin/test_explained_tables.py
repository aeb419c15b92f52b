"""Of a table that is missing, or there already, it is said in which database, who made it where, and what to change."""

from __future__ import annotations

from tests.pytest_plugin.project import APP, Project
from tests.pytest_plugin.saying import said

CONFTEST = """
import pytest
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from shop import Base


@pytest.fixture
async def made():
    engine = create_async_engine("sqlite+aiosqlite:///:memory:")
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield engine
    await engine.dispose()


@pytest.fixture
async def session():
    engine = create_async_engine("sqlite+aiosqlite:///:memory:")
    async with AsyncSession(engine) as session:
        yield session
    await engine.dispose()


@pytest.fixture
async def tables():
    from shop import engine
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all, checkfirst=False)
"""


def test_tables(project: Project) -> None:
    """Each cause with its own facts, and nothing where nothing is known."""
    other = """
        from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

        class Other(DeclarativeBase):
            pass

        class Review(Other):
            __tablename__ = "reviews"
            id: Mapped[int] = mapped_column(primary_key=True)
        """
    project.write(
        shop_py=f"import other\n{APP}",
        other_py=other,
        ghosts_py='from shop import Base\n\nclass Ghost(Base):\n    __tablename__ = "ghosts"\n',
        late_py="""
        from shop import Base
        from sqlalchemy.orm import Mapped, mapped_column

        class Coupon(Base):
            __tablename__ = "coupons"
            id: Mapped[int] = mapped_column(primary_key=True)
        """,
        conftest_py=CONFTEST,
        test_a_py="""
        import pytest
        from shop import Base, SessionLocal
        from sqlalchemy import NullPool, text
        from sqlalchemy.ext.asyncio import create_async_engine

        async def test_first():
            async with SessionLocal() as own:
                await own.execute(text("select * from users"))

        async def test_nobody(session):
            await session.execute(text("select * from users"))

        async def test_elsewhere(made, session):
            await session.execute(text("select * from users"))

        @pytest.mark.parametrize("name", ["coupons", "reviews", "ghosts", "unknowns"])
        async def test_contents(name):
            if name == "coupons":
                import late
            async with SessionLocal() as own:
                await own.execute(text(f"select * from {name}"))

        async def test_twice(tables):
            pass

        async def test_lost():
            engine = create_async_engine("sqlite+aiosqlite://", poolclass=NullPool)
            async with engine.begin() as connection:
                await connection.run_sync(Base.metadata.create_all)
            async with engine.connect() as connection:
                await connection.execute(text("select * from users"))
        """,
    )
    project.write(
        pytest_ini=(project.root / "pytest.ini").read_text() + "hermetic_schema = shop:Base.metadata\n"
    )
    result = project.pytest("--tb=short")
    root = project.root
    made = (
        f"made at {root}/conftest.py:18, which hermetic leaves alone: an in-memory database is the test's own"
    )
    said(
        result,
        f"test_a.py:11 asked for the table users on the engine sqlite+aiosqlite:///:memory:, {made}",
        "Nobody has made the table there.",
        "[HM751]",
        f"It was made at {root}/conftest.py:11 by fixture 'made' (function scope)",
        "in another database.",
        "[HM750]",
        "which goes to the application's database",
        "Its tables were made by shop:Base.metadata, which has not made this one.",
        f"Coupon ({root}/late.py) was imported after the tables had been made.",
        f"Review ({root}/other.py) belongs to another MetaData.",
        "hermetic_schema: other:",
        f"{root}/ghosts.py:4 defines it, and nobody has imported that file.",
        "change: import ghosts where the other tables are imported",
        f"The fixture 'tables' (function scope, {root}/conftest.py:24), at {root}/conftest.py:28, makes the table",
        "Hermetic had made it before the first test, by shop:Base.metadata",
        "change: delete the fixture 'tables', or that line of it",
        "[HM752]",
        "With NullPool each connection to memory is a database of its own: the table was made by"
        f" test_a.py::test_lost at {root}/test_a.py:29, on one that is closed.",
        f"change: poolclass=StaticPool where the engine is made ({root}/test_a.py:27)",
    )
    assert result.output.count("HM751]") == 4
    assert "the table unknowns" not in result.output


def test_a_database_that_no_application_opens(project: Project) -> None:
    """A line of hermetic_schema counts for the application's databases; of another's URL it has to be said."""
    project.write(
        shop_py=APP,
        test_a_py="""
        from shop import Base
        from sqlalchemy import text
        from sqlalchemy.ext.asyncio import create_async_engine

        async def test_a():
            engine = create_async_engine("sqlite+aiosqlite:///own.db")
            async with engine.connect() as connection:
                await connection.execute(text("select * from users"))
            await engine.dispose()
        """,
    )
    ini = project.root / "pytest.ini"
    without = "".join(
        line for line in ini.read_text().splitlines(True) if not line.startswith("hermetic_app")
    )
    line = "hermetic_schema = shop:Base.metadata"
    project.write(pytest_ini=f"{without}hermetic = on\n{line}\n")
    url = "sqlite+aiosqlite:///own.db"
    said(
        project.pytest(),
        "which goes to an empty database",
        "No application has opened it, and no line of hermetic_schema has its URL: it started empty.",
        f"change: one more line in hermetic_schema: shop:Base.metadata -> {url}",
    )
    project.write(pytest_ini=f"{without}hermetic = on\n{line} -> {url}\n")
    assert "1 passed" in project.pytest().output
