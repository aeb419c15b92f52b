import pytest

import books.admin
from books.api import api
from books.security import current_user, require_token


@pytest.fixture
def as_admin():
    api.dependency_overrides[current_user] = lambda: {"name": "root"}
    api.dependency_overrides[require_token] = lambda: None
    yield
    api.dependency_overrides.clear()


async def test_me(http, as_admin):
    answer = await http.get("/admin/me")
    assert answer.status_code == 200
    assert answer.json() == {"name": "root"}
