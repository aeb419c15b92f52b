"""Every private name of httpx2 that the client uses: looked for once, at import, and never needed.

Each spares time on the way of a usual request. Where an httpx2 has other names, what is public does the same, slower:

* what a request is made of: else each is built from the start;
* how a response remembers that it has been read: else it reads itself;
* the lower-case names that headers keep: else they are made lower-case again;
* which transport a client sends by: else httpx2's own ``send`` sends everything, and chooses it.

The types of arguments are private as well; only who checks types imports them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2

if TYPE_CHECKING:
    from httpx2._client import UseClientDefault as UseClientDefault
    from httpx2._types import AuthTypes as AuthTypes
    from httpx2._types import CookieTypes as CookieTypes
    from httpx2._types import HeaderTypes as HeaderTypes
    from httpx2._types import QueryParamTypes as QueryParamTypes
    from httpx2._types import RequestContent as RequestContent
    from httpx2._types import RequestData as RequestData
    from httpx2._types import RequestExtensions as RequestExtensions
    from httpx2._types import RequestFiles as RequestFiles
    from httpx2._types import TimeoutTypes as TimeoutTypes


def sends_by(client: httpx2.AsyncClient, transport: httpx2.AsyncBaseTransport) -> bool:
    """Whether a client is known to send every request by this transport: nobody mounted one, or replaced it."""
    return TRANSPORT_KNOWN and client._transport is transport and not client._mounts


def mark_read(response: httpx2.Response, body: bytes) -> None:
    """Have a response, whose body is not encoded, be one that has been read, where ``READING_KNOWN``."""
    response._content = body
    response._num_bytes_downloaded = len(body)
    response.is_closed = response.is_stream_consumed = True


def lower_headers(headers: httpx2.Headers) -> list[tuple[bytes, bytes]]:
    """Return the names, in lower case, and the values of headers."""
    if HEADERS_KNOWN:
        return [(name, value) for _, name, value in headers._list]
    return [(name.lower(), value) for name, value in headers.raw]


def headers_of(pairs: list[tuple[bytes, bytes]]) -> httpx2.Headers | list[tuple[bytes, bytes]]:
    """Return headers for a response, without a look at what kind of headers these may be."""
    if not HEADERS_KNOWN:
        return pairs
    headers = httpx2.Headers()
    headers._list = [(name, name.lower(), value) for name, value in pairs]
    return headers


def same_headers(one: httpx2.Headers, other: httpx2.Headers) -> bool:
    """Whether two have the same headers, in the same order."""
    return one._list == other._list if HEADERS_KNOWN else one.raw == other.raw


def knows_reading() -> bool:
    """Find out whether a response remembers of what it has read what ``mark_read`` says, and no more."""
    read, marked = (httpx2.Response(200, stream=httpx2.ByteStream(b"body")) for _ in range(2))
    read.read()
    mark_read(marked, b"body")
    one, other = (
        {**vars(each), "stream": None, "headers": None, "_decoder": None} for each in (read, marked)
    )
    return one == other


def knows_requests() -> bool:
    """Find out whether a request without a body is made of what is known, and so can be copied."""
    known = {"method", "url", "headers", "extensions", "stream", "_content"}
    return vars(httpx2.Request("GET", "http://testserver/")).keys() == known


def knows_headers() -> bool:
    """Find out whether headers keep each name as given, in lower case, and its value."""
    headers = httpx2.Headers([(b"X-One", b"1")])
    headers["X-Two"] = "2"
    return getattr(headers, "_list", None) == [(b"X-One", b"x-one", b"1"), (b"X-Two", b"x-two", b"2")]


def knows_transport() -> bool:
    """Find out whether a client keeps its transport and those that are mounted under the known names."""
    transport = httpx2.AsyncBaseTransport()
    client = httpx2.AsyncClient(transport=transport, mounts={"all://": transport})
    return getattr(client, "_transport", None) is transport and list(
        getattr(client, "_mounts", {}).values()
    ) == [transport]


REQUEST_KNOWN = knows_requests()
READING_KNOWN = knows_reading()
HEADERS_KNOWN = knows_headers()
TRANSPORT_KNOWN = knows_transport()
