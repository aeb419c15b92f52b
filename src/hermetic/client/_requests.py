"""The requests of a client, built without doing twice what they have in common.

A test suite sends thousands of requests to a few dozen URLs, with the headers that its client has. Parsing the URL,
joining it to the base URL and copying the headers is most of what httpx2 does to build one. Here that is kept for the
next one; what is unusual (a client's own parameters, forms, files, an own iterator as the body) is left to httpx2, and
both ways give the same request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2

from hermetic.client import _asgi
from hermetic.client._asgi import Target

if TYPE_CHECKING:
    from httpx2._types import HeaderTypes, QueryParamTypes

    from hermetic.client._base import InLoopClient

KEPT = 512
NO_BODY = httpx2.ByteStream(b"")
WITHOUT_BODY = ("GET", "HEAD", "OPTIONS", "DELETE")


class Request(httpx2.Request):
    """A request that remembers what its URL says.

    Attributes:
        target: What its URL says; None when nobody has looked yet.
    """

    target: Target | None = None


def is_plain(request: httpx2.Request) -> bool:
    """Whether a request is one of HTTP, and its URL names no user."""
    known = _known_target(request)
    return _asgi.is_plain(request.url) if known is None else known.plain


def target_of(request: httpx2.Request) -> Target:
    """Return what a request's URL says; a hook may have given it another URL.

    Raises:
        httpx2.UnsupportedProtocol: It is neither of HTTP nor of a websocket.
    """
    __tracebackhide__ = True
    if (known := _known_target(request)) is not None:
        return known
    try:
        return Target.of(request.url)
    except httpx2.UnsupportedProtocol as error:
        error.request = request
        raise


def _known_target(request: httpx2.Request) -> Target | None:
    target = getattr(request, "target", None)
    return target if isinstance(target, Target) and target.url is request.url else None


class RequestBuilder:
    """Build the usual requests of a client.

    Args:
        client: Whose base URL, headers, cookies and time limits they get.
    """

    def __init__(self, client: InLoopClient) -> None:
        self._client = client
        self._base = client.base_url
        self._targets: dict[str, Target] = {}
        self._headers: dict[bytes, tuple[list[tuple[bytes, bytes]], httpx2.Headers]] = {}

    def build(
        self, method: str, url: str, params: QueryParamTypes | None, headers: HeaderTypes | None, json: Any
    ) -> Request | None:
        """Build a request as httpx2 does; return None for a URL that only httpx2 knows what to do with.

        Raises:
            httpx2.InvalidURL: That is no URL.
            TypeError: The JSON cannot be encoded.
        """
        __tracebackhide__ = True
        target = self._target(url)
        if target is None:
            return None
        client = self._client
        extensions = {"timeout": client.timeout.as_dict()}
        if json is None and headers is None and method in WITHOUT_BODY:
            request = Request(
                method,
                target.url,
                params=params,
                headers=self._complete(target),
                cookies=client.cookies,
                stream=NO_BODY,
                extensions=extensions,
            )
            request.read()
        else:
            merged = httpx2.Headers(client.headers)
            merged.update(headers)
            request = Request(
                method,
                target.url,
                params=params,
                headers=merged,
                cookies=client.cookies,
                json=json,
                extensions=extensions,
            )
        if params is None:
            request.url, request.target = target.url, target
        return request

    def _target(self, url: str) -> Target | None:
        base = self._client.base_url
        if base is not self._base:
            self._base = base
            self._targets.clear()
        target = self._targets.get(url)
        if target is None:
            merged = httpx2.AsyncClient.build_request(self._client, "GET", url).url
            if merged.scheme not in ("http", "https"):
                return None
            if len(self._targets) == KEPT:
                self._targets.clear()
            target = self._targets[url] = Target.of(merged)
        return target

    def _complete(self, target: Target) -> httpx2.Headers:
        """Return the client's headers with the host before them, as a request without a body has them."""
        raw = self._client.headers.raw
        kept = self._headers.get(target.host)
        if kept is None or kept[0] != raw:
            plain = httpx2.Request("GET", target.url, headers=self._client.headers)
            kept = self._headers[target.host] = (raw, plain.headers)
        return kept[1]
