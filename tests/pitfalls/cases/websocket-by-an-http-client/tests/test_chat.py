import books.chat


async def test_welcome(http):
    async with http.websocket_connect("/chat") as socket:
        assert await socket.receive_text() == "welcome"
