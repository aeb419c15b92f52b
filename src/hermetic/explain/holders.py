"""What the modules of the application keep in memory from one test to the next: dictionaries, lists, caches.

Looked through once a test has failed. What a name at the top of a module leads to is followed a few steps, through
what the project has made itself and what is called a cache or a limiter; nothing is called but what lists a container.
"""

from __future__ import annotations

import gc
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

from hermetic.code import is_library, is_test_code, project_modules
from hermetic.explain.frames import attribute, is_a

DEPTH = 4
"""How many steps are followed from a name."""

VALUES = 20_000
"""How many values are looked at below a name of a module."""

_FOLLOWED = ("cache", "limit", "storage", "store", "memo")
"""What the class of a library's object is called that is looked into."""

_COLLECTIONS = (list, tuple, set, frozenset, deque)


class Holder(NamedTuple):
    """What keeps values in memory.

    Attributes:
        name: What it is called, with its module.
        value: It.
        owner: The application whose middleware it is; empty of all else.
    """

    name: str
    value: Any
    owner: str = ""

    @property
    def emptied(self) -> str:
        """What empties it."""
        for name in ("cache_clear", "reset", "clear"):
            if callable(getattr(self.value, name, None)):
                return f"{self.name}.{name}()"
        if self.owner:
            return f"make {self.owner} anew for each test, by a factory"
        return f"empty what {self.name} keeps, or make it anew"


def holder_of(root: str, wanted: Callable[[Any, Any], bool], text: str = "") -> Holder | None:
    """Return what of the application's modules keeps a value from one test to the next.

    Args:
        root: The project's folder.
        wanted: Whether a value is meant, of it and of its key.
        text: What may not stand in the module itself, where it would be no wonder.
    """
    for module in project_modules():
        file = Path(str(module.__file__))
        if is_test_code(file, Path(root)) or (text and text in _source(file)):
            continue
        for name, value in list(vars(module).items()):
            for holder in _holders(f"{module.__name__}.{name}", value):
                if wanted(holder.value, None) or (_is_followed(holder.value) and _has(holder.value, wanted)):
                    return holder
    return None


def _holders(name: str, value: Any) -> Iterator[Holder]:
    """Give what a name of a module leads to: itself, or the state and the middleware of an application."""
    if not is_a(value, "Starlette"):
        yield Holder(name, value)
        return
    yield from (Holder(f"{name}.state.{key}", each) for key, each in list(value.state._state.items()))
    middleware = value.middleware_stack
    while middleware is not None:
        yield Holder(f"the {type(middleware).__name__} of {name}", middleware, name)
        middleware = attribute(middleware, "app")


def _source(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _has(value: Any, wanted: Callable[[Any, Any], bool]) -> bool:
    """Whether what is wanted is below a value."""
    looked_at: list[tuple[Any, Any, int]] = [(None, value, 0)]
    seen = {id(value)}
    for key, each, depth in looked_at:
        if depth and wanted(each, key):
            return True
        if depth < DEPTH and _is_followed(each):
            for below, member in islice(_members(each), VALUES - len(looked_at)):
                if id(member) not in seen:
                    seen.add(id(member))
                    looked_at.append((key if below is None else below, member, depth + 1))
    return False


def _is_followed(value: Any) -> bool:
    kind = type(value)
    if isinstance(value, Mapping | list | set | deque | tuple) or hasattr(value, "cache_info"):
        return True
    if isinstance(value, FunctionType):
        return bool(value.__closure__) and not is_library(value.__code__.co_filename)
    if isinstance(value, type | ModuleType) or (callable(value) and not hasattr(value, "__dict__")):
        return False
    return _is_of_the_project(kind) or any(word in kind.__name__.lower() for word in _FOLLOWED)


def _is_of_the_project(kind: type) -> bool:
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    return file is not None and not is_library(file)


def _members(value: Any) -> Iterator[tuple[Any, Any]]:
    """Give what a value holds, with its key where it has one."""
    try:
        if isinstance(value, Mapping):
            yield from list(islice(value.items(), VALUES))
        elif isinstance(value, _COLLECTIONS):
            yield from ((None, each) for each in list(islice(value, VALUES)))
        elif hasattr(value, "cache_info"):
            yield from ((None, each) for each in _kept_by_lru_cache(value))
        elif isinstance(value, FunctionType):
            yield from ((None, each.cell_contents) for each in value.__closure__ or ())
        else:
            yield from (
                (None, each) for key, each in list(vars(value).items()) if key != "app"
            )  # of a middleware
    except Exception:  # of whatever the project's code has there
        return


def _kept_by_lru_cache(function: Any) -> Iterator[Any]:
    """Give what ``functools.lru_cache`` has kept: it shows that to the garbage collector alone."""
    for kept in gc.get_referents(function):
        if type(kept) is not dict:  # with a limit it has the values at hand, and what it was called with
            yield kept
        elif "__wrapped__" not in kept:  # else its attributes
            yield from list(kept.values())
