import pytest

import books.limits


@pytest.mark.parametrize("q", ["nose", "coat", "souls", "diary"])
async def test_search(http, q):
    assert (await http.get("/search", params={"q": q})).status_code == 200
