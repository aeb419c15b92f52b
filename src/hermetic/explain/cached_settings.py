"""Settings that were read before the test set a variable for them."""

from __future__ import annotations

import inspect
import linecache
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from hermetic.causes.applications import SETTINGS_READ_BEFORE
from hermetic.code import Location, is_test_code, location_of, project_modules
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import is_a, lines_of
from hermetic.explain.history import History

_SETS = re.compile(r"""(?:setenv\(|environ\[|putenv\()\s*["'](\w+)["']""")
_A_DATABASE = re.compile(r"^(sqlite|postgres\w*|mysql|mariadb)(\+\w+)?://")
"""What a variable holds that hermetic gives a value of its own."""


class Kept(NamedTuple):
    """Settings that are kept.

    Attributes:
        settings: They, of a class of pydantic-settings.
        by: What keeps them, as code names it: ``get_settings()``, or ``settings``.
        where: Where that is.
        is_cached: Whether it is a function with a cache.
    """

    settings: Any
    by: str
    where: str
    is_cached: bool


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Name the settings that have not the value which the test, or a fixture of it, has put into a variable."""
    del history
    if failure.phase != "call":
        return
    setters = [
        each for each in (failure.function, *(each.location for each in failure.fixtures)) if each is not None
    ]
    if "pydantic_settings" in sys.modules:
        yield from _of_settings(setters)
    yield from _of_constants(failure, setters)


def _of_constants(failure: Failure, setters: Sequence[Location]) -> Iterator[Explanation]:
    """Name a constant of a module that was read from the variable when the module was imported."""
    for setter in setters:
        for place, variable in _lines_that_set(setter):
            for module, name, line in _read_before(failure.root, variable):
                yield Explanation(
                    SETTINGS_READ_BEFORE,
                    (
                        f"{place} sets the variable {variable}. {name} ({module.__file__}:{line}) was read from it when"
                        " that module was imported, before that: it has another value.",
                    ),
                    (
                        f'monkeypatch.setattr("{module.__name__}.{name}", ...) in its place',
                        f"or hermetic_env = {variable}=..., which is set before anything is imported",
                    ),
                )
                return


def _read_before(root: str, variable: str) -> Iterator[tuple[ModuleType, str, int]]:
    """Give the names of application modules that were read from a variable which has another value by now."""
    value = os.environ.get(variable, "")
    for module in project_modules() if value and not _A_DATABASE.match(value) else ():
        if not is_test_code(Path(str(module.__file__)), Path(root)):
            for name, line in _read_from(module, variable):
                if not _is_same(value, vars(module).get(name)):
                    yield module, name, line


def _lines_that_set(function: Location) -> Iterator[tuple[str, str]]:
    """Give the lines of a test or a fixture that set a variable, each with its name."""
    for number, line in lines_of(function):
        if (found := _SETS.search(line)) is not None:
            yield f"{function.file}:{number}", found[1]


def _read_from(module: ModuleType, variable: str) -> Iterator[tuple[str, int]]:
    """Give the names at the top of a module that are read from a variable, each with its line."""
    wanted = re.compile(
        rf"(\w+)\s*(?::[^=]+)?=.*(?:environ|getenv|\bconfig|\benv)\b\W*(?:get\W+)?[\"']{re.escape(variable)}[\"']"
    )
    for number, line in enumerate(linecache.getlines(str(module.__file__)), 1):
        if (found := wanted.match(line)) is not None:
            yield found[1], number


def _of_settings(setters: Sequence[Location]) -> Iterator[Explanation]:
    for kept in _kept():
        for field, variable in _variables(kept.settings):
            value = os.environ.get(variable)
            if (
                value is None
                or _A_DATABASE.match(value)
                or _is_same(value, getattr(kept.settings, field, None))
            ):
                continue
            place = next((place for each in setters if (place := _line_that_sets(each, variable))), None)
            if place is not None:
                yield _explanation(kept, field, variable, place)
                return


def _explanation(kept: Kept, field: str, variable: str, place: str) -> Explanation:
    name = f"{type(kept.settings).__name__}.{field}"
    if kept.is_cached:
        said = (
            f"{kept.by} ({kept.where}) is cached, and was called before that: its {name} has another value."
        )
        change = f"{kept.by.removesuffix('()')}.cache_clear() after that line, and after the test"
    else:
        said = f"{kept.by} ({kept.where}) was made before that: its {name} has another value."
        change = f'monkeypatch.setattr({kept.by}, "{field}", ...) in its place'
    return Explanation(
        SETTINGS_READ_BEFORE,
        (f"{place} sets the variable {variable}. {said}",),
        (change, f"or hermetic_env = {variable}=..., which is set before anything is imported"),
    )


def _kept() -> Iterator[Kept]:
    """Give the settings that the project's modules keep."""
    for module in project_modules():
        for name, value in list(vars(module).items()):
            if is_a(value, "BaseSettings"):
                yield Kept(value, name, str(module.__file__), is_cached=False)
            elif type(value).__name__ == "_lru_cache_wrapper" and value.__module__ == module.__name__:
                settings = _cached(value)
                if settings is not None:
                    yield Kept(settings, f"{name}()", str(location_of(value)), is_cached=True)


def _cached(function: Any) -> Any:
    """Return what a function without parameters has in its cache, if it is settings; it is not run for that."""
    try:
        is_plain = not inspect.signature(function).parameters and function.cache_info().currsize == 1
        found = function() if is_plain else None
    except Exception:  # not Python's own cache
        return None
    return found if is_a(found, "BaseSettings") else None


def _variables(settings: Any) -> Iterator[tuple[str, str]]:
    """Give each field with the variable that it is read from, as it stands in the environment."""
    prefix = str(type(settings).model_config.get("env_prefix", ""))
    there = {name.lower(): name for name in os.environ}
    for field, info in type(settings).model_fields.items():
        alias = info.validation_alias
        names = [alias] if isinstance(alias, str) else [prefix + field]
        for name in names:
            if name.lower() in there:
                yield field, there[name.lower()]


def _is_same(text: str, value: object) -> bool:
    """Whether a value may have been read from a text."""
    secret = getattr(value, "get_secret_value", None)
    shown = str(secret() if callable(secret) else getattr(value, "value", value)).strip().lower()
    if isinstance(value, bool):
        return value is (text.strip().lower() in ("1", "true", "t", "yes", "y", "on"))
    try:
        return shown.rstrip("/") == text.strip().lower().rstrip("/") or float(shown) == float(text)
    except ValueError:
        return isinstance(value, list | dict | set | tuple)


def _line_that_sets(function: Location, variable: str) -> str | None:
    """Return the line of a test or a fixture that sets a variable."""
    wanted = re.compile(rf"(setenv|environ|putenv).*[\"']{re.escape(variable)}[\"']", re.IGNORECASE)
    for number, line in lines_of(function):
        if wanted.search(line):
            return f"{function.file}:{number}"
    return None
