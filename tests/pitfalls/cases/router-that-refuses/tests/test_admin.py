import pytest

import books.admin
from books.api import api
from books.security import current_user


@pytest.fixture
def as_admin():
    api.dependency_overrides[current_user] = lambda: {"name": "root"}
    yield
    api.dependency_overrides.clear()


async def test_me(http, as_admin):
    answer = await http.get("/admin/me")
    assert answer.status_code == 200
    assert answer.json() == {"name": "root"}
