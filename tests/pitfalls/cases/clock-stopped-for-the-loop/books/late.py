import asyncio
from datetime import datetime

from books.api import api


@api.get("/late")
async def late():
    await asyncio.sleep(0.05)
    return {"at": datetime.now().isoformat()}
