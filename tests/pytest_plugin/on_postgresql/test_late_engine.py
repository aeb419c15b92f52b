"""An application that makes its engine at the first request: what its database is must be known before."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.postgresql import URL
from tests.pytest_plugin.project import INI, Project

APP = f"""
from functools import lru_cache

from fastapi import FastAPI
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


@lru_cache
def get_engine():
    return create_async_engine("{URL}")


app = FastAPI()


@app.get("/users")
async def users():
    async with AsyncSession(get_engine()) as session:
        return [user.name for user in await session.scalars(select(User))]
"""

TESTS = """
from shop import User


async def test_reads_what_the_fixture_wrote(async_client, async_db_session):
    async_db_session.add(User(name="Ada"))
    await async_db_session.commit()
    assert (await async_client.get("/users")).json() == ["Ada"]
"""


@pytest.mark.parametrize(
    "line", ["hermetic_database = postgresql", f"hermetic_env = DATABASE_URL={URL}", "hermetic_env = A={url}"]
)
def test_it_is_said_ahead(project: Project, line: str) -> None:
    """By its own setting, by a URL in hermetic_env, or by what the variable that gets ours holds elsewhere."""
    project.environment["A"] = URL
    project.write(shop_py=APP, pytest_ini=f"{INI}{line}\n", test_a_py=TESTS)
    result = project.pytest()
    assert result.outcomes() == {"passed": 1}, result.output


def test_it_is_not(project: Project) -> None:
    """Fixtures and application on databases of two kinds would see nothing of each other: that is refused."""
    project.write(shop_py=APP, test_a_py=TESTS)
    result = project.pytest()
    assert result.outcomes() == {"failed": 1}, result.output
    assert "had a database of another kind already" in result.output
    assert "hint: say ahead what it is: hermetic_database = postgresql" in result.output
