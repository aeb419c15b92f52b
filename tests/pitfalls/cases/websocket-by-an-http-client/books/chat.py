from fastapi import WebSocket

from books.api import api


@api.websocket("/chat")
async def chat(socket: WebSocket):
    await socket.accept()
    await socket.send_text("welcome")
    await socket.close()
