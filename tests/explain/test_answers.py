"""An answer that the application is right to give is explained where the failed test had expected another one."""

from __future__ import annotations

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import pytest
from starlette import status

from hermetic.events import emit
from hermetic.events.application import RequestEnded
from hermetic.explain.history import History
from hermetic.owners import Owner
from tests.explain.failing import TEST, said

REQUEST = Owner("request POST /shops", "request", "function", TEST)
ENDPOINT = 7
"""The number of a function."""


def answered(method: str, path: str, status: int, endpoint: int = 0, **cookies: Any) -> None:
    """Tell of a request."""
    emit(RequestEnded(REQUEST, method, path, status, 0.001, "", endpoint=endpoint, **cookies))


@pytest.mark.parametrize(
    ("path", "other", "error"),
    [
        ("/the shops", "/the shops/", AssertionError("assert 307 == 201")),
        ("/shops", "/shops/", AssertionError("assert 307 == 201")),
        ("/shops/", "/shops", json.JSONDecodeError("Expecting value", "", 0)),
    ],
)
def test_a_redirect_to_the_other_slash(history: History, path: str, other: str, error: Exception) -> None:
    """The path as the route has it, and the argument that has a client follow."""
    answered("POST", path, 307, redirected_to=f"http://test{quote(other)}")
    text = said(error, history)
    assert f"POST {path} was answered by 307: the route is {other}, " in text
    assert "[HM775]" in text


def test_a_redirect_that_is_nothing_to_the_failure(history: History) -> None:
    """An endpoint's own, one to https, one that was followed, and one before another failure: nothing is said."""
    answered("GET", "/old", 307, endpoint=ENDPOINT, redirected_to="http://test/old/")
    assert "HM775" not in said(AssertionError("assert 307 == 200"), history)
    answered("GET", "/shops", 307, redirected_to="https://test/shops")
    assert "HM775" not in said(AssertionError("assert 307 == 200"), history)
    answered("POST", "/shops", 307, redirected_to="http://test/shops/")
    answered("POST", "/shops/", 409, endpoint=ENDPOINT)
    assert "HM775" not in said(AssertionError("assert 409 == 201"), history)


def test_a_secure_cookie_over_http(history: History) -> None:
    """The cookie, who set it, and the request that came without; nothing where it came with it."""
    answered("POST", "/login", 200, endpoint=ENDPOINT, secure_cookies=("sid",))
    answered("GET", "/me", 401, endpoint=ENDPOINT, cookies=("sid",))
    assert "HM776" not in said(AssertionError("assert 401 == 200"), history)
    answered("GET", "/me", 401, endpoint=ENDPOINT, cookies=("theme",))
    text = said(AssertionError("assert 401 == 200"), history)
    assert "GET /me was answered by 401, and came without the cookie sid: POST /login has set it" in text


def by_fastapi() -> None:
    """Expect a status by the name that FastAPI and Starlette give it."""
    assert status.HTTP_401_UNAUTHORIZED


def by_the_standard_library() -> None:
    """Expect a status by the name that HTTPStatus has for it."""
    assert HTTPStatus.UNAUTHORIZED


@pytest.mark.parametrize(("path", "expected"), [("/", 200), pytest.param("/me", 401, id="me")])
def by_a_parameter(path: str, expected: int) -> None:
    """Expect what the case says."""


@pytest.mark.parametrize("expected", [401])
def by_its_only_parameter(expected: int) -> None:
    """Expect what the case says, too."""


@pytest.mark.parametrize("test", [by_fastapi, by_the_standard_library, by_a_parameter, by_its_only_parameter])
def test_a_status_that_the_test_expects_by_another_name(
    history: History, monkeypatch: pytest.MonkeyPatch, test: Callable[..., None]
) -> None:
    """Nothing is said of it, as of its number."""
    monkeypatch.setattr(TEST, "function", test)
    answered("POST", "/login", 200, endpoint=ENDPOINT, secure_cookies=("sid",))
    answered("GET", "/me", 401, endpoint=ENDPOINT)
    assert "HM776" not in said(AssertionError("assert 'a' == 'b'"), history)
    assert "HM776" in said(AssertionError("assert 401 == 200"), history)


@pytest.mark.parametrize("expected", [200])
def by_another_parameter(expected: int) -> None:
    """Expect something else."""


def test_a_status_that_no_case_of_the_test_expects(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said why the request was answered so."""
    monkeypatch.setattr(TEST, "function", by_another_parameter)
    answered("POST", "/login", 200, endpoint=ENDPOINT, secure_cookies=("sid",))
    answered("GET", "/me", 401, endpoint=ENDPOINT)
    assert "HM776" in said(AssertionError("assert 'a' == 'b'"), history)


def test_a_status_that_the_test_expects(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in the test is nothing that it has stumbled over, unless the failure names it."""

    def expecting(statuses: list[int]) -> None:
        assert statuses == [307, 401]

    monkeypatch.setattr(TEST, "function", expecting)
    answered("POST", "/login", 200, endpoint=ENDPOINT, secure_cookies=("sid",))
    answered("GET", "/me", 401, endpoint=ENDPOINT)
    assert "HM776" not in said(AssertionError("assert 'a' == 'b'"), history)
    assert "HM776" in said(AssertionError("assert 401 == 200"), history)
    answered("POST", "/shops", 307, redirected_to="http://test/shops/")
    assert "HM775" not in said(AssertionError("assert 'a' == 'b'"), history)


@pytest.mark.parametrize(
    ("given", "is_form"),
    [
        ("name=Gogol", True),
        ("name=Gogol&born=1809", True),
        ({"nane": 1}, False),
        ("Gogol", False),
        (None, False),
    ],
)
def test_a_form_for_json(history: History, given: object, is_form: bool) -> None:
    """FastAPI repeats the body that is no object; nothing where it is something else, or another status."""
    error = {"type": "model_attributes_type", "loc": ["body"], "msg": "Input should be ...", "input": given}
    emit(RequestEnded(REQUEST, "POST", "/shops", 422, 0.001, "", body=json.dumps({"detail": [error]})))
    assert ("HM792" in said(AssertionError("assert 422 == 201"), history)) is is_form
    assert "HM792" not in said(AssertionError("assert 422 == 201"), History())


@pytest.mark.parametrize(("status", "name"), [(422, "local_kw"), (422, "page"), (400, "local_kw")])
def test_a_session_maker_as_a_dependency(history: History, status: int, name: str) -> None:
    """Only that has a parameter of this name, and only a refusal of the query is about it."""
    error = {"type": "missing", "loc": ["query", name], "msg": "Field required", "input": None}
    emit(RequestEnded(REQUEST, "GET", "/shops", status, 0.001, "", body=json.dumps({"detail": [error]})))
    text = said(AssertionError("assert {'detail': [{...}]} == []"), history)
    assert ("GET /shops was answered by 422: it depends on a sessionmaker itself" in text) is (
        status == 422 and name == "local_kw"
    )


@pytest.mark.parametrize("body", ["", "[]", '{"detail": "no"}', '{"detail": [{"loc": ["body", "name"]}]}'])
def test_a_refusal_of_another_kind(history: History, body: str) -> None:
    """Nothing is said of a form."""
    emit(RequestEnded(REQUEST, "POST", "/shops", 422, 0.001, "", body=body))
    assert "HM792" not in said(AssertionError("assert 422 == 201"), history)


def test_none_in_a_path(history: History) -> None:
    """Where it is refused, and as a whole part of the path."""
    answered("GET", "/shops/None", 200)
    answered("GET", "/shops/NoneSuch", 422)
    assert "HM793" not in said(AssertionError("assert 422 == 200"), history)
    answered("GET", "/shops/None/owner", 422)
    text = said(AssertionError("assert 422 == 200"), history)
    assert "GET /shops/None/owner was answered by 422: the test put None into the path." in text


def test_an_exception_that_is_an_answer(history: History) -> None:
    """Of the exceptions that FastAPI makes an answer of, with the status; nothing of others, or without a refusal."""
    answered("GET", "/shops/7", 200, endpoint=ENDPOINT)
    waiting = pytest.fail.Exception("DID NOT RAISE HTTPException")
    assert "HM791" not in said(waiting, history)
    answered("GET", "/shops/7", 404, endpoint=ENDPOINT)
    assert "HM791" not in said(pytest.fail.Exception("DID NOT RAISE ValueError"), history)
    assert "HM791" not in said(pytest.fail.Exception("DID NOT RAISE RequestValidationError"), history)
    for error in (waiting, pytest.fail.Exception("DID NOT RAISE <class 'fastapi.exceptions.HTTPException'>")):
        assert "assert response.status_code == 404, without pytest.raises(HTTPException)" in said(
            error, history
        )
