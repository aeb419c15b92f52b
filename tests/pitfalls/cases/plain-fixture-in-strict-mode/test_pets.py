import pytest


@pytest.mark.asyncio
async def test_unknown(kennel):
    assert (await kennel.get("/pets/-1")).status_code == 404
