async def test_health(api):
    assert (await api.get("/health")).json() == {"database": 1}
