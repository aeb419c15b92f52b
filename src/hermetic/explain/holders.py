"""What the modules of the application keep in memory from one test to the next: dictionaries, lists, caches.

Looked through once a test has failed. What a name at the top of a module leads to is followed a few steps, through
what the project has made itself and what is called a cache or a limiter; nothing is called but what lists a container.
"""

from __future__ import annotations

import gc
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any, NamedTuple

from hermetic.code import is_library, project_modules

DEPTH = 4
"""How many steps are followed from a name."""

VALUES = 20_000
"""How many values of a module are looked at."""

_FOLLOWED = ("cache", "limit", "storage", "store", "memo")
"""What the class of a library's object is called that is looked into."""

_COLLECTIONS = (list, tuple, set, frozenset, deque)


class Holder(NamedTuple):
    """What keeps values in memory.

    Attributes:
        name: What it is called, with its module.
        value: It.
    """

    name: str
    value: Any

    @property
    def emptied(self) -> str:
        """The call that empties it."""
        for name in ("cache_clear", "reset", "clear"):
            if callable(getattr(self.value, name, None)):
                return f"{self.name}.{name}()"
        return f"{self.name} = ..., anew"


def holder_of(wanted: Callable[[Any, Any], bool], is_searched: Callable[[ModuleType], bool]) -> Holder | None:
    """Return what keeps a value, the outermost that can be emptied.

    Args:
        wanted: Whether a value is meant, of it and of its key.
        is_searched: Whether a module is looked at.
    """
    for module in project_modules():
        if is_searched(module):
            for name, value in list(vars(module).items()):
                if _is_followed(value) and _has(value, wanted):
                    return Holder(f"{module.__name__}.{name}", value)
    return None


def _has(value: Any, wanted: Callable[[Any, Any], bool]) -> bool:
    """Whether what is wanted is below a value."""
    looked_at: list[tuple[Any, Any, int]] = [(None, value, 0)]
    seen = {id(value)}
    for key, each, depth in looked_at:
        if depth and wanted(each, key):
            return True
        if depth < DEPTH and len(looked_at) < VALUES and _is_followed(each):
            for below, member in _members(each):
                if id(member) not in seen:
                    seen.add(id(member))
                    looked_at.append((key if below is None else below, member, depth + 1))
    return False


def _is_followed(value: Any) -> bool:
    kind = type(value)
    if isinstance(value, Mapping | list | set | deque | tuple) or hasattr(value, "cache_info"):
        return True
    if isinstance(value, type | ModuleType) or (callable(value) and not hasattr(value, "__dict__")):
        return False
    return _is_of_the_project(kind) or any(word in kind.__name__.lower() for word in _FOLLOWED)


def _is_of_the_project(kind: type) -> bool:
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    return file is not None and not is_library(file) and kind.__name__ != "function"


def _members(value: Any) -> Iterator[tuple[Any, Any]]:
    """Give what a value holds, with its key where it has one."""
    try:
        if isinstance(value, Mapping):
            yield from list(value.items())
        elif isinstance(value, _COLLECTIONS):
            yield from ((None, each) for each in list(value))
        elif hasattr(value, "cache_info"):
            yield from ((None, each) for each in _kept_by_lru_cache(value))
        else:
            yield from ((None, each) for each in list(vars(value).values()))
    except Exception:  # of whatever the project's code has there
        return


def _kept_by_lru_cache(function: Any) -> Iterator[Any]:
    """Give what ``functools.lru_cache`` has kept: it shows that to the garbage collector alone."""
    for kept in gc.get_referents(function):
        if type(kept) is not dict:  # with a limit it has the values at hand, and what it was called with
            yield kept
        elif "__wrapped__" not in kept:  # else its attributes
            yield from list(kept.values())
