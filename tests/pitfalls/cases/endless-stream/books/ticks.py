import asyncio

from fastapi.responses import StreamingResponse

from books.api import api


async def ticks():
    number = 0
    while True:
        yield f"data: {number}\n\n"
        number += 1
        await asyncio.sleep(0.01)


@api.get("/ticks")
async def stream():
    return StreamingResponse(ticks(), media_type="text/event-stream")
