async def test_orders(client):
    r = await client.get("/api/orders")
    assert r.status_code == 200
