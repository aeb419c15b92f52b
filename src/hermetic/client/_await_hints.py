"""What is used as of a ``TestClient``, without ``await`` or by a plain ``with`` or ``for``, says what to write instead.

Python's own words are of no help there: ``'coroutine' object has no attribute 'json'``. So what the client's methods
return is a coroutine in all but its type, which knows the call that made it.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Coroutine, Generator
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec, TypeVar

import httpx2

P = ParamSpec("P")
T = TypeVar("T")
USUAL = frozenset({"params", "headers", "json"})
RESULTS = (httpx2.Response, httpx2.ServerSentEvent, str, dict)
NAMES = {name for kind in RESULTS for name in dir(kind)} | vars(httpx2.Response(200)).keys()
IN_A_TEST = "hint: and the test is an async def; a sync one goes on with Starlette's TestClient"


class HintedCoroutine(Coroutine[Any, Any, T]):
    """A coroutine that says what to write where it is used like its result.

    Args:
        coroutine: The coroutine.
        call: How a test writes the call that made it.
    """

    __slots__ = ("__weakref__", "_coroutine", "call")

    def __init__(self, coroutine: Coroutine[Any, Any, T], call: str) -> None:
        self._coroutine = coroutine
        self.call = call

    def __await__(self) -> Generator[Any, Any, T]:
        """Run it."""
        return self._coroutine.__await__()

    def send(self, value: Any) -> Any:
        """Go on with it, as its task does."""
        return self._coroutine.send(value)

    def throw(self, *error: Any) -> Any:
        """Go on with it by an exception, as its task does."""
        return self._coroutine.throw(*error)

    def close(self) -> None:
        """End it."""
        self._coroutine.close()

    def __repr__(self) -> str:
        return f"<{self.call}, not awaited>"

    def __getattr__(self, name: str) -> Any:
        """Give what coroutines have; say what to write for what the result has."""
        if name.startswith(("cr_", "__")):
            return getattr(self._coroutine, name)
        if name in NAMES:
            self.close()  # nobody only looks whether this is there; else Python adds that it was never awaited
        called = "(...)" if any(callable(getattr(kind, name, None)) for kind in RESULTS) else ""
        raise AttributeError(self._to_write(f"has no {name!r}", f".{name}{called}"))

    def __getitem__(self, key: Any) -> NoReturn:
        self.close()
        raise TypeError(self._to_write("cannot be subscripted", f"[{key!r}]"))

    def __iter__(self) -> NoReturn:
        self.close()
        raise TypeError(self._to_write("cannot be iterated over", ""))

    def _to_write(self, what: str, after: str) -> str:
        awaited = f"(await {self.call}){after}" if after else f"await {self.call}"
        return f"{self.call} was not awaited, and {what}.\n\nhint: {awaited}\n{IN_A_TEST}"


def with_hint(coroutine: Coroutine[Any, Any, T], call: str) -> HintedCoroutine[T]:
    """Return a coroutine that knows the call that made it; of two such calls, the outer one."""
    if type(coroutine) is HintedCoroutine:
        coroutine.call = call
        return coroutine
    return HintedCoroutine(coroutine, call)


def hinted(call: str) -> Callable[[Callable[P, Coroutine[Any, Any, T]]], Callable[P, Coroutine[Any, Any, T]]]:
    """Have what an async method returns know the call that made it.

    Args:
        call: How a test writes it.
    """

    def decorated(method: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
        @functools.wraps(method)
        def begun(*arguments: P.args, **options: P.kwargs) -> Coroutine[Any, Any, T]:
            return HintedCoroutine(method(*arguments, **options), call)

        return as_async(begun)

    return decorated


def request_method(
    method: str, like: Callable[P, Coroutine[Any, Any, T]]
) -> Callable[P, Coroutine[Any, Any, T]]:
    """Make a client's method for one kind of request, by its ``request`` and with the arguments of httpx2's own."""
    call = f"client.{method.lower()}(...)"
    known = frozenset(inspect.signature(like).parameters)
    usual = known & USUAL

    @functools.wraps(like)
    def begun(self: Any, *arguments: Any, **options: Any) -> Coroutine[Any, Any, T]:
        if self._is_as_made() and (not options or options.keys() <= usual):
            return HintedCoroutine(self._ask(method, *arguments, **options), call)
        if not options.keys() <= known:
            return like(self, *arguments, **options)  # which says so
        return with_hint(self.request(method, *arguments, **options), call)

    return as_async(begun)  # type: ignore[arg-type]


def as_async(function: Callable[P, T]) -> Callable[P, T]:
    """Mark a function that returns a coroutine as an async one, for whoever asks before calling it."""
    if sys.version_info >= (3, 12):  # pragma: no cover - not on 3.11
        return inspect.markcoroutinefunction(function)
    from asyncio import coroutines

    function._is_coroutine = coroutines._is_coroutine  # type: ignore[attr-defined]
    return function


def hinted_context(
    entering: str, iterating: str
) -> Callable[[Callable[P, AbstractAsyncContextManager[T]]], Callable[P, AbstractAsyncContextManager[T]]]:
    """Have what a method returns say how it is entered; the arguments are those of ``HintedContext``."""

    def decorated(
        method: Callable[P, AbstractAsyncContextManager[T]],
    ) -> Callable[P, AbstractAsyncContextManager[T]]:
        @functools.wraps(method)
        def begun(*arguments: P.args, **options: P.kwargs) -> AbstractAsyncContextManager[T]:
            return HintedContext(method(*arguments, **options), entering, iterating)

        return begun

    return decorated


class AsyncOnly:
    """What only ``async with`` enters, or ``async for`` iterates over, and says so."""

    _with = _for = ""

    if not TYPE_CHECKING:  # pragma: no branch - who checks types is told by their absence

        def __enter__(self) -> NoReturn:
            self._say("with", self._with)

        def __exit__(self, *error: object) -> None:
            """Never called: it is there for ``with`` to get as far as ``__enter__``."""

        def __iter__(self) -> NoReturn:
            self._say("for", self._for)

        def _say(self, word: str, instead: str) -> NoReturn:
            raise TypeError(
                f"A plain {word!r} does not work here: it is all in the test's event loop.\n\n"
                f"hint: {instead}\n{IN_A_TEST}"
            )


class HintedContext(AsyncOnly, AbstractAsyncContextManager[T]):
    """What a method returns that is entered by ``async with``.

    Args:
        inner: What is entered.
        entering: How a test writes that.
        iterating: How a test iterates over what it got.
    """

    def __init__(self, inner: AbstractAsyncContextManager[T], entering: str, iterating: str) -> None:
        self._inner = inner
        self._with = entering
        self._for = f"{entering} {iterating}"

    async def __aenter__(self) -> T:
        """Enter it."""
        __tracebackhide__ = True
        return await self._inner.__aenter__()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        """Leave it."""
        __tracebackhide__ = True
        return await self._inner.__aexit__(exc_type, exc_value, traceback)

    def __getattr__(self, name: str) -> Any:
        """Say what to write for what the entered object has."""
        raise AttributeError(
            f"It has not been entered, and has no {name!r}.\n\nhint: {self._with}\n{IN_A_TEST}"
        )
