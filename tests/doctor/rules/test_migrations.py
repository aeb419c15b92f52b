"""The rule about migrations: where they are run on tables that are there already."""

from __future__ import annotations

import pytest

from tests.doctor.examined import diagnosed, found
from tests.source.projects import Project

MODELS = "from sqlalchemy.orm import DeclarativeBase\nclass Base(DeclarativeBase): ...\ndef fill(): ...\n"
MIGRATED = """\
import pytest
from alembic import command
from alembic.config import Config

@pytest.fixture(scope="session", autouse=True)
def migrated():
    {text}
"""
INI = "[pytest]\nhermetic = {mode}\nhermetic_schema = {schema}\n"
UPGRADE = 'command.upgrade(Config("alembic.ini"), "head")'


@pytest.mark.parametrize(
    ("mode", "schema", "text", "is_broken"),
    [
        ("on", "models:Base.metadata", UPGRADE, True),
        ("on", "schema.sql", UPGRADE, True),
        ("on", "models:Base.metadata", "migrate()\n\ndef migrate():\n    " + UPGRADE, True),
        ("on", "alembic.ini", UPGRADE, False),
        ("on", "models:Base.metadata", "pass", False),
        ("on", "models:Base.metadata", "len([])", False),
        ("on", "", UPGRADE, False),
        ("on", "lifespan", UPGRADE, False),
        ("on", "models:fill", UPGRADE, False),
        ("observe", "models:Base.metadata", UPGRADE, False),
        ("on", "models:Base.metadata", f"command.stamp(Config(), 'head')\n    {UPGRADE}", False),
        ("on", "models:Base.metadata", "subprocess.run(['alembic', 'upgrade', 'head'])", False),
    ],
)
def test_migrations_are_run_on_tables_that_are_there(
    project: Project, mode: str, schema: str, text: str, is_broken: bool
) -> None:
    """Where hermetic makes them by something else."""
    files = {
        "pytest.ini": INI.format(mode=mode, schema=schema),
        "models.py": MODELS,
        "tests/conftest.py": MIGRATED.format(text=text),
    }
    assert [each.rpartition(" ")[2] for each in found(project, files)] == (["HM752"] if is_broken else [])
    assert diagnosed(project, files, uses_hermetic=False).findings == ()


def test_migrations_that_no_test_runs_are_none(project: Project) -> None:
    """A fixture that nothing asks for."""
    fixture = MIGRATED.format(text=UPGRADE).replace(", autouse=True", "")
    files = {"pytest.ini": INI.format(mode="on", schema="models:Base.metadata"), "models.py": MODELS}
    assert found(project, {**files, "tests/conftest.py": fixture}) == []
