from fastapi import FastAPI
from sqlalchemy import select

from shop.db import Item, Session

app = FastAPI()


@app.get("/items")
async def items():
    async with Session() as s:
        return [i.name for i in await s.scalars(select(Item))]
