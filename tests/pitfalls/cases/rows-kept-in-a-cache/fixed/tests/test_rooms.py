import pytest

from books import rooms


@pytest.fixture(autouse=True)
def empty_rooms():
    rooms._rooms.clear()


async def test_gogol(http):
    await http.post("/authors", json={"name": "Gogol"})
    assert (await http.get("/rooms/1")).json() == "Gogol"


async def test_pushkin(http):
    await http.post("/authors", json={"name": "Pushkin"})
    assert (await http.get("/rooms/1")).json() == "Pushkin"
