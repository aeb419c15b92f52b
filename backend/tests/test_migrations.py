"""The migrations and the models describe one schema."""

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


def test_migrations_end_at_the_models(alembic: Config) -> None:
    """After the last migration, autogenerate finds nothing to do; it raises where it does."""
    command.upgrade(alembic, "head")
    command.check(alembic)


def test_migrations_can_be_taken_back(alembic: Config) -> None:
    """Down to nothing and up again."""
    command.upgrade(alembic, "head")
    command.downgrade(alembic, "base")
    command.upgrade(alembic, "head")
    command.check(alembic)
