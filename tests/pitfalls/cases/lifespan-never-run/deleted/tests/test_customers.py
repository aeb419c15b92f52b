async def test_no_customers(async_client):
    assert (await async_client.get("/customers")).json() == []
