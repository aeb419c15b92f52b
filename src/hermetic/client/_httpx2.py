"""Every private name of httpx2 that the client uses: looked for once, at import, and never needed.

Each spares time on the way of a usual request. Where an httpx2 has other names, what is public does the same, slower:

* what a request is made of, and a client keeps: else each is built from the start;
* what a response that has been read is made of: else each is built from the start, and reads itself;
* the lower-case names that headers keep: else they are made lower-case again;
* which transport a client sends by: else httpx2's own ``send`` sends everything, and chooses it.

The types of arguments are private as well; only who checks types imports them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
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

Q = TypeVar("Q", bound=httpx2.Request)
R = TypeVar("R", bound=httpx2.Response)
PARTS = ("base_url", "params", "headers", "cookies", "timeout")
"""What of a client its requests are made of."""

HeaderItems = Sequence[tuple[bytes, bytes, bytes]]
"""Each header's name as it was given, its name in lower case, and its value."""


def sends_by(client: httpx2.AsyncClient, transport: httpx2.AsyncBaseTransport) -> bool:
    """Whether a client is known to send every request by this transport, and as it is.

    Nobody mounted another one, or replaced it; there are no hooks and no authentication.
    """
    return (
        CLIENT_KNOWN
        and client._transport is transport
        and not client._mounts
        and client._auth is None
        and not (client._event_hooks["request"] or client._event_hooks["response"])
    )


def items_of(headers: httpx2.Headers) -> HeaderItems:
    """Return what headers keep, as it is now, where ``HEADERS_KNOWN``."""
    return [*headers._list]


def still_has(
    client: httpx2.AsyncClient, base_url: httpx2.URL, params: httpx2.QueryParams, headers: HeaderItems
) -> bool:
    """Whether nobody has given a client another of these, where ``COPIES_KNOWN``."""
    return client._base_url is base_url and client._params is params and client._headers._list == headers


def copy_of(request: Q, url: httpx2.URL, client: httpx2.AsyncClient) -> Q:
    """Return a copy of a request without a body, to another URL, where ``COPIES_KNOWN``.

    It gets the client's time limits and cookies of now.
    """
    copy = object.__new__(type(request))
    copy.method = request.method
    copy.url = url
    copy.headers = headers_of(request.headers._list)
    copy.extensions = {"timeout": client._timeout.as_dict()}
    copy.stream = request.stream
    copy._content = request._content
    if getattr(client._cookies.jar, "_cookies", True) and (cookies := client.cookies):
        cookies.set_cookie_header(copy)
    return copy


def read_response(
    kind: type[R],
    status: int,
    headers: HeaderItems,
    body: bytes,
    request: httpx2.Request,
    extensions: Mapping[str, Any],
) -> R:
    """Return a response that has been read, and whose body is not encoded, where ``RESPONSE_KNOWN``."""
    response = object.__new__(kind)
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
    headers = object.__new__(httpx2.Headers)
    headers._list = [*items]
    headers._encoding = None
    return headers


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


def knows_client() -> bool:
    """Find out whether a client keeps all that it has under the known names."""
    transport = httpx2.AsyncBaseTransport()
    client = httpx2.AsyncClient(transport=transport, mounts={"all://": transport})
    kept = vars(client)
    return (
        kept.get("_transport") is transport
        and [*kept.get("_mounts", {}).values()] == [transport]
        and all(
            kept.get(f"_{name}", kept) is getattr(client, name) for name in ("auth", "event_hooks", *PARTS)
        )
    )


@lru_cache
def keeps_parts(kind: type[httpx2.AsyncClient]) -> bool:
    """Find out whether a kind of client has what its requests are made of where every client of httpx2 has it."""
    return COPIES_KNOWN and all(getattr(kind, name) is getattr(httpx2.AsyncClient, name) for name in PARTS)


REQUEST_KNOWN = knows_requests()
HEADERS_KNOWN = knows_headers()
RESPONSE_KNOWN = knows_responses()
CLIENT_KNOWN = knows_client()
COPIES_KNOWN = REQUEST_KNOWN and HEADERS_KNOWN and CLIENT_KNOWN
