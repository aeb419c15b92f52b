import asyncio

from main import app


@app.get("/slow")
async def slow():
    await asyncio.sleep(1.2)
    return "done"
