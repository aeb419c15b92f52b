"""From an error to what a person needs to know of it."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

import pytest

from hermetic.cli.init.trial.build_failures import AbsentVariables, failure_of
from hermetic.cli.init.trial.outcome import Failure
from hermetic.cli.init.trial.sandbox import Refusals

SETTINGS = """\
from pydantic import BaseModel, Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Database(BaseModel):
    host: str


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="my_", env_nested_delimiter="__", {further})
    secret_key: str
    other: int = Field(validation_alias="Other_Thing")
    database: Database
    there: int = 3


Settings({values})
"""
DATABASE = "database={'port': 1}"


def failure(code: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> Failure:
    """Return why a module of a project, with this code, fails."""
    (root / "that_fails.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(root)
    monkeypatch.setattr(type(os.environ), "__getitem__", type(os.environ).__getitem__)
    absent = AbsentVariables(str(root))
    absent.listen()
    try:
        importlib.import_module("that_fails")
    except Exception as error:
        return failure_of(error, "importing it", root=str(root), refusals=Refusals(str(root)), absent=absent)
    raise AssertionError("it does not fail")


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("import os\nos.environ['KEY']", ["KEY"]),
        ("from starlette.config import Config\nConfig()('KEY')", ["KEY"]),
        ("import os\nif 'KEY' not in os.environ:\n    raise RuntimeError('set KEY first')", ["KEY"]),
        (
            "import os\ntry:\n    os.environ['KEY']\nexcept KeyError as e:\n    raise RuntimeError('no key') from e",
            ["KEY"],
        ),
        (SETTINGS.format(further="", values=DATABASE), ["MY_SECRET_KEY", "OTHER_THING", "MY_DATABASE__HOST"]),
        (SETTINGS.format(further="", values=""), ["MY_SECRET_KEY", "OTHER_THING", "MY_DATABASE__HOST"]),
        (
            SETTINGS.format(further="case_sensitive=True", values="").replace('"__"', "None"),
            ["my_secret_key", "Other_Thing", "my_database"],
        ),
    ],
)
def test_variables_that_are_not_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, names: list[str]
) -> None:
    """They are named as the shell has them, whoever reads them."""
    found = failure(code, tmp_path, monkeypatch)
    assert (found.cause, list(found.names)) == ("variables", names)
    assert found.what == f"importing it needs variables that are not set: {', '.join(names)}."
    assert [Path(line.file).name for line in found.lines] == ["that_fails.py"]


@pytest.mark.parametrize(
    ("code", "what", "cause", "hints"),
    [
        ("import nowhere.at_all", "needs the module nowhere, which is not there.", "package", ()),
        ("raise ModuleNotFoundError(name='asyncpg')", "needs the module asyncpg, which is not there.", "package",
         ("pip install 'asyncpg'",)),
        ("import json.nothing", "raised ModuleNotFoundError: No module named 'json.nothing'", "", ()),
        ("raise ValueError('a\\n  b ' + 'c' * 400)", f"raised ValueError: a b {'c' * 296}...", "", ()),
        ("raise ValueError", "raised ValueError", "", ()),
        ("def f(:", "raised SyntaxError: invalid syntax (that_fails.py, line 1)", "", ()),
        (SETTINGS.format(further="", values="secret_key='', Other_Thing='x', database={'host': ''}"),
         "raised ValidationError: 1 validation error for Settings Other_Thing Input should be a valid integer,", "",
         ()),
    ],
)  # fmt: skip
def test_other_failures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, what: str, cause: str, hints: tuple[str, ...]
) -> None:
    """The error's own words on one line, with what to install where hermetic knows it."""
    found = failure(code, tmp_path, monkeypatch)
    assert found.what.startswith(f"importing it {what}")
    assert (found.cause, found.hints) == (cause, hints)
    assert {Path(line.file).name for line in found.lines} == {"that_fails.py"}


def test_an_error_of_hermetic_s_own_speaks_for_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its sentence and its hints are kept."""
    code = "from hermetic.errors import *\nraise ConfigurationError('No such.', why='None.', hints=('app',))"
    found = failure(code, tmp_path, monkeypatch)
    assert found == Failure("No such. None.", hints=("app",))


def test_only_what_the_project_reads_itself_is_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library's variables are many."""
    absent = AbsentVariables(str(tmp_path))
    monkeypatch.setattr(type(os.environ), "__getitem__", type(os.environ).__getitem__)
    absent.listen()
    code = "import os\nos.getenv('MINE')\nread('THEIRS')\nread('BOTH')\nos.environ.get('BOTH', 'x')\nread('BOTH')"
    exec(compile(code, str(tmp_path / "a.py"), "exec"), {"read": lambda name: os.environ.get(name)})
    assert absent.read == {"MINE": True, "THEIRS": False, "BOTH": True}
