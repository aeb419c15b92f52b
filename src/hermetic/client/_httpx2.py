"""Every private name of httpx2 that the client uses: looked for once, at import, and never needed.

Each spares time on the way of a usual request. Where an httpx2 has other names, what is public does the same, slower:

* what a request is made of: else each is built from the start;
* what a response that has been read is made of: else each is built from the start, and reads itself;
* the lower-case names that headers keep: else they are made lower-case again;
* which transport a client sends by: else httpx2's own ``send`` sends everything, and chooses it.

The types of arguments are private as well; only who checks types imports them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

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

R = TypeVar("R", bound=httpx2.Response)
HeaderItems = Sequence[tuple[bytes, bytes, bytes]]
"""Each header's name as it was given, its name in lower case, and its value."""


def sends_by(client: httpx2.AsyncClient, transport: httpx2.AsyncBaseTransport) -> bool:
    """Whether a client is known to send every request by this transport: nobody mounted one, or replaced it."""
    return TRANSPORT_KNOWN and client._transport is transport and not client._mounts


def read_response(
    kind: type[R],
    status: int,
    headers: HeaderItems,
    body: bytes,
    request: httpx2.Request,
    extensions: Mapping[str, Any],
) -> R:
    """Return a response that has been read, and whose body is not encoded, where ``RESPONSE_KNOWN``."""
    response = kind.__new__(kind)
    response.status_code = status
    response.headers = headers_of(headers)
    response._request = request
    response.next_request = None
    response.extensions = {**extensions}
    response.history = []
    response.is_closed = response.is_stream_consumed = True
    response.default_encoding = "utf-8"
    response.stream = httpx2.ByteStream(body)
    response._content = body
    response._num_bytes_downloaded = len(body)
    return response


def lower_headers(headers: httpx2.Headers) -> list[tuple[bytes, bytes]]:
    """Return the names, in lower case, and the values of headers."""
    if HEADERS_KNOWN:
        return [(name, value) for _, name, value in headers._list]
    return [(name.lower(), value) for name, value in headers.raw]


def headers_of(items: HeaderItems) -> httpx2.Headers:
    """Return headers that have these items, without a look at what kind of headers these may be."""
    if not HEADERS_KNOWN:
        return httpx2.Headers([(name, value) for name, _, value in items])
    headers = httpx2.Headers.__new__(httpx2.Headers)
    headers._list = [*items]
    headers._encoding = None
    return headers


def same_headers(one: httpx2.Headers, other: httpx2.Headers) -> bool:
    """Whether two have the same headers, in the same order."""
    return one._list == other._list if HEADERS_KNOWN else one.raw == other.raw


def knows_responses() -> bool:
    """Find out whether a response that has been read is made of what ``read_response`` says, and of no more."""
    request = httpx2.Request("GET", "http://testserver/")
    theirs = httpx2.Response(200, stream=httpx2.ByteStream(b"body"), request=request, extensions={"one": 1})
    theirs.read()
    ours = read_response(httpx2.Response, 200, [], b"body", request, {"one": 1})
    one, other = ({**vars(each), "stream": None, "_decoder": None} for each in (theirs, ours))
    return one == other


def knows_requests() -> bool:
    """Find out whether a request without a body is made of what is known, and so can be copied."""
    known = {"method", "url", "headers", "extensions", "stream", "_content"}
    return vars(httpx2.Request("GET", "http://testserver/")).keys() == known


def knows_headers() -> bool:
    """Find out whether headers keep each name as given, in lower case, and its value."""
    headers = httpx2.Headers([(b"X-One", b"1")])
    headers["X-Two"] = "2"
    items = [(b"X-One", b"x-one", b"1"), (b"X-Two", b"x-two", b"2")]
    return vars(headers) == {"_list": items, "_encoding": None}


def knows_transport() -> bool:
    """Find out whether a client keeps its transport and those that are mounted under the known names."""
    transport = httpx2.AsyncBaseTransport()
    client = httpx2.AsyncClient(transport=transport, mounts={"all://": transport})
    return getattr(client, "_transport", None) is transport and list(
        getattr(client, "_mounts", {}).values()
    ) == [transport]


REQUEST_KNOWN = knows_requests()
HEADERS_KNOWN = knows_headers()
RESPONSE_KNOWN = knows_responses()
TRANSPORT_KNOWN = knows_transport()
