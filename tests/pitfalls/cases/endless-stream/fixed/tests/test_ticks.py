async def test_first_tick(async_client):
    async with async_client.stream("GET", "/ticks") as answer:
        async for line in answer.aiter_lines():
            assert line == "data: 0"
            break
