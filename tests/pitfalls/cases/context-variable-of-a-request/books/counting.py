from books.api import api
from books.context import SessionMiddleware
from books.service import count

api.add_middleware(SessionMiddleware)


@api.get("/count")
async def show_count():
    return await count()
