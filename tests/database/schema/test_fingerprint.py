"""What a template's contents depend on."""

from __future__ import annotations

import importlib
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, make_url

from hermetic.database.schema import fingerprint


def test_a_function_with_some_arguments_given(package: Path) -> None:
    """Depends on what the function itself does: its module, and the project's that it uses."""
    (package / "models_p.py").write_text("NAME = 'ada'\n")
    (package / "seeds_p.py").write_text("import models_p\n\n\ndef seed(session, count):\n    ...\n")
    seed = importlib.import_module("seeds_p").seed
    files = fingerprint.of_function(partial(partial(seed, count=2)), package)
    assert (
        files == fingerprint.of_function(seed, package) == [package / "models_p.py", package / "seeds_p.py"]
    )


@pytest.mark.parametrize(("url", "counts"), [("sqlite:////a.db", True), ("postgresql://host/a", False)])
def test_a_table_s_options_count_on_their_backend(url: str, counts: bool) -> None:
    """What a MetaData makes is told in the words of the database that is filled."""

    def told(**options: Any) -> list[str]:
        metadata = MetaData()
        Table("t", metadata, Column("id", Integer, primary_key=True), **options)
        return list(fingerprint.of_metadata(metadata, make_url(url)))

    assert (told() != told(sqlite_autoincrement=True)) is counts
