import pytest

from books.limits import limiter


@pytest.fixture(autouse=True)
def unlimited():
    limiter.reset()


@pytest.mark.parametrize("q", ["nose", "coat", "souls", "diary"])
async def test_search(http, q):
    assert (await http.get("/search", params={"q": q})).status_code == 200
