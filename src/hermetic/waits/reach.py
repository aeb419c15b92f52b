"""What somebody has at hand: the objects that lead from his frames' names, a few steps far, to others."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterable
from contextvars import Context
from types import (
    AsyncGeneratorType,
    BuiltinFunctionType,
    CodeType,
    CoroutineType,
    FrameType,
    FunctionType,
    GeneratorType,
    MethodType,
    ModuleType,
)
from typing import Any

MOST = 20_000
"""Objects that are looked at; beyond, what is at hand is not at hand."""

_NOT_FOLLOWED = (
    *(asyncio.AbstractEventLoop, asyncio.Future, AsyncGeneratorType, CodeType, Context, CoroutineType),
    *(FrameType, GeneratorType, ModuleType, bytes, float, int, str, type),
)


def at_hand(roots: Iterable[Any], steps: int) -> set[int]:
    """Return the identities of the objects that roots lead to.

    Engines and pools are not followed: they have every connection there is.

    Args:
        roots: Where to begin.
        steps: How far to go.
    """
    found: dict[int, Any] = {}
    here = list(roots)
    for _ in range(steps + 1):
        new = [each for each in here if id(each) not in found]
        found.update((id(each), each) for each in new)
        if len(found) > MOST:
            break
        here = [behind for each in new for behind in _behind(each)]
    return set(found)


def _behind(each: Any) -> Iterable[Any]:
    if isinstance(each, FunctionType):
        return each.__closure__ or ()
    if isinstance(each, MethodType | BuiltinFunctionType):
        return (each.__self__,)
    if isinstance(each, _NOT_FOLLOWED) or type(each).__name__.endswith(("Engine", "Pool")):
        return ()
    return gc.get_referents(each)
