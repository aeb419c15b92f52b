async def test_welcome(async_client):
    async with async_client.websocket_connect("/chat") as socket:
        assert await socket.receive_text() == "welcome"
