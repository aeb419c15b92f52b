"""The response to a request, as the application sends it or read to its end."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Iterator
from http.cookiejar import Cookie, DefaultCookiePolicy
from typing import Any

import httpx2

from hermetic.client._http_task import HTTPTask
from hermetic.client._httpx2 import READING_KNOWN, headers_of, mark_read


class SingleLabelPolicy(DefaultCookiePolicy):
    """The usual policy, which also takes a cookie for the host that sets it, when the host has no dot.

    ``http.cookiejar`` refuses ``Domain=testserver``, and ``Domain=localhost``: it knows no domain without a dot. Such a
    cookie is kept as one that names no domain, which means the same: it is for that host alone.
    """

    def set_ok_domain(self, cookie: Cookie, request: Any) -> bool:
        """Tell whether a response may set this cookie."""
        host = request.host.partition(":")[0].lower()
        if cookie.domain_specified and cookie.domain.lstrip(".") == host and "." not in host:
            cookie.domain = f"{host}.local"  # the jar's own name for such a host
            cookie.domain_specified = cookie.domain_initial_dot = False
        return super().set_ok_domain(cookie, request)


class Response(httpx2.Response):
    """A response that understands a cookie's ``Domain`` as the client does."""

    @functools.cached_property
    def cookies(self) -> httpx2.Cookies:
        """The cookies that this response sets."""
        return set_by(self)

    def iter_raw(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Give the body piece by piece, if it has been read; all else that reads it without ``await`` comes by here."""
        if not (self.is_stream_consumed or isinstance(self.stream, httpx2.SyncByteStream)):
            raise RuntimeError(
                "Attempted to call a sync iterator on an async stream: the body comes in the test's event loop."
                "\n\nhint: await response.aread()\nhint: async for line in response.aiter_lines():"
            )
        return super().iter_raw(chunk_size)

    def close(self) -> None:
        """Close the response, if it came whole."""
        if not isinstance(self.stream, httpx2.SyncByteStream):
            raise RuntimeError(
                "Attempted to call a sync close on an async stream: it ends in the test's event loop."
                "\n\nhint: await response.aclose()"
            )
        super().close()


class _Body(httpx2.AsyncByteStream):
    def __init__(self, task: HTTPTask) -> None:
        self._task = task

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        __tracebackhide__ = True
        return await self._task.next_chunk()

    async def aclose(self) -> None:
        __tracebackhide__ = True
        await self._task.close()


def streamed(task: HTTPTask) -> Response:
    """Return the response to a request; its body comes as it is sent."""
    return _response(task, _Body(task))


def read(task: HTTPTask, body: bytes, *, encoded: bool) -> Response:
    """Return the response to a request, read to its end.

    Args:
        task: The request; its response has been sent.
        body: The response's body, as it was sent.
        encoded: Whether the response has a ``content-encoding``.

    Raises:
        httpx2.DecodingError: The body is not encoded as its header says.
    """
    __tracebackhide__ = True
    response = _response(task, httpx2.ByteStream(body))
    if encoded or not READING_KNOWN:
        response.read()
    else:
        mark_read(response, body)
    return response


def header_names(task: HTTPTask) -> list[bytes]:
    """Return which headers a response has, in lower case; ``httpx2.Headers`` would decode them all to tell."""
    return [] if task.start is None else [name.lower() for name, _ in task.start["headers"]]


def set_by(response: httpx2.Response) -> httpx2.Cookies:
    """Return the cookies that a response sets."""
    cookies = httpx2.Cookies()
    cookies.jar.set_policy(SingleLabelPolicy())
    cookies.extract_cookies(response)
    return cookies


def _response(task: HTTPTask, stream: httpx2.AsyncByteStream) -> Response:
    assert task.start is not None
    response = Response(
        task.start["status"],
        headers=headers_of(task.start["headers"]),
        stream=stream,
        request=task.request,
        extensions=dict(task.extensions),
    )
    if (debug := task.extensions.get("http.response.debug")) is not None:
        for name in ("template", "context"):
            if name in debug:
                setattr(response, name, debug[name])
    return response
