from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()


@app.websocket("/ws")
async def chat(ws: WebSocket):
    await ws.accept()
    try:
        while True:
            text = await ws.receive_text()
            if text:
                await ws.send_text(f"you said {text}")
    except WebSocketDisconnect:
        pass
