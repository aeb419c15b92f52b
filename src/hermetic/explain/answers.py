"""Answers that are right, and not what the test had expected: a redirect, a cookie that is not sent, a limit."""

from __future__ import annotations

from collections.abc import Iterator

from hermetic.causes.applications import COOKIE_NOT_SENT, REDIRECTED
from hermetic.events.application import RequestEnded
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.history import History

REDIRECT = 307
REFUSED = (401, 403)


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Say why a request of the test was answered as it was."""
    ended = [each for each in history.of(RequestEnded) if each.owner.is_within(failure.owner)]
    if not ended or failure.phase == "teardown":
        return
    yield from _redirected(failure, ended)
    yield from _without_cookie(ended)


def _redirected(failure: Failure, ended: list[RequestEnded]) -> Iterator[Explanation]:
    """Name a request that Starlette redirected for its slash, if the failure speaks of it, or nothing came after it."""
    first = str(failure.error).partition("\n")[0]
    for each in ended:
        is_meant = each is ended[-1] or str(REDIRECT) in first
        if each.status != REDIRECT or each.endpoint is not None or not is_meant:
            continue
        other = each.path.rstrip("/") if each.path.endswith("/") else f"{each.path}/"
        yield Explanation(
            REDIRECTED,
            (
                f"{each.method} {each.path} was answered by {REDIRECT}: the route is {other}, and the client does not"
                " follow redirects.",
            ),
            (f"{each.method} {other}, as the route is; or follow_redirects=True in the client",),
        )
        return


def _without_cookie(ended: list[RequestEnded]) -> Iterator[Explanation]:
    """Name a cookie that was set for https only, and that a refused request came without."""
    kept: dict[str, RequestEnded] = {}
    for each in ended:
        lacking = [name for name in kept if name not in each.cookies] if each.status in REFUSED else []
        if lacking:
            name = lacking[0]
            yield Explanation(
                COOKIE_NOT_SENT,
                (
                    f"{each.method} {each.path} was answered by {each.status}, and came without the cookie {name}:"
                    f" {kept[name].method} {kept[name].path} has set it with Secure, and a client sends such a cookie"
                    " over https only. The requests of this test are of http://.",
                ),
                ('base_url="https://..." for the client; or a setting that leaves Secure out in tests',),
            )
            return
        kept.update(dict.fromkeys(each.secure_cookies, each))
