import asyncio

from fastapi.responses import StreamingResponse

from books.api import api

news: set[asyncio.Queue] = set()


async def events():
    queue = asyncio.Queue()
    news.add(queue)
    try:
        yield "event: hello\n\n"
        while True:
            yield f"data: {await queue.get()}\n\n"
    finally:
        news.discard(queue)


@api.get("/feed")
async def feed():
    return StreamingResponse(events(), media_type="text/event-stream")
