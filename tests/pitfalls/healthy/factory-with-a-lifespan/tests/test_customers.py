import asyncio

import pytest
from sqlalchemy.orm.exc import DetachedInstanceError  # noqa: F401


@pytest.mark.parametrize("email", ["a@example.org", "b@example.org"])
async def test_first(client, email):
    assert (await client.post("/customers", json={"email": email})).json() == {"id": 1}
    assert (await client.get("/customers")).json() == [email]


async def test_many_at_once(client):
    responses = await asyncio.gather(
        *(client.post("/customers", json={"email": f"{n}@example.org"}) for n in range(10))
    )
    assert {response.status_code for response in responses} == {201}


async def test_unknown_page(client):
    assert (await client.get("/nothing")).status_code == 404


@pytest.mark.xfail(strict=True)
async def test_known_bug(client):
    assert (await client.get("/customers/1/turnover")).json() == {"turnover": None}
