"""A request whose response is wanted whole, as almost all are: ``client.get(...)``, not ``client.stream(...)``.

The test cannot do anything between the chunks, so the application need not wait for it: what it sends is kept until it
has ended. That spares both sides the handing over, a turn of the loop for each chunk, and httpx2's generators.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any

from hermetic.client._exchange import Exchange


class WholeExchange(Exchange):
    """Run an application for one request, up to its end, and keep what it sends."""

    _chunks: list[bytes]

    async def whole(self) -> bytes | None:
        """Return the body, as it was sent, when the application has ended; None when no response was started.

        Raises:
            BaseException: What the application raised, or the iterator of the request's body.
        """
        __tracebackhide__ = True
        if self._ended:  # pragma: no cover - from Python 3.12 on, where the application may end at once
            await asyncio.sleep(0)  # others get their turn, whoever asks again and again
        else:
            await self._wait(lambda: False)
        self._closed = True  # it has ended, so there is nothing to wait for in ``close``
        self._on_close(self)
        if self._error is not None:
            self._raise_error()
        return None if self.start is None else b"".join(self._chunks)

    def _start(self, run: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        self._chunks = []  # here, not in an __init__ of its own: each request comes by
        if sys.version_info >= (3, 12) and not self.loop.get_task_factory():  # pragma: no cover - not on 3.11
            return asyncio.Task(run, loop=self.loop, name=name, context=self._context, eager_start=True)
        return super()._start(run, name)

    async def _hand_over(self, data: bytes) -> None:
        __tracebackhide__ = True
        if not self._left:
            self._chunks.append(data)
        if not self._body_sent:
            await asyncio.sleep(0)  # else an application that sends for ever would stop the loop
