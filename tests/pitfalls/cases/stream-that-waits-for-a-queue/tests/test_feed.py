import books.feed


async def test_hello(http):
    async with http.stream("GET", "/feed") as answer:
        assert answer.status_code == 200
        async for line in answer.aiter_lines():
            assert line == "event: hello"
            break
