"""The calls that make a client by hand: which they are, and how hermetic's is made with the same behaviour.

What differs is written down, so that nothing changes but the client: httpx follows no redirect unless it is told, its
transport says that requests come from ``127.0.0.1``, and async-asgi-testclient asks ``localhost``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from hermetic.migrate.text import SourceText
from hermetic.source.syntax import keyword

HTTPX = frozenset({"httpx.AsyncClient", "httpx2.AsyncClient"})
TRANSPORTS = frozenset(
    {
        f"{name}.ASGITransport"
        for name in ("httpx", "httpx._transports.asgi", "httpx2", "httpx2._transports.asgi")
    }
)
ASGI_CLIENTS = frozenset({"async_asgi_testclient.TestClient", "async_asgi_testclient.testing.TestClient"})
MANAGERS = frozenset({"asgi_lifespan.LifespanManager", "asgi_lifespan._manager.LifespanManager"})

KEPT = frozenset(
    {
        "auth",
        "base_url",
        "cookies",
        "default_encoding",
        "event_hooks",
        "follow_redirects",
        "headers",
        "max_redirects",
        "params",
        "timeout",
    }
)
"""Keywords of httpx's client that hermetic's has as well."""
MEANINGLESS = frozenset({"cert", "http1", "http2", "limits", "proxies", "proxy", "trust_env", "verify"})
"""Those about connections, of which there are none."""
OF_TRANSPORT = {
    "raise_app_exceptions": "raise_server_exceptions",
    "root_path": "root_path",
    "client": "client",
}
OF_ASGI_CLIENT = frozenset({"headers"})
CLIENT_OF_TRANSPORT = 'client=("127.0.0.1", 123)'


@dataclass(frozen=True)
class Maker:
    """A call that makes a client of an application.

    Attributes:
        call: The call.
        app: The application.
        transport: The call that makes its transport, if there is one.
        has_lifespan: Whether entering the client runs the lifespan.
    """

    call: ast.Call
    app: ast.expr
    transport: ast.Call | None = None
    has_lifespan: bool = False

    @property
    def obstacle(self) -> str:
        """What of its arguments has no equal; empty where all have."""
        if any(word.arg is None for call in self._calls for word in call.keywords):
            return "some of its arguments are computed"
        allowed = OF_ASGI_CLIENT if self.has_lifespan else KEPT | MEANINGLESS | {"app", "transport"}
        others = [word.arg for word in self.call.keywords if word.arg not in allowed | {"application"}]
        if self.transport is not None:
            others += [word.arg for word in self.transport.keywords if word.arg not in {*OF_TRANSPORT, "app"}]
        if others:
            return f"AsyncTestClient has no argument {others[0]}"
        return "it is given arguments by position" if self._has_more_positions else ""

    @property
    def _calls(self) -> list[ast.Call]:
        return [self.call] if self.transport is None else [self.call, self.transport]

    @property
    def _has_more_positions(self) -> bool:
        of_call = 1 if self.has_lifespan else 0
        return len(self.call.args) > of_call or (self.transport is not None and len(self.transport.args) > 1)

    def rendered(self, text: SourceText, *, tells_address: bool, width: int = 0) -> str:
        """Return the call that makes hermetic's client, on as many lines as the old one.

        Args:
            text: The file.
            tells_address: Whether the application sees from where it is called.
            width: How many characters its lines move to the left.
        """
        arguments = [text.of(self.app), *self._kept(text), *self._added(text, tells_address)]
        given = [*self.call.args, *(word.value for word in self.call.keywords)]
        if given[0].lineno == self.call.lineno:
            return f"AsyncTestClient({', '.join(arguments)})"
        inner, outer = (text.indent(node)[width:] for node in (given[0], self.call))
        if len({each.lineno for each in given}) == 1 < len(given):
            return f"AsyncTestClient(\n{inner}{', '.join(arguments)}\n{outer})"
        lines = "".join(f"\n{inner}{argument}," for argument in arguments)
        return f"AsyncTestClient({lines}\n{outer})"

    def _kept(self, text: SourceText) -> Iterator[str]:
        for word in self.call.keywords:
            if word.arg in (OF_ASGI_CLIENT if self.has_lifespan else KEPT):
                yield f"{word.arg}={text.of(word.value)}"

    def _added(self, text: SourceText, tells_address: bool) -> Iterator[str]:
        if self.has_lifespan:
            yield 'base_url="http://localhost"'
            return
        if keyword(self.call, "follow_redirects") is None:
            yield "follow_redirects=False"
        for word in self.transport.keywords if self.transport is not None else ():
            if word.arg in OF_TRANSPORT:
                yield f"{OF_TRANSPORT[word.arg]}={text.of(word.value)}"
        if tells_address and keyword(self.transport, "client") is None:
            yield CLIENT_OF_TRANSPORT


def of_asgi_client(call: ast.Call) -> Maker | None:
    """Return how async-asgi-testclient's client is made by a call."""
    app = call.args[0] if call.args else keyword(call, "application")
    return None if app is None else Maker(call, app, has_lifespan=True)


def of_transport(call: ast.Call, transport: ast.Call) -> Maker | None:
    """Return how httpx's client is made by a call, with a transport."""
    app = transport.args[0] if transport.args else keyword(transport, "app")
    return None if app is None else Maker(call, app, transport)
