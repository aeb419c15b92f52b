from fastapi import Depends, FastAPI
from sqlalchemy import func, select

from stock.store import Item, store

web = FastAPI()


@web.get("/total")
async def total(session=Depends(store)):
    return await session.scalar(select(func.count(Item.id)))
