"""Open a websocket by a request of the client, so that all that counts for requests counts for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import httpx2

from hermetic.client._disconnect import WebSocketDisconnect, denial
from hermetic.client._socket import CLOSE, NORMAL, SOCKET, Socket

if TYPE_CHECKING:
    from hermetic.client._client import AsyncTestClient

HEADERS = {"connection": "upgrade", "sec-websocket-key": "testserver==", "sec-websocket-version": "13"}
SCHEMES = {"http": "ws", "https": "wss"}


async def shake_hands(
    client: AsyncTestClient,
    url: httpx2.URL | str,
    subprotocols: Sequence[str] | None,
    options: dict[str, Any],
) -> Socket:
    """Ask the application to accept a websocket.

    Args:
        client: The client whose request it is.
        url: Where.
        subprotocols: The subprotocols to offer.
        options: Arguments of ``AsyncTestClient.build_request`` and ``AsyncTestClient.send``.

    Raises:
        BaseException: What the application raised.
        WebSocketDisconnect: It closed without accepting.
        WebSocketDenialResponse: It refused with a response.
    """
    __tracebackhide__ = True
    options = dict(options)
    sending = {"auth": options.pop("auth")} if "auth" in options else {}
    headers = httpx2.Headers(HEADERS)
    if subprotocols is not None:
        headers["sec-websocket-protocol"] = ", ".join(subprotocols)
    headers.update(options.pop("headers", None))
    request = client.build_request("GET", url, headers=headers, **options)
    request.url = request.url.copy_with(scheme=SCHEMES.get(request.url.scheme, request.url.scheme))
    response = await client.send(request, stream=True, follow_redirects=False, **sending)
    return await socket_of(response)


async def socket_of(response: httpx2.Response) -> Socket:
    """Return what an application accepted; raise what it refused, as of ``shake_hands``."""
    __tracebackhide__ = True
    socket = response.extensions.get(SOCKET)
    if isinstance(socket, Socket):
        return socket
    content = await response.aread()
    if (close := response.extensions.get(CLOSE)) is not None:
        raise WebSocketDisconnect(close.get("code", NORMAL), close.get("reason") or "")
    raise denial(response, content)
