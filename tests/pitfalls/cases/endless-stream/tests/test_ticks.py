import books.ticks


async def test_first_tick(http):
    async with http.stream("GET", "/ticks") as answer:
        async for line in answer.aiter_lines():
            assert line == "data: 0"
            break
