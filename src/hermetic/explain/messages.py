"""Messages of libraries that suffice, together with the line of the project that they are about."""

from __future__ import annotations

from collections.abc import Iterator

from hermetic.causes.messages import CLIENT_TAKES_NO_APP
from hermetic.explain.failure import Explanation, Failure, places
from hermetic.explain.history import History


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Give what is known of the messages in a failure's chain."""
    del history
    for error in failure.chain():
        text = str(error)
        at = places(error)
        if isinstance(error, TypeError) and "AsyncClient.__init__()" in text and "'app'" in text and at:
            yield Explanation(
                CLIENT_TAKES_NO_APP,
                (f"{at[0]} makes AsyncClient(app=...), which httpx 0.28 and later do not have.",),
                (
                    'AsyncClient(transport=ASGITransport(app=app), base_url="http://test"),'
                    " or the fixture async_client, which runs the lifespan too",
                ),
            )
