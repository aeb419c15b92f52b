"""Of settings that were read too early it is said which, what set the variable, and how to have them read again."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from hermetic.code import Location
from hermetic.explain.explanations import explanations
from hermetic.explain.failure import Failure
from hermetic.explain.history import History
from tests.explain.failing import TEST


class Settings(BaseSettings):
    """What an application has."""

    model_config = SettingsConfigDict(env_prefix="SHOP_")
    currency: str = "EUR"
    is_open: bool = True
    limit: int = 3
    key: SecretStr = SecretStr("s3cret")
    url: str = "sqlite://"


class Plain(BaseSettings):
    """What another module made."""

    plain_currency: str = "EUR"


@functools.lru_cache
def get_settings() -> Settings:
    """Read them once."""
    return Settings()


settings = Plain()


class Proxy:
    """What a library has that stands for something which is not there."""

    def __getattr__(self, name: str) -> object:
        raise RuntimeError("outside of any context")


proxy = Proxy()


@pytest.fixture(autouse=True)
def _read() -> Iterator[None]:
    """They were read before."""
    get_settings()
    yield
    get_settings.cache_clear()


def sets_currency(patch: pytest.MonkeyPatch) -> None:
    """Be a test that comes too late."""
    patch.setenv("SHOP_CURRENCY", "USD")


def sets_plain(patch: pytest.MonkeyPatch) -> None:
    """Be another one."""
    patch.setenv("PLAIN_CURRENCY", "USD")


def sets_the_same(patch: pytest.MonkeyPatch) -> None:
    """Be one that changes nothing."""
    patch.setenv("SHOP_CURRENCY", "EUR")
    patch.setenv("SHOP_IS_OPEN", "yes")
    patch.setenv("SHOP_LIMIT", "3")
    patch.setenv("SHOP_KEY", "s3cret")
    patch.setenv("SHOP_URL", "postgresql+asyncpg://db/shop")


def said_of(function: Callable[..., Any], history: History) -> str:
    """Return what is said of a test that fails."""
    code = function.__code__
    where = Location(code.co_filename, code.co_firstlineno, code.co_name)
    return "".join(
        explanations(Failure(TEST, "call", AssertionError("assert 'EUR' == 'USD'"), where), history)
    )


def test_a_cached_function(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line that sets the variable, the function, and that its cache has to be cleared; no value is shown."""
    sets_currency(monkeypatch)
    text = said_of(sets_currency, history)
    line = sets_currency.__code__.co_firstlineno
    assert f"{__file__}:{line + 2} sets the variable SHOP_CURRENCY. get_settings() ({__file__}" in text
    assert "its Settings.currency has another value" in text
    assert "change: get_settings.cache_clear() after that line" in text
    assert "[HM764]" in text
    assert "USD" not in text
    get_settings.cache_clear()
    assert get_settings().currency == "USD"
    assert said_of(sets_currency, history) == ""


def test_settings_of_a_module(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    """They have no cache: they are patched themselves."""
    sets_plain(monkeypatch)
    text = said_of(sets_plain, history)
    assert "its Plain.plain_currency has another value" in text
    assert 'change: monkeypatch.setattr(settings, "plain_currency", ...)' in text


def test_what_is_as_it_was_set(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is said of equal values, of a database's URL, nor of a variable that another test sets."""
    sets_the_same(monkeypatch)
    assert said_of(sets_the_same, history) == ""
    sets_currency(monkeypatch)
    assert said_of(sets_plain, history) == ""


def test_a_constant_of_a_module(history: History, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where the module is the application's, and the constant is read from the variable that the test sets."""
    keys = ModuleType("shop_keys")
    keys.__file__ = str(tmp_path / "shop_keys.py")
    Path(keys.__file__).write_text(
        'import os\n\nKEY: str = os.environ.get("SHOP_KEY_OF_TESTS", "")\nOTHER = os.getenv("OTHER")\n',
        encoding="utf-8",
    )
    keys.__dict__["KEY"] = ""
    monkeypatch.setitem(sys.modules, "shop_keys", keys)

    def sets_key() -> None:
        monkeypatch.setenv("SHOP_KEY_OF_TESTS", "k1")

    sets_key()
    text = said_of(sets_key, history)
    assert f"KEY ({keys.__file__}:3) was read from it when that module was imported" in text
    assert 'change: monkeypatch.setattr("shop_keys.KEY", ...) in its place' in text
    keys.__dict__["KEY"] = "k1"
    assert "HM764" not in said_of(sets_key, history)
