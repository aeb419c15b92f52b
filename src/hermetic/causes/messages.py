"""What the message of a library says well enough, once one knows which line it is about."""

from __future__ import annotations

from hermetic.causes import Cause

CLIENT_TAKES_NO_APP = Cause(
    "HM720",
    "AsyncClient(app=...) is gone",
    """
    httpx 0.28 took the argument `app` away; an application is given as a transport, and needs a base_url. The fixture
    `async_client` is such a client, which runs the lifespan too.
    """,
)
