from books.api import api
from books.prices import rates


@api.get("/rates")
async def show_rates():
    return await rates()
