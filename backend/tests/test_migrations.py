"""The migrations and the models describe one schema."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

BACKEND = Path(__file__).parents[1]


@pytest.fixture
def alembic(tmp_path: Path) -> Config:
    """Alembic's settings, with a database file of the test's own."""
    config = Config(BACKEND / "alembic.ini")
    config.set_main_option("sqlalchemy.url", f"sqlite+aiosqlite:///{tmp_path / 'migrated.db'}")
    return config


async def run(step: Callable[..., object], *arguments: object) -> None:
    """Run one of Alembic's commands in a thread: its ``env.py`` starts an event loop of its own."""
    await asyncio.to_thread(step, *arguments)


async def test_migrations_end_at_the_models(alembic: Config) -> None:
    """After the last migration, autogenerate finds nothing to do; it raises where it does."""
    await run(command.upgrade, alembic, "head")
    await run(command.check, alembic)


async def test_migrations_can_be_taken_back(alembic: Config) -> None:
    """Down to nothing and up again."""
    await run(command.upgrade, alembic, "head")
    await run(command.downgrade, alembic, "base")
    await run(command.upgrade, alembic, "head")
    await run(command.check, alembic)
