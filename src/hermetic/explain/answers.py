"""Answers that are right, and not what the test had expected: a redirect, a refusal, an exception that is an answer."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote, urlsplit

from hermetic.causes.applications import (
    COOKIE_NOT_SENT,
    EXCEPTION_IS_AN_ANSWER,
    FORM_FOR_JSON,
    NONE_IN_A_PATH,
    REDIRECTED,
    SESSION_MAKER_AS_DEPENDENCY,
)
from hermetic.events.application import RequestEnded
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import places
from hermetic.explain.history import History
from hermetic.functions import codes

REDIRECT = 307
REFUSED = (401, 403)
UNPROCESSABLE = 422

ANSWERED = {"HTTPException": 400, "StarletteHTTPException": 400, "RequestValidationError": 422}
"""The exceptions that FastAPI makes an answer of, each with the lowest status that it may be."""

_NOT_RAISED = re.compile(r"DID NOT RAISE (?:<class ')?([\w.]+)")
_MAKERS_ARGUMENT = '["query","local_kw"]'
_FORM = re.compile(r"[\w.%+\[\]-]+=[^\s{}]*")


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Say why a request of the test was answered as it was."""
    ended = [each for each in history.of(RequestEnded) if each.owner.is_within(failure.owner)]
    if not ended or failure.phase == "teardown":
        return
    yield from _redirected(failure, ended)
    yield from _without_cookie(failure, ended)
    yield from _form_for_json(failure, ended)
    yield from _session_maker(failure, ended)
    yield from _none_in_a_path(failure, ended)
    yield from _not_raised(failure, ended)


def is_met(failure: Failure, each: RequestEnded, ended: list[RequestEnded]) -> bool:
    """Whether the failure speaks of an answer's status, or nothing came after it and the test does not expect it."""
    first = str(failure.error).partition("\n")[0]
    if re.search(rf"\b{each.status}\b", first):
        return True
    return each is ended[-1] and not _stands_in(failure.owner.function, each.status)


def _stands_in(test: Callable[..., Any] | None, status: int) -> bool:
    """Whether a test has a status in its code, or among its parameters, which it then expects."""
    code = None if test is None else getattr(inspect.unwrap(test), "__code__", None)
    is_named = code is not None and any(
        status in each.co_consts or any(map(names_of(status).fullmatch, each.co_names))
        for each in codes(code)
    )
    return is_named or any(isinstance(each, int) and each == status for each in _parameters(test))


def names_of(status: int) -> re.Pattern[str]:
    """Return what a status is called by FastAPI and Starlette, and by ``http.HTTPStatus``."""
    known = [name for name, each in HTTPStatus.__members__.items() if each == status]
    return re.compile("|".join([rf"HTTP_{status}_\w+", *known]), re.IGNORECASE)


def _parameters(test: Callable[..., Any] | None) -> Iterator[Any]:
    """Give the values of which ``pytest.mark.parametrize`` gives a test one each time."""
    for mark in getattr(test, "pytestmark", ()):
        for each in mark.args[1] if mark.name == "parametrize" and len(mark.args) > 1 else ():
            values = getattr(each, "values", each)  # of pytest.param
            yield from values if isinstance(values, list | tuple) else (values,)


def _redirected(failure: Failure, ended: list[RequestEnded]) -> Iterator[Explanation]:
    """Name a request that Starlette redirected for its slash."""
    for each in ended:
        other = unquote(urlsplit(each.redirected_to).path)
        is_of_a_slash = other != each.path and other.rstrip("/") == each.path.rstrip("/")
        is_by_starlette = each.status == REDIRECT and not each.endpoint and is_of_a_slash
        if not is_by_starlette or not is_met(failure, each, ended):
            continue
        yield Explanation(
            REDIRECTED,
            (
                f"{each.method} {each.path} was answered by {REDIRECT}: the route is {other}, and the client does not"
                " follow redirects.",
            ),
            (f"{each.method} {other}, as the route is; or follow_redirects=True in the client",),
        )
        return


def _without_cookie(failure: Failure, ended: list[RequestEnded]) -> Iterator[Explanation]:
    """Name a cookie that was set for https only, and that a refused request came without."""
    kept: dict[str, RequestEnded] = {}
    for each in ended:
        lacking = [name for name in kept if name not in each.cookies] if each.status in REFUSED else []
        if lacking and is_met(failure, each, ended):
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


def _form_for_json(failure: Failure, ended: list[RequestEnded]) -> Iterator[Explanation]:
    """Name a request that was refused because its body is a form, and the endpoint reads JSON."""
    for each in ended:
        if each.status == UNPROCESSABLE and is_met(failure, each, ended) and _is_of_a_form(each.body):
            yield Explanation(
                FORM_FOR_JSON,
                (
                    f"{each.method} {each.path} was answered by {UNPROCESSABLE}: its body is a form, as `data=` sends"
                    " it, and the endpoint reads JSON.",
                ),
                (f"{_sent_at(failure)}json= in place of data=",),
            )
            return


def _is_of_a_form(body: str) -> bool:
    """Whether FastAPI says that the body as a whole is no object, and repeats it: ``name=Ada&age=36``."""
    try:
        errors = json.loads(body)["detail"]
        return any(
            each["loc"] == ["body"] and isinstance(each["input"], str) and _FORM.fullmatch(each["input"])
            for each in errors
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return False


def _session_maker(failure: Failure, ended: list[RequestEnded]) -> Iterator[Explanation]:
    """Name a request that was refused because an endpoint depends on what makes sessions, which takes any argument."""
    for each in ended:
        is_of_a_maker = _MAKERS_ARGUMENT in each.body.replace(" ", "")
        if each.status == UNPROCESSABLE and is_of_a_maker and is_met(failure, each, ended):
            yield Explanation(
                SESSION_MAKER_AS_DEPENDENCY,
                (
                    f"{each.method} {each.path} was answered by {UNPROCESSABLE}: it depends on a sessionmaker itself,"
                    " whose argument local_kw FastAPI reads from the query.",
                ),
                (
                    "Depends(get_session), an async function that yields a session of async with Session() as session",
                ),
            )
            return


def _none_in_a_path(failure: Failure, ended: list[RequestEnded]) -> Iterator[Explanation]:
    """Name a request whose path has None where a value belongs."""
    for each in ended:
        if "None" in each.path.split("/") and each.status >= 400 and is_met(failure, each, ended):
            yield Explanation(
                NONE_IN_A_PATH,
                (
                    f"{each.method} {each.path} was answered by {each.status}: the test put None into the path. So is"
                    " the id of an object which the database gives it, until its session is flushed.",
                ),
                (
                    f"{_sent_at(failure)}await session.commit() before the id is read; or, of an answer, look first at"
                    " what it says",
                ),
            )
            return


def _not_raised(failure: Failure, ended: list[RequestEnded]) -> Iterator[Explanation]:
    """Name the answer that FastAPI made of an exception which the test expects of its client."""
    found = _NOT_RAISED.match(str(failure.error))
    lowest = 0 if found is None else ANSWERED.get(found[1].rpartition(".")[2], 0)
    refused = [
        each for each in ended if lowest and each.status >= lowest and each.endpoint and not each.error
    ]
    if found is None or not refused:
        return
    last, name = refused[-1], found[1].rpartition(".")[2]
    yield Explanation(
        EXCEPTION_IS_AN_ANSWER,
        (
            f"{last.method} {last.path} was answered by {last.status}: FastAPI makes an answer of an endpoint's {name},"
            " and no client raises it.",
        ),
        (f"{_sent_at(failure)}assert response.status_code == {last.status}, without pytest.raises({name})",),
    )


def _sent_at(failure: Failure) -> str:
    """Return the line of the test that failed, as a change begins with it."""
    return next((f"{at}: " for at in places(failure.error)[::-1]), "")
