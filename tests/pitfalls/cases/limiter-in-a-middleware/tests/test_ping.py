import pytest


@pytest.mark.parametrize("number", range(4))
async def test_ping(http, number):
    assert (await http.get("/ping")).status_code == 200
