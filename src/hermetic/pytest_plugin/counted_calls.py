"""Count the requests that reach applications, and those that clients send to them."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hermetic.migrate.verify.record import Counts
from hermetic.patch import Patch

APPLICATION = ("starlette.applications", "Starlette", "__call__")
CLIENTS = (
    ("starlette.testclient", "_TestClientTransport", "handle_request", "TestClient"),
    ("httpx", "ASGITransport", "handle_async_request", "httpx"),
    ("httpx2", "ASGITransport", "handle_async_request", "httpx2"),
    ("hermetic.client._transport", "InLoopTransport", "_begin", "AsyncTestClient"),
)
"""A module, a class, a method that is called once for each request and websocket, and the client's name."""


class CountedCalls:
    """Counts calls from when on it listens, until the process ends.

    A request counts at the outermost Starlette application that it comes to, which finds no ``app`` in the scope. One
    that comes to none counts where a client sends it.

    Args:
        counts: Returns where to count now.
    """

    def __init__(self, counts: Callable[[], Counts]) -> None:
        self._counts = counts
        self._waiting = list(CLIENTS)
        self._counts_applications = False

    def listen(self) -> None:
        """Listen to what has been imported by now."""
        if not self._counts_applications:
            self._counts_applications = True
            with suppress(ImportError):
                importlib.import_module(APPLICATION[0])
                self._count_applications()
        for client in [each for each in self._waiting if each[0] in sys.modules]:
            self._waiting.remove(client)
            self._count_client(*client)

    def _count_applications(self) -> None:
        module, kind, method = APPLICATION

        def counting(patch: Patch) -> Callable[..., Any]:
            async def called(app: Any, scope: Any, receive: Any, send: Any) -> None:
                if scope["type"] in ("http", "websocket") and "app" not in scope:
                    self._counts().requests += 1
                await patch.original(app, scope, receive, send)

            return called

        Patch(getattr(sys.modules[module], kind), method, counting)

    def _count_client(self, module: str, kind: str, method: str, client: str) -> None:
        def counting(patch: Patch) -> Callable[..., Any]:
            def called(*arguments: Any, **options: Any) -> Any:
                sent = self._counts().sent
                sent[client] = sent.get(client, 0) + 1
                return patch.original(*arguments, **options)

            return called

        holder = getattr(sys.modules[module], kind, None)
        if hasattr(holder, method):
            Patch(holder, method, counting)
