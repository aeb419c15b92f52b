from fastapi import APIRouter

from books.api import Database, NewAuthor, api

router = APIRouter(prefix="/shops")


@router.post("/", status_code=201)
async def open_shop(new: NewAuthor, database: Database):
    return {"name": new.name}


api.include_router(router)
