"""Finding the application: by path, by factory, and what is said when it cannot be found."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hermetic import application
from hermetic.errors import ConfigurationError
from tests.importing import importable

PACKAGES = {"aiosqlite": "hermetic[sqlite]"}
"""What is to be installed where a module is missing."""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the import path; what is imported from it is forgotten afterwards."""
    with importable(tmp_path, monkeypatch):
        yield tmp_path


def load(path: str) -> Any:
    """Find what a path names, and make it."""
    return application.make(path, application.resolve(path, key="hermetic_app", packages=lambda: PACKAGES))


ASGI = "async def app(scope, receive, send): ...\n"


def test_an_object_is_found_by_its_path(package: Path) -> None:
    """The attribute may have dots."""
    (package / "shop_a.py").write_text(f"class Holder:\n    {ASGI}")
    assert load("shop_a:Holder.app").__name__ == "app"


@pytest.mark.parametrize("path", ["shop_b:make", "shop_b:make()"])
def test_a_factory_is_called(package: Path, path: str) -> None:
    """A function without arguments is a factory, whether or not it is written as a call."""
    (package / "shop_b.py").write_text(f"{ASGI}def make(debug=False): return app\n")
    assert load(path).__name__ == "app"


@pytest.mark.parametrize(
    "signature",
    [
        "async def app(scope, receive, send)",
        "def app(scope, receive, send)",
        "async def app(s, r, sender)",
        "def app(scope)",
    ],
)
def test_a_function_that_is_an_application(package: Path, signature: str) -> None:
    """What takes a scope is called by whoever sends requests, and by nobody before."""
    (package / "shop_j.py").write_text(f"{signature}: raise RuntimeError('called')\n")
    assert load("shop_j:app").__name__ == "app"


@pytest.mark.parametrize(
    ("body", "message", "hints"),
    [
        (
            "raise RuntimeError('no licence')",
            "the factory raised RuntimeError: no licence",
            ["hermetic_env = NAME=value", "def hermetic_app(...):\n        return make()"],
        ),
        ("import os; os.environ['BUCKET']", "KeyError: 'BUCKET'", ["hermetic_env = BUCKET=value"]),
        ("raise SystemExit('no settings')", "raised SystemExit: no settings", ["hermetic_env = NAME=value"]),
    ],
)
def test_a_factory_that_fails(package: Path, body: str, message: str, hints: list[str]) -> None:
    """What it raised is shown with the lines of the user's own code, and with how to give it what it needs."""
    (package / "shop_c.py").write_text(f"def make():\n    {body}\n")
    with pytest.raises(ConfigurationError, match=message) as caught:
        load("shop_c:make")
    assert "shop_c.py" in str(caught.value)
    assert "application.py" not in str(caught.value)
    assert [hint for hint in hints if hint not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("signature", "message"),
    [
        ("def make(settings, *, engine)", "the factory takes settings, engine, which hermetic has not"),
        ("def make(one, two, three)", "the factory takes one, two, three"),
        ("async def make()", "the factory is async"),
    ],
)
def test_a_factory_that_hermetic_cannot_call(package: Path, signature: str, message: str) -> None:
    """It says what it lacks, and how a fixture gives it."""
    (package / "shop_k.py").write_text(f"{signature}: raise RuntimeError('called')\n")
    with pytest.raises(ConfigurationError, match=message) as caught:
        load("shop_k:make")
    assert "hermetic_app" in caught.value.hints[0]


def test_a_module_that_does_not_exist_names_the_import_path(package: Path) -> None:
    """The usual cause is the import path, so the hint is the line that sets it."""
    with pytest.raises(ConfigurationError) as caught:
        load("nowhere.main:app")
    assert "hint: is the project's root on the import path? In the ini file: pythonpath = ." in str(
        caught.value
    )


def test_a_module_that_a_package_has_not_names_those_that_it_has(package: Path) -> None:
    """The package is found, so the import path is not to blame; the most similar name comes first."""
    (package / "shop_l").mkdir()
    for name in ("__init__", "admin", "main"):
        (package / "shop_l" / f"{name}.py").touch()
    with pytest.raises(ConfigurationError) as caught:
        load("shop_l.mian:app")
    assert caught.value.hints == (f"shop_l in {package / 'shop_l'} has: main, admin",)


def test_a_file_that_stands_where_a_package_is_meant_is_named(package: Path) -> None:
    """Another project's module of that name, say, comes first on the import path."""
    (package / "shop_m.py").touch()
    with pytest.raises(ConfigurationError) as caught:
        load("shop_m.main:app")
    assert caught.value.hints == (f"shop_m is {package / 'shop_m.py'}, not a package",)


def test_a_module_that_raises_shows_the_users_traceback(package: Path) -> None:
    """An error in the user's module is shown with the user's line."""
    (package / "shop_d.py").write_text("answer = 42\nraise ValueError('broken settings')\n")
    with pytest.raises(ConfigurationError, match="ValueError: broken settings") as caught:
        load("shop_d:app")
    assert 'shop_d.py", line 2' in str(caught.value)
    assert isinstance(caught.value.__cause__, ValueError)


def test_a_missing_driver_names_the_extra(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver that is not installed is an extra of ours to install."""
    monkeypatch.setitem(sys.modules, "aiosqlite", None)
    (package / "shop_e.py").write_text("import aiosqlite\n")
    with pytest.raises(ConfigurationError) as caught:
        load("shop_e:app")
    assert "hint: pip install 'hermetic[sqlite]'" in str(caught.value)


def test_a_missing_attribute_lists_what_there_is(package: Path) -> None:
    """A wrong attribute is answered with those that could be meant."""
    (package / "shop_f.py").write_text(f"{ASGI}answer = 42\n")
    with pytest.raises(ConfigurationError, match="no attribute 'application'") as caught:
        load("shop_f:application")
    assert "hint: it has: app" in str(caught.value)


def test_what_could_be_meant_comes_first(package: Path) -> None:
    """What is spelt nearly so, then the other functions of the module and its applications."""
    text = f"{ASGI}def make_app():\n    return app\n"
    (package / "shop_i.py").write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load("shop_i:make_ap")
    assert "hint: it has: make_app, app\n" in str(caught.value)
    with pytest.raises(ConfigurationError) as caught:
        load("shop_i:aplication")
    assert "hint: it has: app, make_app\n" in str(caught.value)


def test_what_a_module_imported_is_not_meant(package: Path) -> None:
    """Nor a class, nor something that is called for another purpose; an application that was made elsewhere is."""
    (package / "shop_made.py").write_text("from fastapi import FastAPI\napi = FastAPI()\n")
    text = (
        "from fastapi import Depends, FastAPI\nfrom fastapi.security import OAuth2PasswordBearer\n"
        "from functools import partial\nfrom sqlalchemy.orm import mapped_column\nfrom shop_made import api\n"
        "token, half, answer, least = OAuth2PasswordBearer('t'), partial(print), 42, {}.get\n"
        "class Shop: ...\ndef _own(): ...\ndef build(): ...\n"
    )
    (package / "shop_j.py").write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load("shop_j:nosuch")
    assert "hint: it has: api, build\n" in str(caught.value)


def test_what_cannot_be_called_is_no_application(package: Path) -> None:
    """A name that holds something else is an error that says what it holds."""
    (package / "shop_g.py").write_text("app = 42\n")
    with pytest.raises(ConfigurationError, match="is 'int', which is not an ASGI application"):
        load("shop_g:app")


def test_an_attribute_of_something_without_attributes(package: Path) -> None:
    """An attribute of a plain value is answered without a list."""
    (package / "shop_h.py").write_text("answer = 42\n")
    with pytest.raises(ConfigurationError, match="no attribute 'app'"):
        load("shop_h:answer.app")


def test_what_a_seed_raises_has_its_setting_and_the_users_lines() -> None:
    """The setting and the error; a ConfigurationError of our own goes through as it is."""
    with (
        pytest.raises(ConfigurationError) as raised,
        application.built_by("hermetic_seed", "a:b", place="/here", packages=lambda: PACKAGES),
    ):
        int("speed")
    assert raised.value.what.startswith("hermetic_seed = a:b raised ValueError: invalid literal")
    assert 'int("speed")' in raised.value.why
    assert raised.value.hints == ()
    with (
        pytest.raises(ConfigurationError, match="our own"),
        application.built_by("hermetic_seed", "a:b", place="/here", packages=lambda: PACKAGES),
    ):
        raise ConfigurationError("our own")


def test_a_full_disk_names_the_place() -> None:
    """And the setting that moves the databases."""
    with (
        pytest.raises(ConfigurationError) as raised,
        application.built_by("hermetic_schema", "a:b", place="/here", packages=lambda: PACKAGES),
    ):
        raise OSError("database or disk is full")
    assert raised.value.hints[0] == "set hermetic_directory to a directory with more room than /here"


def test_a_missing_driver_of_a_url_names_the_extra() -> None:
    """What to install for an engine of ours."""
    with (
        pytest.raises(ConfigurationError) as raised,
        application.driver_of("sqlite+aiosqlite:///x.db", lambda: PACKAGES),
    ):
        raise ModuleNotFoundError("No module named 'aiosqlite'", name="aiosqlite")
    assert raised.value.hints == ("pip install 'hermetic[sqlite]'",)


def test_what_only_the_backend_knows_of_an_error() -> None:
    """Its hints come last."""
    with (
        pytest.raises(ConfigurationError) as raised,
        application.built_by(
            "hermetic_schema",
            "schema.sql",
            place="/here",
            packages=lambda: PACKAGES,
            hints=lambda error: (f"so: {error}",),
        ),
    ):
        raise RuntimeError("no such extension")
    assert raised.value.hints == ("so: no such extension",)
