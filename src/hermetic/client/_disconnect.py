"""The exceptions by which a test learns that a websocket was closed or refused: Starlette's own, where it is there.

So ``pytest.raises(WebSocketDisconnect)`` means the same here and with ``TestClient``. Starlette is not asked to be
installed: the client runs any ASGI application.
"""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any, cast

import httpx2

if TYPE_CHECKING:
    from starlette.websockets import WebSocketDisconnect as WebSocketDisconnect
else:
    try:
        from starlette.websockets import WebSocketDisconnect
    except ImportError:

        class WebSocketDisconnect(Exception):
            """A websocket was closed.

            Args:
                code: The close code.
                reason: The close reason.
            """

            def __init__(self, code: int = 1000, reason: str | None = None) -> None:
                super().__init__(code, reason)
                self.code = code
                self.reason = reason or ""


class WebSocketDenialResponse(httpx2.Response, WebSocketDisconnect):  # type: ignore[misc]
    """The response by which an application refused a websocket: raised in the place of a connection."""


def denial(response: httpx2.Response, content: bytes) -> WebSocketDenialResponse:
    """Make the exception for a refusal; it is of the class of ``starlette.testclient`` too, where that is in use."""
    kind = _class_with(getattr(sys.modules.get("starlette.testclient"), "WebSocketDenialResponse", None))
    return kind(
        status_code=response.status_code,
        headers=response.headers,
        content=content,
        request=response.request,
    )


@functools.cache
def _class_with(other: Any) -> type[WebSocketDenialResponse]:
    if other is None or not issubclass(other, httpx2.Response):  # an old one is of httpx
        return WebSocketDenialResponse
    return cast(
        type[WebSocketDenialResponse], type("WebSocketDenialResponse", (WebSocketDenialResponse, other), {})
    )
