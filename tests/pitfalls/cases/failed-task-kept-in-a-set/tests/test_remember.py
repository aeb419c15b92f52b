import asyncio

import books.remembering


async def test_remember(http):
    assert (await http.post("/remember", json={"name": "Gogol"})).status_code == 202
    await asyncio.sleep(0.1)
