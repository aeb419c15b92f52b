"""The application behind uvicorn, on a free port of the loopback: for a browser, or any client that needs a socket.

In a thread with an event loop of its own, since what drives a browser often blocks the test's. The socket is made here,
so the port is known, and open, before the server is up.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from hermetic.client._asgi import ASGIApp, Message, Receive, Scope, Send, as_asgi3
from hermetic.errors import MissingDependency

if TYPE_CHECKING:
    import uvicorn

# What still runs when the server stops gets this long: an endless stream of events would keep it up for ever.
SECONDS_TO_END = 1


class LiveServer:
    """An application that answers on a port of the loopback, inside ``with``.

    Args:
        app: The application.
        options: More settings of ``uvicorn.Config``.

    Attributes:
        host: The address it listens at.
        port: The port.
        url: What its pages begin with, without a slash at the end.
        errors: What the application has raised, in order; its clients got a 500.
    """

    def __init__(self, app: ASGIApp, **options: Any) -> None:
        self.errors: list[BaseException] = []
        self._app = as_asgi3(app)
        self._options = options
        self._failed: BaseException | None = None
        self._ready = threading.Event()
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.host, self.port = self._socket.getsockname()
        self.url = f"http://{self.host}:{self.port}"

    def __enter__(self) -> Self:
        """Start it, and wait until it answers.

        Raises:
            BaseException: What the application raised in its start-up.
            ConfigurationError: uvicorn is not installed.
        """
        self._server = self._make()
        self._thread = threading.Thread(target=self._serve, name=f"hermetic {self.url}", daemon=True)
        self._thread.start()
        self._ready.wait()
        if not self._server.started:
            self.__exit__()
            raise self._failed or RuntimeError(f"The application did not start at {self.url}.")
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        """Stop it, and wait for the application's shutdown."""
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    def _make(self) -> uvicorn.Server:
        try:
            import uvicorn
        except ImportError as error:
            self._socket.close()
            raise MissingDependency(
                "A live server needs uvicorn, which is not installed.",
                hints=("pip install 'hermetic[live]'",),
            ) from error
        options = {"log_level": "error", "timeout_graceful_shutdown": SECONDS_TO_END, **self._options}
        return uvicorn.Server(
            uvicorn.Config(self._noting_errors, interface="asgi3", lifespan="on", log_config=None, **options)
        )

    def _serve(self) -> None:
        with asyncio.Runner() as runner:
            runner.run(self._until_stopped())

    async def _until_stopped(self) -> None:
        serving = asyncio.create_task(self._served())
        while not (self._server.started or serving.done()):
            await asyncio.wait([serving], timeout=0.005)
        self._ready.set()
        await serving

    async def _served(self) -> None:
        with contextlib.suppress(SystemExit):  # how uvicorn says that the start-up has failed
            await self._server.serve(sockets=[self._socket])

    async def _noting_errors(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._run_lifespan(scope, receive, send)
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            self.errors.append(error)
            raise

    async def _run_lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = False

        async def asking() -> Message:
            nonlocal asked
            asked = True
            return await receive()

        try:
            await self._app(scope, asking, send)
        except Exception as error:
            if asked:
                self._failed = error
                raise
        if not asked:  # it does not know the protocol: the specification says to go on without
            for phase in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{phase}.complete"})
