from fastapi import Depends, FastAPI, WebSocket, WebSocketException
from fastapi.requests import HTTPConnection

app = FastAPI()


def user(conn: HTTPConnection):
    if "token" not in conn.query_params:
        raise WebSocketException(1008)
    return conn.query_params["token"]


@app.websocket("/ws")
async def ws(ws: WebSocket, user: str = Depends(user)):
    await ws.accept()
    await ws.send_text(user)
    await ws.close()
