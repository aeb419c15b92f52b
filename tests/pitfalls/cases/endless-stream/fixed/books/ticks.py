import asyncio

from fastapi.responses import StreamingResponse

from books.api import api


async def ticks(most):
    number = 0
    while most is None or number < most:
        yield f"data: {number}\n\n"
        number += 1
        await asyncio.sleep(0.01)


@api.get("/ticks")
async def stream(most: int | None = None):
    return StreamingResponse(ticks(most), media_type="text/event-stream")
