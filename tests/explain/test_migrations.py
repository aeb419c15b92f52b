"""Of migrations that have two heads it is said which files these are."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError

from hermetic.explain.history import History
from tests.explain.failing import said

ENV = """
from alembic import context
from sqlalchemy import create_engine

with create_engine("sqlite://").connect() as connection:
    context.configure(connection=connection)
    context.run_migrations()
"""


@pytest.mark.parametrize(("third", "shared"), [("None", ""), ("'b1'", ": each of them follows b1")])
def test_two_heads(tmp_path: Path, history: History, third: str, shared: str) -> None:
    """Both files, what they follow, who went to one, and both ways to mend it."""
    versions = tmp_path / "versions"
    versions.mkdir()
    (tmp_path / "env.py").write_text(ENV, encoding="utf-8")
    for name, before in (("b1", "None"), ("b2", "'b1'"), ("b3", third)):
        text = f"revision, down_revision = {name!r}, {before}\ndef upgrade(): ...\n"
        (versions / f"{name}.py").write_text(text, encoding="utf-8")
    config = Config()
    config.set_main_option("script_location", str(tmp_path))
    with pytest.raises(CommandError) as raised:
        command.upgrade(config, "head")
    text = said(raised.value, history)
    assert "[HM757]" in text
    assert f"({versions / 'b2.py'})" in text
    assert f"({versions / 'b3.py'}){shared}." in text
    assert f"for {tmp_path / 'env.py'}:" in text
    assert "change: alembic merge heads" in text


def test_another_error_of_alembic(history: History) -> None:
    """Nothing is said."""
    assert said(CommandError("Can't locate revision identified by 'b7'"), history) == ""
