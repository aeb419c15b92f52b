"""What the application does: requests, websockets, lifespans, tasks."""

from __future__ import annotations

from typing import NamedTuple

from hermetic.owners import Owner

BODY = 16_000
"""Characters of the body of an answer that is an error at the most."""


class RequestBegan(NamedTuple):
    """An application is called for a request.

    Attributes:
        owner: The request, whose parent sent it.
        method: The method.
        path: The path, without the query string.
    """

    owner: Owner
    method: str
    path: str


class RequestEnded(NamedTuple):
    """An application has ended the call for a request, background tasks of the response included.

    Attributes:
        owner: The request.
        method: The method.
        path: The path, without the query string.
        status: The status of the response; 0 where there was none.
        seconds: What it took.
        error: The name of the class of what the application raised; else empty.
        query: The query string, as it is: whoever shows it masks it.
        body: The text of a response that is an error (4xx, 5xx), as it is; of others, and where it is no text, empty.
        endpoint: The number of the function that answered it, as ``id`` gives it; 0 where no route was found.
        secure_cookies: The names of cookies that the answer sets for https only, though the request came by http.
        cookies: Of a response that is an error, the names of the cookies that the request had.
        redirected_to: The URL of a response that is a redirect; of others empty.
    """

    owner: Owner
    method: str
    path: str
    status: int
    seconds: float
    error: str
    query: str = ""
    body: str = ""
    endpoint: int = 0
    secure_cookies: tuple[str, ...] = ()
    cookies: tuple[str, ...] = ()
    redirected_to: str = ""


class OverrideUnused(NamedTuple):
    """A test that has failed had set an override which no request of it could use.

    Attributes:
        owner: A request that could have.
        code: That of the cause.
        lines: Which override it is, and why it was not used.
        change: What to change.
    """

    owner: Owner
    code: str
    lines: tuple[str, ...]
    change: tuple[str, ...]


class WebsocketBegan(NamedTuple):
    """An application is called for a websocket."""

    owner: Owner
    path: str


class WebsocketEnded(NamedTuple):
    """An application has ended the call for a websocket.

    Attributes:
        owner: The websocket, whose kind is ``"request"``.
        path: The path, without the query string.
        code: The code with which the application closed it; 0 where it did not.
        seconds: What it took.
        error: The name of the class of what the application raised; else empty.
    """

    owner: Owner
    path: str
    code: int
    seconds: float
    error: str


class LifespanBegan(NamedTuple):
    """An application is called for its lifespan."""

    owner: Owner


class StartUpBegan(NamedTuple):
    """An application is about to start, whoever starts it.

    Attributes:
        owner: The lifespan.
        application: A number that tells it from the others that there are.
    """

    owner: Owner
    application: int


class LifespanStarted(NamedTuple):
    """An application's start-up is over.

    Attributes:
        owner: The lifespan.
        seconds: What it took.
    """

    owner: Owner
    seconds: float


class LifespanEnded(NamedTuple):
    """An application's lifespan is over.

    Attributes:
        owner: The lifespan.
        error: The name of the class of what the application raised; else empty.
    """

    owner: Owner
    error: str


class TaskFound(NamedTuple):
    """A task was still running when the test, or the call, that started it was over: it gets time to end.

    Attributes:
        owner: Who started it.
        name: The coroutine's.
        place: Where it waits, ``file:line``.
    """

    owner: Owner
    name: str
    place: str


class TaskEnded(NamedTuple):
    """A task that was found running has ended.

    Attributes:
        owner: Who started it.
        name: The coroutine's.
        is_cancelled: Whether it had to be cancelled.
    """

    owner: Owner
    name: str
    is_cancelled: bool
