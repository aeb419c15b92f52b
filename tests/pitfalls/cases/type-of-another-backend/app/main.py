from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import get_db
from app.models import User

app = FastAPI(title="notes")


@app.get("/users")
async def list_users(db: Annotated[AsyncSession, Depends(get_db)]):
    return (await db.scalars(select(User.name))).all()
