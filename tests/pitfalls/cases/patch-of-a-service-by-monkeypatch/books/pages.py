from fastapi import HTTPException

from books.api import api
from books.covers import fetch


@api.get("/covers/{title}")
async def cover(title: str):
    try:
        return {"cover": await fetch(title)}
    except TimeoutError:
        raise HTTPException(503) from None
