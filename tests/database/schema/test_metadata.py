"""What is found where ``hermetic_schema`` is not set."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from hermetic.database.schema import schemas
from hermetic.database.schema.metadata import find_metadata
from hermetic.errors import ConfigurationError
from tests.database.schema.test_kinds import MODELS


def found(root: Path, package: str | None = None) -> list[str]:
    """Return the paths of what is found."""
    return sorted(candidate.path for candidate in find_metadata(root, package))


def test_one_base_is_found_under_its_own_name(package: Path) -> None:
    """The base, not one of its models, and not the module that imports it."""
    (package / "models_f.py").write_text(MODELS)
    (package / "importing_f.py").write_text("from models_f import Thing\n")
    importlib.import_module("importing_f")
    assert found(package) == ["models_f:Base.metadata"]


def test_a_plain_metadata_is_found(package: Path) -> None:
    """Core tables without any model."""
    (package / "tables_g.py").write_text(
        "from sqlalchemy import Column, Integer, MetaData, Table\n"
        "metadata = MetaData()\nTable('one', metadata, Column('id', Integer))\n"
    )
    importlib.import_module("tables_g")
    assert found(package) == ["tables_g:metadata"]


def test_what_has_no_tables_is_not_found(package: Path) -> None:
    """An empty MetaData makes nothing."""
    (package / "empty_h.py").write_text("from sqlalchemy import MetaData\nmetadata = MetaData()\n")
    importlib.import_module("empty_h")
    assert found(package) == []


def test_test_modules_do_not_count(package: Path) -> None:
    """A model that a test defines is the test's own."""
    (package / "test_models_i.py").write_text(MODELS)
    importlib.import_module("test_models_i")
    assert found(package) == []


def test_the_applications_package_counts_wherever_it_is_installed(package: Path, tmp_path: Path) -> None:
    """An installed application lies outside the project's folder."""
    (package / "shop_j.py").write_text(MODELS)
    importlib.import_module("shop_j")
    elsewhere = tmp_path / "elsewhere"
    assert found(elsewhere) == []
    assert found(elsewhere, "shop_j") == ["shop_j:Base.metadata"]


def test_several_are_not_safe(package: Path) -> None:
    """The error lists them, in the form in which they can be pasted."""
    for name in ("one_k", "two_k"):
        (package / f"{name}.py").write_text(MODELS)
        importlib.import_module(name)
    with pytest.raises(ConfigurationError, match="2 MetaData objects") as caught:
        schemas((), root=package, package=None, run_lifespan=lambda: None)
    assert "hermetic_schema =\n    one_k:Base.metadata\n    two_k:Base.metadata" in str(caught.value)


def test_none_leaves_the_lifespan(package: Path) -> None:
    """Where no MetaData is in reach, the application's own start-up makes the tables."""
    (schema,) = schemas((), root=package, package=None, run_lifespan=lambda: None)
    assert schema.description == "lifespan (no MetaData was found)"


def test_the_one_that_is_found_is_said(package: Path) -> None:
    """The description tells that it was found, not set."""
    (package / "models_l.py").write_text(MODELS)
    importlib.import_module("models_l")
    (schema,) = schemas((), root=package, package=None, run_lifespan=lambda: None)
    assert schema.description == "models_l:Base.metadata (found)"
