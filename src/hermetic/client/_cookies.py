"""Cookies whose ``Domain`` is the host itself, as browsers take them, where the host is one word.

``http.cookiejar`` refuses ``Domain=testserver``, and ``Domain=localhost``: it knows no domain without a dot. Such a
cookie is kept as one that names no domain, which means the same: it is for that host alone.
"""

from __future__ import annotations

from http.cookiejar import Cookie, DefaultCookiePolicy
from typing import Any

import httpx2


class SingleLabelPolicy(DefaultCookiePolicy):
    """The usual policy, which also takes a cookie for the host that sets it, when the host has no dot."""

    def set_ok_domain(self, cookie: Cookie, request: Any) -> bool:
        """Tell whether a response may set this cookie."""
        host = request.host.partition(":")[0].lower()
        if cookie.domain_specified and cookie.domain.lstrip(".") == host and "." not in host:
            cookie.domain = f"{host}.local"  # the jar's own name for such a host
            cookie.domain_specified = cookie.domain_initial_dot = False
        return super().set_ok_domain(cookie, request)


def set_by(response: httpx2.Response) -> httpx2.Cookies:
    """Return the cookies that a response sets."""
    cookies = httpx2.Cookies()
    cookies.jar.set_policy(SingleLabelPolicy())
    cookies.extract_cookies(response)
    return cookies
