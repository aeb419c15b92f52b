"""The pytest plugin of these runs: puts hermetic's client in place of the one that the tests are of."""

from __future__ import annotations

from typing import Any

import httpx2
from starlette import testclient

from conformance.facade import Facade
from hermetic.client._lifespan import Lifespan
from hermetic.client._request import ClientOptions
from hermetic.client._transport import InLoopTransport


class ASGITransport(InLoopTransport):
    """hermetic's transport with the arguments of httpx2's."""

    def __init__(
        self,
        app: Any,
        raise_app_exceptions: bool = True,
        root_path: str = "",
        client: tuple[str, int] = ("127.0.0.1", 123),
    ) -> None:
        options = ClientOptions(root_path, client, raise_errors=raise_app_exceptions)
        super().__init__(app, lifespan=Lifespan(app), options=options)


testclient.TestClient = Facade  # type: ignore[misc]
httpx2.ASGITransport = ASGITransport  # type: ignore[misc, assignment]
