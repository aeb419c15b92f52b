"""Replace dependencies of a FastAPI application, for a time or for one client.

FastAPI asks ``app.dependency_overrides`` for each dependency of each request, and remembers how each callable it has
ever met is to be called, in an ``lru_cache`` of 4,096. A closure over a session stays there with the session. So what
is put there is a small callable of ours with the replacement's signature, which lets go of it at the end.

Overrides of one client (``as_user``) must not reach another's requests that run at the same time. They travel in the
request's context, and a view that replaces ``dependency_overrides`` asks there first.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, MutableMapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Any, Self

from hermetic.errors import ClientUsageError

Dependency = Callable[..., Any]

_of_client: ContextVar[Mapping[Dependency, Any]] = ContextVar("hermetic_overrides", default={})  # noqa: B039


class Replacement:
    """What stands in ``dependency_overrides`` for a dependency, as long as the override lasts.

    Args:
        target: The callable that is called instead.

    Attributes:
        target: The callable that is called instead; None once this has ended.
        call: What FastAPI gets.
        before: What stood there before: the value, or nothing.
    """

    def __init__(self, target: Dependency) -> None:
        self.target: Dependency | None = target
        self.before: tuple[Any, ...] = ()
        self.call = _of_same_kind(target, self._current)
        self.call.__signature__ = _signature(target)  # type: ignore[attr-defined]
        self.call.hermetic_replacement = self  # type: ignore[attr-defined]

    def _current(self) -> Dependency:
        if self.target is None:
            raise RuntimeError("This override has ended; the request that uses it began before its end.")
        return self.target

    def end(self) -> None:
        """Let go of the callable, and of its parameters' defaults."""
        self.target = None
        del self.call.__signature__  # type: ignore[attr-defined]


@contextmanager
def overriding(app: Any, dependency: Dependency, replacement: Dependency) -> Iterator[None]:
    """Call ``replacement`` instead of ``dependency``, inside the block.

    Raises:
        ConfigurationError: The application has no overrides, or the replacement cannot be called.
    """
    if not callable(replacement):
        raise ClientUsageError(
            f"{replacement!r} cannot be called, so it cannot replace a dependency.",
            hints=("to give a value: client.override(dependency, lambda: value)",),
        )
    overrides = overrides_of(app)
    ours = Replacement(replacement)
    if dependency in overrides:
        ours.before = (overrides[dependency],)
    overrides[dependency] = ours.call
    try:
        yield
    finally:
        _take_out(overrides, dependency, ours)
        ours.end()


def _take_out(overrides: MutableMapping[Dependency, Any], dependency: Dependency, ours: Replacement) -> None:
    """Put back what was there before, in whatever order overrides end."""
    top = getattr(overrides.get(dependency), "hermetic_replacement", None)
    if top is ours:
        if ours.before:
            overrides[dependency] = ours.before[0]
        else:
            del overrides[dependency]
    while top is not None and top is not ours:
        below = getattr(top.before[0], "hermetic_replacement", None) if top.before else None
        if below is ours:
            top.before = ours.before
        top = below


def overrides_of(app: Any) -> MutableMapping[Dependency, Any]:
    """Return the overrides of an application, or of the one that its middleware wraps.

    Raises:
        ConfigurationError: There are none.
    """
    inner = _owner_of_overrides(app)
    overrides: MutableMapping[Dependency, Any] = inner.dependency_overrides
    return overrides


def replace_for_one_client(app: Any, overrides: Mapping[Dependency, Any]) -> None:
    """Give these values instead of dependencies, to what runs in the current context.

    Raises:
        ConfigurationError: The application has no overrides.
    """
    owner = _owner_of_overrides(app)
    if not isinstance(owner.dependency_overrides, _View):
        owner.dependency_overrides = _View(owner.dependency_overrides)
    _of_client.set(overrides)


def _owner_of_overrides(app: Any) -> Any:
    found = app
    while not hasattr(found, "dependency_overrides"):
        found = getattr(found, "app", None)
        if found is None:
            raise ClientUsageError(
                f"{app!r} has no dependency_overrides: it is no FastAPI application, nor a middleware around one.",
                hints=("set client.app to the FastAPI object",),
            )
    return found


class _View(MutableMapping[Dependency, Any]):
    """The overrides of an application, behind those of the client whose request asks."""

    def __init__(self, common: MutableMapping[Dependency, Any]) -> None:
        self._common = common
        self._readers: dict[Dependency, Dependency] = {}

    def __getitem__(self, dependency: Dependency) -> Any:
        if dependency in _of_client.get():
            return self._reader(dependency)
        return self._common[dependency]

    def _reader(self, dependency: Dependency) -> Dependency:
        async def value() -> Any:
            return _of_client.get()[dependency]

        return self._readers.setdefault(dependency, value)

    def __setitem__(self, dependency: Dependency, replacement: Any) -> None:
        self._common[dependency] = replacement

    def __delitem__(self, dependency: Dependency) -> None:
        del self._common[dependency]

    def __iter__(self) -> Iterator[Dependency]:
        return iter(self._common)

    def __len__(self) -> int:
        return len(self._common)

    def __bool__(self) -> bool:
        return bool(self._common or _of_client.get())

    def copy(self) -> dict[Dependency, Any]:
        """Return those of all clients, as of a dictionary."""
        return dict(self._common)

    def __or__(self, other: Mapping[Dependency, Any]) -> dict[Dependency, Any]:
        return {**self._common, **other}

    def __ror__(self, other: Mapping[Dependency, Any]) -> dict[Dependency, Any]:
        return {**other, **self._common}

    def __ior__(self, other: Mapping[Dependency, Any]) -> Self:
        self.update(other)
        return self


def _signature(target: Dependency) -> inspect.Signature:
    try:
        return inspect.signature(target, eval_str=True)
    except NameError:  # an annotation that only a type checker can read
        return inspect.signature(target)


def _of_same_kind(target: Dependency, current: Callable[[], Dependency]) -> Dependency:
    """FastAPI calls plain functions in a thread, awaits async ones, and enters generators."""
    whole: Any = target
    while isinstance(whole, functools.partial):
        whole = whole.func
    routine = inspect.isroutine(whole) or inspect.isclass(whole)
    function: Any = whole if routine else type(whole).__call__
    if inspect.isasyncgenfunction(function):

        async def asyncgen(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            async with asynccontextmanager(current())(*args, **kwargs) as value:
                yield value

        return asyncgen
    if inspect.isgeneratorfunction(function):

        def generator(*args: Any, **kwargs: Any) -> Any:
            yield from current()(*args, **kwargs)

        return generator
    if inspect.iscoroutinefunction(function):

        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            return await current()(*args, **kwargs)

        return coroutine

    def plain(*args: Any, **kwargs: Any) -> Any:
        return current()(*args, **kwargs)

    return plain
